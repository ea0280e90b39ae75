"""Owns COCO keypoints: files with images and annotations, 17 keypoints per person; other kinds share its form.

Fields (cocodataset.org, keypoint detection): ``keypoints`` holds x, y, v per keypoint, v = 0 not labelled, 1 labelled
but hidden, 2 visible; ``bbox`` left, top, width, height; ``area`` of the person's outline; ``iscrowd``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.datasets.dataset import Picture
from holopose.errors import InputError
from holopose.ops.labels import Labelled
from holopose.skeletons import COCO17

__all__ = ["BOX_SHARE", "SKELETON", "label", "label_people", "points_of", "read_pictures"]

Entry = Mapping[str, Any]

SKELETON = COCO17
BOX_SHARE = 0.53
"""Share of the box that stands for the person's area where a data set has none (convention of CrowdPose's tools)."""


def label(entries: Sequence[Entry]) -> Labelled:
    """The people of one picture, 17 keypoints each."""
    return label_people(entries, {"keypoints": len(SKELETON)})


def label_people(
    entries: Sequence[Entry], fields: Mapping[str, int], *, box: str = "bbox", cut: int | None = None
) -> Labelled:
    """The people of one picture.

    Args:
        entries: Its annotations.
        fields: Fields whose keypoints follow one another, and how many each holds.
        box: Field of the box.
        cut: Keep the first so many keypoints.

    Raises:
        InputError: a field is missing or has another length.
    """
    count = sum(fields.values())
    if not entries:
        return Labelled.empty(count if cut is None else cut)
    points = np.stack(
        [np.concatenate([points_of(one, name, size) for name, size in fields.items()]) for one in entries]
    )
    points = points[:, :cut]
    known = points[..., 2] > 0
    xywh = np.stack([_box(one, box) for one in entries])
    return Labelled(
        xy=np.where(known[..., None], points[..., :2], np.nan),
        visible=points[..., 2] == 2,
        boxes_xyxy=np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1),
        area_px=np.array([_area(one, own) for one, own in zip(entries, xywh, strict=True)]),
        crowd=np.array([bool(one.get("iscrowd")) for one in entries]),
        head_px=np.full(len(entries), np.nan),
        ids=tuple(one.get("id", place) for place, one in enumerate(entries)),
    )


def points_of(entry: Entry, name: str, count: int) -> npt.NDArray[np.float64]:
    """(count, 3) x, y, v of one field.

    Raises:
        InputError: it is not there or holds something else.
    """
    values = entry.get(name)
    shown = f"annotation {entry.get('id', '?')}"
    if not isinstance(values, list) or len(values) != 3 * count:
        came = f"{len(values)} values" if isinstance(values, list) else "none"
        raise InputError(f"{shown}: expected {3 * count} numbers as {name}, got {came}")
    try:
        points = np.array(values, np.float64).reshape(count, 3)
    except (TypeError, ValueError) as error:
        raise InputError(f"{shown}: expected numbers as {name}, got something else") from error
    if not np.isfinite(points).all():
        raise InputError(f"{shown}: expected finite numbers as {name}, got NaN or infinity")
    return points


def _box(entry: Entry, name: str) -> npt.NDArray[np.float64]:
    values = entry.get(name)
    try:
        box = np.array(values, np.float64)
    except (TypeError, ValueError):
        box = np.zeros(0)
    if box.shape != (4,) or not np.isfinite(box).all() or (box[2:] < 0).any():
        raise InputError(
            f"annotation {entry.get('id', '?')}: expected left, top, width, height as {name}, got {str(values)[:60]}"
        )
    return box


def _area(entry: Entry, xywh: npt.NDArray[np.float64]) -> float:
    area = entry.get("area")
    if area is None:
        return float(xywh[2] * xywh[3] * BOX_SHARE)
    if isinstance(area, bool) or not isinstance(area, int | float) or not area >= 0:
        raise InputError(f"annotation {entry.get('id', '?')}: expected an area of at least 0, got {str(area)[:60]}")
    return float(area)


def read_pictures(images: Sequence[Any]) -> list[Picture]:
    """The pictures of an annotation file, by number (as COCO's own evaluation goes through them).

    Raises:
        InputError: one has no id or no file name, or an id comes twice.
    """
    pictures: dict[int | str, Picture] = {}
    for place, image in enumerate(images):
        key = image.get("id") if isinstance(image, dict) else None
        name = image.get("file_name") if isinstance(image, dict) else None
        if isinstance(key, bool) or not isinstance(key, int | str) or not isinstance(name, str) or not name:
            raise InputError(f"image {place}: expected an id and a file_name, got {str(image)[:60]}")
        if key in pictures:
            raise InputError(f"image {place}: expected an id of its own, got {key!r} again")
        size = (image.get("width"), image.get("height"))
        known = all(isinstance(side, int) and side > 0 for side in size)
        crowd_index = image.get("crowdIndex")
        pictures[key] = Picture(
            key, name, size if known else (0, 0), None if crowd_index is None else float(crowd_index)
        )
    found = list(pictures.values())
    if all(isinstance(picture.id, int) for picture in found):
        found.sort(key=lambda picture: picture.id)
    return found
