"""Owns finding everybody: candidates at several sizes, tried by the landmark network, ghosts and doubles removed.

The network's own flag fires on cats and trucks. What tells people from ghosts is the height of the heatmap peaks under
the landmarks that lie in the picture (`BodyLandmarks.quality`). Who is in doubt by that must show a face where the pose
says it is or, turned away, stand still when the ROI is moved: a ghost's landmarks scatter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from holopose.models.blaze.detector import Candidates, Level, PoseDetector
from holopose.models.blaze.face import FaceFinder
from holopose.models.blaze.landmarks import BodyLandmarks, PoseLandmarker
from holopose.ops.crops import Pyramid
from holopose.ops.rois import normalize_angle

__all__ = ["GHOST", "PLANS", "Plan", "average", "find_again", "find_everybody", "find_one", "is_same_person"]

Floats = npt.NDArray[np.float64]

# COCO's 17 joints and the upper body (face, shoulders) among the landmarks.
_JOINTS = [0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28]
_UPPER = [0, 2, 5, 7, 8, 11, 12]

_LIKELY = 0.38  # detector score from which a place is tried without asking
_PROMISING = 0.70  # sum of detector and face score from which a less likely place is tried
_HOPELESS = 0.40  # quality of a first look under which no second look is worth its time
GHOST = 0.48
"""Quality under which nobody is reported."""

_STEADY = 0.40  # quality less five times the scatter, from which a person without a face may be reported
_SURE = 0.60  # quality from which nobody is doubted
_FACE = 0.55  # score of a face that supports a doubtful person
_FACE_APART = 0.75  # how far, in face sizes, its eyes and nose may lie from the pose's
_PRESENT = 0.5  # mean presence that a doubtful person must have
_PERFECT = 0.75  # quality of a first look that a second would not better
_GOOD = 0.60  # the same, where the second look would be at nearly the same ROI
_TRIES = 2  # places that are looked at for somebody lost
_CLEAR = 0.65  # quality of a person that explains every candidate around it


@dataclass(frozen=True, slots=True)
class Plan:
    """How thoroughly a picture is searched.

    Attributes:
        waves: Looks of the detector over the whole picture, in groups, coarse to fine.
        min_detection: Detector score under which a place is not tried.
        asks_faces: Whether the face detector, five times as quick, says which unlikely places are tried.
        joins: Whether looks that mean the same place are tried once, at their mean; else each is tried.
        min_hint: The next group is looked at only where the detector has scores from here on outside the people found
            so far; None = always.
    """

    waves: tuple[tuple[Level, ...], ...]
    min_detection: float
    asks_faces: bool = True
    joins: bool = True
    min_hint: float | None = 0.02


PLANS: Mapping[str, Plan] = {
    "normal": Plan(((Level(224), Level(373)), (Level(640, 32),)), min_detection=0.2),
    "thorough": Plan(
        (
            (Level(192, 32), Level(224), Level(288), Level(373), Level(480, 64), Level(640, 64)),
            (Level(960), Level(1280)),
        ),
        min_detection=0.2,
        asks_faces=False,
        joins=False,
        min_hint=None,
    ),
}
"""By the name of the search; ``whole`` is `find_one`."""


def find_one(pyramid: Pyramid, detector: PoseDetector, landmarker: PoseLandmarker) -> list[BodyLandmarks]:
    """The one person that MediaPipe's single view finds, by its own rules: best detection, one look, flag over 0.5."""
    candidates = detector.detect_whole(pyramid)
    if not len(candidates):
        return []
    body = landmarker.look(pyramid, candidates.rois[0])
    return [body] if body.flag > 0.5 else []


def find_again(
    pyramid: Pyramid,
    detector: PoseDetector,
    landmarker: PoseLandmarker,
    roi: Floats,
    known: Sequence[BodyLandmarks],
) -> BodyLandmarks | None:
    """Somebody who was lost to sight near a ROI (5,), if they are there and no one of the known.

    The ROI itself is looked at first, then what the detector sees in a square twice as large.
    """
    looks = [landmarker.look(pyramid, roi)]
    if looks[0].quality < GHOST or any(is_same_person(looks[0], body) for body in known):
        near = detector.detect_in(pyramid, roi[:2], 2 * float(roi[2]), min_score=_LIKELY)
        for place, head in zip(near.rois[:_TRIES], near.heads[:_TRIES], strict=True):
            if not any(_explains(body, place, head) for body in known):
                looks += _try(pyramid, landmarker, place, ())
    found = [look for look in looks if look.quality >= GHOST and not any(is_same_person(look, body) for body in known)]
    return max(found, key=lambda look: look.quality, default=None)


