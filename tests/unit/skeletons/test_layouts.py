"""The layouts as data, checked against the published orders written out here a second time."""

from __future__ import annotations

import numpy as np
import pytest

from holopose.skeletons import (
    AIC14,
    BLAZE543,
    BLAZEPOSE33,
    COCO17,
    CROWDPOSE14,
    FACE68,
    FACE106,
    HALPE26,
    HALPE136,
    HAND21,
    LAYOUTS,
    MPII16,
    OPENPOSE18,
    OPENPOSE25,
    OPENPOSE60,
    OPENPOSE67,
    WHOLEBODY133,
    Skeleton,
)
from holopose.skeletons.tables import MESH_TO_FACE68

SIDED = {"L": "left_", "R": "right_"}
SHORT = {"Sho": "shoulder", "Elb": "elbow", "Wri": "wrist", "Ank": "ankle"}


def spelled(text: str) -> tuple[str, ...]:
    """`LBigToe` -> left_big_toe, as OpenPose and Halpe abbreviate."""
    names = []
    for word in text.replace(",", " ").split():
        side = SIDED.get(word[0], "") if word[1].isupper() else ""
        rest = SHORT.get(word[1:], word[1:]) if side else word
        names.append(side + "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(rest)))
    return tuple(names)


COCO = spelled(
    "Nose LEye REye LEar REar LShoulder RShoulder LElbow RElbow LWrist RWrist LHip RHip LKnee RKnee LAnkle RAnkle"
)
HAND = [
    "wrist",
    *("thumb_1", "thumb_2", "thumb_3", "thumb_4"),
    *("index_1", "index_2", "index_3", "index_4"),
    *("middle_1", "middle_2", "middle_3", "middle_4"),
    *("ring_1", "ring_2", "ring_3", "ring_4"),
    *("pinky_1", "pinky_2", "pinky_3", "pinky_4"),
]
FACE = [f"face_{i}" for i in range(68)]
BOTH_HANDS = [f"{side}_hand_{joint}" for side in ("left", "right") for joint in HAND]
BODY_25 = (
    "Nose, Neck, RShoulder, RElbow, RWrist, LShoulder, LElbow, LWrist, MidHip, RHip, RKnee, RAnkle, LHip, LKnee, "
    "LAnkle, REye, LEye, REar, LEar, LBigToe, LSmallToe, LHeel, RBigToe, RSmallToe, RHeel"
)
COCO_18 = "Nose, Neck, RSho, RElb, RWri, LSho, LElb, LWri, RHip, RKnee, RAnk, LHip, LKnee, LAnk, REye, LEye, REar, LEar"
BLAZE = {
    0: "nose", 1: "left_eye_inner", 2: "left_eye", 3: "left_eye_outer", 4: "right_eye_inner", 5: "right_eye",
    6: "right_eye_outer", 7: "left_ear", 8: "right_ear", 9: "mouth_left", 10: "mouth_right",
}  # fmt: skip
BLAZE_PAIRS = {
    11: "shoulder", 13: "elbow", 15: "wrist", 17: "pinky", 19: "index", 21: "thumb", 23: "hip", 25: "knee",
    27: "ankle", 29: "heel", 31: "foot_index",
}  # fmt: skip

ORDERS: list[tuple[Skeleton, tuple[str, ...]]] = [
    (COCO17, COCO),
    (WHOLEBODY133, (*COCO, *spelled("LBigToe LSmallToe LHeel RBigToe RSmallToe RHeel"), *FACE, *BOTH_HANDS)),
    (HALPE26, (*COCO, *spelled("HeadTop Neck MidHip LBigToe RBigToe LSmallToe RSmallToe LHeel RHeel"))),
    (HALPE136, (*HALPE26.keypoints, *FACE, *BOTH_HANDS)),
    (OPENPOSE25, spelled(BODY_25)),
    (OPENPOSE18, spelled(COCO_18)),
    (OPENPOSE67, (*spelled(BODY_25), *BOTH_HANDS)),
    (OPENPOSE60, (*spelled(COCO_18), *BOTH_HANDS)),
    (
        CROWDPOSE14,
        spelled("LShoulder RShoulder LElbow RElbow LWrist RWrist LHip RHip LKnee RKnee LAnkle RAnkle HeadTop Neck"),
    ),
    (AIC14, spelled("RSho RElb RWri LSho LElb LWri RHip RKnee RAnk LHip LKnee LAnk HeadTop Neck")),
    (FACE106, tuple(f"face106_{i}" for i in range(106))),
    (
        MPII16,
        spelled("RAnkle RKnee RHip LHip LKnee LAnkle MidHip Thorax UpperNeck HeadTop RWrist RElbow RShoulder")
        + spelled("LShoulder LElbow LWrist"),
    ),
    (FACE68, tuple(FACE)),
    (HAND21, tuple(f"hand_{joint}" for joint in HAND)),
    (
        BLAZEPOSE33,
        (*BLAZE.values(), *(f"{side}_{joint}" for joint in BLAZE_PAIRS.values() for side in ("left", "right"))),
    ),
    (BLAZE543, (*BLAZEPOSE33.keypoints, *(f"mesh_{i}" for i in range(468)), *BOTH_HANDS)),
]

# COCO-WholeBody's mirror pairs, written out.
BODY_SWAPS = {(i, i + 1) for i in range(1, 17, 2)}
FEET_SWAPS = {(17, 20), (18, 21), (19, 22)}
FACE_SWAPS = {
    (23, 39), (24, 38), (25, 37), (26, 36), (27, 35), (28, 34), (29, 33), (30, 32),
    (40, 49), (41, 48), (42, 47), (43, 46), (44, 45),
    (54, 58), (55, 57),
    (59, 68), (60, 67), (61, 66), (62, 65), (63, 70), (64, 69),
    (71, 77), (72, 76), (73, 75), (78, 82), (79, 81),
    (83, 87), (84, 86), (88, 90),
}  # fmt: skip
HAND_SWAPS = {(i, i + 21) for i in range(91, 112)}
ON_THE_MIDLINE = {0, 31, 50, 51, 52, 53, 56, 74, 80, 85, 89}

# Of the published OKS constants.
SIGMA_SUMS = {"body": 1.138, "feet": 0.480, "face": 1.137, "left_hand": 0.553, "right_hand": 0.553}

BODY_25_PAIRS = (
    "1-8,1-2,1-5,2-3,3-4,5-6,6-7,8-9,9-10,10-11,8-12,12-13,13-14,1-0,0-15,15-17,0-16,16-18,"
    "14-19,19-20,14-21,11-22,22-23,11-24"  # without ear-shoulder, which only the assembly uses
)
COCO_18_PAIRS = "1-2,1-5,2-3,3-4,5-6,6-7,1-8,8-9,9-10,1-11,11-12,12-13,1-0,0-14,14-16,0-15,15-17"


@pytest.mark.parametrize(("skeleton", "names"), ORDERS, ids=[s.name for s, _ in ORDERS])
def test_order(skeleton: Skeleton, names: tuple[str, ...]) -> None:
    assert skeleton.keypoints == names


def test_every_layout_is_in_the_table_under_its_name() -> None:
    assert {name: layout.name for name, layout in LAYOUTS.items()} == {s.name: s.name for s, _ in ORDERS}
    digits = {name: int("".join(c for c in name if c.isdigit())) for name in LAYOUTS}
    assert {name: len(layout) for name, layout in LAYOUTS.items()} == digits


def test_blazepose_odd_is_left() -> None:
    for first, joint in BLAZE_PAIRS.items():
        assert BLAZEPOSE33.index(f"left_{joint}") == first
        assert BLAZEPOSE33.index(f"right_{joint}") == first + 1
        assert first % 2 == 1


def test_mirror_pairs_of_133() -> None:
    pairs = {(a, b) for a, b in enumerate(WHOLEBODY133.swaps) if a < b}
    assert pairs == BODY_SWAPS | FEET_SWAPS | FACE_SWAPS | HAND_SWAPS
    assert {i for i, mirror in enumerate(WHOLEBODY133.swaps) if i == mirror} == ON_THE_MIDLINE
    assert 2 * len(pairs) + len(ON_THE_MIDLINE) == 133


@pytest.mark.parametrize("skeleton", LAYOUTS.values(), ids=lambda s: s.name)
def test_mirrors_swap_the_words_left_and_right(skeleton: Skeleton) -> None:
    for name, mirror in zip(skeleton.keypoints, skeleton.swaps, strict=True):
        swapped = name.replace("left", "#").replace("right", "left").replace("#", "right")
        if not name.startswith(("face_", "face106_", "mesh_")):
            assert skeleton.keypoints[mirror] == swapped


def test_face_mirrors_agree_between_layouts() -> None:
    for skeleton in (WHOLEBODY133, HALPE136):
        first = skeleton.index("face_0")
        assert [m - first for m in skeleton.swaps[first : first + 68]] == list(FACE68.swaps)
    mesh = [BLAZE543.swaps[33 + v] - 33 for v in MESH_TO_FACE68]
    assert mesh == [MESH_TO_FACE68[m] for m in FACE68.swaps]


def test_parts_of_133() -> None:
    spans = {"body": (0, 17), "feet": (17, 23), "face": (23, 91), "left_hand": (91, 112), "right_hand": (112, 133)}
    assert {part: (members[0], members[-1] + 1) for part, members in WHOLEBODY133.parts.items()} == spans


@pytest.mark.parametrize("skeleton", LAYOUTS.values(), ids=lambda s: s.name)
def test_parts_hold_what_their_names_say(skeleton: Skeleton) -> None:
    for name, part in zip(skeleton.keypoints, skeleton.part_of(), strict=True):
        if "hand_" in name and skeleton is not HAND21:
            assert part == f"{name.split('_')[0]}_hand"
        elif name.startswith(("face_", "face106_", "mesh_")):
            assert part == "face"
        elif "toe" in name or "foot" in name or "heel" in name:
            assert part == "feet"
        elif skeleton is not HAND21:
            assert part == "body"


def test_sigmas() -> None:
    sigmas = WHOLEBODY133.sigmas
    assert sigmas is not None
    known = {
        "nose": 0.026, "left_hip": 0.107, "right_ankle": 0.089, "left_big_toe": 0.068, "right_small_toe": 0.094,
        "right_heel": 0.094, "left_heel": 0.066, "right_big_toe": 0.092, "face_0": 0.042, "face_16": 0.045,
        "face_17": 0.013, "face_30": 0.007, "face_36": 0.017, "face_47": 0.034, "face_67": 0.008,
        "left_hand_wrist": 0.029, "left_hand_thumb_4": 0.047, "right_hand_pinky_4": 0.031,
    }  # fmt: skip
    for name, value in known.items():
        assert sigmas[WHOLEBODY133.index(name)] == np.float32(value), name
    assert sigmas.shape == (133,)
    sums = {part: float(sigmas[list(members)].sum()) for part, members in WHOLEBODY133.parts.items()}
    assert sums == pytest.approx(SIGMA_SUMS)
    assert np.array_equal(sigmas[:17], COCO17.sigmas)
    assert np.array_equal(sigmas[23:91], FACE68.sigmas)
    assert np.array_equal(sigmas[91:112], HAND21.sigmas)
    assert {name for name, layout in LAYOUTS.items() if layout.sigmas is None} == set(LAYOUTS) - {
        "coco17",
        "wholebody133",
        "face68",
        "hand21",
        "crowdpose14",
        "aic14",
    }
    of = dict(zip(CROWDPOSE14.keypoints, CROWDPOSE14.sigmas.tolist(), strict=True))
    ours = {name: sigma for name, sigma in zip(COCO17.keypoints, COCO17.sigmas, strict=True) if name in of}
    assert {name: np.float32(of[name]) for name in ours} == ours  # CrowdPose took COCO's
    assert of["head_top"] == of["neck"] == np.float32(0.079)
    assert AIC14.sigmas[AIC14.index("right_hip")] == np.float32(0.03909642)


def test_mirror_pairs_of_106() -> None:
    """The mirrors of LaPa's points lie opposite: outline and brows from outside in, eyes, nose, lips, pupils."""
    pairs = {(a, b) for a, b in enumerate(FACE106.swaps) if a < b}
    brows = {(33, 46), (34, 45), (35, 44), (36, 43), (37, 42), (38, 50), (39, 49), (40, 48), (41, 47)}
    eyes = {(66, 79), (67, 78), (68, 77), (69, 76), (70, 75), (71, 82), (72, 81), (73, 80), (74, 83), (104, 105)}
    nose = {(55, 65), (56, 64), (57, 63), (58, 62), (59, 61)}
    lips = {(84, 90), (85, 89), (86, 88), (91, 95), (92, 94), (96, 100), (97, 99), (101, 103)}
    assert pairs == {(i, 32 - i) for i in range(16)} | brows | eyes | nose | lips
    alone = {i for i, mirror in enumerate(FACE106.swaps) if i == mirror}
    assert alone == {16, 51, 52, 53, 54, 60, 87, 93, 98, 102}


@pytest.mark.parametrize("skeleton", [COCO17, WHOLEBODY133], ids=lambda s: s.name)
def test_sigmas_are_about_as_large_on_both_sides(skeleton: Skeleton) -> None:
    assert skeleton.sigmas is not None
    mirrored = skeleton.sigmas[list(skeleton.swaps)]
    assert np.abs(mirrored - skeleton.sigmas).max() < 0.03


@pytest.mark.parametrize(("skeleton", "pairs"), [(OPENPOSE25, BODY_25_PAIRS), (OPENPOSE18, COCO_18_PAIRS)])
def test_openpose_bones(skeleton: Skeleton, pairs: str) -> None:
    published = {frozenset(map(int, pair.split("-"))) for pair in pairs.split(",")}
    assert {frozenset(edge) for edge in skeleton.edges} == published


@pytest.mark.parametrize("skeleton", LAYOUTS.values(), ids=lambda s: s.name)
def test_bones_are_listed_once_and_mirror(skeleton: Skeleton) -> None:
    bones = [frozenset(edge) for edge in skeleton.edges]
    assert len(set(bones)) == len(bones)
    assert all(len(bone) == 2 for bone in bones)
    lines = {frozenset(("left_eye", "right_eye"))}
    for bone in bones:
        mirrored = frozenset(skeleton.swaps[i] for i in bone)
        assert mirrored in set(bones) or {skeleton.keypoints[i] for i in bone} in lines


@pytest.mark.parametrize("skeleton", LAYOUTS.values(), ids=lambda s: s.name)
def test_every_keypoint_is_on_a_bone(skeleton: Skeleton) -> None:
    joined = {skeleton.keypoints[i] for edge in skeleton.edges for i in edge}
    alone = {name for name in skeleton.keypoints if name not in joined and not name.startswith("mesh_")}
    middles = {"face106_74", "face106_83", "face106_104", "face106_105"}  # of eyes and pupils
    assert alone == (middles if skeleton == FACE106 else set())


@pytest.mark.parametrize("skeleton", [WHOLEBODY133, HALPE136, BLAZE543, OPENPOSE67], ids=lambda s: s.name)
@pytest.mark.parametrize("side", ["left", "right"])
def test_hands_hang_on_their_wrists(skeleton: Skeleton, side: str) -> None:
    wrist, root = skeleton.index(f"{side}_wrist"), skeleton.index(f"{side}_hand_wrist")
    assert (wrist, root) in skeleton.edges
    fingers = {frozenset((a - root, b - root)) for a, b in skeleton.edges if root <= a < root + 21}
    chains = {frozenset((0 if j == 0 else 4 * f + j, 4 * f + j + 1)) for f in range(5) for j in range(4)}
    assert fingers == chains
    assert sum(root in edge for edge in skeleton.edges) == 6  # five fingers and the wrist


def test_mesh_subset() -> None:
    assert len(MESH_TO_FACE68) == len(set(MESH_TO_FACE68)) == 68
    first_of = {
        0: 162,
        8: 152,
        17: 71,
        26: 301,
        27: 168,
        30: 4,
        33: 2,
        36: 33,
        42: 362,
        48: 61,
        54: 291,
        57: 17,
        67: 87,
    }
    assert {i: MESH_TO_FACE68[i] for i in first_of} == first_of
