from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from holopose.build.outcomes import NoProgress, Outcome, Summary, Tally
from holopose.errors import BackendError, InputError
from holopose.skeletons import WHOLEBODY133
from holopose.types import Boxes, Frame, FrameInfo, Poses

GOOD = Outcome("a.jpg", 2, 0.5, frames=1)
CLIP = Outcome("a.mp4", 1, 9.0, frames=200)
BAD = Outcome("b.jpg", None, 0.1, error=InputError("b"))
WORSE = Outcome("c.jpg", None, 0.1, error=BackendError("c"))
KEPT = Outcome("d.jpg", 5, 0.0, frames=1, kept=True)


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [((), 0), ((GOOD, KEPT), 0), ((GOOD, BAD), 1), ((BAD,), 2), ((WORSE, BAD), 4), ((BAD, WORSE), 2), ((KEPT, BAD), 1)],
)
def test_the_exit_code_says_whether_all_some_or_none_went_well(outcomes: tuple[Outcome, ...], code: int) -> None:
    assert Summary(outcomes, Path("r.jsonl"), 1.0).exit_code == code


def test_a_summary_counts_the_work_of_this_run() -> None:
    summary = Summary((GOOD, CLIP, BAD, KEPT), Path("r.jsonl"), 1.0)
    assert (summary.frames, summary.people, summary.failed, summary.kept) == (201, 3, 1, 1)


class Frames:
    """A source that says what it is."""

    def __init__(self, kind: str) -> None:
        self.info = {"kind": kind}
        self.end_info: Mapping[str, Any] = {}

    def __iter__(self) -> Iterator[Frame]:
        return iter(())

    def close(self) -> None:
        pass


class Ear(NoProgress):
    def __init__(self) -> None:
        self.told: list[tuple[int, int, float | None]] = []

    def advance(self, frame: FrameInfo, people: int, latency_s: float | None) -> None:
        self.told.append((frame.index, people, latency_s))


def poses(*ids: int) -> Poses:
    count = len(ids)
    boxes = Boxes(np.tile([0.0, 0, 1, 1], (count, 1)), np.ones(count))
    return Poses(np.zeros((count, 133, 2)), np.ones((count, 133)), boxes, WHOLEBODY133, ids=np.array(ids, np.int64))


def tally(kind: str, *crowds: Poses, timed: bool = True) -> Tally:
    counts = Tally(NoProgress(), Frames(kind))
    for index, crowd in enumerate(crowds):
        counts.note(FrameInfo(index, index / 25 if timed else None, "", (4, 4)), crowd)
    return counts


def test_people_of_a_clip_are_different_identities() -> None:
    assert tally("video", poses(1, 2), poses(2), poses(), poses(3, -1)).people == 3


def test_people_of_a_clip_without_identities_are_the_most_at_once() -> None:
    assert tally("video", poses(-1), poses(-1, -1), poses(-1)).people == 2


def test_people_of_pictures_are_counted_together() -> None:
    counts = tally("images", poses(-1), poses(-1, -1), poses(), timed=False)
    assert (counts.people, counts.frames) == (3, 3)


def test_progress_is_told_of_each_frame_and_of_the_latency_of_live_ones() -> None:
    ear = Ear()
    Tally(ear, Frames("video")).note(FrameInfo(4, 0.1, "", (4, 4)), poses(1))
    camera: Any = Frames("live")
    camera.latency_s = 0.25
    Tally(ear, camera).note(Frame(np.zeros((4, 4, 3), np.uint8), 5, 0.2), poses(1, 2))
    assert ear.told == [(4, 1, None), (5, 2, 0.25)]
