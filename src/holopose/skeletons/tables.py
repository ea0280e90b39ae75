"""Owns the raw tables that layouts are made of: names in published order, sigmas, edges, mirrors.

Edges are pairs of names, joined by dashes; what a layout lacks it leaves out.
"""

from __future__ import annotations

COCO_BODY = [
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
WB_FEET = ["left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel"]
HALPE_EXTRA = [
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
HAND = ["wrist", *(f"{finger}_{i}" for finger in ("thumb", "index", "middle", "ring", "pinky") for i in range(1, 5))]
FACE = [f"face_{i}" for i in range(68)]
MESH = [f"mesh_{i}" for i in range(468)]
BLAZE_BODY = [
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
OPENPOSE18 = [
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
OPENPOSE25 = [
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
MPII = [
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

CROWDPOSE = [
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
AIC = [
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
BODY_SIGMAS = ".026 .025 .025 .035 .035 .079 .079 .072 .072 .062 .062 .107 .107 .087 .087 .089 .089"  # COCO-17
FEET_SIGMAS = ".068 .066 .066 .092 .094 .094"
FACE_SIGMAS = (
    ".042 .043 .044 .043 .040 .035 .031 .025 .020 .023 .029 .032 .037 .038 .043 .041 .045 "
    ".013 .012 .011 .011 .012 .012 .011 .011 .013 .015 .009 .007 .007 .007 .012 .009 .008 .016 .010 .017 .011 .009 "
    ".011 .009 .007 .013 .008 .011 .012 .010 .034 .008 .008 .009 .008 .008 .007 .010 .008 .009 .009 .009 .007 .007 "
    ".008 .011 .008 .008 .008 .010 .008"
)
HAND_SIGMAS = ".029 .022 .035 .037 .047 .026 .025 .024 .035 .018 .024 .022 .026 .017 .021 .021 .032 .020 .019 .022 .031"

AIC_SIGMAS = (  # the constants of AI Challenger's evaluation
    ".01388152 .01515228 .01057665 .01417709 .01497891 .01402144 .03909642 .03686941 .01981803 .03843971 .03412318 "
    ".02415081 .01291456 .01236173"
)
CROWDPOSE_SIGMAS = ".079 .079 .072 .072 .062 .062 .107 .107 .087 .087 .089 .089 .079 .079"

BODY_EDGES = (
    "left_ankle-left_knee left_knee-left_hip right_ankle-right_knee right_knee-right_hip left_hip-right_hip "
    "left_shoulder-left_hip right_shoulder-right_hip left_shoulder-right_shoulder left_shoulder-left_elbow "
    "right_shoulder-right_elbow left_elbow-left_wrist right_elbow-right_wrist left_eye-right_eye nose-left_eye "
    "nose-right_eye left_eye-left_ear right_eye-right_ear left_ear-left_shoulder right_ear-right_shoulder"
)
FEET_EDGES = (
    "left_ankle-left_big_toe left_ankle-left_small_toe left_ankle-left_heel "
    "right_ankle-right_big_toe right_ankle-right_small_toe right_ankle-right_heel"
)
NECK_EDGES = "head_top-neck neck-mid_hip neck-left_shoulder neck-right_shoulder mid_hip-left_hip mid_hip-right_hip"
OPENPOSE_EDGES = (
    "neck-right_shoulder neck-left_shoulder right_shoulder-right_elbow right_elbow-right_wrist "
    "left_shoulder-left_elbow left_elbow-left_wrist right_hip-right_knee right_knee-right_ankle "
    "left_hip-left_knee left_knee-left_ankle neck-nose nose-right_eye right_eye-right_ear "
    "nose-left_eye left_eye-left_ear"
)
BLAZE_EDGES = (
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
MPII_EDGES = (
    "right_ankle-right_knee right_knee-right_hip right_hip-mid_hip left_hip-mid_hip left_knee-left_hip "
    "left_ankle-left_knee mid_hip-thorax thorax-upper_neck upper_neck-head_top right_wrist-right_elbow "
    "right_elbow-right_shoulder right_shoulder-thorax left_shoulder-thorax "
    "left_elbow-left_shoulder left_wrist-left_elbow"
)

CROWDPOSE_EDGES = (
    "left_ankle-left_knee left_knee-left_hip right_ankle-right_knee right_knee-right_hip left_hip-right_hip "
    "left_shoulder-left_hip right_shoulder-right_hip left_shoulder-left_elbow right_shoulder-right_elbow "
    "left_elbow-left_wrist right_elbow-right_wrist head_top-neck right_shoulder-neck left_shoulder-neck"
)

# iBUG-68: open lines and closed rings, as (first, last), and the index pairs that mirror.
FACE_LINES = ((0, 16), (17, 21), (22, 26), (27, 30), (31, 35))
FACE_RINGS = ((36, 41), (42, 47), (48, 59), (60, 67))
FACE_MIRROR = (
    *((i, 16 - i) for i in range(8)),
    *((17 + i, 26 - i) for i in range(5)),
    *((31 + i, 35 - i) for i in range(2)),
    *((36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)),
    *((48, 54), (49, 53), (50, 52), (55, 59), (56, 58), (60, 64), (61, 63), (65, 67)),
)
# LaPa's 106 points: outline, brows, bridge and base of the nose, eyes (74 and 83 their middles), lips, pupils.
FACE106_LINES = ((0, 32), (51, 54), (55, 65))
FACE106_RINGS = ((33, 41), (42, 50), (66, 73), (75, 82), (84, 95), (96, 103))
FACE106_MIRROR = (
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
