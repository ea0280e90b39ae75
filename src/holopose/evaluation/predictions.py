"""Owns predictions as COCO result entries: people of any program as arrays, and ours as entries.

``keypoints`` holds x, y, score per point: the 17 of COCO beside ``foot_kpts``, ``face_kpts``, ``lefthand_kpts`` and
``righthand_kpts`` (COCO-WholeBody's form, with ``foot_score`` ... ``wholebody_score`` where the program gives any), or
all points of a layout in one list. A missing keypoint is 0, 0, 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.errors import InputError
from holopose.ops.labels import Found, extents
from holopose.skeletons import LAYOUTS, WHOLEBODY133
from holopose.skeletons.skeleton import Skeleton

__all__ = ["PART_FIELDS", "entries_of", "found_of", "layout_of"]

Entry = Mapping[str, Any]
Float = npt.NDArray[np.float64]

PART_FIELDS: dict[str, tuple[str, str]] = {
    "feet": ("foot_kpts", "foot_score"),
    "face": ("face_kpts", "face_score"),
    "left_hand": ("lefthand_kpts", "lefthand_score"),
    "right_hand": ("righthand_kpts", "righthand_score"),
}
"""Part of wholebody133 -> COCO-WholeBody's fields for its keypoints and its score."""
_WHOLE_SCORE = "wholebody_score"
_BODY = 17
_NOT_GUESSED = {"blaze543", "hand21", "face68", "face106", "openpose60", "openpose67", "aic14"}
"""Layouts that are only meant when the data set has them: their sizes say nothing about people."""


def layout_of(entries: Sequence[Entry], wanted: Skeleton) -> Skeleton:
    """The layout of a file's people: the data set's own where the number of points fits, a known one otherwise.

    Raises:
        InputError: an entry has no keypoints, or their number is that of no known layout.
    """
    for place, entry in enumerate(entries):
        if not isinstance(entry, Mapping) or not isinstance(entry.get("keypoints"), list):
            raise InputError(f"entry {place}: expected image_id, keypoints and score, got something without keypoints")
    if any(field in entry for entry in entries for field, _ in PART_FIELDS.values()):
        return WHOLEBODY133
    if not entries:
        return wanted
    count, rest = divmod(len(entries[0]["keypoints"]), 3)
    if not rest and count == len(wanted):
        return wanted
    known = {len(layout): layout for layout in LAYOUTS.values() if layout.name not in _NOT_GUESSED}
    if rest or count not in known:
        sizes = ", ".join(map(str, sorted({*known, len(wanted)})))
        raise InputError(f"entry 0: expected 3 numbers for each of {sizes} keypoints, got {3 * count + rest} numbers")
    return known[count]


def found_of(entries: Sequence[Entry], skeleton: Skeleton) -> Found:
    """The people of one picture.

    Args:
        entries: Its entries.
        skeleton: Their layout, from `layout_of`.

    Raises:
        InputError: an entry has no score, or its keypoints are not those of the layout.
    """
    if not entries:
        return Found.empty(len(skeleton))
    points = np.stack([_points(one, skeleton) for one in entries])
    gone = (points == 0).all(axis=2)
    xy = np.where(gone[..., None], np.nan, points[..., :2])
    score = np.array([_number(one, "score") for one in entries])
    parts = {part: field for part, (_, field) in PART_FIELDS.items()} | {"whole": _WHOLE_SCORE}
    part_scores = {
        part: np.array([_number(one, field) if field in one else own for one, own in zip(entries, score, strict=True)])
        for part, field in parts.items()
        if any(field in one for one in entries)
    }
    boxes = extents(xy)
    given = [_box(one["bbox"]) if one.get("bbox") else None for one in entries]
    boxes = np.stack([box if own is None else own for own, box in zip(given, boxes, strict=True)])
    return Found(xy, points[..., 2], score, boxes, part_scores)


def entries_of(image_id: int | str, found: Found, skeleton: Skeleton) -> Iterator[dict[str, Any]]:
    """The people of one picture as entries, exact to the last digit; wholebody133 in parts, others in one list."""
    rows = np.concatenate([np.nan_to_num(found.xy), found.point_score[..., None]], axis=2)
    rows[np.isnan(found.xy).any(axis=2)] = 0
    boxes = np.concatenate([found.boxes_xyxy[:, :2], found.boxes_xyxy[:, 2:] - found.boxes_xyxy[:, :2]], axis=1)
    is_parts = skeleton == WHOLEBODY133
    spans = {"keypoints": list(skeleton.parts["body"]) if is_parts else list(range(len(skeleton)))}
    spans |= {field: list(skeleton.parts[part]) for part, (field, _) in PART_FIELDS.items()} if is_parts else {}
    fields = {part: field for part, (_, field) in PART_FIELDS.items()} | {"whole": _WHOLE_SCORE}
    for i in range(len(found)):
        entry: dict[str, Any] = {"image_id": image_id, "category_id": 1, "score": float(found.score[i])}
        entry |= {name: rows[i, members].ravel().tolist() for name, members in spans.items()}
        entry |= {fields[part]: float(scores[i]) for part, scores in found.part_scores.items()}
        yield entry | ({} if np.isnan(boxes[i]).any() else {"bbox": boxes[i].tolist()})


def _points(entry: Entry, skeleton: Skeleton) -> Float:
    """(K, 3) x, y, score of one person."""
    lists = [("keypoints", len(skeleton))]
    if skeleton == WHOLEBODY133 and len(entry["keypoints"]) == 3 * _BODY:
        lists = [("keypoints", _BODY)] + [(field, len(skeleton.parts[p])) for p, (field, _) in PART_FIELDS.items()]
    columns = []
    for name, count in lists:
        values = entry.get(name) or [0] * (3 * count)
        if not isinstance(values, list) or len(values) != 3 * count:
            came = len(values) if isinstance(values, list) else "something else"
            raise InputError(f"expected {3 * count} numbers as {name}, got {came}")
        columns += values
    try:
        points = np.array(columns, np.float64).reshape(-1, 3)
    except (TypeError, ValueError) as error:
        raise InputError("expected numbers as keypoints, got something else") from error
    if not np.isfinite(points).all():
        raise InputError("expected finite numbers as keypoints, got NaN or infinity")
    return points


def _number(entry: Entry, name: str) -> float:
    value = entry.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise InputError(f"expected a number as {name}, got {str(value)[:40]!r}")
    return float(value)


def _box(values: Any) -> Float:
    try:
        box = np.array(values, np.float64)
    except (TypeError, ValueError):
        box = np.zeros(0)
    if box.shape != (4,) or not np.isfinite(box).all() or (box[2:] < 0).any():
        raise InputError(f"expected a box as left, top, width, height, got {str(values)[:60]}")
    return np.concatenate([box[:2], box[:2] + box[2:]])
