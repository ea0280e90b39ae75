"""Owns the suppression of people found twice, told by their poses and not by their boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from holopose.ops.oks import similarity
from holopose.skeletons import COCO17
from holopose.skeletons.conversions import convert, missing_after
from holopose.skeletons.skeleton import Skeleton
from holopose.types import Poses

__all__ = ["Rule", "is_comparable", "keep_by_oks", "likeness", "merge_parametric", "suppress", "survivors"]

Rule = Literal["oks", "parametric", "none"]
Floats = npt.NDArray[np.float64]

_SAME = 0.9  # similarity above which mmpose takes two poses for one
_PADDING = 1.25  # of the boxes whose area that similarity is measured by
_FEWEST = 3  # keypoints that two poses must have in common to be compared


def keep_by_oks(xy: npt.NDArray[np.floating], score: Floats, area: Floats, sigmas: Floats, most: float) -> list[int]:
    """Indices of the poses that are kept, best first: each that is not more than `most` similar to a better one.

    mmpose's rule: similarity over all keypoints, with the mean of both areas.

    Args:
        xy: (N, K, 2) px, NaN where missing; such points do not count.
        score: (N,) of the people.
        area: (N,) px².
        sigmas: (K,).
        most: Largest similarity of two that are kept.
    """
    order = np.argsort(-score, kind="stable")
    known = np.isfinite(xy[order]).all(axis=2).astype(np.float64)
    filled = np.nan_to_num(xy[order].astype(np.float64))
    area = area[order]
    waiting = np.arange(len(order))
    kept: list[int] = []
    while len(waiting):  # one row at a time: all pairs of a crowd with all their keypoints would take gigabytes
        best, waiting = waiting[0], waiting[1:]
        kept.append(int(order[best]))
        [alike] = similarity(
            filled[best : best + 1],
            filled[waiting],
            weight=(known[best] * known[waiting])[None],
            size_px=np.sqrt(np.maximum((area[best] + area[waiting]) / 2, 1.0))[None],
            sigmas=sigmas,
        )
        waiting = waiting[alike <= most]
    return kept


def is_comparable(skeleton: Skeleton) -> bool:
    """Whether people of this layout have body keypoints by which `likeness` tells them apart."""
    return len(COCO17) - len(missing_after(skeleton, COCO17)) >= _FEWEST


def likeness(poses: Poses, others: Poses) -> Floats:
    """How alike people of any two layouts lie, (N, M) in [0, 1]: similarity over the body keypoints that both have.

    A keypoint counts by the product of its two scores, so what one of them only guesses says little. The size is that
    of the mean of both boxes' areas. With fewer than three keypoints in common it is 0.
    """
    one, other = convert(poses, COCO17), convert(others, COCO17)
    weight = one.score.astype(np.float64)[:, None] * other.score.astype(np.float64)[None]
    size = np.sqrt(np.maximum((_areas(one)[:, None] + _areas(other)[None]) / 2, 1.0))
    sigmas = COCO17.sigmas
    assert sigmas is not None
    filled = [np.nan_to_num(people.xy.astype(np.float64)) for people in (one, other)]
    alike = similarity(filled[0], filled[1], weight=weight, size_px=size, sigmas=sigmas.astype(np.float64))
    alike[(weight > 0).sum(axis=2) < _FEWEST] = 0
    return alike


def suppress(poses: Poses, rule: Rule = "oks", *, most: float = _SAME) -> Poses:
    """People sorted best first, without those who are another one again.

    Args:
        poses: Anybody, with the scores of people in their boxes.
        rule: ``oks`` is `keep_by_oks`, by `likeness` where nobody published the layout's sigmas; ``parametric`` is
            `merge_parametric`; ``none`` only sorts.
        most: Largest similarity of two that ``oks`` keeps.
    """
    return survivors(poses, rule, most=most)[1]


def survivors(poses: Poses, rule: Rule = "oks", *, most: float = _SAME) -> tuple[list[int], Poses]:
    """`suppress`, and the row that each of those who stay had before."""
    score = poses.boxes.score.astype(np.float64)
    kept = np.argsort(-score, kind="stable").tolist()
    if rule == "parametric":
        return merge_parametric(poses)
    if rule == "oks" and len(poses) > 1:
        sigmas = poses.skeleton.sigmas
        if sigmas is not None:
            kept = keep_by_oks(poses.xy, score, _areas(poses) * _PADDING**2, sigmas.astype(np.float64), most)
        elif is_comparable(poses.skeleton):
            kept = _keep_by_likeness(poses, kept, most)
    return kept, poses if kept == list(range(len(poses))) else poses[kept]


def _keep_by_likeness(poses: Poses, order: list[int], most: float) -> list[int]:
    alike = likeness(poses, poses)
    kept: list[int] = []
    for i in order:
        if not kept or alike[i, kept].max() <= most:
            kept.append(i)
    return kept


def _areas(poses: Poses) -> Floats:
    """(N,) px² of the boxes."""
    sides = poses.boxes.xyxy[:, 2:] - poses.boxes.xyxy[:, :2]
    return np.asarray(sides.astype(np.float64).prod(axis=1))


# Parametric pose NMS -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Parametric:
    """Constants of parametric pose NMS, as AlphaPose published them.

    Attributes:
        alpha: Reach of a keypoint as a share of the box's longer side.
        mu: Weight of nearness beside agreement in score.
        fade: How many reaches apart nearness has fallen to 1/e (delta 2).
        most: Similarity above which two are one person (gamma).
        matches: Or so many keypoints within reach of each other.
        least: Somebody without any keypoint of this score is nobody.
    """

    alpha: float
    mu: float
    fade: float
    most: float
    matches: int
    least: float


_HEATMAP = _Parametric(alpha=0.1, mu=1.7, fade=2.65, most=22.48, matches=5, least=0.3)
_REGRESSION = _Parametric(alpha=0.15, mu=1.65, fade=8.0, most=3.6, matches=3, least=0.01)
_SOFT = 1.0  # score at which agreement in score counts tanh(1) (delta 1)
_REACH_PX = 7.0  # the reach within which keypoints match is never more
_MERGE_PX = 15.0  # nor that within which they are averaged
_FACE, _HANDS = 1.9, 0.55  # weight of face and hands beside the body
_HAND_SCORE, _HAND_NEARNESS = 0.1, 1.5  # of agreement in score and of nearness within hands


def merge_parametric(poses: Poses) -> tuple[list[int], Poses]:
    """People sorted best first, each merged with those who are the same person again; and the row each had.

    Parametric pose NMS (Fang, Xie, Tai, Lu: RMPE, ICCV 2017) with the constants of AlphaPose. Going from the best
    person down, with d the distance of two keypoints in reaches (alpha times the longer side of the better one's box,
    at most 7 px): a keypoint agrees by tanh(s) tanh(s') where d <= 1 and is near by exp(-d / delta2). Two are one
    person when the similarity, agreement + mu * nearness, is above gamma, or enough keypoints have d <= 1. Whoever
    stays gets the mean, weighted by score, of all that is his within the reach (at most 15 px), scores alike.

    Layouts of the body (``heatmap`` constants) sum over keypoints. Layouts with a face or hands (``regression``
    constants) take the mean over each of body, face and both hands and sum these three with the weights 1, 1.9 and
    0.55: the reading under which their gamma of 3.6 lies in the midst of what the similarity can be.
    """
    constants = _REGRESSION if {"face", "left_hand", "right_hand"} & set(poses.skeleton.parts) else _HEATMAP
    agreeing, nearing = _weights(poses.skeleton)
    xy, score = poses.xy.astype(np.float64), poses.score.astype(np.float64)
    soft = np.tanh(score / _SOFT)
    sides = poses.boxes.xyxy[:, 2:] - poses.boxes.xyxy[:, :2]
    reach = np.maximum(constants.alpha * sides.max(axis=1, initial=0).astype(np.float64), 1.0)
    merged_xy, merged_score = poses.xy.copy(), poses.score.copy()
    left = np.argsort(-poses.boxes.score.astype(np.float64), kind="stable")
    kept: list[int] = []
    while len(left):
        best = int(left[0])
        apart = np.linalg.norm(xy[left] - xy[best], axis=2)
        apart[np.isnan(apart)] = np.inf
        near = apart / min(reach[best], _REACH_PX)
        alike = (soft[left] * soft[best] * (near <= 1)) @ agreeing
        alike += constants.mu * (np.exp(-near / constants.fade) @ nearing)
        same = (alike > constants.most) | ((near <= 1).sum(axis=1) >= constants.matches)
        same[0] = True
        weight = score[left[same]] * (apart[same] <= min(reach[best], _MERGE_PX))
        total = weight.sum(axis=0)
        seen = total > 0
        shares = weight[:, seen] / total[seen]
        merged_xy[best, seen] = np.einsum("nk,nkd->kd", shares, np.nan_to_num(xy[left[same]][:, seen]))
        merged_score[best, seen] = (shares * score[left[same]][:, seen]).sum(axis=0)
        if merged_score[best].max(initial=0) >= constants.least:
            kept.append(best)
        left = left[~same]
    rows = np.array(kept, np.intp)
    return kept, poses[rows].replace(xy=merged_xy[rows], score=np.clip(merged_score[rows], 0, 1))


def _weights(skeleton: Skeleton) -> tuple[Floats, Floats]:
    """What each keypoint's agreement in score, and its nearness, counts: (K,) each."""
    part = np.array(skeleton.part_of())
    face, hands = part == "face", np.isin(part, ("left_hand", "right_hand"))
    agreeing, nearing = np.ones(len(part)), np.ones(len(part))
    if face.any() or hands.any():
        for rows, weight in ((~(face | hands), 1.0), (face, _FACE), (hands, _HANDS)):
            agreeing[rows] = nearing[rows] = weight / max(rows.sum(), 1)
        agreeing[hands] *= _HAND_SCORE
        nearing[hands] *= _HAND_NEARNESS
    return agreeing, nearing
