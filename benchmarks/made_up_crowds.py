"""Owns made-up crowds: people known exactly, and a detector and models that see them with the faults of their kind.

The picture holds no people but its own coordinates, so that a part of it says which part it is. The faults: a detector
joins people whose boxes overlap and now and then sees one in nothing; a top-down model answers with whom it sees most
of in the box, also when the box was somebody else's; a bottom-up estimator misses who is small in what it is shown, and
what is hidden, and it too sees people in nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from holopose.ops.boxes import iou
from holopose.ops.pose_boxes import USUAL, enlarge
from holopose.skeletons import COCO17, Skeleton
from holopose.types import Boxes, Frame, Poses

__all__ = ["BottomUpLook", "Person", "Scene", "TopDownLook", "WeakDetector", "compose"]

Floats = npt.NDArray[np.float64]

SIZE_WH = (640, 480)
LABELLED = 5  # visible keypoints of somebody who counts

_HALF = [
    (0.02, 0.055),
    (0.045, 0.06),
    (0.11, 0.19),
    (0.15, 0.34),
    (0.16, 0.48),
    (0.07, 0.52),
    (0.08, 0.74),
    (0.08, 0.95),
]
"""Eye, ear, shoulder, elbow, wrist, hip, knee and ankle of somebody standing, in heights beside and below the crown."""
_HIDES = 0.11  # half the width, in heights, of what a body hides


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Somebody in a scene.

    Attributes:
        xy: (17, 2) px.
        visible: (17,) not hidden and in the picture.
        height_px: From crown to sole.
    """

    xy: Floats
    visible: npt.NDArray[np.bool_]
    height_px: float

    @property
    def box(self) -> Floats:
        """(4,) px around the keypoints, as people label it, cut at the picture's edges."""
        tight = np.concatenate([self.xy.min(axis=0), self.xy.max(axis=0)])
        return np.asarray(enlarge(tight[None], USUAL, SIZE_WH)[0])


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """People, the nearest first, and a frame that stands for their picture."""

    people: Sequence[Person]
    frame: Frame

    def truth(self) -> list[Person]:
        """Those of whom enough is seen."""
        return [person for person in self.people if person.visible.sum() >= LABELLED]


