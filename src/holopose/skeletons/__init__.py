"""Owns the keypoint layouts of the field and the conversions between them."""

from holopose.skeletons.layouts import (
    BLAZE543,
    BLAZEPOSE33,
    COCO17,
    FACE68,
    HALPE26,
    HALPE136,
    HAND21,
    LAYOUTS,
    MPII16,
    OPENPOSE18,
    OPENPOSE25,
    WHOLEBODY133,
)
from holopose.skeletons.skeleton import PARTS, Skeleton

__all__ = [
    "BLAZE543",
    "BLAZEPOSE33",
    "COCO17",
    "FACE68",
    "HALPE26",
    "HALPE136",
    "HAND21",
    "LAYOUTS",
    "MPII16",
    "OPENPOSE18",
    "OPENPOSE25",
    "PARTS",
    "WHOLEBODY133",
    "Skeleton",
]
