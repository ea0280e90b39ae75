"""YOLOX around networks whose answers are made up: people come back where they are, nothing else does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from holopose.errors import ConfigError, ModelError
from holopose.models.yolox import YoloxDetector
from holopose.protocols import Detector
from holopose.runtimes.fake import FakeRuntime
from holopose.types import Frame

SIDE = 96  # 12 x 12, 6 x 6 and 3 x 3 cells
ROWS = 144 + 36 + 9
Rows = list[tuple[int, tuple[float, float, float, float], float, int]]


def frames(*sizes_wh: tuple[int, int]) -> list[Frame]:
    """Flat pictures; the red of each is its number, its blue 200."""
    shades = [np.full((h, w, 3), (number, 0, 200), np.uint8) for number, (w, h) in enumerate(sizes_wh)]
    return [Frame(image, index=number) for number, image in enumerate(shades)]


def raw_row(row: int, xyxy: tuple[float, float, float, float]) -> list[float]:
    """x, y, w, h as the network writes them in one row of its grids, from canvas px."""
    for stride in (8, 16, 32):
        width = SIDE // stride
        if row < width * width:
            break
        row -= width * width
    x, y = row % width, row // width
    middle = (xyxy[0] + xyxy[2]) / 2 / stride - x, (xyxy[1] + xyxy[3]) / 2 / stride - y
    return [*middle, np.log((xyxy[2] - xyxy[0]) / stride), np.log((xyxy[3] - xyxy[1]) / stride)]


def raw_network(*pictures: Rows, classes: int = 3) -> FakeRuntime:
    """Answers by the red of the picture: (row, box in canvas px, score, class) for each picture."""

    def answer(inputs: Any) -> dict[str, Any]:
        batch = inputs["images"]
        assert batch.dtype == np.float32
        assert (batch[:, 0, 0, 0] == 200).all(), "blue comes first, from 0 to 255"
        output = np.zeros((len(batch), ROWS, 5 + classes), np.float32)
        for number, picture in enumerate(batch):
            for row, xyxy, score, kind in pictures[int(picture[2, 0, 0])]:
                output[number, row, :4] = raw_row(row, xyxy)
                output[number, row, 4] = 0.95
                output[number, row, 5 + kind] = score / 0.95
        return {"output": output}

    return FakeRuntime(answer, inputs=("images",), outputs=("output",))


def raw(*pictures: Rows, **settings: Any) -> YoloxDetector:
    return YoloxDetector(raw_network(*pictures), input_hw=(SIDE, SIDE), **settings)


def test_boxes_of_every_grid_come_back_to_the_picture() -> None:
    people: Rows = [(5, (40, 2, 44, 9), 0.5, 0), (150, (20, 30, 50, 60), 0.9, 0), (188, (60, 30, 95, 47), 0.7, 0)]
    detector = raw(people)
    assert isinstance(detector, Detector)
    [boxes] = detector.detect(frames((192, 96)))  # at half its size, grey below
    expected = [[40, 60, 100, 120], [120, 60, 190, 94], [80, 4, 88, 18]]
    np.testing.assert_allclose(boxes.xyxy, expected, atol=1e-3)
    np.testing.assert_allclose(boxes.score, [0.9, 0.7, 0.5], atol=1e-6)


def test_other_classes_weak_people_and_doubles_are_left_out() -> None:
    rows: Rows = [
        (0, (0, 0, 50, 50), 0.8, 0),
        (1, (2, 2, 50, 50), 0.6, 0),  # the same person again
        (2, (0, 0, 48, 50), 0.95, 1),  # another thing in the same place
        (3, (60, 60, 90, 90), 0.29, 0),
        (4, (60, 10, 90, 40), 0.31, 0),
    ]
    size = frames((SIDE, SIDE))
    assert raw(rows).detect(size)[0].xyxy.round(3).tolist() == [[0, 0, 50, 50], [60, 10, 90, 40]]
    assert len(raw(rows, min_score=0.5).detect(size)[0]) == 1
    assert len(raw(rows, nms_iou=0.95).detect(size)[0]) == 3
    assert raw(rows, person_class=1).detect(size)[0].xyxy.round(3).tolist() == [[0, 0, 48, 50]]


def test_frames_are_one_batch_in_order_and_nobody_is_an_answer() -> None:
    one: Rows = [(0, (10, 10, 30, 40), 0.8, 0)]
    network = raw_network(one, [], one)
    detector = YoloxDetector(network, input_hw=(SIDE, SIDE))
    pictures = frames((SIDE, SIDE), (300, 40), (48, 24))
    boxes = detector.detect(pictures)
    assert [len(one) for one in boxes] == [1, 0, 1]
    assert boxes[2].xyxy.round(3).tolist() == [[5, 5, 15, 20]]
    assert network.calls == [{"images": (3, 3, SIDE, SIDE)}]
    for number in (2, 1, 0):
        assert detector.detect([pictures[number]])[0].allclose(boxes[number], atol=0)
    assert detector.detect([]) == []


def test_boxes_may_reach_beyond_the_picture_but_not_lie_beyond_it() -> None:
    rows: Rows = [(0, (-10, -5, 30, 60), 0.8, 0), (20, (10, 60, 30, 90), 0.9, 0)]  # the second one is in the grey
    [boxes] = raw(rows).detect(frames((SIDE, 48)))
    assert boxes.xyxy.round(3).tolist() == [[-10, -5, 30, 60]]


def test_numbers_that_make_no_sense_are_nobody() -> None:
    def answer(inputs: Any) -> dict[str, Any]:
        output = np.zeros((1, ROWS, 8), np.float32)
        output[0, :6, 4:6] = 1
        output[0, 0, 2] = 1e6  # a size that overflows
        output[0, 1, 0] = np.nan
        output[0, 2, 4] = np.nan
        output[0, 3, 1] = -np.inf
        output[0, 4, 2:4] = -200  # no size
        output[0, 5, 4] = 4  # a score above 1
        return {"output": output}

    network = FakeRuntime(answer, inputs=("images",), outputs=("output",))
    [boxes] = YoloxDetector(network, input_hw=(SIDE, SIDE)).detect(frames((SIDE, SIDE)))
    assert boxes.score.tolist() == [1]


def inside_network(*pictures: list[list[float]]) -> FakeRuntime:
    """With suppression inside: as many rows as it found in each picture."""

    def answer(inputs: Any) -> dict[str, Any]:
        [picture] = inputs["input"]
        dets = np.array(pictures[int(picture[2, 0, 0])], np.float32).reshape(1, -1, 6)
        return {"dets": dets[..., :5], "labels": dets[..., 5].astype(np.int64)}

    return FakeRuntime(answer, inputs=("input",), outputs=("dets", "labels"))


def test_suppression_inside() -> None:
    first = [[0, 0, 50, 50, 0.4, 0], [0, 0, 40, 50, 0.8, 0], [5, 5, 9, 9, 0.9, 2], [1, 1, 20, 20, 0.3, 0]]
    network = inside_network(first, [], [[10, 20, 30, 40, 0.7, 0]])
    detector = YoloxDetector(network, input_hw=(SIDE, SIDE))
    boxes = detector.detect(frames((SIDE, SIDE), (10, 10), (2 * SIDE, SIDE)))
    assert boxes[0].xyxy.tolist() == [[0, 0, 40, 50], [0, 0, 50, 50]]
    assert len(boxes[1]) == 0
    assert boxes[2].xyxy.tolist() == [[20, 40, 60, 80]]


def test_a_file_for_another_size_or_of_another_kind_is_told() -> None:
    with pytest.raises(ModelError, match=r"expected an output of 3549 rows.*got \(189, 8\).*input_hw"):
        YoloxDetector(raw_network([]), input_hw=(416, 416)).detect(frames((SIDE, SIDE)))
    with pytest.raises(ModelError, match="more than 8 columns"):
        raw([], person_class=3).detect(frames((SIDE, SIDE)))
    network = FakeRuntime(lambda inputs: {"a": np.zeros((1, 4, 5)), "b": np.zeros((1, 4, 5))}, outputs=("a", "b"))
    with pytest.raises(ModelError, match="suppression inside"):
        YoloxDetector(network, input_hw=(SIDE, SIDE)).detect(frames((SIDE, SIDE)))


def test_limits_that_make_no_sense() -> None:
    for settings in ({"min_score": 30}, {"nms_iou": -0.5}):
        with pytest.raises(ConfigError, match=f"{next(iter(settings))}: expected 0 to 1"):
            YoloxDetector(FakeRuntime(lambda _: {}, outputs=("dets", "more")), **settings)
