"""Keypoint R-CNN: what the network says of a picture becomes people, in order and in range."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from holopose.errors import ConfigError, ModelError
from holopose.models.keypoint_rcnn import KeypointRcnn
from holopose.protocols import Estimator
from holopose.runtimes.fake import FakeRuntime
from holopose.skeletons import COCO17
from holopose.types import Frame, Poses

OUTPUTS = ("boxes", "labels", "scores", "keypoints", "keypoints_scores")


def said(scores: list[float], labels: list[int] | None = None, *, joints: int = 17) -> dict[str, np.ndarray]:
    """What the network says: person i at (10 i, 20), its keypoint k at (10 i + k, 20 + 2 k) with the logit k - 8."""
    count = len(scores)
    i, k = np.arange(count)[:, None], np.arange(joints)[None]
    boxes = np.stack([10.0 * i, 20.0 + 0 * i, 10.0 * i + 30, 60.0 + 0 * i], axis=2)[:, 0]
    keypoints = np.stack([10.0 * i + k, 20 + 2.0 * k + 0 * i, np.ones((count, joints))], axis=2)
    logits = np.broadcast_to(k - 8.0, (count, joints))
    everything = (boxes, np.array(labels or [1] * count), np.array(scores), keypoints, logits)
    return {
        name: np.asarray(value, np.int64 if name == "labels" else np.float32)
        for name, value in zip(OUTPUTS, everything, strict=True)
    }


def answering(*answers: dict[str, np.ndarray]) -> FakeRuntime:
    """Says the next thing at each call."""
    left = list(answers)
    return FakeRuntime(lambda inputs: left.pop(0), outputs=OUTPUTS)


FRAME = Frame(np.zeros((100, 200, 3), np.uint8))


def test_people_come_best_first_with_boxes_and_keypoints_as_they_are() -> None:
    runtime = answering(said([0.7, 0.99, 0.51]))
    estimator = KeypointRcnn(runtime)
    assert isinstance(estimator, Estimator)
    (poses,) = estimator.estimate([FRAME])
    assert poses.skeleton == estimator.skeleton == COCO17
    assert poses.boxes.score.tolist() == pytest.approx([0.99, 0.7, 0.51])
    assert poses.boxes.xyxy.tolist() == [[10, 20, 40, 60], [0, 20, 30, 60], [20, 20, 50, 60]]
    assert poses.xy[0, :, 0].tolist() == [10 + k for k in range(17)]
    assert poses.xy[0, :, 1].tolist() == [20 + 2 * k for k in range(17)]


def test_keypoint_scores_are_the_sigmoid_of_the_logits() -> None:
    (poses,) = KeypointRcnn(answering(said([0.9]))).estimate([FRAME])
    assert poses.score[0] == pytest.approx(1 / (1 + np.exp(8.0 - np.arange(17))))
    assert poses.score[0, 8] == 0.5
    answer = said([0.9])
    answer["keypoints_scores"][:] = np.linspace(-3000, 3000, 17)
    (poses,) = KeypointRcnn(answering(answer)).estimate([FRAME])
    assert (poses.score > 0).all()  # a keypoint that is there is never missing
    assert (poses.score <= 1).all()


def test_only_people_and_only_likely_ones() -> None:
    answer = said([0.9, 0.95, 0.4, 0.6], labels=[1, 3, 1, 1])
    (poses,) = KeypointRcnn(answering(answer)).estimate([FRAME])
    assert poses.boxes.score.tolist() == pytest.approx([0.9, 0.6])
    (poses,) = KeypointRcnn(answering(answer), min_score=0.0).estimate([FRAME])
    assert poses.boxes.score.tolist() == pytest.approx([0.9, 0.6, 0.4])
    (poses,) = KeypointRcnn(answering(answer), min_score=1.0).estimate([FRAME])
    assert poses.allclose(Poses.empty(COCO17))


def test_nobody_is_a_normal_answer() -> None:
    (poses,) = KeypointRcnn(answering(said([]))).estimate([FRAME])
    assert poses.allclose(Poses.empty(COCO17))
    assert KeypointRcnn(answering()).estimate([]) == []


def test_boxes_are_cut_at_the_picture_s_edges() -> None:
    answer = said([0.9])
    answer["boxes"][0] = -5, 90, 250, 130
    (poses,) = KeypointRcnn(answering(answer)).estimate([FRAME])
    assert poses.boxes.xyxy.tolist() == [[0, 90, 200, 100]]


def test_what_is_no_number_is_missing() -> None:
    answer = said([0.9, 0.8, 0.7, np.nan])
    answer["boxes"][1, 2] = np.nan
    answer["keypoints"][2, 3, 0] = np.inf
    answer["keypoints_scores"][2, 4] = np.nan
    (poses,) = KeypointRcnn(answering(answer)).estimate([FRAME])
    assert poses.boxes.score.tolist() == pytest.approx([0.9, 0.7])
    assert np.flatnonzero(np.isnan(poses.xy[1]).any(axis=1)).tolist() == [3, 4]
    assert np.flatnonzero(poses.score[1] == 0).tolist() == [3, 4]
    assert not np.isnan(poses.xy[0]).any()


def test_pictures_go_in_one_by_one_as_rgb_between_0_and_1() -> None:
    seen: list[np.ndarray] = []

    def answer(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        seen.append(inputs["image"])
        return said([0.9] * len(seen))

    image = np.empty((8, 12, 3), np.uint8)
    image[:] = 255, 51, 0
    frames = [Frame(image), Frame(np.zeros((20, 10, 3), np.uint8))]
    found = KeypointRcnn(FakeRuntime(answer, inputs=["image"], outputs=OUTPUTS)).estimate(frames)
    assert [len(poses) for poses in found] == [1, 2]
    assert [picture.shape for picture in seen] == [(1, 3, 8, 12), (1, 3, 20, 10)]
    assert seen[0].dtype == np.float32
    assert seen[0][0, :, 3, 3].tolist() == pytest.approx([1.0, 0.2, 0.0])


def test_other_networks_are_refused() -> None:
    with pytest.raises(ModelError, match=r"expected boxes, labels, scores, 17 keypoints .* got \(1, 4\).*\(1, 14, 3\)"):
        KeypointRcnn(answering(said([0.9], joints=14))).estimate([FRAME])
    runtime = FakeRuntime(lambda inputs: {"output": np.zeros((1, 56, 100), np.float32)})
    with pytest.raises(ModelError, match=r"got \(1, 56, 100\)"):
        KeypointRcnn(runtime).estimate([FRAME])
    with pytest.raises(ConfigError, match="min_score: expected 0 to 1, got 50"):
        KeypointRcnn(runtime, min_score=50)
