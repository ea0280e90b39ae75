"""Owns putting people together from part affinity fields: which candidates belong to one limb, which limbs to one body.

After Cao, Hidalgo, Simon, Wei, Sheikh: OpenPose: Realtime Multi-Person 2D Pose Estimation Using Part Affinity Fields
(TPAMI 2019), with the numbers of the C++ system (`CPP`, `POSITIVE`) and of the Python ports (`PORT`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from holopose.ops.limbs import Limbs
from holopose.ops.peaks import Peaks

__all__ = ["CPP", "PORT", "POSITIVE", "Joints", "Rules", "assemble", "join", "score_joints", "select_greedily"]

Fields = npt.NDArray[np.float32]
Ints = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]

_ROWS = 1 << 14  # pairs of candidates looked at together, to bound memory
_GLOBAL_PEAK_SHARE = 0.1  # how much the heights of both ends count beside the field when all limbs are ranked together
_NO_LENGTH_PX = 1e-6
_NEAR_SHARE = 150.0  # candidates nearer than the map's side over this need no evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is believed.

    Attributes:
        peak: Height that a candidate must exceed.
        field: Value along a limb that a sample must exceed to agree.
        share: Share of a limb's samples that must agree, exceeded.
        samples: ``adaptive`` = 5 to 25, by length, the far end left out; ``ten`` = always ten, both ends included, and
            limbs longer than half the map's height are worth less.
        parts: Keypoints that a person has at least; feet do not count.
        mean: Sum of the heights of a person's keypoints and limbs, over its number of keypoints, at least.
    """

    peak: float
    field: float = 0.05
    share: float
    samples: Literal["adaptive", "ten"]
    parts: int
    mean: float = 0.4


CPP = Rules(peak=0.05, share=0.95, samples="adaptive", parts=3)
"""As OpenPose has it."""
POSITIVE = Rules(peak=0.02, field=0.01, share=0.75, samples="adaptive", parts=2, mean=0.05)
"""OpenPose's option to maximize positives: more people, more of them wrong."""
PORT = Rules(peak=0.1, share=0.8, samples="ten", parts=4)
"""As the paper's Matlab code and the Python ports have it."""


