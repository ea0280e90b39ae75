"""PoseTracker: the rules of identities, whatever comes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holopose.errors import ConfigError
from holopose.protocols import Tracker
from holopose.skeletons import COCO17, WHOLEBODY133
from holopose.skeletons.conversions import convert
from holopose.tracking.tracker import PoseTracker
from holopose.types import Boxes, FrameInfo, Poses

SIZE_WH = (1280, 720)


def info(index: int, time_s: float | None = None) -> FrameInfo:
    return FrameInfo(index, index / 30 if time_s is None else time_s, "", SIZE_WH)


def ids(poses: Poses) -> list[int]:
    assert poses.ids is not None
    return poses.ids.tolist()


@pytest.fixture
def at(scenes: ModuleType) -> Callable[..., Poses]:
    """People standing at these x, px."""

    def make(*x: float, score: float = 0.9) -> Poses:
        people = [scenes.Person(scenes.line((one, 360), (0, 0))).pose(0.0) for one in x]
        return scenes.to_poses(people, [score] * len(x))  # type: ignore[no-any-return]

    return make


def follow(tracker: PoseTracker, rows: Iterable[Poses], start: int = 0) -> list[list[int]]:
    return [ids(tracker.update(poses, info(start + i))) for i, poses in enumerate(rows)]


# What is given ids ---------------------------------------------------------------------------------------------------


def test_an_id_after_confirmation_whatever_the_order(at: Callable[..., Poses]) -> None:
    tracker = PoseTracker(confirm=3)
    assert isinstance(tracker, Tracker)
    rows = [at(300, 600), at(600, 300), at(300, 600), at(601, 302), at(300, 600)]
    assert follow(tracker, rows) == [[-1, -1], [-1, -1], [1, 2], [2, 1], [1, 2]]


def test_a_sighting_or_two_are_nobody(at: Callable[..., Poses]) -> None:
    tracker = PoseTracker(confirm=3)
    assert follow(tracker, [at(300), at(300, 900), at(300, 900), *[at(300)] * 9]) == [
        [-1],
        [-1, -1],
        [1, -1],
        *[[1]] * 9,
    ]


def test_flickering_people_are_confirmed_too(at: Callable[..., Poses]) -> None:
    """Seen in every second frame."""
    assert follow(PoseTracker(confirm=3), [at(300), at(), at(300), at(), at(300), at(), at(300)])[4::2] == [[1], [1]]


def test_weak_people_are_followed_and_not_born(at: Callable[..., Poses]) -> None:
    tracker = PoseTracker(min_score=0.4, weak_score=0.2)
    rows = [*[at(300)] * 4, *[at(300, score=0.25)] * 30, *[at(300, score=0.1)] * 3]
    assert follow(tracker, rows)[3:] == [*[[1]] * 31, *[[-1]] * 3]
    assert follow(PoseTracker(min_score=0.4), [at(300, score=0.3)] * 10) == [[-1]] * 10


def test_back_within_the_gap_or_somebody_new(at: Callable[..., Poses]) -> None:
    for away, expected in ((55, 1), (65, 2)):
        tracker = PoseTracker(gap_s=2.0)
        rows = [*[at(300)] * 30, *[at()] * away, *[at(300)] * 3]
        assert follow(tracker, rows)[-1] == [expected]


def test_nobody_is_followed_over_a_huge_step(at: Callable[..., Poses]) -> None:
    tracker = PoseTracker(gap_s=2.0)
    follow(tracker, [at(300)] * 5)
    later = [ids(tracker.update(at(300), info(5 + i, 1e6 + i / 30))) for i in range(3)]
    assert later == [[-1], [-1], [2]]


def test_a_clock_set_back_keeps_everybody(at: Callable[..., Poses]) -> None:
    tracker = PoseTracker()
    for index, time_s in enumerate([100.0, 100.04, 100.08, 3.0, 3.04, 3.08]):
        last = tracker.update(at(300, 600), info(index, time_s))
    assert ids(last) == [1, 2]


def test_reset_counts_anew(at: Callable[..., Poses]) -> None:
    tracker = PoseTracker(confirm=1)
    assert follow(tracker, [at(300), at(300, 700)]) == [[1], [1, 2]]
    tracker.reset()
    assert follow(tracker, [at(700)]) == [[1]]


def test_another_layout_is_another_clip_with_ids_of_its_own(at: Callable[..., Poses]) -> None:
    tracker = PoseTracker(confirm=1)
    assert follow(tracker, [at(300)]) == [[1]]
    assert follow(tracker, [convert(at(300), WHOLEBODY133)] * 2, start=1) == [[2], [2]]


def test_ids_that_came_with_the_people_mean_nothing(at: Callable[..., Poses]) -> None:
    given_ids = at(300).replace(ids=np.array([77]))
    assert follow(PoseTracker(confirm=2), [given_ids, given_ids]) == [[-1], [1]]


@pytest.mark.parametrize(
    "wrong",
    [{"gap_s": -1}, {"gap_s": float("nan")}, {"confirm": 0}, {"min_score": 1.5}, {"weak_score": 0.5, "min_score": 0.4}],
)
def test_numbers_that_make_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        PoseTracker(**wrong)


# Provisional people --------------------------------------------------------------------------------------------------


def test_what_became_of_provisional_people(at: Callable[..., Poses]) -> None:
    tracker = PoseTracker(confirm=3)
    tracker.update(at(300, 900), info(0))
    stays, goes = tracker.pending.tolist()
    assert tracker.settle(stays) is None
    for index in range(1, 7):
        tracker.update(at(300), info(index))
    assert (tracker.settle(stays), tracker.settle(goes)) == (1, -1)
    assert tracker.pending.tolist() == [-1]


def test_the_end_confirms_who_was_always_there(at: Callable[..., Poses]) -> None:
    tracker = PoseTracker(confirm=3)
    follow(tracker, [at(300)])
    tracker.update(at(900, 300), info(1))
    always, late = tracker.pending.tolist()[::-1]
    tracker.finish()
    assert (tracker.settle(always), tracker.settle(late)) == (1, 2)


# Whatever comes ------------------------------------------------------------------------------------------------------


@st.composite
def anything(draw: st.DrawFn) -> Poses:
    """People anywhere, some of them on top of each other, without keypoints, without a box."""
    count = draw(st.integers(0, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    place = rng.choice([100.0, 130.0, 400.0, 1500.0, -90.0], (count, 1, 2))
    xy = place + rng.uniform(-60, 60, (count, 17, 2)) * rng.choice([1.0, 0.0, 30.0], (count, 1, 1), p=[0.8, 0.1, 0.1])
    missing = rng.uniform(size=(count, 17)) < rng.choice([0.0, 0.5, 1.0], (count, 1))
    low, high = xy.min(axis=1), xy.max(axis=1)
    flat = rng.uniform(size=(count, 1)) < 0.2
    boxes = Boxes(np.hstack([low, np.where(flat, low, high)]), rng.uniform(0, 1, count))
    xy[missing] = np.nan
    return Poses(xy, np.where(missing, 0, rng.choice([0.0, 0.5, 1.0], (count, 17))), boxes, COCO17)


@settings(max_examples=60)
@given(st.lists(st.tuples(anything(), st.sampled_from([0.0, 0.03, 0.1, 0.7, 5.0, -1.0])), max_size=12))
def test_number_and_order_stay_and_ids_are_single(rows: list[tuple[Poses, float]]) -> None:
    tracker = PoseTracker(gap_s=1.0, confirm=2)
    time_s, now_s, last_step, seen_s = 0.0, 0.0, 1 / 30, dict[int, float]()
    for index, (poses, step) in enumerate(rows):
        time_s += step
        last_step = step if step > 0 and index else last_step
        now_s += last_step if index else 0
        result = tracker.update(poses, info(index, time_s))
        assert result.replace(ids=poses.ids).allclose(poses, atol=0)
        given_ids = [one for one in ids(result) if one >= 0]
        assert len(set(given_ids)) == len(given_ids)
        for one in given_ids:
            assert now_s - seen_s.get(one, now_s) <= 1.0 + 1e-6, "an id was given again after the gap"
            seen_s.setdefault(one, now_s)
            seen_s[one] = now_s
    assert sorted(seen_s) == list(range(1, len(seen_s) + 1))


def test_ids_are_not_array_positions_and_people_stay_sorted(scenes: ModuleType) -> None:
    """A bug seen elsewhere (rtmlib): ids used as places in arrays; when that failed, people came back in another order
    and the tracker was not updated. Here ids run past the number of people, rows stay as they came, and frames of any
    kind (nobody, unknown keypoints) neither fail nor stop the updates.
    """
    rng = np.random.default_rng(0)
    tracker = PoseTracker(confirm=1, gap_s=0.2)
    people = [scenes.Person(scenes.line((200 + 220 * i, 360), (15 * i, 0))) for i in range(5)]
    truth: dict[int, int] = {}
    highest = 0
    for index in range(240):
        there = [i for i in range(5) if (index // 24 + i) % 3]  # who is there changes all the time, for long
        order = rng.permutation(there if index % 11 else [])
        poses = scenes.to_poses([people[i].pose(index / 30) for i in order], [0.9] * len(order))
        if index % 7 == 0:
            poses = poses.replace(xy=np.full_like(poses.xy, np.nan), score=np.zeros_like(poses.score))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            result = tracker.update(poses, info(index))
        assert result.xy.tobytes() == poses.xy.tobytes()
        assert len(ids(result)) == len(order)
        if index % 24 == 0 or index % 7 == 0:
            truth.clear()
        for person, identity in zip(order.tolist(), ids(result), strict=True):
            assert identity >= 1
            assert truth.setdefault(person, identity) == identity
            highest = max(highest, identity)
    assert highest > 10 > len(people)
