"""Owns AnatomyFilter: unsure joints are pulled towards bone lengths that the person has shown."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError
from holopose.ops.one_euro import OneEuro
from holopose.skeletons.skeleton import Skeleton
from holopose.smoothing.people import Seats, extent_px, keep_raw_xy, pad_rows, take_rows, tracked_rows
from holopose.types import Poses

__all__ = ["AnatomyFilter"]

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]

_BONES: tuple[tuple[tuple[str, str], ...], ...] = (  # from the trunk outwards; no joint twice in a row
    (("shoulder", "elbow"), ("hip", "knee")),
    (("elbow", "wrist"), ("knee", "ankle")),
    (("ankle", "heel"),),
    (("ankle", "big_toe"),),
    (("ankle", "small_toe"),),
    (("ankle", "foot_index"),),
)
_SAMPLES = 64
_LEAST_SAMPLES = 8
_SURE = 0.5
_LENGTH_QUANTILE = 0.75
_SIZE_CUTOFF = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class _Ring:
    """Bones at one distance from the trunk: their first place in the list of all, start and end keypoints (B,)."""

    first: int
    start: Index
    end: Index


class AnatomyFilter:
    """Keeps limbs of people with an id from growing longer than they are.

    A bone's length is learned per person from moments when both its ends are sure, left and right together, in person
    sizes: the upper quartile of the last samples, as a limb that points at the camera looks shorter but never longer.
    A bone longer than `slack` times that is shortened by moving its ends along it, each by the square of its doubt
    (1 - score): a joint of score 0.1 moves most of the way, one of 0.9 hardly. Short bones are never touched: they may
    well be foreshortened. From the trunk outwards; hands and world coordinates stay where they are, like scores,
    boxes, `native` and people without an id.

    Args:
        slack: How much longer than learned a bone may be; 1 or more.
        gap_s: Somebody absent for longer is learned anew.
        keep_raw: Keep the coordinates that came in as `raw_xy`.

    Raises:
        ConfigError: an option has no meaning.
    """

    def __init__(self, *, slack: float = 1.15, gap_s: float = 0.5, keep_raw: bool = False) -> None:
        if not slack >= 1:
            raise ConfigError(f"slack: expected 1 or more, got {slack!r}")
        self._slack, self._keep_raw = slack, keep_raw
        self._seats = Seats(gap_s)
        self._skeleton: Skeleton | None = None

    def apply(self, poses: Poses, time_s: float) -> Poses:
        """The same people with unsure joints at plausible distances.

        Raises:
            InputError: an id comes twice.
        """
        rings = _rings(poses.skeleton)
        if self._skeleton != poses.skeleton:
            self._skeleton = poses.skeleton
            self._seats.reset()
            self._size = OneEuro(min_cutoff=_SIZE_CUTOFF, beta=0.0)
            bones = sum(len(ring.start) for ring in rings)
            self._lengths = np.zeros((0, bones, _SAMPLES))
            self._taken = np.zeros((0, bones))
        people, ids = tracked_rows(poses)
        order = self._seats.admit(ids, time_s)
        self._size.take(order)
        self._lengths, self._taken = take_rows(self._lengths, order), take_rows(self._taken, order, 0.0)
        raw_xy = keep_raw_xy(poses, keep=self._keep_raw)
        if not (len(people) and rings):
            return poses.replace(raw_xy=raw_xy)
        tracked = poses[people]
        present = np.arange(len(order)) < len(people)
        size_px = self._size.step(pad_rows(extent_px(tracked), len(order)), time_s, where=present)[: len(people)]
        size_px = np.maximum(size_px, 1.0)[:, None]
        places, score = tracked.xy.astype(np.float64), tracked.score.astype(np.float64)
        self._learn(rings, places, score, size_px)
        limit = self._slack * self._known_lengths(len(people)) * size_px
        for ring in rings:
            _shorten(places, score, ring, limit[:, ring.first : ring.first + len(ring.start)])
        xy = np.array(poses.xy)
        xy[people] = places
        return poses.replace(xy=xy, raw_xy=raw_xy)

    def reset(self) -> None:
        """Forget earlier frames."""
        self._skeleton = None

    def _learn(self, rings: tuple[_Ring, ...], places: Array, score: Array, size_px: Array) -> None:
        """Put this frame's sure bones into the ring buffers."""
        start, end = (np.concatenate([getattr(ring, side) for ring in rings]) for side in ("start", "end"))
        length = np.linalg.norm(places[:, end] - places[:, start], axis=2) / size_px
        sure = (np.minimum(score[:, start], score[:, end]) >= _SURE) & ~np.isnan(length)
        person, bone = np.nonzero(sure)
        taken = self._taken[person, bone]
        self._lengths[person, bone, (taken % _SAMPLES).astype(np.intp)] = length[person, bone]
        self._taken[person, bone] = taken + 1

    def _known_lengths(self, count: int) -> Array:
        """(N, B) in person sizes, of left and right bones alike; infinite where too little was seen."""
        pairs = self._lengths[:count].reshape(count, -1, 2 * _SAMPLES)  # left and right follow one another
        known = (~np.isnan(pairs)).sum(axis=2)
        place = np.maximum(np.ceil(_LENGTH_QUANTILE * known).astype(np.intp) - 1, 0)[..., None]
        length = np.take_along_axis(np.sort(pairs, axis=2), place, axis=2)[..., 0]  # NaN sorts last
        return np.repeat(np.where(known >= _LEAST_SAMPLES, length, np.inf), 2, axis=1)


@lru_cache(maxsize=32)
def _rings(skeleton: Skeleton) -> tuple[_Ring, ...]:
    """The limb bones of a layout, row by row; a bone's left and right one follow one another."""
    rings, first = [], 0
    for names in _BONES:
        bones = [
            (skeleton.index(f"{side}_{a}"), skeleton.index(f"{side}_{b}"))
            for a, b in names
            if all(f"{side}_{joint}" in skeleton for side in ("left", "right") for joint in (a, b))
            for side in ("left", "right")
        ]
        if bones:
            start, end = np.array(bones, np.intp).T
            rings.append(_Ring(first, start, end))
            first += len(bones)
    return tuple(rings)


def _shorten(places: Array, score: Array, ring: _Ring, limit: Array) -> None:
    """Move the ends of bones that are longer than `limit` (N, B) px, in `places` (N, K, 2) itself."""
    bone = places[:, ring.end] - places[:, ring.start]
    length = np.linalg.norm(bone, axis=2)
    excess = np.nan_to_num(np.maximum(length - limit, 0))
    along = np.nan_to_num(bone / np.maximum(length, 1e-9)[..., None]) * excess[..., None]
    start_doubt, end_doubt = (1 - score[:, ring.start]) ** 2, (1 - score[:, ring.end]) ** 2
    total = np.maximum(start_doubt + end_doubt, 1.0)  # both together never more than the excess
    places[:, ring.start] += along * (start_doubt / total)[..., None]
    places[:, ring.end] -= along * (end_doubt / total)[..., None]
