"""AnatomyFilter: unsure joints come back to plausible distances, sure and foreshortened ones stay."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from holopose.errors import ConfigError, InputError
from holopose.skeletons import COCO17, HAND21, WHOLEBODY133
from holopose.smoothing.anatomy import AnatomyFilter
from holopose.types import Boxes, FrameInfo, Poses, PoseSequence

Walk = Callable[..., PoseSequence]
Frames = list[tuple[FrameInfo, Poses]]
FramesOf = Callable[[PoseSequence], Frames]

KNEE, ANKLE, WRIST, ELBOW = (COCO17.index(f"left_{name}") for name in ("knee", "ankle", "wrist", "elbow"))


@pytest.fixture
def taught(walk: Walk, frames_of: FramesOf) -> tuple[AnatomyFilter, Poses]:
    """A filter that knows somebody, and that person now."""
    part = AnatomyFilter()
    frames = frames_of(walk(3, layout=COCO17, noise=0.003))
    for info, poses in frames:
        part.apply(poses, info.time_s or 0.0)
    return part, frames[-1][1]


def length(poses: Poses, a: int, b: int) -> float:
    return float(np.linalg.norm(poses.xy[0, a].astype(np.float64) - poses.xy[0, b]))


def far(poses: Poses, joint: int, score: float, times: float = 2.0) -> Poses:
    """One joint much farther from the one before it, with a score of its own."""
    xy, scores = np.array(poses.xy), np.array(poses.score)
    parent = {ANKLE: KNEE, WRIST: ELBOW}[joint]
    xy[0, joint] = xy[0, parent] + times * (xy[0, joint] - xy[0, parent])
    scores[0, joint] = score
    return poses.replace(xy=xy, score=scores)


def test_unsure_joints_come_back_and_sure_ones_stay(taught: tuple[AnatomyFilter, Poses]) -> None:
    part, now = taught
    usual = length(now, KNEE, ANKLE)
    before, after = {}, {}
    for i, score in enumerate((0.05, 0.5, 0.95)):
        thrown = far(now, ANKLE, score)
        result = part.apply(thrown, 3.0 + i / 25)
        before[score], after[score] = length(thrown, KNEE, ANKLE), length(result, KNEE, ANKLE)
        np.testing.assert_array_equal(result.score, thrown.score)
    assert after[0.05] < usual * 1.35
    assert after[0.05] < after[0.5] < after[0.95]
    assert after[0.95] > before[0.95] - 3


def test_joints_move_along_their_bone_and_nothing_else_moves(taught: tuple[AnatomyFilter, Poses]) -> None:
    part, now = taught
    thrown = far(now, WRIST, 0.1)
    result = part.apply(thrown, 3.0)
    moved = np.flatnonzero(np.abs(result.xy - thrown.xy).max(axis=(0, 2)) > 2)
    assert moved.tolist() == [WRIST]
    bone, short = (poses.xy[0, WRIST] - poses.xy[0, ELBOW] for poses in (thrown, result))
    np.testing.assert_allclose(bone / np.linalg.norm(bone), short / np.linalg.norm(short), atol=0.02)


def test_foreshortened_limbs_stay(taught: tuple[AnatomyFilter, Poses]) -> None:
    part, now = taught
    xy, score = np.array(now.xy), np.array(now.score)
    xy[0, ANKLE] = xy[0, KNEE] + 5
    score[0, [KNEE, ANKLE]] = 0.2
    result = part.apply(now.replace(xy=xy, score=score), 3.0)
    np.testing.assert_allclose(result.xy[0, ANKLE], xy[0, ANKLE], atol=1.0)


def test_a_walker_is_hardly_altered(walk: Walk, frames_of: FramesOf) -> None:
    part = AnatomyFilter()
    off = [
        np.abs(part.apply(poses, info.time_s or 0.0).xy - poses.xy).max()
        for info, poses in frames_of(walk(4, people=2))
    ]
    assert max(off) < 1.0  # px of 400


def test_left_teaches_right(walk: Walk, frames_of: FramesOf) -> None:
    """The left leg is never seen well; the right one's lengths hold for it."""
    part = AnatomyFilter()
    for info, poses in frames_of(walk(3, layout=COCO17, noise=0.003)):
        score = np.array(poses.score)
        score[0, [KNEE, ANKLE]] = 0.1
        result = part.apply(far(poses.replace(score=score), ANKLE, 0.1), info.time_s or 0.0)
    assert length(result, KNEE, ANKLE) < 0.7 * length(far(poses, ANKLE, 0.1), KNEE, ANKLE)


