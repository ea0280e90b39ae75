"""Owns JsonSink: people of every frame as one JSON document, written frame by frame."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from holopose.errors import OutputError
from holopose.io.records import SCHEMA, describe_run, describe_skeleton, frame_record, plain_name
from holopose.io.runinfo import RunInfo
from holopose.io.sinks.staged import StagedFile
from holopose.skeletons.skeleton import Skeleton
from holopose.types import Frame, FrameInfo, Poses

__all__ = ["JsonSink"]


class JsonSink:
    """Writes a document of schema ``holopose/result/1``: a line for each field of the head and for each frame.

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
        self._info = info
        self._extras = {"native": native, "world": world, "normalized": normalized}
        self._source: dict[str, Any] | None = None
        self._skeleton: Skeleton | None = None
        self._native: Skeleton | None = None
        self._count = 0
        self._closed = False

    def write(self, frame: Frame | FrameInfo, poses: Poses) -> None:
        """Append one frame.

        Raises:
            OutputError: it cannot be written, or its people have another layout than those before.
        """
        width, height = frame.size_wh
        if self._source is None or self._skeleton is None:
            self._source = {"name": plain_name(frame.name), "width": width, "height": height}
            self._skeleton = poses.skeleton
            self._file.write(self._head(self._source, poses.skeleton))
        if poses.skeleton != self._skeleton:
            raise OutputError(
                f"{self._file.path}: expected keypoints of {self._skeleton.name}, got {poses.skeleton.name}; "
                "write them to a file of their own"
            )
        record = frame_record(frame, poses, **self._extras)
        own = {"name": plain_name(frame.name), "width": width, "height": height}
        record |= {key: value for key, value in own.items() if value != self._source[key]}
        if self._extras["native"] and poses.native is not None:
            self._native = poses.native.skeleton
        self._file.write((",\n" if self._count else "\n") + _compact(record))
        self._count += 1

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
        if self._source is None:
            self._file.discard()
            raise OutputError(f"{self._file.path}: there was no frame, so there is no result to write")
        tail: dict[str, Any] = {"frame_count": self._count}
        if self._native is not None:
            tail = {"native_skeleton": describe_skeleton(self._native), **tail}
        self._file.write("\n],\n" + _lines(tail) + "\n}\n")
        self._file.commit()

    def _head(self, source: dict[str, Any], skeleton: Skeleton) -> str:
        run = describe_run(self._info)
        head = {
            "schema": SCHEMA,
            "holopose": self._info.version,
            "source": {**source, **{key: value for key, value in self._info.source.items() if key not in source}},
            "model": run["model"],
            "runtime": run["runtime"],
            "skeleton": describe_skeleton(skeleton),
            "score": run["score"],
        }
        return "{\n" + _lines(head) + ',\n"frames": ['


def _lines(fields: dict[str, Any]) -> str:
    return ",\n".join(f"{_compact(key)}: {_compact(value)}" for key, value in fields.items())


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
