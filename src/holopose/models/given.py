"""Owns people who are not searched for: boxes that are known beforehand, or the whole picture as one person."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeGuard

import numpy as np

from holopose.errors import InputError
from holopose.types import Boxes, Frame

__all__ = ["BoxFile", "GivenBoxes", "Key", "WholePicture", "key_of", "read_boxes"]

_log = logging.getLogger(__name__)

_PERSON = 1  # COCO's number for people
_LARGEST = 1e9  # no picture is so large

Key = str | int
"""What a picture goes by: its file name without folder and ending, or a number."""
Row = tuple[float, float, float, float, float]


class WholePicture:
    """One person per picture, who fills it: for portraits and crops. Only ever used when asked for."""

    def detect(self, frames: Sequence[Frame]) -> list[Boxes]:
        """The whole of each frame, score 1."""
        return [Boxes(np.array([[0, 0, *frame.size_wh]], np.float32), np.ones(1, np.float32)) for frame in frames]


@dataclass(frozen=True, slots=True, eq=False)
class BoxFile:
    """A file of boxes, see `read_boxes`.

    Attributes:
        path: The file.
        sha256: Of its content.
        by_picture: Boxes by the picture's file name without folder and ending where it is known, else by `image_id`.
        names_all: Whether it is a data set, which names every picture, those without people too.
    """

    path: Path
    sha256: str
    by_picture: Mapping[Key, Boxes]
    names_all: bool

    def find(self, keys: Iterable[Key], picture: str) -> tuple[Key | None, Boxes]:
        """The first of `keys` that it has, with its boxes; None and nobody where it has none of them.

        Raises:
            InputError: it names all its pictures, and `picture` (its name, for people) is not among them.
        """
        for key in keys:
            if key in self.by_picture:
                return key, self.by_picture[key]
        if self.names_all:
            raise InputError(f"{self.path}: {picture or 'a picture without a name'} is not among its images")
        return None, Boxes.empty()


class GivenBoxes:
    """People are where somebody else says.

    Args:
        boxes: The same ones for every frame; or those of each frame, in a list by its index, or by its file name
            without folder and without ending (``000000000785`` for ``val2017/000000000785.jpg``), or by number. A
            number is the frame's index in a clip, and in pictures the one that the file name ends with (785 for the
            same file): what COCO calls `image_id`. Frames that are not among them show nobody; of pictures the log
            says so.

    >>> import numpy as np
    >>> one = Boxes([[10, 20, 50, 80]], [1.0])
    >>> frame = Frame(np.zeros((100, 40, 3), np.uint8), name="street.jpg")
    >>> GivenBoxes({"street": one}).detect([frame])[0].xyxy.tolist()
    [[10.0, 20.0, 50.0, 80.0]]
    """

    def __init__(self, boxes: Boxes | Sequence[Boxes] | Mapping[Key, Boxes] | BoxFile) -> None:
        self._everywhere: Boxes | None = None
        self._by_index: Sequence[Boxes] = ()
        self._file: BoxFile | None = None
        if isinstance(boxes, Boxes):
            self._everywhere = boxes
        elif isinstance(boxes, BoxFile):
            self._file = boxes
        elif isinstance(boxes, Mapping):
            self._file = BoxFile(Path(), "", boxes, names_all=False)
        else:
            self._by_index = boxes
        self._kinds = frozenset(map(type, self._file.by_picture if self._file is not None else ()))

    def detect(self, frames: Sequence[Frame]) -> list[Boxes]:
        """The boxes of each frame as they were given, best first; those wholly beyond the picture are left out.

        Raises:
            InputError: a box for every frame lies beyond this one, the frames cannot be told apart by what the boxes
                go by, or a picture is not among those of a data set.
        """
        return [self._of(frame) for frame in frames]

    def _of(self, frame: Frame) -> Boxes:
        if self._everywhere is not None:
            given = self._everywhere
        elif self._file is not None:
            given = _look_up(self._file, frame, self._kinds)
        else:
            given = self._by_index[frame.index]
        seen = np.clip(given.xyxy, 0, np.tile(np.array(frame.size_wh, np.float32), 2))
        inside = (seen[:, 2:] > seen[:, :2]).all(axis=1)
        if self._everywhere is not None and not inside.all():
            beyond = ", ".join(f"{value:g}" for value in given.xyxy[~inside][0])
            width, height = frame.size_wh
            raise InputError(f"box {beyond}: is not in the picture {frame.name} ({width} x {height})")
        rows = np.flatnonzero(inside)
        rows = rows[np.argsort(-given.score[rows], kind="stable")]
        return given[rows]


def _look_up(file: BoxFile, frame: Frame, kinds: Set[type]) -> Boxes:
    """Boxes of one frame; nobody where there are none for it. `kinds` are those of the file's keys."""
    if frame.time_s is not None:  # all frames of a clip have one name, and in many may be nobody
        if kinds == {str}:
            raise InputError(f"boxes go by file names, {frame.name} is a clip: expected its frame numbers as image_id")
        return file.by_picture.get(frame.index, Boxes.empty())
    stem = str(key_of(frame.name))
    digits = re.search(r"\d{1,18}$", stem)
    if kinds == {int} and digits is None:
        raise InputError(f"boxes go by numbers (image_id), and the name of {frame.name or 'a picture'} has none")
    key, boxes = file.find([stem, *([int(digits.group())] if digits else [])], frame.name)
    if key is None:
        _log.warning("holopose: %s: no boxes are given for it", frame.name or "a picture without a name")
    return boxes


