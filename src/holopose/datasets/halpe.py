"""Owns Halpe full body: 136 keypoints per person in COCO's form, the first 26 of which are Halpe-26."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holopose.datasets.coco import label_people
from holopose.ops.labels import Labelled
from holopose.skeletons import HALPE26, HALPE136

__all__ = ["HALPE26", "HALPE136", "label_26", "label_136"]


def label_136(entries: Sequence[Mapping[str, Any]]) -> Labelled:
    """The people of one picture, 136 keypoints each."""
    return label_people(entries, {"keypoints": len(HALPE136)})


def label_26(entries: Sequence[Mapping[str, Any]]) -> Labelled:
    """The people of one picture, 26 keypoints each; of annotations with all 136 the first 26."""
    count = len(HALPE26)
    values = next((one.get("keypoints") for one in entries), None)
    if isinstance(values, list) and len(values) == 3 * len(HALPE136):
        return label_people(entries, {"keypoints": len(HALPE136)}, cut=count)
    return label_people(entries, {"keypoints": count})
