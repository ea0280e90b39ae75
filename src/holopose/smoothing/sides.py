"""Owns the evidence for exchanged left and right: which reading of the labels lets limbs move on as they moved."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from holopose.ops.one_euro import OneEuro
from holopose.skeletons.skeleton import Skeleton
from holopose.smoothing.people import body_columns, pad_rows, take_rows

__all__ = ["UNITS", "Layout", "Reading", "SideTracks", "side_layout"]

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

UNITS: tuple[str, ...] = ("legs", "arms", "hips", "shoulders", "head")
"""What changes sides as one: a limb goes with its hand or foot; all of them together are the whole body."""

_WORDS = {
    "legs": ("knee", "ankle", "heel", "toe", "foot"),
    "arms": ("elbow", "wrist", "hand", "pinky", "index", "thumb"),
    "hips": ("hip",),
    "shoulders": ("shoulder",),
}
_WITNESSES = {
    "legs": ("knee", "ankle", "heel", "big_toe", "foot_index"),
    "arms": ("elbow", "wrist"),
    "hips": ("hip",),
    "shoulders": ("shoulder",),
    "head": ("eye", "ear"),
}

# In person sizes and seconds.
_NOISE = 0.004
_SPEED = 1.5
_ACCELERATION = 8.0
_UNREST_S = 0.5
_UNREST_MARGIN = 1.5
_FIRST_UNREST = 3.0
_MOST_UNREST = 100.0
_LEAST_SCORE = 0.1
_MOST_PER_JOINT = 12.0  # one wild joint does not decide
_MOST_JOINTS = 2.0  # joints of a limb err together: more than two count as two
_FIRST_SWAPPED = 0.5
_SIZE_CUTOFF = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """What a layout offers for telling sides.

    Attributes:
        members: (U, K) bool, keypoints that change sides with each unit.
        left: (J,) keypoints whose motion is evidence, the left ones.
        right: (J,) their mirror images.
        weight: (J, U) what each pair counts for each unit.
    """

    members: Flags
    left: npt.NDArray[np.intp]
    right: npt.NDArray[np.intp]
    weight: Array


@lru_cache(maxsize=32)
def side_layout(skeleton: Skeleton) -> Layout:
    """The units and witnesses of a layout; a layout without sides has none."""
    members = np.zeros((len(UNITS), len(skeleton)), np.bool_)
    for k, name in enumerate(skeleton.keypoints):
        if skeleton.swaps[k] != k:
            unit = next((u for u, words in _WORDS.items() if any(word in name for word in words)), "head")
            members[UNITS.index(unit), k] = True
    pairs = [
        (skeleton.index(f"left_{name}"), skeleton.index(f"right_{name}"), UNITS.index(unit))
        for unit, names in _WITNESSES.items()
        for name in names
        if f"left_{name}" in skeleton and f"right_{name}" in skeleton
    ]
    left, right, unit_of = np.array(pairs, np.intp).reshape(-1, 3).T
    weight = (unit_of[:, None] == np.arange(len(UNITS))).astype(np.float64)
    weight *= np.minimum(1, _MOST_JOINTS / np.maximum(weight.sum(axis=0), 1))
    return Layout(members, left, right, weight)


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What one frame says.

    Attributes:
        swapped: (N, U) bool, the likelier reading now, given everything so far.
        margin: (N, U) how much dearer the reading as swapped is; negative where it is the cheaper one.
        came_from: (N, U, 2, 2) for each pair of readings (last, now) the cheapest one before: 0 as labelled, 1 swapped.
        moved: (N, U) whether the frame had any evidence.
    """

    swapped: Flags
    margin: Array
    came_from: npt.NDArray[np.int8]
    moved: Flags


