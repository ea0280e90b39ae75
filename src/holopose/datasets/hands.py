"""Owns hands in COCO's form: 21 keypoints per annotation; or the hands of COCO-WholeBody's people, each by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from holopose.datasets.coco import label_people
from holopose.ops.labels import Labelled
from holopose.skeletons import HAND21

__all__ = ["SKELETON", "label", "label_of_people"]

SKELETON = HAND21


def label(entries: Sequence[Mapping[str, Any]]) -> Labelled:
    """The hands of one picture."""
    return label_people(entries, {"keypoints": len(SKELETON)})


def label_of_people(entries: Sequence[Mapping[str, Any]]) -> Labelled:
    """Both hands of COCO-WholeBody's people, left ones first; their size is that of the hand's own box."""
    sides = [
        label_people(entries, {f"{side}hand_kpts": len(SKELETON)}, box=f"{side}hand_box") for side in ("left", "right")
    ]
    both = Labelled(
        xy=np.concatenate([one.xy for one in sides]),
        visible=np.concatenate([one.visible for one in sides]),
        boxes_xyxy=np.concatenate([one.boxes_xyxy for one in sides]),
        area_px=np.concatenate([one.area_px for one in sides]),
        crowd=np.concatenate([one.crowd for one in sides]),
        head_px=np.concatenate([one.head_px for one in sides]),
        ids=tuple(
            f"{one} {side}" for labelled, side in zip(sides, ("left", "right"), strict=True) for one in labelled.ids
        ),
    )
    return replace(both, area_px=(both.boxes_xyxy[:, 2:] - both.boxes_xyxy[:, :2]).prod(axis=1))