@dataclass(frozen=True, slots=True, eq=False)
class Joints:
    """Pairs of candidates that may be the ends of one limb.

    Attributes:
        limb: (J,) which limb.
        first: (J,) index of the peak at its first end.
        second: (J,) index of the peak at its second end.
        score: (J,) how much the field agrees, above 0.
    """

    limb: Ints
    first: Ints
    second: Ints
    score: Floats

    def __len__(self) -> int:
        return len(self.limb)

    def __getitem__(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Joints:
        return Joints(self.limb[rows], self.first[rows], self.second[rows], self.score[rows])


def join(
    fields: Fields, peaks: Peaks, limbs: Limbs, rules: Rules, *, ranking: Literal["limbs", "global"] = "limbs"
) -> Ints:
    """People, as the peaks that are theirs.

    Args:
        fields: (H, W, 2 L) float32.
        peaks: Candidates, in px of the fields.
        limbs: What to join.
        rules: What to believe.
        ranking: ``limbs`` = one limb after the other, the best pairs of each (the C++ system on CPUs, the ports);
            ``global`` = the best pairs of all limbs first (the C++ system on GPUs).

    Returns:
        (P, K) indices into the peaks, -1 where a keypoint is missing.
    """
    joints = score_joints(fields, peaks, limbs, rules)
    if ranking == "limbs":
        joints = select_greedily(joints)
    else:
        both = peaks.score[joints.first] + peaks.score[joints.second]
        rank = joints.score + _GLOBAL_PEAK_SHARE * both
        joints = joints[np.lexsort((-rank, limbs.extra[joints.limb]))]
    people, sums = assemble(joints, peaks, limbs)
    count = ((people >= 0) & ~limbs.minor).sum(axis=1)
    keep = (count >= rules.parts) & (sums >= rules.mean * count)
    whole: Ints = people[keep]
    return whole


def score_joints(fields: Fields, peaks: Peaks, limbs: Limbs, rules: Rules) -> Joints:
    """How much the fields agree with every possible limb; those with which they do.

    Args:
        fields: (H, W, 2 L) float32.
        peaks: Candidates, in px of the fields.
        limbs: Which keypoints to pair, and their channels.
        rules: How to look, and what must be seen.
    """
    starts = np.searchsorted(peaks.keypoint, np.arange(len(limbs.minor) + 1))
    counts = np.diff(starts)
    first, second = limbs.ends.T
    pairs = counts[first] * counts[second]
    limb = np.repeat(np.arange(len(pairs)), pairs)
    number = np.arange(len(limb)) - np.repeat(np.cumsum(pairs) - pairs, pairs)  # within its limb
    row, column = np.divmod(number, np.maximum(counts[second], 1)[limb])
    possible = Joints(limb, starts[first][limb] + row, starts[second][limb] + column, np.zeros(len(limb)))
    look = _sample_adaptively if rules.samples == "adaptive" else _sample_ten
    scores = [
        look(fields, peaks.xy[part.first], peaks.xy[part.second], limbs.channels[part.limb], rules)
        for part in (possible[np.arange(at, min(at + _ROWS, len(limb)))] for at in range(0, len(limb), _ROWS))
    ]
    score = np.concatenate(scores) if scores else np.zeros(0)
    return Joints(possible.limb, possible.first, possible.second, score)[score > 0]


def _sample_adaptively(fields: Fields, begin: Floats, end: Floats, channels: Ints, rules: Rules) -> Floats:
    """Scores (J,): the mean of the samples that agree, where enough of them do; a little for ends that almost touch."""
    reach = end - begin
    length = np.hypot(reach[:, 0], reach[:, 1])
    number = np.clip(np.floor(np.sqrt(5 * np.abs(reach).max(axis=1, initial=0)) + 0.5), 5, 25)
    steps = np.arange(25)
    used = steps < number[:, None]
    values = _along(fields, begin, reach, channels, np.minimum(steps / number[:, None], 1))
    agree = used & (values > rules.field)
    count = agree.sum(axis=1)
    mean = (values * agree).sum(axis=1) / np.maximum(count, 1)
    near = length < np.sqrt(fields.shape[0] * fields.shape[1]) / _NEAR_SHARE
    score = np.where(count > rules.share * number, mean, np.where(near, rules.peak + 1e-6, 0))
    return np.where(length > _NO_LENGTH_PX, score, 0)


def _sample_ten(fields: Fields, begin: Floats, end: Floats, channels: Ints, rules: Rules) -> Floats:
    """Scores (J,): the mean of all samples, less for limbs longer than half the height, where enough agree."""
    reach = end - begin
    length = np.hypot(reach[:, 0], reach[:, 1])
    values = _along(fields, begin, reach, channels, np.linspace(0, 1, 10)[None])
    enough = (values > rules.field).sum(axis=1) > rules.share * 10
    score = values.mean(axis=1) + np.minimum(0.5 * fields.shape[0] / np.maximum(length, _NO_LENGTH_PX) - 1, 0)
    return np.where(enough & (length > _NO_LENGTH_PX), score, 0)


def _along(fields: Fields, begin: Floats, reach: Floats, channels: Ints, shares: Floats) -> Floats:
    """The fields' share (J, S) in the limbs' direction, at shares (J or 1, S) of the way from one end to the other."""
    direction = reach / np.maximum(np.hypot(reach[:, :1], reach[:, 1:]), _NO_LENGTH_PX)
    x = np.floor(begin[:, :1] + reach[:, :1] * shares + 0.5).astype(np.intp)
    y = np.floor(begin[:, 1:] + reach[:, 1:] * shares + 0.5).astype(np.intp)
    np.clip(x, 0, fields.shape[1] - 1, out=x)
    np.clip(y, 0, fields.shape[0] - 1, out=y)
    along_x = fields[y, x, channels[:, :1]] * direction[:, :1]
    along: Floats = along_x + fields[y, x, channels[:, 1:]] * direction[:, 1:]
    return along


def select_greedily(joints: Joints) -> Joints:
    """Per limb the best pairs first, each candidate at most once at each end; limbs stay in their order."""
    order = np.lexsort((-joints.score, joints.limb))
    begun: set[tuple[int, int]] = set()
    ended: set[tuple[int, int]] = set()
    keep = []
    for row, limb, first, second in zip(
        order.tolist(),
        joints.limb[order].tolist(),
        joints.first[order].tolist(),
        joints.second[order].tolist(),
        strict=True,
    ):
        if (limb, first) not in begun and (limb, second) not in ended:
            begun.add((limb, first))
            ended.add((limb, second))
            keep.append(row)
    return joints[np.array(keep, np.intp)]


def assemble(joints: Joints, peaks: Peaks, limbs: Limbs) -> tuple[Ints, Floats]:
    """People from limbs, taken in the order given.

    A limb whose ends are both free begins a person (unless it is an extra one), one with an end at a person adds the
    other end where that person has none, and one between two people who have no keypoint in common makes them one.
    A candidate is never at two people.

    Returns:
        (P, K) indices into the peaks, -1 where a keypoint is missing; (P,) the sums of the heights of their keypoints
        and limbs, minor ones left out.
    """
    height = np.where(limbs.minor[peaks.keypoint], 0.0, peaks.score)
    counted = np.asarray(~limbs.minor[limbs.ends].any(axis=1))
    owner = np.full(len(peaks), -1)
    people = np.full((len(joints), len(limbs.minor)), -1, np.intp)  # no more people than limbs
    sums = np.zeros(len(joints))
    begun = 0
    for limb, first, second, score in zip(
        joints.limb.tolist(), joints.first.tolist(), joints.second.tolist(), joints.score.tolist(), strict=True
    ):
        one, other = int(owner[first]), int(owner[second])
        if one < 0 and other < 0:
            if limbs.extra[limb]:
                continue
            one = other = begun
            begun += 1
        elif other >= 0 and one >= 0 and one != other:
            if ((people[one] >= 0) & (people[other] >= 0)).any():
                continue
            owner[people[other][people[other] >= 0]] = one
            people[one] = np.maximum(people[one], people[other])
            people[other] = -1
            sums[one] += sums[other]
        one = max(one, other) if min(one, other) < 0 else one
        if not all(people[one, peaks.keypoint[end]] in (-1, end) for end in (first, second)):
            continue  # the person has that keypoint elsewhere
        for end in (first, second):
            if owner[end] < 0:
                owner[end] = one
                people[one, peaks.keypoint[end]] = end
                sums[one] += height[end]
        sums[one] += score * counted[limb]
    whole = np.flatnonzero((people[:begun] >= 0).any(axis=1))
    return people[whole], sums[whole]