def find_everybody(
    pyramid: Pyramid,
    detector: PoseDetector,
    landmarker: PoseLandmarker,
    faces: FaceFinder,
    plan: Plan,
    *,
    known: Sequence[BodyLandmarks] = (),
    waves: int | None = None,
) -> list[BodyLandmarks]:
    """Everybody in the picture, best first, without those who are known already.

    Each candidate's ROI is looked at, then once more from the ROI of its own landmarks. Looks that mean the same person
    are collected and averaged joint by joint, weighted by the heatmap peaks.

    Args:
        pyramid: The picture.
        detector: Finds places.
        landmarker: Looks at them.
        faces: Supports or doubts.
        plan: How thoroughly.
        known: People in this picture who need not be found: those followed from the frame before.
        waves: Only the plan's first so many groups of looks, the coarse ones; None = all.
    """
    people: list[list[BodyLandmarks]] = []  # per person its looks, the best first
    for levels in plan.waves[:waves]:
        candidates = detector.search(
            pyramid, levels, min_score=plan.min_detection, min_hint=plan.min_hint, joins=plan.joins
        )
        for roi, head, score in zip(candidates.rois, candidates.heads, candidates.scores.tolist(), strict=True):
            clear = [*known, *(looks[0] for looks in people if looks[0].quality >= _CLEAR)]
            if any(_explains(body, roi, head) for body in clear):
                continue
            if score < _LIKELY and plan.asks_faces and score + faces.score(pyramid, head) < _PROMISING:
                continue
            for look in _try(pyramid, landmarker, roi, people):
                if not any(is_same_person(look, body) for body in known):
                    _file(look, people)
        seen = [*known, *(looks[0] for looks in people)]
        if plan.min_hint is not None and not _leaves_hints(candidates, seen):
            break
    found: list[BodyLandmarks] = []
    for looks in sorted(people, key=lambda looks: -looks[0].quality):
        body = average(looks)
        if body.quality < GHOST or any(is_same_person(body, other) for other in [*known, *found]):
            continue
        if body.quality >= _SURE or _holds_up(pyramid, landmarker, faces, body):
            found.append(body)
    return found


def _leaves_hints(candidates: Candidates, people: Sequence[BodyLandmarks]) -> bool:
    """Whether the detector saw anything like a head outside the people found."""
    heads = np.concatenate([candidates.heads[:, :2], candidates.hints])
    open_ = np.ones(len(heads), np.bool_)
    for body in people:
        low, high = body.body_xy.min(axis=0), body.body_xy.max(axis=0)
        margin = 0.1 * (high - low).max()
        open_ &= ~((heads > low - margin) & (heads < high + margin)).all(axis=1)
    return bool(open_.any())


def _try(
    pyramid: Pyramid, landmarker: PoseLandmarker, roi: Floats, people: Iterable[list[BodyLandmarks]]
) -> list[BodyLandmarks]:
    """The looks worth keeping of one candidate: none for a ghost."""
    first = landmarker.look(pyramid, roi)
    if first.quality < _HOPELESS:
        return []
    looks = [first]
    known = any(is_same_person(first, one[0]) and one[0].quality > first.quality for one in people)
    settled = first.quality >= _GOOD and _is_close(roi, first.next_roi)
    if first.quality < _PERFECT and not known and not settled:
        looks.append(landmarker.look(pyramid, first.next_roi))
    return looks if max(look.quality for look in looks) >= GHOST else []


def _is_close(roi: Floats, other: Floats) -> bool:
    """Whether two ROIs (5,) are so much alike that a look at one tells what the other would show."""
    turn = normalize_angle(roi[4] - other[4])
    apart = np.linalg.norm(roi[:2] - other[:2])
    return bool(apart < 0.06 * roi[2] and abs(np.log(other[2] / roi[2])) < 0.12 and abs(turn) < 0.15)


