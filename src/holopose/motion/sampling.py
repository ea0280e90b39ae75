"""Owns MotionSampler: of a clip only the frames in which somebody moved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError
from holopose.types import Frame, Poses

__all__ = ["MotionSampler", "motion_between"]

_PARTS = ("body", "feet")
_TICK_S = 1e-6  # times are sums of rounded steps


class MotionSampler:
    """A stage that keeps a frame when its poses differ enough from those of the last frame kept.

    The first frame is kept, so is one in which somebody appears or leaves. People are compared by id; those without
    one are compared in their order.

    Args:
        min_motion: Keep a frame when a person's keypoints moved by at least this share of the person's size, on
            average (`motion_between`); 0 = keep all.
        max_fps: Keep at most so many frames per second; None = no limit.

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
        last: tuple[Frame, Poses] | None = None
        for frame, poses in stream:
            if last is None or (self._is_time(last[0], frame) and self._moved(last[1], poses)):
                last = frame, poses
                yield frame, poses

    def _is_time(self, last: Frame, frame: Frame) -> bool:
        if last.time_s is None or frame.time_s is None:
            return True
        return frame.time_s - last.time_s >= self._pause_s - _TICK_S

    def _moved(self, last: Poses, poses: Poses) -> bool:
        if self._min_motion == 0:
            return True
        before, now = _rows_by_id(last), _rows_by_id(poses)
        if before.keys() != now.keys():
            return True
        return any(
            motion_between(last.xy[row], poses.xy[now[who]], poses.boxes.xyxy[now[who]], _columns(poses))
            >= self._min_motion
            for who, row in before.items()
        )


def _rows_by_id(poses: Poses) -> dict[tuple[str, int], int]:
    ids = [-1] * len(poses) if poses.ids is None else poses.ids.tolist()
    return {("id", one) if one >= 0 else ("row", row): row for row, one in enumerate(ids)}


def _columns(poses: Poses) -> list[int]:
    """Body and feet, whose motion counts; every keypoint in layouts that have neither."""
    parts = poses.skeleton.parts
    return [k for part in _PARTS for k in parts.get(part, ())] or list(range(len(poses.skeleton)))


def motion_between(
    before: npt.NDArray[np.float32], now: npt.NDArray[np.float32], box_xyxy: npt.NDArray[np.float32], columns: list[int]
) -> float:
    """Mean displacement of keypoints relative to the diagonal of the person's box; 0 where no keypoint is in both.

    Args:
        before: (K, 2) px.
        now: (K, 2) px.
        box_xyxy: (4,) px, of the person now.
        columns: Keypoints that count.

    >>> points = np.array([[0, 0], [30, 40]], np.float32)
    >>> round(motion_between(points, points + np.float32(3), np.array([0, 0, 30, 40], np.float32), [0, 1]), 3)
    0.085
    """
    apart = np.linalg.norm(now[columns].astype(np.float64) - before[columns], axis=1)
    apart = apart[np.isfinite(apart)]
    size = float(np.hypot(*(box_xyxy[2:] - box_xyxy[:2])))
    return float(apart.mean()) / max(size, 1.0) if apart.size else 0.0
