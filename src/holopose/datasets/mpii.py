"""Owns MPII Human Pose in the JSON forms that training code passes around: 16 joints per person and a head size.

Two forms are known: rows with ``image``, ``joints``, ``joints_vis``, ``center``, ``scale`` (one row per person), and
rows with ``img_paths``, ``joint_self``, ``objpos``, ``scale_provided``, of which those with ``isValidation`` count. All
coordinates in them are MATLAB's, where the first pixel is 1; here it is 0.

PCKh divides by 0.6 of the head box's diagonal (Andriluka et al., CVPR 2014, and their evaluation code). A row has it as
``head_box`` (also ``headbox``, ``head_rect``: x1, y1, x2, y2) or, computed already, as ``head_size``. Where rows have
neither, the head boxes are read from a MATLAB file beside the JSON that holds ``headboxes_src`` in the same order, as
training code has it under the names of `HEAD_FILES`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.datasets.dataset import Picture
from holopose.errors import InputError
from holopose.ops.labels import Labelled
from holopose.skeletons import MPII16

__all__ = ["HEAD_FILES", "SKELETON", "is_row", "label", "read_rows"]

Row = dict[str, Any]

SKELETON = MPII16
HEAD_FILES = ("gt_valid.mat", "mpii_gt_val.mat")
HEAD_SHARE = 0.6
_HEAD_BOXES = ("head_box", "headbox", "head_rect")
_PIXEL_STD = 200.0
"""`scale` says a person's height in units of so many px."""
_LOWER_SHARE = 15.0
"""Boxes are moved down by so many px times `scale`, so that feet are not cut off (convention of the field's code)."""


def is_row(entry: object) -> bool:
    """Whether this is a person of one of the two forms."""
    return isinstance(entry, dict) and ({"image", "joints"} <= set(entry) or {"img_paths", "joint_self"} <= set(entry))


def read_rows(content: Sequence[Mapping[str, Any]], path: Path) -> tuple[list[Picture], dict[str, list[Row]]]:
    """The pictures, by name, and the people of each.

    Raises:
        InputError: a row is of another form, or nothing says how large the heads are.
    """
    rows = [_row(entry, place) for place, entry in enumerate(content)]
    if any(row["head_px"] is None for row in rows):
        heads = _head_sizes(path, len(rows))
        rows = [row | {"head_px": float(head)} for row, head in zip(rows, heads, strict=True)]
    sizes = {row["image"]: row["size_wh"] for row in rows if row["counts"]}
    people: dict[str, list[Row]] = {}
    for row in rows:
        if row["counts"]:
            people.setdefault(row["image"], []).append(row)
    return [Picture(name, name, sizes[name]) for name in people], people


def label(rows: Sequence[Mapping[str, Any]]) -> Labelled:
    """The people of one picture, 16 joints each."""
    if not rows:
        return Labelled.empty(len(SKELETON))
    joints = np.stack([row["joints"] for row in rows])
    boxes = np.stack([row["box"] for row in rows])
    known = joints[..., 2] > 0
    return Labelled(
        xy=np.where(known[..., None], joints[..., :2] - 1, np.nan),
        visible=known,
        boxes_xyxy=boxes,
        area_px=(boxes[:, 2:] - boxes[:, :2]).prod(axis=1),
        crowd=np.zeros(len(rows), bool),
        head_px=np.array([row["head_px"] for row in rows]),
        ids=tuple(row["id"] for row in rows),
    )


def _row(entry: Mapping[str, Any], place: int) -> Row:
    if not is_row(entry):
        raise InputError(f"row {place}: expected image, joints, center and scale, got {str(entry)[:60]}")
    try:
        if "joints" in entry:
            xy = np.array(entry["joints"], np.float64).reshape(len(SKELETON), 2)
            flags = np.array(entry["joints_vis"], np.float64).reshape(len(SKELETON), 1)
            joints, centre, scale = np.concatenate([xy, flags], axis=1), entry["center"], entry["scale"]
        else:
            joints = np.array(entry["joint_self"], np.float64).reshape(len(SKELETON), 3)
            joints[:, 2] = (joints[:, :2] > 0).any(axis=1)
            centre, scale = entry["objpos"], entry["scale_provided"]
        box = _box(np.array(centre, np.float64).reshape(2), float(scale))
        head = _head_px(entry)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"row {place}: expected 16 joints with flags, a centre and a scale ({error})") from error
    name = entry["image"] if "image" in entry else entry["img_paths"]
    size = (entry.get("img_width"), entry.get("img_height"))
    return {
        "id": place,
        "image": str(name),
        "size_wh": (int(size[0]), int(size[1])) if all(size) else (0, 0),  # type: ignore[arg-type]
        "joints": joints,
        "box": box,
        "head_px": head,
        "counts": bool(entry.get("isValidation", True)),
    }


def _box(centre: npt.NDArray[np.float64], scale: float) -> npt.NDArray[np.float64]:
    """The square around a person, px from 0."""
    middle = centre - 1 + [0, _LOWER_SHARE * scale]
    half = scale * _PIXEL_STD / 2
    return np.concatenate([middle - half, middle + half])


def _head_px(entry: Mapping[str, Any]) -> float | None:
    if entry.get("head_size") is not None:
        return float(entry["head_size"])
    for name in _HEAD_BOXES:
        if entry.get(name) is not None:
            corners = np.array(entry[name], np.float64).reshape(2, 2)
            return float(HEAD_SHARE * np.linalg.norm(corners[1] - corners[0]))
    return None


def _head_sizes(path: Path, count: int) -> npt.NDArray[np.float64]:
    """(count,) px, from the MATLAB file beside the JSON."""
    place = next((path.with_name(name) for name in HEAD_FILES if path.with_name(name).is_file()), None)
    if place is None:
        raise InputError(
            f"expected the size of each head (head_box or head_size per row), or {' or '.join(HEAD_FILES)} beside the "
            "file; without it there is no PCKh"
        )
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        corners = np.asarray(loadmat(str(place), variable_names=["headboxes_src"])["headboxes_src"], np.float64)
    except (IndexError, KeyError, MatReadError, NotImplementedError, OSError, TypeError, ValueError) as error:
        raise InputError(f"{place}: expected a MATLAB file with headboxes_src ({error})") from error
    if corners.shape != (2, 2, count):
        raise InputError(f"{place}: expected head boxes of shape (2, 2, {count}), got {corners.shape}")
    sizes: npt.NDArray[np.float64] = HEAD_SHARE * np.linalg.norm(corners[1] - corners[0], axis=0)
    return sizes
