"""Owns the algebra of upright rectangles: rows of left, top, right, bottom in px."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["centres", "iou", "longer_sides"]

Array = npt.NDArray[np.float64]


def centres(xyxy: npt.ArrayLike) -> Array:
    """Middles (N, 2) px of boxes (N, 4).

    >>> centres([[0, 0, 4, 2]]).tolist()
    [[2.0, 1.0]]
    """
    boxes = np.asarray(xyxy, np.float64)
    middles: Array = (boxes[..., :2] + boxes[..., 2:]) / 2
    return middles


def longer_sides(xyxy: npt.ArrayLike) -> Array:
    """Longer side (N,) px of each box (N, 4); 0 for a point."""
    boxes = np.asarray(xyxy, np.float64)
    sides: Array = (boxes[..., 2:] - boxes[..., :2]).max(axis=-1)
    return sides


def iou(xyxy: npt.ArrayLike, other_xyxy: npt.ArrayLike) -> Array:
    """Intersection over union (N, M) of boxes (N, 4) with others (M, 4); 0 where the union has no area.

    >>> iou([[0, 0, 2, 2]], [[0, 0, 2, 2], [1, 0, 3, 2], [5, 5, 6, 6]]).round(3).tolist()
    [[1.0, 0.333, 0.0]]
    """
    a = np.asarray(xyxy, np.float64)[:, None]
    b = np.asarray(other_xyxy, np.float64)[None]
    sides = np.clip(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0, None)
    common = sides[..., 0] * sides[..., 1]
    union = _areas(a) + _areas(b) - common
    shares: Array = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return shares


def _areas(xyxy: Array) -> Array:
    areas: Array = (xyxy[..., 2] - xyxy[..., 0]) * (xyxy[..., 3] - xyxy[..., 1])
    return areas
