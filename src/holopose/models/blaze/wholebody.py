"""Owns putting a person together: body, face and hands as one row of Poses, in the native layout and in others.

Scores are meant to be comparable between parts: each is an estimate of the keypoint similarity (the term of OKS) that a
person would find against careful labels, from what the networks say of themselves. A score never moves a coordinate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from holopose.models.blaze.face import Face
from holopose.models.blaze.hands import Hand
from holopose.models.blaze.landmarks import BODY, BodyLandmarks
from holopose.skeletons import BLAZE543, Skeleton
from holopose.skeletons.conversions import convert
from holopose.types import Boxes, Poses

__all__ = ["SCORE", "Person", "assemble", "person_score"]

Floats = npt.NDArray[np.float64]
Float32s = npt.NDArray[np.float32]

SCORE = (
    "Expected keypoint similarity (OKS term), 0 to 1, comparable between parts. Body: from the height of the "
    "landmark's heatmap peak, its visibility and the person's score; outside the picture at most 0.2. Face: the mesh's "
    "probability times the face detector's score. Hand: the hand's presence times 0.85. Small toes, and a hand that "
    "was not found though its wrist is in view, are estimated from neighbouring landmarks: half of their lowest score, "
    "never marked visible. Person: mean height of the heatmap peaks in the picture, 0 = like a ghost's, 1 = best seen."
)
"""What the scores mean, for result files and `holopose models`."""

_FACE_AT, _LEFT_AT, _RIGHT_AT = 33, 501, 522
_HAND_FACTOR = 0.85
_ESTIMATED = 0.5  # factor on the score of what geometry gives
_OUTSIDE = 0.2  # highest score of a body landmark outside the picture
_TOE_ALONG, _TOE_ASIDE = 0.83, 0.2  # where the small toe lies, in lengths of heel to big toe

# A hand that was not found, from the body's wrist, pinky knuckle, index knuckle and thumb: the other knuckles lie
# between the two known ones, the fingers go on from them in the direction of the palm, half closed.
_THUMB = (0.35, 0.7, 1.0, 1.25)  # of the way from the wrist to the thumb
_FINGER = (0.0, 0.25, 0.35, 0.4)  # beyond the knuckle, in palm lengths
_SPREAD = (0.0, 1 / 3, 2 / 3, 1.0)  # of the way from the index to the pinky knuckle


def _hand_weights() -> Floats:
    """(21, 4): each joint of an estimated hand as a mix of wrist, pinky knuckle, index knuckle and thumb."""
    wrist, pinky, index, thumb = np.eye(4)
    rows = [wrist, *(wrist + along * (thumb - wrist) for along in _THUMB)]
    for across in _SPREAD:
        knuckle = index + across * (pinky - index)
        rows += [knuckle + beyond * (knuckle - wrist) for beyond in _FINGER]
    return np.stack(rows)


_HAND_WEIGHTS = _hand_weights()


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """What the networks found of one person."""

    body: BodyLandmarks
    face: Face | None = None
    left_hand: Hand | None = None
    right_hand: Hand | None = None


def person_score(quality: float) -> float:
    """The person's score from the mean heatmap peak: 0.4 is what ghosts reach, 0.8 the best seen people."""
    return float(np.clip((quality - 0.4) / 0.4, 0, 1))


def assemble(people: Sequence[Person], size_wh: tuple[int, int], layout: Skeleton, *, native: bool = False) -> Poses:
    """People as Poses in a layout.

    Args:
        people: As found, best first.
        size_wh: Of the picture, px.
        layout: Any layout; `BLAZE543` holds everything that the networks gave.
        native: Keep the native layout beside it.
    """
    if not people:
        return Poses.empty(layout)
    count = len(people)
    xy = np.full((count, len(BLAZE543), 2), np.nan, np.float32)
    z = np.full((count, len(BLAZE543)), np.nan, np.float32)
    score = np.zeros((count, len(BLAZE543)), np.float32)
    visible = np.zeros((count, len(BLAZE543)), np.bool_)
    world = np.full((count, len(BLAZE543), 3), np.nan, np.float32)
    for row, person in enumerate(people):
        body = person.body
        xy[row, :BODY], z[row, :BODY], world[row, :BODY] = body.body_xy, body.z, body.world
        score[row, :BODY] = _body_scores(body, size_wh)
        visible[row, :BODY] = (body.visibility > 0.5) & _inside(body.body_xy, size_wh)
        if person.face is not None:
            part = slice(_FACE_AT, _LEFT_AT)
            xy[row, part], z[row, part] = person.face.xy, person.face.z
            score[row, part] = min(person.face.probability * person.face.detection, 1.0)
            visible[row, part] = _inside(person.face.xy, size_wh)
        for start, hand in ((_LEFT_AT, person.left_hand), (_RIGHT_AT, person.right_hand)):
            if hand is not None:
                part = slice(start, start + 21)
                xy[row, part], z[row, part] = hand.xy, hand.z
                score[row, part] = hand.presence * _HAND_FACTOR
                visible[row, part] = (hand.presence > 0.5) & _inside(hand.xy, size_wh)
    boxes = _boxes(xy, score, [person_score(person.body.quality) for person in people], size_wh)
    own = Poses(xy, score, boxes, BLAZE543, visible=visible, world=world)
    poses = _complete(convert(own, layout), own, z) if layout != BLAZE543 else own
    return poses.replace(native=own) if native else poses


