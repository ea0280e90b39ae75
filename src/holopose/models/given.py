"""Owns people who are not searched for: boxes that are known beforehand, or the whole picture as one person."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, TypeGuard

import numpy as np

from holopose.errors import InputError
from holopose.types import Boxes, Frame

__all__ = ["GivenBoxes", "WholePicture", "read_boxes"]

_PERSON = 1  # COCO's number for people
_LARGEST = 1e9  # no picture is so large

Key = str | int
Row = tuple[float, float, float, float, float]


class WholePicture:
    """One person per picture, who fills it: for portraits and crops. Only ever used when asked for."""

    def detect(self, frames: Sequence[Frame]) -> list[Boxes]:
        """The whole of each frame, score 1."""
        return [Boxes(np.array([[0, 0, *frame.size_wh]], np.float32), np.ones(1, np.float32)) for frame in frames]


class GivenBoxes:
    """People are where somebody else says.

    Args:
        boxes: The same ones for every frame; or those of each frame, by its file name without folder and without
            ending (``000000000785`` for ``val2017/000000000785.jpg``), or by number. A number is the frame's index in
            a clip, and in pictures the one that the file name ends with (785 for the same file): what COCO calls
            `image_id`. Frames that are not among them show nobody.

    >>> import numpy as np
    >>> one = Boxes([[10, 20, 50, 80]], [1.0])
    >>> frame = Frame(np.zeros((100, 40, 3), np.uint8), name="street.jpg")
    >>> GivenBoxes({"street": one}).detect([frame])[0].xyxy.tolist()
    [[10.0, 20.0, 50.0, 80.0]]
    """

    def __init__(self, boxes: Boxes | Mapping[Key, Boxes]) -> None:
        self._everywhere = boxes if isinstance(boxes, Boxes) else None
        self._by_frame: Mapping[Key, Boxes] = {} if isinstance(boxes, Boxes) else boxes
        self._kinds = {type(key) for key in self._by_frame}

    def detect(self, frames: Sequence[Frame]) -> list[Boxes]:
        """The boxes of each frame as they were given, best first; those wholly beyond the picture are left out.

        Raises:
            InputError: a box for every frame lies beyond this one, or the frames cannot be told apart by what the
                boxes go by.
        """
        return [self._of(frame) for frame in frames]

    def _of(self, frame: Frame) -> Boxes:
        given = self._everywhere if self._everywhere is not None else self._look_up(frame)
        seen = np.clip(given.xyxy, 0, np.tile(np.array(frame.size_wh, np.float32), 2))
        inside = (seen[:, 2:] > seen[:, :2]).all(axis=1)
        if self._everywhere is not None and not inside.all():
            beyond = ", ".join(f"{value:g}" for value in given.xyxy[~inside][0])
            width, height = frame.size_wh
            raise InputError(f"box {beyond}: is not in the picture {frame.name} ({width} x {height})")
        rows = np.flatnonzero(inside)
        rows = rows[np.argsort(-given.score[rows], kind="stable")]
        return given[rows]

    def _look_up(self, frame: Frame) -> Boxes:
        """Boxes of one frame; nobody where there are none for it."""
        stem = _stem(frame.name)
        if frame.time_s is not None:  # one name for all frames of a clip
            key: Key | None = frame.index
        elif stem in self._by_frame:
            key = stem
        else:
            digits = re.search(r"\d{1,18}$", stem)
            key = int(digits.group()) if digits else None
        if self._kinds == {str} and frame.time_s is not None:
            raise InputError(f"boxes go by file names, {frame.name} is a clip: expected its frame numbers as image_id")
        if self._kinds == {int} and key is None:
            raise InputError(f"boxes go by numbers (image_id), and the name of {frame.name or 'a picture'} has none")
        return self._by_frame.get(key, Boxes.empty()) if key is not None else Boxes.empty()


def read_boxes(path: Path | str) -> dict[Key, Boxes]:
    """Boxes of people per picture, from a file in one of COCO's forms; what `GivenBoxes` takes.

    Either a list of detections (``{"image_id" or "file_name", "bbox": [x, y, w, h], "score", "category_id"}``), or a
    data set with `images` and `annotations`. People are category 1, or the one that the data set calls person; a row
    without a category is a person, one without a score has score 1. Crowds and boxes without extent are left out.

    Returns:
        By the file name without folder and ending where it is known, else by `image_id`.

    Raises:
        InputError: the file cannot be read, is not in one of these forms (the row that is wrong is named), or two of
            its pictures differ in folder or ending only.
    """
    content = _read_json(Path(path))
    if isinstance(content, list):
        named = [one.get("file_name", one.get("image_id")) for one in content if isinstance(one, dict)]
        _refuse_alike(path, dict.fromkeys(one for one in named if isinstance(one, str)))
        return _collect(path, content, {}, _PERSON, ())
    if not isinstance(content, dict) or not isinstance(content.get("annotations"), list):
        raise InputError(f"{path}: expected a list of detections, or a data set with images and annotations")
    images, categories = content.get("images"), content.get("categories")
    if not isinstance(images, list) or not all(isinstance(one, dict) and _is_name(one.get("id")) for one in images):
        raise InputError(f"{path}: a data set: expected a list `images` whose members have an id and a file_name")
    names = {one["id"]: str(one["file_name"]) for one in images if one.get("file_name") is not None}
    _refuse_alike(path, names.values())
    person: object = _PERSON
    if isinstance(categories, list) and categories:
        called = [one.get("id") for one in categories if isinstance(one, dict) and one.get("name") == "person"]
        if not called:
            raise InputError(f"{path}: none of its categories is called person")
        person = called[0]
    return _collect(path, content["annotations"], names, person, [one["id"] for one in images])


def _is_name(value: object) -> TypeGuard[Key]:
    """Whether pictures can be told by it."""
    return isinstance(value, str | int) and not isinstance(value, bool)


def _refuse_alike(path: Path | str, names: Iterable[str]) -> None:
    """Raise InputError where two pictures would get each other's people."""
    known: dict[str, str] = {}
    for name in names:
        other = known.setdefault(_stem(name), name)
        if other != name:
            raise InputError(f"{path}: {other} and {name} cannot be told apart: pictures go by name without folder")


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected JSON: {error}") from error


