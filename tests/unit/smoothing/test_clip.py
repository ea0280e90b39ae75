"""Clips keep their frames, people and order; tracks are smoothed, filled and put right one by one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from holopose.errors import ConfigError, InputError
from holopose.skeletons import COCO17
from holopose.smoothing.clip import fill_clip, fix_clip, smooth_clip, track_sequences
from holopose.smoothing.offline import METHODS, smooth_sequence
from holopose.types import FrameInfo, Poses, PoseSequence

Walk = Callable[..., PoseSequence]
Frames = list[tuple[FrameInfo, Poses]]
FramesOf = Callable[[PoseSequence], Frames]


def rich(frames: Frames) -> Frames:
    """With everything that poses can carry, and somebody without id in front of the others."""
    result = []
    for i, (info, poses) in enumerate(frames):
        random = np.random.default_rng(i)
        more = poses[[0, *range(len(poses))]] if len(poses) else poses
        ids = np.array(more.ids)
        ids[:1] = -1
        flags = random.random(more.score.shape) < 0.5
        world = random.normal(size=(*more.score.shape, 3))
        result.append((info, more.replace(ids=ids, visible=flags, world=world, swapped=~flags, native=more)))
    return result


# Smoothing -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_only_coordinates_of_people_with_an_id_change(method: str, walk: Walk, frames_of: FramesOf) -> None:
    frames = rich(frames_of(walk(1, people=2, layout=COCO17)))
    smooth = smooth_clip(frames, method)
    assert [info for info, _ in smooth] == [info for info, _ in frames]
    for (_, before), (_, after) in zip(frames, smooth, strict=True):
        assert after.replace(xy=before.xy, world=before.world).allclose(before, atol=0)
        assert after[0].allclose(before[0], atol=0)
    for (_, before), (_, after) in zip(frames[1:-1], smooth[1:-1], strict=True):
        assert before.world is not None
        assert after.world is not None
        assert (after.world[1:] != before.world[1:]).mean() > 0.5
        assert (after.xy[1:] != before.xy[1:]).any()


def test_it_is_the_sequences_smoothing_whatever_the_order_of_people(walk: Walk, frames_of: FramesOf) -> None:
    sequence = walk(1.5, people=3, layout=COCO17)
    frames = frames_of(sequence)
    turned = [(info, poses[np.roll(np.arange(3), i)]) for i, (info, poses) in enumerate(frames)]
    expected = smooth_sequence(sequence, "savgol").xy
    for i, (_, poses) in enumerate(smooth_clip(turned, "savgol")):
        np.testing.assert_array_equal(poses.xy, expected[i][np.roll(np.arange(3), i)])


def test_people_come_and_go(walk: Walk, frames_of: FramesOf) -> None:
    xy, sequence = np.array(walk(2, people=2, layout=COCO17).xy), walk(2, people=2, layout=COCO17)
    xy[:20, 1] = xy[30:, 0] = np.nan
    score = np.where(np.isnan(xy[..., 0]), 0, sequence.score)
    frames = frames_of(PoseSequence(xy, score, sequence.ids, sequence.time_s, COCO17))
    smooth = smooth_clip(frames, "butterworth")
    assert [len(poses) for _, poses in smooth] == [1] * 20 + [2] * 10 + [1] * 20
    second = PoseSequence(xy[20:, [1]], score[20:, [1]], sequence.ids[[1]], sequence.time_s[20:], COCO17)
    expected = smooth_sequence(second, "butterworth").xy[:, 0]
    for at, (_, poses) in enumerate(smooth[20:]):
        np.testing.assert_array_equal(poses.xy[poses.ids == 2][0], expected[at])


def test_raw_coordinates_are_kept_on_request(walk: Walk, frames_of: FramesOf) -> None:
    frames = frames_of(walk(0.6, layout=COCO17))
    for (_, before), (_, after) in zip(frames, smooth_clip(frames, "median", keep_raw=True), strict=True):
        np.testing.assert_array_equal(after.raw_xy, before.xy)
    assert smooth_clip(frames, "median")[0][1].raw_xy is None


def test_an_empty_clip_and_clips_of_nobody(walk: Walk, frames_of: FramesOf) -> None:
    assert smooth_clip([], "savgol") == fill_clip([], 0.2) == fix_clip([]) == track_sequences([]) == []
    nobody = [(info, Poses.empty(COCO17)) for info, _ in frames_of(walk(0.2))]
    for result in (smooth_clip(nobody), fill_clip(nobody, 1.0), fix_clip(nobody)):
        assert [len(poses) for _, poses in result] == [0] * 5


def test_world_that_is_there_in_some_frames_only(walk: Walk, frames_of: FramesOf) -> None:
    frames = frames_of(walk(1, layout=COCO17))
    partly = [
        (info, poses.replace(world=np.full((1, 17, 3), float(i)) if i % 5 else None))
        for i, (info, poses) in enumerate(frames)
    ]
    for i, (_, poses) in enumerate(smooth_clip(partly, "butterworth", max_gap_s=0.2)):
        assert (poses.world is None) == (i % 5 == 0)
        if poses.world is not None and 3 < i < 22:
            np.testing.assert_allclose(poses.world, i, atol=0.2)


# Gaps ----------------------------------------------------------------------------------------------------------------


def with_gap(sequence: PoseSequence, gap: slice, keypoints: slice | list[int] = slice(None)) -> PoseSequence:
    xy, score = np.array(sequence.xy), np.array(sequence.score)
    xy[gap, 0, keypoints], score[gap, 0, keypoints] = np.nan, 0
    return PoseSequence(xy, score, sequence.ids, sequence.time_s, sequence.skeleton)


def test_a_person_lost_for_a_moment_comes_back_last_and_unsure(walk: Walk, frames_of: FramesOf) -> None:
    whole = walk(1, people=2, layout=COCO17, noise=0.0)
    frames = frames_of(with_gap(whole, slice(10, 13)))
    frames = [(info, poses.replace(visible=np.ones(poses.score.shape), native=poses)) for info, poses in frames]
    filled = fill_clip(frames, 0.2)
    for i, ((_, before), (_, after)) in enumerate(zip(frames, filled, strict=True)):
        if not 10 <= i < 13:
            assert after.allclose(before, atol=0)
            continue
        assert after.ids is not None
        assert after.ids.tolist() == [2, 1]
        assert after[0].replace(native=None).allclose(before.replace(native=None), atol=0)
        assert np.abs(after.xy[1] - whole.xy[i, 0]).max() < 20
        np.testing.assert_allclose(after.score[1], 0.45, atol=1e-6)
        assert after.boxes.score.tolist() == pytest.approx([0.8, 0.4])
        centre = after.boxes.xyxy[1].reshape(2, 2).mean(axis=0)
        assert np.abs(centre - (after.xy[1].min(axis=0) + after.xy[1].max(axis=0)) / 2).max() < 15
        assert after.visible is not None
        assert after.visible.all(axis=1).tolist() == [True, False]
        assert after.native is not None
        assert np.isnan(after.native.xy[1]).all()


def test_longer_absences_stay(walk: Walk, frames_of: FramesOf) -> None:
    frames = frames_of(with_gap(walk(1, layout=COCO17), slice(10, 15)))
    assert [len(poses) for _, poses in fill_clip(frames, 0.2)] == [len(poses) for _, poses in frames]
    assert all(len(poses) == 1 for _, poses in fill_clip(frames, 0.24))


def test_missing_keypoints_are_filled_where_they_were(walk: Walk, frames_of: FramesOf) -> None:
    whole = walk(1, layout=COCO17, noise=0.0)
    frames = frames_of(with_gap(whole, slice(5, 8), [9, 10]))
    metres = [np.full((1, 17, 3), float(i)) for i in range(len(frames))]
    for i in range(5, 8):
        metres[i][0, 9:11] = np.nan
    frames = [
        (info, poses.replace(world=metres[i], visible=np.ones(poses.score.shape)))
        for i, (info, poses) in enumerate(frames)
    ]
    filled = fill_clip(frames, 0.2)
    assert not any(np.isnan(poses.xy).any() for _, poses in filled)
    middle = filled[6][1]
    assert np.abs(middle.xy[0] - whole.xy[6, 0]).max() < 10
    assert middle.world is not None
    np.testing.assert_allclose(middle.world, 6.0, atol=1e-5)
    assert middle.visible is not None
    assert np.flatnonzero(~middle.visible[0]).tolist() == [9, 10]
    assert middle.score[0, 9] == pytest.approx(0.45)


def test_filled_gaps_have_no_raw_coordinates(walk: Walk, frames_of: FramesOf) -> None:
    frames = frames_of(with_gap(walk(1, layout=COCO17), slice(10, 12)))
    kept = [(info, poses.replace(raw_xy=poses.xy, swapped=np.ones(poses.score.shape))) for info, poses in frames]
    for filled in (fill_clip(kept, 0.2), fill_clip(frames, 0.2, keep_raw=True)):
        raw = filled[10][1].raw_xy
        assert raw is not None
        assert np.isnan(raw).all()
        np.testing.assert_array_equal(filled[9][1].raw_xy, frames[9][1].xy)
    swapped = fill_clip(kept, 0.2)[10][1].swapped
    assert swapped is not None
    assert not swapped.any()
    assert fill_clip(frames, 0.2)[10][1].raw_xy is None


# Sides ---------------------------------------------------------------------------------------------------------------


def test_exchanged_legs_are_put_right(walk: Walk, frames_of: FramesOf, swap: Callable[..., tuple]) -> None:
    right = walk(4, layout=COCO17, people=2)
    wrong, done = swap(right, ["legs"], [(30, 35), (60, 68)])
    for fix in (True, False):
        result = fix_clip(frames_of(wrong), fix=fix, keep_raw=True)
        np.testing.assert_array_equal(np.stack([poses.swapped for _, poses in result]), done)
        np.testing.assert_array_equal(np.stack([poses.xy for _, poses in result]), right.xy if fix else wrong.xy)
        np.testing.assert_array_equal(np.stack([poses.raw_xy for _, poses in result]), wrong.xy)


# What cannot be used -------------------------------------------------------------------------------------------------


def test_what_cannot_be_used_is_refused(walk: Walk, frames_of: FramesOf) -> None:
    frames = frames_of(walk(0.3, people=2, layout=COCO17))
    info, poses = frames[0]
    still = FrameInfo(0, None, "still.jpg", (10, 10))
    for action in (smooth_clip, fix_clip, track_sequences, lambda rows: fill_clip(rows, 0.1)):
        with pytest.raises(InputError, match=r"frame 0: expected the time of each frame of a clip, got none"):
            action([(still, poses)])
        with pytest.raises(InputError, match=r"frame 0: expected each person once, got the ids \[1, 1\]"):
            action([(info, poses.replace(ids=np.array([1, 1])))])
        with pytest.raises(InputError, match="do not decrease"):
            action(frames[::-1])
    other = walk(0.3, people=2)
    with pytest.raises(InputError, match="expected one layout in a clip, got coco17 and wholebody133"):
        smooth_clip([frames[0], frames_of(other)[1]])
    with pytest.raises(ConfigError, match="method"):
        smooth_clip(frames, "blur")
    with pytest.raises(ConfigError, match="decay"):
        fill_clip(frames, 0.1, decay=2)
    with pytest.raises(ConfigError, match="caution"):
        fix_clip(frames, caution=0)
