"""Crops against a slow exact sampler, and what they do at borders, strong reductions and odd sizes."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holopose.ops.crops import Pyramid, crop, to_tensor

Image = npt.NDArray[np.uint8]

LEVELS = pytest.mark.parametrize("levels", [0, 6], ids=["plain", "levels"])


def noise(width: int, height: int, seed: int = 0) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def waves(width: int, height: int) -> Image:
    """Smooth in both directions, at most 3 levels from one pixel to the next."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    planes = [127 + 60 * np.sin(x / 29 + phase) + 60 * np.cos(y / 31 - phase) for phase in (0, 1, 2)]
    return np.stack(planes, axis=2).round().astype(np.uint8)


def upright(image: Image) -> npt.NDArray[np.float64]:
    """The ROI that is the whole picture."""
    height, width = image.shape[:2]
    return np.array([width / 2, height / 2, width, height, 0.0])


def sampled(image: Image, roi: npt.ArrayLike, size_wh: tuple[int, int]) -> npt.NDArray[np.float64]:
    """The ROI by the formula, bilinear in float64, the edge repeated."""
    x, y, width, height, angle = np.asarray(roi, np.float64)
    u, v = np.meshgrid(np.arange(size_wh[0]) / size_wh[0] - 0.5, np.arange(size_wh[1]) / size_wh[1] - 0.5)
    across = x + u * width * np.cos(angle) - v * height * np.sin(angle)
    down = y + u * width * np.sin(angle) + v * height * np.cos(angle)
    across, down = across.clip(0, image.shape[1] - 1), down.clip(0, image.shape[0] - 1)
    left, top = np.floor(across).astype(int), np.floor(down).astype(int)
    right, bottom = np.minimum(left + 1, image.shape[1] - 1), np.minimum(top + 1, image.shape[0] - 1)
    a, b = (across - left)[..., None], (down - top)[..., None]
    pixels = image.astype(np.float64)
    upper = pixels[top, left] * (1 - a) + pixels[top, right] * a
    lower = pixels[bottom, left] * (1 - a) + pixels[bottom, right] * a
    return upper * (1 - b) + lower * b


# Where pixels come from ----------------------------------------------------------------------------------------------


@LEVELS
@pytest.mark.parametrize("size_wh", [(40, 30), (31, 47), (1, 1), (1, 200), (200, 1)])
def test_the_whole_picture_is_the_picture(levels: int, size_wh: tuple[int, int]) -> None:
    image = noise(*size_wh)
    result = crop(Pyramid(image, levels=levels), upright(image), size_wh)
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, image)


@LEVELS
@given(x=st.integers(-10, 50), y=st.integers(-10, 50), width=st.integers(1, 60), height=st.integers(1, 60))
def test_whole_pixels_are_copied(levels: int, x: int, y: int, width: int, height: int) -> None:
    image = noise(50, 50)
    roi = np.array([x + width / 2, y + height / 2, width, height, 0.0])
    columns, rows = (np.arange(start, start + n).clip(0, 49) for start, n in ((x, width), (y, height)))
    result = crop(Pyramid(image, levels=levels), roi, (width, height))
    np.testing.assert_array_equal(result, image[rows][:, columns])


@LEVELS
@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_quarter_turns(levels: int, quarters: int) -> None:
    """A ROI turned clockwise shows the picture turned the other way; there is no half-pixel term to the ROI."""
    image, angle = noise(50, 50), quarters * np.pi / 2
    half = np.array([0.5 * np.cos(angle) - 0.5 * np.sin(angle), 0.5 * np.sin(angle) + 0.5 * np.cos(angle)])
    roi = np.array([*(24.5 + half), 50, 50, angle])
    result = crop(Pyramid(image, levels=levels), roi, (50, 50)).astype(int)
    assert np.abs(result - np.rot90(image, quarters)).max() <= 1


@LEVELS
@settings(max_examples=60)
@given(
    roi=st.tuples(*[st.floats(-60, 160)] * 2, *[st.floats(5, 130)] * 2, st.floats(-np.pi, np.pi)).map(np.array),
    at_least=st.tuples(st.integers(16, 90), st.integers(16, 90)),
)
def test_any_roi_is_as_the_formula_says(levels: int, roi: npt.NDArray[np.float64], at_least: tuple[int, int]) -> None:
    """Positions may be rounded to 1/32 px: with 3 levels from pixel to pixel, that and rounding is one level."""
    image = waves(120, 100)
    columns, rows = (max(n, int(side / 1.9) + 1) for n, side in zip(at_least, roi[2:4], strict=True))  # not halved yet
    result = crop(Pyramid(image, levels=levels), roi, (columns, rows))
    assert result.shape == (rows, columns, 3)
    assert np.abs(result - sampled(image, roi, (columns, rows))).max() <= 1.01


