"""Owns CrowdPose's figures: AP over all pictures and by how crowded they are.

The crowd index of a picture is easy up to 0.1, medium up to 0.8, hard above (Li et al., CrowdPose, CVPR 2019).
Published tools (crowdposetools, xtcocotools) divide at 0.2 and 0.8 instead: give those bounds to compare with theirs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from holopose.errors import InputError
from holopose.evaluation.coco_oks import STATS, evaluate_part
from holopose.evaluation.result import Table
from holopose.ops.labels import Found, Labelled
from holopose.skeletons.skeleton import Skeleton

__all__ = ["BOUNDS", "LEVELS", "evaluate"]

LEVELS = ("easy", "medium", "hard")
BOUNDS = (0.1, 0.8)
"""Crowd index below which a picture is easy, and from which on it is hard."""


def evaluate(
    pictures: Sequence[tuple[Labelled, Found]],
    crowd_index: Sequence[float | None],
    skeleton: Skeleton,
    bounds: tuple[float, float] = BOUNDS,
) -> Table:
    """AP and the rest of `STATS` for all pictures, and for the easy, the medium and the hard ones.

    Args:
        pictures: The labelled and the found people of each picture.
        crowd_index: Of each picture.
        skeleton: Layout of both.
        bounds: Where medium begins and where hard begins.

    Raises:
        InputError: a picture has no crowd index, or the bounds do not grow.
        BackendError: faster-coco-eval is not installed.
    """
    if any(one is None for one in crowd_index) or len(crowd_index) != len(pictures):
        raise InputError("expected a crowdIndex for every picture: CrowdPose's annotation files have it")
    if not 0 <= bounds[0] <= bounds[1] <= 1:
        raise InputError(f"expected two bounds between 0 and 1, the smaller first, got {bounds}")
    level = np.searchsorted(bounds, np.array(crowd_index, np.float64), side="right")
    groups = {"all": list(pictures)}
    groups |= {name: [pictures[i] for i in np.flatnonzero(level == n).tolist()] for n, name in enumerate(LEVELS)}
    return {
        name: dict(zip(STATS, evaluate_part(members, skeleton, "body").tolist(), strict=True))
        if members
        else dict.fromkeys(STATS, float("nan"))
        for name, members in groups.items()
    }
