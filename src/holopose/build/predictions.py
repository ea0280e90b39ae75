"""Owns what comes into and out of an evaluation beside pictures: files of predictions, boxes for its pictures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from holopose.datasets import Dataset, Picture
from holopose.errors import ConfigError, InputError
from holopose.evaluation.hands import split_hands
from holopose.evaluation.predictions import entries_of, found_of, layout_of
from holopose.io.sinks.staged import StagedFile
from holopose.models.given import BoxFile, Key, key_of
from holopose.ops.labels import Found, extents
from holopose.skeletons.conversions import missing_after
from holopose.skeletons.skeleton import Skeleton
from holopose.types import Boxes

__all__ = ["Predictions", "PredictionsFile", "boxes_for", "fitting", "read_predictions"]


class PredictionsFile:
    """Predictions written as COCO results while they come; appears under its name only when it is whole.

    Raises:
        OutputError: it cannot be written there; also from `write` and `close`.
    """

    def __init__(self, path: Path, dataset: Dataset, *, overwrite: bool) -> None:
        self._file = StagedFile(path, overwrite=overwrite, inputs=[dataset.path])
        self._skeleton = dataset.skeleton
        self._hash = hashlib.sha256()
        self._begun = False

    def write(self, picture: Picture, found: Found) -> None:
        """Append the people of one picture."""
        for entry in entries_of(picture.id, found, self._skeleton):
            self._put((",\n" if self._begun else "[\n") + json.dumps(entry, allow_nan=False, separators=(",", ":")))
            self._begun = True

    def close(self, *, ok: bool) -> str:
        """Finish it, or leave nothing behind; returns its sha256."""
        if not ok:
            self._file.discard()
            return ""
        self._put("\n]\n" if self._begun else "[]\n")
        self._file.commit()
        return self._hash.hexdigest()

    def _put(self, text: str) -> None:
        self._hash.update(text.encode())
        self._file.write(text)


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """A file of predictions, its people by picture.

    Attributes:
        path: The file.
        sha256: Of the file.
        skeleton: Layout of its people.
        entries: Picture id -> entries.
        fit: Turns people of that layout into those of the data set.
    """

    path: Path
    sha256: str
    skeleton: Skeleton
    entries: Mapping[int | str, Sequence[Mapping[str, Any]]]
    fit: Callable[[Found], Found]

    def people(self, picture: Picture) -> Found:
        """Who was found in a picture.

        Raises:
            InputError: an entry is damaged.
        """
        try:
            return self.fit(found_of(self.entries.get(picture.id, ()), self.skeleton))
        except InputError as error:
            raise InputError(f"{self.path}: picture {picture.name}: {error}") from error

    def notes(self, rule: str) -> list[str]:
        """What a reader of figures made from it should know."""
        some = [one for entries in self.entries.values() for one in entries]
        notes = []
        if rule == "parts" and self.skeleton.name == "wholebody133" and not any("face_score" in one for one in some):
            notes.append(f"{self.path.name} has no scores of parts: the score of the person ranks all parts")
        return notes


def read_predictions(path: Path, dataset: Dataset) -> Predictions:
    """Another program's predictions for a data set; pictures are told by id, or by file name.

    Raises:
        InputError: the file cannot be read, is no list of results, or is of other pictures.
        ConfigError: nothing of its layout is in the data set's.
    """
    content, sha256 = _load(path, "predictions as a list of COCO results")
    if not isinstance(content, list):
        raise InputError(f"{path}: expected predictions as a list of COCO results, got {type(content).__name__}")
    try:
        skeleton = layout_of(content, dataset.skeleton)
        entries = _by_picture(content, dataset)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return Predictions(path, sha256, skeleton, entries, fitting(skeleton, dataset))


def boxes_for(dataset: Dataset, file: BoxFile) -> list[Boxes]:
    """Boxes of people for each picture of a data set, told by file name or id.

    Raises:
        InputError: the file is of other pictures, or names a picture that could be two of these.
    """
    used: dict[Key, str] = {}
    boxes = []
    for picture in dataset.pictures:
        key, found = file.find((key_of(picture.name), key_of(picture.id)), picture.name)
        boxes.append(found)
        if key is not None and (other := used.setdefault(key, picture.name)) != picture.name:
            raise InputError(f"{file.path}: {key} could be {other} and {picture.name} of {dataset.path.name}")
    if file.by_picture and not used:
        raise InputError(
            f"{file.path}: expected boxes for the pictures of {dataset.path.name}, got none for any of them"
        )
    return boxes


def fitting(source: Skeleton, dataset: Dataset) -> Callable[[Found], Found]:
    """What turns people of a model's layout into those of a data set: converted, or split into hands or faces.

    Raises:
        ConfigError: the layouts have nothing in common.
    """
    target = dataset.skeleton
    if source == target:
        return lambda found: found
    if dataset.kind == "hand" and {"left_hand", "right_hand"} <= set(source.parts):
        return lambda found: split_hands(found, source)
    if len(missing_after(source, target)) == len(target):
        raise ConfigError(
            f"the model gives {source.name}, of which nothing becomes {target.name} of {dataset.path.name}"
        )
    if dataset.kind == "face":
        return lambda found: _faces(found.convert(source, target))
    return lambda found: found.convert(source, target)


def _faces(found: Found) -> Found:
    boxes = extents(found.xy)
    return replace(found, boxes_xyxy=boxes)[~np.isnan(boxes).any(axis=1)]


def _load(path: Path, expected: str) -> tuple[Any, str]:
    try:
        data = path.read_bytes()
        return json.loads(data), hashlib.sha256(data).hexdigest()
    except OSError as error:
        raise InputError(f"{path}: expected {expected}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected {expected}, got something that is not whole JSON ({error})") from error


def _by_picture(content: Sequence[Any], dataset: Dataset) -> dict[int | str, list[Mapping[str, Any]]]:
    """Entries by the data set's picture ids; those of pictures that are not judged are left out."""
    ids: dict[int | str, int | str] = {}
    for picture in dataset.pictures:
        ids |= {picture.name: picture.id, Path(picture.name).name: picture.id, picture.id: picture.id}
    found: dict[int | str, list[Mapping[str, Any]]] = {}
    for place, entry in enumerate(content):
        key = entry.get("image_id") if isinstance(entry, dict) else None
        if isinstance(key, bool) or not isinstance(key, int | str):
            raise InputError(f"entry {place}: expected an image_id, got {str(entry)[:60]}")
        if key in ids:
            found.setdefault(ids[key], []).append(entry)
    if content and not found:
        raise InputError(f"expected entries for the pictures of {dataset.path.name}, got none for any of them")
    return found
