"""Owns PictureFolderSink: a folder with one drawn picture per frame."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from holopose.errors import OutputError
from holopose.io.records import plain_name
from holopose.io.sinks.folder import StagedFolder
from holopose.io.sinks.overlay import FORMATS, Paints, encode_picture
from holopose.types import Frame, FrameInfo, Poses

__all__ = ["PictureFolderSink"]


class PictureFolderSink:
    """Writes ``<picture>.overlay.png`` for stills and ``<clip>_<frame, 6 digits>.overlay.png`` for frames of a clip.

    The folder appears with all its pictures or not at all. A second still of the same name has its number too.

    Args:
        path: The folder to write.
        painter: What draws.
        kind: What the pictures are called: ``photo.overlay.png``.
        format_name: ``png``, ``jpg`` or ``webp``.
        quality: Of JPEG and WebP, 1 to 100.
        overwrite: Whether an existing folder of such pictures may be replaced.
        inputs: Files and folders that are never replaced.

    Raises:
        OutputError: the folder cannot be written there, or there is no such format; also from `write` and `close`.
    """

    def __init__(
        self,
        path: Path | str,
        painter: Paints,
        *,
        kind: str = "overlay",
        format_name: str = "png",
        quality: int = 95,
        overwrite: bool = False,
        inputs: Iterable[Path | str] = (),
    ) -> None:
        formats = tuple(dict.fromkeys(FORMATS.values()))
        if format_name not in formats:
            raise OutputError(f"{path}: expected pictures as {', '.join(formats)}, got {format_name!r}")
        self._painter = painter
        self._format = format_name
        self._quality = quality
        self._ending = f".{kind}.{format_name}"
        self._folder = StagedFolder(path, ending=self._ending, overwrite=overwrite, inputs=inputs)
        self._count = 0
        self._ended = False

    def write(self, frame: Frame | FrameInfo, poses: Poses) -> None:
        """Draw and add one picture.

        Raises:
            OutputError: the format cannot hold it, it cannot be written, or there is a picture of that frame already.
        """
        if not isinstance(frame, Frame):
            path = self._folder.path
            raise OutputError(f"{path}: expected a frame with its pixels to draw on; `holopose render` does")
        name = self._name(frame)
        try:
            content = encode_picture(self._painter.paint(frame, poses), self._format, quality=self._quality)
        except OutputError as error:
            raise OutputError(f"{self._folder.path / name}: {error}") from error
        self._folder.write(name, content)
        self._count += 1

    def close(self, *, ok: bool) -> None:
        """Give the folder its name (`ok`) or leave nothing behind; without a picture there is no folder.

        Raises:
            OutputError: the name has been taken meanwhile.
        """
        ended, self._ended = self._ended, True
        if ok and self._count and not ended:
            self._folder.commit()
        else:
            self._folder.discard()

    def _name(self, frame: Frame) -> str:
        stem = plain_name(PurePosixPath(frame.name.replace("\\", "/")).stem).replace("\\", "_") or "frame"
        name = f"{stem}{self._ending}"
        if frame.time_s is not None or not frame.name or self._folder.holds(name):
            name = f"{stem}_{frame.index:06d}{self._ending}"
        return name
