"""Owns what detectors share: asking the network, and the way from rows in its canvas to people in the picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError, ModelError
from holopose.ops.letterbox import Letterbox
from holopose.protocols import Runtime
from holopose.skeletons.skeleton import Skeleton
from holopose.types import Boxes, Poses

__all__ = ["check_shares", "people_among", "run_each", "to_boxes", "to_poses"]

Array = npt.NDArray[Any]


def check_shares(**settings: float) -> None:
    """Refuse limits of scores and of overlap that leave out everything or nothing.

    Raises:
        ConfigError: one is not from 0 to 1.
    """
    for name, value in settings.items():
        if not 0 <= value <= 1:
            raise ConfigError(f"{name}: expected 0 to 1, got {value}")


def run_each(runtime: Runtime, batch: npt.NDArray[np.float32]) -> list[tuple[Array, ...]]:
    """Outputs for each picture of a batch (N, ...), in the network's order and without the axis that counts pictures.

    One by one, for networks whose outputs are as long as what they found. A single picture gets all threads.
    """
    singles = [{runtime.inputs[0]: batch[i : i + 1]} for i in range(len(batch))]
    answers = runtime.run_many(singles) if len(singles) > 1 else [runtime.run(one) for one in singles]
    return [tuple(answer[name][0] for name in runtime.outputs) for answer in answers]


def people_among(dets: Array, labels: Array, *, person_class: int, min_score: float) -> tuple[Array, Array]:
    """Boxes (M, 4) and scores (M,) of the people among detections that a network has suppressed itself, best first.

    Args:
        dets: (N, 5) left, top, right, bottom, score: the output that mmdeploy calls `dets`.
        labels: (N,) classes: the output that mmdeploy calls `labels`.
        person_class: Which class is a person.
        min_score: Only people with a higher score.

    Raises:
        ModelError: the shapes are others.
    """
    if dets.ndim != 2 or dets.shape[1] != 5 or labels.shape != dets.shape[:1]:
        raise ModelError(
            f"a detector with suppression inside: expected outputs (M, 5) and (M,), got {dets.shape} and {labels.shape}"
        )
    people = dets[(labels == person_class) & (dets[:, 4] > min_score)]
    people = people[np.argsort(-people[:, 4], kind="stable")]
    return people[:, :4], people[:, 4]


def to_boxes(xyxy: Array, score: Array, letterbox: Letterbox, *, clip: bool = False) -> Boxes:
    """Boxes (N, 4) from canvas px to picture px; those that show nothing of the picture are left out.

    Args:
        xyxy: (N, 4) canvas px.
        score: (N,) beyond [0, 1] is clipped.
        letterbox: Where the picture lies in the canvas.
        clip: Cut boxes at the picture's edges. Top-down models look at a whole box, also where it reaches beyond: cut
            only where the detector's own makers do.
    """
    whole = letterbox.to_picture(xyxy)
    clipped, rows = _in_picture(whole, letterbox)
    return Boxes((clipped if clip else whole)[rows], np.clip(score[rows], 0, 1))


def to_poses(xyxy: Array, score: Array, points: Array, letterbox: Letterbox, skeleton: Skeleton) -> Poses:
    """People of a network that gives boxes and keypoints at once, in picture px.

    Args:
        xyxy: (N, 4) canvas px.
        score: (N,) beyond [0, 1] is clipped.
        points: (N, K, 3) x and y in canvas px, score; points without a score or a finite place are missing.
        letterbox: Where the picture lies in the canvas.
        skeleton: Layout of the K points.

    Raises:
        ModelError: the network has another number of keypoints.
    """
    if points.shape[1:] != (len(skeleton), 3):
        raise ModelError(
            f"expected {len(skeleton)} keypoints ({skeleton.name}) of x, y, score, got {points.shape[1:]}: "
            "is it the model's skeleton?"
        )
    clipped, rows = _in_picture(letterbox.to_picture(xyxy), letterbox)
    xy = letterbox.to_picture(points[rows, :, :2])
    known = np.isfinite(xy).all(axis=2) & (points[rows, :, 2] > 0)
    xy[~known] = np.nan
    point_score = np.where(known, np.clip(points[rows, :, 2], 0, 1), 0)
    return Poses(xy, point_score, Boxes(clipped[rows], np.clip(score[rows], 0, 1)), skeleton)


def _in_picture(xyxy: Array, letterbox: Letterbox) -> tuple[Array, npt.NDArray[np.int64]]:
    """Boxes in picture px, cut at its edges, and which of them are of finite size and show something of it."""
    clipped = letterbox.clip(xyxy)
    seen = (clipped[:, 2:] > clipped[:, :2]).all(axis=1)
    return clipped, np.flatnonzero(seen & np.isfinite(xyxy).all(axis=1))