def _file(look: BodyLandmarks, people: list[list[BodyLandmarks]]) -> None:
    """Put a look with the person it shows, or start a new person; people and looks stay sorted, best first."""
    for looks in people:
        if is_same_person(look, looks[0]):
            looks.append(look)
            looks.sort(key=lambda one: -one.quality)
            break
    else:
        people.append([look])
    people.sort(key=lambda looks: -looks[0].quality)


def _explains(known: BodyLandmarks, roi: Floats, head: Floats) -> bool:
    """Whether a candidate, ROI and head (5,) each, says what a known person says already."""
    turn = normalize_angle(known.roi[4] - roi[4])
    return bool(
        np.linalg.norm(known.roi[:2] - roi[:2]) < 0.25 * min(known.roi[2], roi[2])
        and abs(np.log(known.roi[2] / roi[2])) < 0.35
        and abs(turn) < 0.6
        and np.linalg.norm(known.xy[_UPPER[:5]].mean(axis=0) - head[:2]) < head[2]
    )


def is_same_person(a: BodyLandmarks, b: BodyLandmarks) -> bool:
    """Whether two looks show one person: most joints agree, or faces and shoulders do (half a person and the whole)."""
    reach = max(float(a.roi[2]), float(b.roi[2]))
    if np.abs(a.xy[[0, 33]] - b.xy[[0, 33]]).max(axis=1).min() > 0.5 * reach:  # nose and hips are somewhere else
        return False
    apart = np.linalg.norm(a.xy[_JOINTS] - b.xy[_JOINTS], axis=1)
    if np.median(apart) < 0.06 * reach:
        return True
    upper = np.linalg.norm(a.xy[_UPPER] - b.xy[_UPPER], axis=1)
    return bool(np.median(upper) < 0.15 * min(_torso(a.xy), _torso(b.xy)))


def _torso(xy: Floats) -> float:
    """Distance from between the shoulders to between the hips, px."""
    return float(np.linalg.norm(xy[[11, 12]].mean(axis=0) - xy[[23, 24]].mean(axis=0)))


def _holds_up(pyramid: Pyramid, landmarker: PoseLandmarker, faces: FaceFinder, body: BodyLandmarks) -> bool:
    """Whether a doubtful person has a face where the pose says so or, failing that, stays put under a moved ROI."""
    if body.presence.mean() < _PRESENT:
        return False
    score, apart = faces.agreement(pyramid, body.body_xy)
    if score >= _FACE and apart <= _FACE_APART:
        return True
    return _is_steady(pyramid, landmarker, body, (body.quality - _STEADY) / 5)


def _is_steady(pyramid: Pyramid, landmarker: PoseLandmarker, body: BodyLandmarks, most: float) -> bool:
    """Whether the landmarks stay when the ROI moves.

    From each of four moved ROIs the median landmark displacement, relative to the person's size, is taken; their mean
    must not be more than `most`. Ghosts are mostly out after the first.
    """
    size = max(float(np.linalg.norm(np.ptp(body.body_xy, axis=0))), 1e-6)
    shift = np.array([0.08 * body.roi[2], 0, 0, 0, 0])
    turn = np.array([0, 0, 0, 0, 0.2])
    smaller, larger = np.array([1, 1, 0.85, 0.85, 1]), np.array([1, 1, 1.2, 1.2, 1])
    moved = (body.roi * smaller, body.roi * larger, body.roi + turn, body.roi + shift)
    left = most * len(moved)
    for roi in moved:
        apart = np.linalg.norm(landmarker.look(pyramid, roi).body_xy - body.body_xy, axis=1)
        left -= float(np.median(apart)) / size
        if left < 0:
            return False
    return True


def average(looks: list[BodyLandmarks]) -> BodyLandmarks:
    """One person from several looks: each landmark the mean weighted by peak^4 and the look's quality."""
    best = looks[0]
    good = [look for look in looks if look.quality >= best.quality - 0.08]
    if len(good) == 1:
        return best
    lead = np.exp(8 * (np.array([look.quality for look in good]) - best.quality))
    weight = np.stack([look.peak for look in good]) ** 4 * lead[:, None] + 1e-6
    weight /= weight.sum(axis=0)
    body = (np.stack([look.body_xy for look in good]) * weight[:, :, None]).sum(axis=0)
    return replace(best, xy=np.concatenate([body, best.xy[len(body) :]]))
