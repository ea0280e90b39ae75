"""KalmanFilter: steady at rest, without lag at constant speed, carried by motion where it is unsure."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from holopose.errors import ConfigError
from holopose.skeletons import COCO17, WHOLEBODY133
from holopose.smoothing.kalman import MOTION, KalmanFilter, Motion
from holopose.types import Boxes, FrameInfo, Poses, PoseSequence

Walk = Callable[..., PoseSequence]
Frames = list[tuple[FrameInfo, Poses]]

SHAPE = np.random.default_rng(3).uniform(0, 200, (17, 2))


def person(at: float, *, noise: float = 0.0, score: float = 0.9, seed: int = 0) -> Poses:
    xy = SHAPE + np.array([at, 0]) + noise * np.random.default_rng(seed).normal(size=(17, 2))
    box = Boxes([[at, 0.0, at + 200, 200.0]], [0.9])
    return Poses(xy[None], np.full((1, 17), score), box, COCO17, ids=np.array([1]))


def run(smooth: KalmanFilter, frames: Frames) -> np.ndarray:
    return np.stack([smooth.apply(poses, info.time_s or 0.0).xy for info, poses in frames]).astype(np.float64)


def test_it_steadies_people_who_stand(walk: Walk, frames_of: Callable[[PoseSequence], Frames]) -> None:
    still = walk(4, standing=True, people=2)
    smooth = run(KalmanFilter(), frames_of(still))[20:]
    raw = still.xy[20:].astype(np.float64)
    assert smooth.std(axis=0).mean() < 0.85 * raw.std(axis=0).mean()
    assert np.diff(smooth, n=2, axis=0).std() < 0.6 * np.diff(raw, n=2, axis=0).std()
    np.testing.assert_allclose(smooth.mean(axis=0), raw.mean(axis=0), atol=1.0)


def test_constant_speed_costs_no_lag() -> None:
    smooth = KalmanFilter()
    for i in range(60):
        result = smooth.apply(person(10.0 * i), i / 25)
    np.testing.assert_allclose(result.xy[0], SHAPE + np.array([590, 0]), atol=0.5)


def test_unsure_points_are_carried_by_their_motion() -> None:
    off = {}
    for score in (0.9, 0.1):
        smooth = KalmanFilter()
        for i in range(40):
            smooth.apply(person(4.0 * i), i / 25)
        jumped = person(160.0, score=score)
        xy = np.array(jumped.xy)
        xy[:, :, 1] += 50
        off[score] = float(np.abs(smooth.apply(jumped.replace(xy=xy), 40 / 25).xy[0, :, 1] - SHAPE[:, 1]).mean())
    assert off[0.1] < 6
    assert 15 < off[0.9] < 50


def test_score_of_nothing_and_people_of_no_size_do_no_harm() -> None:
    smooth = KalmanFilter()
    for i in range(5):
        poses = person(0.0, score=0.0)
        result = smooth.apply(poses.replace(xy=np.zeros_like(poses.xy)), i / 25)
    np.testing.assert_array_equal(result.xy, 0)


def test_missing_points_stay_missing_and_are_followed_when_they_return() -> None:
    smooth = KalmanFilter()
    for i in range(30):
        poses = person(6.0 * i)
        xy, score = np.array(poses.xy), np.array(poses.score)
        if 10 <= i < 20:
            xy[0, 3], score[0, 3] = np.nan, 0
        result = smooth.apply(poses.replace(xy=xy, score=score), i / 25)
        np.testing.assert_array_equal(np.isnan(result.xy), np.isnan(xy))
        if i == 20:
            assert np.abs(result.xy[0, 3] - xy[0, 3]).max() < 3  # motion went on: no jump, no drag


def test_each_person_is_filtered_as_if_alone_whatever_the_order(
    walk: Walk, frames_of: Callable[[PoseSequence], Frames]
) -> None:
    both = frames_of(walk(1, people=2))
    mixed = [(info, poses[[i % 2, 1 - i % 2]]) for i, (info, poses) in enumerate(both)]
    smooth, alone = KalmanFilter(), KalmanFilter()
    for i, ((info, poses), (_, single)) in enumerate(zip(mixed, both, strict=True)):
        assert info.time_s is not None
        result = smooth.apply(poses, info.time_s)
        np.testing.assert_allclose(result.xy[i % 2], alone.apply(single[0], info.time_s).xy[0], atol=1e-4)


def test_world_is_filtered_and_nothing_else_changes() -> None:
    smooth, random = KalmanFilter(keep_raw=True), np.random.default_rng(0)
    given, seen = [], []
    for i in range(60):
        given.append(random.normal(0, 0.01, (1, 17, 3)).astype(np.float32))
        poses = person(0.0, noise=1.0, seed=i).replace(world=given[-1])
        result = smooth.apply(poses, i / 25)
        assert result.world is not None
        seen.append(result.world)
        np.testing.assert_array_equal(result.raw_xy, poses.xy)
        assert result.replace(xy=poses.xy, world=poses.world, raw_xy=None).allclose(poses, atol=0)
    assert np.std(seen[10:]) < 0.8 * np.std(given[10:])


def test_people_without_id_and_times_that_stand_still_pass() -> None:
    smooth = KalmanFilter()
    nobody = person(0.0).replace(ids=np.array([-1]))
    assert smooth.apply(nobody, 0.0).allclose(nobody, atol=0)
    smooth.apply(person(0.0), 0.0)
    np.testing.assert_array_equal(smooth.apply(person(50.0), 0.0).xy, person(50.0).xy)
    assert len(smooth.apply(Poses.empty(WHOLEBODY133), 1.0)) == 0


def test_gap_and_reset_start_anew() -> None:
    smooth = KalmanFilter(gap_s=0.2)
    for begin in (0.0, 10.0):
        np.testing.assert_array_equal(smooth.apply(person(0.0), begin).xy, person(0.0).xy)
        assert (smooth.apply(person(30.0), begin + 0.04).xy != person(30.0).xy).any()
        smooth.apply(Poses.empty(COCO17), begin + 1.0)
    smooth.apply(person(0.0), 20.0)
    smooth.reset()
    np.testing.assert_array_equal(smooth.apply(person(30.0), 20.04).xy, person(30.0).xy)


def test_options() -> None:
    assert set(MOTION) == set(WHOLEBODY133.parts)
    with pytest.raises(ConfigError, match="expected parts among"):
        KalmanFilter(motion={"tail": Motion(1, 1)})
    with pytest.raises(ConfigError, match="motion: body: expected noise and wander above 0"):
        KalmanFilter(motion={"body": Motion(0, 1)})
    with pytest.raises(ConfigError, match="gap_s"):
        KalmanFilter(gap_s=-1)
