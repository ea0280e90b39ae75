"""Owns reading COCO files: keypoint results (a list) and annotation files (images, categories, annotations)."""

from __future__ import annotations

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
from holopose.io.sinks.coco import PART_KEYS
from holopose.io.triplets import boxes_from_xywh, unflatten
from holopose.skeletons.layouts import COCO17, LAYOUTS, WHOLEBODY133
from holopose.skeletons.skeleton import Skeleton
from holopose.types import FrameInfo

__all__ = ["read_coco"]

_EXPECTED = "COCO keypoint results or annotations"
_PARTS = {part: points for part, (points, _) in PART_KEYS.items() if part != "body"}
_EMPTY = "Frames without people: COCO results cannot hold them, so they are not here."
_CUT = "Keypoint scores above 1 or below 0 were cut to 0..1."
_LABELS = "Scores of keypoints: annotations have none; 1 stands for every labelled point that has no confidence."
_CROWDS = "Annotations marked as crowds: left out."

Entry = Mapping[str, Any]


def read_coco(path: Path | str, size_wh: tuple[int, int] | None = None) -> Results:
    """COCO keypoint results or an annotation file.

    In results a picture's number becomes the frame's index and a picture's name its name; in annotation files the
    list of images says both. The layout follows the fields: COCO-WholeBody's parts are wholebody133, the names of an
    annotation file's category are looked up among the known layouts, and a bare list goes by its length.

    Args:
        path: The file.
        size_wh: Size of the pictures in pixels where the file does not say it; (0, 0) stands in its place.

    Raises:
        InputError: it cannot be read, is neither, or is damaged.
    """
    content = load_json(path, _EXPECTED)
    try:
        if isinstance(content, list):
            return _results(content, size_wh or UNKNOWN_WH)
        if isinstance(content, dict) and {"images", "annotations"} <= set(content):
            return _annotations(content, size_wh or UNKNOWN_WH)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    raise InputError(f"{path}: expected {_EXPECTED}, got JSON of another kind")


def _results(entries: Sequence[Any], size_wh: tuple[int, int]) -> Results:
    skeleton = _layout(entries, None)
    pictures: dict[int | str, list[ForeignPerson]] = {}
    cut = False
    for place, entry in enumerate(entries):
        try:
            person = _person(entry, skeleton)
            picture = _picture(entry)
        except InputError as error:
            raise InputError(f"entry {place}: {error}") from error
        cut = cut or exceeds_one([person])
        pictures.setdefault(picture, []).append(person)
    frames = [
        (
            FrameInfo(key, None, "", size_wh) if isinstance(key, int) else FrameInfo(place, None, key, size_wh),
            gather(people, skeleton),
        )
        for place, (key, people) in enumerate(pictures.items())
    ]
    return assemble(skeleton, frames, [_EMPTY, NO_TIME, *([_CUT] if cut else [])])


def _annotations(content: Mapping[str, Any], size_wh: tuple[int, int]) -> Results:
    images, entries = content["images"], content["annotations"]
    if not isinstance(images, list) or not isinstance(entries, list):
        raise InputError(f"expected {_EXPECTED}, got JSON of another kind")
    crowds = [one for one in entries if isinstance(one, dict) and one.get("iscrowd")]
    entries = [one for one in entries if not (isinstance(one, dict) and one.get("iscrowd"))]
    skeleton = _layout(entries, _category(content.get("categories")))
    people: dict[Any, list[ForeignPerson]] = {}
    frames: list[tuple[FrameInfo, list[ForeignPerson]]] = []
    for place, image in enumerate(images):
        try:
            info, key = _image(image, place, size_wh)
        except InputError as error:
            raise InputError(f"image {place}: {error}") from error
        if key in people:
            raise InputError(f"image {place}: expected an id of its own, got {key!r} again")
        frames.append((info, people.setdefault(key, [])))
    for place, entry in enumerate(entries):
        try:
            person, key = _labelled(_person(entry, skeleton), entry), _picture(entry)
            if key not in people:
                raise InputError(f"expected the id of an image, got {key!r}")
        except InputError as error:
            raise InputError(f"annotation {place}: {error}") from error
        people[key].append(person)
    lost = [_LABELS] + ([_CROWDS] if crowds else [])
    if any(info.time_s is None for info, _ in frames):
        lost.append(NO_TIME)
    return assemble(skeleton, [(info, gather(found, skeleton)) for info, found in frames], lost)


