"""Owns CrowdPose: 14 joints per person in COCO's form, and a crowd index per picture.

Annotations have no area: 0.53 of the box stands for it (Li et al., CrowdPose, CVPR 2019, and its evaluation tools).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holopose.datasets.coco import label_people
from holopose.ops.labels import Labelled
from holopose.skeletons import CROWDPOSE14

__all__ = ["SKELETON", "label"]

SKELETON = CROWDPOSE14


def label(entries: Sequence[Mapping[str, Any]]) -> Labelled:
    """The people of one picture, 14 joints each."""
    return label_people([{**one, "area": None} for one in entries], {"keypoints": len(SKELETON)})
