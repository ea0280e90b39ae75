"""Owns the SSD side of the blaze detectors: anchors, decoding of raw outputs, weighted non-maximum suppression.

Rules as in MediaPipe's ssd_anchors, tensors_to_detections and non_max_suppression calculators; fixed anchor size 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

__all__ = ["anchor_centres", "decode", "sigmoid", "suppress"]

Array = npt.NDArray[np.float32]


@lru_cache(maxsize=64)
def anchor_centres(size_hw: tuple[int, int], layers: tuple[tuple[int, int], ...]) -> Array:
    """Anchor centres (R, 2), x and y in px of the network's input.

    Args:
        size_hw: Input height and width, px.
        layers: Per grid its stride in px and the anchors per cell; consecutive layers of equal stride are one grid.

    >>> pose = ((8, 2), (16, 2), (32, 6))
    >>> len(anchor_centres((224, 224), pose)), [round(float(v) / 224, 6) for v in anchor_centres((224, 224), pose)[2]]
    (2254, [0.053571, 0.017857])
    """
    grids = []
    for stride, per_cell in layers:
        rows, columns = -(-size_hw[0] // stride), -(-size_hw[1] // stride)
        y, x = np.mgrid[0:rows, 0:columns]
        cells = np.stack([(x + 0.5) * size_hw[1] / columns, (y + 0.5) * size_hw[0] / rows], axis=-1)
        grids.append(np.repeat(cells.reshape(-1, 2), per_cell, axis=0))
    centres: Array = np.concatenate(grids).astype(np.float32)
    centres.setflags(write=False)
    return centres


def sigmoid(raw: npt.NDArray[np.floating]) -> Array:
    """1 / (1 + exp(-raw)), raw clipped to ±100, float32."""
    clipped = np.clip(raw, -100, 100).astype(np.float64)  # exp(100) is more than float32 holds
    return np.asarray(1 / (1 + np.exp(-clipped)), np.float32)


def decode(raw_boxes: Array, raw_scores: Array, centres: Array, min_score: float) -> tuple[Array, Array]:
    """Detections above a score.

    Args:
        raw_boxes: (1, R, 4 + 2P): centre x, y, width, height, then P points x, y; px relative to the anchor.
        raw_scores: (1, R, 1) logits.
        centres: (R, 2) from `anchor_centres`.
        min_score: In (0, 1).

    Returns:
        points (M, 2 + P, 2) float32, px of the input: box corners top-left and bottom-right, then the P points;
        scores (M,).
    """
    logits = raw_scores[0, :, 0]
    keep = np.flatnonzero(logits >= np.log(min_score / (1 - min_score)))
    keep = keep[(raw_boxes[0, keep, 2:4] >= 0).all(axis=1)]
    raw = raw_boxes[0, keep].reshape(len(keep), raw_boxes.shape[2] // 2, 2)
    points = raw + centres[keep, None]
    centre, half = points[:, 0].copy(), raw[:, 1] / 2
    points[:, 0], points[:, 1] = centre - half, centre + half
    return points, sigmoid(logits[keep])


def suppress(points: Array, scores: Array, *, max_overlap: float = 0.3) -> tuple[Array, Array, npt.NDArray[np.intp]]:
    """Weighted non-maximum suppression.

    The best detection gathers all others whose boxes overlap it by more than `max_overlap` (intersection over union);
    the group becomes one detection at the score-weighted mean, with the best score.

    Args:
        points: (M, 2 + P, 2) as `decode` gives them.
        scores: (M,).
        max_overlap: In (0, 1).

    Returns:
        points (G, 2 + P, 2), scores (G,) falling, and for each group the index of its best member (G,).
    """
    order = np.argsort(-scores, kind="stable")
    kept: list[Array] = []
    best: list[int] = []
    low, high = points[:, 0], points[:, 1]
    area = np.prod(high - low, axis=1)
    while order.size:
        top = order[0]
        span = np.minimum(high[top], high[order]) - np.maximum(low[top], low[order])
        shared = np.prod(np.maximum(span, 0), axis=1)
        union = area[top] + area[order] - shared
        member = shared > max_overlap * np.maximum(union, 1e-12)
        if not member.any():  # a box without area overlaps nothing, not even itself
            break
        group = order[member]
        weight = scores[group] / scores[group].sum()
        kept.append(np.tensordot(weight, points[group], axes=1))
        best.append(int(top))
        order = order[~member]
    if not kept:
        return points[:0], scores[:0], np.zeros(0, np.intp)
    index = np.array(best, np.intp)
    return np.stack(kept).astype(np.float32), scores[index], index


def merge_layers(strides: Sequence[int], per_layer: int = 2) -> tuple[tuple[int, int], ...]:
    """Layers as `anchor_centres` wants them: consecutive equal strides joined.

    >>> merge_layers([8, 16, 32, 32, 32])
    ((8, 2), (16, 2), (32, 6))
    """
    merged: list[tuple[int, int]] = []
    for stride in strides:
        if merged and merged[-1][0] == stride:
            merged[-1] = (stride, merged[-1][1] + per_layer)
        else:
            merged.append((stride, per_layer))
    return tuple(merged)
