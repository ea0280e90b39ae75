"""Owns TopDownFollower: in clips the detector runs now and then, and between its looks people are followed.

The box of the next frame is made of this frame's keypoints, so that most frames cost what their people cost.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError
from holopose.ops.assignment import assign
from holopose.ops.boxes import iou
from holopose.ops.laps import lap
from holopose.ops.one_euro import OneEuro
from holopose.ops.pose_boxes import USUAL, enlarge, margins_of, tight_boxes
from holopose.ops.pose_nms import survivors
from holopose.skeletons import Skeleton
from holopose.types import Boxes, Frame, Poses

if TYPE_CHECKING:
    from holopose.estimators.top_down import TopDown

__all__ = ["TopDownFollower"]

Floats = npt.NDArray[np.float64]

_NOMINAL_RATE = 30.0  # of frames that carry no time
_STALE_S = 1.0  # after such a pause in time nobody is where they were
_NOBODY_EVERY_S = 0.2  # how often the detector looks where nobody is known
_STEADY_S = 0.3  # for how long somebody is expected to go on as before
_TICK_S = 1e-6  # times are sums of rounded steps
_SURE = 0.3  # score from which a keypoint says where its person is
_FEWEST = 4  # sure keypoints that a box is made of; with fewer it stays where it was
_LOST = 1 / 3  # of the keypoints that were sure when detected: with fewer somebody is lost
_OVERLAP = 0.3  # of a followed box with a detected one, from which they may be one person
_LOOKS = 2  # of the detector in a row that do not show somebody: then they are let go
_STRAYED = 0.2  # overlap of keypoints with the box they were looked for in, with less of which they are another's
_SMALLEST_PX = 2.0  # side of a box cut at the picture's edge, with less of which somebody has left
_EDGE_HZ = 1.5  # sides per second that an edge of a box moves, beside the person's own motion
_MARGINS = (0.02, 0.5)  # least and most that a box adds to its keypoints


@dataclass(frozen=True, slots=True, eq=False)
class _Followed:
    """One person, as of the last frame.

    Attributes:
        xyxy: (4,) px, where to look; may reach beyond the picture.
        detection: The detector's score.
        shown: Whether the box is the detector's own.
        margins: (4,) what the detector's box added to that of the keypoints.
        sure: How many keypoints were sure when the detector last showed the person.
        xy: (K, 2) px, the sure keypoints; NaN for the others.
        speed_px_s: (2,) how the person moves.
        unseen: Looks of the detector in a row that did not show the person.
    """

    xyxy: Floats
    detection: float
    shown: bool = True
    margins: Floats = field(default_factory=lambda: np.zeros(4))
    sure: int = 0
    xy: Floats = field(default_factory=lambda: np.full((1, 2), np.nan))
    speed_px_s: Floats = field(default_factory=lambda: np.zeros(2))
    unseen: int = 0

    def after(self, elapsed_s: float) -> _Followed:
        """The same person where they should be by now."""
        return replace(self, xyxy=self.xyxy + np.tile(self.speed_px_s, 2) * min(elapsed_s, _STEADY_S))


class TopDownFollower:
    """Everybody in a clip, top-down; belongs to one clip at a time.

    The detector looks at the first frame and every `detect_every_s`. Between, each person's box is that of the sure
    keypoints of the frame before, enlarged as the detector's box was; who has less than a third of the sure keypoints
    that they had then is dropped until the detector shows them again. Somebody whom it misses is followed until it
    misses them twice in a row. People keep their place while followed, newcomers come last.

    Args:
        top_down: Detector, model and their options.
        detect_every_s: Seconds between looks of the detector; 0 = every frame.
        smooth_body: Smooth body and feet with the filter and the parameters of MediaPipe's landmark smoothing; speeds
            are measured by the longer side of the person's box.

    Raises:
        ConfigError: an option has no meaning.
    """

    batch = 1
    """Each frame says where to look in the next."""

    def __init__(self, top_down: TopDown, *, detect_every_s: float = 0.5, smooth_body: bool = False) -> None:
        if not detect_every_s >= 0:
            raise ConfigError(f"detect_every_s: expected 0 or more, got {detect_every_s}")
        self._top_down = top_down
        self._detect_every_s = detect_every_s
        parts = top_down.skeleton.part_of()
        self._smoothed = np.array([smooth_body and part in ("body", "feet") for part in parts])[:, None]
        self._filter = OneEuro(min_cutoff=0.05, beta=80, d_cutoff=1, against="raw")
        self._busy = threading.RLock()
        self.info: Mapping[str, Any] = top_down.info
        self.reset()

    @property
    def skeleton(self) -> Skeleton:
        """Layout of what `estimate` returns."""
        return self._top_down.skeleton

    def reset(self) -> None:
        """Forget everybody: the next frame belongs to another clip. Waits for another thread's frames of the last."""
        with self._busy:
            self._people: list[_Followed] = []
            self._time_s = -np.inf
            self._detected_s = -np.inf
            self._filter.reset()

    def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
        """Everybody in each frame; frames come in the order of the clip."""
        with self._busy:
            return [self._estimate(frame) for frame in frames]

    def _estimate(self, frame: Frame) -> Poses:
        time_s = frame.index / _NOMINAL_RATE if frame.time_s is None else frame.time_s
        if not self._time_s <= time_s <= self._time_s + _STALE_S:
            self.reset()
        elapsed_s, self._time_s = time_s - self._time_s, time_s
        pause_s = self._detect_every_s if self._people else min(self._detect_every_s, _NOBODY_EVERY_S)
        self._people = [one.after(elapsed_s) for one in self._people]
        people, seats = self._people, list(range(len(self._people)))
        if time_s - self._detected_s >= pause_s - _TICK_S:
            self._detected_s = time_s
            people, seats = self._detect(frame)
        rows_xyxy = np.clip(_rows(people), 0, np.tile(frame.size_wh, 2))
        boxes = Boxes(rows_xyxy, np.array([one.detection for one in people], np.float32))
        poses = self._top_down.look([frame], [boxes])[0]
        with lap("suppress"):
            rows = self._seen(people, poses)
            kept, poses = survivors(poses[rows], self._top_down.pose_nms)
            places = np.argsort(np.array([rows[i] for i in kept], np.intp))  # those followed come first, in their order
            poses = poses[places]
            rows = [rows[kept[i]] for i in places.tolist()]
            poses = self._smooth(poses, [seats[row] for row in rows], time_s)
            self._people = _advance([people[row] for row in rows], poses, elapsed_s, frame.size_wh)
        return poses

    def _detect(self, frame: Frame) -> tuple[list[_Followed], list[int]]:
        """Who may be where, by the detector and by the frame before; and the row each had there, -1 = newcomer."""
        with lap("detect"):
            found = self._top_down.detector.detect([frame])[0]
        share = iou(_rows(self._people), found.xyxy)
        mine, theirs = assign(np.where(share >= _OVERLAP, share, 0.0))
        shown = dict(zip(mine.tolist(), theirs.tolist(), strict=True))
        people: list[_Followed] = []
        seats: list[int] = []
        for row, one in enumerate(self._people):
            if row in shown:
                people.append(_from_detector(found[shown[row]]))
            elif one.unseen + 1 < _LOOKS:
                people.append(replace(one, unseen=one.unseen + 1))
            else:
                continue
            seats.append(row)
        newcomers = sorted(set(range(len(found))) - set(shown.values()))
        return people + [_from_detector(found[i]) for i in newcomers], seats + [-1] * len(newcomers)

    def _seen(self, people: Sequence[_Followed], poses: Poses) -> list[int]:
        """Rows of those who are there: shown by the detector just now, or about as sure as then, and in their box."""
        sure = (poses.score >= _SURE).sum(axis=1)
        at = poses.boxes.xyxy.astype(np.float64)
        inside = (at[:, 2:] - at[:, :2]).min(axis=1, initial=np.inf) >= _SMALLEST_PX
        tight = tight_boxes(poses, _SURE)
        elsewhere = (iou(np.nan_to_num(tight), at).diagonal() < _STRAYED) & (sure >= _FEWEST)
        enough = sure >= _LOST * np.array([one.sure for one in people])
        shown = np.array([one.shown for one in people], np.bool_)
        return [int(row) for row in np.flatnonzero(shown | (inside & enough & ~elsewhere))]

    def _smooth(self, poses: Poses, seats: Sequence[int], time_s: float) -> Poses:
        """The same people; `seats` are their rows in the frame before, -1 = newcomer."""
        if not self._smoothed.any():
            return poses
        self._filter.take(np.array(seats, np.int64))
        size_px = (poses.boxes.xyxy[:, 2:] - poses.boxes.xyxy[:, :2]).max(axis=1, initial=1.0)[:, None, None]
        return poses.replace(xy=self._filter.step(poses.xy, time_s, value_scale=1 / size_px, where=self._smoothed))


