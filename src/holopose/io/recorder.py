"""Owns Recorder: head, frames and tail of one result as records, which the forms of JSON write down as they come."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from holopose.errors import OutputError
from holopose.io.records import (
    describe_run,
    describe_skeleton,
    describe_source,
    describe_track,
    frame_record,
    plain_name,
)
from holopose.io.runinfo import RunInfo
from holopose.ops.tracks import TrackLog
from holopose.skeletons.skeleton import Skeleton
from holopose.types import Frame, FrameInfo, Poses

__all__ = ["Recorder", "to_json"]


class Recorder:
    """Turns frames into records; memory grows with the number of identities, not with time.

    Args:
        path: The file they are for, for messages.
        schema: Name and version of its form.
        info: How the results came about.
        native: Add the model's own keypoints where the poses hold them.
        world: Add coordinates in metres where there are any.
        normalized: Add coordinates as fractions of the picture.
    """

    def __init__(self, path: Path, schema: str, info: RunInfo, *, native: bool, world: bool, normalized: bool) -> None:
        self.count = 0
        self._path, self._schema, self._info = path, schema, info
        self._extras = {"native": native, "world": world, "normalized": normalized}
        self._source: dict[str, Any] = {}
        self._skeleton: Skeleton | None = None
        self._native: Skeleton | None = None
        self._log = TrackLog()

    def head(self, frame: Frame | FrameInfo, poses: Poses) -> dict[str, Any]:
        """What stands before the frames, known with the first one: `record` or `note` takes that one next."""
        run = describe_run(self._info)
        self._source = describe_source(frame, self._info)
        self._skeleton = poses.skeleton
        return {
            "schema": self._schema,
            "holopose": self._info.version,
            "source": self._source,
            "model": run["model"],
            "runtime": run["runtime"],
            "skeleton": describe_skeleton(poses.skeleton),
            "score": run["score"],
        }

    def record(self, frame: Frame | FrameInfo, poses: Poses) -> dict[str, Any]:
        """One frame; its name and size where they are not the head's.

        Raises:
            OutputError: its people have another layout than those before.
        """
        self.note(frame, poses)
        record = frame_record(frame, poses, **self._extras)
        width, height = frame.size_wh
        own = {"name": plain_name(frame.name), "width": width, "height": height}
        return record | {key: value for key, value in own.items() if value != self._source[key]}

    def note(self, frame: Frame | FrameInfo, poses: Poses) -> None:
        """Take one frame into account for the tail only, for forms that hold frames in another way.

        Raises:
            OutputError: its people have another layout than those before.
        """
        if self._skeleton is not None and poses.skeleton != self._skeleton:
            raise OutputError(
                f"{self._path}: expected keypoints of {self._skeleton.name}, got {poses.skeleton.name}; "
                "write them to a file of their own"
            )
        if self._extras["native"] and poses.native is not None:
            self._native = poses.native.skeleton
        self._log.add(frame.index, frame.time_s, poses.ids, poses.boxes.score)
        self.count += 1

    def tail(self) -> dict[str, Any]:
        """What stands after the frames.

        Raises:
            OutputError: no frame ever came.
        """
        if not self.count:
            raise OutputError(f"{self._path}: there was no frame, so there is no result to write")
        facts = dict(self._info.source_end())
        tracks = [describe_track(track) for track in self._log.tracks()]
        return {
            **({} if self._native is None else {"native_skeleton": describe_skeleton(self._native)}),
            **({"source_end": facts} if facts else {}),
            **({"tracks": tracks} if tracks else {}),
            "frame_count": self.count,
        }


def to_json(value: Any) -> str:
    """A value as JSON on one line."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
