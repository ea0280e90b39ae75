"""Owns judging people in memory against COCO-WholeBody's labels, and reading MediaPipe's stored answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.datasets import wholebody
from holopose.evaluation import coco_oks, quality
from holopose.evaluation.result import Table
from holopose.evaluation.sigmas import sigmas_of
from holopose.ops.labels import Found
from holopose.skeletons import BLAZE543, COCO17, WHOLEBODY133
from holopose.skeletons.conversions import convert
from holopose.types import Boxes, Poses

__all__ = ["ROWS", "evaluate_parts", "mediapipe_poses", "oks_to_truth", "table"]

ROWS = ("body", "foot", "face", "hand", "whole")


def evaluate_parts(truth: Mapping[str, Any], people: Mapping[int, Poses]) -> dict[str, Mapping[str, float]]:
    """The ten figures of COCO per part, for people of any layout; their own scores rank them.

    Args:
        truth: A COCO-WholeBody annotation file.
        people: Picture id -> who was found.
    """
    pictures = []
    for image_id in sorted(image["id"] for image in truth["images"]):
        labels = [one for one in truth["annotations"] if one["image_id"] == image_id]
        found = convert(people.get(image_id, Poses.empty(WHOLEBODY133)), WHOLEBODY133)
        pictures.append((wholebody.label(labels), Found.of_poses(found)))
    figures: Table = coco_oks.evaluate(pictures, WHOLEBODY133)
    return {row: figures[row] for row in ROWS}


def oks_to_truth(poses: Poses, person: Mapping[str, Any]) -> npt.NDArray[np.float64]:
    """(N,) body OKS of each of N people with one labelled person; missing keypoints count as missed."""
    labels = wholebody.label([person]).pick(range(len(COCO17)))
    found = Found.of_poses(convert(poses, COCO17))
    alike: npt.NDArray[np.float64] = quality.oks(labels, found, sigmas_of(COCO17)[1])[0]
    return alike


def mediapipe_poses(entry: Mapping[str, Any]) -> Poses:
    """MediaPipe Holistic's stored answer for one picture, in the layout blaze543; nobody where it found nobody.

    A part that it did not find is missing. It gives no score for a person: here the mean visibility of the landmarks
    that COCO has too.
    """
    if entry["pose"] is None:
        return Poses.empty(BLAZE543)
    xy = np.full((len(BLAZE543), 2), np.nan, np.float32)
    score = np.zeros(len(BLAZE543), np.float32)
    body = np.array(entry["pose"], np.float32)
    xy[:33], score[:33] = body[:, :2], np.clip(body[:, 3], 0, 1)
    for part in ("face", "left_hand", "right_hand"):
        if entry[part] is not None:
            rows = list(BLAZE543.parts[part])
            xy[rows], score[rows] = np.array(entry[part], np.float32)[:, :2], 1
    box = np.concatenate([body[:, :2].min(axis=0), body[:, :2].max(axis=0)])
    person_score = np.mean([score[BLAZE543.index(name)] for name in COCO17.keypoints])
    return Poses(xy[None], score[None], Boxes(box[None], person_score[None]), BLAZE543)


def table(rows: Iterable[tuple[str, Mapping[str, Mapping[str, float]]]]) -> str:
    """AP, AP50 and AR per part as lines of text, a row per system."""
    shown: Sequence[str] = ("AP", "AP50", "AR")
    lines: list[str] = []
    for name, stats in rows:
        if not lines:
            lines.append(f"{'':24}" + "".join(f"{part:^21}" for part in stats))
            lines.append(f"{'':24}" + "".join(f"{figure:>6}" for figure in shown).ljust(21) * len(stats))
        figures = ("".join(f"{cells[figure]:6.3f}" for figure in shown).ljust(21) for cells in stats.values())
        lines.append(f"{name:24}" + "".join(figures))
    return "\n".join(line.rstrip() for line in lines)
