"""Owns parity: how far two forms of one model answer apart on real people, per part of the body."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from holopose.protocols import Estimator, KeypointModel
from holopose.types import Boxes, Frame, Poses

__all__ = ["PartParity", "compare", "worst"]


@dataclass(frozen=True, slots=True)
class PartParity:
    """How far apart the keypoints of one part are.

    Attributes:
        part: ``body``, ``feet``, ``face``, ``left_hand``, ``right_hand``.
        points: How many both forms found.
        only_one: How many only one of them found.
        mean: Mean distance, in thousandths of the longer side of the person's box.
        largest: Largest distance, likewise.
        score: Largest difference of scores.
    """

    part: str
    points: int
    only_one: int
    mean: float
    largest: float
    score: float


def compare(
    first: KeypointModel | Estimator,
    second: KeypointModel | Estimator,
    frames: Sequence[Frame],
    boxes: Sequence[Boxes],
) -> tuple[list[PartParity], int]:
    """Run both forms on the same people.

    Args:
        first: The form that is trusted.
        second: The other.
        frames: Pictures.
        boxes: People in them, for forms that need boxes.

    Returns:
        A row per part of the layout, ordered as there, and how many people the first form gave.
    """
    ours, theirs = _answers(first, frames, boxes), _answers(second, frames, boxes)
    skeleton = first.skeleton
    distances: list[npt.NDArray[np.float64]] = []
    scores: list[npt.NDArray[np.float64]] = []
    for ours_here, theirs_here in zip(ours, theirs, strict=True):
        both = min(len(ours_here), len(theirs_here))
        alone = max(len(ours_here), len(theirs_here)) - both  # of estimators that find people themselves
        distances.append(np.full((alone, len(skeleton)), np.inf))
        scores.append(np.ones((alone, len(skeleton))))
        a, b = ours_here[slice(both)], theirs_here[slice(both)]
        sides = np.maximum((a.boxes.xyxy[:, 2:] - a.boxes.xyxy[:, :2]).max(axis=1, initial=1.0), 1.0)
        apart = np.linalg.norm(a.xy.astype(np.float64) - b.xy, axis=2) / sides[:, None] * 1e3
        both_missing = np.isnan(a.xy[..., 0]) & np.isnan(b.xy[..., 0])
        distances.append(np.where(both_missing, np.nan, np.where(np.isnan(apart), np.inf, apart)))
        scores.append(np.abs(a.score.astype(np.float64) - b.score))
    far = np.concatenate(distances) if distances else np.zeros((0, len(skeleton)))
    score = np.concatenate(scores) if scores else np.zeros((0, len(skeleton)))
    rows = [_row(part, far[:, list(members)], score[:, list(members)]) for part, members in skeleton.parts.items()]
    return rows, sum(map(len, ours))


def _answers(model: KeypointModel | Estimator, frames: Sequence[Frame], boxes: Sequence[Boxes]) -> list[Poses]:
    if isinstance(model, KeypointModel):
        return model.locate(frames, boxes)
    model.reset()
    return model.estimate(frames)


def _row(part: str, far: npt.NDArray[np.float64], score: npt.NDArray[np.float64]) -> PartParity:
    known = np.isfinite(far)
    return PartParity(
        part=part,
        points=int(known.sum()),
        only_one=int(np.isinf(far).sum()),
        mean=float(far[known].mean()) if known.any() else 0.0,
        largest=float(far[known].max(initial=0.0)),
        score=float(score.max(initial=0.0)),
    )


def worst(rows: Sequence[PartParity]) -> float:
    """The largest mean distance of any part; infinity where a keypoint was found by one form only, or none at all."""
    if any(row.only_one for row in rows) or not any(row.points for row in rows):
        return float("inf")
    return max(row.mean for row in rows)
