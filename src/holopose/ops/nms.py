"""Owns non-maximum suppression: of boxes that show the same person, the best one stays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from holopose.ops.boxes import iou as overlap

__all__ = ["nms"]


def nms(xyxy: npt.ArrayLike, score: npt.ArrayLike, iou: float, *, limit: int = 1000) -> npt.NDArray[np.int64]:
    """Greedy suppression: the best box stays, those that overlap it by more than `iou` go, and so on.

    Args:
        xyxy: (N, 4) px; boxes that are not of finite numbers do not stay.
        score: (N,) any scale; of equal ones the earlier box is the better.
        iou: Largest intersection over union of two boxes that both stay.
        limit: At most so many stay; more is noise let through, and takes seconds.

    Returns:
        Rows that stay (M,) int64, best first.

    >>> nms([[0, 0, 10, 10], [0, 0, 10, 9], [20, 0, 30, 10]], [0.8, 0.9, 0.5], 0.45).tolist()
    [1, 2]
    """
    boxes = np.asarray(xyxy, np.float64).reshape(-1, 4)
    order = np.argsort(-np.asarray(score, np.float64), kind="stable")
    waiting = order[np.isfinite(boxes[order]).all(axis=1)]
    kept: list[int] = []
    while len(waiting) and len(kept) < limit:
        best, waiting = waiting[0], waiting[1:]
        kept.append(int(best))
        waiting = waiting[overlap(boxes[best : best + 1], boxes[waiting])[0] <= iou]
    return np.array(kept, np.int64)
