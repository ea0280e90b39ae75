"""Owns the algebra of rotated regions of interest.

A ROI is a row of five float64 numbers: centre x, centre y, width, height in px and the rotation in radians, clockwise
positive on screen (y down). All functions take and return (N, 5) arrays. The rules are those of MediaPipe's rect
calculators (detections to rects, alignment points, rect transformation), in pixels throughout.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = [
    "align",
    "around",
    "may_keep",
    "normalize_angle",
    "project",
    "rotation_between",
    "transform",
    "unproject",
]

Array = npt.NDArray[np.float64]


def normalize_angle(angle: Array) -> Array:
    """The same angles, radians, in [-pi, pi)."""
    wrapped: Array = angle - 2 * np.pi * np.floor((angle + np.pi) / (2 * np.pi))
    return wrapped


def rotation_between(start: npt.ArrayLike, end: npt.ArrayLike, target: float) -> Array:
    """Rotation (N,) that turns start -> end, (N, 2) px each, to direction `target`, radians (0 right, pi/2 up)."""
    delta = np.asarray(end, np.float64) - np.asarray(start, np.float64)
    return normalize_angle(target - np.arctan2(-delta[..., 1], delta[..., 0]))


def align(start: npt.ArrayLike, end: npt.ArrayLike, target: float) -> Array:
    """ROIs centred on `start` that reach to `end` and beyond by as much, turned so that `end` lies towards `target`.

    Args:
        start: (N, 2) px.
        end: (N, 2) px.
        target: Radians.

    >>> align([[500, 300]], [[500, 150]], np.pi / 2).tolist()
    [[500.0, 300.0, 300.0, 300.0, 0.0]]
    """
    start, end = np.asarray(start, np.float64), np.asarray(end, np.float64)
    side = 2 * np.linalg.norm(end - start, axis=-1)
    return np.stack([start[..., 0], start[..., 1], side, side, rotation_between(start, end, target)], axis=-1)


def around(points: npt.ArrayLike, rotation: npt.ArrayLike, *, tight: bool = False) -> Array:
    """ROIs around points (N, K, 2) px with the given rotation (N,).

    The plain form takes the upright bounding box and turns it (MediaPipe's detections to rects); `tight` measures the
    points in the turned frame (its hand landmarks to rect).
    """
    points = np.asarray(points, np.float64)
    rotation = np.asarray(rotation, np.float64)
    low, high = points.min(axis=1), points.max(axis=1)
    centre = (low + high) / 2
    if tight:
        cos, sin = np.cos(rotation)[:, None], np.sin(rotation)[:, None]
        local = points - centre[:, None]
        turned = np.stack(
            [local[..., 0] * cos + local[..., 1] * sin, local[..., 1] * cos - local[..., 0] * sin], axis=-1
        )
        low, high = turned.min(axis=1), turned.max(axis=1)
        shift = (low + high) / 2
        centre = centre + np.stack(
            [
                shift[:, 0] * cos[:, 0] - shift[:, 1] * sin[:, 0],
                shift[:, 0] * sin[:, 0] + shift[:, 1] * cos[:, 0],
            ],
            axis=-1,
        )
    return np.concatenate([centre, high - low, rotation[:, None]], axis=1)


def transform(
    rois: Array, *, scale: float = 1.0, shift_x: float = 0.0, shift_y: float = 0.0, square: bool = True
) -> Array:
    """Shift by fractions of the old size along the turned axes, then make square by the longer side, then scale."""
    x, y, width, height, angle = rois.T
    cos, sin = np.cos(angle), np.sin(angle)
    dx, dy = width * shift_x, height * shift_y
    if square:
        width = height = np.maximum(width, height)
    return np.stack([x + dx * cos - dy * sin, y + dx * sin + dy * cos, width * scale, height * scale, angle], axis=1)


def project(fractions: npt.NDArray[np.floating], rois: Array) -> Array:
    """Fractions of a ROI, (N, K, 2) with (0, 0) its top-left and (1, 1) its bottom-right corner, to image px."""
    offset = (np.asarray(fractions, np.float64) - 0.5) * rois[:, None, 2:4]
    cos, sin = np.cos(rois[:, 4])[:, None], np.sin(rois[:, 4])[:, None]
    return np.stack(
        [
            offset[..., 0] * cos - offset[..., 1] * sin + rois[:, None, 0],
            offset[..., 0] * sin + offset[..., 1] * cos + rois[:, None, 1],
        ],
        axis=-1,
    )


def unproject(points: npt.NDArray[np.floating], rois: Array) -> Array:
    """Image px, (N, K, 2), to fractions of the ROI: the inverse of `project`."""
    offset = np.asarray(points, np.float64) - rois[:, None, :2]
    cos, sin = np.cos(rois[:, 4])[:, None], np.sin(rois[:, 4])[:, None]
    local = np.stack(
        [offset[..., 0] * cos + offset[..., 1] * sin, offset[..., 1] * cos - offset[..., 0] * sin], axis=-1
    )
    return local / rois[:, None, 2:4] + 0.5


def may_keep(
    previous: Array, points: npt.ArrayLike, fresh: Array, *, turn: float, shift: float, scale: float, margin: float
) -> bool:
    """Whether a region that followed its object from the last frame may be used in place of a fresh one.

    It may where both say about the same and the object, as last seen, lies inside the fresh one (MediaPipe's ROI
    tracking calculator).

    Args:
        previous: (5,) region made of the last frame's landmarks.
        points: (K, 2) px, those landmarks.
        fresh: (5,) region found in this frame.
        turn: Largest difference of rotation, radians.
        shift: Largest distance of the centres along each side of `fresh`, relative to that side.
        scale: Largest difference of each side, relative to that of `fresh`.
        margin: By which share of its sides `fresh` is widened, on the whole, before it must hold all points.
    """
    if abs(float(normalize_angle(previous[4] - fresh[4]))) > turn:
        return False
    centre = unproject(previous[None, None, :2], fresh[None])[0, 0] - 0.5
    if (np.abs(centre) > shift).any() or (np.abs(previous[2:4] - fresh[2:4]) > scale * fresh[2:4]).any():
        return False
    inside = np.abs(unproject(np.asarray(points, np.float64)[None], fresh[None])[0] - 0.5) < (1 + margin) / 2
    return bool(inside.all())
