"""YOLOv8 and YOLO11 around networks whose answers are made up, raw and end to end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from holopose.errors import ConfigError, ModelError
from holopose.models.yolo import YoloDetector, YoloPose
from holopose.ops.laps import measuring
from holopose.protocols import Detector, Estimator
from holopose.runtimes.fake import FakeRuntime
from holopose.skeletons import COCO17, HAND21
from holopose.types import Frame

SIDE, CELLS = 64, 64 + 16 + 4
FRAMES = [
    Frame(np.full((h, w, 3), (51 * n, 0, 255), np.uint8), index=n) for n, (w, h) in enumerate(((128, 64), (64, 64)))
]
"""The first at half its size with 16 px of grey above and below."""

Row = tuple[list[float], float, int]
FOUND: list[list[Row]] = [
    [
        ([10, 20, 30, 40], 0.5, 0),
        ([30, 18, 60, 44], 0.9, 0),
        ([31, 18, 60, 44], 0.8, 0),  # the same person again
        ([5, 20, 9, 30], 0.95, 1),  # another thing
        ([40, 20, 45, 30], 0.2, 0),
        ([1, 2, 20, 12], 0.6, 0),  # in the grey
        ([-6, 20, 8, 60], 0.4, 0),
    ],
    [],
]
BOXES = [[60, 4, 120, 56], [20, 8, 60, 48], [0, 8, 16, 64]]


def rows_of(inputs: Any) -> list[list[Row]]:
    """What there is in each picture of a batch: red tells which it is."""
    batch = inputs["images"]
    middle = batch[:, :, SIDE // 2, SIDE // 2]
    np.testing.assert_allclose(middle[:, 2], 1)  # blue comes last, from 0 to 1
    return [FOUND[round(float(red) * 5)] for red in middle[:, 0]]


def raw(inputs: Any, *, points: int = 0) -> dict[str, Any]:
    pictures = rows_of(inputs)
    output = np.zeros((len(pictures), 5 + 3 * points if points else 4 + 3, CELLS), np.float32)
    for number, rows in enumerate(pictures):
        for cell, (xyxy, score, kind) in enumerate(rows):
            box = np.array(xyxy)
            output[number, :4, 3 * cell] = [*(box[:2] + box[2:]) / 2, *(box[2:] - box[:2])]
            output[number, 4 if points else 4 + kind, 3 * cell] = score
            if points:
                output[number, 5:, 3 * cell] = spots(xyxy, points).ravel()
    return {"output0": output}


def end_to_end(inputs: Any, *, points: int = 0) -> dict[str, Any]:
    """Without the double, which is suppressed inside; unused rows are zeros."""
    pictures = rows_of(inputs)
    output = np.zeros((len(pictures), 10, 6 + 3 * points), np.float32)
    for number, rows in enumerate(pictures):
        for place, (xyxy, score, kind) in enumerate(rows[:2] + rows[3:]):
            output[number, place] = [*xyxy, score, 0 if points else kind, *spots(xyxy, points).ravel()]
    return {"output0": output}


def spots(xyxy: list[float], points: int) -> np.ndarray:  # type: ignore[type-arg]
    steps = np.arange(points)
    return np.stack([xyxy[0] + steps, xyxy[1] + steps / 2, steps / 20], axis=1)


def network(answer: Any, **options: Any) -> FakeRuntime:
    return FakeRuntime(lambda inputs: answer(inputs, **options), inputs=("images",), outputs=("output0",))


@pytest.mark.parametrize("answer", [raw, end_to_end])
def test_people_of_each_picture_best_first(answer: Any) -> None:
    runtime = network(answer)
    detector = YoloDetector(runtime, input_hw=(SIDE, SIDE))
    assert isinstance(detector, Detector)
    first, second = detector.detect(FRAMES)
    assert runtime.calls == [{"images": (2, 3, SIDE, SIDE)}]
    np.testing.assert_allclose(first.xyxy, BOXES, atol=1e-4)
    np.testing.assert_allclose(first.score, [0.9, 0.5, 0.4], atol=1e-6)
    assert len(second) == 0
    assert detector.detect(FRAMES[:1])[0].allclose(first, atol=0)
    assert detector.detect([]) == []
    [things] = YoloDetector(network(answer), input_hw=(SIDE, SIDE), person_class=1).detect(FRAMES[:1])
    assert things.xyxy.round(3).tolist() == [[10, 8, 18, 28]]
    assert len(YoloDetector(network(answer), input_hw=(SIDE, SIDE), min_score=0.6).detect(FRAMES)[0]) == 1


def test_doubles_by_their_overlap_and_likelier_classes() -> None:
    assert len(YoloDetector(network(raw), input_hw=(SIDE, SIDE), nms_iou=0.99).detect(FRAMES)[0]) == 4

    def both(inputs: Any) -> dict[str, Any]:
        output = raw(inputs)["output0"]
        output[:, 6, 3] = 0.91  # the best person is still likelier something else
        return {"output0": output}

    assert YoloDetector(network(both), input_hw=(SIDE, SIDE)).detect(FRAMES)[0].score[0] == pytest.approx(0.8)


@pytest.mark.parametrize("answer", [raw, end_to_end])
def test_poses_of_everybody(answer: Any) -> None:
    runtime = network(answer, points=17)
    estimator = YoloPose(runtime, input_hw=(SIDE, SIDE))
    assert isinstance(estimator, Estimator)
    with measuring() as seconds:
        first, second = estimator.estimate(FRAMES)
    assert list(seconds) == ["crop", "network", "decode"]
    assert runtime.calls == [{"images": (2, 3, SIDE, SIDE)}]
    np.testing.assert_allclose(first.boxes.score, [0.95, 0.9, 0.5, 0.4], atol=1e-6)
    np.testing.assert_allclose(first.boxes.xyxy[1:], BOXES, atol=1e-4)
    assert np.isnan(first.xy[:, 0]).all(), "without a score"
    steps = np.arange(1, 17)
    np.testing.assert_allclose(first.xy[1, 1:], np.stack([60 + 2 * steps, 4 + steps], axis=1), atol=1e-3)
    np.testing.assert_allclose(first.score[1], np.arange(17) / 20, atol=1e-6)
    assert len(second) == 0
    assert second.skeleton is estimator.skeleton is COCO17
    assert estimator.estimate(FRAMES[:1])[0].allclose(first, atol=0)
    assert estimator.estimate([]) == []
    estimator.reset()


@pytest.mark.parametrize("answer", [raw, end_to_end])
def test_another_layout(answer: Any) -> None:
    [poses] = YoloPose(network(answer, points=21), skeleton=HAND21, input_hw=(SIDE, SIDE)).estimate(FRAMES[:1])
    assert poses.xy.shape == (4, 21, 2)
    assert (poses.score <= 1).all()


def giving(shape: tuple[int, ...]) -> FakeRuntime:
    return FakeRuntime(lambda inputs: {"output0": np.zeros(shape, np.float32)}, outputs=("output0",))


@pytest.mark.parametrize("shape", [(1, 84, 8400), (1, 4, CELLS), (1, 8400, 85), (1, 5), (1, 300, 7)])
def test_a_detector_of_another_kind_or_size_is_told(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match=r"YOLO at 64x64.*cells = 84.*input_hw"):
        YoloDetector(giving(shape), input_hw=(SIDE, SIDE)).detect(FRAMES[:1])


@pytest.mark.parametrize("shape", [(1, 56, 8400), (1, 84, CELLS), (1, 300, 6), (1, 56), (1, 68, CELLS)])
def test_a_pose_network_of_another_kind_or_size_is_told(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match=r"YOLO at 64x64.*for 17 keypoints.*input_hw"):
        YoloPose(giving(shape), input_hw=(SIDE, SIDE)).estimate(FRAMES[:1])


@pytest.mark.parametrize("family", [YoloDetector, YoloPose])
def test_limits_that_make_no_sense(family: Any) -> None:
    for settings in ({"min_score": 30}, {"nms_iou": -0.5}):
        with pytest.raises(ConfigError, match=f"{next(iter(settings))}: expected 0 to 1"):
            family(FakeRuntime(lambda _: {}, outputs=("dets", "more")), **settings)
