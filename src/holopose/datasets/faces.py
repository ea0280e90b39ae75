"""Owns faces in COCO's form: the 68 iBUG points per annotation; or the faces of COCO-WholeBody's people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from holopose.datasets.coco import label_people
from holopose.ops.labels import Labelled
from holopose.skeletons import FACE68

__all__ = ["SKELETON", "label", "label_of_people"]

SKELETON = FACE68


def label(entries: Sequence[Mapping[str, Any]]) -> Labelled:
    """The faces of one picture."""
    return label_people(entries, {"keypoints": len(SKELETON)})


def label_of_people(entries: Sequence[Mapping[str, Any]]) -> Labelled:
    """The faces of COCO-WholeBody's people; their size is that of the face's own box."""
    faces = label_people(entries, {"face_kpts": len(SKELETON)}, box="face_box")
    return replace(faces, area_px=(faces.boxes_xyxy[:, 2:] - faces.boxes_xyxy[:, :2]).prod(axis=1))
