"""Owns object keypoint similarity: how alike two poses lie, from 0 (apart) to 1 (the same)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["similarity"]

Array = npt.NDArray[np.float64]


def similarity(
    xy: Array, other_xy: Array, *, weight: Array, size_px: Array, sigmas: Array, spread_px: npt.ArrayLike = 0.0
) -> Array:
    """Similarity (N, M) of poses with others: the weighted mean over keypoints of exp(-d^2 / (2 (s k)^2)).

    COCO's formula (cocodataset.org, keypoint evaluation): d the distance in px, s the person's size, k twice the
    keypoint's sigma. Two things are added: keypoints count by weight instead of all alike, and a pose whose place is
    only known to `spread_px` is compared as tolerantly as that.

    Args:
        xy: (N, K, 2) px, finite (a missing keypoint is anywhere, with weight 0).
        other_xy: (M, K, 2) px, finite.
        weight: (N, M, K), 0 or more; a pair without any weight has similarity 0.
        size_px: (N, M) px, the square root of the person's area; more than 0.
        sigmas: (K,) shares of the size.
        spread_px: (N,) or one number, px, standard deviation of each pose's place along x and along y.

    >>> pose, moved = np.zeros((1, 1, 2)), np.array([[[10.0, 0.0]]])
    >>> one = np.ones((1, 1, 1))
    >>> size, sigma = np.full((1, 1), 100.0), np.array([0.05])
    >>> similarity(pose, moved, weight=one, size_px=size, sigmas=sigma).round(4).tolist()  # exp(-1/2)
    [[0.6065]]
    """
    apart = xy[:, None] - other_xy[None]
    squared = np.einsum("nmkd,nmkd->nmk", apart, apart)
    spread = np.broadcast_to(np.asarray(spread_px, np.float64), len(xy))
    variance = (2 * sigmas * size_px[..., None]) ** 2 + (spread**2)[:, None, None]
    total = weight.sum(axis=2)
    alike = (np.exp(-squared / (2 * variance)) * weight).sum(axis=2)
    shares: Array = np.divide(alike, total, out=np.zeros_like(alike), where=total > 0)
    return shares
