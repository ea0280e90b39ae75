"""Owns the conversions between layouts: every keypoint of the target is a weighted mean of source keypoints.

Names decide: a keypoint that both layouts name is copied; one that the source lacks is derived by a rule below where
one exists (a neck from the shoulders, OpenPose and MPII conventions) and is missing otherwise.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from holopose.skeletons.skeleton import Skeleton
from holopose.skeletons.tables import MESH_TO_FACE68
from holopose.types import Poses

__all__ = ["conversion", "convert", "missing_after"]

Mix = tuple[tuple[str, float], ...]

_MEAN: dict[str, Mix] = {
    "neck": (("left_shoulder", 0.5), ("right_shoulder", 0.5)),
    "thorax": (("left_shoulder", 0.5), ("right_shoulder", 0.5)),
    "mid_hip": (("left_hip", 0.5), ("right_hip", 0.5)),
}
_ALIAS: dict[str, tuple[str, ...]] = {
    # BlazePose's foot index is at the base of the big toe: near COCO-WholeBody's big toe, not the same point.
    "left_big_toe": ("left_foot_index",),
    "right_big_toe": ("right_foot_index",),
    "left_foot_index": ("left_big_toe",),
    "right_foot_index": ("right_big_toe",),
    "thorax": ("neck",),
    "neck": ("thorax",),
    # Knuckles and thumb of BlazePose where the source has whole hands.
    **{
        f"{side}_{finger}": (f"{side}_hand_{finger}_{joint}",)
        for side in ("left", "right")
        for finger, joint in (("pinky", 1), ("index", 1), ("thumb", 3))
    },
    # iBUG points that BlazePose's face landmarks stand for (the subject's right eye is 36..41).
    "right_eye_outer": ("face_36",),
    "right_eye_inner": ("face_39",),
    "left_eye_inner": ("face_42",),
    "left_eye_outer": ("face_45",),
    "mouth_right": ("face_48",),
    "mouth_left": ("face_54",),
}
_FROM_MESH: dict[str, tuple[str, ...]] = {f"face_{i}": (f"mesh_{v}",) for i, v in enumerate(MESH_TO_FACE68)}


def _rule(name: str, source: Skeleton) -> Mix:
    """How `name` comes from `source`: empty when it does not."""
    for candidate in (name, *_ALIAS.get(name, ()), *_FROM_MESH.get(name, ())):
        if candidate in source:
            return ((candidate, 1.0),)
    if name.startswith("hand_"):  # one hand of whoever it is: from a source that holds one hand only
        sided = [f"{side}_{name}" for side in ("left", "right") if f"{side}_{name}" in source]
        return ((sided[0], 1.0),) if len(sided) == 1 else ()
    mix = _MEAN.get(name, ())
    return mix if all(part in source for part, _ in mix) else ()


@lru_cache(maxsize=256)
def conversion(source: Skeleton, target: Skeleton) -> npt.NDArray[np.float32]:
    """The matrix (K_target, K_source) float32 that turns one layout's coordinates into the other's.

    A row of zeros is a keypoint that the source cannot give; all other rows sum to 1.

    >>> from holopose.skeletons import COCO17, OPENPOSE18
    >>> row = conversion(COCO17, OPENPOSE18)[OPENPOSE18.index("neck")]
    >>> [COCO17.keypoints[i] for i in row.nonzero()[0]]
    ['left_shoulder', 'right_shoulder']
    """
    matrix = np.zeros((len(target), len(source)), np.float32)
    for row, name in enumerate(target.keypoints):
        for part, weight in _rule(name, source):
            matrix[row, source.index(part)] += weight
    matrix.setflags(write=False)
    return matrix


def missing_after(source: Skeleton, target: Skeleton) -> tuple[str, ...]:
    """Names of the target's keypoints that this conversion leaves missing."""
    given = np.abs(conversion(source, target)).sum(axis=1) > 0
    return tuple(name for name, there in zip(target.keypoints, given.tolist(), strict=True) if not there)


def convert(poses: Poses, target: Skeleton) -> Poses:
    """The same people in another layout.

    A derived keypoint is missing when any of its sources is; its score is the lowest of theirs, it is visible when all
    of them are. Boxes, ids and order stay.

    Args:
        poses: N people of K_source keypoints, any coordinates.
        target: Layout wanted.
    """
    if poses.skeleton == target:
        return poses
    first, second, weight, known = _sources(poses.skeleton, target)

    def mix(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        mixed = values[:, first] * weight + values[:, second] * (1 - weight)
        mixed[:, ~known] = np.nan
        return mixed.astype(np.float32)

    score = np.minimum(poses.score[:, first], poses.score[:, second])
    xy = mix(poses.xy)
    score[np.isnan(xy).any(axis=2)] = 0
    visible = None
    if poses.visible is not None:
        visible = poses.visible[:, first] & poses.visible[:, second] & known
    return Poses(
        xy=xy,
        score=score,
        boxes=poses.boxes,
        skeleton=target,
        ids=poses.ids,
        visible=visible,
        world=None if poses.world is None else mix(poses.world),
        native=poses.native,
    )


@lru_cache(maxsize=64)
def _sources(
    source: Skeleton, target: Skeleton
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """The conversion as columns, per target keypoint.

    Returns:
        First and last source (K_target,), the first one's weight (1, K_target, 1), whether there is any (K_target,).
    """
    matrix = conversion(source, target)
    used = matrix != 0
    first, last = used.argmax(axis=1), used.shape[1] - 1 - used[:, ::-1].argmax(axis=1)
    return first, last, matrix[np.arange(len(matrix)), first][None, :, None], np.asarray(used.any(axis=1))
