"""Owns OpenPoseSink: a folder with one JSON file per frame, as OpenPose's --write_json leaves it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.errors import OutputError
from holopose.io.records import plain_name
from holopose.io.runinfo import RunInfo
from holopose.io.sinks.folder import StagedFolder
from holopose.io.triplets import flatten, flatten_points
from holopose.skeletons.conversions import convert
from holopose.skeletons.layouts import FACE68, OPENPOSE25, WHOLEBODY133
from holopose.types import Frame, FrameInfo, Poses

__all__ = ["OPENPOSE_ENDING", "OpenPoseSink"]

OPENPOSE_ENDING = "_keypoints.json"
_VERSION = 1.3
_HANDS = {"left_hand": "hand_left_keypoints_2d", "right_hand": "hand_right_keypoints_2d"}
_EYES = (range(36, 42), range(42, 48))
"""Contour of the right and of the left eye among the 68; OpenPose's points 68 and 69 are their pupils."""
_EMPTY_3D = {
    f"{part}_keypoints_3d": list[float]() for part in ("pose", "face", "hand_left", "hand_right")
}  # written always, as OpenPose does


class OpenPoseSink:
    """Writes ``<clip>_<frame, 12 digits>_keypoints.json`` per frame of a clip, ``<picture>_keypoints.json`` per still.

    Each has version 1.3 and a list of people, which is empty where nobody is. A person has BODY_25 (neck and middle of
    the hips are the means of shoulders and hips), the face as OpenPose's 70 points (68, then right and left pupil: the
    middle of each eye's contour, with the lowest of its scores) and both hands; left is the person's left. A part that
    the layout does not have is an empty list, a missing keypoint 0, 0, 0. ``person_id`` is -1 without identities.

    Args:
        path: The folder to write.
        info: How the results came about (these files have no room for it).
        overwrite: Whether an existing folder of such files may be replaced.
        inputs: Files and folders that are never replaced.

    Raises:
        OutputError: the folder cannot be written there; also from `write` and `close`.
    """

    def __init__(
        self, path: Path | str, info: RunInfo, *, overwrite: bool = False, inputs: Iterable[Path | str] = ()
    ) -> None:
        self.info = info
        self._folder = StagedFolder(path, ending=OPENPOSE_ENDING, overwrite=overwrite, inputs=inputs)
        self._count = 0
        self._ended = False

    def write(self, frame: Frame | FrameInfo, poses: Poses) -> None:
        """Add one frame's file.

        Raises:
            OutputError: it cannot be written, or there is a file for that frame already.
        """
        people = {"version": _VERSION, "people": _people(poses)}
        self._folder.write(self._name(frame), json.dumps(people, allow_nan=False, separators=(",", ":")))
        self._count += 1

    def close(self, *, ok: bool) -> None:
        """Give the folder its name (`ok`) or leave nothing behind.

        Raises:
            OutputError: the name has been taken meanwhile, or no frame ever came.
        """
        ended, self._ended = self._ended, True
        if ended or not ok:
            self._folder.discard()
            return
        if not self._count:
            self._folder.discard()
            raise OutputError(f"{self._folder.path}: there was no frame, so there is no result to write")
        self._folder.commit()

    def _name(self, frame: Frame | FrameInfo) -> str:
        """A still is called after its picture; a second of that name, and frames of clips, have their number."""
        stem = plain_name(PurePosixPath(frame.name.replace("\\", "/")).stem).replace("\\", "_") or "frame"
        name = f"{stem}{OPENPOSE_ENDING}"
        if frame.time_s is not None or not frame.name or self._folder.holds(name):
            name = f"{stem}_{frame.index:012d}{OPENPOSE_ENDING}"
        return name


def _people(poses: Poses) -> list[dict[str, Any]]:
    if not len(poses):
        return []
    own = poses.skeleton.parts
    triplets = flatten(convert(poses, WHOLEBODY133)).reshape(len(poses), -1, 3)
    columns = {
        "pose_keypoints_2d": flatten(convert(poses, OPENPOSE25)).tolist(),
        "face_keypoints_2d": _face(poses) if "face" in own else [[]] * len(poses),
    }
    for part, key in _HANDS.items():
        hand = triplets[:, list(WHOLEBODY133.parts[part])].reshape(len(poses), -1)
        columns[key] = hand.tolist() if part in own else [[]] * len(poses)
    ids = [-1] * len(poses) if poses.ids is None else poses.ids.tolist()
    return [
        {"person_id": [identity], **{key: values[row] for key, values in columns.items()}, **_EMPTY_3D}
        for row, identity in enumerate(ids)
    ]


def _face(poses: Poses) -> list[list[float]]:
    """70 points per person: the 68, the right pupil, the left pupil."""
    face = convert(poses, FACE68)
    pupils = [_pupil(face, eye) for eye in _EYES]
    xy = np.concatenate([face.xy, *(xy for xy, _ in pupils)], axis=1)
    score = np.concatenate([face.score, *(score for _, score in pupils)], axis=1)
    return flatten_points(xy, score).tolist()  # type: ignore[no-any-return]


def _pupil(face: Poses, eye: range) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """(N, 1, 2) px and (N, 1): the mean of an eye's six contour points and the lowest of their scores."""
    points = list(eye)
    return face.xy[:, points].mean(axis=1, keepdims=True), face.score[:, points].min(axis=1, keepdims=True)
