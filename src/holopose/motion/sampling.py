"""Owns MotionSampler: of a clip only the frames in which somebody moved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError
from holopose.skeletons.skeleton import Skeleton
from holopose.types import Frame, Poses

__all__ = ["MotionSampler", "measure_motion"]

_PARTS = ("body", "feet")
_TICK_S = 1e-6  # times are sums of rounded steps
_LEAST_SIZE_PX = 1.0


class MotionSampler:
    """A stage that keeps a frame when its people differ enough from those of the last frame kept.

    The first frame is kept, so is one in which somebody has appeared or is gone. Frames are compared with the last one
    kept, not with the one before, so that slow motion adds up.

    Args:
        min_motion: Keep a frame when somebody moved by at least this share of their size, see `measure_motion`; 0 =
            keep all.
        max_fps: Keep at most so many frames per second, as evenly as the clip allows; None = no limit. Frames without
            a time have no limit.

    Raises:
        ConfigError: a number makes no sense.
    """

    def __init__(self, *, min_motion: float = 0.0, max_fps: float | None = None) -> None:
        if not min_motion >= 0:
            raise ConfigError(f"min_motion: expected 0 or more, got {min_motion}")
        if max_fps is not None and not max_fps > 0:
            raise ConfigError(f"max_fps: expected more than 0 frames per second, got {max_fps}")
        self._min_motion = min_motion
        self._pause_s = 0.0 if max_fps is None else 1 / max_fps

    def __call__(self, stream: Iterable[tuple[Frame, Poses]]) -> Iterator[tuple[Frame, Poses]]:
        """The frames kept, with their people."""
        clock = _Clock(self._pause_s)
        last: Poses | None = None
        for frame, poses in stream:
            if clock.is_due(frame.time_s) and (last is None or self._moved(last, poses)):
                clock.keep(frame.time_s)
                last = poses
                yield frame, poses

    def _moved(self, last: Poses, poses: Poses) -> bool:
        if self._min_motion == 0 or _rows(last).keys() != _rows(poses).keys():
            return True
        motion = measure_motion(last, poses)
        return motion is not None and motion >= self._min_motion


class _Clock:
    """Says when the next frame may be kept.

    Each one is due a pause after the last one was due, not after it came: of 30 frames per second 25 are kept where 25
    are asked for, and not every second one. What was not used is not made up for later.
    """

    def __init__(self, pause_s: float) -> None:
        self._pause_s = pause_s
        self._due_s = self._last_s = -np.inf

    def is_due(self, time_s: float | None) -> bool:
        """Whether a frame of this time may be kept; always where the times begin anew."""
        return time_s is None or time_s >= self._due_s - _TICK_S or time_s < self._last_s

    def keep(self, time_s: float | None) -> None:
        """One of this time is kept."""
        if time_s is None:
            return
        on_time = self._last_s <= time_s < self._due_s + self._pause_s
        self._due_s = (self._due_s if on_time else time_s) + self._pause_s
        self._last_s = time_s


def measure_motion(before: Poses, now: Poses) -> float | None:
    """How far the person who moved most moved between two frames, as a share of that person's size.

    Of each person it is the root of the mean squared displacement of the keypoints of body and feet (of all keypoints
    in layouts without them), so that a raised arm counts as it should, over the longer one of the two boxes' diagonals.
    A keypoint weighs what the lower one of its two scores says, so that guessed joints of hidden limbs hardly count.
    Where no keypoint is in both frames, the middle of the box stands in for them. Whole people who move by d px make
    the motion d / diagonal.

    People are compared by id; those without one in their order. Whoever is in one frame only does not count.

    Args:
        before: N people, px.
        now: M people in the same layout, px.

    Returns:
        The share, 0 = nobody moved; None where nobody is in both.
    """
    rows, others = _rows(before), _rows(now)
    common = [who for who in rows if who in others]
    if not common:
        return None
    a, b = before[[rows[who] for who in common]], now[[others[who] for who in common]]
    columns = _columns(now.skeleton)
    squared = ((b.xy[:, columns].astype(np.float64) - a.xy[:, columns]) ** 2).sum(axis=2)
    weight = np.where(np.isfinite(squared), np.minimum(a.score, b.score)[:, columns], 0.0).astype(np.float64)
    total = weight.sum(axis=1)
    by_points = np.sqrt((weight * np.nan_to_num(squared)).sum(axis=1) / np.where(total > 0, total, 1))
    by_box = np.linalg.norm(_centre(b) - _centre(a), axis=1)
    size_px = np.maximum(np.maximum(_diagonal(a), _diagonal(b)), _LEAST_SIZE_PX)
    return float((np.where(total > 0, by_points, by_box) / size_px).max())


def _rows(poses: Poses) -> dict[tuple[str, int], int]:
    """Where each person stands, by id or else by order."""
    ids = [-1] * len(poses) if poses.ids is None else poses.ids.tolist()
    return {("id", one) if one >= 0 else ("row", row): row for row, one in enumerate(ids)}


def _columns(skeleton: Skeleton) -> list[int]:
    return [k for part in _PARTS for k in skeleton.parts.get(part, ())] or list(range(len(skeleton)))


def _centre(poses: Poses) -> npt.NDArray[np.float64]:
    xyxy = poses.boxes.xyxy.astype(np.float64)
    return np.asarray((xyxy[:, :2] + xyxy[:, 2:]) / 2)


def _diagonal(poses: Poses) -> npt.NDArray[np.float64]:
    xyxy = poses.boxes.xyxy.astype(np.float64)
    return np.asarray(np.linalg.norm(xyxy[:, 2:] - xyxy[:, :2], axis=1))
