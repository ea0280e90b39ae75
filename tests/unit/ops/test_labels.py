"""Labelled and found people as arrays: shapes, picking, conversion between layouts, poses out and in."""

from __future__ import annotations

import numpy as np
import pytest

from holopose.errors import InputError
from holopose.ops.labels import Found, Labelled, extents
from holopose.skeletons import COCO17, HALPE26, OPENPOSE18, WHOLEBODY133
from holopose.skeletons.conversions import convert
from holopose.types import Boxes, Poses
from label_samples import found_people, labelled_people, person_points


def test_extents_leave_missing_points_out() -> None:
    xy = np.array([[[1.0, 9.0], [4.0, 2.0]], [[5.0, 6.0], [np.nan, np.nan]], [[np.nan, np.nan]] * 2])
    boxes = extents(xy)
    assert boxes[:2].tolist() == [[1, 2, 4, 9], [5, 6, 5, 6]]
    assert np.isnan(boxes[2]).all()
    assert extents(np.zeros((0, 3, 2))).shape == (0, 4)


def test_who_is_to_be_found() -> None:
    people = [person_points(4, seed) for seed in range(3)]
    people[1][:] = np.nan
    labelled = labelled_people([people[0], people[2], people[2]], crowd=np.array([False, False, True]))
    assert labelled.counted.tolist() == [True, True, False]
    unknown = Labelled.empty(4)
    assert (len(unknown), unknown.counted.shape) == (0, (0,))
    half = labelled.pick([0, 3])
    assert half.xy.shape == (3, 2, 2)
    assert half.xy[0, 1].tolist() == people[0][3].tolist()


def test_truth_as_poses_and_boxes() -> None:
    xy = person_points(17, 1)
    xy[4] = np.nan
    poses = labelled_people([xy], visible=np.arange(17)[None] % 2 == 0).to_poses(COCO17)
    assert poses.score[0, 4] == 0
    assert poses.score[0, 5] == 1
    assert poses.visible is not None
    assert poses.visible[0, 2]
    assert poses.boxes.score.tolist() == [1.0]


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(InputError, match=r"Found\.score: expected shape \(2,\), got \(3,\)"):
        Found(np.zeros((2, 4, 2)), np.zeros((2, 4)), np.zeros(3), np.zeros((2, 4)))
    with pytest.raises(InputError, match="part_scores"):
        Found(np.zeros((2, 4, 2)), np.zeros((2, 4)), np.zeros(2), np.zeros((2, 4)), {"feet": np.zeros(1)})
    with pytest.raises(InputError, match=r"Labelled\.ids"):
        labelled_people([person_points(3, 0)], ids=())


def test_scores_beyond_one_rank_but_are_cut_for_drawing() -> None:
    found = found_people([person_points(17, 0)], score=[4.5], point_score=[[3.0] * 17])
    assert found.score.tolist() == [4.5]
    poses = found.to_poses(COCO17)
    assert poses.boxes.score.tolist() == [1.0]
    assert poses.score.max() == 1


@pytest.mark.parametrize("target", [COCO17, OPENPOSE18, HALPE26])
def test_conversion_is_that_of_poses(target: object) -> None:
    rng = np.random.default_rng(3)
    xy = rng.uniform(0, 200, (3, 133, 2)).astype(np.float32)
    xy[1, 5] = np.nan
    score = rng.uniform(0, 1, (3, 133)).astype(np.float32)
    score[1, 5] = 0
    poses = Poses(
        xy, score, Boxes(np.tile(np.float32([0, 0, 9, 9]), (3, 1)), np.float32([0.9, 0.5, 0.1])), WHOLEBODY133
    )
    assert isinstance(target, type(COCO17))
    expected = convert(poses, target)
    converted = Found.of_poses(poses).convert(WHOLEBODY133, target)
    np.testing.assert_allclose(converted.xy, expected.xy, atol=1e-4)
    np.testing.assert_allclose(converted.point_score, expected.score, atol=1e-6)
    assert converted.score.tolist() == pytest.approx([0.9, 0.5, 0.1])


def test_picking_people_takes_their_part_scores_along() -> None:
    found = found_people([person_points(4, s) for s in range(3)], part_scores={"feet": np.array([1.0, 2.0, 3.0])})
    some = found[found.score < 0.6]
    assert some.part_scores["feet"].tolist() == [2.0, 3.0]
    assert len(Found.empty(5)) == 0
    assert Found.empty(5)[[]].xy.shape == (0, 5, 2)
