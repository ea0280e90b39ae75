"""Owns OneEuroFilter: the live default, steady at rest and quick in motion, per person and per part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError
from holopose.ops.one_euro import OneEuro
from holopose.skeletons.skeleton import PARTS, Skeleton
from holopose.smoothing.people import HEIGHT_M, Seats, extent_px, keep_raw_xy, pad_rows, reach_px, tracked_rows
from holopose.types import Poses

__all__ = ["TUNING", "OneEuroFilter", "Tuning"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tuning:
    """Parameters of one part.

    Attributes:
        min_cutoff: Hz, cut-off at rest.
        beta: Hz per person size per second.
        d_cutoff: Hz, cut-off of the speed.
    """

    min_cutoff: float
    beta: float
    d_cutoff: float = 1.0


TUNING: Mapping[str, Tuning] = {
    "body": Tuning(min_cutoff=1.0, beta=25.0),
    "feet": Tuning(min_cutoff=1.0, beta=25.0),
    "face": Tuning(min_cutoff=1.5, beta=30.0),
    "left_hand": Tuning(min_cutoff=1.5, beta=30.0),
    "right_hand": Tuning(min_cutoff=1.5, beta=30.0),
}
"""Defaults for clips of 25 to 60 frames per second, chosen with `benchmarks/smoothing.py`: a quarter of the body's
jitter is left, and at walking speed places come 0.2 to 0.3 frames late."""

_MEDIAPIPE = Tuning(min_cutoff=0.05, beta=80.0)
_MEDIAPIPE_WORLD = Tuning(min_cutoff=0.1, beta=40.0)
_UNSMOOTHED = 1e9
_SIZE_CUTOFF = 0.2
"""Hz: a person's size in the picture changes slowly, its measure from frame to frame does not."""


class OneEuroFilter:
    """Smooths people with an id, each by a One-Euro filter of their own; people without one pass untouched.

    Speeds are measured in person sizes per second (`extent_px`, low-passed), so the same parameters serve somebody near
    and far; world coordinates are smoothed by the same parameters, with a person of 1.7 m. Scores, boxes and `native`
    stay as they are, missing keypoints stay missing and start anew when they come back.

    Args:
        tuning: Parameters by part, in place of the defaults; None for a part leaves it unsmoothed.
        world: Parameters of the world coordinates in metres, in place of those of the parts.
        against: What speed is measured against, ``filtered`` or ``raw`` (`holopose.ops.one_euro`).
        gap_s: Somebody absent for longer starts anew.
        keep_raw: Keep the coordinates that came in as `raw_xy`.

    Raises:
        ConfigError: a part or parameter has no meaning.
    """

    def __init__(
        self,
        *,
        tuning: Mapping[str, Tuning | None] | None = None,
        world: Tuning | None = None,
        against: str = "filtered",
        gap_s: float = 0.5,
        keep_raw: bool = False,
    ) -> None:
        unknown = set(tuning or {}) - set(PARTS)
        if unknown:
            raise ConfigError(f"tuning: expected parts among {', '.join(PARTS)}, got {', '.join(sorted(unknown))}")
        self._tuning: dict[str, Tuning | None] = {**TUNING, **(tuning or {})}
        self._world_tuning = world
        self._against = against
        self._keep_raw = keep_raw
        self._size_of: Callable[[Poses], Array] = extent_px
        self._size_cutoff = _SIZE_CUTOFF
        self._seats = Seats(gap_s)
        self._skeleton: Skeleton | None = None
        _check([*self._tuning.values(), world], against)

    @classmethod
    def mediapipe(cls, *, keep_raw: bool = False) -> OneEuroFilter:
        """MediaPipe's landmark smoothing: its parameters, speed against the raw value, hands and face left alone.

        Its speeds are scaled by the region of interest of the landmark network, which poses do not carry: twice the
        distance from mid-hip to the farthest body point stands in for it (`reach_px`). Where the region itself is known
        `holopose.ops.one_euro` with the same parameters gives MediaPipe's own result. Absence in one frame resets.
        """
        body = dict.fromkeys(("body", "feet"), _MEDIAPIPE)
        rest = dict.fromkeys(("face", "left_hand", "right_hand"))
        made = cls(tuning={**body, **rest}, world=_MEDIAPIPE_WORLD, against="raw", gap_s=0.0, keep_raw=keep_raw)
        made._size_of, made._size_cutoff = reach_px, _UNSMOOTHED
        return made

    def apply(self, poses: Poses, time_s: float) -> Poses:
        """The same people, smoothed.

        Raises:
            InputError: an id comes twice.
        """
        if self._skeleton != poses.skeleton:
            self._begin(poses.skeleton)
        people, ids = tracked_rows(poses)
        order = self._seats.admit(ids, time_s)
        for state in (self._size, self._xy, self._world):
            state.take(order)
        raw_xy = keep_raw_xy(poses, keep=self._keep_raw)
        if not len(people):
            return poses.replace(raw_xy=raw_xy)
        tracked, seated = poses[people], len(order)
        present = (np.arange(seated) < len(people))[:, None, None]
        size_px = self._size.step(pad_rows(self._size_of(tracked), seated), time_s, where=present[:, 0, 0])
        size_px = size_px[:, None, None]
        where = present & self._smoothed & (size_px > 1e-6)
        xy, world = np.array(poses.xy), poses.world
        moved = self._xy.step(
            pad_rows(tracked.xy, seated), time_s, value_scale=1 / np.maximum(size_px, 1e-6), where=where
        )
        xy[people] = moved[: len(people)]
        if tracked.world is not None:
            scale = 1.0 if self._world_tuning else 1 / HEIGHT_M
            moved = self._world.step(pad_rows(tracked.world, seated), time_s, value_scale=scale, where=where)
            world = np.array(world)
            world[people] = moved[: len(people)]
        return poses.replace(xy=xy, world=world, raw_xy=raw_xy)

    def reset(self) -> None:
        """Forget earlier frames."""
        self._skeleton = None

    def _begin(self, skeleton: Skeleton) -> None:
        """Fresh state for a layout."""
        tuning = [self._tuning[part] for part in skeleton.part_of()]
        self._skeleton = skeleton
        self._smoothed = np.array([one is not None for one in tuning])[:, None]
        self._seats.reset()
        self._size = OneEuro(min_cutoff=self._size_cutoff, beta=0.0)
        self._xy = _bank([one or _MEDIAPIPE for one in tuning], self._against)
        self._world = _bank([self._world_tuning or one or _MEDIAPIPE for one in tuning], self._against)


def _bank(tuning: Sequence[Tuning], against: str) -> OneEuro:
    """A filter whose signals are (people, keypoints, axes), with the parameters of each keypoint."""
    columns = np.array([(one.min_cutoff, one.beta, one.d_cutoff) for one in tuning]).T[:, :, None]
    return OneEuro(min_cutoff=columns[0], beta=columns[1], d_cutoff=columns[2], against=against)


def _check(tuning: Iterable[Tuning | None], against: str) -> None:
    """Refuse parameters without meaning where they are given, not at the first frame."""
    for one in tuning:
        if one is not None:
            _bank([one], against)
