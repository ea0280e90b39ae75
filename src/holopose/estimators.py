"""Owns compositions that are estimators themselves: a detector with a keypoint model, and results made to measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError
from holopose.ops.laps import lap
from holopose.ops.pose_nms import suppress
from holopose.protocols import Detector, Estimator, KeypointModel
from holopose.skeletons import Skeleton
from holopose.skeletons.conversions import convert
from holopose.types import Boxes, Frame, Poses

__all__ = ["Shaped", "TopDown", "person_scores"]

NmsRule = Literal["oks", "parametric", "none"]
ScoreRule = Literal["box-keypoints", "box"]

_COUNTS = 0.2  # keypoint score from which mmpose lets it count for the person's score


def person_scores(poses: Poses, rule: ScoreRule = "box-keypoints") -> npt.NDArray[np.float32]:
    """How sure it is that each is a person well found, (N,) float32 in [0, 1].

    Args:
        poses: N people; their boxes carry the detector's scores.
        rule: ``box-keypoints`` multiplies the detector's score by the mean of the keypoint scores above 0.2 (mmpose's
            ``bbox_keypoint``), ``box`` is the detector's score.
    """
    if rule == "box":
        return poses.boxes.score
    counts = poses.score > _COUNTS
    total = np.where(counts, poses.score, 0).sum(axis=1)
    mean = np.divide(total, counts.sum(axis=1), out=np.zeros(len(poses), np.float32), where=counts.any(axis=1))
    return np.clip(poses.boxes.score * mean, 0, 1).astype(np.float32)


class TopDown:
    """A detector, then a keypoint model on each box; the boxes of all frames go through the model together.

    Args:
        detector: Finds people.
        model: Finds their keypoints.
        score_rule: What a person's score is, see `person_scores`.
        pose_nms: How one person found twice is told: ``oks`` (similarity over 0.9, mmpose), ``parametric`` (AlphaPose),
            ``none``.
        batch: Frames that are best given at once.
        info: What to say of model and runtime in result files.

    The boxes of the results are the detector's; their scores are the people's.
    """

    def __init__(
        self,
        detector: Detector,
        model: KeypointModel,
        *,
        score_rule: ScoreRule = "box-keypoints",
        pose_nms: NmsRule = "oks",
        batch: int = 4,
        info: Mapping[str, Any] | None = None,
    ) -> None:
        if score_rule not in ("box-keypoints", "box"):
            raise ConfigError(f"score_rule: expected box-keypoints or box, got {score_rule!r}")
        if pose_nms not in ("oks", "parametric", "none"):
            raise ConfigError(f"pose_nms: expected oks, parametric or none, got {pose_nms!r}")
        self.detector = detector
        self.model = model
        self.batch = batch
        self.info: Mapping[str, Any] = dict(info or {})
        self._score_rule: ScoreRule = score_rule
        self._pose_nms: NmsRule = pose_nms

    @property
    def skeleton(self) -> Skeleton:
        """The model's own layout."""
        return self.model.skeleton

    def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
        """Everybody in each frame, best first."""
        with lap("detect"):
            boxes = self.detector.detect(frames)
        return self.locate(frames, boxes)

    def locate(self, frames: Sequence[Frame], boxes: Sequence[Boxes]) -> list[Poses]:
        """The same for people whose boxes are known; who is found twice is left out, so there may be fewer."""
        found = self.model.locate(frames, boxes)
        with lap("suppress"):
            return [self._rank(poses) for poses in found]

    def _rank(self, poses: Poses) -> Poses:
        if not len(poses):
            return poses
        scored = poses.replace(boxes=Boxes(poses.boxes.xyxy, person_scores(poses, self._score_rule)))
        return suppress(scored, self._pose_nms)

    def reset(self) -> None:
        """Nothing is remembered between frames."""


class Shaped:
    """An estimator whose results are made to measure: layout, how many people, how sure.

    Args:
        estimator: Finds people, best first.
        layout: Keypoint layout of the results, None = the estimator's own.
        max_people: At most so many, best first; None = everybody.
        min_score: Leave out people whose score is lower.
        native: Keep the estimator's own layout beside it.
        info: What to say of model and runtime in result files; None = what the estimator says.

    Raises:
        ConfigError: the layout has no keypoint in common with the model's.
    """

    def __init__(
        self,
        estimator: Estimator,
        *,
        layout: Skeleton | None = None,
        max_people: int | None = None,
        min_score: float = 0.0,
        native: bool = False,
        info: Mapping[str, Any] | None = None,
    ) -> None:
        from holopose.skeletons.conversions import missing_after

        self.estimator = estimator
        self.skeleton = estimator.skeleton if layout is None else layout
        self.batch: int = getattr(estimator, "batch", 1)
        self.info: Mapping[str, Any] = dict(getattr(estimator, "info", {}) if info is None else info)
        if len(missing_after(estimator.skeleton, self.skeleton)) == len(self.skeleton):
            raise ConfigError(
                f"layout: the model gives {estimator.skeleton.name}, of which nothing becomes {self.skeleton.name}; "
                "leave layout at own"
            )
        self._max_people = max_people
        self._min_score = min_score
        self._native = native

    def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
        """Everybody wanted in each frame, best first."""
        return [self._shape(poses) for poses in self.estimator.estimate(frames)]

    def _shape(self, poses: Poses) -> Poses:
        wanted = np.flatnonzero(poses.boxes.score >= self._min_score)[: self._max_people]
        if len(wanted) < len(poses):
            poses = poses[wanted]
        shaped = convert(poses, self.skeleton)
        return shaped.replace(native=poses.replace(native=None)) if self._native else shaped

    def reset(self) -> None:
        """Forget earlier frames."""
        self.estimator.reset()
