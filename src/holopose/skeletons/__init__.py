"""Owns the keypoint layouts of the field and the conversions between them."""

from holopose.skeletons.layouts import (
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
)
from holopose.skeletons.skeleton import PARTS, Skeleton

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
    "PARTS",
    "WHOLEBODY133",
    "Skeleton",
]
