"""Owns what people look like: the colours of their torsos."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["BINS", "likeness", "torso_colours"]

Array = npt.NDArray[np.float64]

_LEVELS = 8
BINS = 3 * _LEVELS
"""Length of a description."""

_ACROSS, _ALONG = np.meshgrid(np.linspace(0.1, 0.9, 8), np.linspace(0.05, 0.85, 12))
_FROM_BOX = np.array([[0.35, 0.2], [0.65, 0.2], [0.35, 0.5], [0.65, 0.5]])  # where a standing person's torso is
_FEWEST = 24  # samples in the picture


def torso_colours(image: npt.NDArray[np.uint8], corners: Array, boxes_xyxy: Array) -> Array:
    """How brightness, red-green and yellow-blue are spread over the torso of each person.

    96 places between shoulders and hips are read; each adds to the two nearest of 8 levels per channel, so a small
    change of light moves little.

    Args:
        image: (H, W, 3) uint8 RGB.
        corners: (N, 4, 2) px, two shoulders and two hips; NaN where unknown, then the box says where the torso is.
        boxes_xyxy: (N, 4) px.

    Returns:
        (N, 24), each channel's 8 shares sum to 1; zeros for people of whom too little is in the picture.
    """
    low, size = boxes_xyxy[:, None, :2], boxes_xyxy[:, None, 2:] - boxes_xyxy[:, None, :2]
    known = np.isfinite(corners.sum(axis=(1, 2)))
    quads = np.where(known[:, None, None], corners, low + _FROM_BOX * size)
    u, v = _ACROSS.ravel()[None, :, None], _ALONG.ravel()[None, :, None]
    top = quads[:, None, 0] * (1 - u) + quads[:, None, 1] * u
    bottom = quads[:, None, 2] * (1 - u) + quads[:, None, 3] * u
    x, y = np.moveaxis(np.rint(top * (1 - v) + bottom * v), -1, 0)
    height, width = image.shape[:2]
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    rows, columns = np.where(inside, y, 0).astype(np.intp), np.where(inside, x, 0).astype(np.intp)
    red, green, blue = np.moveaxis(image[rows, columns].astype(np.float64), -1, 0)
    channels = np.stack(
        [(red + green + blue) / 3 / 255, (red - green) / 192 + 0.5, (red + green - 2 * blue) / 384 + 0.5]
    )
    return _histograms(np.clip(channels, 0, 1) * (_LEVELS - 1), inside)


def _histograms(levels: Array, inside: npt.NDArray[np.bool_]) -> Array:
    """Shares (N, 24) from levels (3, N, samples) between 0 and 7 and which samples (N, samples) count."""
    people = len(inside)
    lower = np.minimum(levels.astype(np.intp), _LEVELS - 2)
    upper_share = levels - lower
    first = np.arange(3)[:, None, None] * _LEVELS + np.arange(people)[None, :, None] * BINS
    slots = np.stack([first + lower, first + lower + 1]).ravel()
    weights = (np.stack([1 - upper_share, upper_share]) * inside).ravel()
    shares = np.bincount(slots, weights, people * BINS).reshape(people, BINS)
    count = inside.sum(axis=1, keepdims=True)
    scaled: Array = np.where(count >= _FEWEST, shares / np.maximum(count, 1), 0)
    return scaled


def likeness(looks: Array, other_looks: Array) -> Array:
    """How alike descriptions (N, 24) and (M, 24) are, (N, M) from 0 to 1: Bhattacharyya's coefficient.

    NaN where one of the two is unknown (zeros).
    """
    alike = np.sqrt(looks) @ np.sqrt(other_looks).T / 3
    known = np.outer(looks.any(axis=1), other_looks.any(axis=1))
    values: Array = np.where(known, alike, np.nan)
    return values
