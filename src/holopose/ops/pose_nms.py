"""Owns the suppression of people found twice, told by their poses and not by their boxes."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from holopose.ops.oks import similarity
from holopose.types import Poses

__all__ = ["keep_by_oks", "suppress"]

Floats = npt.NDArray[np.float64]

_SAME = 0.9  # similarity above which mmpose takes two poses for one


def keep_by_oks(xy: npt.NDArray[np.floating], score: Floats, area: Floats, sigmas: Floats, most: float) -> list[int]:
    """Indices of the poses that are kept, best first: each that is not more than `most` similar to a better one.

    mmpose's rule: similarity over all keypoints, with the mean of both areas.

    Args:
        xy: (N, K, 2) px, NaN where missing; such points do not count.
        score: (N,) of the people.
        area: (N,) px².
        sigmas: (K,).
        most: Largest similarity of two that are kept.
    """
    known = np.isfinite(xy).all(axis=2)
    weight = (known[:, None] & known[None]).astype(np.float64)
    size = np.sqrt(np.maximum((area[:, None] + area[None]) / 2, 1.0))
    filled = np.nan_to_num(xy.astype(np.float64))
    alike = similarity(filled, filled, weight=weight, size_px=size, sigmas=sigmas)
    order = np.argsort(-score, kind="stable")
    kept: list[int] = []
    for i in order.tolist():
        if not kept or alike[i, kept].max() <= most:
            kept.append(i)
    return kept


def suppress(poses: Poses, rule: Literal["oks", "parametric", "none"] = "oks", *, most: float = _SAME) -> Poses:
    """People sorted best first, without those who are another one again.

    Layouts without sigmas are only sorted by ``oks``.
    """
    score = poses.boxes.score.astype(np.float64)
    order = np.argsort(-score, kind="stable").tolist()
    sigmas = poses.skeleton.sigmas
    if rule == "oks" and sigmas is not None and len(poses) > 1:
        sides = poses.boxes.xyxy[:, 2:] - poses.boxes.xyxy[:, :2]
        area = sides.astype(np.float64).prod(axis=1) * 1.25**2  # that of the padded box
        order = keep_by_oks(poses.xy, score, area, sigmas.astype(np.float64), most)
    return poses if order == list(range(len(poses))) else poses[order]
