"""Owns AlphaPoseSink: people the way AlphaPose's results file holds them, in its three forms."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError, OutputError
from holopose.io.records import SCORE_DIGITS, plain_name, rounded
from holopose.io.runinfo import RunInfo
from holopose.io.sinks.staged import StagedFile
from holopose.io.triplets import flatten, xywh
from holopose.skeletons.conversions import convert
from holopose.skeletons.layouts import COCO17, HALPE26, HALPE136, OPENPOSE18, WHOLEBODY133
from holopose.skeletons.skeleton import Skeleton
from holopose.types import Frame, FrameInfo, Poses

__all__ = ["ALPHAPOSE_FORMS", "ALPHAPOSE_LAYOUTS", "AlphaPoseSink", "person_score", "written_layout"]

ALPHAPOSE_FORMS: tuple[str, ...] = ("coco", "cmu", "open")

ALPHAPOSE_LAYOUTS: tuple[Skeleton, ...] = (COCO17, HALPE26, WHOLEBODY133, HALPE136)
"""Layouts that AlphaPose has models for; its results list any of them."""

_VERSION = "AlphaPose v0.3"  # what its readers find in the forms cmu and open
_LARGEST_WEIGHT = 1.25


class AlphaPoseSink:
    """Writes what AlphaPose writes to ``alphapose-results.json``, frame by frame.

    Forms:
        coco: A flat list of people: ``image_id`` (the picture's file name; ``12.jpg`` for frame 12 of a clip),
            ``category_id``, ``keypoints`` (those of the layout, where AlphaPose has models for it: COCO 17, Halpe 26
            and 136, COCO-WholeBody 133; else COCO-WholeBody's for layouts with a face or hands, COCO's for others),
            ``score`` (see `person_score`: it exceeds 1), ``box`` (left, top, width, height) and, for people with an
            identity, ``idx``. A frame without people leaves no trace.
        cmu: Per picture ``bodies`` with ``joints``: 18 points in OpenPose's order, the neck between the shoulders.
        open: Per picture ``people`` with ``pose_keypoints_2d``: the same 18.

    A missing keypoint is 0, 0, 0. AlphaPose itself leaves frames without people out of all three forms; here `cmu` and
    `open` have them, with an empty list. It computes the 18 points right for 17 keypoints only; here by name from any.

    Args:
        path: The file to write.
        info: How the results came about (these files have no room for it).
        form: One of `ALPHAPOSE_FORMS`.
        overwrite: Whether an existing file may be replaced.
        inputs: Files that are never replaced.

    Raises:
        ConfigError: there is no such form.
        OutputError: the file cannot be written there; also from `write` and `close`.
    """

    def __init__(
        self,
        path: Path | str,
        info: RunInfo,
        *,
        form: str = "coco",
        overwrite: bool = False,
        inputs: Iterable[Path | str] = (),
    ) -> None:
        if form not in ALPHAPOSE_FORMS:
            raise ConfigError(f"alphapose form: expected one of {', '.join(ALPHAPOSE_FORMS)}, got {form!r}")
        self.info = info
        self._file = StagedFile(path, overwrite=overwrite, inputs=inputs)
        self._form = form
        self._brackets = "[]" if form == "coco" else "{}"
        self._names: set[str] = set()
        self._count = 0
        self._begun = self._ended = False

    def write(self, frame: Frame | FrameInfo, poses: Poses) -> None:
        """Append one frame's people.

        Raises:
            OutputError: it cannot be written.
        """
        if not self._begun:
            self._begun = True
            self._file.write(self._brackets[0])
        picture = _picture(frame)
        if self._form == "coco":
            entries = [_compact(person) for person in _people(picture, poses)]
        else:
            entries = [f"{_compact(self._unique(picture, frame))}:{_compact(_bodies(poses, self._form))}"]
        for entry in entries:
            self._file.write((",\n" if self._count else "\n") + entry)
            self._count += 1

    def close(self, *, ok: bool) -> None:
        """Finish the file (`ok`) or leave none behind.

        Raises:
            OutputError: it cannot be finished, or no frame ever came.
        """
        ended, self._ended = self._ended, True
        if ended or not ok:
            self._file.discard()
            return
        if not self._begun:
            self._file.discard()
            raise OutputError(f"{self._file.path}: there was no frame, so there is no result to write")
        self._file.write(f"\n{self._brackets[1]}\n")
        self._file.commit()

    def _unique(self, picture: str, frame: Frame | FrameInfo) -> str:
        """Pictures are keys here: a second one of the same name gets its number."""
        if frame.time_s is not None:  # numbered already
            return picture
        name = f"{frame.index}_{picture}" if picture in self._names else picture
        self._names.add(name)
        return name


def person_score(keypoint_score: npt.NDArray[np.float32], box_score: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    """AlphaPose's score of a person: mean keypoint score + box score + 1.25 times the largest keypoint score.

    Args:
        keypoint_score: (N, K), a missing keypoint being 0.
        box_score: (N,).

    Returns:
        (N,) float64 from 0 to 3.25.
    """
    points = keypoint_score.astype(np.float64)
    return np.asarray(points.mean(axis=1) + box_score + _LARGEST_WEIGHT * points.max(axis=1))


def _picture(frame: Frame | FrameInfo) -> str:
    if frame.time_s is not None or not frame.name:
        return f"{frame.index}.jpg"  # as AlphaPose calls the frames of a video
    return plain_name(frame.name)


def _people(picture: str, poses: Poses) -> Iterator[dict[str, Any]]:
    if not len(poses):
        return
    people = convert(poses, written_layout(poses.skeleton))
    points, boxes = flatten(people).tolist(), xywh(poses.boxes)
    scores = rounded(person_score(people.score, poses.boxes.score), SCORE_DIGITS).tolist()
    ids = [-1] * len(poses) if poses.ids is None else poses.ids.tolist()
    for row, identity in enumerate(ids):
        entry = {"image_id": picture, "category_id": 1, "keypoints": points[row], "score": scores[row]}
        yield {**entry, "box": boxes[row], **({"idx": identity} if identity >= 0 else {})}


def written_layout(skeleton: Skeleton) -> Skeleton:
    """The one of AlphaPose's layouts that the form coco writes people of this one in."""
    if skeleton in ALPHAPOSE_LAYOUTS:
        return skeleton
    whole = {"face", "left_hand", "right_hand"} & set(skeleton.parts)
    return WHOLEBODY133 if whole else COCO17


def _bodies(poses: Poses, form: str) -> dict[str, Any]:
    points = flatten(convert(poses, OPENPOSE18)).tolist() if len(poses) else []
    if form == "cmu":
        return {"version": _VERSION, "bodies": [{"joints": one} for one in points]}
    return {"version": _VERSION, "people": [{"pose_keypoints_2d": one} for one in points]}


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
