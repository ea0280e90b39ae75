"""Owns what an evaluation compares: the labelled people of one picture and the people found in it, as arrays.

Coordinates are original-image px, float64 as in the annotation files; a keypoint that is not there is NaN. Nothing is
rounded and no score is cut, so that the figures are those that a data set's own evaluation gives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.errors import InputError
from holopose.skeletons.conversions import conversion
from holopose.skeletons.skeleton import Skeleton
from holopose.types import Boxes, Poses

__all__ = ["Found", "Labelled", "extents"]

Float = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def extents(xy: Float) -> Float:
    """(N, 4) px: the smallest box around the keypoints (N, K, 2) that are there; NaN where none is.

    >>> extents(np.array([[[1.0, 2.0], [4.0, 3.0], [np.nan, np.nan]]])).tolist()
    [[1.0, 2.0, 4.0, 3.0]]
    """
    there = ~np.asarray(np.isnan(xy).any(axis=2))[..., None]
    low = np.where(there, xy, np.inf).min(axis=1, initial=np.inf)
    high = np.where(there, xy, -np.inf).max(axis=1, initial=-np.inf)
    boxes = np.concatenate([low, high], axis=1)
    boxes[~there[..., 0].any(axis=1)] = np.nan
    return boxes


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """The labelled people of one picture (or its labelled hands, or faces).

    Attributes:
        xy: (N, K, 2) px, NaN where a keypoint is not labelled.
        visible: (N, K) bool, labelled and in view.
        boxes_xyxy: (N, 4) px.
        area_px: (N,) square px, what OKS takes as the person's size.
        crowd: (N,) bool, a region of people that counts neither for nor against.
        head_px: (N,) px, head size of PCKh; NaN where the data set has none.
        ids: N identifiers of the annotations.
    """

    xy: Float
    visible: Flags
    boxes_xyxy: Float
    area_px: Float
    crowd: Flags
    head_px: Float
    ids: tuple[int | str, ...]

    def __post_init__(self) -> None:
        n, k = self.xy.shape[:2]
        wanted = {"xy": (n, k, 2), "visible": (n, k), "boxes_xyxy": (n, 4)}
        wanted |= dict.fromkeys(("area_px", "crowd", "head_px"), (n,))
        _check(self, wanted)
        if len(self.ids) != n:
            raise InputError(f"Labelled.ids: expected {n}, got {len(self.ids)}")

    @classmethod
    def empty(cls, count: int) -> Labelled:
        """Nobody, of `count` keypoints each."""
        none = np.zeros(0)
        return cls(np.zeros((0, count, 2)), np.zeros((0, count), bool), np.zeros((0, 4)), none, none > 0, none, ())

    def __len__(self) -> int:
        return len(self.xy)

    @property
    def known(self) -> Flags:
        """(N, K) bool: the keypoint is labelled."""
        return ~np.asarray(np.isnan(self.xy).any(axis=2))

    @property
    def counted(self) -> Flags:
        """(N,) bool: somebody who is to be found, by at least one labelled keypoint."""
        return self.known.any(axis=1) & ~self.crowd

    def pick(self, points: Sequence[int]) -> Labelled:
        """The same people, some of their keypoints."""
        return replace(self, xy=self.xy[:, list(points)], visible=self.visible[:, list(points)])

    def to_boxes(self) -> Boxes:
        """The boxes of those who are to be found, each with score 1."""
        boxes = self.boxes_xyxy[self.counted]
        return Boxes(boxes.astype(np.float32), np.ones(len(boxes), np.float32))

    def to_poses(self, skeleton: Skeleton) -> Poses:
        """Those who are to be found, to draw them beside an answer; a labelled point has score 1."""
        keep = self.counted
        return Poses(
            self.xy[keep].astype(np.float32),
            self.known[keep].astype(np.float32),
            self.to_boxes(),
            skeleton,
            visible=self.visible[keep],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The people that a model found in one picture.

    Attributes:
        xy: (N, K, 2) px, NaN where a keypoint is missing.
        point_score: (N, K), any range; 0 or less in all of a part = the part was not found.
        score: (N,) any range, higher is surer: ranks the people.
        boxes_xyxy: (N, 4) px; NaN where nothing says.
        part_scores: Part (``feet``, ``face``, ``left_hand``, ``right_hand``, ``whole``) -> (N,) what ranks the people
            when that part is judged, where it is not `score`.
    """

    xy: Float
    point_score: Float
    score: Float
    boxes_xyxy: Float
    part_scores: Mapping[str, Float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n, k = self.xy.shape[:2]
        _check(self, {"xy": (n, k, 2), "point_score": (n, k), "score": (n,), "boxes_xyxy": (n, 4)})
        if any(scores.shape != (n,) for scores in self.part_scores.values()):
            raise InputError(f"Found.part_scores: expected {n} scores per part")

    @classmethod
    def empty(cls, count: int) -> Found:
        """Nobody, of `count` keypoints each."""
        return cls(np.zeros((0, count, 2)), np.zeros((0, count)), np.zeros(0), np.zeros((0, 4)))

    @classmethod
    def of_poses(cls, poses: Poses) -> Found:
        """What an estimator answered; its person scores rank the people."""
        return cls(
            poses.xy.astype(np.float64),
            poses.score.astype(np.float64),
            poses.boxes.score.astype(np.float64),
            poses.boxes.xyxy.astype(np.float64),
        )

    def to_poses(self, skeleton: Skeleton) -> Poses:
        """The same as Poses, to draw them: scores cut to [0, 1], boxes around the keypoints where there are none."""
        boxes = np.where(np.isnan(self.boxes_xyxy), np.nan_to_num(extents(self.xy)), self.boxes_xyxy)
        score = np.where(np.isnan(self.xy).any(axis=2), 0, np.clip(self.point_score, 0, 1))
        return Poses(
            self.xy.astype(np.float32),
            score.astype(np.float32),
            Boxes(boxes.astype(np.float32), np.clip(self.score, 0, 1).astype(np.float32)),
            skeleton,
        )

    def __len__(self) -> int:
        return len(self.xy)

    def __getitem__(self, rows: Any) -> Found:
        return Found(
            self.xy[rows],
            self.point_score[rows],
            self.score[rows],
            self.boxes_xyxy[rows],
            {part: scores[rows] for part, scores in self.part_scores.items()},
        )

    def pick(self, points: Sequence[int]) -> Found:
        """The same people, some of their keypoints."""
        return replace(self, xy=self.xy[:, list(points)], point_score=self.point_score[:, list(points)])

    def convert(self, source: Skeleton, target: Skeleton) -> Found:
        """The same people in another layout, by the rules of `holopose.skeletons.conversions`.

        A derived keypoint is missing when one of its sources is; its score is the lowest of theirs.
        """
        if source == target:
            return self
        mix = conversion(source, target).astype(np.float64)
        used: Flags = np.asarray(mix != 0)
        gone: Flags = np.asarray(np.isnan(self.xy).any(axis=2))
        xy = np.einsum("ts,nsd->ntd", mix, np.where(gone[..., None], 0, self.xy))
        missing: Flags = np.asarray((gone[:, None, :] & used).any(axis=2) | ~np.asarray(used.any(axis=1)))
        score = np.where(used, self.point_score[:, None, :], np.inf).min(axis=2, initial=np.inf)
        return replace(
            self, xy=np.where(missing[..., None], np.nan, xy), point_score=np.where(missing, 0, np.minimum(score, 1e9))
        )


def _check(owner: object, wanted: Mapping[str, tuple[int, ...]]) -> None:
    for name, shape in wanted.items():
        got = getattr(owner, name).shape
        if got != shape:
            raise InputError(f"{type(owner).__name__}.{name}: expected shape {shape}, got {got}")
