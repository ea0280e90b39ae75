"""Owns how well one picture went, from 0 to 1, to put the worst ones first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from holopose.evaluation.pairs import Distances
from holopose.ops.assignment import assign
from holopose.ops.labels import Found, Labelled
from holopose.ops.oks import similarity

__all__ = ["by_distance", "by_oks", "oks", "worst"]

Float = npt.NDArray[np.float64]

_FAR_PX = 1e6


def oks(labelled: Labelled, found: Found, sigmas: Float) -> Float:
    """(N, M) OKS of each labelled person with each found one; a missing keypoint is a miss, crowds and all.

    Args:
        labelled: N people.
        found: M people.
        sigmas: (K,) of the layout.
    """
    weight = np.broadcast_to(labelled.known[:, None].astype(np.float64), (len(labelled), len(found), len(sigmas)))
    size = np.sqrt(np.broadcast_to(labelled.area_px[:, None] + np.spacing(1), weight.shape[:2]))
    return similarity(
        np.nan_to_num(labelled.xy),
        np.where(np.isnan(found.xy), _FAR_PX, found.xy),
        weight=weight,
        size_px=size,
        sigmas=sigmas,
    )


def by_oks(labelled: Labelled, found: Found, sigmas: Float) -> float:
    """Mean OKS of those who are to be found, each found person standing for one; NaN when nobody is to be found."""
    alike = oks(labelled, found, sigmas)[labelled.counted]
    rows, columns = assign(alike)
    return float(alike[rows, columns].sum() / len(alike)) if len(alike) else float("nan")


def by_distance(distances: Distances, size_px: Float, pictures: int) -> Float:
    """(pictures,) mean over labelled points of 1 minus the distance as a share of the size, 0 at least.

    Args:
        distances: P people.
        size_px: (P,) px.
        pictures: How many there are.
    """
    labelled = distances.labelled
    share = np.divide(
        distances.px, size_px[:, None], out=np.full(distances.px.shape, np.inf), where=size_px[:, None] > 0
    )
    good = np.where(labelled, np.clip(1 - share, 0, None), 0).sum(axis=1)
    total = np.bincount(distances.picture, labelled.sum(axis=1), pictures)
    means: Float = np.divide(
        np.bincount(distances.picture, good, pictures), total, out=np.full(pictures, np.nan), where=total > 0
    )
    return means


def worst(quality: Sequence[float] | Float, count: int) -> list[int]:
    """Indices of the `count` pictures that went worst, the worst first; those without quality (NaN) are left out."""
    values = np.asarray(quality, np.float64)
    order = np.argsort(values, kind="stable")  # NaN last
    return [int(i) for i in order[:count] if not np.isnan(values[i])]
