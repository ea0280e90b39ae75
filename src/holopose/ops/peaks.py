"""Owns the peaks of heatmaps in which many people are at once: where, how high, and between which pixels.

For maps of one person each, see `holopose.ops.heatmaps`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["Peaks", "find_centroids", "find_smoothed", "find_suppressed"]

Maps = npt.NDArray[np.float32]
Ints = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Peaks:
    """M candidates for keypoints, those of the same keypoint together, the highest first.

    Attributes:
        keypoint: (M,) which keypoint of the layout, ascending.
        xy: (M, 2) float64 map px, (0, 0) = centre of the first pixel.
        score: (M,) float64, the map's height.
    """

    keypoint: Ints
    xy: Floats
    score: Floats

    def __len__(self) -> int:
        return len(self.score)


def find_centroids(maps: Maps, *, threshold: float, limit: int = 127, reach: int = 3) -> Peaks:
    """Pixels higher than their eight neighbours, moved to the centre of mass around them.

    As OpenPose documents it: the mean place of the 7x7 pixels around, weighted by their heights where positive. A pixel
    on the map's edge lacks neighbours and is no peak: enlarging maps by cubic curves makes them rise towards the edge.

    Args:
        maps: (H, W, K) float32.
        threshold: Peaks must be higher.
        limit: At most so many per keypoint, the highest.
        reach: Pixels on each side that have a say in the centre.

    >>> maps = np.zeros((9, 9, 1), np.float32)
    >>> maps[4, 4:6, 0] = 0.9, 0.6
    >>> find_centroids(maps, threshold=0.1).xy.round(2).tolist()
    [[4.4, 4.0]]
    """
    keypoint, y, x = _local_maxima(maps, threshold, side=3)
    near = _around(maps, keypoint, y, x, 1, beyond=np.inf)
    near[:, 1, 1] = -np.inf
    strict = maps[y, x, keypoint] > near.max(axis=(1, 2))
    keypoint, y, x = keypoint[strict], y[strict], x[strict]
    keypoint, y, x, score = _highest(maps, keypoint, y, x, limit)
    mass = np.maximum(_around(maps, keypoint, y, x, reach, beyond=0), 0).astype(np.float64)
    steps = np.arange(-reach, reach + 1)
    total = mass.sum(axis=(1, 2))
    shift_x = (mass.sum(axis=1) * steps).sum(axis=1) / total
    shift_y = (mass.sum(axis=2) * steps).sum(axis=1) / total
    return Peaks(keypoint, np.stack([x + shift_x, y + shift_y], axis=1), score)


def find_smoothed(maps: Maps, *, threshold: float, limit: int = 127, sigma: float = 3.0) -> Peaks:
    """Pixels not lower than the four beside them once the map is smoothed; height of the map as it was.

    The way of the paper's Matlab code and of its ports; whole pixels.

    Args:
        maps: (H, W, K) float32.
        threshold: Smoothed peaks must be higher.
        limit: At most so many per keypoint, the highest.
        sigma: Of the Gaussian, px.
    """
    radius = int(4 * sigma + 0.5)
    side = 2 * radius + 1
    # A map smaller than the blur has no mirror image to fill the edges with: repeat them.
    border = cv2.BORDER_REFLECT if radius < min(maps.shape[:2]) else cv2.BORDER_REPLICATE
    smooth = np.asarray(cv2.GaussianBlur(maps, (side, side), sigma, borderType=border), np.float32).reshape(maps.shape)
    keypoint, y, x = _local_maxima(smooth, threshold, side=3, shape=cv2.MORPH_CROSS)
    keypoint, y, x, score = _highest(maps, keypoint, y, x, limit)
    known = score > 0  # smoothing can lift a pixel that itself says nothing
    return Peaks(keypoint[known], np.stack([x, y], axis=1)[known].astype(np.float64), score[known])


def find_suppressed(maps: Maps, *, threshold: float, limit: int = 30, side: int = 5) -> Peaks:
    """Pixels that are the highest of the square around them (non-maximum suppression by max pooling); whole pixels.

    Args:
        maps: (H, W, K) float32.
        threshold: Peaks must be higher.
        limit: At most so many per keypoint, the highest.
        side: Of the square, px, odd.
    """
    keypoint, y, x = _local_maxima(maps, threshold, side=side)
    keypoint, y, x, score = _highest(maps, keypoint, y, x, limit)
    return Peaks(keypoint, np.stack([x, y], axis=1).astype(np.float64), score)


def _local_maxima(maps: Maps, threshold: float, *, side: int, shape: int = cv2.MORPH_RECT) -> tuple[Ints, Ints, Ints]:
    """Keypoint, row and column of every pixel above the threshold and not below those around it."""
    around = cv2.dilate(maps, cv2.getStructuringElement(shape, (side, side))).reshape(maps.shape)
    y, rest = np.divmod(np.flatnonzero((maps >= around) & (maps > threshold)), maps.shape[1] * maps.shape[2])
    x, keypoint = np.divmod(rest, maps.shape[2])
    return keypoint, y, x


def _highest(maps: Maps, keypoint: Ints, y: Ints, x: Ints, limit: int) -> tuple[Ints, Ints, Ints, Floats]:
    """Pixels sorted by keypoint and falling height, at most `limit` of each keypoint."""
    score = maps[y, x, keypoint].astype(np.float64)
    order = np.lexsort((x, y, -score, keypoint))
    ranked = keypoint[order]
    order = order[np.arange(len(order)) - np.searchsorted(ranked, ranked) < limit]
    return keypoint[order], y[order], x[order], score[order]


def _around(maps: Maps, keypoint: Ints, y: Ints, x: Ints, reach: int, *, beyond: float) -> Maps:
    """Squares (M, 2 · reach + 1, 2 · reach + 1) around pixels, `beyond` the map a value of its own."""
    steps = np.arange(-reach, reach + 1)
    rows, columns = y[:, None, None] + steps[:, None], x[:, None, None] + steps
    height, width = maps.shape[:2]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    values = maps[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1), keypoint[:, None, None]]
    return np.where(inside, values, np.float32(beyond))
