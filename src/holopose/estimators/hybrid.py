"""Owns Hybrid: top-down, but in crowds the poses say who is one person and bottom-up evidence who was missed.

A top-down model shown the box of somebody half hidden tends to answer with whoever stands in front: that person comes
twice and the other is lost. A bottom-up estimator sees each joint once, but misses who is small. Where boxes overlap
the two settle it together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError
from holopose.estimators.top_down import TopDown
from holopose.ops.boxes import iou
from holopose.ops.laps import lap
from holopose.ops.pose_boxes import USUAL, enlarge, tight_boxes
from holopose.ops.pose_nms import is_comparable, likeness, suppress
from holopose.protocols import Estimator
from holopose.skeletons import COCO17, Skeleton
from holopose.skeletons.conversions import convert
from holopose.types import Boxes, Frame, Poses

__all__ = ["Hybrid"]

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

_AGAIN = 0.7  # share of two boxes in common from which alike poses are one person found twice, and no crowd
_SETTLED = 0.7  # likeness of two poses in a crowd from which they are one person, where nothing else can tell
_AROUND = 0.15  # of a crowd's width and height, that a bottom-up estimator is shown beyond it
_FEWEST = 5  # sure body keypoints of a bottom-up person who may be added


class Hybrid:
    """Top-down, with crowds settled by bottom-up evidence or, without any, by comparing poses.

    People whose boxes overlap nobody's are those of `top_down`. In a crowd, with `bottom_up`: top-down poses that lie
    on the same bottom-up person are one, and that is the one whose box fits; bottom-up people on whom no pose lies are
    looked at again, top-down, with the box of their own keypoints, and when that pose still shows somebody else they
    are reported as the bottom-up estimator saw them, what it lacks missing. Without: of alike poses the best is kept;
    ask the detector for boxes with loose suppression then, since poses do it. Nobody is added whom the bottom-up
    estimator is not sure of.

    Args:
        top_down: Detector, model and their options; its rule of pose suppression has the last word.
        bottom_up: Sees everybody at once. It is shown only the parts of pictures that hold a crowd.
        overlap: Share of the smaller of two boxes in common, from which their people are a crowd.
        same: Likeness (`holopose.ops.pose_nms.likeness`) from which two poses show one person.
        apart: Likeness to everybody known under which a bottom-up person is somebody else.
        min_score: Score of a bottom-up person, and of five of their keypoints, from which they may be added.
        info: What to say of models and runtimes in result files; None = what `top_down` says.

    Raises:
        ConfigError: an option has no meaning, or the layouts of the two have too little in common to compare people.
    """

    def __init__(
        self,
        top_down: TopDown,
        *,
        bottom_up: Estimator | None = None,
        overlap: float = 0.3,
        same: float = 0.5,
        apart: float = 0.3,
        min_score: float = 0.3,
        info: Mapping[str, Any] | None = None,
    ) -> None:
        for name, value in (("overlap", overlap), ("same", same), ("apart", apart), ("min_score", min_score)):
            if not 0 <= value <= 1:
                raise ConfigError(f"{name}: expected 0 to 1, got {value}")
        for part in (top_down, bottom_up):
            if part is not None and not is_comparable(part.skeleton):
                raise ConfigError(
                    f"hybrid: expected models of bodies, by which people are told apart; {part.skeleton.name} has none"
                )
        self.top_down = top_down
        self.bottom_up = bottom_up
        self.batch = top_down.batch
        self.info: Mapping[str, Any] = dict(top_down.info if info is None else info)
        self._overlap = overlap
        self._same = same
        self._apart = apart
        self._min_score = min_score

    @property
    def skeleton(self) -> Skeleton:
        """The layout of the top-down model."""
        return self.top_down.skeleton

    def reset(self) -> None:
        """Forget earlier frames."""
        if self.bottom_up is not None:
            self.bottom_up.reset()

    def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
        """Everybody in each frame, best first."""
        with lap("detect"):
            boxes = self.top_down.detector.detect(frames)
        looks = self.top_down.look(frames, boxes)
        with lap("suppress"):
            scenes = [self._part(poses) for poses in looks]
        if self.bottom_up is None:
            settled = [self._resolve(scene, Poses.empty(self.skeleton)) for scene in scenes]
        else:
            settled = self._settle(frames, scenes, self._ask(self.bottom_up, frames, scenes))
        with lap("suppress"):
            return [suppress(poses, self.top_down.pose_nms) if len(poses) else poses for poses in settled]

    def _part(self, poses: Poses) -> _Scene:
        """Who stands alone and who is in which crowd, without those who were found twice at nearly the same place."""
        share = iou(poses.boxes.xyxy, poses.boxes.xyxy)
        again = (share >= _AGAIN) & (likeness(poses, poses) >= _SETTLED)
        poses = poses[_first_of_each(poses.boxes.score, again)]
        crowds = _groups(_shares_of_smaller(poses.boxes.xyxy) >= self._overlap)
        return _Scene(poses, [rows for rows in crowds if len(rows) > 1])

    def _ask(self, bottom_up: Estimator, frames: Sequence[Frame], scenes: Sequence[_Scene]) -> list[Poses]:
        """What the bottom-up estimator sees in the crowds of each frame: people in its own layout, best first."""
        asked: list[tuple[int, Floats, Floats]] = []  # frame, crowd's box, part of the picture
        for i, (frame, scene) in enumerate(zip(frames, scenes, strict=True)):
            for rows in scene.crowds:
                members = scene.poses.boxes.xyxy[rows].astype(np.float64)
                box = np.concatenate([members[:, :2].min(axis=0), members[:, 2:].max(axis=0)])
                shown = enlarge(box[None], np.full(4, _AROUND), frame.size_wh)[0]
                asked.append((i, box, np.concatenate([np.floor(shown[:2]), np.ceil(shown[2:])])))
        cuts = [_cut(frames[i], part.astype(int)) for i, _, part in asked]
        seen: list[list[Poses]] = [[] for _ in frames]
        for (i, box, part), poses in zip(asked, bottom_up.estimate(cuts) if cuts else [], strict=True):
            moved = _moved(poses, part[:2])
            middle = (moved.boxes.xyxy[:, :2] + moved.boxes.xyxy[:, 2:]) / 2
            inside = np.all((middle >= box[:2]) & (middle <= box[2:]), axis=1)
            seen[i].append(moved[np.flatnonzero(inside)])
        people = [_joined(parts, bottom_up.skeleton) for parts in seen]
        return [one[_first_of_each(one.boxes.score, likeness(one, one) >= self._same)] for one in people]

    def _settle(self, frames: Sequence[Frame], scenes: Sequence[_Scene], evidence: Sequence[Poses]) -> list[Poses]:
        """Top-down poses and bottom-up people of each frame put together."""
        kept = [self._resolve(scene, seen) for scene, seen in zip(scenes, evidence, strict=True)]
        missed = [self._missed(poses, seen) for poses, seen in zip(kept, evidence, strict=True)]
        places = [self._places(one, frame) for one, frame in zip(missed, frames, strict=True)]
        looks = self.top_down.look(frames, places) if any(map(len, missed)) else missed
        settled: list[Poses] = []
        for poses, seen, again in zip(kept, missed, looks, strict=True):
            if len(seen):
                found = likeness(again, seen).diagonal() >= self._same
                added = [again[found], convert(seen[~found], self.skeleton)]
                settled.append(_joined([poses, *added], self.skeleton))
            else:
                settled.append(poses)
        return settled

    def _resolve(self, scene: _Scene, seen: Poses) -> Poses:
        """Top-down poses, each person of a crowd once.

        Of those that lie on one bottom-up person the one stays whose pose and box fit better; where at least one of two
        lies on nobody, alike poses are one person.
        """
        poses = scene.poses
        alike = likeness(poses, poses) >= _SETTLED
        owner = np.full(len(poses), -1)
        better = poses.boxes.score.astype(np.float64)
        if len(seen):
            fit = likeness(poses, seen)
            owner = np.where(fit.max(axis=1, initial=0) >= self._same, fit.argmax(axis=1), -1)
            fit += iou(poses.boxes.xyxy, seen.boxes.xyxy)
            better = np.where(owner >= 0, 1 + fit[np.arange(len(poses)), owner], better)  # who lies on somebody first
            both = (owner[:, None] >= 0) & (owner[None] >= 0)
            alike = np.where(both, owner[:, None] == owner[None], alike)
        crowd = np.full(len(poses), -1)
        for number, rows in enumerate(scene.crowds):
            crowd[rows] = number
        alike &= (crowd[:, None] == crowd[None]) & (crowd[:, None] >= 0)
        return poses[_first_of_each(better, alike)]

    def _missed(self, poses: Poses, seen: Poses) -> Poses:
        """Bottom-up people who are sure and nobody of the known."""
        body = convert(seen, COCO17)
        clear = (body.score >= self._min_score) & (body.score > 0)
        sure = (seen.boxes.score >= self._min_score) & (clear.sum(axis=1) >= _FEWEST)
        known = likeness(seen, poses).max(axis=1, initial=0.0) >= self._apart
        return seen[np.flatnonzero(sure & ~known)]

    def _places(self, missed: Poses, frame: Frame) -> Boxes:
        """Boxes for another look at people, by their own keypoints; the score is theirs."""
        if not len(missed):
            return Boxes.empty()
        tight = tight_boxes(convert(missed, COCO17), self._min_score)
        return Boxes(enlarge(tight, USUAL, frame.size_wh).astype(np.float32), missed.boxes.score)


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """What top-down found in one frame.

    Attributes:
        poses: Everybody.
        crowds: Rows of each group of two or more whose boxes overlap.
    """

    poses: Poses
    crowds: Sequence[Indices]


def _first_of_each(score: npt.NDArray[np.floating], alike: npt.NDArray[np.bool_]) -> Indices:
    """Rows, ascending, that are like none with a better score that stays."""
    kept: list[int] = []
    for i in np.argsort(-score, kind="stable").tolist():
        if not alike[i, kept].any():
            kept.append(i)
    return np.array(sorted(kept), np.intp)


def _shares_of_smaller(xyxy: npt.NDArray[np.float32]) -> Floats:
    """What two boxes of (N, 4) have in common, as a share of the smaller one, (N, N)."""
    boxes = xyxy.astype(np.float64)
    low, high = np.maximum(boxes[:, None, :2], boxes[None, :, :2]), np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(axis=2)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    smaller = np.minimum(area[:, None], area[None])
    shares: Floats = np.divide(common, smaller, out=np.zeros_like(common), where=smaller > 0)
    return shares


def _groups(joined: npt.NDArray[np.bool_]) -> list[Indices]:
    """Rows that hang together, directly or by others, where joined (N, N) says which do directly."""
    label = np.arange(len(joined))
    for row in range(len(joined)):
        members = np.isin(label, label[joined[row]])
        label[members] = label[members].min(initial=row)
    return [np.flatnonzero(label == one) for one in np.unique(label).tolist()]


def _cut(frame: Frame, part: npt.NDArray[np.int_]) -> Frame:
    left, top, right, bottom = part.tolist()
    return Frame(frame.image[top : max(bottom, top + 1), left : max(right, left + 1)], frame.index, frame.time_s)


def _moved(poses: Poses, offset_xy: Floats) -> Poses:
    """Coordinates of a part of a picture as those of the picture; only what people are told apart by is kept."""
    boxes = Boxes(poses.boxes.xyxy + np.tile(offset_xy, 2), poses.boxes.score)
    return Poses(poses.xy + offset_xy.astype(np.float32), poses.score, boxes, poses.skeleton)


def _joined(parts: Sequence[Poses], skeleton: Skeleton) -> Poses:
    """Everybody of several, one after the other; who has no opinion on it is visible, and nowhere in metres."""
    parts = [part for part in parts if len(part)]
    if len(parts) < 2:
        return parts[0] if parts else Poses.empty(skeleton)
    boxes = Boxes(
        np.concatenate([part.boxes.xyxy for part in parts]), np.concatenate([part.boxes.score for part in parts])
    )
    visible = [part.visible if part.visible is not None else part.score > 0 for part in parts]
    world = [part.world if part.world is not None else np.full((*part.score.shape, 3), np.nan) for part in parts]
    return Poses(
        np.concatenate([part.xy for part in parts]),
        np.concatenate([part.score for part in parts]),
        boxes,
        skeleton,
        visible=None if all(part.visible is None for part in parts) else np.concatenate(visible),
        world=None if all(part.world is None for part in parts) else np.concatenate(world).astype(np.float32),
    )