def read_boxes(path: Path | str, *, scored: bool = False) -> BoxFile:
    """Boxes of people per picture, from a file in one of COCO's forms; what `GivenBoxes` takes.

    Either a list of detections (``{"image_id" or "file_name", "bbox": [x, y, w, h], "score", "category_id"}``), or a
    data set with `images` and `annotations`. People are category 1, or the one that the data set calls person; a row
    without a category is a person, one without a score has score 1. Crowds and boxes without extent are left out.

    Args:
        path: The file.
        scored: Whether detections in a list must have a score. Labels in a data set have none.

    Raises:
        InputError: the file cannot be read, is not in one of these forms (the row that is wrong is named), or two of
            its pictures differ in folder or ending only.
    """
    path = Path(path)
    content, sha256 = _read_json(path)
    if isinstance(content, list):
        named = [one.get("file_name", one.get("image_id")) for one in content if isinstance(one, dict)]
        _refuse_alike(path, dict.fromkeys(one for one in named if isinstance(one, str)))
        unscored = None if scored else 1.0
        return BoxFile(path, sha256, _collect(path, content, {}, _PERSON, (), unscored=unscored), names_all=False)
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
    ids = [one["id"] for one in images]
    return BoxFile(
        path, sha256, _collect(path, content["annotations"], names, person, ids, unscored=1.0), names_all=True
    )


def _is_name(value: object) -> TypeGuard[Key]:
    """Whether pictures can be told by it."""
    return isinstance(value, str | int) and not isinstance(value, bool)


def _refuse_alike(path: Path, names: Iterable[str]) -> None:
    """Raise InputError where two pictures would get each other's people."""
    known: dict[str, str] = {}
    for name in names:
        other = known.setdefault(str(key_of(name)), name)
        if other != name:
            raise InputError(f"{path}: {other} and {name} cannot be told apart: pictures go by name without folder")


def _read_json(path: Path) -> tuple[Any, str]:
    """Its content and sha256."""
    try:
        data = path.read_bytes()
        return json.loads(data), hashlib.sha256(data).hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected JSON: {error}") from error


def _collect(
    path: Path,
    rows: Iterable[Any],
    names: Mapping[Any, str],
    person: object,
    images: Iterable[Any],
    *,
    unscored: float | None,
) -> dict[Key, Boxes]:
    """Rows of people by picture; every one of `images` is there, also without people.

    `unscored` is the score of a row without one, None = it must have one.
    """
    found: dict[Key, list[Row]] = {key_of(names.get(one, one)): [] for one in images}
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
        [score] = _numbers(f"{where}: score: expected a number", [row.get("score", unscored)], 1)
        if width < 0 or height < 0:
            raise InputError(f"{where}: bbox: expected [x, y, width, height], got a size of {width:g} x {height:g}")
        if not 0 <= score <= 1:
            raise InputError(f"{where}: score: expected 0 to 1, got {score:g}")
        people = found.setdefault(key_of(names.get(name, name)), [])
        if width > 0 and height > 0:
            people.append((left, top, left + width, top + height, score))
    return {key: _boxes(people) for key, people in found.items()}


def _numbers(expected: str, values: object, count: int) -> list[float]:
    if isinstance(values, list) and len(values) == count and all(map(_is_number, values)):
        return [float(one) for one in values]
    raise InputError(f"{expected}, got {values!r:.60}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST  # NaN is not


def key_of(name: Key) -> Key:
    """What a picture goes by here: `val2017/a.b.jpg` -> a.b, with folders of any system; numbers as they are."""
    return name if isinstance(name, int) else PurePosixPath(name.replace("\\", "/")).stem


def _boxes(people: Sequence[Row]) -> Boxes:
    """Best first."""
    rows = np.array(people, np.float32).reshape(-1, 5)
    rows = rows[np.argsort(-rows[:, 4], kind="stable")]
    return Boxes(rows[:, :4], rows[:, 4])
