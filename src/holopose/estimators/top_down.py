"""Owns TopDown: a detector and a keypoint model as one estimator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError
from holopose.ops.laps import lap
from holopose.ops.pose_nms import Rule, suppress
from holopose.protocols import Detector, KeypointModel
from holopose.skeletons import Skeleton
from holopose.types import Boxes, Frame, Poses

if TYPE_CHECKING:
    from holopose.estimators.following import TopDownFollower

__all__ = ["TopDown", "person_scores"]

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
    scores: npt.NDArray[np.float32] = np.clip(poses.boxes.score * mean, 0, 1).astype(np.float32)
    return scores


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
        pose_nms: Rule = "oks",
        batch: int = 4,
        info: Mapping[str, Any] | None = None,
    ) -> None:
        if score_rule not in ("box-keypoints", "box"):
            raise ConfigError(f"score_rule: expected box-keypoints or box, got {score_rule!r}")
        if pose_nms not in ("oks", "parametric", "none"):
            raise ConfigError(f"pose_nms: expected oks, parametric or none, got {pose_nms!r}")
        self.detector = detector
        self.model = model
        self.score_rule: ScoreRule = score_rule
        self.pose_nms: Rule = pose_nms
        self.batch = batch
        self.info: Mapping[str, Any] = dict(info or {})

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
        found = self.look(frames, boxes)
        with lap("suppress"):
            return [suppress(poses, self.pose_nms) if len(poses) else poses for poses in found]

    def look(self, frames: Sequence[Frame], boxes: Sequence[Boxes]) -> list[Poses]:
        """The same with everybody left in, a person per box in the order of the boxes."""
        found = self.model.locate(frames, boxes)
        return [poses.replace(boxes=Boxes(poses.boxes.xyxy, person_scores(poses, self.score_rule))) for poses in found]

    def following(self, *, detect_every_s: float = 0.5, smooth_body: bool = False) -> TopDownFollower:
        """The same parts for one clip, see `holopose.estimators.following.TopDownFollower`."""
        from holopose.estimators.following import TopDownFollower

        return TopDownFollower(self, detect_every_s=detect_every_s, smooth_body=smooth_body)

    def reset(self) -> None:
        """Nothing is remembered between frames."""