def test_positions_are_right_to_a_32nd_of_a_pixel() -> None:
    """Across a step of 255 levels, a 32nd is 8 of them; a picture of noise is full of such steps."""
    image = noise(64, 64)
    roi = np.array([31.7, 30.2, 40.3, 37.9, 0.3])
    plain, levels = (crop(Pyramid(image, levels=n), roi, (90, 90)).astype(int) for n in (0, 6))
    exact = sampled(image, roi, (90, 90))
    for result in (plain, levels):
        assert np.abs(result - exact).max() <= 2 * 255 / 64 + 1  # half a step, in x and in y
    assert np.abs(plain - exact).mean() < 2


# Borders -------------------------------------------------------------------------------------------------------------


@LEVELS
def test_border_black_or_repeated(levels: int) -> None:
    image = noise(20, 20) // 2 + 100
    pyramid, roi = Pyramid(image, levels=levels), np.array([5.0, 10.0, 40.0, 40.0, 0.0])
    repeated, black = (crop(pyramid, roi, (40, 40), replicate=flag) for flag in (True, False))
    inside = np.zeros((40, 40), bool)
    inside[10:30, 15:35] = True  # the ROI begins at (-15, -10)
    np.testing.assert_array_equal(repeated[inside], black[inside])
    np.testing.assert_array_equal(repeated[inside].reshape(image.shape), image)
    assert not black[~inside].any()
    np.testing.assert_array_equal(repeated[:, :15], np.repeat(repeated[:, 15:16], 15, axis=1))
    np.testing.assert_array_equal(repeated[30:], np.repeat(repeated[29:30], 10, axis=0))


@LEVELS
@pytest.mark.parametrize("size_wh", [(1, 1), (1, 1000), (1000, 1), (2, 3), (64, 48)])
@pytest.mark.parametrize(
    "roi",
    [[1e6, -1e6, 100, 100, 1.0], [-5e4, 3, 10, 9, 0], [0, 0, 1e7, 1e7, 0.3], [3, 3, 0, 0, 0], [0, 0, 1e-9, 50, 2]],
)
def test_rois_far_outside_or_without_size(levels: int, size_wh: tuple[int, int], roi: list[float]) -> None:
    image = np.full((size_wh[1], size_wh[0], 3), (10, 200, 90), np.uint8)
    pyramid = Pyramid(image, levels=levels)
    repeated = crop(pyramid, np.array(roi, np.float64), (17, 12))
    assert repeated.shape == (12, 17, 3)
    assert (repeated == (10, 200, 90)).all()
    if abs(roi[0]) > 2000:
        assert not crop(pyramid, np.array(roi, np.float64), (17, 12), replicate=False).any()


# Reductions ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size_wh", [(1024, 768), (1001, 757), (333, 999)])
@pytest.mark.parametrize("angle", [0.0, 0.5, -2.0])
@pytest.mark.parametrize("out", [200, 90, 33])
def test_levels_lie_where_the_picture_lies(size_wh: tuple[int, int], angle: float, out: int) -> None:
    x, y = np.meshgrid(np.linspace(0, 255, size_wh[0]), np.linspace(0, 255, size_wh[1]))
    image = np.stack([x, y, (x + y) / 2], axis=2).round().astype(np.uint8)
    roi = np.array([size_wh[0] * 0.48, size_wh[1] * 0.53, 0.6 * min(size_wh), 0.6 * min(size_wh), angle])
    plain, levels = (crop(Pyramid(image, levels=n), roi, (out, out)).astype(int) for n in (0, 6))
    assert np.abs(plain - levels).max() <= 2
    assert abs((plain - levels).mean()) < 0.6


@pytest.mark.parametrize("size_wh", [(126, 120), (125, 119)])
def test_levels_are_not_shifted(size_wh: tuple[int, int]) -> None:
    """A level's pixels are centred between those it stands for; two tenths of a pixel off would show here."""
    x, y = np.meshgrid(np.arange(size_wh[0]), np.arange(size_wh[1]))
    image = (2 * np.stack([x, y, 127 - y], axis=2)).astype(np.uint8)
    roi = np.array([62.0, 60.0, 80.0, 80.0, 0.3])
    for out in (39, 19, 9):  # halved once, twice, three times
        plain, levels = (crop(Pyramid(image, levels=n), roi, (out, out)).astype(int) for n in (0, 6))
        assert (np.abs((levels - plain).mean(axis=(0, 1))) < 0.4).all()


