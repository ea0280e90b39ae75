"""Owns the layouts of the field as data: names in published order, edges, mirrors, sigmas, parts.

Orders follow the projects that published them (COCO, COCO-WholeBody, Halpe, MPII, CrowdPose, AI Challenger, OpenPose,
LaPa, MediaPipe). A joint has the same name in every layout that has it, so that conversions can go by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from holopose.skeletons import tables
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
    return [(offset + a, offset + b) for a, b in _chains(tables.FACE_LINES, tables.FACE_RINGS)]


def _sigmas(*texts: str) -> npt.NDArray[np.float32]:
    return np.array([float(word) for text in texts for word in text.split()], np.float32)


def _sided_hand(side: str) -> list[str]:
    return [f"{side}_hand_{joint}" for joint in tables.HAND]


def _spans(**sizes: int) -> dict[str, tuple[int, ...]]:
    """Parts that follow one another."""
    parts, start = {}, 0
    for part, size in sizes.items():
        parts[part] = tuple(range(start, start + size))
        start += size
    return parts


def _whole(name: str, body: list[str], body_edges: str, parts: dict[str, tuple[int, ...]], *, sigmas: bool) -> Skeleton:
    """Body (with feet among it) followed by face 68 and both hands."""
    names = [*body, *tables.FACE, *_sided_hand("left"), *_sided_hand("right")]
    face = len(body)
    mirror = [(face + a, face + b) for a, b in tables.FACE_MIRROR]
    edges = _named_edges(names, body_edges) + _face_edges(face) + _hand_edges(face + 68) + _hand_edges(face + 89)
    edges += _named_edges(names, "left_wrist-left_hand_wrist right_wrist-right_hand_wrist")
    values = (
        _sigmas(tables.BODY_SIGMAS, tables.FEET_SIGMAS, tables.FACE_SIGMAS, tables.HAND_SIGMAS, tables.HAND_SIGMAS)
        if sigmas
        else None
    )
    return Skeleton(name, tuple(names), tuple(edges), _swaps(names, mirror), values, parts)


def _body(
    name: str, names: list[str], edges: str, *, feet: int = 0, sigmas: npt.NDArray[np.float32] | None = None
) -> Skeleton:
    """A layout of body joints whose last `feet` keypoints are on the feet."""
    parts = _spans(body=len(names) - feet, **({"feet": feet} if feet else {}))
    return Skeleton(name, tuple(names), tuple(_named_edges(names, edges)), _swaps(names), sigmas, parts)


COCO17 = _body("coco17", list(tables.COCO_BODY), tables.BODY_EDGES, sigmas=_sigmas(tables.BODY_SIGMAS))
WHOLEBODY133 = _whole(
    "wholebody133",
    [*tables.COCO_BODY, *tables.WB_FEET],
    f"{tables.BODY_EDGES} {tables.FEET_EDGES}",
    _spans(body=17, feet=6, face=68, left_hand=21, right_hand=21),
    sigmas=True,
)
_HALPE_BODY = [*tables.COCO_BODY, *tables.HALPE_EXTRA]
HALPE26 = _body("halpe26", _HALPE_BODY, f"{tables.BODY_EDGES} {tables.NECK_EDGES} {tables.FEET_EDGES}", feet=6)
HALPE136 = _whole(
    "halpe136",
    _HALPE_BODY,
    f"{tables.BODY_EDGES} {tables.NECK_EDGES} {tables.FEET_EDGES}",
    _spans(body=20, feet=6, face=68, left_hand=21, right_hand=21),
    sigmas=False,
)
OPENPOSE18 = _body("openpose18", tables.OPENPOSE18, f"{tables.OPENPOSE_EDGES} neck-right_hip neck-left_hip")
OPENPOSE25 = _body(
    "openpose25",
    tables.OPENPOSE25,
    f"{tables.OPENPOSE_EDGES} neck-mid_hip mid_hip-right_hip mid_hip-left_hip left_ankle-left_big_toe "
    "left_big_toe-left_small_toe left_ankle-left_heel right_ankle-right_big_toe right_big_toe-right_small_toe "
    "right_ankle-right_heel",
    feet=6,
)
MPII16 = _body("mpii16", tables.MPII, tables.MPII_EDGES)
CROWDPOSE14 = _body("crowdpose14", tables.CROWDPOSE, tables.CROWDPOSE_EDGES, sigmas=_sigmas(tables.CROWDPOSE_SIGMAS))
AIC14 = _body("aic14", tables.AIC, tables.CROWDPOSE_EDGES, sigmas=_sigmas(tables.AIC_SIGMAS))
FACE68 = Skeleton(
    "face68",
    tuple(tables.FACE),
    tuple(_face_edges(0)),
    _swaps(tables.FACE, tables.FACE_MIRROR),
    _sigmas(tables.FACE_SIGMAS),
    _spans(face=68),
)
_FACE106 = [f"face106_{i}" for i in range(106)]
FACE106 = Skeleton(
    "face106",
    tuple(_FACE106),
    tuple(_chains(tables.FACE106_LINES, tables.FACE106_RINGS)),
    _swaps(_FACE106, tables.FACE106_MIRROR),
    None,
    _spans(face=106),
)
HAND21 = Skeleton(
    "hand21",
    tuple(f"hand_{joint}" for joint in tables.HAND),
    tuple(_hand_edges(0)),
    tuple(range(21)),
    _sigmas(tables.HAND_SIGMAS),
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
    tuple(tables.BLAZE_BODY),
    tuple(_named_edges(tables.BLAZE_BODY, tables.BLAZE_EDGES)),
    _swaps(tables.BLAZE_BODY),
    None,
    _BLAZE_PARTS,
)
_BLAZE_ALL = [*tables.BLAZE_BODY, *tables.MESH, *_sided_hand("left"), *_sided_hand("right")]
BLAZE543 = Skeleton(
    "blaze543",
    tuple(_BLAZE_ALL),
    (
        *_named_edges(_BLAZE_ALL, f"{tables.BLAZE_EDGES} left_wrist-left_hand_wrist right_wrist-right_hand_wrist"),
        *((33 + tables.MESH_TO_FACE68[a], 33 + tables.MESH_TO_FACE68[b]) for a, b in _face_edges(0)),
        *_hand_edges(501),
        *_hand_edges(522),
    ),
    _swaps(_BLAZE_ALL, [(33 + tables.MESH_TO_FACE68[a], 33 + tables.MESH_TO_FACE68[b]) for a, b in tables.FACE_MIRROR]),
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
