"""Seats follow ids, sizes follow bodies, joined people keep what they have."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from holopose.errors import ConfigError, InputError
from holopose.skeletons import COCO17, FACE68, HAND21, WHOLEBODY133, Skeleton
from holopose.smoothing.people import (
    Seats,
    extent_px,
    join_people,
    keep_raw_xy,
    pad_rows,
    reach_px,
    take_rows,
    tracked_rows,
)
from holopose.types import Boxes, Poses, PoseSequence


def poses_of(count: int, skeleton: Skeleton = COCO17, seed: int = 0, **rest: object) -> Poses:
    random = np.random.default_rng(seed)
    xy = random.uniform(0, 100, (count, len(skeleton), 2))
    boxes = Boxes(np.tile([0.0, 0.0, 100.0, 100.0], (count, 1)), np.full(count, 0.5))
    return Poses(xy, np.full(xy.shape[:2], 0.5), boxes, skeleton, **rest)  # type: ignore[arg-type]


# Seats ---------------------------------------------------------------------------------------------------------------


def admit(seats: Seats, ids: list[int], time_s: float) -> list[int]:
    return seats.admit(np.array(ids, np.int64), time_s).tolist()


def test_people_of_the_frame_come_first_and_bring_their_rows() -> None:
    seats = Seats(1.0)
    assert admit(seats, [5, 7], 0.0) == [-1, -1]
    assert admit(seats, [7, 9, 5], 0.1) == [1, -1, 0]
    assert seats.ids.tolist() == [7, 9, 5]
    assert admit(seats, [9], 0.2) == [1, 0, 2]  # 7 and 5 are absent and keep their seats, behind
    assert seats.ids.tolist() == [9, 7, 5]


def test_absence_ends_a_seat_after_the_gap_and_not_before() -> None:
    seats = Seats(0.5)
    admit(seats, [1, 2], 0.0)
    assert admit(seats, [2], 0.5) == [1, 0]
    assert admit(seats, [2], 0.6) == [0]
    assert admit(seats, [1, 2], 0.7) == [-1, 0]


def test_without_a_gap_one_frame_of_absence_is_the_end_however_slow_the_clip() -> None:
    seats = Seats(0.0)
    admit(seats, [1], 0.0)
    assert admit(seats, [1], 5.0) == [0]
    assert admit(seats, [], 10.0) == []
    assert admit(seats, [1], 15.0) == [-1]


def test_a_clock_that_starts_again_empties_the_seats() -> None:
    seats = Seats(0.5)
    admit(seats, [1, 2], 100.0)
    assert admit(seats, [1], 99.9) == [0, 1]
    assert admit(seats, [1], 0.0) == [-1]
    seats.reset()
    assert len(seats) == 0


def test_seats_refuse_what_has_no_meaning() -> None:
    with pytest.raises(ConfigError, match="gap_s: expected 0 or more"):
        Seats(-0.1)
    with pytest.raises(ConfigError, match="gap_s"):
        Seats(float("nan"))
    with pytest.raises(InputError, match=r"expected each person once in a frame, got \[3, 3\]"):
        admit(Seats(1.0), [3, 3], 0.0)


def test_state_moves_with_its_seat() -> None:
    state = np.array([[1.0], [2.0]])
    assert take_rows(state, np.array([1, -1, 0]), 9.0).tolist() == [[2.0], [9.0], [1.0]]
    assert take_rows(np.zeros((0, 1)), np.array([-1])).shape == (1, 1)
    flags = take_rows(np.array([True]), np.array([-1, 0]), False)
    assert flags.tolist() == [False, True]
    assert np.isnan(pad_rows(np.ones((1, 2)), 3)).sum() == 4


# Sizes ---------------------------------------------------------------------------------------------------------------


def test_extent_is_the_longer_side_of_body_and_feet(walk: Callable[..., PoseSequence]) -> None:
    xy = walk(0.5, noise=0.0).xy[0]
    body = xy[0, :23]
    whole = Poses(xy, np.ones(xy.shape[:2]), Boxes(np.zeros((1, 4)), np.ones(1)), WHOLEBODY133)
    assert extent_px(whole)[0] == pytest.approx(np.ptp(body[:, 1]))
    far = np.array(xy)
    far[0, 91:] += 5000  # hands do not make somebody larger
    assert extent_px(whole.replace(xy=far))[0] == pytest.approx(extent_px(whole)[0])


def test_extent_of_parts_alone_and_of_nothing() -> None:
    for skeleton in (HAND21, FACE68):
        hand = poses_of(1, skeleton)
        assert extent_px(hand)[0] == pytest.approx(np.ptp(hand.xy[0], axis=0).max())
    empty = poses_of(2)
    empty = empty.replace(xy=np.full(empty.xy.shape, np.nan), score=np.zeros(empty.score.shape))
    assert extent_px(empty).tolist() == [0.0, 0.0]
    assert reach_px(empty).tolist() == [0.0, 0.0]
    assert extent_px(Poses.empty(COCO17)).shape == (0,)


def test_reach_is_twice_the_way_from_the_hips_to_the_farthest_point() -> None:
    xy = np.zeros((1, 17, 2))
    xy[0, COCO17.index("left_ankle")] = [30.0, 40.0]
    person = Poses(xy, np.ones((1, 17)), Boxes(np.zeros((1, 4)), np.ones(1)), COCO17)
    assert reach_px(person).tolist() == [100.0]
    hand = poses_of(1, HAND21)
    assert reach_px(hand) == extent_px(hand)


# People --------------------------------------------------------------------------------------------------------------


def test_who_has_an_id() -> None:
    rows, ids = tracked_rows(poses_of(3, ids=np.array([4, -1, 2])))
    assert (rows.tolist(), ids.tolist()) == ([0, 2], [4, 2])
    assert len(tracked_rows(poses_of(2))[0]) == 0


def test_raw_coordinates_are_the_earliest() -> None:
    poses = poses_of(1)
    assert keep_raw_xy(poses, keep=False) is None
    assert keep_raw_xy(poses, keep=True) is poses.xy
    kept = poses.replace(raw_xy=poses.xy + 1)
    assert keep_raw_xy(kept, keep=True) is kept.raw_xy
    assert keep_raw_xy(kept, keep=False) is kept.raw_xy


def test_joined_people_keep_what_they_have() -> None:
    size = (2, 17)
    first = poses_of(
        2,
        ids=np.array([1, 2]),
        visible=np.ones(size, np.bool_),
        world=np.ones((*size, 3)),
        raw_xy=np.ones((*size, 2)),
        swapped=np.ones(size, np.bool_),
        native=poses_of(2, HAND21),
    )
    second = poses_of(1, seed=1, ids=np.array([9]))
    joined = join_people(first, second)
    assert joined[:2].allclose(first)
    assert joined.ids is not None
    assert joined.ids.tolist() == [1, 2, 9]
    np.testing.assert_array_equal(joined.xy[2], second.xy[0])
    assert joined.visible is not None
    assert joined.swapped is not None
    assert joined.world is not None
    assert joined.raw_xy is not None
    assert joined.native is not None
    assert not joined.visible[2].any()
    assert not joined.swapped[2].any()
    assert np.isnan(joined.world[2]).all()
    assert np.isnan(joined.raw_xy[2]).all()
    assert np.isnan(joined.native.xy[2]).all()
    assert join_people(second, first).world is None
    assert join_people(Poses.empty(COCO17), first).allclose(first)
