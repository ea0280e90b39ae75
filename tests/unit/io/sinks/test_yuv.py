"""RGB as BT.709 video: checked against the formula, in 64-bit, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.io.sinks.yuv import to_yuv420


def exact(rgb: np.ndarray) -> np.ndarray:
    """Y, Cb, Cr of BT.709 in limited range, from the definition: E' in [0, 1], quantised to 8 bits."""
    red, green, blue = np.moveaxis(rgb.astype(np.float64) / 255, -1, 0)
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return np.stack([219 * luma + 16, 224 * (blue - luma) / 1.8556 + 128, 224 * (red - luma) / 1.5748 + 128], axis=-1)


@pytest.mark.parametrize(
    ("rgb", "yuv"),  # BT.709-6 gives black and white; the others are its 75 % and 100 % bars as measured everywhere
    [
        ((0, 0, 0), (16, 128, 128)),
        ((255, 255, 255), (235, 128, 128)),
        ((255, 0, 0), (63, 102, 240)),
        ((0, 255, 0), (173, 42, 26)),
        ((0, 0, 255), (32, 240, 118)),
    ],
)
def test_colours_of_the_standard(rgb: tuple[int, int, int], yuv: tuple[int, int, int]) -> None:
    image = np.full((6, 4, 3), rgb, np.uint8)
    assert [set(plane.ravel().tolist()) for plane in to_yuv420(image)] == [{value} for value in yuv]


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_every_pixel_and_every_mean_of_four(height: int, width: int, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    even = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    wanted = exact(even)
    luma, *chroma = to_yuv420(image)
    assert luma.shape == even.shape[:2]
    assert np.abs(luma - wanted[..., 0]).max() <= 1
    for plane, want in zip(chroma, np.moveaxis(wanted[..., 1:], -1, 0), strict=True):
        mean = want.reshape(len(want) // 2, 2, -1, 2).mean(axis=(1, 3))
        assert plane.shape == mean.shape
        assert np.abs(plane - mean).max() <= 1.51


def test_odd_sides_repeat_the_last_pixel_and_nothing_else_changes() -> None:
    image = np.zeros((3, 5, 3), np.uint8)
    image[2], image[:, 4] = 255, 255
    luma, _, _ = to_yuv420(image)
    assert luma.shape == (4, 6)
    assert (luma[3] == luma[2]).all()
    assert (luma[:, 5] == luma[:, 4]).all()
    assert (luma[:2, :4] == 16).all()
