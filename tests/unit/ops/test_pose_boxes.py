"""Boxes made of keypoints hold what is sure, and grow as boxes were seen to."""

from __future__ import annotations

import numpy as np

from holopose.ops.pose_boxes import USUAL, enlarge, margins_of, tight_boxes
from holopose.skeletons import COCO17
from holopose.types import Boxes, Poses


def poses(score: float = 0.8) -> Poses:
    """Two people of which only four keypoints are known: a square of 40 x 80 px, and the same 100 px to the right."""
    xy = np.full((2, 17, 2), np.nan)
    xy[:, :4] = [[10, 20], [50, 20], [50, 100], [10, 100]]
    xy[1] += (100, 0)
    scores = np.where(np.isnan(xy[:, :, 0]), 0, score)
    return Poses(xy, scores, Boxes(np.zeros((2, 4)), np.ones(2)), COCO17)


def test_tight_around_sure_keypoints() -> None:
    np.testing.assert_array_equal(tight_boxes(poses(), 0.5), [[10, 20, 50, 100], [110, 20, 150, 100]])
    one = poses()
    score = one.score.copy()
    score[0, 2:4] = 0.4
    assert tight_boxes(one.replace(score=score), 0.5)[0].tolist() == [10, 20, 50, 20]


def test_too_few_give_no_box() -> None:
    one = poses()
    score = one.score.copy()
    score[1, 1:4] = 0.1
    boxes = tight_boxes(one.replace(score=score), 0.5)
    assert np.isfinite(boxes[0]).all()
    assert np.isnan(boxes[1]).all()
    assert np.isfinite(tight_boxes(poses(), 0.0)).all()  # a missing keypoint never counts, whatever the least
    assert tight_boxes(Poses.empty(COCO17), 0.3).shape == (0, 4)


def test_margins_come_back_as_the_box() -> None:
    tight = tight_boxes(poses(), 0.5)
    boxes = tight + np.array([-4, -16, 6, 8])
    margins = margins_of(boxes, tight)
    np.testing.assert_allclose(margins, [[0.1, 0.2, 0.15, 0.1]] * 2)
    np.testing.assert_allclose(enlarge(tight, margins, (640, 480)), boxes)


def test_cut_at_the_edges() -> None:
    grown = enlarge(np.array([[10.0, 20, 50, 100]]), USUAL, (52, 90))
    np.testing.assert_allclose(grown, [[4, 8, 52, 90]])
    assert enlarge(np.zeros((0, 4)), USUAL, (52, 90)).shape == (0, 4)


def test_keypoints_in_one_point_have_margins_too() -> None:
    point = np.array([[5.0, 5, 5, 5]])
    assert np.isfinite(margins_of(np.array([[0.0, 0, 10, 10]]), point)).all()
