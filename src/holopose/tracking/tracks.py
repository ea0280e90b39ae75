"""Owns Tracks: the table of the people known so far, how they move, and how well sightings fit them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import numpy.typing as npt

from holopose.ops import kalman
from holopose.ops.boxes import centres, iou
from holopose.ops.oks import similarity
from holopose.tracking.appearance import BINS, likeness
from holopose.tracking.sightings import AREA_SHARE, Sightings

__all__ = ["Fit", "Tracks"]

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]

# Lengths in person sizes (the longer side of the box: about 1.7 m in somebody standing).
_SEEN_SD = 0.02  # of a sighting's place
_CLEAR_SCORE = 0.5  # from which colours are taken as they are
_START_SPEED_SD = 2.0  # per second, of somebody just seen
_WANDER = 0.7  # velocity's variance gained per second: from walking to standing still
_FARTHEST_SD = 0.8  # the place of somebody gone is never vaguer than this
_FARTHEST_LOOK_SD = 1.2  # the same where colours tell whether it is they
_TYPICAL_TOLERANCE = 2 * 0.085 * AREA_SHARE  # a body joint's

_POSE_SHARE = 0.7  # of the similarity; the rest is box overlap
_FADED = 0.5  # what the score of a keypoint counts that was seen last time and not now
_SIZE_TAU_S = 0.5  # of the mean size
_LOOK_TAU_S = 1.0  # of the mean look, as far as the sightings are sure: half hidden people show others' colours
_SIZE_LOG_SD = 0.5
_LOOK_RATE = 10.0  # of different colours: the same person's likeness is 0.95 or more, others' mostly under 0.9


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """How well N tracks fit M sightings.

    Attributes:
        near: (N, M) in [0, 1], pose and box where they are expected, as tolerantly as the motion is uncertain.
        alike: (N, M) in [0, 1], size and colours.
        sure: (N, 1) in (0, 1], how exactly the track's place is known.
    """

    near: Array
    alike: Array
    sure: Array

    @property
    def worth(self) -> Array:
        """What a pair is worth (N, M): of two tracks that fit, the surer is meant."""
        worth: Array = self.near * self.alike * self.sure
        return worth

    @property
    def trust(self) -> Array:
        """How far the fit says by itself that it is the same person (N, M): where the place is vague, looks count."""
        trust: Array = self.near * self.alike ** (1 - self.sure)
        return trust


@dataclass(slots=True, eq=False)
class Tracks:
    """T people, a row each.

    Attributes:
        keys: (T,) numbers that are never given twice, from the first sighting on.
        ids: (T,) identities; -1 while provisional.
        ages: (T,) frames since and with the first sighting.
        sightings: (T,) frames in which they were seen.
        missed: (T,) frames since the last sighting.
        seen_s: (T,) time of the last sighting.
        mean: (T, 2, 2) px and px/s, motion: of a point that moves as the person does.
        cov: (T, 3) its covariance.
        origin: (T, 2) px, that point at the last sighting.
        points: (T, K + 1, 2) px at the last sighting.
        weights: (T, K + 1).
        boxes: (T, 4) px at the last sighting.
        sizes_px: (T,) mean longer side.
        looks: (T, 24) mean torso colours, zeros where unknown.
    """

    keys: Integers
    ids: Integers
    ages: Integers
    sightings: Integers
    missed: Integers
    seen_s: Array
    mean: Array
    cov: Array
    origin: Array
    points: Array
    weights: Array
    boxes: Array
    sizes_px: Array
    looks: Array

    @classmethod
    def none(cls) -> Self:
        """Nobody; the first ones to `join` say how many keypoints there are."""
        whole, real = np.zeros(0, np.int64), np.zeros(0)
        return cls(
            *(whole,) * 5,
            real,
            np.zeros((0, 2, 2)),
            np.zeros((0, 3)),
            np.zeros((0, 2)),
            np.zeros((0, 0, 2)),
            np.zeros((0, 0)),
            np.zeros((0, 4)),
            real,
            np.zeros((0, BINS)),
        )

    @classmethod
    def begin(cls, seen: Sightings, rows: Rows, keys: Integers, now_s: float) -> Self:
        """New provisional tracks of some sightings."""
        count = len(rows)
        place, sizes_px = centres(seen.boxes[rows]), seen.sizes_px[rows]
        mean, cov = kalman.start(place, _SEEN_SD * sizes_px, _START_SPEED_SD * sizes_px)
        return cls(
            keys=keys,
            ids=np.full(count, -1, np.int64),
            ages=np.ones(count, np.int64),
            sightings=np.ones(count, np.int64),
            missed=np.zeros(count, np.int64),
            seen_s=np.full(count, now_s),
            mean=mean,
            cov=cov,
            origin=place,
            points=seen.points[rows],
            weights=seen.weights[rows],
            boxes=seen.boxes[rows],
            sizes_px=sizes_px,
            looks=seen.looks[rows],
        )

    def __len__(self) -> int:
        return len(self.keys)

    def keep(self, which: npt.NDArray[np.bool_]) -> None:
        """Forget the others."""
        if not which.all():
            for field in fields(self):
                setattr(self, field.name, getattr(self, field.name)[which])

    def join(self, others: Tracks) -> None:
        """Add rows at the end."""
        alone = len(self) == 0
        for field in fields(self):
            mine, new = getattr(self, field.name), getattr(others, field.name)
            setattr(self, field.name, new if alone else np.concatenate([mine, new]))

    def advance(self, step_s: float, size_wh: tuple[int, int]) -> None:
        """Move everybody on in time; who would have left the picture waits at its border."""
        self.mean, self.cov = kalman.predict(self.mean, self.cov, step_s, _WANDER * self.sizes_px**2)
        self.ages += 1
        self.missed += 1
        seen_at = centres(self.boxes)
        ahead = seen_at + self.moved
        beyond = ahead - np.clip(ahead, np.minimum(seen_at, 0), np.maximum(seen_at, np.array(size_wh) - 1.0))
        self.mean[:, 0] -= beyond
        self.mean[:, 1][beyond != 0] = 0

    @property
    def moved(self) -> Array:
        """Expected displacement (T, 2) px since the last sighting."""
        moved: Array = self.mean[:, 0] - self.origin
        return moved

    def fit(self, seen: Sightings, least_sd: float = 0.0) -> Fit:
        """How well everybody fits every sighting; `least_sd`, in person sizes, widens where they are looked for."""
        moved = self.moved
        sizes_px = np.maximum(np.maximum(self.sizes_px[:, None], seen.sizes_px[None]), 1e-3)
        farthest_sd = np.where(self.looks.any(axis=1), _FARTHEST_LOOK_SD, _FARTHEST_SD)
        unsure = np.minimum(np.sqrt(self.cov[:, 0]) / self.sizes_px, farthest_sd)
        weight = np.minimum(self.weights[:, None], seen.weights[None])
        pose = similarity(
            self.points + moved[:, None],
            seen.points,
            weight=weight,
            size_px=AREA_SHARE * sizes_px,
            sigmas=seen.joints.sigmas,
            spread_px=np.maximum(unsure, least_sd) * self.sizes_px,
        )
        box = iou(self.boxes + np.concatenate([moved, moved], axis=1), seen.boxes)
        grown = np.log(np.maximum(seen.sizes_px, 1e-3)[None] / self.sizes_px[:, None])
        alike = np.exp(-0.5 * (grown / _SIZE_LOG_SD) ** 2)
        different = 1 - likeness(self.looks, seen.looks)
        alike = alike * np.exp(-_LOOK_RATE * np.nan_to_num(different, nan=0))
        sure = _TYPICAL_TOLERANCE**2 / (_TYPICAL_TOLERANCE**2 + unsure**2)
        return Fit(_POSE_SHARE * pose + (1 - _POSE_SHARE) * box, alike, sure[:, None])

    def see(self, rows: Rows, seen: Sightings, people: Rows, now_s: float) -> None:
        """Take sightings `people` as the tracks `rows`."""
        if not len(rows):
            return
        expected = self.points[rows] + self.moved[rows][:, None]
        place = self.origin[rows] + _displacement(self.points[rows], self.weights[rows], seen, people)
        sizes_px = seen.sizes_px[people]
        self.mean[rows], self.cov[rows] = kalman.correct(self.mean[rows], self.cov[rows], place, _SEEN_SD * sizes_px)
        self.origin[rows] = place
        weights = seen.weights[people]
        found = weights > 0
        self.points[rows] = np.where(found[..., None], seen.points[people], expected)
        self.weights[rows] = np.where(found, weights, _FADED * self.weights[rows])
        self.boxes[rows] = seen.boxes[people]
        since_s = np.maximum(now_s - self.seen_s[rows], 0)
        self.sizes_px[rows] *= (sizes_px / self.sizes_px[rows]) ** (1 - np.exp(-since_s / _SIZE_TAU_S))
        clear, known = seen.looks[people].any(axis=1), self.looks[rows].any(axis=1)
        sure = np.minimum(seen.scores[people] / _CLEAR_SCORE, 1) ** 2
        share = np.where(known, sure * (1 - np.exp(-since_s / _LOOK_TAU_S)), 1) * clear
        self.looks[rows] += share[:, None] * (seen.looks[people] - self.looks[rows])
        self.sightings[rows] += 1
        self.missed[rows] = 0
        self.seen_s[rows] = now_s


def _displacement(points: Array, weights: Array, seen: Sightings, people: Rows) -> Array:
    """How far the torso moved (P, 2) px; other joints, and in the end the box's middle, speak where it is not seen."""
    weight = np.minimum(weights, seen.weights[people]) * seen.joints.torso
    moved: Array = ((seen.points[people] - points) * weight[..., None]).sum(axis=1) / weight.sum(axis=1, keepdims=True)
    return moved
