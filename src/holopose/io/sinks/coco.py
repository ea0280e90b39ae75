"""Owns CocoSink: people as COCO keypoint results, or as a COCO data set to correct by hand."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError, OutputError
from holopose.io.records import SCORE_DIGITS, TIME_DIGITS, plain_name, rounded
from holopose.io.runinfo import RunInfo
from holopose.io.sinks.staged import StagedFile
from holopose.io.triplets import flatten, xywh
from holopose.skeletons.conversions import convert
from holopose.skeletons.layouts import COCO17, WHOLEBODY133
from holopose.skeletons.skeleton import Skeleton
from holopose.types import Frame, FrameInfo, Poses

__all__ = ["COCO_FORMS", "PART_KEYS", "CocoSink", "image_id"]

COCO_FORMS: tuple[str, ...] = ("parts", "body", "flat133", "dataset")

PART_KEYS: dict[str, tuple[str, str]] = {
    "body": ("keypoints", "score"),
    "feet": ("foot_kpts", "foot_score"),
    "face": ("face_kpts", "face_score"),
    "left_hand": ("lefthand_kpts", "lefthand_score"),
    "right_hand": ("righthand_kpts", "righthand_score"),
}
"""Part of wholebody133 -> COCO-WholeBody's names for its keypoints and its score."""

_COCO_NAME = re.compile(r"(?:COCO_[a-z]+\d{4}_)?(\d{1,18})")
_SPOOL_BYTES = 1 << 20


