"""Owns OverlaySink: the picture with everybody's skeleton drawn on it, as a picture file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from holopose.errors import OutputError
from holopose.io.sinks.staged import StagedFile
from holopose.ops.laps import lap
from holopose.types import Frame, FrameInfo, Poses

__all__ = ["FORMATS", "OverlaySink", "Paints", "encode_picture"]

Image = npt.NDArray[np.uint8]

FORMATS: dict[str, str] = {".png": "png", ".jpg": "jpg", ".jpeg": "jpg", ".webp": "webp"}
"""File name endings and the format each stands for."""

_LONGEST_PX = {"jpg": 65500, "webp": 16383}


class Paints(Protocol):
    """What draws: `holopose.draw.painter.Painter`, or anything like it."""

    def paint(self, frame: Frame, poses: Poses) -> Image:
        """(H, W, 3) uint8 RGB or (H, W, 4) uint8 RGBA."""


class OverlaySink:
    """Writes one drawn picture; its format follows the file name's ending (png, jpg, webp).

    Args:
        path: The file to write.
        painter: What draws.
        quality: Of JPEG and WebP, 1 to 100. Pictures with transparency are always without loss.
        overwrite: Whether an existing file may be replaced.
        inputs: Files that are never replaced, the picture itself above all.

    Raises:
        OutputError: the file cannot be written there or has another ending; also from `write` and `close`.
    """

    def __init__(
        self,
        path: Path | str,
        painter: Paints,
        *,
        quality: int = 95,
        overwrite: bool = False,
        inputs: Iterable[Path | str] = (),
    ) -> None:
        ending = Path(path).suffix.lower()
        if ending not in FORMATS:
            raise OutputError(f"{path}: expected a file name ending in {', '.join(FORMATS)}, got {ending or 'none'}")
        self._format = FORMATS[ending]
        self._painter = painter
        self._quality = quality
        self._file = StagedFile(path, overwrite=overwrite, inputs=inputs)
        self._written = False

    def write(self, frame: Frame | FrameInfo, poses: Poses) -> None:
        """Draw and encode the picture.

        Raises:
            OutputError: the format cannot hold it, it cannot be written, or there was a picture before it.
        """
        if not isinstance(frame, Frame):
            raise OutputError(f"{self._file.path}: expected a frame with its pixels to draw on; `holopose render` does")
        if self._written:
            raise OutputError(f"{self._file.path}: holds one picture, but frame {frame.index} came as another")
        self._written = True
        try:
            with lap("draw"):
                image = self._painter.paint(frame, poses)
            content = encode_picture(image, self._format, quality=self._quality)
        except OutputError as error:
            raise OutputError(f"{self._file.path}: {error}") from error
        self._file.write(content)

    def close(self, *, ok: bool) -> None:
        """Give the picture its name (`ok`) or leave no file behind; without a picture there is no file."""
        if ok and self._written:
            self._file.commit()
        else:
            self._file.discard()


def encode_picture(image: Image, format_name: str, *, quality: int = 95) -> bytes:
    """A picture file's bytes.

    Args:
        image: (H, W, 3) uint8 RGB or (H, W, 4) uint8 RGBA.
        format_name: ``png``, ``jpg`` or ``webp``.
        quality: 1 to 100, for jpg and webp.

    Raises:
        OutputError: the format has no transparency, is too small for the picture, or fails.
    """
    import cv2

    height, width, channels = image.shape
    limit = _LONGEST_PX.get(format_name, 1_000_000)
    if max(height, width) > limit:
        raise OutputError(f"{format_name} holds at most {limit} px a side, got {width}x{height}; choose png")
    if channels == 4 and format_name == "jpg":
        raise OutputError("jpg has no transparency; choose png or webp")
    options = {
        "png": [],
        # Thin coloured lines do not survive JPEG's usual halving of the colour planes.
        "jpg": [
            cv2.IMWRITE_JPEG_QUALITY,
            quality,
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
        ],
        "webp": [cv2.IMWRITE_WEBP_QUALITY, 101 if channels == 4 else quality],
    }[format_name]
    try:
        swapped = cv2.cvtColor(image, cv2.COLOR_RGBA2BGRA if channels == 4 else cv2.COLOR_RGB2BGR)
        done, data = cv2.imencode(f".{format_name}", swapped, options)
    except cv2.error as error:
        raise OutputError(f"cannot be encoded as {format_name}: {error.err}") from error
    if not done:
        raise OutputError(f"cannot be encoded as {format_name}")
    return data.tobytes()