def _collect(
    path: Path | str, rows: Iterable[Any], names: Mapping[Any, str], person: object, images: Iterable[Any]
) -> dict[Key, Boxes]:
    """Rows of people by picture; every one of `images` is there, also without people."""
    found: dict[Key, list[Row]] = {_key(names.get(one, one)): [] for one in images}
    for number, row in enumerate(rows):
        where = f"{path}: row {number + 1}"
        if not isinstance(row, dict):
            raise InputError(f"{where}: expected an object with image_id, bbox and score, got {row!r:.60}")
        if row.get("category_id", person) != person or row.get("iscrowd") in (1, True):
            continue
        name = row.get("file_name", row.get("image_id"))
        if not _is_name(name):
            raise InputError(f"{where}: expected image_id (a number or a file name) or file_name, got {name!r:.60}")
        left, top, width, height = _numbers(f"{where}: bbox: expected [x, y, width, height]", row.get("bbox"), 4)
        [score] = _numbers(f"{where}: score: expected a number", [row.get("score", 1.0)], 1)
        if width < 0 or height < 0:
            raise InputError(f"{where}: bbox: expected [x, y, width, height], got a size of {width:g} x {height:g}")
        if not 0 <= score <= 1:
            raise InputError(f"{where}: score: expected 0 to 1, got {score:g}")
        people = found.setdefault(_key(names.get(name, name)), [])
        if width > 0 and height > 0:
            people.append((left, top, left + width, top + height, score))
    return {key: _boxes(people) for key, people in found.items()}


def _numbers(expected: str, values: object, count: int) -> list[float]:
    if isinstance(values, list) and len(values) == count and all(map(_is_number, values)):
        return [float(one) for one in values]
    raise InputError(f"{expected}, got {values!r:.60}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST  # NaN is not


def _key(name: Key) -> Key:
    return name if isinstance(name, int) else _stem(name)


def _stem(name: str) -> str:
    """`val2017/a.b.jpg` -> a.b, with folders of any system."""
    return PurePosixPath(name.replace("\\", "/")).stem


def _boxes(people: Sequence[Row]) -> Boxes:
    """Best first."""
    rows = np.array(people, np.float32).reshape(-1, 5)
    rows = rows[np.argsort(-rows[:, 4], kind="stable")]
    return Boxes(rows[:, :4], rows[:, 4])
