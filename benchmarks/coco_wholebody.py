"""Owns judging people against COCO-WholeBody's truth, by pycocotools, and reading MediaPipe's stored answers.

Conventions, checked against the figures that the dataset authors' own code gives (`verify_evaluator` of `accuracy.py`):

- `area` of a labelled person counts for every part; a part without a labelled point is ignored, as crowds are.
- A detection whose part has no point at all does not take part in that part's evaluation.
- A missing keypoint is written (0, 0, 0), as in every COCO results file: where truth has the point, OKS then sees a
  guess at the picture's corner, in practice a miss.
- The size class of a detection (APm, APl) comes from its body keypoints.
- One score ranks a person in all parts unless a result carries `foot_score`, `face_score`, ...; at most 20 per picture.
- Hand AP is the mean of the left and the right hand's.
"""

from __future__ import annotations

import contextlib
import copy
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.skeletons import BLAZE543, COCO17, WHOLEBODY133
from holopose.skeletons.conversions import convert
from holopose.types import Boxes, Poses

__all__ = ["PARTS", "STATS", "evaluate", "evaluate_parts", "mediapipe_poses", "oks_to_truth", "results_of", "table"]

Float = npt.NDArray[np.float64]

_KEYS = {
    "body": ("keypoints",),
    "foot": ("foot_kpts",),
    "face": ("face_kpts",),
    "lefthand": ("lefthand_kpts",),
    "righthand": ("righthand_kpts",),
}
PARTS: dict[str, tuple[str, ...]] = {**_KEYS, "wholebody": tuple(key for keys in _KEYS.values() for key in keys)}
"""Evaluated part -> fields of an annotation whose keypoints it joins."""
_SPANS = {part: list(WHOLEBODY133.parts[name]) for part, name in zip(_KEYS, WHOLEBODY133.parts, strict=True)}
_SPANS["wholebody"] = list(range(len(WHOLEBODY133)))
STATS = ("AP", "AP50", "AP75", "APm", "APl", "AR", "AR50", "AR75", "ARm", "ARl")
MAX_DETECTIONS = 20


def evaluate(truth: Mapping[str, Any], results: Sequence[Mapping[str, Any]], part: str) -> Float:
    """The ten figures of `STATS` for one part.

    Args:
        truth: A COCO-WholeBody annotation file.
        results: Detections with `image_id`, `score`, `keypoints`, `foot_kpts`, ... as lists of x, y, v.
        part: Key of `PARTS`.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    labelled = copy.deepcopy(dict(truth))
    for person in labelled["annotations"]:
        person["keypoints"] = _joined(person, part)
        person["num_keypoints"] = sum(v > 0 for v in person["keypoints"][2::3])
    detections = [_detection(result, part) for result in results]
    detections = [one for one in detections if any(v > 0 for v in one["keypoints"][2::3])]
    if not detections:
        return np.zeros(len(STATS))
    areas = [one.pop("area") for one in detections]
    with contextlib.redirect_stdout(io.StringIO()):  # it narrates
        reference = COCO()
        reference.dataset = labelled
        reference.createIndex()
        found = reference.loadRes(detections)
        for one, area in zip(found.dataset["annotations"], areas, strict=True):
            one["area"] = area
        judge = COCOeval(reference, found, "keypoints")
        sigmas = WHOLEBODY133.sigmas
        assert sigmas is not None
        judge.params.kpt_oks_sigmas = sigmas[_SPANS[part]].astype(np.float64)
        judge.params.maxDets = [MAX_DETECTIONS]
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return np.asarray(judge.stats, np.float64)


def evaluate_parts(truth: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> dict[str, Float]:
    """`evaluate` for body, foot, face, hand (mean of both) and whole."""
    stats = {part: evaluate(truth, results, part) for part in PARTS}
    hand = (stats.pop("lefthand") + stats.pop("righthand")) / 2
    return {"body": stats["body"], "foot": stats["foot"], "face": stats["face"], "hand": hand} | {
        "whole": stats["wholebody"]
    }


def _joined(entry: Mapping[str, Any], part: str) -> list[float]:
    return [value for key in PARTS[part] for value in entry[key]]


def _detection(result: Mapping[str, Any], part: str) -> dict[str, Any]:
    body = np.reshape(result["keypoints"], (-1, 3))
    return {
        "image_id": result["image_id"],
        "category_id": 1,
        "keypoints": _joined(result, part),
        "score": result.get(f"{part}_score", result["score"]) if part != "body" else result["score"],
        "area": float(np.prod(np.ptp(body[:, :2], axis=0))),
    }


def results_of(image_id: int, poses: Poses) -> list[dict[str, Any]]:
    """People as COCO-WholeBody results, in whatever layout they come."""
    people = convert(poses, WHOLEBODY133)
    known = np.isfinite(people.xy).all(axis=2, keepdims=True)
    rows = np.concatenate([np.nan_to_num(people.xy), known], axis=2).astype(np.float64)
    return [
        {
            "image_id": image_id,
            "score": float(people.boxes.score[i]),
            **{keys[0]: rows[i, _SPANS[part]].ravel().tolist() for part, keys in _KEYS.items()},
        }
        for i in range(len(people))
    ]


def oks_to_truth(poses: Poses, person: Mapping[str, Any]) -> Float:
    """(N,) body OKS of each of N people with one labelled person; missing keypoints count as missed."""
    labels = np.reshape(person["keypoints"], (-1, 3)).astype(np.float64)
    seen = labels[:, 2] > 0
    sigmas = COCO17.sigmas
    assert sigmas is not None
    squared = ((convert(poses, COCO17).xy.astype(np.float64) - labels[None, :, :2]) ** 2).sum(axis=2)
    scale = 2 * (2 * sigmas.astype(np.float64)) ** 2 * (person["area"] + np.spacing(1))
    similarity = np.where(np.isnan(squared), 0, np.exp(-squared / scale))
    return np.asarray(similarity[:, seen].mean(axis=1), np.float64)


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


def table(rows: Iterable[tuple[str, Mapping[str, Float]]]) -> str:
    """AP, AP50 and AR per part as lines of text, a row per system."""
    shown = ("AP", "AP50", "AR")
    lines: list[str] = []
    for name, stats in rows:
        if not lines:
            lines.append(f"{'':24}" + "".join(f"{part:^21}" for part in stats))
            lines.append(f"{'':24}" + "".join(f"{figure:>6}" for figure in shown).ljust(21) * len(stats))
        figures = ("".join(f"{s[STATS.index(figure)]:6.3f}" for figure in shown).ljust(21) for s in stats.values())
        lines.append(f"{name:24}" + "".join(figures))
    return "\n".join(line.rstrip() for line in lines)
