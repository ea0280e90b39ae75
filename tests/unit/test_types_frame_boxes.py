"""Frame and Boxes: what they refuse, what they keep, how boxes are picked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from holopose.errors import InputError
from holopose.types import Boxes, Frame


def make_boxes(count: int) -> Boxes:
    left = 10.0 * np.arange(count)
    return Boxes(np.stack([left, left, left + 5, left + 8], axis=1), np.linspace(1, 0.5, count))


# Frame ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "came"),
    [
        (np.zeros((4, 4, 3), np.float32), "float32"),
        (np.zeros((4, 4), np.uint8), r"\(4, 4\)"),
        (np.zeros((4, 4, 4), np.uint8), r"\(4, 4, 4\)"),
        ([[0, 0, 0]], "list"),
        (None, "NoneType"),
    ],
)
def test_frame_refuses_what_is_no_rgb_picture(image: Any, came: str) -> None:
    with pytest.raises(InputError, match=rf"Frame.image: expected \(H, W, 3\) uint8 RGB, got .*{came}"):
        Frame(image)


@pytest.mark.parametrize("shape", [(0, 4, 3), (4, 0, 3)])
def test_frame_refuses_no_pixels(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="at least 1x1"):
        Frame(np.zeros(shape, np.uint8))


def test_frame_refuses_negative_index() -> None:
    with pytest.raises(InputError, match=r"Frame.index: expected 0 or more, got -1"):
        Frame(np.zeros((1, 1, 3), np.uint8), index=-1)


def test_frame_channel_order_is_said_and_kept() -> None:
    red = np.zeros((2, 3, 3), np.uint8)
    red[..., 0] = 255
    assert Frame.from_rgb(red, name="r").image[0, 0].tolist() == [255, 0, 0]
    blue_green_red = np.ascontiguousarray(red[..., ::-1])
    frame = Frame.from_bgr(blue_green_red, index=2, time_s=0.5)
    assert frame.image[1, 2].tolist() == [255, 0, 0]
    assert (frame.index, frame.time_s, frame.size_wh) == (2, 0.5, (3, 2))
    with pytest.raises(InputError, match="BGR"):
        Frame.from_bgr(np.zeros((2, 2), np.uint8))
    with pytest.raises(InputError, match="uint8"):
        Frame.from_bgr(np.zeros((2, 2, 3)))


def test_frame_is_contiguous() -> None:
    wide = np.arange(96, dtype=np.uint8).reshape(4, 8, 3)
    frame = Frame(wide[:, ::2])
    assert frame.image.flags.c_contiguous
    assert np.array_equal(frame.image, wide[:, ::2])


# Boxes ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("xyxy", "score", "message"),
    [
        (np.zeros((2, 3)), [1, 1], r"Boxes.xyxy: expected shape \('any', 4\), got \(2, 3\)"),
        (np.zeros(4), [1], r"Boxes.xyxy: expected shape"),
        (np.zeros((2, 4)), [1], r"Boxes.score: expected shape \(2,\), got \(1,\)"),
        (np.zeros((1, 4)), [1.5], r"Boxes.score: expected values in \[0, 1\], got 1.5 .. 1.5"),
        (np.zeros((1, 4)), [-0.1], r"Boxes.score: expected values in \[0, 1\]"),
        (np.zeros((1, 4)), [np.nan], r"Boxes.score: expected values in \[0, 1\]"),
        ([[0, 0, np.nan, 1]], [1], r"Boxes.xyxy: expected finite numbers"),
        ([[0, 0, np.inf, 1]], [1], r"Boxes.xyxy: expected finite numbers"),
        ([[5, 0, 4, 1]], [1], r"left <= right and top <= bottom"),
        ([[0, 2, 4, 1]], [1], r"left <= right and top <= bottom"),
        ("abc", [1], r"Boxes.xyxy: expected numbers, got str"),
        ([[1, 2, 3, 4], [1]], [1], r"Boxes.xyxy: expected numbers, got list"),
        (None, [1], r"Boxes.xyxy: expected shape"),
    ],
)
def test_boxes_refuse(xyxy: Any, score: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Boxes(xyxy, score)


def test_boxes_may_reach_beyond_the_picture_and_have_no_size() -> None:
    boxes = Boxes([[-10, -5, 1e4, 1e4], [3, 3, 3, 3]], [0, 1])
    assert boxes.xyxy.dtype == boxes.score.dtype == np.float32
    assert len(boxes) == 2


def test_boxes_picks() -> None:
    boxes = make_boxes(4)
    assert boxes[1].xyxy.tolist() == boxes.xyxy[1:2].tolist()
    assert boxes[-1].xyxy[0, 0] == 30
    assert boxes[1:3].xyxy[:, 0].tolist() == [10, 20]
    assert boxes[boxes.score < 0.9].xyxy[:, 0].tolist() == [10, 20, 30]
    assert boxes[[3, 0]].xyxy[:, 0].tolist() == [30, 0]
    assert [one.xyxy[0, 0] for one in boxes] == [0, 10, 20, 30]
    assert len(Boxes.empty()) == 0
    with pytest.raises(IndexError):
        boxes[4]
