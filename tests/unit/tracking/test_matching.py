"""Who takes which sighting, step by step."""

from __future__ import annotations

from collections.abc import Collection
from types import ModuleType

import numpy as np
import numpy.typing as npt
import pytest

from holopose.tracking.matching import match, newcomers
from holopose.tracking.sightings import Sightings
from holopose.tracking.tracks import Tracks
from holopose.types import FrameInfo

Floats = npt.NDArray[np.float64]
SIZE_WH = (1280, 720)


@pytest.fixture
def person(scenes: ModuleType) -> Floats:
    return scenes.Person(scenes.line((400, 360), (0, 0))).pose(0.0)


def by(right_px: float, down_px: float = 0) -> Floats:
    return np.array([right_px, down_px], np.float64)


class Table:
    """People who stood still for a second: those `lost` not seen for most of it, those `new` provisional."""

    def __init__(
        self,
        scenes: ModuleType,
        poses: list[Floats],
        *,
        lost: Collection[int] = (),
        new: Collection[int] = (),
    ) -> None:
        self.scenes = scenes
        count = len(poses)
        first = self.see(poses)
        self.tracks = Tracks.begin(first, np.arange(count), np.arange(count) + 1, 0.0)
        for step in range(30):
            self.tracks.advance(1 / 30, SIZE_WH)
            rows = np.array([i for i in range(count) if step < 3 or i not in lost])
            self.tracks.see(rows, first, rows, (step + 1) / 30)
        self.tracks.advance(1 / 30, SIZE_WH)
        self.tracks.ids[:] = [-1 if i in new else i + 1 for i in range(count)]
        self.recent = (self.tracks.missed <= 1) & (self.tracks.ids >= 0)

    def see(self, poses: list[Floats], scores: list[float] | None = None) -> Sightings:
        people = self.scenes.to_poses(poses, scores or [0.9] * len(poses))
        return Sightings.of(people, FrameInfo(0, 0.0, "", SIZE_WH), appearance=False)

    def match(self, seen: Sightings) -> list[int]:
        confident = seen.scores >= 0.3
        return match(self.tracks, seen, recent=self.recent, confident=confident, weak=~confident).tolist()


def test_each_takes_their_own_in_any_order(scenes: ModuleType, person: Floats) -> None:
    table = Table(scenes, [person, person + by(200), person + by(400)])
    seen = table.see([person + by(402, 1), person + by(-3), person + by(204, 2)])
    assert table.match(seen) == [2, 0, 1]


def test_weak_sightings_are_for_those_left_over(scenes: ModuleType, person: Floats) -> None:
    table = Table(scenes, [person, person + by(200)])
    seen = table.see([person + by(2), person + by(8), person + by(203)], [0.15, 0.9, 0.2])
    assert table.match(seen) == [-1, 0, 1]


def test_somebody_seen_just_now_keeps_what_a_lost_one_could_be(scenes: ModuleType, person: Floats) -> None:
    """The lost one's place is vague: of two who fit, the surer is meant, though the other fits as well."""
    table = Table(scenes, [person, person + by(25)], lost={0})
    assert table.match(table.see([person + by(12)])) == [1]


def test_lost_people_come_back_where_nobody_else_is(scenes: ModuleType, person: Floats) -> None:
    table = Table(scenes, [person, person + by(400)], lost={0})
    assert table.match(table.see([person + by(401), person + by(120)])) == [1, 0]
    assert table.match(table.see([person + by(401), person + by(800)])) == [1, -1]


def test_the_double_of_somebody_is_no_lost_person(scenes: ModuleType, person: Floats) -> None:
    """Hidden behind the first one, who is now seen twice."""
    table = Table(scenes, [person, person + by(30)], lost={1})
    seen = table.see([person, person + by(14, 4)])
    assert table.match(seen) == [0, -1]
    assert newcomers(seen, np.array([0, -1]), np.array([True, True])).tolist() == []


def test_sudden_moves_are_looked_for_farther_around(scenes: ModuleType, person: Floats) -> None:
    """A fifth of a body height from one frame to the next, everybody the same way."""
    table = Table(scenes, [person, person + by(300)])
    assert table.match(table.see([person + by(70), person + by(370)])) == [0, 1]


def test_provisional_people_come_last(scenes: ModuleType, person: Floats) -> None:
    table = Table(scenes, [person + by(10), person], new={0})
    assert table.match(table.see([person + by(9)])) == [1]
    assert Table(scenes, [person + by(10)], new={0}).match(table.see([person + by(9)])) == [0]


def test_newcomers_are_confident_and_once_each(scenes: ModuleType, person: Floats) -> None:
    table = Table(scenes, [person])
    seen = table.see([person + by(300), person + by(305, 2), person + by(600), person], [0.5, 0.8, 0.2, 0.9])
    confident = np.array([True, True, False, True])
    assert newcomers(seen, np.array([-1, -1, -1, 0]), confident).tolist() == [1]


def test_nobody(scenes: ModuleType, person: Floats) -> None:
    table = Table(scenes, [person])
    assert table.match(table.see([])) == []
    nobody = np.zeros(0, np.bool_)
    seen = table.see([person])
    assert match(Tracks.none(), seen, recent=nobody, confident=np.array([True]), weak=np.array([False])).tolist() == [
        -1
    ]
