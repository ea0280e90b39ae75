"""Owns labelled people made up for tests: the same every time, as arrays and as annotation files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from holopose.ops.labels import Found, Labelled

WHOLE_FIELDS = {"keypoints": 17, "foot_kpts": 6, "face_kpts": 68, "lefthand_kpts": 21, "righthand_kpts": 21}


def person_points(count: int, seed: int, *, at: tuple[float, float] = (0.0, 0.0), side: float = 100.0) -> Any:
    """(count, 2) px within a square."""
    return np.random.default_rng(seed).uniform(0, side, (count, 2)).round(2) + at


def labelled_people(people: Sequence[Any], *, areas: Sequence[float] | None = None, **changes: Any) -> Labelled:
    """People of (K, 2) points each; their boxes are as large as they are."""
    xy = np.array(people, np.float64)
    low, high = np.nanmin(xy, axis=1), np.nanmax(xy, axis=1)
    labelled = Labelled(
        xy=xy,
        visible=~np.isnan(xy).any(axis=2),
        boxes_xyxy=np.concatenate([low, high], axis=1),
        area_px=(high - low).prod(axis=1) if areas is None else np.array(areas, np.float64),
        crowd=np.zeros(len(xy), bool),
        head_px=np.full(len(xy), np.nan),
        ids=tuple(range(len(xy))),
    )
    return replace(labelled, **changes)


def found_people(xy: Any, score: Sequence[float] | None = None, point_score: Any = None, **changes: Any) -> Found:
    """People of (N, K, 2) points, surest first; a point that is NaN has score 0."""
    xy = np.array(xy, np.float64)
    low, high = np.nanmin(xy, axis=1), np.nanmax(xy, axis=1)
    found = Found(
        xy,
        np.where(np.isnan(xy).any(axis=2), 0.0, 0.9) if point_score is None else np.array(point_score, np.float64),
        np.linspace(0.9, 0.1, len(xy)) if score is None else np.array(score, np.float64),
        np.concatenate([low, high], axis=1),
    )
    return replace(found, **changes)


def perfect(labelled: Labelled) -> Found:
    """Everybody who is to be found, exactly."""
    return found_people(labelled.xy[labelled.counted], boxes_xyxy=labelled.boxes_xyxy[labelled.counted])


def coco_entry(image_id: int, number: int, points: npt.NDArray[np.float64], **more: Any) -> dict[str, Any]:
    """An annotation with (K, 3) points in the field keypoints."""
    there = points[points[:, 2] > 0]
    low, high = there[:, :2].min(axis=0), there[:, :2].max(axis=0)
    size = high - low
    entry = {"id": number, "image_id": image_id, "category_id": 1, "iscrowd": 0, "keypoints": points.ravel().tolist()}
    return entry | {"bbox": [*low.tolist(), *size.tolist()], "area": float(size.prod()), **more}


def flagged(points: Any, flag: float = 2.0) -> npt.NDArray[np.float64]:
    """(K, 3): points with the same flag each."""
    return np.concatenate([np.asarray(points), np.full((len(points), 1), flag)], axis=1)


def coco_file(path: Path, count: int = 17, *, pictures: int = 2, people: int = 2, **image: Any) -> Path:
    """An annotation file of so many pictures and people, `count` keypoints each."""
    entries = [
        coco_entry(n + 1, n * people + p + 1, flagged(person_points(count, 10 * n + p, at=(150.0 * p, 20.0))))
        for n in range(pictures)
        for p in range(people)
    ]
    return write_json(path, {"images": image_list(pictures, **image), "annotations": entries})


def wholebody_file(path: Path, *, pictures: int = 2, people: int = 2) -> Path:
    """COCO-WholeBody's form."""
    entries = []
    for n in range(pictures):
        for p in range(people):
            at = (150.0 * p, 20.0)
            entry = coco_entry(n + 1, n * people + p + 1, flagged(person_points(17, 10 * n + p, at=at)))
            for place, (field, count) in enumerate(WHOLE_FIELDS.items()):
                if place:
                    points = flagged(person_points(count, 100 * place + 10 * n + p, at=at, side=30), 1.0)
                    entry[field] = points.ravel().tolist()
            boxes = ("face_box", "lefthand_box", "righthand_box")
            entries.append(entry | {key: [*at, 30.0, 30.0] for key in boxes} | {"face_valid": False})
    return write_json(path, {"images": image_list(pictures), "annotations": entries})


def image_list(pictures: int, **more: Any) -> list[dict[str, Any]]:
    return [{"id": n + 1, "file_name": f"{n + 1:03}.png", "width": 320, "height": 160, **more} for n in range(pictures)]


def picture_folder(folder: Path, pictures: int = 2) -> Path:
    """The pictures of those files: grey."""
    folder.mkdir()
    for n in range(pictures):
        _, data = cv2.imencode(".png", np.full((160, 320, 3), 90 + n, np.uint8))
        (folder / f"{n + 1:03}.png").write_bytes(data.tobytes())
    return folder


def write_json(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
