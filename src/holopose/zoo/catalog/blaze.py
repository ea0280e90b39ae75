"""Owns the cards of the embedded default, the networks of MediaPipe Holistic."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from holopose.skeletons import BLAZEPOSE33, HAND21, Skeleton
from holopose.zoo.cards import Card, Licence, Member, Wheel

if TYPE_CHECKING:
    from holopose.protocols import Estimator

__all__ = ["BLAZE"]


def _blaze() -> type[Estimator]:
    from holopose.models.blaze.estimator import BlazeEstimator

    return BlazeEstimator


_MEDIAPIPE = Wheel(  # every platform's wheel of this version holds the same files; this one is the smallest
    project="mediapipe",
    version="0.10.21",
    filename="mediapipe-0.10.21-cp312-cp312-manylinux_2_28_x86_64.whl",
    sha256="956eb1ebc275c629e61b085b2cab89c3a5b9e93bad1bb107348d98dafb5a4bb5",
    size=35_627_340,
)
_GOOGLE = Licence(
    code="Apache-2.0",
    weights="Apache-2.0 (The MediaPipe Authors)",
    training_data="Google's own, not published (MediaPipe model cards)",
    commercial=True,
)


def _blaze_card(
    path: str,
    sha256: str,
    size: int,
    *,
    role: str,
    side_px: int,
    score: str,
    symmetric: bool = False,
    skeleton: Skeleton | None = None,
    published: str = "",
    notes: str = "",
) -> Card:
    """A network of MediaPipe's wheel: square RGB input, scaled to [-1, 1] (`symmetric`) or [0, 1]."""
    filename = PurePosixPath(path).name
    return Card(
        name=filename.removesuffix(".tflite"),
        filename=filename,
        sha256=sha256,
        size=size,
        places=(Member(_MEDIAPIPE, f"mediapipe/modules/{path}"),),
        licence=_GOOGLE,
        notes=notes,
        model="blaze",
        family=_blaze,
        task="part",
        role=role,
        input_hwc=(side_px, side_px, 3),
        input_range=(-1.0, 1.0) if symmetric else (0.0, 1.0),
        score=score,
        skeleton=skeleton,
        published=published,
    )


_DETECTOR_SCORE = "sigmoid of the raw value, clipped to ±100: how much the anchor looks like one; not calibrated"

BLAZE: tuple[Card, ...] = (
    _blaze_card(
        "pose_detection/pose_detection.tflite",
        "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
        2_959_046,
        role="finds people by their heads: box, mid-hip, and the circle around the body",
        side_px=224,
        symmetric=True,
        score=_DETECTOR_SCORE,
        notes="Misses people whose head is turned away; fires on animals, so a find must be confirmed.",
    ),
    _blaze_card(
        "pose_landmark/pose_landmark_full.tflite",
        "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
        6_440_512,
        role="33 body landmarks of one person, in the picture and in metres around the hips; heatmaps; mask",
        side_px=256,
        skeleton=BLAZEPOSE33,
        score="per landmark, sigmoid of visibility (in view and not hidden) and of presence (inside the picture); "
        "per crop, a probability that a person is there, which also fires on animals",
        published="PCK@0.2 on Google's own Yoga / Dance / HIIT sets: 95.5 / 96.3 / 95.7 (one person)",
        notes="Has no small toes: in the 133 layout they are estimated from heel, foot index and ankle, with half the "
        "score. Its foot index is near the annotated big toe, not the same point. World coordinates are relative to "
        "the person.",
    ),
    _blaze_card(
        "holistic_landmark/hand_recrop.tflite",
        "67d996ce96f9d36fe17d2693022c6da93168026ab2f028f9e2365398d8ac7d5d",
        123_792,
        role="two points that frame a hand, from a rough crop around the wrist",
        side_px=256,
        score="none",
    ),
    _blaze_card(
        "hand_landmark/hand_landmark_full.tflite",
        "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3",
        5_478_917,
        role="21 landmarks of one hand, in the picture and in metres",
        side_px=224,
        skeleton=HAND21,
        score="per crop, a probability that a hand is there; handedness as in a mirrored picture; none per landmark",
        notes="A hand that it does not find though the wrist is in view is estimated from the body's wrist, knuckles "
        "and thumb in the 133 layout: half the score, never marked visible.",
    ),
    _blaze_card(
        "palm_detection/palm_detection_full.tflite",
        "1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54",
        2_339_846,
        role="finds palms without a body: box and 7 points",
        side_px=192,
        score=_DETECTOR_SCORE,
        notes="Comes with the family; hands are looked for from the body, so nothing runs it so far.",
    ),
    _blaze_card(
        "face_detection/face_detection_short_range.tflite",
        "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
        229_714,
        role="finds a face that fills much of the crop: box and 6 points",
        side_px=128,
        symmetric=True,
        score=_DETECTOR_SCORE,
    ),
    _blaze_card(
        "face_detection/face_detection_full_range_sparse.tflite",
        "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
        676_746,
        role="finds small faces: box and 6 points",
        side_px=192,
        symmetric=True,
        score=_DETECTOR_SCORE,
        notes="Comes with the family; faces are looked for from the body, so nothing runs it so far.",
    ),
    _blaze_card(
        "face_landmark/face_landmark.tflite",
        "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
        1_242_398,
        role="468 points of one face",
        side_px=192,
        score="per crop, sigmoid of the raw value: a face is there; none per point",
        notes="The 68 points of the 133 layout are a choice of these; the jaw follows the face's surface, not the "
        "outline seen, so turned faces differ from annotated ones.",
    ),
)
"""The embedded default: MediaPipe's networks, run by holopose for everybody in the picture."""
