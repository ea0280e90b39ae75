"""Owns the layouts of the field as data: names in published order, edges, mirrors, sigmas, parts.

Orders follow the projects that published them (COCO, COCO-WholeBody, Halpe, MPII, CrowdPose, AI Challenger, OpenPose,
LaPa, MediaPipe). A joint has the same name in every layout that has it, so that conversions can go by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from holopose.skeletons.skeleton import Skeleton

__all__ = [
    "AIC14",
    "BLAZE543",
    "BLAZEPOSE33",
    "COCO17",
    "CROWDPOSE14",
    "FACE68",
    "FACE106",
    "HALPE26",
    "HALPE136",
    "HAND21",
    "LAYOUTS",
    "MPII16",
    "OPENPOSE18",
    "OPENPOSE25",
    "OPENPOSE60",
    "OPENPOSE67",
    "WHOLEBODY133",
]

_COCO_BODY = [
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
]
_WB_FEET = ["left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel"]
_HALPE_EXTRA = [
    "head_top",
    "neck",
    "mid_hip",
    "left_big_toe",
    "right_big_toe",
    "left_small_toe",
    "right_small_toe",
    "left_heel",
    "right_heel",
]
_HAND = ["wrist", *(f"{finger}_{i}" for finger in ("thumb", "index", "middle", "ring", "pinky") for i in range(1, 5))]
_FACE = [f"face_{i}" for i in range(68)]
_MESH = [f"mesh_{i}" for i in range(468)]
_BLAZE_BODY = [
    "nose",
    "left_eye_inner",
    "left_eye",
    "left_eye_outer",
    "right_eye_inner",
    "right_eye",
    "right_eye_outer",
    "left_ear",
    "right_ear",
    "mouth_left",
    "mouth_right",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_pinky",
    "right_pinky",
    "left_index",
    "right_index",
    "left_thumb",
    "right_thumb",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
    "left_heel",
    "right_heel",
    "left_foot_index",
    "right_foot_index",
]
_OPENPOSE18 = [
    "nose",
    "neck",
    "right_shoulder",
    "right_elbow",
    "right_wrist",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "right_hip",
    "right_knee",
    "right_ankle",
    "left_hip",
    "left_knee",
    "left_ankle",
    "right_eye",
    "left_eye",
    "right_ear",
    "left_ear",
]
_OPENPOSE25 = [
    "nose",
    "neck",
    "right_shoulder",
    "right_elbow",
    "right_wrist",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "mid_hip",
    "right_hip",
    "right_knee",
    "right_ankle",
    "left_hip",
    "left_knee",
    "left_ankle",
    "right_eye",
    "left_eye",
    "right_ear",
    "left_ear",
    "left_big_toe",
    "left_small_toe",
    "left_heel",
    "right_big_toe",
    "right_small_toe",
    "right_heel",
]
_MPII = [
    "right_ankle",
    "right_knee",
    "right_hip",
    "left_hip",
    "left_knee",
    "left_ankle",
    "mid_hip",
    "thorax",
    "upper_neck",
    "head_top",
    "right_wrist",
    "right_elbow",
    "right_shoulder",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
]

_CROWDPOSE = [
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
    "head_top",
    "neck",
]
_AIC = [
    "right_shoulder",
    "right_elbow",
    "right_wrist",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "right_hip",
    "right_knee",
    "right_ankle",
    "left_hip",
    "left_knee",
    "left_ankle",
    "head_top",
    "neck",
]

# OKS constants of the COCO and COCO-WholeBody evaluations.
_BODY_SIGMAS = ".026 .025 .025 .035 .035 .079 .079 .072 .072 .062 .062 .107 .107 .087 .087 .089 .089"  # COCO-17
_FEET_SIGMAS = ".068 .066 .066 .092 .094 .094"
_FACE_SIGMAS = (
    ".042 .043 .044 .043 .040 .035 .031 .025 .020 .023 .029 .032 .037 .038 .043 .041 .045 "
    ".013 .012 .011 .011 .012 .012 .011 .011 .013 .015 .009 .007 .007 .007 .012 .009 .008 .016 .010 .017 .011 .009 "
    ".011 .009 .007 .013 .008 .011 .012 .010 .034 .008 .008 .009 .008 .008 .007 .010 .008 .009 .009 .009 .007 .007 "
    ".008 .011 .008 .008 .008 .010 .008"
)
_HAND_SIGMAS = (
    ".029 .022 .035 .037 .047 .026 .025 .024 .035 .018 .024 .022 .026 .017 .021 .021 .032 .020 .019 .022 .031"
)

_AIC_SIGMAS = (  # the constants of AI Challenger's evaluation
    ".01388152 .01515228 .01057665 .01417709 .01497891 .01402144 .03909642 .03686941 .01981803 .03843971 .03412318 "
    ".02415081 .01291456 .01236173"
)
_CROWDPOSE_SIGMAS = ".079 .079 .072 .072 .062 .062 .107 .107 .087 .087 .089 .089 .079 .079"

_BODY_EDGES = (
    "left_ankle-left_knee left_knee-left_hip right_ankle-right_knee right_knee-right_hip left_hip-right_hip "
    "left_shoulder-left_hip right_shoulder-right_hip left_shoulder-right_shoulder left_shoulder-left_elbow "
    "right_shoulder-right_elbow left_elbow-left_wrist right_elbow-right_wrist left_eye-right_eye nose-left_eye "
    "nose-right_eye left_eye-left_ear right_eye-right_ear left_ear-left_shoulder right_ear-right_shoulder"
)
_FEET_EDGES = (
    "left_ankle-left_big_toe left_ankle-left_small_toe left_ankle-left_heel "
    "right_ankle-right_big_toe right_ankle-right_small_toe right_ankle-right_heel"
)
_NECK_EDGES = "head_top-neck neck-mid_hip neck-left_shoulder neck-right_shoulder mid_hip-left_hip mid_hip-right_hip"
_OPENPOSE_EDGES = (
    "neck-right_shoulder neck-left_shoulder right_shoulder-right_elbow right_elbow-right_wrist "
    "left_shoulder-left_elbow left_elbow-left_wrist right_hip-right_knee right_knee-right_ankle "
    "left_hip-left_knee left_knee-left_ankle neck-nose nose-right_eye right_eye-right_ear "
    "nose-left_eye left_eye-left_ear"
)
_BLAZE_EDGES = (
    "nose-left_eye_inner left_eye_inner-left_eye left_eye-left_eye_outer left_eye_outer-left_ear "
    "nose-right_eye_inner right_eye_inner-right_eye right_eye-right_eye_outer right_eye_outer-right_ear "
    "mouth_left-mouth_right left_shoulder-right_shoulder left_shoulder-left_elbow left_elbow-left_wrist "
    "left_wrist-left_pinky left_wrist-left_index left_wrist-left_thumb left_pinky-left_index "
    "right_shoulder-right_elbow right_elbow-right_wrist right_wrist-right_pinky right_wrist-right_index "
    "right_wrist-right_thumb right_pinky-right_index left_shoulder-left_hip right_shoulder-right_hip "
    "left_hip-right_hip left_hip-left_knee right_hip-right_knee left_knee-left_ankle right_knee-right_ankle "
    "left_ankle-left_heel right_ankle-right_heel left_heel-left_foot_index right_heel-right_foot_index "
    "left_ankle-left_foot_index right_ankle-right_foot_index"
)
_MPII_EDGES = (
    "right_ankle-right_knee right_knee-right_hip right_hip-mid_hip left_hip-mid_hip left_knee-left_hip "
    "left_ankle-left_knee mid_hip-thorax thorax-upper_neck upper_neck-head_top right_wrist-right_elbow "
    "right_elbow-right_shoulder right_shoulder-thorax left_shoulder-thorax "
    "left_elbow-left_shoulder left_wrist-left_elbow"
)

_CROWDPOSE_EDGES = (
    "left_ankle-left_knee left_knee-left_hip right_ankle-right_knee right_knee-right_hip left_hip-right_hip "
    "left_shoulder-left_hip right_shoulder-right_hip left_shoulder-left_elbow right_shoulder-right_elbow "
    "left_elbow-left_wrist right_elbow-right_wrist head_top-neck right_shoulder-neck left_shoulder-neck"
)

# iBUG-68: open lines and closed rings, as (first, last), and the index pairs that mirror.
_FACE_LINES = ((0, 16), (17, 21), (22, 26), (27, 30), (31, 35))
_FACE_RINGS = ((36, 41), (42, 47), (48, 59), (60, 67))
_FACE_MIRROR = (
    *((i, 16 - i) for i in range(8)),
    *((17 + i, 26 - i) for i in range(5)),
    *((31 + i, 35 - i) for i in range(2)),
    *((36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)),
    *((48, 54), (49, 53), (50, 52), (55, 59), (56, 58), (60, 64), (61, 63), (65, 67)),
)
# LaPa's 106 points: outline, brows, bridge and base of the nose, eyes (74 and 83 their middles), lips, pupils.
_FACE106_LINES = ((0, 32), (51, 54), (55, 65))
_FACE106_RINGS = ((33, 41), (42, 50), (66, 73), (75, 82), (84, 95), (96, 103))
_FACE106_MIRROR = (
    *((i, 32 - i) for i in range(16)),
    *((33 + i, 46 - i) for i in range(5)),
    *((38 + i, 50 - i) for i in range(4)),
    *((55 + i, 65 - i) for i in range(5)),
    *((66 + i, 79 - i) for i in range(5)),
    *((71, 82), (72, 81), (73, 80), (74, 83)),
    *((84 + i, 90 - i) for i in range(3)),
    *((91, 95), (92, 94), (96, 100), (97, 99), (101, 103), (104, 105)),
)
# Canonical face mesh, 468 vertices: the 68-point subset in iBUG order (commonly used list).
MESH_TO_FACE68 = (
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,
    71, 63, 105, 66, 107, 336, 296, 334, 293, 301, 168, 197, 5, 4, 75, 97, 2, 326, 305,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
)  # fmt: skip


def _mirror_name(name: str) -> str:
    if "left" in name:
        return name.replace("left", "right")
    return name.replace("right", "left")


def _swaps(names: Sequence[str], pairs: Iterable[tuple[int, int]] = ()) -> tuple[int, ...]:
    """Mirror of each keypoint: by its name's side, or by the index pairs given."""
    index = {name: i for i, name in enumerate(names)}
    swaps = [index.get(_mirror_name(name), i) for i, name in enumerate(names)]
    for a, b in pairs:
        swaps[a], swaps[b] = b, a
    return tuple(swaps)