def _advance(people: Sequence[_Followed], poses: Poses, elapsed_s: float, size_wh: tuple[int, int]) -> list[_Followed]:
    """Where each of these people will be looked for in the next frame."""
    tight = tight_boxes(poses, _SURE)
    sure = poses.score >= _SURE
    count = sure.sum(axis=1).tolist()
    at = poses.boxes.xyxy.astype(np.float64)
    margins = np.clip(np.where(np.isnan(tight), USUAL, margins_of(at, tight)), *_MARGINS)
    xy = np.where(sure[:, :, None], poses.xy.astype(np.float64), np.nan)
    moved: list[_Followed] = []
    for row, one in enumerate(people):
        known = replace(one, shown=False, margins=margins[row], sure=count[row]) if one.shown else one
        if count[row] >= _FEWEST:
            grown = enlarge(tight[row : row + 1], known.margins, size_wh)[0]
            if not one.shown:
                known, grown = _moved(known, grown, xy[row], elapsed_s)
            known = replace(known, xyxy=grown)
        moved.append(replace(known, xy=xy[row]))
    return moved


def _moved(one: _Followed, xyxy: Floats, xy: Floats, elapsed_s: float) -> tuple[_Followed, Floats]:
    """Somebody with their speed of now, and their new box (4,) px, held back from growing or shrinking at once.

    Limbs that fail for a moment are so still looked for. Motion is the median of the keypoints that were and are sure.
    """
    both = np.isfinite(one.xy[:, 0]) & np.isfinite(xy[:, 0])
    shift = np.median(xy[both] - one.xy[both], axis=0) if both.any() else np.zeros(2)
    last = one.xyxy + np.tile(shift - one.speed_px_s * min(elapsed_s, _STEADY_S), 2)
    most = np.tile(_EDGE_HZ * elapsed_s * (last[2:] - last[:2]), 2)
    held = np.clip(xyxy, last - most, last + most)
    if elapsed_s > _TICK_S and both.any():
        one = replace(one, speed_px_s=0.5 * one.speed_px_s + 0.5 * shift / elapsed_s)
    return one, held


def _from_detector(found: Boxes) -> _Followed:
    return _Followed(found.xyxy[0].astype(np.float64), float(found.score[0]))


def _rows(people: Sequence[_Followed]) -> npt.NDArray[np.float32]:
    return np.array([one.xyxy for one in people], np.float32).reshape(-1, 4)
