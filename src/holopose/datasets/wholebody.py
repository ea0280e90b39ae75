"""Owns COCO-WholeBody: COCO's people with feet, face and hands, 133 keypoints each.

The fields ``foot_valid``, ``face_valid``, ``lefthand_valid`` and ``righthand_valid`` are not read, as the data set's
own evaluation does not read them: what is not valid carries zeros (github.com/jin-s13/COCO-WholeBody).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holopose.datasets.coco import label_people
from holopose.ops.labels import Labelled
from holopose.skeletons import WHOLEBODY133

__all__ = ["FIELDS", "SKELETON", "label"]

SKELETON = WHOLEBODY133
FIELDS: dict[str, int] = {"keypoints": 17, "foot_kpts": 6, "face_kpts": 68, "lefthand_kpts": 21, "righthand_kpts": 21}
"""Field -> how many keypoints it holds, in the order of the layout."""


def label(entries: Sequence[Mapping[str, Any]]) -> Labelled:
    """The people of one picture, 133 keypoints each."""
    return label_people(entries, FIELDS)