def test_levels_do_not_alias() -> None:
    """A fine chequerboard is grey from afar; sampled in single pixels it is black or white."""
    board = (np.indices((512, 512)).sum(axis=0) % 2 * 255).astype(np.uint8)
    image = np.repeat(board[:, :, None], 3, axis=2)
    plain, levels = (crop(Pyramid(image, levels=n), upright(image), (64, 64)).astype(int) for n in (0, 6))
    assert set(np.unique(plain)) <= {0, 255}
    assert np.abs(levels - 127.5).max() <= 1


@given(st.integers(1, 300), st.integers(1, 300), st.floats(0.01, 1000), st.integers(0, 8))
def test_a_level_keeps_what_the_reduction_keeps(width: int, height: int, reduction: float, levels: int) -> None:
    pyramid = Pyramid(np.zeros((height, width, 3), np.uint8), levels=levels)
    image, scale_x, scale_y = pyramid.pick(reduction)
    assert pyramid.size_wh == (width, height)
    assert pyramid.is_plain == (levels == 0)
    assert scale_x == image.shape[1] / width
    assert scale_y == image.shape[0] / height
    sizes = [(height, width)]
    while len(sizes) <= levels and max(sizes[-1]) > 1:
        sizes.append((max(1, sizes[-1][0] // 2), max(1, sizes[-1][1] // 2)))
    wanted = max(level for level in range(len(sizes)) if 2**level <= max(reduction, 1))
    assert image.shape == (*sizes[wanted], 3)


@pytest.mark.parametrize("size_wh", [(40_000, 20), (20, 40_000), (1, 70_000)])
@LEVELS
def test_pictures_longer_than_opencv_can_sample(levels: int, size_wh: tuple[int, int]) -> None:
    """They are sampled at half their size, or less: white where they are white, in the right place."""
    image = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    along = max(size_wh)
    (image[:, 30_000:] if size_wh[0] > size_wh[1] else image[30_000:])[:] = 255
    pyramid = Pyramid(image, levels=levels)
    for centre, level in ((29_900, 0), (30_100, 255), (along - 1000, 255)):
        place = (centre, 10) if size_wh[0] > size_wh[1] else (10, centre)
        assert (crop(pyramid, np.array([*place, 100.0, 100.0, 0.2]), (64, 64)) == level).all()
    assert max(pyramid.pick(1e6)[0].shape) < 2000 or levels == 0
    assert max(pyramid.pick(1.0)[0].shape) > 16_000
    whole = crop(pyramid, np.array([size_wh[0] / 2, size_wh[1] / 2, along, along, 0.0]), (224, 224))
    assert whole.mean() == pytest.approx(255 * (1 - 30_000 / along), abs=2)


def test_levels_are_made_once_and_only_when_needed() -> None:
    image = noise(64, 64)
    pyramid = Pyramid(image)
    assert pyramid.pick(0.5)[0] is image
    assert pyramid.pick(1.99)[0] is image
    eighth = pyramid.pick(8.0)[0]
    assert eighth.shape == (8, 8, 3)
    assert pyramid.pick(9.0)[0] is eighth
    assert np.abs(eighth - image.reshape(8, 8, 8, 8, 3).mean(axis=(1, 3))).max() <= 2


# Numbers for networks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 1.0)])
def test_to_tensor(low: float, high: float) -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    tensor = to_tensor(pixels, low, high)
    assert tensor.dtype == np.float32
    assert tensor.shape == pixels.shape
    np.testing.assert_allclose(tensor.ravel(), np.linspace(low, high, 256), atol=1e-6)
    assert pixels.ravel().tolist() == list(range(256))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("roi", [(50.0, 40, 0, 0, 0.3), (1e7, -1e7, 90, 90, 0.0), (50.0, 40, 1e6, 1e6, 1.0)])
def test_crops_in_steps_survive_any_region(roi: tuple[float, ...]) -> None:
    picture = np.full((80, 100, 3), 70, np.uint8)
    view = crop(Pyramid(picture, levels=0), np.array(roi), (32, 32), replicate=False, in_steps=True)
    assert view.shape == (32, 32, 3)
    if roi[0] > 1e6 or roi[2] == 0:
        assert not view.any()


def test_crops_in_steps_show_what_plain_crops_show() -> None:
    random = np.random.default_rng(3)
    picture = cv2.GaussianBlur(random.integers(0, 256, (240, 320, 3), np.uint8), (0, 0), 3)
    pyramid = Pyramid(picture, levels=0)
    for angle in (0.0, 0.4, -2.0):
        roi = np.array([150.0, 120, 120, 120, angle])
        plain, steps = (crop(pyramid, roi, (64, 64), in_steps=one).astype(int) for one in (False, True))
        assert np.abs(plain - steps).max() <= 6
        assert np.abs(plain - steps).mean() < 1
