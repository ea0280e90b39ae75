"""Time between frames, from what they say of it."""

from __future__ import annotations

import pytest

from holopose.tracking.clock import Clock
from holopose.types import FrameInfo


def steps(*frames: tuple[int, float | None]) -> list[float]:
    clock = Clock()
    return [clock.tick(FrameInfo(index, time_s, "", (10, 10))) for index, time_s in frames]


def test_frames_are_believed() -> None:
    """Also when they come at a variable rate, or frames were left out."""
    assert steps((0, 5.0), (1, 5.02), (2, 5.1), (9, 6.1)) == pytest.approx([0, 0.02, 0.08, 1.0])


def test_without_time_an_index_is_a_thirtieth_of_a_second() -> None:
    assert steps((0, None), (1, None), (4, None)) == pytest.approx([0, 1 / 30, 0.1])
    assert steps((0, 1.0), (1, None), (3, 7.0)) == pytest.approx([0, 1 / 30, 2 / 30])


def test_time_never_goes_back() -> None:
    """The step before counts again: a clock set anew, a clip that starts over, frames of one time or all of index 0."""
    assert steps((0, 0.0), (1, 0.04), (2, -7.0), (3, -6.9)) == pytest.approx([0, 0.04, 0.04, 0.1])
    assert steps((0, 0.0), (1, 0.04), (2, 0.04)) == pytest.approx([0, 0.04, 0.04])
    assert steps((0, None), (0, None), (0, None)) == pytest.approx([0, 1 / 30, 1 / 30])


def test_now_is_the_sum() -> None:
    clock = Clock()
    for index, time_s in enumerate([3.0, 3.5, 3.6, 3.0]):
        clock.tick(FrameInfo(index, time_s, "", (10, 10)))
    assert clock.now_s == pytest.approx(0.5 + 0.1 + 0.1)
