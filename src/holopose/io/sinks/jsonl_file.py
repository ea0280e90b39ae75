"""Owns JsonlSink: people of every frame as JSON Lines, for programs that read while a run still goes on."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from holopose.errors import OutputError
from holopose.io.recorder import Recorder, to_json
from holopose.io.records import LINES_SCHEMA
from holopose.io.runinfo import RunInfo
from holopose.io.sinks.staged import StagedFile
from holopose.types import Frame, FrameInfo, Poses

__all__ = ["JsonlSink"]


class JsonlSink:
    """Writes schema ``holopose/lines/1``: the head of the JSON document, a line per frame, and its tail as last line.

    Every frame is handed to the system at once, so that a run that is killed leaves all of them: under the temporary
    name, since the real one appears only when the tail is written.

    Args:
        path: The file to write.
        info: How the results came about.
        native: Add the model's own keypoints where the poses hold them.
        world: Add coordinates in metres where there are any.
        normalized: Add coordinates as fractions of the picture.
        overwrite: Whether an existing file may be replaced.
        inputs: Files that are never replaced.

    Raises:
        OutputError: the file cannot be written there; also from `write` and `close`.
    """

    def __init__(
        self,
        path: Path | str,
        info: RunInfo,
        *,
        native: bool = False,
        world: bool = True,
        normalized: bool = False,
        overwrite: bool = False,
        inputs: Iterable[Path | str] = (),
    ) -> None:
        self._file = StagedFile(path, overwrite=overwrite, inputs=inputs)
        self._recorder = Recorder(
            self._file.path, LINES_SCHEMA, info, native=native, world=world, normalized=normalized
        )
        self._closed = False

    def write(self, frame: Frame | FrameInfo, poses: Poses) -> None:
        """Append one frame's line.

        Raises:
            OutputError: it cannot be written, or its people have another layout than those before.
        """
        if not self._recorder.count:
            self._file.write(to_json(self._recorder.head(frame, poses)) + "\n")
        self._file.write(to_json(self._recorder.record(frame, poses)) + "\n")
        self._file.flush()

    def close(self, *, ok: bool) -> None:
        """Write the tail and give the file its name (`ok`), or leave no file behind.

        Raises:
            OutputError: it cannot be finished, or no frame ever came.
        """
        if self._closed or not ok:
            self._closed = True
            self._file.discard()
            return
        self._closed = True
        try:
            self._file.write(to_json(self._recorder.tail()) + "\n")
        except OutputError:
            self._file.discard()
            raise
        self._file.commit()
