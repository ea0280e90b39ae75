"""Owns blaze and boxes: its landmarks on boxes from elsewhere, and its search as a detector for other models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from holopose.models.blaze.estimator import BlazeEstimator
from holopose.models.blaze.landmarks import BODY, BodyLandmarks
from holopose.models.blaze.search import average, is_same_person
from holopose.models.blaze.wholebody import person_score
from holopose.ops.boxes import iou
from holopose.ops.crops import Pyramid
from holopose.ops.laps import lap
from holopose.skeletons import Skeleton
from holopose.types import Boxes, Frame, Poses

__all__ = ["BlazeDetector", "BlazeLandmarks"]

Floats = npt.NDArray[np.float64]

# Where hips and reach of a person may be, given the box: share of its height from the top, and side of the region in
# longer sides of the box. A standing, sitting or crouching person is all in the box; of somebody cut off below, or
# behind a table, only the upper half is.
_WHOLE, _HALF = (0.5, 1.25), (1.0, 2.2)
_ENOUGH = 0.7  # rating of a look that makes others needless
_SEEN = 0.3  # heatmap peak of a landmark that says where the person is


class BlazeLandmarks:
    """Body, face and hands of people whose boxes are known, by the blaze networks.

    Args:
        estimator: The networks and how they are used; its search is not.

    Scores of keypoints are those of blaze; boxes and their scores are handed on.
    """

    def __init__(self, estimator: BlazeEstimator) -> None:
        self._blaze = estimator

    @property
    def skeleton(self) -> Skeleton:
        """Layout of what `locate` returns."""
        return self._blaze.skeleton

    def locate(self, frames: Sequence[Frame], boxes: Sequence[Boxes]) -> list[Poses]:
        """One Poses per frame, a person per box, in the order of the boxes."""
        return [self._locate(frame, one) for frame, one in zip(frames, boxes, strict=True)]

    def _locate(self, frame: Frame, boxes: Boxes) -> Poses:
        if not len(boxes):
            return Poses.empty(self.skeleton)
        pyramid = self._blaze.view(frame)
        with lap("network"):
            bodies = [self._look(pyramid, xyxy.astype(np.float64)) for xyxy in boxes.xyxy]
        with lap("parts"):
            people = [self._blaze.look_closer(pyramid, body) for body in bodies]
        with lap("decode"):
            return self._blaze.describe(people, frame).replace(boxes=boxes)

    def _look(self, pyramid: Pyramid, xyxy: Floats) -> BodyLandmarks:
        """The best of a few looks at one box: regions made of the box, and then of the landmarks seen in them."""
        looks: list[tuple[float, BodyLandmarks]] = []
        for hips, reach in (_WHOLE, _HALF):
            first = self._blaze.landmarker.look(pyramid, _region(xyxy, hips, reach))
            second = self._blaze.landmarker.look(pyramid, first.next_roi)
            looks += [(_rate(look, xyxy), look) for look in (first, second)]
            if looks[-1][0] >= _ENOUGH:
                break
        best = max(looks, key=lambda look: look[0])[1]
        alike = [look for _, look in looks if look is best or is_same_person(look, best)]
        return average(sorted(alike, key=lambda look: -look.quality))


def _region(xyxy: Floats, hips: float, reach: float) -> Floats:
    """The upright ROI (5,) of a box (4,)."""
    x1, y1, x2, y2 = xyxy
    side = max(reach * max(x2 - x1, y2 - y1), 1.0)
    return np.array([(x1 + x2) / 2, y1 + hips * (y2 - y1), side, side, 0.0])


def _rate(look: BodyLandmarks, xyxy: Floats) -> float:
    """How well a look shows the person of the box: heatmap peaks, less where the person seen fills another box."""
    seen = look.body_xy[look.peak[:BODY] >= _SEEN]
    if len(seen) < 3:
        return 0.0
    low, high = seen.min(axis=0), seen.max(axis=0)
    margin = 0.08 * (high - low).max()
    share = float(iou(np.concatenate([low - margin, high + margin])[None], xyxy[None])[0, 0])
    return look.quality * (0.5 + 0.5 * min(share / 0.6, 1.0))


class BlazeDetector:
    """People as the blaze search finds them, as boxes for other models.

    Args:
        estimator: The networks, and how hard to look.
    """

    def __init__(self, estimator: BlazeEstimator) -> None:
        self._blaze = estimator

    def detect(self, frames: Sequence[Frame]) -> list[Boxes]:
        """People of each frame, best first."""
        return [self._detect(frame) for frame in frames]

    def _detect(self, frame: Frame) -> Boxes:
        bodies = self._blaze.find(self._blaze.view(frame))
        width, height = frame.size_wh
        rows, scores = [], []
        for body in bodies:
            xy = body.body_xy[(body.body_xy >= -0.5).all(axis=1) & (body.body_xy < (width, height)).all(axis=1)]
            if len(xy) >= 2:
                low, high = xy.min(axis=0), xy.max(axis=0)
                margin = 0.08 * (high - low).max()
                rows.append(np.clip(np.concatenate([low - margin, high + margin]), 0, [width, height] * 2))
                scores.append(person_score(body.quality))
        if not rows:
            return Boxes.empty()
        return Boxes(np.stack(rows).astype(np.float32), np.array(scores, np.float32))
