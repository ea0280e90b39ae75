"""Owns reading OpenPose's JSON: a folder with a file per frame, or one such file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.errors import InputError
from holopose.io.readers.foreign import (
    NO_TIME,
    UNKNOWN_WH,
    ForeignPerson,
    assemble,
    exceeds_one,
    gather,
    identity_of,
    load_json,
)
from holopose.io.results import Results
from holopose.io.sinks.openpose import OPENPOSE_ENDING
from holopose.io.triplets import extents, mean_score, unflatten
from holopose.skeletons.conversions import conversion
from holopose.skeletons.layouts import OPENPOSE18, OPENPOSE25, WHOLEBODY133
from holopose.skeletons.skeleton import Skeleton
from holopose.types import FrameInfo

__all__ = ["read_openpose"]

Numbers = npt.NDArray[np.float64]

_EXPECTED = "OpenPose JSON (an object with a list of people)"
_FRAME = re.compile(r"(?:.*_)?(\d{12})")
_BODIES = {3 * len(layout): layout for layout in (OPENPOSE18, OPENPOSE25)}
_PARTS = {  # part of wholebody133 -> OpenPose's name and its number of points, of which the first are the part's
    "face": ("face_keypoints_2d", 70),
    "left_hand": ("hand_left_keypoints_2d", 21),
    "right_hand": ("hand_right_keypoints_2d", 21),
}
_NO_BOXES = (
    "Boxes and scores of people: OpenPose has none; the smallest box and the mean score of the keypoints stand in."
)
_DROPPED = "Neck, middle of the hips and pupils: wholebody133 has no such keypoints."
_CUT = "Keypoint scores above 1 or below 0 were cut to 0..1."


@dataclass(frozen=True, slots=True, eq=False)
class _Person:
    """Body keypoints (18 or 25, 3) and what there is of face (70, 3) and hands (21, 3)."""

    body: Numbers
    parts: Mapping[str, Numbers]
    identity: int


def read_openpose(path: Path | str, size_wh: tuple[int, int] | None = None) -> Results:
    """Files of OpenPose, ``*_keypoints.json``, in the order of their names.

    A frame is called what its file is called without that ending; 12 digits at its end are its index, otherwise the
    index is its place in the folder. Files with faces or hands come as wholebody133, those of bodies alone as
    openpose25 or openpose18. Left stays the person's left.

    Args:
        path: The folder, or one file.
        size_wh: Size of the pictures in pixels, which these files do not hold; (0, 0) stands in its place.

    Raises:
        InputError: it cannot be read, holds no such files, or one of them is damaged.
    """
    files = _files(Path(path))
    body: Skeleton | None = None
    whole = False
    read: list[tuple[FrameInfo, list[_Person]]] = []
    for place, file in enumerate(files):
        content = load_json(file, _EXPECTED)
        try:
            people = [_person(one) for one in _people(content)]
            for person in people:
                layout = _BODIES[3 * len(person.body)]
                if body not in (None, layout):
                    raise InputError(f"expected {len(body or ())} body keypoints as before, got {len(layout)}")
                body = layout
                whole = whole or bool(person.parts)
        except InputError as error:
            raise InputError(f"{file}: {error}") from error
        stem = file.name.removesuffix(OPENPOSE_ENDING).removesuffix(".json")
        number = _FRAME.fullmatch(stem)
        index = int(number[1]) if number else place
        read.append((FrameInfo(index, None, stem, size_wh or UNKNOWN_WH), people))
    body = body or OPENPOSE25
    skeleton = WHOLEBODY133 if whole else body
    cut = False
    frames = []
    for info, people in read:
        found = [_placed(person, body, skeleton) for person in people]
        cut = cut or exceeds_one(found)
        frames.append((info, gather(found, skeleton)))
    lost = [_NO_BOXES, NO_TIME, *([_DROPPED] if whole else []), *([_CUT] if cut else [])]
    return assemble(skeleton, frames, lost)


def _files(path: Path) -> list[Path]:
    try:
        if not path.is_dir():
            return [path]
        files = sorted(one for one in path.iterdir() if one.name.endswith(OPENPOSE_ENDING))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: expected a folder of *{OPENPOSE_ENDING}: {error}") from error
    if not files:
        raise InputError(f"{path}: expected a folder of *{OPENPOSE_ENDING}, but there is no such file in it")
    return files


def _people(content: Any) -> Iterable[Mapping[str, Any]]:
    people = content.get("people") if isinstance(content, dict) else None
    if not isinstance(people, list) or not all(isinstance(one, dict) for one in people):
        raise InputError(f"expected {_EXPECTED}, got JSON of another kind")
    return people


def _person(record: Mapping[str, Any]) -> _Person:
    flat = record.get("pose_keypoints_2d")
    if not isinstance(flat, list) or len(flat) not in _BODIES:
        raise InputError("expected 75 numbers (BODY_25) or 54 (COCO) in pose_keypoints_2d")
    parts = {part: _points(record[key], count) for part, (key, count) in _PARTS.items() if record.get(key)}
    return _Person(_points(flat, len(flat) // 3), parts, identity_of(record.get("person_id")))


def _points(values: Any, count: int) -> Numbers:
    xy, score = unflatten(values, count)
    return np.concatenate([xy, score[:, None]], axis=1)


def _placed(person: _Person, body: Skeleton, skeleton: Skeleton) -> ForeignPerson:
    """The person in the layout of the whole file; box and score come from everything there is of it."""
    points = np.full((len(skeleton), 3), np.nan)
    matrix = conversion(body, skeleton)
    known = matrix.any(axis=1)
    points[known] = person.body[matrix.argmax(axis=1)[known]]
    for part, found in person.parts.items():
        members = list(skeleton.parts[part])
        points[members] = found[: len(members)]
    xy, score = points[:, :2], np.nan_to_num(points[:, 2])
    body_xy, body_score = person.body[:, :2], np.clip(person.body[:, 2], 0, 1)
    box = extents(np.concatenate([xy, body_xy]))
    return ForeignPerson(xy, score, box, mean_score(body_score, body_xy), person.identity)
