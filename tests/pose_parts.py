"""Made-up bodies, and a detector, a keypoint model and a bottom-up estimator that see them, for tests of compositions.

Frames stand for pictures by their index; a part of a picture says by its pixels where it was cut out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from holopose.skeletons import COCO17, Skeleton
from holopose.skeletons.conversions import convert
from holopose.types import Boxes, Frame, Poses

SIZE_WH = (640, 480)
_Y, _X = np.mgrid[: SIZE_WH[1], : SIZE_WH[0]]
_IMAGE = np.stack([_X % 256, _Y % 256, _X // 256 * 16 + _Y // 256], axis=2).astype(np.uint8)
_BODY = np.array(
    [
        *((0, 6), (3, 4), (-3, 4), (6, 6), (-6, 6), (14, 20), (-14, 20), (20, 36), (-20, 36), (22, 50), (-22, 50)),
        *((9, 54), (-9, 54), (10, 76), (-10, 76), (11, 96), (-11, 96)),
    ],
    float,
)
MARGIN = 0.15


@dataclass(eq=False)
class Body:
    """Somebody standing: the middle of the crown at `x`, `y`, `height` px tall, every keypoint of this score."""

    x: float
    y: float
    height: float = 200.0
    score: float = 0.8
    hidden: Sequence[int] = ()
    missed: bool = False  # by the detector

    @property
    def xy(self) -> np.ndarray:
        return _BODY * self.height / 100 + (self.x, self.y)

    @property
    def scores(self) -> np.ndarray:
        scores = np.full(17, self.score)
        scores[list(self.hidden)] = 0.05
        return scores

    @property
    def box(self) -> np.ndarray:
        low, high = self.xy.min(axis=0), self.xy.max(axis=0)
        margin = MARGIN * (high - low)
        return np.clip(np.concatenate([low - margin, high + margin]), 0, np.tile(SIZE_WH, 2))


@dataclass(eq=False)
class World:
    """Who is in which frame."""

    frames: list[list[Body]] = field(default_factory=list)

    def frame(self, index: int = 0, time_s: float | None = None) -> Frame:
        return Frame(_IMAGE, index, time_s)

    def at(self, frame: Frame) -> list[Body]:
        return self.frames[frame.index]


class FakeDetector:
    """Boxes of everybody, the highest score first; counts how often it looks."""

    def __init__(self, world: World, extra: Sequence[tuple[float, ...]] = ()) -> None:
        self.world, self.extra, self.looks = world, extra, 0

    def detect(self, frames: Sequence[Frame]) -> list[Boxes]:
        self.looks += len(frames)
        found = []
        for frame in frames:
            rows = [(*body.box, 0.9) for body in self.world.at(frame) if not body.missed]
            rows = sorted([*rows, *self.extra], key=lambda row: -row[4])
            table = np.array(rows, float).reshape(-1, 5)
            found.append(Boxes(table[:, :4], table[:, 4]))
        return found


class FakeModel:
    """Who has most sure keypoints in the box, of equals the nearest to its middle; a guess where nobody has any."""

    def __init__(self, world: World, skeleton: Skeleton = COCO17) -> None:
        self.world, self.skeleton = world, skeleton
        self.boxes: list[np.ndarray] = []  # of each frame asked for

    def locate(self, frames: Sequence[Frame], boxes: Sequence[Boxes]) -> list[Poses]:
        found = []
        for frame, given in zip(frames, boxes, strict=True):
            self.boxes.append(np.array(given.xyxy))
            xy, score = np.zeros((len(given), 17, 2)), np.full((len(given), 17), 0.05)
            for row, box in enumerate(given.xyxy.astype(float)):
                xy[row] = (box[:2] + box[2:]) / 2
                inside = [(self._seen(body, box), -self._away(body, box), body) for body in self.world.at(frame)]
                seen, _, body = max(inside, key=lambda one: one[:2], default=(0, 0, None))
                if body is not None and seen > 0:
                    xy[row], score[row] = body.xy, body.scores
            found.append(convert(Poses(xy, score, given, COCO17), self.skeleton))
        return found

    @staticmethod
    def _seen(body: Body, box: np.ndarray) -> int:
        sure = body.scores > 0.3
        return int((sure & (body.xy >= box[:2]).all(axis=1) & (body.xy <= box[2:]).all(axis=1)).sum())

    @staticmethod
    def _away(body: Body, box: np.ndarray) -> float:
        return float(np.linalg.norm(body.xy.mean(axis=0) - (box[:2] + box[2:]) / 2))


class FakeBottomUp:
    """Everybody's sure keypoints that lie in what it is shown, in a layout of its own."""

    def __init__(self, world: World, skeleton: Skeleton = COCO17, *, score: float | None = None) -> None:
        self.world, self.skeleton, self.score = world, skeleton, score
        self.shown: list[tuple[int, int, int, int, int]] = []  # index of the frame, left, top, width, height

    def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
        return [self._estimate(frame) for frame in frames]

    def reset(self) -> None:
        self.shown.clear()

    def _estimate(self, frame: Frame) -> Poses:
        x, y, high = frame.image[0, 0].astype(int).tolist()
        left, top = x + 256 * (high // 16), y + 256 * (high % 16)
        self.shown.append((frame.index, left, top, *frame.size_wh))
        people = []
        for body in self.world.at(frame):
            xy = body.xy - (left, top)
            seen = (body.scores > 0.3) & (xy >= 0).all(axis=1) & (xy < frame.size_wh).all(axis=1)
            if seen.sum() >= 2:
                people.append((np.where(seen[:, None], xy, np.nan), np.where(seen, body.scores, 0)))
        if not people:
            return Poses.empty(self.skeleton)
        xy, score = np.stack([one[0] for one in people]), np.stack([one[1] for one in people])
        boxes = np.concatenate([np.nanmin(xy, axis=1), np.nanmax(xy, axis=1)], axis=1)
        sure = score.mean(axis=1) if self.score is None else np.full(len(people), self.score)
        order = np.argsort(-sure, kind="stable")
        return convert(Poses(xy, score, Boxes(boxes, sure), COCO17)[order], self.skeleton)
