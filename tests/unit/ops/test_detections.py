from __future__ import annotations

import numpy as np
import pytest

from holopose.errors import ConfigError, ModelError
from holopose.ops.detections import check_shares, people_among, run_each, to_boxes, to_poses
from holopose.ops.letterbox import Letterbox
from holopose.runtimes.fake import FakeRuntime
from holopose.skeletons import COCO17

HALF = Letterbox((0.5, 0.5), (0.0, 10.0), (200, 100))
"""A picture of 200 x 100 at half its size, 10 px below the canvas' upper edge."""


def test_pictures_are_asked_about_one_by_one() -> None:
    runtime = FakeRuntime(
        lambda inputs: {"b": inputs["x"][:, : int(inputs["x"][0, 0])], "a": inputs["x"] * 2},
        inputs=("x",),
        outputs=("a", "b"),
    )
    batch = np.array([[1, 5], [2, 6], [0, 7]], np.float32)
    for count in range(4):
        answers = run_each(runtime, batch[:count])
        assert [a.tolist() for a, _ in answers] == (2 * batch[:count]).tolist()
        assert [b.tolist() for _, b in answers] == [[1], [2, 6], []][:count]


def test_limits_are_from_0_to_1() -> None:
    check_shares(min_score=0, nms_iou=1.0)
    for value in (-0.01, 1.5, 30, float("nan")):
        with pytest.raises(ConfigError, match=f"^nms_iou: expected 0 to 1, got {value}$"):
            check_shares(min_score=0.5, nms_iou=value)


def test_people_among_other_things() -> None:
    dets = np.array([[0, 0, 1, 1, 0.4], [0, 0, 2, 2, 0.9], [0, 0, 3, 3, 0.8], [0, 0, 4, 4, 0.3], [0, 0, 5, 5, np.nan]])
    xyxy, score = people_among(dets, np.array([0, 0, 1, 0, 0]), person_class=0, min_score=0.3)
    assert score.tolist() == [0.9, 0.4]
    assert xyxy[:, 2].tolist() == [2, 1]
    assert len(people_among(dets[:0], np.zeros(0), person_class=0, min_score=0.3)[0]) == 0
    for shape, labels in (((2, 4), 2), ((2, 5), 3), ((2, 5, 1), 2)):
        with pytest.raises(ModelError, match="expected outputs"):
            people_among(np.zeros(shape), np.zeros(labels), person_class=0, min_score=0.3)


def test_boxes_in_the_picture() -> None:
    xyxy = np.array([[10, 20, 20, 40], [-5, 0, 30, 70], [200, 20, 210, 40], [0, 0, np.inf, 30], [np.nan] * 4])
    score = np.array([0.5, 1.2, 0.9, 0.8, 0.7])
    boxes = to_boxes(xyxy, score, HALF)
    assert boxes.xyxy.tolist() == [[20, 20, 40, 60], [-10, -20, 60, 120]]
    assert boxes.score.tolist() == [0.5, 1.0]
    assert to_boxes(xyxy, score, HALF, clip=True).xyxy.tolist() == [[20, 20, 40, 60], [0, 0, 60, 100]]
    assert len(to_boxes(xyxy[:0], score[:0], HALF)) == 0


def test_poses_in_the_picture() -> None:
    points = np.zeros((2, 17, 3), np.float32)
    points[1] = [10, 20, 0.5]
    points[1, 0] = [-10, 20, 1.5]  # beyond the picture is still a place
    points[1, 1] = [10, 20, 0]
    points[1, 2] = [np.nan, 20, 0.5]
    points[1, 3] = [np.inf, 20, np.nan]
    xyxy = np.array([[500, 0, 510, 10], [-5, 0, 30, 70]])
    poses = to_poses(xyxy, np.array([0.9, 0.8]), points, HALF, COCO17)
    assert poses.boxes.xyxy.tolist() == [[0, 0, 60, 100]]
    assert poses.boxes.score.tolist() == pytest.approx([0.8])
    assert poses.xy[0, 0].tolist() == [-20, 20]
    assert poses.score[0, :5].tolist() == [1, 0, 0, 0, 0.5]
    assert np.isnan(poses.xy[0, 1:4]).all()
    assert poses.xy[0, 4:].tolist() == [[20, 20]] * 13
    assert len(to_poses(xyxy[:0], np.zeros(0), points[:0], HALF, COCO17)) == 0
    with pytest.raises(ModelError, match="expected 17 keypoints"):
        to_poses(xyxy, np.zeros(2), points[:, :5], HALF, COCO17)
