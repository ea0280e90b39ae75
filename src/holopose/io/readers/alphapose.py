"""Owns reading AlphaPose's results: the list of people, and the 18 points per picture of its forms cmu and open."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from holopose.errors import InputError
from holopose.io.readers.foreign import (
    NO_TIME,
    UNKNOWN_WH,
    ForeignPerson,
    assemble,
    exceeds_one,
    gather,
    identity_of,
    layout_of,
    load_json,
    number_of,
)
from holopose.io.results import Results
from holopose.io.sinks.alphapose import person_score
from holopose.io.triplets import boxes_from_xywh, unflatten
from holopose.skeletons.layouts import COCO17, OPENPOSE18
from holopose.skeletons.skeleton import Skeleton
from holopose.types import FrameInfo

__all__ = ["read_alphapose"]

_EXPECTED = "AlphaPose results"
_NUMBERED = re.compile(r"(\d{1,18})\.jpg")
_EMPTY = "Frames without people: a list of people cannot hold them, so they are not here."
_SCORES = "Scores of people: what AlphaPose's sum adds to those of the keypoints, cut to 0..1."
_NO_BOXES = "Boxes, scores and identities of people: these forms have none; keypoints stand in for boxes and scores."
_CUT = "Keypoint scores above 1 or below 0 were cut to 0..1."


def read_alphapose(path: Path | str, size_wh: tuple[int, int] | None = None) -> Results:
    """AlphaPose's results file in any of its forms.

    Pictures called ``0.jpg``, ``1.jpg``, ... throughout are the frames of a clip, and these numbers their indices.
    AlphaPose's score of a person is a sum; the part of it that is the box's is taken out again.

    Args:
        path: The file.
        size_wh: Size of the pictures in pixels, which these files do not hold; (0, 0) stands in its place.

    Raises:
        InputError: it cannot be read, is something else, or is damaged.
    """
    content = load_json(path, _EXPECTED)
    try:
        if isinstance(content, list):
            skeleton, pictures = _listed(content)
            lost = [_EMPTY, _SCORES]
        elif isinstance(content, dict):
            skeleton, pictures = OPENPOSE18, {name: _eighteen(name, one) for name, one in content.items()}
            lost = [_NO_BOXES]
        else:
            raise InputError(f"expected {_EXPECTED}, got JSON of another kind")
        cut = any(exceeds_one(people) for people in pictures.values())
        numbers = [_NUMBERED.fullmatch(name) for name in pictures]
        frames = [
            (
                FrameInfo(int(number[1]) if number and all(numbers) else place, None, name, size_wh or UNKNOWN_WH),
                gather(people, skeleton),
            )
            for place, ((name, people), number) in enumerate(zip(pictures.items(), numbers, strict=True))
        ]
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return assemble(skeleton, frames, [*lost, NO_TIME, *([_CUT] if cut else [])])


def _listed(entries: Sequence[Any]) -> tuple[Skeleton, dict[str, list[ForeignPerson]]]:
    skeleton = COCO17
    pictures: dict[str, list[ForeignPerson]] = {}
    for place, entry in enumerate(entries):
        try:
            if not isinstance(entry, dict) or not isinstance(entry.get("keypoints"), list):
                raise InputError(f"expected {_EXPECTED}, got something without keypoints")
            if place == 0:
                skeleton = layout_of(len(entry["keypoints"]) // 3)
            picture = entry.get("image_id")
            if isinstance(picture, bool) or not isinstance(picture, str | int):
                raise InputError(f"expected a picture's name as image_id, got {picture!r}")
            name = picture if isinstance(picture, str) else f"{picture}.jpg"
            pictures.setdefault(name, []).append(_person(entry, skeleton))
        except InputError as error:
            raise InputError(f"entry {place}: {error}") from error
    return skeleton, pictures


def _person(entry: Mapping[str, Any], skeleton: Skeleton) -> ForeignPerson:
    xy, score = unflatten(entry["keypoints"], len(skeleton))
    box_score = None
    if "score" in entry:
        rest = person_score(score[None].astype(np.float32), np.zeros(1, np.float32))
        box_score = number_of(entry["score"], "score") - float(rest[0])
    box = boxes_from_xywh(entry["box"]) if entry.get("box") else None
    return ForeignPerson(xy, score, box, box_score, identity_of(entry.get("idx")))


def _eighteen(name: str, picture: Any) -> list[ForeignPerson]:
    for people_key, points_key in (("bodies", "joints"), ("people", "pose_keypoints_2d")):
        people = picture.get(people_key) if isinstance(picture, dict) else None
        if isinstance(people, list):
            if not all(isinstance(one, dict) for one in people):
                raise InputError(f"{name}: expected a list of people with {points_key}")
            try:
                return [ForeignPerson(*unflatten(one.get(points_key), len(OPENPOSE18))) for one in people]
            except InputError as error:
                raise InputError(f"{name}: {error}") from error
    raise InputError(f"expected {_EXPECTED}, got JSON of another kind")
