"""Owns the normalised mean error of face points.

The mean distance over a face's labelled points, divided by the distance of the outer eye corners (Sagonas et al.,
300-W, 2013: "inter-ocular") or by the square root of the box's area; then the mean over faces. A face that was not
found has no distance: such faces are counted as failures, and the table says how many were found.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from holopose.errors import InputError
from holopose.evaluation.pairs import Distances
from holopose.evaluation.result import Table
from holopose.skeletons import FACE68

__all__ = ["FAILURE", "evaluate_nme"]

Float = npt.NDArray[np.float64]

FAILURE = 0.1
"""Inter-ocular error from which on a face counts as failed."""
_EYES = (FACE68.index("face_36"), FACE68.index("face_45"))


def evaluate_nme(distances: Distances) -> Table:
    """Row ``face``: NME by eye distance and by box, the share of failures, the shares of faces and points found.

    Faces whose outer eye corners are not both labelled are left out of the figures that divide by their distance.

    Raises:
        InputError: these are not the 68 iBUG points.
    """
    if distances.px.shape[1] != len(FACE68):
        raise InputError(f"NME: expected {len(FACE68)} points per face, got {distances.px.shape[1]}")
    labelled, found = distances.labelled, np.asarray(np.isfinite(distances.px))
    per_face = np.full(len(labelled), np.nan)
    some = np.asarray(found.any(axis=1))
    total = np.where(found, distances.px, 0).sum(axis=1)
    per_face[some] = total[some] / found[some].sum(axis=1)
    eyes = np.linalg.norm(distances.truth_xy[:, _EYES[0]] - distances.truth_xy[:, _EYES[1]], axis=1)
    sides = np.clip(distances.boxes_xyxy[:, 2:] - distances.boxes_xyxy[:, :2], 0, None)
    by_eyes, by_box = _divide(per_face, eyes), _divide(per_face, np.sqrt(sides.prod(axis=1)))
    judged = eyes > 0
    failed = judged & ~(by_eyes < FAILURE)
    return {
        "face": {
            "NME eyes": _mean(by_eyes),
            "NME box": _mean(by_box),
            f"failures@{FAILURE:g}": float(failed.sum() / judged.sum()) if judged.any() else float("nan"),
            "found": float(some.mean()) if len(some) else float("nan"),
            "points found": float(found.sum() / labelled.sum()) if labelled.any() else float("nan"),
        }
    }


def _divide(error_px: Float, size_px: Float) -> Float:
    shares: Float = np.divide(error_px, size_px, out=np.full(len(error_px), np.nan), where=size_px > 0)
    return shares


def _mean(values: Float) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
