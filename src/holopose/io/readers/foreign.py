"""Owns what reading the files of other programs shares: JSON of any kind, layouts by their size, people into Poses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.errors import InputError
from holopose.io.results import UNKNOWN_RUN, Results
from holopose.io.triplets import extents, mean_score
from holopose.skeletons.layouts import (
    BLAZEPOSE33,
    COCO17,
    HALPE26,
    HALPE136,
    MPII16,
    OPENPOSE18,
    OPENPOSE25,
    WHOLEBODY133,
)
from holopose.skeletons.skeleton import Skeleton
from holopose.types import Boxes, FrameInfo, Poses

__all__ = [
    "NO_TIME",
    "UNKNOWN_WH",
    "ForeignPerson",
    "assemble",
    "exceeds_one",
    "gather",
    "identity_of",
    "layout_of",
    "load_json",
    "number_of",
]

Numbers = npt.NDArray[np.float64]

UNKNOWN_WH = (0, 0)
"""Size of pictures that a file says nothing about and the caller does not know."""

_LARGEST = float(np.finfo(np.float32).max)

NO_RUN = "How the results came about (model, options, what a score means): the file does not say."
NO_TIME = "Times of frames: the file has none; frames count as stills."
NO_SIZE = "Sizes of the pictures: the file has none, and none was given."

_LAYOUTS = {
    len(layout): layout
    for layout in (COCO17, WHOLEBODY133, HALPE26, HALPE136, OPENPOSE18, OPENPOSE25, BLAZEPOSE33, MPII16)
}


@dataclass(frozen=True, slots=True, eq=False)
class ForeignPerson:
    """One person as another program's file has it.

    Attributes:
        xy: (K, 2) float64 px, NaN where the file has no such keypoint.
        score: (K,) float64, whatever its range.
        box: (4,) float64 left, top, right, bottom; None where the file has none.
        box_score: Of the person, whatever its range; None where the file has none.
        identity: 0 or more; -1 = none.
        visible: (K,) bool, or None.
    """

    xy: Numbers
    score: Numbers
    box: Numbers | None = None
    box_score: float | None = None
    identity: int = -1
    visible: npt.NDArray[np.bool_] | None = None


def load_json(path: Path | str, expected: str) -> Any:
    """Whatever JSON a file holds.

    Args:
        path: The file.
        expected: What it should be, for the message.

    Raises:
        InputError: it cannot be read or is no whole JSON.
    """
    try:
        return json.loads(Path(path).read_bytes())
    except OSError as error:
        raise InputError(f"{path}: expected {expected}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected {expected}, got something that is not whole JSON ({error})") from error


def layout_of(count: int) -> Skeleton:
    """The layout that has that many keypoints.

    Raises:
        InputError: none has.
    """
    if count not in _LAYOUTS:
        known = ", ".join(str(size) for size in sorted(_LAYOUTS))
        raise InputError(f"expected {known} keypoints per person, got {count}")
    return _LAYOUTS[count]


def gather(people: Sequence[ForeignPerson], skeleton: Skeleton) -> Poses:
    """People of one frame as Poses.

    Scores are cut to [0, 1]. Where the file has no box it is the smallest around the keypoints, where it has no score
    of the person it is the mean score of the keypoints.

    Raises:
        InputError: their keypoints are not those of the layout.
    """
    if not people:
        return Poses.empty(skeleton)
    if any(len(person.xy) != len(skeleton) for person in people):
        counts = sorted({len(person.xy) for person in people})
        raise InputError(f"expected {len(skeleton)} keypoints per person ({skeleton.name}), got {counts}")
    xy = np.stack([person.xy for person in people])
    score = np.clip(np.stack([person.score for person in people]), 0, 1)
    score[np.isnan(xy).any(axis=2)] = 0
    boxes = [extents(person.xy) if person.box is None else person.box for person in people]
    persons = [
        mean_score(own, person.xy) if person.box_score is None else person.box_score
        for person, own in zip(people, score, strict=True)
    ]
    visible = [person.visible for person in people if person.visible is not None]
    return Poses(
        xy.astype(np.float32),
        score.astype(np.float32),
        Boxes(np.stack(boxes).astype(np.float32), np.clip(persons, 0, 1).astype(np.float32)),
        skeleton,
        ids=np.array([person.identity for person in people]),
        visible=np.stack(visible) if len(visible) == len(people) else None,
    )


def exceeds_one(people: Sequence[ForeignPerson]) -> bool:
    """Whether a keypoint's score lies outside [0, 1]."""
    return any(((person.score < 0) | (person.score > 1)).any() for person in people)


def identity_of(value: Any) -> int:
    """An identity in whatever way a file holds it: a number, a list of one number; -1 for anything else."""
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**63:
        return -1
    return int(value) if value == int(value) else -1


def number_of(value: Any, what: str) -> float:
    """A finite number.

    Raises:
        InputError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST:
        raise InputError(f"expected a number as {what}, got {str(value)[:40]!r}")
    return float(value)


def assemble(skeleton: Skeleton, frames: list[tuple[FrameInfo, Poses]], lost: Sequence[str]) -> Results:
    """Results of a file that says nothing about how they came about."""
    name, (width, height) = (frames[0][0].name, frames[0][0].size_wh) if frames else ("", UNKNOWN_WH)
    source = {"name": name, "width": width, "height": height}
    told = [NO_RUN, *lost]
    if any(info.size_wh == UNKNOWN_WH for info, _ in frames):
        told.append(NO_SIZE)
    return Results(UNKNOWN_RUN, source, skeleton, frames, tuple(dict.fromkeys(told)))
