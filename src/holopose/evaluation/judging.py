"""Owns which measure belongs to which kind of data set, and applies it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from holopose.evaluation import coco_oks, crowd, hands, nme, pairs, pck, quality
from holopose.evaluation.result import Table
from holopose.evaluation.sigmas import sigmas_of
from holopose.ops.labels import Found, Labelled
from holopose.skeletons.skeleton import Skeleton

__all__ = ["Terms", "judge", "measure_of", "terms_of"]

_MEASURES = {"mpii": "pckh", "hand": "hand", "face": "face", "crowdpose": "crowd"}
"""Kind of data set -> measure, where it is not OKS per part."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a measure adds to the protocol.

    Attributes:
        sigmas: Name of the OKS constants, or none.
        detections: At most so many found people per picture count; 0 = all.
        evaluator: Program that computes the figures, with its version; empty = holopose itself.
    """

    sigmas: str = "none"
    detections: int = 0
    evaluator: str = ""


def measure_of(kind: str) -> str:
    """How a kind of data set is judged: oks, crowd, pckh, hand or face."""
    return _MEASURES.get(kind, "oks")


def terms_of(kind: str, skeleton: Skeleton) -> Terms:
    """What is known of the measure before anything is judged.

    Raises:
        BackendError: a package is missing.
        InputError: the layout has no OKS constants.
    """
    if measure_of(kind) not in ("oks", "crowd"):
        return Terms()
    return Terms(sigmas_of(skeleton)[0], coco_oks.MAX_DETECTIONS, coco_oks.evaluator_version())


def judge(
    kind: str,
    pictures: Sequence[tuple[Labelled, Found]],
    skeleton: Skeleton,
    crowd_index: Sequence[float | None] = (),
    bounds: tuple[float, float] = crowd.BOUNDS,
) -> tuple[Table, list[float]]:
    """The figures of a data set's own evaluation, and how well each picture went.

    Args:
        kind: Kind of data set.
        pictures: The labelled and the found people of each picture.
        skeleton: Layout of both.
        crowd_index: Of each picture, for CrowdPose.
        bounds: Crowd indices where medium and hard begin.

    Returns:
        The table; per picture 0 to 1, NaN where nobody is to be found.

    Raises:
        BackendError: a package is missing.
        InputError: the layout or the data set lacks what the measure needs.
    """
    measure = measure_of(kind)
    if measure in ("oks", "crowd"):
        _, sigmas = sigmas_of(skeleton)
        if measure == "crowd":
            table = crowd.evaluate(pictures, crowd_index, skeleton, bounds)
        else:
            table = coco_oks.evaluate(pictures, skeleton)
        return table, [quality.by_oks(labelled, found, sigmas) for labelled, found in pictures]
    distances = pairs.measure(pictures)
    if measure == "pckh":
        table, size_px = pck.evaluate_pckh(distances), distances.head_px
    else:
        evaluate = hands.evaluate_hands if measure == "hand" else nme.evaluate_nme
        table, size_px = evaluate(distances), pck.box_sizes(distances)
    return table, np.asarray(quality.by_distance(distances, size_px, len(pictures))).tolist()
