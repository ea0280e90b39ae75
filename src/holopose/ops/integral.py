"""Owns reading maps by their centre of mass instead of their peak: integral regression.

All take maps (N, K, H, W) of logits and give places (N, K, 2) float32 in heatmap px, (0, 0) = centre of the first
pixel, and scores (N, K) float32 in [0, 1]. Networks trained this way speak of coordinates c = x / W − 1/2; what is
given here is x = (c + 1/2) · W. Where a map has no mass the place is NaN.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["decode_integral", "decode_symmetric"]

Maps = npt.NDArray[np.floating]
Float32s = npt.NDArray[np.float32]

_REACH_PX = 3.5  # mass so near to the answer speaks for it


def decode_integral(maps: Maps) -> tuple[Float32s, Float32s]:
    """The expectation under the softmax of each map.

    Sun, Xiao, Wei, Liang, Wei: Integral Human Pose Regression (ECCV 2018). The score is the share of the mass within
    3.5 px of the answer on both axes.
    """
    count, keypoints, height, width = maps.shape
    logits = maps.reshape(-1, height * width).astype(np.float32)
    mass: Float32s = np.exp(logits - logits.max(axis=1, initial=-np.inf, keepdims=True))
    xy, total = _expectation(mass, width)
    near = [np.abs(np.arange(n) - xy[:, axis, None]) <= _REACH_PX for axis, n in enumerate((width, height))]
    square = mass.reshape(-1, height, width)
    close = np.einsum("mh,mhw,mw->m", near[1].astype(np.float32), square, near[0].astype(np.float32), optimize=True)
    score = np.divide(close, total, out=np.zeros_like(close), where=total > 0)
    return xy.reshape(count, keypoints, 2), np.minimum(score, 1).reshape(count, keypoints)


def decode_symmetric(maps: Maps) -> tuple[Float32s, Float32s]:
    """The expectation under the sigmoid of each map, made to sum to 1; the score is the sigmoid's peak.

    Fang, Li, Tang, Xu, Zhu, Xiu, Li, Lu: AlphaPose: Whole-Body Regional Multi-Person Pose Estimation and Tracking in
    Real-Time (TPAMI 2022). "Symmetric" is its gradient in training; what is computed here is the plain expectation.
    """
    count, keypoints, height, width = maps.shape
    logits = maps.reshape(-1, height * width).astype(np.float32)
    with np.errstate(over="ignore"):  # far below 0: e^88 is infinite, and 1 / infinity the right 0
        mass = np.float32(1) / (np.float32(1) + np.exp(-logits))
    xy, _ = _expectation(mass, width)
    peak = mass.max(axis=1, initial=0)
    return xy.reshape(count, keypoints, 2), peak.reshape(count, keypoints)


def _expectation(mass: Float32s, width: int) -> tuple[Float32s, Float32s]:
    """Centres (M, 2) px of maps (M, H · W), NaN where there is no mass, and their masses (M,)."""
    row, column = np.divmod(np.arange(mass.shape[1], dtype=np.float32), width)
    sums = mass @ np.stack([column, row, np.ones_like(row)], axis=1)
    total = sums[:, 2]
    empty = np.full((len(mass), 2), np.nan, np.float32)
    return np.divide(sums[:, :2], total[:, None], out=empty, where=(total > 0)[:, None]), total