class CocoSink:
    """Writes one entry per person, frame by frame.

    Forms:
        parts: Results. ``keypoints`` are COCO's 17; a whole-body layout adds ``foot_kpts``, ``face_kpts``,
            ``lefthand_kpts``, ``righthand_kpts`` and their scores, as COCO-WholeBody's evaluation reads them.
        body: Results with the 17 alone.
        flat133: Results whose ``keypoints`` are COCO-WholeBody's 133, as 399 numbers.
        dataset: An annotation file: images (those without people too), one category that names the keypoints of
            whatever layout comes, annotations with v = 2 visible, 1 not visible, 0 missing. The frames of a clip are
            called ``frame_000000.png`` and so on, as annotation tools call them when they are given the clip.

    In results a frame without people leaves no trace. A missing keypoint is 0, 0, 0, and only COCO-like files have
    that. `score` is the person's; a part's score is that times the mean score of the part's keypoints.

    Args:
        path: The file to write.
        info: How the results came about (the data set says it in ``info``; results have no room for it).
        form: One of `COCO_FORMS`.
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
        form: str = "parts",
        overwrite: bool = False,
        inputs: Iterable[Path | str] = (),
    ) -> None:
        if form not in COCO_FORMS:
            raise ConfigError(f"coco form: expected one of {', '.join(COCO_FORMS)}, got {form!r}")
        self._file = StagedFile(path, overwrite=overwrite, inputs=inputs)
        self._form = form
        self._count = 0
        self._begun = self._ended = False
        self._dataset = _Dataset(info, self._file) if form == "dataset" else None

    def write(self, frame: Frame | FrameInfo, poses: Poses) -> None:
        """Append one frame's people.

        Raises:
            OutputError: it cannot be written, or (data set) its people have another layout than those before.
        """
        if not self._begun:
            self._begun = True
            self._file.write("[" if self._dataset is None else '{"annotations": [')
        if self._dataset is None:
            entries = _results(frame, poses, self._form)
        else:
            entries = self._dataset.entries(frame, poses, self._count)
        for entry in entries:
            self._file.write((",\n" if self._count else "\n") + _compact(entry))
            self._count += 1

    def close(self, *, ok: bool) -> None:
        """Finish the file (`ok`) or leave none behind.

        Raises:
            OutputError: it cannot be finished, or no frame ever came.
        """
        ended, self._ended = self._ended, True
        try:
            if ended or not ok:
                self._file.discard()
            elif not self._begun:
                self._file.discard()
                raise OutputError(f"{self._file.path}: there was no frame, so there is no result to write")
            else:
                self._file.write("\n]")
                if self._dataset is not None:
                    self._dataset.finish()
                self._file.write("\n")
                self._file.commit()
        finally:
            if self._dataset is not None:
                self._dataset.close()


def image_id(frame: Frame | FrameInfo) -> int | str:
    """What COCO files call a picture: the number that its name is, else its name; for clips the frame's index.

    >>> [image_id(FrameInfo(3, None, name, (9, 9))) for name in ("000000000785.jpg", "beach/day 1.jpg", "")]
    [785, 'beach/day 1.jpg', 3]
    """
    if frame.time_s is not None or not frame.name:
        return frame.index
    number = _COCO_NAME.fullmatch(PurePosixPath(frame.name.replace("\\", "/")).stem)
    return int(number[1]) if number else plain_name(frame.name)


def _results(frame: Frame | FrameInfo, poses: Poses, form: str) -> Iterator[dict[str, Any]]:
    if not len(poses):
        return
    picture, boxes = image_id(frame), xywh(poses.boxes)
    scores = rounded(poses.boxes.score, SCORE_DIGITS).tolist()
    if form == "parts":
        parts = {part: keys for part, keys in PART_KEYS.items() if part == "body" or part in poses.skeleton.parts}
        columns = _part_columns(convert(poses, WHOLEBODY133), parts)
    else:
        target = COCO17 if form == "body" else WHOLEBODY133
        columns = {"keypoints": flatten(convert(poses, target)).tolist(), "score": scores}
    for row in range(len(poses)):
        entry = {"image_id": picture, "category_id": 1, **{key: values[row] for key, values in columns.items()}}
        yield {**entry, "bbox": boxes[row], **_track(poses, row)}


def _part_columns(poses: Poses, parts: dict[str, tuple[str, str]]) -> dict[str, list[Any]]:
    """Keypoints and score of each part, for everybody; `poses` are of wholebody133."""
    columns: dict[str, list[Any]] = {}
    triplets = flatten(poses).reshape(len(poses), -1, 3)
    person, score = poses.boxes.score.astype(np.float64), poses.score.astype(np.float64)
    for part, (points_key, score_key) in parts.items():
        members = list(WHOLEBODY133.parts[part])
        columns[points_key] = triplets[:, members].reshape(len(poses), -1).tolist()
        columns[score_key] = _scores(person if part == "body" else person * score[:, members].mean(axis=1))
    if len(parts) == len(PART_KEYS):
        columns["wholebody_score"] = _scores(person * score.mean(axis=1))
    return columns


def _scores(values: npt.NDArray[np.float64]) -> list[float]:
    return rounded(values, SCORE_DIGITS).tolist()  # type: ignore[no-any-return]


def _track(poses: Poses, row: int) -> dict[str, int]:
    return {"track_id": int(poses.ids[row])} if poses.ids is not None and poses.ids[row] >= 0 else {}


class _Dataset:
    """What an annotation file has beside its annotations; pictures wait in a temporary file once they are many."""

    def __init__(self, info: RunInfo, file: StagedFile) -> None:
        self._info = info
        self._file = file
        self._images = tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES)  # noqa: SIM115 - closed by `close`
        self._used: set[int] = set()
        self._last = -1
        self._skeleton: Skeleton | None = None

    def entries(self, frame: Frame | FrameInfo, poses: Poses, count: int) -> Iterator[dict[str, Any]]:
        """Annotations of one frame, the first of them number `count` + 1; notes its picture."""
        if self._skeleton is None:
            self._skeleton = poses.skeleton
        if poses.skeleton != self._skeleton:
            raise OutputError(
                f"{self._file.path}: expected keypoints of {self._skeleton.name}, got {poses.skeleton.name}; "
                "write them to a file of their own"
            )
        number = self._number(frame)
        self._note(frame, number)
        if not len(poses):
            return
        there = np.asarray(~np.isnan(poses.xy).any(axis=2))
        points = flatten(poses).reshape(len(poses), -1, 3)
        labels = points.astype(object)  # so that v stays a whole number
        labels[..., 2] = np.where(there, 2 if poses.visible is None else np.where(poses.visible, 2, 1), 0)
        scores = rounded(poses.boxes.score, SCORE_DIGITS).tolist()
        for row, box in enumerate(xywh(poses.boxes)):
            yield {
                "id": count + row + 1,
                "image_id": number,
                "category_id": 1,
                "keypoints": labels[row].ravel().tolist(),
                "num_keypoints": int(there[row].sum()),
                "bbox": box,
                "area": round(box[2] * box[3], 2),
                "iscrowd": 0,
                "score": scores[row],
                **_track(poses, row),
            }

    def finish(self) -> None:
        """Append what follows the annotations."""
        assert self._skeleton is not None  # a frame came
        skeleton = self._skeleton
        category = {
            "id": 1,
            "name": "person",
            "supercategory": "person",
            "keypoints": list(skeleton.keypoints),
            "skeleton": [[a + 1, b + 1] for a, b in skeleton.edges],
        }
        about = f"holopose {self._info.version}, model {self._info.model}, keypoints {skeleton.name}"
        self._file.write(f',\n"info": {_compact({"description": about})},\n"categories": [{_compact(category)}]')
        self._file.write(',\n"images": [\n')
        try:
            self._images.seek(0)
            shutil.copyfileobj(self._images, self._file)
        except OutputError:
            raise
        except OSError as error:
            self._file.discard()
            raise self._cannot(error) from error
        self._file.write("\n]}")

    def close(self) -> None:
        """Let go of the temporary file."""
        self._images.close()

    def _number(self, frame: Frame | FrameInfo) -> int:
        """The picture's own number where it has one that is free; annotation tools want numbers."""
        own = image_id(frame)
        free = isinstance(own, int) and (own > self._last or (frame.time_s is None and own not in self._used))
        number = own if isinstance(own, int) and free else self._last + 1
        if frame.time_s is None:  # a clip's numbers only ever grow
            self._used.add(number)
        self._last = max(self._last, number)
        return number

    def _note(self, frame: Frame | FrameInfo, number: int) -> None:
        width, height = frame.size_wh
        name = plain_name(frame.name)
        picture: dict[str, Any] = {"id": number, "file_name": name, "width": width, "height": height}
        picture["frame"] = frame.index
        if frame.time_s is not None:
            picture["file_name"] = f"frame_{frame.index:06d}.png"
            picture |= {"video": name, "time_s": round(float(frame.time_s), TIME_DIGITS)}
        try:
            self._images.write((",\n" if self._images.tell() else "").encode() + _compact(picture).encode())
        except OSError as error:
            self._file.discard()
            raise self._cannot(error) from error

    def _cannot(self, error: OSError) -> OutputError:
        return OutputError(f"{self._file.path}: cannot be written: {error.strerror or error}")


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
