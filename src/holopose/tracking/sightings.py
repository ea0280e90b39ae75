"""Owns Sightings: the people of one frame as the tracker compares them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from holopose.ops.boxes import centres, iou, longer_sides
from holopose.ops.oks import similarity
from holopose.skeletons.skeleton import Skeleton
from holopose.tracking.appearance import BINS, torso_colours
from holopose.types import Frame, FrameInfo, Poses

__all__ = ["AREA_SHARE", "Joints", "Sightings", "joints_of"]

Array = npt.NDArray[np.float64]

AREA_SHARE = 0.55
"""Square root of a person's area, as a share of the longer side of the box."""

_FIRM_SIGMA = 0.079  # between two frames even an eye moves as far as a shoulder is uncertain in COCO
_CENTRE_SIGMA = 0.1
_CENTRE_WEIGHT = 0.3  # against about 12 for a person seen whole: it decides where keypoints are missing
_TORSO = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
_CROWDED = 0.25  # overlap with somebody else from which colours may be the other's
_SAME = 0.3  # similarity from which two poses in one frame are one person
_SAME_BOX = 0.7  # overlap from which two boxes are


@dataclass(frozen=True, slots=True, eq=False)
class Joints:
    """Which keypoints of a layout the tracker looks at.

    Attributes:
        used: (K,) indices: the body's where the layout has a body, else all.
        sigmas: (K + 1,) OKS constants of these and of the middle of the box.
        torso: (K + 1,) how much each says about where the person is as a whole.
        corners: Indices in the layout of shoulders and hips, None where it lacks one.
    """

    used: npt.NDArray[np.intp]
    sigmas: Array
    torso: Array
    corners: npt.NDArray[np.intp] | None


@lru_cache(maxsize=32)
def joints_of(skeleton: Skeleton) -> Joints:
    """What the tracker looks at in this layout."""
    used = np.array(skeleton.parts.get("body") or range(len(skeleton)), np.intp)
    sigmas = np.full(len(used), _FIRM_SIGMA) if skeleton.sigmas is None else skeleton.sigmas[used]
    corners = [skeleton.index(name) for name in _TORSO if name in skeleton]
    torso = np.append(np.where(np.isin(used, corners), 1.0, 0.02), 0.005)
    return Joints(
        used,
        np.append(np.maximum(sigmas, _FIRM_SIGMA), _CENTRE_SIGMA).astype(np.float64),
        torso,
        np.array(corners, np.intp) if len(corners) == len(_TORSO) else None,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Sightings:
    """N people seen in one frame.

    Attributes:
        points: (N, K + 1, 2) px, the layout's joints and then the middle of the box; finite throughout.
        weights: (N, K + 1), the keypoints' scores, 0 where missing.
        boxes: (N, 4) px.
        sizes_px: (N,) longer side of the box, of the keypoints where the box has none; 0 = nothing to go by.
        scores: (N,) of the person.
        looks: (N, 24) torso colours, zeros where unknown or where others are in the way.
        joints: What the columns of `points` are.
    """

    points: Array
    weights: Array
    boxes: Array
    sizes_px: Array
    scores: Array
    looks: Array
    joints: Joints

    @classmethod
    def of(cls, poses: Poses, frame: Frame | FrameInfo, *, appearance: bool) -> Sightings:
        """What `poses` shows; colours only where the frame has pixels and `appearance` asks for them."""
        joints = joints_of(poses.skeleton)
        boxes = poses.boxes.xyxy.astype(np.float64)
        xy = poses.xy[:, joints.used].astype(np.float64)
        score = poses.score[:, joints.used].astype(np.float64)
        known = np.isfinite(xy[..., 0])
        sizes_px = longer_sides(boxes)
        for row in np.flatnonzero(sizes_px <= 0):  # a box that is none: the keypoints' own
            if known[row].any():
                seen = xy[row, known[row]]
                boxes[row] = [*seen.min(axis=0), *seen.max(axis=0)]
        sizes_px = longer_sides(boxes)
        middles = centres(boxes)
        points = np.concatenate([np.where(known[..., None], xy, middles[:, None]), middles[:, None]], axis=1)
        weights = np.concatenate([np.where(known, score, 0), np.full((len(xy), 1), _CENTRE_WEIGHT)], axis=1)
        looks = np.zeros((len(xy), BINS))
        if appearance and isinstance(frame, Frame) and len(xy):
            corners = poses.xy[:, joints.corners] if joints.corners is not None else np.full((len(xy), 4, 2), np.nan)
            looks = torso_colours(frame.image, corners.astype(np.float64), boxes)
            overlap = iou(boxes, boxes)
            np.fill_diagonal(overlap, 0)
            looks[overlap.max(axis=1) > _CROWDED] = 0
        return cls(points, weights, boxes, sizes_px, poses.boxes.score.astype(np.float64), looks, joints)

    def __len__(self) -> int:
        return len(self.points)

    def doubles(self, rows: npt.NDArray[np.intp], others: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
        """Which of `rows` show the same person as which of `others`: bool (rows, others)."""
        weight = np.minimum(self.weights[rows][:, None], self.weights[others][None])
        size_px = np.maximum(AREA_SHARE * np.maximum(self.sizes_px[rows][:, None], self.sizes_px[others][None]), 1e-3)
        alike = similarity(
            self.points[rows], self.points[others], weight=weight, size_px=size_px, sigmas=self.joints.sigmas
        )
        same: npt.NDArray[np.bool_] = (alike > _SAME) | (iou(self.boxes[rows], self.boxes[others]) > _SAME_BOX)
        return same
