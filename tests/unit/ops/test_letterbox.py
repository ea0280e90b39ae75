"""Letterboxes as YOLOX and YOLOv8 make them, and coordinates that come back to the same pixel."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holopose.ops.letterbox import Letterbox, fit

Image = npt.NDArray[np.uint8]

SIDES = st.integers(1, 400)


def noise(width: int, height: int) -> Image:
    return np.random.default_rng(width * 1000 + height).integers(0, 256, (height, width, 3), np.uint8)


def yolox_square(image: Image, size_wh: tuple[int, int]) -> Image:
    """What YOLOX's pre-processing does: everything grey, the picture in the upper left corner, sizes cut down."""
    square = np.full((size_wh[1], size_wh[0], 3), 114, np.uint8)
    ratio = min(size_wh[1] / image.shape[0], size_wh[0] / image.shape[1])
    inner = (int(image.shape[1] * ratio), int(image.shape[0] * ratio))
    square[: inner[1], : inner[0]] = cv2.resize(image, inner, interpolation=cv2.INTER_LINEAR)
    return square


def centred_square(image: Image, size_wh: tuple[int, int]) -> Image:
    """What YOLOv8's letterbox does: borders around, the odd pixel below and right."""
    ratio = min(size_wh[1] / image.shape[0], size_wh[0] / image.shape[1])
    inner = (round(image.shape[1] * ratio), round(image.shape[0] * ratio))
    spare = ((size_wh[0] - inner[0]) / 2, (size_wh[1] - inner[1]) / 2)
    scaled = image if inner == image.shape[1::-1] else cv2.resize(image, inner, interpolation=cv2.INTER_LINEAR)
    edges = (round(spare[1] - 0.1), round(spare[1] + 0.1), round(spare[0] - 0.1), round(spare[0] + 0.1))
    return cv2.copyMakeBorder(scaled, *edges, cv2.BORDER_CONSTANT, value=(114, 114, 114))


@settings(max_examples=60)
@given(width=st.integers(20, 400), height=st.integers(20, 400), size_wh=st.sampled_from([(416, 416), (320, 192)]))
def test_squares_are_those_of_the_detectors(width: int, height: int, size_wh: tuple[int, int]) -> None:
    image = noise(width, height)
    np.testing.assert_array_equal(fit(image, size_wh)[0], yolox_square(image, size_wh))
    np.testing.assert_array_equal(fit(image, size_wh, centred=True)[0], centred_square(image, size_wh))


@given(width=SIDES, height=SIDES, centred=st.booleans())
def test_any_picture_fits_and_keeps_its_shape(width: int, height: int, centred: bool) -> None:
    square, box = fit(np.full((height, width, 3), 200, np.uint8), (128, 96), centred=centred, value=7)
    assert square.shape == (96, 128, 3)
    rows, columns = np.nonzero((square == 200).all(axis=2))
    assert (square[~(square == 200).all(axis=2)] == 7).all()
    shown = (np.ptp(columns) + 1, np.ptp(rows) + 1)
    assert len(rows) == shown[0] * shown[1], "one rectangle"
    assert box.scale_xy[0] == box.scale_xy[1] == min(128 / width, 96 / height)
    for side, full in zip(shown, (width, height), strict=True):
        assert abs(side - max(1, full * box.scale_xy[0])) <= 1
    assert (columns.min(), rows.min()) == box.offset_xy
    assert box.size_wh == (width, height)


@given(
    width=SIDES,
    height=SIDES,
    centred=st.booleans(),
    points=st.lists(st.tuples(st.floats(-500, 900), st.floats(-500, 900)), max_size=5),
)
def test_points_and_boxes_return(width: int, height: int, centred: bool, points: list[tuple[float, float]]) -> None:
    _, box = fit(noise(width, height), (256, 192), centred=centred)
    xy = np.array(points, np.float64).reshape(-1, 2)
    in_square = xy * box.scale_xy + box.offset_xy
    assert box.to_picture(in_square).dtype == np.float32
    np.testing.assert_allclose(box.to_picture(in_square), xy, atol=1e-3)
    pairs = np.concatenate([in_square, in_square[::-1]], axis=1)
    np.testing.assert_allclose(box.to_picture(pairs), np.concatenate([xy, xy[::-1]], axis=1), atol=1e-3)


@pytest.mark.parametrize("centred", [False, True])
def test_what_lies_in_the_square_lies_there_in_the_picture(centred: bool) -> None:
    """By pixels and not by formula: a white patch is found in the square and taken back."""
    image = np.zeros((300, 500, 3), np.uint8)
    image[120:180, 340:430] = 255
    square, box = fit(image, (416, 416), centred=centred, value=0)
    rows, columns = np.nonzero(square[..., 0] > 127)
    found = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], np.float32)
    np.testing.assert_allclose(box.to_picture(found), [[340, 120, 430, 180]], atol=1.3)


def test_boxes_end_at_the_picture() -> None:
    box = Letterbox((0.5, 0.5), (0, 8), (640, 480))
    boxes = np.array([[-5, 10, 700, 470.5], [-9, -9, -1, -1], [650, 500, 660, 510], [3, 4, 5, 6]])
    expected = [[0, 10, 640, 470.5], [0, 0, 0, 0], [640, 480, 640, 480], [3, 4, 5, 6]]
    clipped = box.clip(boxes)
    np.testing.assert_array_equal(clipped, expected)
    assert clipped.dtype == np.float32
    assert box.clip(np.zeros((0, 4))).shape == (0, 4)


def test_memory_that_is_there_already_is_filled() -> None:
    out = np.full((96, 128, 3), 1, np.uint8)
    square, _ = fit(noise(50, 90), (128, 96), out=out, centred=True)
    assert square is out
    np.testing.assert_array_equal(out, fit(noise(50, 90), (128, 96), centred=True)[0])


def test_a_picture_that_fits_is_copied_as_it_is() -> None:
    image = noise(128, 96)
    for centred in (False, True):
        square, box = fit(image, (128, 96), centred=centred)
        np.testing.assert_array_equal(square, image)
        assert square is not image
        assert (box.scale_xy, box.offset_xy) == ((1.0, 1.0), (0.0, 0.0))
