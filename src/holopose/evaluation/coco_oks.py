"""Owns COCO's keypoint evaluation, per part: AP and AR over object keypoint similarity, by faster-coco-eval.

The rules are those of COCO-WholeBody's own evaluation (github.com/jin-s13/COCO-WholeBody):

- The person's `area` counts for every part. Who has no labelled point in a part is ignored there, as crowds are.
- A detection without any point above 0 in a part does not take part there. At most 20 detections per picture count.
- A missing keypoint counts as a guess at (0, 0), as results files write it: in practice a miss.
- The size class of a detection (APm, APl) comes from its body keypoints; from all of them where there is no body.
- A detection's rank in a part is its score for that part where it has one, otherwise its own.
- `hand` is the mean of the left and the right hand's figures.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.errors import BackendError
from holopose.evaluation.result import Table
from holopose.evaluation.sigmas import sigmas_of
from holopose.ops.labels import Found, Labelled
from holopose.skeletons.skeleton import Skeleton

__all__ = ["MAX_DETECTIONS", "PARTS", "STATS", "evaluate", "evaluate_part", "evaluator_version"]

Float = npt.NDArray[np.float64]
Pairs = Sequence[tuple[Labelled, Found]]

STATS = ("AP", "AP50", "AP75", "APm", "APl", "AR", "AR50", "AR75", "ARm", "ARl")
MAX_DETECTIONS = 20
PARTS = {"body": "body", "feet": "foot", "face": "face", "left_hand": "lefthand", "right_hand": "righthand"}
"""Part of a layout -> its row in the table."""
_NONE = -1.0
"""What the evaluator says where nobody is to be found."""


def evaluate(pictures: Pairs, skeleton: Skeleton) -> Table:
    """The ten figures of `STATS` for each part of a layout and, where there are several parts, for all points.

    Args:
        pictures: The labelled and the found people of each picture, in the order of the pictures' numbers.
        skeleton: Layout of both.

    Raises:
        BackendError: faster-coco-eval is not installed.
        InputError: the layout has no OKS constants.
    """
    whole = range(len(skeleton))
    spans: dict[str, Sequence[int]] = {"whole": whole} if len(skeleton.parts) > 1 else {}
    spans = {**skeleton.parts, **spans}
    table = {
        PARTS.get(part, part): dict(zip(STATS, evaluate_part(pictures, skeleton, part, points).tolist(), strict=True))
        for part, points in spans.items()
    }
    if {"lefthand", "righthand", "whole"} <= set(table):
        last = table.pop("whole")
        table["hand"] = {stat: (table["lefthand"][stat] + table["righthand"][stat]) / 2 for stat in STATS}
        table["whole"] = last
    return table


def evaluate_part(pictures: Pairs, skeleton: Skeleton, part: str, points: Sequence[int] | None = None) -> Float:
    """(10,) the figures of `STATS` for one part; NaN where nobody is to be found.

    Args:
        pictures: As for `evaluate`.
        skeleton: Layout of both.
        part: One of the layout's parts, or whole; says which score ranks the people.
        points: Its keypoints; None = those of the layout's part, all for whole.

    Raises:
        BackendError: faster-coco-eval is not installed.
        InputError: the layout has no OKS constants.
    """
    coco_class, judge_class = _classes()
    if points is None:
        points = skeleton.parts[part] if part in skeleton.parts else range(len(skeleton))
    sized_by = list(skeleton.parts.get("body", range(len(skeleton))))
    _, sigmas = sigmas_of(skeleton)
    truth, results = _truth(pictures, list(points)), _results(pictures, list(points), part, sized_by)
    frame = {"images": [{"id": i} for i in range(1, len(pictures) + 1)], "categories": [{"id": 1, "name": "person"}]}
    judge = judge_class(
        coco_class({**frame, "annotations": truth}),
        coco_class({**frame, "annotations": results}),
        "keypoints",
        print_function=_silence,
        kpt_oks_sigmas=sigmas[list(points)],
    )
    judge.params.maxDets = [MAX_DETECTIONS]
    judge.params.catIds = [1]
    judge.run()
    stats = np.array(judge.all_stats, np.float64)
    stats[stats == _NONE] = np.nan
    return stats


def evaluator_version() -> str:
    """Name and version of what computes the figures.

    Raises:
        BackendError: it is not installed.
    """
    _classes()
    return f"faster-coco-eval {importlib.import_module('faster_coco_eval').__version__}"


def _classes() -> tuple[Any, Any]:
    try:
        module = importlib.import_module("faster_coco_eval")
    except ImportError as error:
        raise BackendError(f'AP needs faster-coco-eval; pip install "holopose[eval]" brings it ({error})') from error
    return module.COCO, module.COCOeval_faster


def _silence(*_: object) -> None:
    """The evaluator narrates."""


def _truth(pictures: Pairs, points: list[int]) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    width = 3 * len(points)
    for image_id, (labelled, _) in enumerate(pictures, 1):
        part = labelled.pick(points)
        flags = np.where(part.known, 2.0, 0.0)
        rows = np.concatenate([np.nan_to_num(part.xy), flags[..., None]], axis=2).reshape(len(part), width).tolist()
        seen = part.known.sum(axis=1).tolist()
        corners = part.boxes_xyxy
        boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1).tolist()
        entries += [
            {
                "id": len(entries) + i + 1,
                "image_id": image_id,
                "category_id": 1,
                "keypoints": rows[i],
                "num_keypoints": seen[i],
                "area": float(part.area_px[i]),
                "bbox": boxes[i],
                "iscrowd": int(part.crowd[i]),
            }
            for i in range(len(part))
        ]
    return entries


def _results(pictures: Pairs, points: list[int], part: str, sized_by: list[int]) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    width = 3 * len(points)
    for image_id, (_, found) in enumerate(pictures, 1):
        here = found[(found.point_score[:, points] > 0).any(axis=1)]
        scores = here.part_scores.get(part, here.score).tolist()
        xy = np.nan_to_num(here.xy)
        areas = np.ptp(xy[:, sized_by], axis=1).prod(axis=1).tolist() if len(here) else []
        rows = np.concatenate([xy, here.point_score[..., None]], axis=2)[:, points].reshape(len(here), width).tolist()
        entries += [
            {
                "id": len(entries) + i + 1,
                "image_id": image_id,
                "category_id": 1,
                "keypoints": rows[i],
                "score": scores[i],
                "area": areas[i],
                "iscrowd": 0,
            }
            for i in range(len(here))
        ]
    return entries
