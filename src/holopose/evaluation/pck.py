"""Owns PCK: the share of keypoints that lie within some part of the person's size; PCKh by MPII's rules.

A keypoint that was not found is wrong. PCK divides by the longer side of the labelled box (Yang and Ramanan, 2013),
PCKh by the head size (Andriluka et al., CVPR 2014); a distance at the bound is right, as in MPII's own code.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from holopose.errors import InputError
from holopose.evaluation.pairs import Distances
from holopose.evaluation.result import Table
from holopose.skeletons import MPII16

__all__ = ["box_sizes", "evaluate_pckh", "mean_of_points", "pck"]

Float = npt.NDArray[np.float64]

GROUPS = {
    "head": ("head_top",),
    "shoulder": ("left_shoulder", "right_shoulder"),
    "elbow": ("left_elbow", "right_elbow"),
    "wrist": ("left_wrist", "right_wrist"),
    "hip": ("left_hip", "right_hip"),
    "knee": ("left_knee", "right_knee"),
    "ankle": ("left_ankle", "right_ankle"),
}
"""MPII's rows -> the joints whose shares each is the mean of."""
NOT_COUNTED = ("mid_hip", "thorax")
"""Joints that the mean of all leaves out, as MPII's code does."""
THRESHOLDS = (0.5, 0.1)


def pck(distances: Distances, size_px: Float, threshold: float) -> Float:
    """(K,) share of each keypoint that lies within `threshold` of the person's size; NaN where none is labelled.

    Args:
        distances: P people of K keypoints.
        size_px: (P,) px, what distances are divided by; people whose size is not above 0 are left out.
        threshold: Share of the size.
    """
    good = size_px > 0
    labelled = distances.labelled[good]
    right = (distances.px[good] <= threshold * size_px[good, None]) & labelled
    return _share(right.sum(axis=0), labelled.sum(axis=0))


def mean_of_points(shares: Float) -> float:
    """Mean over the keypoints that somebody has; NaN when there are none."""
    known = shares[~np.isnan(shares)]
    return float(known.mean()) if len(known) else float("nan")


def box_sizes(distances: Distances) -> Float:
    """(P,) px, the longer side of each labelled box."""
    boxes = distances.boxes_xyxy
    sides: Float = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0)
    return sides


def evaluate_pckh(distances: Distances) -> Table:
    """PCKh@0.5 and PCKh@0.1 for MPII's groups of joints and for all but pelvis and thorax, weighted by their number.

    Raises:
        InputError: these are not MPII's 16 joints, or a head size is not known.
    """
    if distances.px.shape[1] != len(MPII16):
        raise InputError(f"PCKh: expected MPII's {len(MPII16)} joints, got {distances.px.shape[1]}")
    if not (distances.head_px > 0).all():
        raise InputError("PCKh: expected a head size above 0 px for every person")
    shares = {f"PCKh@{at:g}": pck(distances, distances.head_px, at) for at in THRESHOLDS}
    rows = {name: [MPII16.index(joint) for joint in joints] for name, joints in GROUPS.items()}
    table = {name: {column: float(share[at].mean()) for column, share in shares.items()} for name, at in rows.items()}
    counts = distances.labelled.sum(axis=0).astype(np.float64)
    counts[[MPII16.index(joint) for joint in NOT_COUNTED]] = 0
    total = counts.sum()
    table["all"] = {
        column: float((np.nan_to_num(share) * counts).sum() / total) if total else float("nan")
        for column, share in shares.items()
    }
    return table


def _share(right: npt.NDArray[np.intp], all_of: npt.NDArray[np.intp]) -> Float:
    shares: Float = np.divide(right, all_of, out=np.full(len(right), np.nan), where=all_of > 0)
    return shares