def _layout(entries: Sequence[Any], named: Skeleton | None) -> Skeleton:
    """The layout of everybody's keypoints."""
    for place, entry in enumerate(entries):
        if not isinstance(entry, dict) or not isinstance(entry.get("keypoints"), list):
            raise InputError(f"entry {place}: expected {_EXPECTED}, got something without keypoints")
    if any(key in entry for entry in entries for key in _PARTS.values()):
        return WHOLEBODY133
    if named is not None:
        return named
    if not entries:
        return COCO17
    count, rest = divmod(len(entries[0]["keypoints"]), 3)
    if rest:
        raise InputError(f"entry 0: expected three numbers per keypoint, got {3 * count + rest} numbers")
    return layout_of(count)


def _category(categories: Any) -> Skeleton | None:
    """The layout that an annotation file describes: a known one where the names are its names."""
    found = [one for one in categories if isinstance(one, dict)] if isinstance(categories, list) else []
    for category in found:
        names = category.get("keypoints")
        if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
            for layout in LAYOUTS.values():
                if list(layout.keypoints) == names:
                    return layout
            return _described(str(category.get("name", "person")), names, category.get("skeleton"))
    return None


def _described(name: str, names: list[str], bones: Any) -> Skeleton:
    """A layout from names and 1-based bones; left and right are paired by name."""
    index = {one: place for place, one in enumerate(names)}
    mirror = {one: one.replace("left", "right") if "left" in one else one.replace("right", "left") for one in names}
    swaps = tuple(index.get(mirror[one], place) for place, one in enumerate(names))
    pairs = [one for one in bones if isinstance(one, list) and len(one) == 2] if isinstance(bones, list) else []
    edges = [(a - 1, b - 1) for a, b in pairs if isinstance(a, int) and isinstance(b, int)]
    try:
        return Skeleton(name, tuple(names), tuple(edges), swaps, None, {"body": tuple(range(len(names)))})
    except ValueError as error:
        raise InputError(f"categories: expected a layout that holds together: {error}") from error


def _person(entry: Entry, skeleton: Skeleton) -> ForeignPerson:
    split = skeleton is WHOLEBODY133 and len(entry["keypoints"]) == 3 * len(COCO17)
    points = [(entry["keypoints"], len(COCO17) if split else len(skeleton))]
    if split:
        points += [(entry.get(key, []), len(WHOLEBODY133.parts[part])) for part, key in _PARTS.items()]
    columns = [unflatten(values or [0] * (3 * count), count) for values, count in points]
    return ForeignPerson(
        xy=np.concatenate([xy for xy, _ in columns]),
        score=np.concatenate([score for _, score in columns]),
        box=boxes_from_xywh(entry["bbox"]) if entry.get("bbox") else None,
        box_score=number_of(entry["score"], "score") if "score" in entry else None,
        identity=identity_of(entry.get("track_id")),
    )


def _labelled(person: ForeignPerson, entry: Entry) -> ForeignPerson:
    """Annotations say 2 visible, 1 not visible, 0 not labelled where results have a score.

    COCO-WholeBody's hands and faces have 1 or a confidence there, which says nothing about what is visible.
    """
    flags = person.score
    if (flags < 0).any() or (flags > 2).any():
        raise InputError("expected 0, 1 or 2 after each keypoint's x and y")
    xy = np.where((flags > 0)[:, None], person.xy, np.nan)
    box_score = 1.0 if person.box_score is None else person.box_score
    visible = None if any(key in entry for key in _PARTS.values()) else flags == 2
    return ForeignPerson(xy, np.minimum(flags, 1), person.box, box_score, person.identity, visible)


def _picture(entry: Entry) -> int | str:
    picture = entry.get("image_id")
    if isinstance(picture, str) or (
        isinstance(picture, int) and not isinstance(picture, bool) and 0 <= picture < 2**63
    ):
        return picture
    raise InputError(f"expected a number or a name as image_id, got {picture!r}")


def _image(image: Any, place: int, size_wh: tuple[int, int]) -> tuple[FrameInfo, int | str]:
    if not isinstance(image, dict):
        raise InputError("expected an image with id and file_name")
    key = _picture({"image_id": image.get("id")})
    index, time_s, name = image.get("frame"), image.get("time_s"), image.get("video", image.get("file_name", ""))
    size = image.get("width"), image.get("height")
    known = all(isinstance(side, int) and side > 0 for side in size)
    info = FrameInfo(
        index if isinstance(index, int) and 0 <= index < 2**63 else place,
        None if time_s is None else number_of(time_s, "time_s"),
        name if isinstance(name, str) else "",
        (int(size[0]), int(size[1])) if known else size_wh,  # type: ignore[arg-type]
    )
    return info, key