def _named_edges(names: Sequence[str], text: str) -> list[tuple[int, int]]:
    index = {name: i for i, name in enumerate(names)}
    joined = (edge.split("-") for edge in text.split())
    return [(index[a], index[b]) for a, b in joined if a in index and b in index]


def _hand_edges(offset: int) -> list[tuple[int, int]]:
    bones = ((0 if i == 1 else first + i - 2, first + i - 1) for first in range(1, 21, 4) for i in range(1, 5))
    return [(offset + a, offset + b) for a, b in bones]


def _chains(lines: Iterable[tuple[int, int]], rings: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Edges along open lines and closed rings of consecutive keypoints, each as (first, last)."""
    open_edges = [(i, i + 1) for first, last in lines for i in range(first, last)]
    return open_edges + [(i, i + 1 if i < last else first) for first, last in rings for i in range(first, last + 1)]


def _face_edges(offset: int) -> list[tuple[int, int]]:
    return [(offset + a, offset + b) for a, b in _chains(_FACE_LINES, _FACE_RINGS)]


def _sigmas(*texts: str) -> npt.NDArray[np.float32]:
    return np.array([float(word) for text in texts for word in text.split()], np.float32)


def _sided_hand(side: str) -> list[str]:
    return [f"{side}_hand_{joint}" for joint in _HAND]


def _spans(**sizes: int) -> dict[str, tuple[int, ...]]:
    """Parts that follow one another."""
    parts, start = {}, 0
    for part, size in sizes.items():
        parts[part] = tuple(range(start, start + size))
        start += size
    return parts


def _whole(name: str, body: list[str], body_edges: str, parts: dict[str, tuple[int, ...]], *, sigmas: bool) -> Skeleton:
    """Body (with feet among it) followed by face 68 and both hands."""
    names = [*body, *_FACE, *_sided_hand("left"), *_sided_hand("right")]
    face = len(body)
    mirror = [(face + a, face + b) for a, b in _FACE_MIRROR]
    edges = _named_edges(names, body_edges) + _face_edges(face) + _hand_edges(face + 68) + _hand_edges(face + 89)
    edges += _named_edges(names, "left_wrist-left_hand_wrist right_wrist-right_hand_wrist")
    values = _sigmas(_BODY_SIGMAS, _FEET_SIGMAS, _FACE_SIGMAS, _HAND_SIGMAS, _HAND_SIGMAS) if sigmas else None
    return Skeleton(name, tuple(names), tuple(edges), _swaps(names, mirror), values, parts)


def _body(
    name: str, names: list[str], edges: str, *, feet: int = 0, sigmas: npt.NDArray[np.float32] | None = None
) -> Skeleton:
    """A layout of body joints whose last `feet` keypoints are on the feet."""
    parts = _spans(body=len(names) - feet, **({"feet": feet} if feet else {}))
    return Skeleton(name, tuple(names), tuple(_named_edges(names, edges)), _swaps(names), sigmas, parts)


COCO17 = _body("coco17", list(_COCO_BODY), _BODY_EDGES, sigmas=_sigmas(_BODY_SIGMAS))
WHOLEBODY133 = _whole(
    "wholebody133",
    [*_COCO_BODY, *_WB_FEET],
    f"{_BODY_EDGES} {_FEET_EDGES}",
    _spans(body=17, feet=6, face=68, left_hand=21, right_hand=21),
    sigmas=True,
)
_HALPE_BODY = [*_COCO_BODY, *_HALPE_EXTRA]
HALPE26 = _body("halpe26", _HALPE_BODY, f"{_BODY_EDGES} {_NECK_EDGES} {_FEET_EDGES}", feet=6)
HALPE136 = _whole(
    "halpe136",
    _HALPE_BODY,
    f"{_BODY_EDGES} {_NECK_EDGES} {_FEET_EDGES}",
    _spans(body=20, feet=6, face=68, left_hand=21, right_hand=21),
    sigmas=False,
)
OPENPOSE18 = _body("openpose18", _OPENPOSE18, f"{_OPENPOSE_EDGES} neck-right_hip neck-left_hip")
OPENPOSE25 = _body(
    "openpose25",
    _OPENPOSE25,
    f"{_OPENPOSE_EDGES} neck-mid_hip mid_hip-right_hip mid_hip-left_hip left_ankle-left_big_toe "
    "left_big_toe-left_small_toe left_ankle-left_heel right_ankle-right_big_toe right_big_toe-right_small_toe "
    "right_ankle-right_heel",
    feet=6,
)
MPII16 = _body("mpii16", _MPII, _MPII_EDGES)
CROWDPOSE14 = _body("crowdpose14", _CROWDPOSE, _CROWDPOSE_EDGES, sigmas=_sigmas(_CROWDPOSE_SIGMAS))
AIC14 = _body("aic14", _AIC, _CROWDPOSE_EDGES, sigmas=_sigmas(_AIC_SIGMAS))
FACE68 = Skeleton(
    "face68",
    tuple(_FACE),
    tuple(_face_edges(0)),
    _swaps(_FACE, _FACE_MIRROR),
    _sigmas(_FACE_SIGMAS),
    _spans(face=68),
)
_FACE106 = [f"face106_{i}" for i in range(106)]
FACE106 = Skeleton(
    "face106",
    tuple(_FACE106),
    tuple(_chains(_FACE106_LINES, _FACE106_RINGS)),
    _swaps(_FACE106, _FACE106_MIRROR),
    None,
    _spans(face=106),
)
HAND21 = Skeleton(
    "hand21",
    tuple(f"hand_{joint}" for joint in _HAND),
    tuple(_hand_edges(0)),
    tuple(range(21)),
    _sigmas(_HAND_SIGMAS),
    {"left_hand": tuple(range(21))},
)


def _with_hands(name: str, body: Skeleton) -> Skeleton:
    """A body layout followed by the left and the right hand."""
    names = [*body.keypoints, *_sided_hand("left"), *_sided_hand("right")]
    left, right = len(body), len(body) + 21
    wrists = _named_edges(names, "left_wrist-left_hand_wrist right_wrist-right_hand_wrist")
    edges = (*body.edges, *wrists, *_hand_edges(left), *_hand_edges(right))
    hands = {"left_hand": tuple(range(left, right)), "right_hand": tuple(range(right, right + 21))}
    return Skeleton(name, tuple(names), edges, _swaps(names), None, {**body.parts, **hands})


OPENPOSE60 = _with_hands("openpose60", OPENPOSE18)
OPENPOSE67 = _with_hands("openpose67", OPENPOSE25)
_BLAZE_PARTS = {"body": tuple(range(29)), "feet": (29, 30, 31, 32)}
BLAZEPOSE33 = Skeleton(
    "blazepose33",
    tuple(_BLAZE_BODY),
    tuple(_named_edges(_BLAZE_BODY, _BLAZE_EDGES)),
    _swaps(_BLAZE_BODY),
    None,
    _BLAZE_PARTS,
)
_BLAZE_ALL = [*_BLAZE_BODY, *_MESH, *_sided_hand("left"), *_sided_hand("right")]
BLAZE543 = Skeleton(
    "blaze543",
    tuple(_BLAZE_ALL),
    (
        *_named_edges(_BLAZE_ALL, f"{_BLAZE_EDGES} left_wrist-left_hand_wrist right_wrist-right_hand_wrist"),
        *((33 + MESH_TO_FACE68[a], 33 + MESH_TO_FACE68[b]) for a, b in _face_edges(0)),
        *_hand_edges(501),
        *_hand_edges(522),
    ),
    _swaps(_BLAZE_ALL, [(33 + MESH_TO_FACE68[a], 33 + MESH_TO_FACE68[b]) for a, b in _FACE_MIRROR]),
    None,
    {
        **_BLAZE_PARTS,
        "face": tuple(range(33, 501)),
        "left_hand": tuple(range(501, 522)),
        "right_hand": tuple(range(522, 543)),
    },
)
"""BlazePose 33, face mesh 468 (`mesh_0`...) and both hands as the blaze networks give them.

Mirrors are known for the 68 mesh points of the iBUG subset; the other mesh points stand for themselves.
"""

LAYOUTS: dict[str, Skeleton] = {
    layout.name: layout
    for layout in (
        COCO17,
        WHOLEBODY133,
        HALPE26,
        HALPE136,
        BLAZEPOSE33,
        BLAZE543,
        OPENPOSE18,
        OPENPOSE25,
        OPENPOSE60,
        OPENPOSE67,
        MPII16,
        CROWDPOSE14,
        AIC14,
        FACE68,
        FACE106,
        HAND21,
    )
}