def _inside(xy: Floats, size_wh: tuple[int, int]) -> npt.NDArray[np.bool_]:
    in_range = (xy >= -0.5) & (xy < np.array(size_wh) - 0.5)
    return np.asarray(in_range.all(axis=-1))


def _body_scores(body: BodyLandmarks, size_wh: tuple[int, int]) -> Floats:
    """Scores (33,) of the body landmarks.

    The similarity measured against labels grows with the peak to about 0.65 and is flat from there; it is lower in
    people that are poorly seen as a whole, and in landmarks that the network thinks hidden.
    """
    reach = np.clip(body.peak / 0.65, 0, 1)
    seen = 0.6 + 0.4 * body.visibility
    whole = 0.6 + 0.4 * person_score(body.quality)
    score = np.clip(reach * seen * whole, 0.02, 1)
    limited: Floats = np.where(_inside(body.body_xy, size_wh), score, np.minimum(score, _OUTSIDE))
    return limited


def _boxes(xy: Float32s, score: Float32s, people: Sequence[float], size_wh: tuple[int, int]) -> Boxes:
    """Boxes around the keypoints that lie in the picture, a little wider than they, and person scores."""
    inside = _inside(np.nan_to_num(xy, nan=-1e6), size_wh)[:, :, None]
    low = np.where(inside, xy, np.inf).min(axis=1)
    high = np.where(inside, xy, -np.inf).max(axis=1)
    empty = ~np.isfinite(low).all(axis=1)
    low[empty], high[empty] = 0, 0
    margin = 0.05 * (high - low).max(axis=1, keepdims=True)
    limit = np.array(size_wh, np.float32) - 1
    xyxy = np.concatenate([np.clip(low - margin, 0, limit), np.clip(high + margin, 0, limit)], axis=1)
    return Boxes(xyxy, np.array(people, np.float32))


def _complete(poses: Poses, own: Poses, z: Float32s) -> Poses:
    """Add what the conversion by name leaves missing and geometry gives, where the layout has it."""
    xy, score = poses.xy.copy(), poses.score.copy()
    for side in ("left", "right"):
        if f"{side}_small_toe" in poses.skeleton:
            k = poses.skeleton.index(f"{side}_small_toe")
            xy[:, k], score[:, k] = _small_toe(own, z, side)
        if f"{side}_hand_wrist" in poses.skeleton:
            _estimate_hand(poses.skeleton, own, side, xy, score)
    return poses.replace(xy=xy, score=score)


def _small_toe(own: Poses, z: Float32s, side: str) -> tuple[Float32s, Float32s]:
    """Small toes (N, 2) px and scores (N,) from heel, big toe and ankle.

    The foot's own axes, in px with the networks' depth: forward from heel to big toe, up from heel to ankle, and aside
    at right angles to both, outwards. The depth of feet is rough, so the step aside is measured by the foot's length
    in the picture.
    """
    heel, toe, ankle = (
        np.concatenate([own.xy[:, k], z[:, k, None]], axis=1)
        for k in (own.skeleton.index(f"{side}_{name}") for name in ("heel", "foot_index", "ankle"))
    )
    forward, up = toe - heel, ankle - heel
    aside = np.cross(forward, up) if side == "right" else np.cross(up, forward)
    length = np.linalg.norm(forward[:, :2], axis=1, keepdims=True)
    aside *= length / np.maximum(np.linalg.norm(aside, axis=1, keepdims=True), 1e-6)
    point = heel + _TOE_ALONG * forward + _TOE_ASIDE * aside
    lowest = np.minimum(own[f"{side}_heel"][:, 2], own[f"{side}_foot_index"][:, 2])
    return point[:, :2].astype(np.float32), (_ESTIMATED * lowest).astype(np.float32)


def _estimate_hand(layout: Skeleton, own: Poses, side: str, xy: Float32s, score: Float32s) -> None:
    """Where a hand was not found but its wrist is in view: root, knuckles and half-closed fingers from the body."""
    sources = [own.skeleton.index(f"{side}_{name}") for name in ("wrist", "pinky", "index", "thumb")]
    first = layout.index(f"{side}_hand_wrist")
    assert own.visible is not None
    rows = (own.score[:, own.skeleton.index(f"{side}_hand_wrist")] == 0) & own.visible[:, sources[0]]
    xy[rows, first : first + 21] = np.einsum("js,nsd->njd", _HAND_WEIGHTS, own.xy[rows][:, sources])
    score[rows, first : first + 21] = _ESTIMATED * own.score[rows][:, sources].min(axis=1, keepdims=True)