class SideTracks:
    """The cheapest history of every unit's labels, for M seats, under both readings of the present.

    Only the vector from a right joint to its left one matters: an exchange turns it round at once, while legs that
    cross, arms that swing and somebody who turns let it pass through nothing on its way. So a history is a sequence of
    readings, each frame as labelled or swapped; it costs how far the vectors so read are from moving on with
    constant velocity (squared, in units of the noise and accelerations to expect), `caution` for each change of
    reading, and a little for each second read as swapped. The cheapest histories that end in each pair of last
    readings are kept (dynamic programming, Viterbi 1967), so a doubt at a crossing is settled by the next frames. The
    cost per second makes a track that began exchanged right itself once it was right for longer than wrong.
    """

    def __init__(self, skeleton: Skeleton, *, caution: float, relapse: float) -> None:
        self._skeleton = skeleton
        self._layout = side_layout(skeleton)
        self._caution, self._relapse = caution, relapse
        joints = len(self._layout.left)
        self._gap = np.zeros((0, joints, 2, 2))  # vectors left - right in px: last, the one before
        self._sum = np.zeros((0, joints, 2, 2))  # left + right alike, which no exchange alters
        self._time_s = np.zeros((0, joints, 2))
        self._doubt = np.zeros((0, joints, 2))  # variances of these vectors, px squared
        self._unrest = np.zeros((0, joints))  # how far joints lately were from where they were expected; 1 = as assumed
        self._cost = np.zeros((0, len(UNITS), 2, 2))
        self._last_s = np.zeros((0, len(UNITS)))
        self._size = OneEuro(min_cutoff=_SIZE_CUTOFF, beta=0.0)

    def take(self, rows: npt.NDArray[np.int64]) -> None:
        """Move the state with its seats."""
        self._gap, self._sum = take_rows(self._gap, rows), take_rows(self._sum, rows)
        self._time_s = take_rows(self._time_s, rows)
        self._doubt, self._last_s = take_rows(self._doubt, rows), take_rows(self._last_s, rows)
        self._unrest = take_rows(self._unrest, rows, _FIRST_UNREST)
        self._cost = take_rows(self._cost, rows)
        self._cost[rows < 0] = [[0.0, np.inf], [np.inf, _FIRST_SWAPPED]]
        self._size.take(rows)

    def step(self, xy: npt.NDArray[np.float32], score: npt.NDArray[np.float32], time_s: float) -> Reading:
        """Take the people of the first N seats.

        Args:
            xy: (N, K, 2) px as labelled, NaN = missing.
            score: (N, K).
            time_s: Seconds; times that are not later than a seat's last bring no evidence.
        """
        count, layout = len(xy), self._layout
        size_px = self._sizes(xy, time_s)[:, None]
        left, right = xy[:, layout.left].astype(np.float64), xy[:, layout.right]
        gap, both = left - right, left + right
        trust = np.maximum(np.minimum(score[:, layout.left], score[:, layout.right]), _LEAST_SCORE)
        doubt = 2 * (_NOISE * size_px / trust) ** 2
        seen = ~np.isnan(gap).any(axis=2) & ~(time_s <= self._time_s[:count, :, 0])
        joint_cost, shake = self._joint_costs(gap, both, doubt, size_px, time_s)
        judged = seen & ~np.isnan(shake)
        joint_cost = self._tempered(joint_cost, shake, judged, time_s)
        moved = judged.astype(np.float64) @ layout.weight > 0
        frame_cost = np.einsum("njab,ju->nuab", np.where(judged[..., None, None], joint_cost, 0.0), layout.weight)

        old = self._cost[:count]
        elapsed = np.maximum(np.nan_to_num(time_s - self._last_s[:count]), 0)
        readings = np.arange(2)
        before, last, now = readings[:, None, None], readings[None, :, None], readings[None, None, :]
        # (N, U, before, last, now): [changed now or not, changed before or not]
        paths = old[..., :, :, None] + frame_cost[..., (last != now).astype(int), (before != last).astype(int)]
        came_from = paths.argmin(axis=2).astype(np.int8)
        new = paths.min(axis=2) + self._caution * (readings[:, None] != readings)
        new = np.where(moved[..., None, None], new, old)
        new[..., 1] += (self._relapse * elapsed)[..., None]
        self._cost[:count] = new - new.min(axis=(2, 3), keepdims=True)
        self._last_s[:count] = time_s
        self._remember(gap, both, doubt, time_s, seen)
        margin = new[..., 1].min(axis=2) - new[..., 0].min(axis=2)
        return Reading(margin < 0, margin, came_from, moved)

    def ends(self) -> npt.NDArray[np.intp]:
        """The cheapest pair of last readings (M, U, 2): last but one, last."""
        flat = self._cost.reshape(*self._cost.shape[:2], 4).argmin(axis=2)
        return np.stack([flat // 2, flat % 2], axis=-1)

    def _sizes(self, xy: npt.NDArray[np.float32], time_s: float) -> Array:
        body = xy[:, body_columns(self._skeleton)].astype(np.float64)
        known = ~np.isnan(body)
        span = np.where(known, body, -np.inf).max(axis=1) - np.where(known, body, np.inf).min(axis=1)
        size = np.maximum(span.max(axis=1), 1.0)
        size[~known.any(axis=(1, 2))] = np.nan
        seats = len(self._cost)
        there = np.arange(seats) < len(xy)
        known_now = there & ~np.isnan(pad_rows(size, seats))
        smooth = self._size.step(pad_rows(size, seats), time_s, where=known_now)
        return np.nan_to_num(smooth[: len(xy)], nan=1.0)

    def _joint_costs(self, gap: Array, both: Array, doubt: Array, size_px: Array, time_s: float) -> tuple[Array, Array]:
        """What is unexpected in this frame, in units of what noise and limbs make it.

        Without two earlier samples a vector is taken to rest, within what limbs move at most.

        Returns:
            Costs (N, J, 2, 2) by [reading changed now, reading changed before]; and the same (N, J) for left + right,
            where no reading matters. NaN where there is nothing to judge by.
        """
        gaps, sums, times, doubts = (
            np.moveaxis(state[: len(gap)], 2, 0) for state in (self._gap, self._sum, self._time_s, self._doubt)
        )
        step, earlier = time_s - times[0], times[0] - times[1]
        two = earlier > 0
        share = np.where(two, step / np.where(two, earlier, 1.0), 0.0)
        bend = 0.5 * _ACCELERATION * step * (step + np.where(two, earlier, 0.0))
        reach = np.where(two, bend, _SPEED * step) * size_px
        spread = doubt + (1 + share) ** 2 * doubts[0] + share**2 * np.where(two, doubts[1], 0.0) + reach**2

        def unexpected(now: Array, last: Array, before: Array, sign: float) -> Array:
            before = np.where(two[..., None], sign * before, last)
            off = now - last - (last - before) * share[..., None]
            cost: Array = (off**2).sum(axis=2) / (2 * spread)
            return cost

        cost = np.empty((*spread.shape, 2, 2))
        for now, turned in enumerate((1.0, -1.0)):
            for before, sign in enumerate((1.0, -1.0)):
                cost[..., now, before] = unexpected(turned * gap, gaps[0], gaps[1], sign)
        return cost, np.where(step > 0, unexpected(both, sums[0], sums[1], 1.0), np.nan)

    def _tempered(self, cost: Array, shake: Array, judged: Flags, time_s: float) -> Array:
        """Costs (N, J, 2, 2) by what these joints' motion was like lately: shaky or wild ones say less."""
        unrest = self._unrest[: len(cost)]
        tempered = np.minimum(cost / np.maximum(_UNREST_MARGIN * unrest, 1)[..., None, None], _MOST_PER_JOINT)
        worst = np.minimum(np.maximum(cost.min(axis=(2, 3)), shake), _MOST_UNREST)
        pace = 1 - np.exp(-(time_s - self._time_s[: len(cost), :, 0]) / _UNREST_S)
        unrest[judged] += (pace * (worst - unrest))[judged]
        return tempered

    def _remember(self, gap: Array, both: Array, doubt: Array, time_s: float, seen: Flags) -> None:
        now = np.full(seen.shape, time_s)
        for state, value in ((self._gap, gap), (self._sum, both), (self._doubt, doubt), (self._time_s, now)):
            rows = state[: len(gap)]
            rows[seen, 1] = rows[seen, 0]
            rows[seen, 0] = value[seen]
