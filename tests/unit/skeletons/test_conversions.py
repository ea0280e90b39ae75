"""Conversions between layouts: what is copied, derived and missing, and the laws they keep."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from holopose.skeletons import (
    BLAZE543,
    BLAZEPOSE33,
    COCO17,
    FACE68,
    HALPE26,
    HALPE136,
    HAND21,
    LAYOUTS,
    MPII16,
    OPENPOSE18,
    OPENPOSE25,
    WHOLEBODY133,
    Skeleton,
)
from holopose.skeletons.conversions import conversion, convert, missing_after
from holopose.skeletons.tables import MESH_TO_FACE68
from holopose.types import Boxes, Poses

PAIRS = list(product(LAYOUTS.values(), repeat=2))
WIDTH = 640


def numbered(skeleton: Skeleton, **rest: object) -> Poses:
    """One person whose keypoint k lies at (k, 2 k) with a score of its own."""
    k = np.arange(len(skeleton), dtype=np.float32)
    xy = np.stack([k, 2 * k], axis=1)[None]
    return Poses(xy, (k / 1000)[None] + 0.1, Boxes([[1, 2, 3, 4]], [0.9]), skeleton, **rest)


def sources(source: Skeleton, target: Skeleton) -> list[int | None]:
    """For each target keypoint the one source keypoint it copies; None where it copies none."""
    rows = conversion(source, target)
    return [int(row.argmax()) if (row == 1).sum() == 1 else None for row in rows]


def mirrored(poses: Poses) -> Poses:
    swaps = list(poses.skeleton.swaps)
    xy = poses.xy[:, swaps] * np.float32([-1, 1]) + np.float32([WIDTH, 0])
    return poses.replace(xy=xy, score=poses.score[:, swaps])


# Every pair ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("source", "target"), PAIRS, ids=[f"{s.name}-{t.name}" for s, t in PAIRS])
def test_rows_are_means_and_mirror(source: Skeleton, target: Skeleton) -> None:
    matrix = conversion(source, target)
    assert matrix.shape == (len(target), len(source))
    assert matrix.dtype == np.float32
    assert not matrix.flags.writeable
    assert (matrix >= 0).all()
    assert (matrix != 0).sum(axis=1).max() <= 2
    sums = matrix.sum(axis=1)
    assert set(np.unique(sums)) <= {0.0, 1.0}
    given_names = {target.keypoints[i] for i in np.flatnonzero(sums)}
    assert set(missing_after(source, target)) == set(target.keypoints) - given_names
    assert set(source.keypoints) & set(target.keypoints) <= given_names  # a shared name is never lost
    for name in set(source.keypoints) & set(target.keypoints):
        assert matrix[target.index(name), source.index(name)] == 1
    swapped = matrix[list(target.swaps)][:, list(source.swaps)]
    assert np.array_equal(swapped, matrix)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=lambda s: s.name)
def test_to_itself_is_the_same_people(layout: Skeleton) -> None:
    assert np.array_equal(conversion(layout, layout), np.eye(len(layout)))
    poses = numbered(layout)
    assert convert(poses, layout) is poses


@pytest.mark.parametrize(("source", "target"), PAIRS, ids=[f"{s.name}-{t.name}" for s, t in PAIRS])
def test_shared_keypoints_come_back(source: Skeleton, target: Skeleton) -> None:
    poses = numbered(source)
    there = convert(poses, target)
    back = convert(there, source)
    assert np.array_equal(back.boxes.xyxy, poses.boxes.xyxy)
    for name in set(source.keypoints) & set(target.keypoints):
        assert np.array_equal(there[name], poses[name])
        assert np.array_equal(back[name], poses[name])


@pytest.mark.parametrize("target", LAYOUTS.values(), ids=lambda s: s.name)
def test_nobody_stays_nobody(target: Skeleton) -> None:
    converted = convert(Poses.empty(BLAZE543), target)
    assert len(converted) == 0
    assert converted.skeleton == target


@pytest.mark.parametrize(("smaller", "larger"), [(COCO17, WHOLEBODY133), (HALPE26, HALPE136), (OPENPOSE18, OPENPOSE25)])
def test_round_trip_through_a_larger_layout_loses_nothing(smaller: Skeleton, larger: Skeleton) -> None:
    poses = numbered(smaller)
    assert convert(convert(poses, larger), smaller).allclose(poses, atol=0)


# What the published layouts demand -----------------------------------------------------------------------------------


def test_blazepose_to_coco17() -> None:
    assert sources(BLAZEPOSE33, COCO17) == [0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28]


def test_blazepose_has_no_small_toe() -> None:
    assert sources(BLAZEPOSE33, WHOLEBODY133)[17:23] == [31, None, 29, 32, None, 30]
    assert missing_after(BLAZE543, WHOLEBODY133) == ("left_small_toe", "right_small_toe")


def test_blaze543_hands_are_copied_and_left_stays_left() -> None:
    copied = sources(BLAZE543, WHOLEBODY133)
    assert copied[91:112] == list(range(33 + 468, 33 + 468 + 21))
    assert copied[112:133] == list(range(33 + 468 + 21, 543))
    assert BLAZE543.keypoints[501] == WHOLEBODY133.keypoints[91] == "left_hand_wrist"


def test_blaze543_face_takes_the_68_mesh_points_in_ibug_order() -> None:
    assert [v - 33 for v in sources(BLAZE543, WHOLEBODY133)[23:91] if v is not None] == list(MESH_TO_FACE68)
    assert sources(BLAZE543, FACE68) == [33 + v for v in MESH_TO_FACE68]
    right_eye = BLAZE543.index("mesh_33")  # the subject's right eye's outer corner
    assert sources(BLAZE543, WHOLEBODY133)[WHOLEBODY133.index("face_36")] == right_eye


def test_foot_order_of_halpe_differs_from_coco_wholebody() -> None:
    assert sources(HALPE26, WHOLEBODY133)[17:23] == [20, 22, 24, 21, 23, 25]
    assert sources(WHOLEBODY133, HALPE136)[20:26] == [17, 20, 18, 21, 19, 22]
    assert sources(HALPE136, WHOLEBODY133)[23:133] == list(range(26, 136))


@pytest.mark.parametrize(("source", "target"), [(COCO17, OPENPOSE18), (WHOLEBODY133, OPENPOSE25), (COCO17, HALPE26)])
def test_neck_is_between_the_shoulders(source: Skeleton, target: Skeleton) -> None:
    poses = numbered(source)
    neck = convert(poses, target)["neck"][0]
    shoulders = np.concatenate([poses["left_shoulder"], poses["right_shoulder"]])
    assert neck[:2] == pytest.approx(shoulders[:, :2].mean(axis=0))
    assert neck[2] == shoulders[:, 2].min()


def test_openpose_body_from_coco() -> None:
    order = [0, None, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3]
    assert sources(COCO17, OPENPOSE18) == order
    assert sources(WHOLEBODY133, OPENPOSE25) == [*order[:8], None, *order[8:], *range(17, 23)]
    mid_hip = convert(numbered(WHOLEBODY133), OPENPOSE25)["mid_hip"][0]
    assert mid_hip[:2].tolist() == [11.5, 23.0]


def test_a_measured_neck_is_not_derived() -> None:
    poses = numbered(OPENPOSE25)
    assert np.array_equal(convert(poses, HALPE26)["neck"], poses["neck"])
    assert np.array_equal(convert(poses, MPII16)["thorax"], poses["neck"])


def test_hand_and_face_from_whole_bodies() -> None:
    poses = numbered(WHOLEBODY133)
    assert convert(poses, FACE68).xy[0, :, 0].tolist() == list(range(23, 91))
    assert convert(poses.part("right_hand"), HAND21).xy[0, :, 0].tolist() == list(range(112, 133))
    assert len(missing_after(WHOLEBODY133, HAND21)) == 21  # which hand? nobody said


def test_knuckles_and_eye_corners_from_whole_bodies() -> None:
    to_blaze = dict(zip(BLAZEPOSE33.keypoints, sources(WHOLEBODY133, BLAZEPOSE33), strict=True))
    name = WHOLEBODY133.index
    assert to_blaze["left_pinky"] == name("left_hand_pinky_1")
    assert to_blaze["right_index"] == name("right_hand_index_1")
    assert to_blaze["right_eye_outer"] == name("face_36")
    assert to_blaze["left_eye_outer"] == name("face_45")
    assert to_blaze["mouth_right"] == name("face_48")


# Missing keypoints, visibility, world --------------------------------------------------------------------------------


def test_missing_stays_missing_and_spreads_to_what_is_derived() -> None:
    poses = numbered(COCO17)
    xy, score = np.array(poses.xy), np.array(poses.score)
    xy[0, 6], score[0, 6] = np.nan, 0  # right shoulder
    converted = convert(poses.replace(xy=xy, score=score), OPENPOSE18)
    for name in ("right_shoulder", "neck"):
        assert np.isnan(converted[name][0, :2]).all()
        assert converted[name][0, 2] == 0
    assert np.array_equal(converted["left_shoulder"], poses["left_shoulder"])


def test_what_the_source_lacks_is_missing_not_zero() -> None:
    converted = convert(numbered(COCO17), WHOLEBODY133)
    assert np.isnan(converted.xy[0, 17:]).all()
    assert (converted.score[0, 17:] == 0).all()
    assert not np.isnan(converted.xy[0, :17]).any()


def test_visible_world_ids_boxes_and_native_come_along() -> None:
    k = len(COCO17)
    visible = np.ones((1, k), bool)
    visible[0, 5] = False  # left shoulder
    world = np.arange(k * 3, dtype=np.float32).reshape(1, k, 3)
    poses = numbered(COCO17, ids=[7], visible=visible, world=world, native=numbered(BLAZEPOSE33))
    converted = convert(poses, HALPE26)
    assert converted.ids.tolist() == [7]
    assert converted.boxes.allclose(poses.boxes)
    assert converted.native.skeleton == BLAZEPOSE33
    at = HALPE26.index
    shown = converted.visible[0]
    assert not shown[at("neck")]  # one shoulder is hidden
    assert shown[at("mid_hip")]
    assert not shown[at("left_heel")]  # missing
    assert converted.world[0, at("nose")].tolist() == [0, 1, 2]
    assert converted.world[0, at("neck")].tolist() == [16.5, 17.5, 18.5]
    assert np.isnan(converted.world[0, at("left_heel")]).all()


# The mirror law ------------------------------------------------------------------------------------------------------


@given(
    pair=st.sampled_from(PAIRS),
    seed=st.integers(0, 2**32 - 1),
    gone=hnp.arrays(np.bool_, 543),
)
def test_converting_a_mirrored_pose_is_mirroring_the_converted_pose(
    pair: tuple[Skeleton, Skeleton], seed: int, gone: np.ndarray
) -> None:
    source, target = pair
    random = np.random.default_rng(seed)
    k = len(source)
    xy = random.integers(0, WIDTH, (2, k, 2)).astype(np.float32)  # whole px: means are exact
    score = random.uniform(0.1, 1, (2, k)).astype(np.float32)
    xy[0, gone[:k]], score[0, gone[:k]] = np.nan, 0
    poses = Poses(xy, score, Boxes([[0, 0, 9, 9]] * 2, [1, 1]), source)
    assert convert(mirrored(poses), target).allclose(mirrored(convert(poses, target)), atol=0)
    assert mirrored(mirrored(poses)).allclose(poses, atol=0)
