"""Owns keypoints as flat lists of x, y, score, the way the files of COCO, OpenPose and AlphaPose hold them.

There a missing keypoint is 0, 0, 0. These files are the only place where holopose writes that; reading turns it back
into missing. Coordinates are pixels as everywhere in holopose: none of these formats says where in a pixel its origin
lies, and their keypoints are labelled and judged as 0-based pixel positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.errors import InputError
from holopose.io.records import PIXEL_DIGITS, SCORE_DIGITS, rounded
from holopose.types import Boxes, Poses

__all__ = ["boxes_from_xywh", "extents", "flatten", "flatten_points", "mean_score", "unflatten", "xywh"]

Numbers = npt.NDArray[np.float64]


def flatten(poses: Poses) -> Numbers:
    """(N, 3K) float64: x, y in pixels to 0.01, score to 0.0001, per keypoint; 0, 0, 0 where it is missing.

    >>> from holopose.skeletons import HAND21
    >>> flatten(Poses.empty(HAND21)).shape
    (0, 63)
    """
    return flatten_points(poses.xy, poses.score)


def flatten_points(xy: npt.NDArray[np.float32], score: npt.NDArray[np.float32]) -> Numbers:
    """The same of (N, K, 2) px and (N, K)."""
    points = np.concatenate([rounded(xy, PIXEL_DIGITS), rounded(score, SCORE_DIGITS)[..., None]], axis=2)
    points[np.isnan(xy).any(axis=2)] = 0
    return points.reshape(len(points), 3 * points.shape[1])


def unflatten(values: Sequence[Any], count: int) -> tuple[Numbers, Numbers]:
    """One person's keypoints from a flat list.

    Args:
        values: 3 * count numbers.
        count: Keypoints expected.

    Returns:
        xy (count, 2) float64 px, NaN where all three numbers are 0; score (count,) float64 as it stands, 0 there.

    Raises:
        InputError: it is no list of that many finite numbers.
    """
    points = _numbers(values)
    if points is None:
        raise InputError(f"expected {3 * count} numbers, got something else")
    if points.shape != (3 * count,):
        raise InputError(f"expected {3 * count} numbers for {count} keypoints, got {_shape(points)}")
    if not (np.abs(points) <= np.finfo(np.float32).max).all():
        raise InputError("expected finite coordinates, got NaN, infinity or numbers out of all proportion")
    points = points.reshape(count, 3)
    gone = (points == 0).all(axis=1)
    xy = np.where(gone[:, None], np.nan, points[:, :2])
    return xy, points[:, 2]


def _numbers(values: Any) -> Numbers | None:
    """Nested lists of numbers as an array; None when they are something else, such as text that looks like one."""
    try:
        array = np.array(values)
    except ValueError:  # rows of different lengths
        return None
    return array.astype(np.float64) if array.dtype.kind in "iuf" else None


def _shape(points: Numbers) -> str:
    return f"{len(points)}" if points.ndim == 1 else f"an array of shape {points.shape}"


def xywh(boxes: Boxes) -> list[list[float]]:
    """Each box as one flat list of left, top, width, height in pixels to 0.01."""
    corners = rounded(boxes.xyxy, PIXEL_DIGITS)
    sizes = rounded(corners[:, 2:] - corners[:, :2], PIXEL_DIGITS)
    return np.concatenate([corners[:, :2], sizes], axis=1).tolist()  # type: ignore[no-any-return]


def boxes_from_xywh(values: Any) -> Numbers:
    """(4,) float64 left, top, right, bottom from left, top, width, height.

    Raises:
        InputError: these are not four finite numbers with a width and height of at least 0.
    """
    box = _numbers(values)
    if (
        box is None
        or box.shape != (4,)
        or not (np.abs(box) < np.finfo(np.float32).max / 2).all()
        or (box[2:] < 0).any()
    ):
        raise InputError(f"expected a box as left, top, width, height, got {str(values)[:60]}")
    return np.concatenate([box[:2], box[:2] + box[2:]])


def extents(xy: Numbers) -> Numbers:
    """(4,) float64: the smallest box around (K, 2) keypoints, those that are there; zeros where none is."""
    there = xy[~np.isnan(xy).any(axis=1)]
    if not len(there):
        return np.zeros(4)
    return np.concatenate([there.min(axis=0), there.max(axis=0)])


def mean_score(score: Numbers, xy: Numbers) -> float:
    """Mean score of the keypoints that are there; 0 where none is."""
    there = ~np.isnan(xy).any(axis=1)
    return float(score[there].mean()) if there.any() else 0.0
