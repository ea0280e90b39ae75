"""Owns Results: a whole result file read back, whatever its form, and `read_results`, which reads one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holopose.io.runinfo import RunInfo
from holopose.skeletons.skeleton import Skeleton
from holopose.types import FrameInfo, Poses

__all__ = ["UNKNOWN_RUN", "Results", "read_results"]

UNKNOWN_RUN = RunInfo(
    model="unknown",
    cards={},
    options={},
    runtime="unknown",
    runtime_version="unknown",
    device="unknown",
    precision="unknown",
    score="unknown: the file that was read does not say what a score means",
    version="unknown",
)
"""What is known about how results came about when their file does not say."""


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """Everybody in a picture or a clip, as one file told it.

    Iterating gives the pairs of `frames`, which are what a sink's `write` takes.

    Attributes:
        info: How the results came about; `info.source` and `info.source_end` hold the facts about a clip, so that a
            sink made with it writes them again.
        source: Name, width and height in pixels, and the facts about a clip, such as its rate.
        skeleton: Layout of everybody's keypoints.
        frames: Every frame in the file's order, also those without people.
        lost: Sentences that say what this file does not hold, and what stands in its place.
    """

    info: RunInfo
    source: Mapping[str, Any]
    skeleton: Skeleton
    frames: list[tuple[FrameInfo, Poses]]
    lost: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[tuple[FrameInfo, Poses]]:
        return iter(self.frames)

    def __len__(self) -> int:
        return len(self.frames)


def read_results(path: Path | str, size_wh: tuple[int, int] | None = None) -> Results:
    """A result file, recognised by what it holds: JSON, JSON Lines and CSV of holopose, COCO, OpenPose or AlphaPose.

    What comes back of holopose's own files equals what was written to within their rounding (0.005 px); `lost` says
    what a form does not hold.

    Args:
        path: The file; a folder for OpenPose.
        size_wh: Size of the pictures in pixels, for forms that do not hold it.

    Raises:
        InputError: it cannot be read, is of no such form, or is damaged.
    """
    from holopose.io.readers.recognize import read_results_file

    return read_results_file(path, size_wh)