def test_nobody_is_judged_before_he_is_known(walk: Walk, frames_of: FramesOf) -> None:
    part = AnatomyFilter()
    for info, poses in frames_of(walk(0.12, layout=COCO17)):
        thrown = far(poses, ANKLE, 0.05)
        np.testing.assert_array_equal(part.apply(thrown, info.time_s or 0.0).xy, thrown.xy)


def test_what_was_learned_is_lost_with_the_person(taught: tuple[AnatomyFilter, Poses]) -> None:
    part, now = taught
    thrown = far(now, ANKLE, 0.05)
    stranger = thrown.replace(ids=np.array([77]))
    np.testing.assert_array_equal(part.apply(stranger, 3.0).xy, thrown.xy)
    assert (part.apply(thrown, 3.1).xy != thrown.xy).any()
    np.testing.assert_array_equal(
        part.apply(thrown, 9.0).xy[0] != thrown.xy[0], part.apply(thrown, 9.1).xy[0] != thrown.xy[0]
    )
    part.reset()
    np.testing.assert_array_equal(part.apply(thrown, 9.2).xy, thrown.xy)


def test_somebody_who_comes_nearer_is_not_shrunk(walk: Walk, frames_of: FramesOf) -> None:
    part = AnatomyFilter()
    for i, (info, poses) in enumerate(frames_of(walk(4, layout=COCO17, noise=0.002))):
        nearer = poses.replace(xy=poses.xy * np.float32(1 + 0.02 * i), score=np.full((1, 17), 0.6))
        result = part.apply(nearer, info.time_s or 0.0)
        assert np.abs(result.xy - nearer.xy).max() < 3


def test_people_without_id_missing_joints_and_other_layouts(walk: Walk, frames_of: FramesOf) -> None:
    part = AnatomyFilter(keep_raw=True)
    for info, poses in frames_of(walk(1)):
        xy, score = np.array(poses.xy), np.array(poses.score)
        xy[0, [13, 20]], score[0, [13, 20]] = np.nan, 0
        gapped = poses.replace(xy=xy, score=score)
        result = part.apply(gapped, info.time_s or 0.0)
        np.testing.assert_array_equal(np.isnan(result.xy), np.isnan(xy))
        np.testing.assert_array_equal(result.raw_xy, xy)
        assert result.replace(xy=xy, raw_xy=None).allclose(gapped, atol=0)
    nobody = poses.replace(ids=np.array([-1]))
    np.testing.assert_array_equal(part.apply(nobody, 1.1).xy, nobody.xy)
    assert len(part.apply(Poses.empty(WHOLEBODY133), 1.2)) == 0
    hand = Poses(np.ones((1, 21, 2)), np.ones((1, 21)), Boxes(np.zeros((1, 4)), np.ones(1)), HAND21, ids=np.array([1]))
    np.testing.assert_array_equal(part.apply(hand, 1.3).xy, hand.xy)


def test_what_cannot_be_used_is_refused(walk: Walk, frames_of: FramesOf) -> None:
    with pytest.raises(ConfigError, match="slack: expected 1 or more"):
        AnatomyFilter(slack=0.9)
    twins = frames_of(walk(0.2, people=2))[0][1].replace(ids=np.array([4, 4]))
    with pytest.raises(InputError, match="each person once"):
        AnatomyFilter().apply(twins, 0.0)
