"""Owns reading maps by their centre of mass instead of their peak: integral regression.

All take maps (N, K, H, W) of logits and give places (N, K, 2) float32 in heatmap px, (0, 0) = centre of the first
pixel, and scores (N, K) float32 in [0, 1]. Networks trained this way speak of coordinates c = x / W − 1/2; what is
given here is x = (c + 1/2) · W. Where a map has no mass the place is NaN.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["decode_integral", "decode_symmetric"]

Maps = npt.NDArray[np.floating]
Float32s = npt.NDArray[np.float32]

_REACH_PX = 3.5  # mass so near to the answer speaks for it
_PIECE = 1 << 18  # heatmap pixels looked at together


def decode_integral(maps: Maps) -> tuple[Float32s, Float32s]:
    """The expectation under the softmax of each map.

    Sun, Xiao, Wei, Liang, Wei: Integral Human Pose Regression (ECCV 2018). The score is the share of the mass within
    3.5 px of the answer on both axes.
    """
    return _in_pieces(_softmax_piece, maps)


def decode_symmetric(maps: Maps) -> tuple[Float32s, Float32s]:
    """The expectation under the sigmoid of each map, made to sum to 1; the score is the sigmoid's peak.

    Fang, Li, Tang, Xu, Zhu, Xiu, Li, Lu: AlphaPose: Whole-Body Regional Multi-Person Pose Estimation and Tracking in
    Real-Time (TPAMI 2022). "Symmetric" is its gradient in training; what is computed here is the plain expectation.
    """
    return _in_pieces(_sigmoid_piece, maps)


def _softmax_piece(maps: Float32s) -> tuple[Float32s, Float32s]:
    height, width = maps.shape[1:]
    mass: Float32s = np.exp(maps - maps.max(axis=(1, 2), initial=-np.inf, keepdims=True))
    xy, total = _expectation(mass)
    near = [np.abs(np.arange(n) - xy[:, axis, None]) <= _REACH_PX for axis, n in enumerate((width, height))]
    close = np.einsum("mh,mhw,mw->m", near[1].astype(np.float32), mass, near[0].astype(np.float32), optimize=True)
    score = np.divide(close, total, out=np.zeros_like(total), where=total > 0)
    return xy, np.minimum(score, 1)


def _sigmoid_piece(maps: Float32s) -> tuple[Float32s, Float32s]:
    with np.errstate(over="ignore"):  # far below 0: e^88 is infinite, and 1 / infinity the right 0
        mass = np.float32(1) / (np.float32(1) + np.exp(-maps))
    return _expectation(mass)[0], mass.max(axis=(1, 2), initial=0)


def _expectation(mass: Float32s) -> tuple[Float32s, Float32s]:
    """Centres (M, 2) px of maps (M, H, W), NaN where there is no mass, and their masses (M,)."""
    rows, columns = np.indices(mass.shape[1:], np.float32).reshape(2, -1)
    sums = mass.reshape(len(mass), -1) @ np.stack([columns, rows, np.ones_like(rows)], axis=1)
    total = sums[:, 2]
    empty = np.full((len(mass), 2), np.nan, np.float32)
    return np.divide(sums[:, :2], total[:, None], out=empty, where=(total > 0)[:, None]), total


def _in_pieces(read: Callable[[Float32s], tuple[Float32s, Float32s]], maps: Maps) -> tuple[Float32s, Float32s]:
    """What `read` makes of maps (M, H, W) -> (M, 2) and (M,), called on as many at a time as fit the cache."""
    flat = maps.reshape(-1, *maps.shape[2:])
    xy, score = np.empty((len(flat), 2), np.float32), np.empty(len(flat), np.float32)
    step = max(1, _PIECE // (flat.shape[1] * flat.shape[2]))
    for start in range(0, len(flat), step):
        part = slice(start, start + step)
        xy[part], score[part] = read(flat[part].astype(np.float32, copy=False))
    return xy.reshape(*maps.shape[:2], 2), score.reshape(maps.shape[:2])
