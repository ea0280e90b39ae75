"""OneEuroFilter: each person and part by its own filter, steady and in time; MediaPipe's parameters."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from holopose.errors import ConfigError, InputError
from holopose.ops.one_euro import OneEuro
from holopose.skeletons import BLAZEPOSE33, WHOLEBODY133
from holopose.smoothing.one_euro import TUNING, OneEuroFilter, Tuning
from holopose.smoothing.people import reach_px
from holopose.types import Boxes, FrameInfo, Poses, PoseSequence

Walk = Callable[..., PoseSequence]
Frames = list[tuple[FrameInfo, Poses]]


def run(smooth: OneEuroFilter, frames: Frames) -> list[Poses]:
    return [smooth.apply(poses, info.time_s or 0.0) for info, poses in frames]


def stack(results: list[Poses]) -> np.ndarray:
    return np.stack([poses.xy for poses in results]).astype(np.float64)


def wobble(xy: np.ndarray) -> float:
    return float(np.median((xy[2:] - 2 * xy[1:-1] + xy[:-2]).std(axis=0)))


def test_it_steadies_and_keeps_up(walk: Walk, frames_of: Callable[[PoseSequence], Frames]) -> None:
    still = walk(4, noise=0.004, standing=True)
    smooth = stack(run(OneEuroFilter(), frames_of(still)))
    assert wobble(smooth) < 0.4 * wobble(still.xy.astype(np.float64))
    moving, true = walk(4, noise=0.002), walk(4, noise=0.0).xy.astype(np.float64)
    behind = np.abs(stack(run(OneEuroFilter(), frames_of(moving)))[20:] - true[20:])[..., 0].mean()
    step = np.abs(np.diff(true[20:, :, :, 0], axis=0)).mean()
    assert behind < 0.7 * step  # px behind, in frames of walking


def test_each_person_is_smoothed_as_if_alone(walk: Walk, frames_of: Callable[[PoseSequence], Frames]) -> None:
    both = frames_of(walk(1, people=2))
    together = stack(run(OneEuroFilter(), both))
    for person in range(2):
        alone = stack(run(OneEuroFilter(), [(info, poses[person]) for info, poses in both]))
        np.testing.assert_array_equal(together[:, person], alone[:, 0])


def test_order_of_people_does_not_matter(walk: Walk, frames_of: Callable[[PoseSequence], Frames]) -> None:
    frames = frames_of(walk(1, people=3))
    shuffled = [(info, poses[np.roll(np.arange(3), i)]) for i, (info, poses) in enumerate(frames)]
    usual, mixed = run(OneEuroFilter(), frames), run(OneEuroFilter(), shuffled)
    for i, (a, b) in enumerate(zip(usual, mixed, strict=True)):
        np.testing.assert_array_equal(a.xy[np.roll(np.arange(3), i)], b.xy)


def test_a_near_and_a_far_person_are_smoothed_alike(walk: Walk, frames_of: Callable[[PoseSequence], Frames]) -> None:
    near = frames_of(walk(1))
    far = [(info, poses.replace(xy=poses.xy / 8)) for info, poses in near]
    np.testing.assert_allclose(
        stack(run(OneEuroFilter(), near)) / 8, stack(run(OneEuroFilter(), far)), rtol=1e-4, atol=1e-3
    )


def test_people_without_id_pass_untouched(walk: Walk, frames_of: Callable[[PoseSequence], Frames]) -> None:
    smooth = OneEuroFilter(keep_raw=True)
    for info, poses in frames_of(walk(0.5, people=2)):
        assert info.time_s is not None
        result = smooth.apply(poses.replace(ids=np.array([-1, 5])), info.time_s)
        np.testing.assert_array_equal(result.xy[0], poses.xy[0])
        assert result.ids is not None
        assert result.ids.tolist() == [-1, 5]
        np.testing.assert_array_equal(result.raw_xy, poses.xy)
    assert (result.xy[1] != poses.xy[1]).any()


def test_a_new_identity_and_a_long_absence_start_anew(walk: Walk, frames_of: Callable[[PoseSequence], Frames]) -> None:
    frames = frames_of(walk(1))
    smooth = OneEuroFilter(gap_s=0.3)
    run(smooth, frames[:10])
    fresh = frames[10][1].replace(ids=np.array([99]))
    np.testing.assert_array_equal(smooth.apply(fresh, 0.4).xy, fresh.xy)
    assert (smooth.apply(frames[12][1], 0.48).xy != frames[12][1].xy).any()  # id 1 again: 0.12 s are no gap
    smooth.apply(Poses.empty(WHOLEBODY133), 0.7)
    smooth.apply(Poses.empty(WHOLEBODY133), 0.9)
    np.testing.assert_array_equal(smooth.apply(frames[23][1], 0.92).xy, frames[23][1].xy)


def test_missing_points_stay_missing_and_start_anew(walk: Walk, frames_of: Callable[[PoseSequence], Frames]) -> None:
    frames = frames_of(walk(0.5))
    smooth = OneEuroFilter()
    for i, (info, poses) in enumerate(frames):
        xy, score = np.array(poses.xy), np.array(poses.score)
        if i in (5, 6):
            xy[0, 9], score[0, 9] = np.nan, 0
        result = smooth.apply(poses.replace(xy=xy, score=score), info.time_s or 0.0)
        np.testing.assert_array_equal(np.isnan(result.xy), np.isnan(xy))
        if i == 7:
            np.testing.assert_array_equal(result.xy[0, 9], poses.xy[0, 9])
            assert (result.xy[0, 10] != poses.xy[0, 10]).any()


def test_world_coordinates_are_smoothed_too(walk: Walk, frames_of: Callable[[PoseSequence], Frames]) -> None:
    random = np.random.default_rng(0)
    smooth, seen, given = OneEuroFilter(), [], []
    for info, poses in frames_of(walk(2)):
        given.append(random.normal(0, 0.01, (1, 133, 3)).astype(np.float32))
        given[-1][0, 20] = np.nan
        world = smooth.apply(poses.replace(world=given[-1]), info.time_s or 0.0).world
        assert world is not None
        seen.append(world)
    assert np.nanstd(np.diff(seen, axis=0)) < 0.5 * np.nanstd(np.diff(given, axis=0))
    assert (np.isnan(seen).sum(axis=(0, 1, 3)) > 0).nonzero()[0].tolist() == [20]
    poses = poses.replace(world=None)
    assert smooth.apply(poses, 3.0).world is None


def test_nothing_but_coordinates_changes(walk: Walk, frames_of: Callable[[PoseSequence], Frames]) -> None:
    flags = np.zeros((1, 133), np.bool_)
    flags[0, 3] = True
    smooth = OneEuroFilter()
    for info, poses in frames_of(walk(0.4)):
        full = poses.replace(visible=flags, swapped=flags, native=poses)
        result = smooth.apply(full, info.time_s or 0.0)
        assert result.replace(xy=full.xy).allclose(full, atol=0)


def test_raw_coordinates_on_request_are_the_earliest(walk: Walk, frames_of: Callable[[PoseSequence], Frames]) -> None:
    frames = frames_of(walk(0.4))
    first, second = OneEuroFilter(keep_raw=True), OneEuroFilter(keep_raw=True)
    for info, poses in frames:
        twice = second.apply(first.apply(poses, info.time_s or 0.0), info.time_s or 0.0)
        np.testing.assert_array_equal(twice.raw_xy, poses.xy)
    assert run(OneEuroFilter(), frames)[-1].raw_xy is None


def test_parts_have_their_own_parameters(walk: Walk, frames_of: Callable[[PoseSequence], Frames]) -> None:
    frames = frames_of(walk(0.6))
    plain = run(OneEuroFilter(), frames)[-1]
    other = run(OneEuroFilter(tuning={"face": Tuning(0.01, 0.0), "left_hand": None}), frames)[-1]
    parts = WHOLEBODY133.parts
    for part in ("body", "feet", "right_hand"):
        np.testing.assert_array_equal(plain.part(part).xy, other.part(part).xy)
    np.testing.assert_array_equal(other.part("left_hand").xy, frames[-1][1].part("left_hand").xy)
    assert (np.abs(other.xy - plain.xy)[0, list(parts["face"])] > 1).any()
    assert set(TUNING) == set(parts)


def test_times_that_stand_still_pass(walk: Walk, frames_of: Callable[[PoseSequence], Frames]) -> None:
    frames = frames_of(walk(0.4))
    smooth = OneEuroFilter()
    run(smooth, frames[:5])
    again = smooth.apply(frames[7][1], frames[4][0].time_s or 0.0)
    np.testing.assert_array_equal(again.xy, frames[7][1].xy)


def test_mediapipe_is_its_filter_on_body_and_feet_only(walk: Walk, frames_of: Callable[[PoseSequence], Frames]) -> None:
    frames = frames_of(walk(1, layout=BLAZEPOSE33))
    image = OneEuro(min_cutoff=0.05, beta=80, d_cutoff=1, against="raw")
    world = OneEuro(min_cutoff=0.1, beta=40, d_cutoff=1, against="raw")
    smooth = OneEuroFilter.mediapipe()
    for i, (info, poses) in enumerate(frames):
        metres = np.random.default_rng(i).normal(size=(1, 33, 3)).astype(np.float32)
        result = smooth.apply(poses.replace(world=metres), info.time_s or 0.0)
        scale = 1 / reach_px(poses)[:, None, None]
        expected = image.step(poses.xy, info.time_s or 0.0, value_scale=scale)
        np.testing.assert_allclose(result.xy, expected, atol=1e-3)
        np.testing.assert_allclose(result.world, world.step(metres, info.time_s or 0.0), atol=1e-5)
    whole = frames_of(walk(0.4))
    last = run(OneEuroFilter.mediapipe(), whole)[-1]
    for part in ("face", "left_hand", "right_hand"):
        np.testing.assert_array_equal(last.part(part).xy, whole[-1][1].part(part).xy)
    assert (last.part("body").xy != whole[-1][1].part("body").xy).any()


def test_mediapipe_forgets_at_once(walk: Walk, frames_of: Callable[[PoseSequence], Frames]) -> None:
    frames = frames_of(walk(0.4))
    smooth = OneEuroFilter.mediapipe()
    run(smooth, frames[:5])
    smooth.apply(Poses.empty(WHOLEBODY133), 0.2)
    np.testing.assert_array_equal(smooth.apply(frames[6][1], 0.24).xy, frames[6][1].xy)


def test_people_of_no_size_pass_in_mediapipe_mode() -> None:
    point = Poses(
        np.zeros((1, 133, 2)), np.ones((1, 133)), Boxes(np.zeros((1, 4)), np.ones(1)), WHOLEBODY133, ids=np.array([1])
    )
    smooth = OneEuroFilter.mediapipe()
    smooth.apply(point, 0.0)
    np.testing.assert_array_equal(smooth.apply(point.replace(xy=point.xy + 3), 0.1).xy, point.xy + 3)


def test_another_layout_and_reset_start_anew(walk: Walk, frames_of: Callable[[PoseSequence], Frames]) -> None:
    smooth = OneEuroFilter()
    run(smooth, frames_of(walk(0.2)))
    other = frames_of(walk(0.6, layout=BLAZEPOSE33))[10]
    np.testing.assert_array_equal(smooth.apply(other[1], 0.4).xy, other[1].xy)
    smooth.reset()
    np.testing.assert_array_equal(smooth.apply(other[1], 0.5).xy, other[1].xy)


def test_options_without_meaning(walk: Walk, frames_of: Callable[[PoseSequence], Frames]) -> None:
    with pytest.raises(ConfigError, match="expected parts among body"):
        OneEuroFilter(tuning={"tail": Tuning(1, 1)})
    with pytest.raises(ConfigError, match="min_cutoff"):
        OneEuroFilter(tuning={"body": Tuning(0, 1)})
    with pytest.raises(ConfigError, match="against"):
        OneEuroFilter(against="both")
    twins = frames_of(walk(0.2, people=2))[0][1].replace(ids=np.array([4, 4]))
    with pytest.raises(InputError, match="each person once"):
        OneEuroFilter().apply(twins, 0.0)
