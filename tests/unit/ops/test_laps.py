"""Laps count what they should, cost nobody anything who does not measure, and do not leak between threads."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from holopose.ops.laps import lap, measuring


class Clock:
    """Seconds that pass only when told."""

    now = 100.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    hand = Clock()
    monkeypatch.setattr("holopose.ops.laps.time", SimpleNamespace(perf_counter=hand.perf_counter))
    return hand


def test_stages_add_up(clock: Clock) -> None:
    with measuring() as seconds:
        for passed in (1, 2, 3):
            with lap("crop"):
                clock.now += passed
            clock.now += 50
        with lap("network"):
            clock.now += 4
    assert seconds == {"crop": 6, "network": 4}
    assert list(seconds) == ["crop", "network"]


def test_real_time_passes() -> None:
    with measuring() as seconds, lap("sum"):
        _ = sum(range(100_000))
    assert seconds["sum"] > 0


def test_outside_of_a_measurement_nothing_is_kept() -> None:
    with lap("crop"):
        pass
    with measuring() as seconds:
        pass
    with lap("crop"):
        pass
    assert seconds == {}


def test_the_inner_measurement_takes_its_laps_alone() -> None:
    with measuring() as outer:
        with lap("one"):
            pass
        with measuring() as inner, lap("two"):
            pass
        with lap("three"):
            pass
    assert list(outer) == ["one", "three"]
    assert list(inner) == ["two"]


def test_a_stage_that_fails_has_its_time_and_its_error(clock: Clock) -> None:
    def fail() -> None:
        with lap("decode"):
            clock.now += 2
            raise ZeroDivisionError

    with measuring() as seconds, pytest.raises(ZeroDivisionError):
        fail()
    assert seconds == {"decode": 2}


def test_other_threads_do_not_count() -> None:
    def work() -> None:
        with lap("elsewhere"):
            pass

    with measuring() as seconds:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        with lap("here"):
            pass
    assert list(seconds) == ["here"]
