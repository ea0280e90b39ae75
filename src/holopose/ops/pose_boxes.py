"""Owns boxes made of keypoints: where somebody is, told by their pose."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from holopose.types import Poses

__all__ = ["USUAL", "enlarge", "margins_of", "tight_boxes"]

Floats = npt.NDArray[np.float64]

USUAL: Floats = np.array([0.15, 0.15, 0.15, 0.08])
"""What a person's box adds to that of their body keypoints at the left, top, right and bottom, in its widths and
heights: hair above the eyes, hands beyond the wrists, feet below the ankles. About what COCO's labels have."""


def tight_boxes(poses: Poses, least: float) -> Floats:
    """The box (N, 4) px of each person's keypoints with scores from `least` up; NaN where there are fewer than two."""
    sure = (poses.score >= least) & (poses.score > 0)
    xy = poses.xy.astype(np.float64)
    low = np.where(sure[:, :, None], xy, np.inf).min(axis=1, initial=np.inf)
    high = np.where(sure[:, :, None], xy, -np.inf).max(axis=1, initial=-np.inf)
    boxes = np.concatenate([low, high], axis=1)
    boxes[sure.sum(axis=1) < 2] = np.nan
    return boxes


def enlarge(tight: Floats, margins: Floats, size_wh: tuple[int, int]) -> Floats:
    """Boxes (N, 4) px with `margins` (N, 4) or (4,) added, cut at the picture's edges.

    >>> enlarge(np.array([[10.0, 10, 30, 50]]), USUAL, (100, 100)).tolist()
    [[7.0, 4.0, 33.0, 53.2]]
    """
    sides = np.tile(tight[:, 2:] - tight[:, :2], 2)
    grown = tight + np.array([-1, -1, 1, 1]) * margins * sides
    cut: Floats = np.clip(grown, 0, np.tile(size_wh, 2).astype(np.float64))
    return cut


def margins_of(boxes: Floats, tight: Floats) -> Floats:
    """What boxes (N, 4) add to those of their keypoints (N, 4), as shares of the latter's sides: (N, 4)."""
    sides = np.maximum(np.tile(tight[:, 2:] - tight[:, :2], 2), 1.0)
    shares: Floats = (boxes - tight) * np.array([-1, -1, 1, 1]) / sides
    return shares