def _coordinates() -> npt.NDArray[np.uint8]:
    """(H, W, 3) whose pixels say where they are."""
    y, x = np.mgrid[: SIZE_WH[1], : SIZE_WH[0]]
    return np.stack([x % 256, y % 256, x // 256 * 16 + y // 256], axis=2).astype(np.uint8)


def offset_of(frame: Frame) -> Floats:
    """Where the left top pixel of a part of the picture lies, (2,) px."""
    x, y, high = frame.image[0, 0].astype(int).tolist()
    return np.array([x + 256 * (high // 16), y + 256 * (high % 16)], np.float64)


def _stand(rng: np.random.Generator, x: float, sole_y: float, height: float) -> Floats:
    half = np.array(_HALF)
    left, right = half.copy(), half * (-1, 1)
    for side in (left, right):
        side[3:5] += rng.normal(0, 0.05, (2, 2))  # arms
        side[5:] += rng.normal(0, 0.02, (3, 2))
    body = np.empty((17, 2))
    body[0] = (0, 0.07)
    body[1::2], body[2::2] = left, right
    if rng.random() < 0.4:  # seen from behind
        body[:, 0] *= -1
    standing: Floats = body * height + (x, sole_y - height)
    return standing


def compose(count: int, seed: int = 0) -> list[Scene]:
    """Scenes of two to nine people: one or two crowds of people standing close, and some alone, far and near."""
    image = _coordinates()
    scenes = []
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        bodies: list[tuple[Floats, float]] = []
        for _ in range(rng.integers(1, 3)):
            height = rng.uniform(70, 330)
            x = rng.uniform(80, SIZE_WH[0] - 80)
            for _ in range(rng.integers(2, 5)):
                tall = height * rng.uniform(0.8, 1.15)
                bodies.append((_stand(rng, x, rng.uniform(0.93, 1.0) * SIZE_WH[1], tall), tall))
                x += rng.choice([-1, 1]) * rng.uniform(0.06, 0.35) * height
        for _ in range(rng.integers(0, 2)):
            tall = rng.uniform(30, 200)
            bodies.append((_stand(rng, rng.uniform(20, 620), rng.uniform(0.4, 1.0) * SIZE_WH[1], tall), tall))
        bodies.sort(key=lambda body: -body[0][15:, 1].max())
        scenes.append(Scene(_hide(bodies), Frame(image, index)))
    return scenes


def _hide(bodies: Sequence[tuple[Floats, float]]) -> list[Person]:
    people: list[Person] = []
    for i, (xy, tall) in enumerate(bodies):
        visible = np.all((xy >= 0) & (xy < SIZE_WH), axis=1)
        for other, height in bodies[:i]:
            crown, sole = other[0, 1] - 0.07 * height, other[15:, 1].max()
            across = np.abs(xy[:, 0] - other[[11, 12], 0].mean()) < _HIDES * height
            visible &= ~(across & (xy[:, 1] > crown) & (xy[:, 1] < sole))
        people.append(Person(xy, visible, tall))
    return people


@dataclass(frozen=True, slots=True)
class WeakDetector:
    """Sees whoever shows a fifth of their keypoints, and boxes twice; overlapping boxes are joined by its suppression.

    Attributes:
        scenes: By index of the frame.
        nms_iou: Overlap above which the lower box goes.
    """

    scenes: Sequence[Scene]
    nms_iou: float = 0.45

    def detect(self, frames: Sequence[Frame]) -> list[Boxes]:
        """Boxes of each frame, best first."""
        return [self._detect(self.scenes[frame.index], np.random.default_rng([1, frame.index])) for frame in frames]

    def _detect(self, scene: Scene, rng: np.random.Generator) -> Boxes:
        rows: list[Floats] = []
        scores: list[float] = []
        for person in scene.people:
            seen = float(person.visible.mean())
            for share in (1.0, 0.85):  # a second box, a little off
                side = np.tile(person.box[2:] - person.box[:2], 2)
                rows.append(person.box + rng.normal(0, 0.03 / share, 4) * side)
                scores.append(float(np.clip((0.35 + 0.6 * seen) * share, 0, 1)) if seen >= 0.2 else 0.0)
        if rng.random() < 0.15:  # somebody in nothing
            left, top = rng.uniform(0, (SIZE_WH[0] - 100, SIZE_WH[1] - 200))
            rows.append(np.array([left, top, left + 60, top + 150]))
            scores.append(0.35)
        boxes = np.clip(np.array(rows), 0, np.tile(SIZE_WH, 2))
        kept: list[int] = []
        for i in np.argsort(-np.array(scores), kind="stable").tolist():
            if scores[i] > 0 and (not kept or iou(boxes[i : i + 1], boxes[kept]).max() <= self.nms_iou):
                kept.append(i)
        return Boxes(boxes[kept].astype(np.float32), np.array(scores, np.float32)[kept])


@dataclass(frozen=True, slots=True)
class TopDownLook:
    """Answers with whom the box shows most of: what is seen in it counts, in its middle twice.

    Attributes:
        scenes: By index of the frame.
    """

    scenes: Sequence[Scene]
    skeleton: Skeleton = COCO17

    def locate(self, frames: Sequence[Frame], boxes: Sequence[Boxes]) -> list[Poses]:
        """A person per box."""
        return [self._locate(self.scenes[frame.index], one) for frame, one in zip(frames, boxes, strict=True)]

    def _locate(self, scene: Scene, boxes: Boxes) -> Poses:
        xy = np.full((len(boxes), 17, 2), np.nan)
        score = np.zeros((len(boxes), 17))
        for row, box in enumerate(boxes.xyxy.astype(np.float64)):
            rng = np.random.default_rng([2, scene.frame.index, *np.rint(box).astype(int).tolist()])
            person = max(scene.people, key=lambda one: _shown(one, box), default=None)
            if person is None or _shown(person, box) < 2:  # nothing there: a guess with low scores
                xy[row] = rng.uniform(box[:2], box[2:] + 1e-3, (17, 2))
                score[row] = rng.uniform(0.02, 0.15, 17)
                continue
            spread = np.where(person.visible, 0.012, 0.06)[:, None] * person.height_px
            xy[row] = person.xy + rng.normal(0, 1, (17, 2)) * spread
            score[row] = np.where(person.visible, rng.uniform(0.65, 0.95, 17), rng.uniform(0.1, 0.4, 17))
        return Poses(xy.astype(np.float32), score.astype(np.float32), boxes, COCO17)


def _shown(person: Person, box: Floats) -> float:
    """How much of somebody is seen in a box."""
    middle, half = (box[:2] + box[2:]) / 2, np.maximum((box[2:] - box[:2]) / 2, 1e-6)
    away = np.abs(person.xy - middle) / half
    inside = person.visible & (away <= 1).all(axis=1)
    return float((inside * (2 - away[:, 0])).sum())


@dataclass(frozen=True, slots=True)
class BottomUpLook:
    """Sees the visible joints of everybody who is large enough in what it is shown.

    Attributes:
        scenes: By index of the frame.
        input_px: Height of the network's input.
        least_px: Height there under which somebody is missed.
    """

    scenes: Sequence[Scene]
    input_px: float = 368.0
    least_px: float = 110.0
    skeleton: Skeleton = COCO17

    def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
        """Everybody it sees in each frame or part of one, best first."""
        return [self._estimate(frame) for frame in frames]

    def reset(self) -> None:
        """Nothing is remembered."""

    def _estimate(self, frame: Frame) -> Poses:
        scene, offset = self.scenes[frame.index], offset_of(frame)
        rng = np.random.default_rng([3, frame.index])
        scale = self.input_px / frame.size_wh[1]
        rows: list[tuple[float, Floats, Floats]] = []
        for person in scene.people:
            xy = person.xy + rng.normal(0, 1, (17, 2)) * np.maximum(0.012 * person.height_px, 2.0 / scale)
            found = person.visible & (rng.random(17) > 0.05)
            found &= ((xy >= offset) & (xy < offset + np.array(frame.size_wh))).all(axis=1)
            score = np.where(found, rng.uniform(0.5, 0.95, 17), 0)
            if found.sum() >= 3 and person.height_px * scale >= self.least_px:
                rows.append((float(score.mean()), np.where(found[:, None], xy - offset, np.nan), score))
        if rng.random() < 0.15:
            score = rng.uniform(0.1, 0.35, 17)
            rows.append((float(score.mean()), rng.uniform(0, frame.size_wh, (17, 2)), score))
        rows.sort(key=lambda row: -row[0])
        if not rows:
            return Poses.empty(COCO17)
        xy, score = np.stack([row[1] for row in rows]), np.stack([row[2] for row in rows])
        boxes = np.concatenate([np.nanmin(xy, axis=1), np.nanmax(xy, axis=1)], axis=1)
        return Poses(xy, score, Boxes(boxes, np.array([row[0] for row in rows])), COCO17)
