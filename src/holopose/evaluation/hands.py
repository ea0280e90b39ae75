"""Owns the figures of hand keypoints: AUC of the share of right points over 0 to 30 px, mean error, PCK.

AUC is the mean, over the 20 bounds 0, 1.5, ... 28.5 px, of the mean over keypoints of the share that lies nearer than
the bound (as mmpose computes it for OneHand10K and others); a point that was not found is never near. The mean error
(EPE) is over the points that were found; the table says how many those are.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from holopose.evaluation.pairs import Distances
from holopose.evaluation.pck import box_sizes, mean_of_points, pck
from holopose.evaluation.result import Table
from holopose.ops.labels import Found, extents
from holopose.skeletons.skeleton import Skeleton

__all__ = ["MAX_PX", "STEPS", "auc", "evaluate_hands", "split_hands"]

Float = npt.NDArray[np.float64]

MAX_PX = 30.0
STEPS = 20
PCK_AT = 0.2


def auc(distances: Distances, max_px: float = MAX_PX, steps: int = STEPS) -> float:
    """Area under the curve of right points over bounds from 0 to `max_px`, as a share of the largest possible."""
    labelled = distances.labelled
    used = labelled.any(axis=0)
    if not used.any():
        return float("nan")
    bounds = np.arange(steps) / steps * max_px
    px = np.where(labelled, distances.px, np.inf)[:, used]
    near = (px[None] < bounds[:, None, None]).sum(axis=1) / labelled[:, used].sum(axis=0)
    return float(near.mean())


def evaluate_hands(distances: Distances) -> Table:
    """Row ``hand``: AUC, mean error in px, PCK@0.2 by the longer side of the box, the shares found."""
    found, labelled = np.isfinite(distances.px), distances.labelled
    return {
        "hand": {
            "AUC": auc(distances),
            "EPE px": float(distances.px[found].mean()) if found.any() else float("nan"),
            f"PCK@{PCK_AT:g}": mean_of_points(pck(distances, box_sizes(distances), PCK_AT)),
            "found": float(distances.found.mean()) if len(distances.found) else float("nan"),
            "points found": float(found.sum() / labelled.sum()) if labelled.any() else float("nan"),
        }
    }


def split_hands(found: Found, skeleton: Skeleton) -> Found:
    """Each hand of whole-body people by itself, left ones first; a hand without any point is none.

    Args:
        found: People in a layout that has hands.
        skeleton: That layout.
    """
    sides = [found.pick(skeleton.parts[part]) for part in ("left_hand", "right_hand")]
    xy = np.concatenate([one.xy for one in sides])
    hands = Found(
        xy,
        np.concatenate([one.point_score for one in sides]),
        np.concatenate(
            [one.part_scores.get(p, one.score) for p, one in zip(("left_hand", "right_hand"), sides, strict=True)]
        ),
        extents(xy),
    )
    return hands[~np.isnan(hands.boxes_xyxy).any(axis=1)]
