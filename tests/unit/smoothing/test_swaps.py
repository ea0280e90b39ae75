"""Exchanged sides found in walks known exactly, online and over the clip; what must not be flagged is not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from holopose.errors import ConfigError, InputError
from holopose.skeletons import BLAZEPOSE33, COCO17, HAND21, WHOLEBODY133
from holopose.smoothing.sides import UNITS
from holopose.smoothing.swaps import SwapFilter, exchange, find_swaps
from holopose.types import Boxes, FrameInfo, Poses, PoseSequence

Walk = Callable[..., PoseSequence]
Frames = list[tuple[FrameInfo, Poses]]
FramesOf = Callable[[PoseSequence], Frames]
Swap = Callable[..., tuple[PoseSequence, npt.NDArray[np.bool_]]]
Flags = npt.NDArray[np.bool_]
Find = Callable[[PoseSequence], Flags]


@pytest.fixture(params=["online", "offline"])
def find(request: pytest.FixtureRequest, frames_of: FramesOf) -> Find:
    """Flags (T, P, K), by the filter or over the whole clip."""

    def online(sequence: PoseSequence) -> Flags:
        part = SwapFilter()
        return np.stack([part.apply(poses, info.time_s or 0.0).swapped for info, poses in frames_of(sequence)])

    return online if request.param == "online" else find_swaps


def score(found: Flags, true: Flags) -> tuple[float, float]:
    """Precision and recall over keypoints and frames."""
    right = float((found & true).sum())
    return right / max(float(found.sum()), 1), right / float(true.sum())


def stretches(rate_hz: float, seconds: float, seed: int) -> list[tuple[int, int]]:
    """Exchanges of 1 frame to 0.4 s, 0.5 s to 1.2 s apart."""
    random, at, result = np.random.default_rng(seed), int(0.8 * rate_hz), []
    while at < (seconds - 0.6) * rate_hz:
        end = at + int(random.integers(1, max(2, int(0.4 * rate_hz))))
        result.append((at, end))
        at = end + int(random.integers(int(0.5 * rate_hz), int(1.2 * rate_hz)))
    return result


# Found ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate_hz", "yaw"), [(25, 0.1), (50, 0.1), (25, 0.6), (25, 1.3), (50, 1.3)])
@pytest.mark.parametrize("units", [["legs"], ["arms"], list(UNITS)], ids=["legs", "arms", "body"])
def test_exchanges_in_a_walk_are_found(
    find: Find, walk: Walk, swap: Swap, *, units: list[str], rate_hz: float, yaw: float
) -> None:
    found, true = [], []
    for seed in range(2):
        wrong, done = swap(
            walk(6, rate_hz, yaw=yaw, noise=0.003, seed=seed, layout=COCO17), units, stretches(rate_hz, 6, seed)
        )
        found.append(find(wrong))
        true.append(done)
    precision, recall = score(np.concatenate(found), np.concatenate(true))
    assert recall >= 0.85
    assert precision >= (0.97 if find is find_swaps else 0.75)


def test_trembling_keypoints_cost_little(find: Find, walk: Walk, swap: Swap) -> None:
    found, true = [], []
    for seed in range(4):
        wrong, done = swap(walk(6, noise=0.01, seed=seed, layout=COCO17), ["legs"], stretches(25, 6, seed))
        found.append(find(wrong))
        true.append(done)
    precision, recall = score(np.concatenate(found), np.concatenate(true))
    assert recall >= 0.95
    assert precision >= 0.85


@pytest.mark.parametrize("skeleton", [WHOLEBODY133, BLAZEPOSE33], ids=lambda one: one.name)
def test_every_layout_with_limbs(find: Find, walk: Walk, swap: Swap, skeleton: object) -> None:
    wrong, done = swap(walk(4, layout=skeleton, noise=0.003), ["legs"], [(30, 34), (60, 70)])
    precision, recall = score(find(wrong), done)
    assert min(precision, recall) > 0.9


def test_each_person_for_himself(find: Find, walk: Walk, swap: Swap) -> None:
    right = walk(4, people=3, layout=COCO17, noise=0.003)
    wrong, done = swap(right, ["legs"], [(40, 48)])
    mixed = np.array(right.xy)
    mixed[:, 1] = wrong.xy[:, 1]
    found = find(PoseSequence(mixed, right.score, right.ids, right.time_s, COCO17))
    assert not found[:, [0, 2]].any()
    np.testing.assert_array_equal(found[:, 1], done[:, 1])


# Not there -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate_hz", [12, 25, 60])
@pytest.mark.parametrize("yaw", [0.0, 0.3, 0.8, 1.57])
def test_legs_that_cross_are_no_exchange(find: Find, walk: Walk, yaw: float, rate_hz: float) -> None:
    for seed, noise in enumerate((0.0, 0.006)):
        assert not find(walk(4, rate_hz, yaw=yaw, noise=noise, seed=seed, layout=COCO17)).any()


@pytest.mark.parametrize("turn_s", [1.0, 3.0])
def test_somebody_who_turns_round_is_no_exchange(find: Find, walk: Walk, turn_s: float) -> None:
    for standing in (True, False):
        turning = walk(
            6,
            yaw=lambda t: np.pi * np.clip((t - 1.5) / turn_s, 0, 1) - np.pi / 2,
            standing=standing,
            noise=0.003,
            layout=COCO17,
        )
        assert not find(turning).any()


def test_a_jump_of_everything_is_no_exchange(find: Find, walk: Walk) -> None:
    still = walk(3, standing=True, layout=COCO17)
    xy = np.array(still.xy)
    xy[40:] += [120, -60]  # the camera was pushed
    assert not find(PoseSequence(xy, still.score, still.ids, still.time_s, COCO17)).any()


def test_missing_limbs_and_frames_are_borne(find: Find, walk: Walk, swap: Swap) -> None:
    wrong, done = swap(walk(5, layout=COCO17, noise=0.003), ["legs"], [(60, 66)])
    xy, scores = np.array(wrong.xy), np.array(wrong.score)
    random = np.random.default_rng(0)
    gone = random.random(xy.shape[:3]) < 0.05
    xy[gone], scores[gone] = np.nan, 0
    found = find(PoseSequence(xy, scores, wrong.ids, wrong.time_s, COCO17))
    precision, recall = score(found, done)
    assert recall > 0.9
    assert precision > 0.6


# Beginning wrong, staying wrong --------------------------------------------------------------------------------------


def test_a_track_that_begins_exchanged_rights_itself(walk: Walk, frames_of: FramesOf, swap: Swap) -> None:
    wrong, done = swap(walk(6, layout=COCO17, noise=0.003), ["legs"], [(0, 20)])
    part = SwapFilter()
    flags = np.stack([part.apply(poses, info.time_s or 0.0).swapped for info, poses in frames_of(wrong)])
    assert not flags[:20].any()  # nobody can know yet
    assert not flags[45:].any()  # right for longer than wrong
    np.testing.assert_array_equal(find_swaps(wrong), done)  # with the whole clip at hand, all of it


def test_an_absence_makes_a_fresh_start(walk: Walk, frames_of: FramesOf, swap: Swap) -> None:
    frames = frames_of(swap(walk(4, layout=COCO17, noise=0.003), ["legs"], [(50, 100)])[0])
    part = SwapFilter(gap_s=0.2)
    for info, poses in frames[:40]:
        part.apply(poses, info.time_s or 0.0)
    part.apply(Poses.empty(COCO17), 1.7)
    for info, poses in frames[50:90]:
        swapped = part.apply(poses, info.time_s or 0.0).swapped
        assert swapped is not None
        assert not swapped.any()


# Repair --------------------------------------------------------------------------------------------------------------


def test_repair_gives_back_what_was(walk: Walk, frames_of: FramesOf, swap: Swap) -> None:
    right = walk(4, layout=COCO17, noise=0.003)
    wrong, done = swap(right, ["legs"], [(40, 48)])
    part = SwapFilter(fix=True, keep_raw=True)
    for i, (info, poses) in enumerate(frames_of(wrong)):
        result = part.apply(poses, info.time_s or 0.0)
        np.testing.assert_array_equal(result.swapped, done[i])
        np.testing.assert_array_equal(result.xy, right.xy[i])
        np.testing.assert_array_equal(result.raw_xy, wrong.xy[i])


def test_flags_alone_change_nothing_else(walk: Walk, frames_of: FramesOf, swap: Swap) -> None:
    part = SwapFilter()
    for info, poses in frames_of(swap(walk(3), ["arms"], [(30, 40)])[0]):
        result = part.apply(poses, info.time_s or 0.0)
        assert result.replace(swapped=None).allclose(poses, atol=0)


def whole_person() -> tuple[Poses, Flags]:
    random = np.random.default_rng(0)
    boxes = Boxes(np.array([[0.0, 0.0, 9.0, 9.0]]), np.ones(1))
    flags = np.zeros((1, 17), np.bool_)
    flags[0, [13, 14]] = True  # the knees
    poses = Poses(
        random.random((1, 17, 2)),
        random.random((1, 17)),
        boxes,
        COCO17,
        visible=random.random((1, 17)) < 0.5,
        world=random.random((1, 17, 3)),
    )
    return poses, flags


def test_everything_of_a_keypoint_is_exchanged() -> None:
    poses, flags = whole_person()
    fixed = exchange(poses, flags, fix=True, keep_raw=True)
    order = np.arange(17)
    order[[13, 14]] = 14, 13
    for name in ("xy", "score", "visible", "world"):
        np.testing.assert_array_equal(getattr(fixed, name), getattr(poses, name)[:, order])
    np.testing.assert_array_equal(fixed.swapped, flags)
    np.testing.assert_array_equal(fixed.raw_xy, poses.xy)
    back = exchange(fixed, flags, fix=True)
    np.testing.assert_array_equal(back.xy, poses.xy)
    assert back.allclose(poses.replace(swapped=flags, raw_xy=poses.xy), atol=0)


def test_earlier_flags_and_raw_coordinates_are_kept() -> None:
    poses, flags = whole_person()
    earlier = np.roll(flags, 2)
    first = poses.replace(swapped=earlier, raw_xy=poses.xy + 1)
    for fix in (True, False):
        result = exchange(first, flags, fix=fix, keep_raw=True)
        np.testing.assert_array_equal(result.swapped, earlier | flags)
        np.testing.assert_array_equal(result.raw_xy, poses.xy + 1)


def test_a_missing_side_changes_places_too() -> None:
    poses, flags = whole_person()
    xy, scores = np.array(poses.xy), np.array(poses.score)
    xy[0, 13], scores[0, 13] = np.nan, 0
    fixed = exchange(poses.replace(xy=xy, score=scores), flags, fix=True)
    assert np.isnan(fixed.xy[0, 14]).all()
    np.testing.assert_array_equal(fixed.xy[0, 13], poses.xy[0, 14])


def test_people_without_id_or_without_sides_are_not_judged(walk: Walk, frames_of: FramesOf) -> None:
    part = SwapFilter(fix=True)
    for info, poses in frames_of(walk(0.5, layout=COCO17)):
        mirrored = poses.replace(xy=poses.xy[:, list(COCO17.swaps)] if info.index % 2 else poses.xy, ids=[-1])
        result = part.apply(mirrored, info.time_s or 0.0)
        assert result.replace(swapped=None).allclose(mirrored, atol=0)
    hand = Poses(np.zeros((1, 21, 2)), np.ones((1, 21)), Boxes(np.zeros((1, 4)), np.ones(1)), HAND21, ids=np.array([1]))
    for i in range(4):
        swapped = part.apply(hand, i / 25).swapped
        assert swapped is not None
        assert not swapped.any()
    part.reset()
    assert len(part.apply(Poses.empty(COCO17), 0.0)) == 0


def test_what_cannot_be_used_is_refused(walk: Walk, frames_of: FramesOf) -> None:
    for wrong in (0, -1, float("nan")):
        with pytest.raises(ConfigError, match="caution: expected a number above 0"):
            SwapFilter(caution=wrong)
        with pytest.raises(ConfigError, match="caution"):
            find_swaps(walk(0.2), caution=wrong)
    twins = frames_of(walk(0.2, people=2))[0][1].replace(ids=np.array([4, 4]))
    with pytest.raises(InputError, match="each person once"):
        SwapFilter().apply(twins, 0.0)
