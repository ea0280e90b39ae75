"""Owns KalmanFilter: live smoothing by a model of motion, trusting each keypoint as far as its score goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError
from holopose.ops.kalman import correct, predict, start
from holopose.ops.one_euro import OneEuro
from holopose.skeletons.skeleton import PARTS, Skeleton
from holopose.smoothing.people import (
    HEIGHT_M,
    Seats,
    extent_px,
    keep_raw_xy,
    pad_rows,
    take_rows,
    tracked_rows,
)
from holopose.types import Poses

__all__ = ["MOTION", "KalmanFilter", "Motion"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Motion:
    """What is known of a part before measuring, in person sizes.

    Attributes:
        noise: Standard deviation of a confident keypoint, in person sizes.
        wander: How fast its velocity changes: the spectral density of its acceleration, in person sizes squared per
            second cubed. After t seconds the velocity is expected to have changed by the root of `wander` t.
    """

    noise: float
    wander: float


MOTION: Mapping[str, Motion] = {
    "body": Motion(noise=0.015, wander=1.0),
    "feet": Motion(noise=0.015, wander=3.0),
    "face": Motion(noise=0.01, wander=0.5),
    "left_hand": Motion(noise=0.012, wander=3.0),
    "right_hand": Motion(noise=0.012, wander=3.0),
}
"""Defaults, chosen with `benchmarks/smoothing.py`."""

_LEAST_SCORE = 0.25
_FIRST_S = 0.5  # the velocity of a point just seen is as unsure as after so long without knowing
_SIZE_CUTOFF = 0.2


class KalmanFilter:
    """Smooths people with an id by a constant-velocity Kalman filter per keypoint; others pass untouched.

    A measurement's standard deviation is the part's `noise` times the person's size, divided by the score (at least
    0.25): unsure points are carried by their motion, sure ones follow the picture. World coordinates are filtered
    alike with a person of 1.7 m. A missing keypoint stays missing; the filter knows by then less about it, and follows
    what comes back. Scores, boxes and `native` stay as they are.

    Args:
        motion: Noise and wandering by part, in place of the defaults.
        gap_s: Somebody absent for longer starts anew.
        keep_raw: Keep the coordinates that came in as `raw_xy`.

    Raises:
        ConfigError: a part or number has no meaning.
    """

    def __init__(
        self,
        *,
        motion: Mapping[str, Motion] | None = None,
        gap_s: float = 0.5,
        keep_raw: bool = False,
    ) -> None:
        unknown = set(motion or {}) - set(PARTS)
        if unknown:
            raise ConfigError(f"motion: expected parts among {', '.join(PARTS)}, got {', '.join(sorted(unknown))}")
        self._motion: dict[str, Motion] = {**MOTION, **(motion or {})}
        for part, one in self._motion.items():
            if not (one.noise > 0 and one.wander > 0):
                raise ConfigError(f"motion: {part}: expected noise and wander above 0, got {one}")
        self._seats = Seats(gap_s)
        self._keep_raw = keep_raw
        self._skeleton: Skeleton | None = None

    def apply(self, poses: Poses, time_s: float) -> Poses:
        """The same people, smoothed.

        Raises:
            InputError: an id comes twice.
        """
        if self._skeleton != poses.skeleton:
            self._begin(poses.skeleton)
        people, ids = tracked_rows(poses)
        order, count = self._seats.admit(ids, time_s), len(people)
        for state in (self._size, self._xy, self._world):
            state.take(order)
        raw_xy = keep_raw_xy(poses, keep=self._keep_raw)
        if not count:
            return poses.replace(raw_xy=raw_xy)
        tracked = poses[people]
        present = np.arange(len(order)) < count
        size_px = self._size.step(pad_rows(extent_px(tracked), len(order)), time_s, where=present)[:count, None]
        size_px = np.maximum(size_px, 1.0)
        trust = np.maximum(tracked.score.astype(np.float64), _LEAST_SCORE)
        xy, world = np.array(poses.xy), poses.world
        xy[people] = self._xy.step(tracked.xy, time_s, self._noise * size_px / trust, self._wander * size_px**2)
        if tracked.world is not None:
            world = np.array(world)
            scale = np.full_like(size_px, HEIGHT_M)
            world[people] = self._world.step(
                tracked.world, time_s, self._noise * scale / trust, self._wander * scale**2
            )
        return poses.replace(xy=xy, world=world, raw_xy=raw_xy)

    def reset(self) -> None:
        """Forget earlier frames."""
        self._skeleton = None

    def _begin(self, skeleton: Skeleton) -> None:
        """Fresh state for a layout."""
        self._skeleton = skeleton
        self._noise = np.array([self._motion[part].noise for part in skeleton.part_of()])
        self._wander = np.array([self._motion[part].wander for part in skeleton.part_of()])
        self._seats.reset()
        self._size = OneEuro(min_cutoff=_SIZE_CUTOFF, beta=0.0)
        self._xy, self._world = (_Tracks(len(skeleton), axes) for axes in (2, 3))


class _Tracks:
    """Kalman states of M seats x K keypoints x D axes; the axes of a point share their covariance."""

    def __init__(self, points: int, axes: int) -> None:
        self._mean = np.zeros((0, points, 2, axes))
        self._cov = np.zeros((0, points, 3))
        self._time_s = np.zeros((0, points))

    def take(self, rows: npt.NDArray[np.int64]) -> None:
        """Move the state with its seats; fresh ones start with the next number."""
        self._mean, self._cov = take_rows(self._mean, rows), take_rows(self._cov, rows)
        self._time_s = take_rows(self._time_s, rows)

    def step(self, values: npt.NDArray[np.float32], time_s: float, noise: Array, wander: Array) -> Array:
        """Estimates (N, K, D) after the measurements of the first N seats.

        Args:
            values: (N, K, D), NaN = not measured.
            time_s: Seconds; a point whose time is not later than its last one passes and changes nothing.
            noise: (N, K) standard deviation of the measurements.
            wander: (N, K) spectral density of the acceleration.
        """
        count = len(values)
        mean, cov, last_s = self._mean[:count], self._cov[:count], self._time_s[:count]  # views
        seen = values.astype(np.float64)
        measured = ~np.isnan(seen).any(axis=2)
        elapsed = time_s - last_s
        fresh = measured & np.isnan(elapsed)
        running = measured & (elapsed > 0)
        ahead, wider = predict(mean, cov, np.where(running, elapsed, 0.0), wander)
        after, narrower = correct(ahead, wider, seen, noise)
        begun, unsure = start(seen, noise, np.sqrt(wander * _FIRST_S))

        result = np.where(running[..., None], after[:, :, 0], seen)
        mean[...] = np.where(fresh[..., None, None], begun, np.where(running[..., None, None], after, mean))
        cov[...] = np.where(fresh[..., None], unsure, np.where(running[..., None], narrower, cov))
        last_s[...] = np.where(fresh | running, time_s, last_s)
        return result
