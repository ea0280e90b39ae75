"""Owns FlowBridge: people and keypoints that are missing for a moment are carried on by the picture's own motion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError
from holopose.smoothing.people import body_columns, join_people, tracked_rows
from holopose.types import Boxes, Frame, Poses

__all__ = ["FlowBridge"]

Array = npt.NDArray[np.float64]
Grey = npt.NDArray[np.uint8]

_PATCH = 2  # the flow of a point is the median of 5 x 5 pixels of the reduced picture
_DIFFERENT = 40.0  # grey levels: a cut, or something in front
_ASTRAY_PX, _ASTRAY = 1.5, 0.1  # there and back again should end where it began, in reduced px and of the way
_SAME_PERSON = 0.5
_LEAST_SCORE = 0.02


@dataclass(frozen=True, slots=True)
class _Last:
    """What the bridge knows of the frame before.

    Attributes:
        grey: (h, w) reduced picture.
        size_wh: Size of the frame.
        time_s: Its time.
        poses: Everybody with an id that was in it, found or carried.
        seen_s: (N, K) when each keypoint was last found by the model.
    """

    grey: Grey
    size_wh: tuple[int, int]
    time_s: float
    poses: Poses
    seen_s: Array


class FlowBridge:
    """Carries on, by dense optical flow, people whom the model lost for a moment and keypoints it left out.

    For somebody with an id who was in the frame before and is missing now, and for missing keypoints of somebody who
    is there, the last places are moved with the picture (OpenCV's DIS flow between the two frames, reduced), for at
    most `max_gap_s` after the model last found them. So a frame may have more people than came in: those carried
    come last. What is carried is not `visible`, its score halves with every `half_life_s`, its box moves along and its
    world coordinates stay. A carried person ends early when the picture at their place changes (a cut, somebody in
    front), when they leave the picture, or when somebody found anew covers them. The flow is worked out only in
    frames where something is missing.

    Stills (frames without time) pass untouched. People without an id pass untouched and are not carried.

    Args:
        max_gap_s: Longest time to carry on.
        half_life_s: In which the score of what is carried halves.
        side_px: Longer side of the reduced picture.

    Raises:
        ConfigError: an option has no meaning.
    """

    def __init__(self, *, max_gap_s: float = 0.25, half_life_s: float = 0.1, side_px: int = 480) -> None:
        if not (max_gap_s > 0 and half_life_s > 0):
            raise ConfigError(f"expected max_gap_s and half_life_s above 0, got {max_gap_s!r} and {half_life_s!r}")
        if side_px < 64:
            raise ConfigError(f"side_px: expected 64 or more, got {side_px!r}")
        self._max_gap_s, self._half_life_s, self._side_px = max_gap_s, half_life_s, side_px
        self._last: _Last | None = None

    def bridge(self, frame: Frame, poses: Poses) -> Poses:
        """The people found, their missing keypoints carried on where possible, then the people carried on."""
        if frame.time_s is None:
            self.reset()
            return poses
        last, grey = self._last, _reduced(frame, self._side_px)
        fits = last is not None and last.size_wh == frame.size_wh and last.poses.skeleton == poses.skeleton
        if last is None or not fits or not 0 < frame.time_s - last.time_s <= self._max_gap_s:
            last = None
        found, _ = tracked_rows(poses)
        seen_s = np.where(np.isnan(poses.xy[found, :, 0]), -np.inf, frame.time_s)
        result = poses
        if last is not None:
            result, seen_s = self._carry(last, grey, frame, poses)
        kept, _ = tracked_rows(result)
        plain = result[kept].replace(native=None, raw_xy=None, swapped=None)
        self._last = _Last(grey, frame.size_wh, frame.time_s, plain, seen_s)
        return result

    def reset(self) -> None:
        """Forget the frame before."""
        self._last = None

    def _carry(self, last: _Last, grey: Grey, frame: Frame, poses: Poses) -> tuple[Poses, Array]:
        """The people found, mended, and those carried; and when each keypoint of those with an id was last found."""
        assert frame.time_s is not None
        assert last.poses.ids is not None
        rows, ids = tracked_rows(poses)
        row_of = {one: place for place, one in enumerate(ids.tolist())}
        match = np.array([row_of.get(one, -1) for one in last.poses.ids.tolist()], np.intp)
        seen_s = np.where(np.isnan(poses.xy[rows, :, 0]), -np.inf, frame.time_s)
        now_missing = np.ones(last.seen_s.shape, np.bool_)
        now_missing[match >= 0] = np.isnan(poses.xy[rows][match[match >= 0], :, 0])
        young = frame.time_s - last.seen_s <= self._max_gap_s + 1e-9
        wanted = now_missing & young & ~np.isnan(last.poses.xy[..., 0])
        if not wanted.any():
            return poses, seen_s
        moved, holds = _follow(last, grey, frame)
        wanted &= holds[:, None]
        fade = 0.5 ** ((frame.time_s - last.time_s) / self._half_life_s)
        xy = np.where(wanted[..., None], moved, np.nan).astype(np.float32)
        score = np.where(wanted, np.maximum(fade * last.poses.score, np.minimum(last.poses.score, _LEAST_SCORE)), 0)

        result = poses
        for place in np.flatnonzero((match >= 0) & wanted.any(axis=1)).tolist():
            result = _mend(result, int(rows[match[place]]), xy[place], score[place], wanted[place])
            seen_s[match[place], wanted[place]] = last.seen_s[place, wanted[place]]
        lost = np.flatnonzero((match < 0) & wanted.any(axis=1))
        boxes = _moved_boxes(last.poses, moved, lost)
        lost_free = ~_covered(boxes, poses.boxes.xyxy.astype(np.float64))
        lost, boxes = lost[lost_free], boxes[lost_free]
        if not len(lost):
            return result, seen_s
        world = last.poses.world
        carried = Poses(
            xy[lost],
            score[lost],
            Boxes(boxes.astype(np.float32), fade * last.poses.boxes.score[lost]),
            poses.skeleton,
            ids=last.poses.ids[lost],
            visible=None if last.poses.visible is None else np.zeros((len(lost), xy.shape[1]), np.bool_),
            world=None if world is None else np.where(wanted[lost][..., None], world[lost], np.nan),
        )
        carried_seen = np.where(wanted[lost], last.seen_s[lost], -np.inf)
        return join_people(result, carried), np.concatenate([seen_s, carried_seen])


def _reduced(frame: Frame, side_px: int) -> Grey:
    import cv2

    grey = cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY)
    scale = side_px / max(frame.size_wh)
    if scale < 1:
        width, height = (max(round(side * scale), 16) for side in frame.size_wh)
        grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(grey, np.uint8)


def _follow(last: _Last, grey: Grey, frame: Frame) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Where the keypoints of the frame before are now (N, K, 2) px, and whether people (N,) look the same there.

    Points outside the picture, points whose surroundings look different now, and points that the flow back does not
    bring home move like the rest of their person.
    """
    import cv2

    if min(grey.shape) < 16:
        return last.poses.xy.astype(np.float64), np.zeros(len(last.poses), np.bool_)
    flow, back = (np.zeros((*grey.shape, 2), np.float32) for _ in range(2))
    dense = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    dense.calc(last.grey, grey, flow)
    dense.calc(grey, last.grey, back)
    scale = np.array(grey.shape[::-1]) / np.array(frame.size_wh)
    start = (last.poses.xy.astype(np.float64) + 0.5) * scale - 0.5
    shift = np.median(_patches(flow.astype(np.float64), start), axis=2)  # (N, K, 2)
    limit = np.array(grey.shape[::-1]) - 1.0
    before = _patches(last.grey[..., None].astype(np.float64), start)
    now = _patches(grey[..., None].astype(np.float64), start + shift)
    change = np.abs(now - before).mean(axis=(2, 3))
    inside = ((start >= 0) & (start <= limit)).all(axis=2) & ((start + shift >= 0) & (start + shift <= limit)).all(
        axis=2
    )
    returned = shift + np.median(_patches(back.astype(np.float64), start + shift), axis=2)
    astray = np.linalg.norm(returned, axis=2) > _ASTRAY_PX + _ASTRAY * np.linalg.norm(shift, axis=2)
    good = inside & (change <= _DIFFERENT) & ~astray
    columns = body_columns(last.poses.skeleton)
    known = ~np.isnan(start[..., 0])
    holds = good[:, columns].sum(axis=1) * 2 >= np.maximum((known & inside)[:, columns].sum(axis=1), 1)
    any_good = good.any(axis=1)
    usable = good | ~any_good[:, None]  # where nothing is good the person ends anyway
    common = np.nanmedian(np.where(usable[..., None], shift, np.nan), axis=1, keepdims=True)
    shift = np.where(good[..., None], shift, common)
    moved: Array = (start + shift + 0.5) / scale - 0.5
    return moved, holds & any_good


def _patches(image: Array, points: Array) -> Array:
    """Values (N, K, 25, C) of the pixels around points (N, K, 2); edge pixels stand in beyond the edge."""
    height, width = image.shape[:2]
    centre = np.nan_to_num(np.round(points), nan=0.0).clip(-1e6, 1e6).astype(np.intp)
    around = np.arange(-_PATCH, _PATCH + 1)
    x = (centre[..., 0, None, None] + around).clip(0, width - 1)
    y = (centre[..., 1, None, None] + around[:, None]).clip(0, height - 1)
    patches: Array = image[y, x].reshape(*points.shape[:2], -1, image.shape[2])
    return patches


def _moved_boxes(poses: Poses, moved: Array, rows: npt.NDArray[np.intp]) -> Array:
    """Boxes (n, 4) of some people, shifted by the median motion of their keypoints."""
    shift = np.zeros((len(rows), 2))
    if len(rows):
        shift = np.nanmedian(moved[rows] - poses.xy[rows], axis=1)
    boxes: Array = poses.boxes.xyxy[rows] + np.concatenate([shift, shift], axis=1)
    return boxes


def _covered(boxes: Array, others: Array) -> npt.NDArray[np.bool_]:
    """Which boxes (n, 4) share at least half of their union with one of the others (m, 4)."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    areas, other_areas = (np.prod(some[:, 2:] - some[:, :2], axis=1) for some in (boxes, others))
    union = areas[:, None] + other_areas[None] - shared
    covered: npt.NDArray[np.bool_] = (shared >= _SAME_PERSON * np.maximum(union, 1e-9)).any(axis=1)
    return covered


def _mend(poses: Poses, row: int, xy: npt.NDArray[np.float32], score: Array, wanted: npt.NDArray[np.bool_]) -> Poses:
    """One person's `wanted` (K,) keypoints set to what was carried."""
    places, scores = np.array(poses.xy), np.array(poses.score)
    places[row, wanted], scores[row, wanted] = xy[wanted], score[wanted]
    visible = poses.visible
    if visible is not None:
        visible = np.array(visible)
        visible[row, wanted] = False
    return poses.replace(xy=places, score=scores, visible=visible)
