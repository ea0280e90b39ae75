"""Owns JsonSink: people of every frame as one JSON document, written frame by frame."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from holopose.errors import OutputError
from holopose.io.recorder import Recorder, to_json
from holopose.io.records import SCHEMA
from holopose.io.runinfo import RunInfo
from holopose.io.sinks.staged import StagedFile
from holopose.types import Frame, FrameInfo, Poses

__all__ = ["JsonSink"]


class JsonSink:
    """Writes a document of schema ``holopose/result/1``: a line for each field of the head and for each frame.

    A frame's line is written when it comes; what is known only at the end stands behind the frames: what
    `info.source_end` tells then, and every identity with its span and quality.

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
        self._recorder = Recorder(self._file.path, SCHEMA, info, native=native, world=world, normalized=normalized)
        self._closed = False

    def write(self, frame: Frame | FrameInfo, poses: Poses) -> None:
        """Append one frame.

        Raises:
            OutputError: it cannot be written, or its people have another layout than those before.
        """
        if not self._recorder.count:
            self._file.write("{\n" + _lines(self._recorder.head(frame, poses)) + ',\n"frames": [')
        before = ",\n" if self._recorder.count else "\n"
        self._file.write(before + to_json(self._recorder.record(frame, poses)))

    def close(self, *, ok: bool) -> None:
        """Finish the document (`ok`) or leave no file behind.

        Raises:
            OutputError: it cannot be finished, or no frame ever came.
        """
        if self._closed or not ok:
            self._closed = True
            self._file.discard()
            return
        self._closed = True
        try:
            self._file.write("\n],\n" + _lines(self._recorder.tail()) + "\n}\n")
        except OutputError:
            self._file.discard()
            raise
        self._file.commit()


def _lines(fields: dict[str, Any]) -> str:
    return ",\n".join(f"{to_json(key)}: {to_json(value)}" for key, value in fields.items())
