"""Owns the face of a person: ROI from the body, face detection inside it, the mesh of 468 points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from holopose.models.blaze.anchors import anchor_centres, decode, merge_layers, sigmoid, suppress
from holopose.models.blaze.network import Network
from holopose.ops.crops import Pyramid, crop, to_tensor
from holopose.ops.rois import around, may_keep, project, rotation_between, transform

__all__ = ["FACE_POINTS", "Face", "FaceFinder", "roi_from_body"]

_DETECT_SIDE = 128
_MESH_SIDE = 192
_LAYERS = merge_layers([8, 16, 16, 16])

_KEEP = {"turn": np.radians(15), "shift": 0.1, "scale": 0.3, "margin": -0.2}
FACE_POINTS = slice(0, 11)
"""Nose, eyes, ears and mouth among the body landmarks."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face: xy (468, 2) px, z (468,) px, the mesh's own probability, the detector's score, the ROI (5,)."""

    xy: Floats
    z: Floats
    probability: float
    detection: float
    roi: Floats

    @property
    def next_roi(self) -> Floats:
        """The ROI (5,) to look at in the next frame: around the mesh, outer eye corners level, half as large again."""
        turn = rotation_between(self.xy[None, 33], self.xy[None, 263], 0.0)
        roi: Floats = transform(around(self.xy[None], turn), scale=1.5)[0]
        return roi


class FaceFinder:
    """Faces of people whose bodies are known.

    Args:
        detector: face_detection_short_range; answers boxes and scores.
        mesh: face_landmark; answers points and flag.
        min_detection: Below it there is no face.
        min_probability: Below it the mesh found none.
    """

    def __init__(
        self,
        detector: Network,
        mesh: Network,
        *,
        min_detection: float = 0.5,
        min_probability: float = 0.5,
    ) -> None:
        self._detector = detector
        self._mesh = mesh
        self._min_detection = min_detection
        self._min_probability = min_probability

    def find(self, pyramid: Pyramid, body_xy: Floats, *, before: Face | None = None) -> Face | None:
        """The face of one person, None where there is none to see.

        Args:
            pyramid: The picture.
            body_xy: (33, 2) body landmarks, px.
            before: The same face in the frame before. Its ROI is steadier than a fresh one and used where both agree.
        """
        first = roi_from_body(body_xy[FACE_POINTS])
        if first[2] < 2:
            return None
        points, scores = self._detect(pyramid, first, self._min_detection)
        if not len(scores):
            return None
        keypoints = points[:1, 2:]
        rotation = rotation_between(keypoints[:, 0], keypoints[:, 1], 0.0)
        roi = transform(around(keypoints, rotation), shift_y=-0.1, scale=2.0)[0]
        if roi[2] < 1:
            return None
        if before is not None and may_keep(before.next_roi, before.xy, roi, **_KEEP):
            roi = before.next_roi
        tensor = to_tensor(crop(pyramid, roi, (_MESH_SIDE, _MESH_SIDE)), 0, 1)[None]
        mesh, flag = self._mesh(tensor)
        probability = float(sigmoid(flag.ravel())[0])
        if probability <= self._min_probability:
            return None
        raw = mesh.reshape(468, 3).astype(np.float64) / _MESH_SIDE
        return Face(
            xy=project(raw[None, :, :2], roi[None])[0],
            z=raw[:, 2] * roi[2],
            probability=probability,
            detection=float(scores[0]),
            roi=roi,
        )

    def score(self, pyramid: Pyramid, head: Floats) -> float:
        """How much a head's region (5,) looks like a face: the best anchor's score, in [0, 1]."""
        if head[2] < 2:
            return 0.0
        _, raw_scores = self._detector(self._view(pyramid, head * (1, 1, 1.3, 1.3, 1)))
        return float(sigmoid(raw_scores.max(keepdims=True)).ravel()[0])

    def agreement(self, pyramid: Pyramid, body_xy: Floats) -> tuple[float, float]:
        """How well a face in the picture supports a body (33, 2): tells people from ghosts.

        Returns:
            The face detector's score, 0 where it sees nothing, and the mean distance between its eyes and nose and the
            body's, relative to the size of the body's face.
        """
        roi = roi_from_body(body_xy[FACE_POINTS])
        points, scores = self._detect(pyramid, roi, 0.3) if roi[2] >= 2 else (np.zeros((0, 8, 2)), np.zeros(0))
        if not len(scores):
            return 0.0, np.inf
        apart = np.linalg.norm(points[0, 2:5] - body_xy[[5, 2, 0]], axis=1)
        return float(scores[0]), float(apart.mean() / (roi[2] / 3))

    @staticmethod
    def _view(pyramid: Pyramid, roi: Floats) -> npt.NDArray[np.float32]:
        """The detector's input for a ROI."""
        return to_tensor(crop(pyramid, roi, (_DETECT_SIDE, _DETECT_SIDE), replicate=False), -1, 1)[None]

    def _detect(self, pyramid: Pyramid, roi: Floats, min_score: float) -> tuple[Floats, npt.NDArray[np.float32]]:
        """Faces inside a ROI, best first: box corners and six keypoints (N, 8, 2) px of the picture, scores (N,)."""
        raw_boxes, raw_scores = self._detector(self._view(pyramid, roi))
        centres = anchor_centres((_DETECT_SIDE, _DETECT_SIDE), _LAYERS)
        points, scores, _ = suppress(*decode(raw_boxes, raw_scores, centres, min_score))
        return project(points / _DETECT_SIDE, np.repeat(roi[None], len(points), axis=0)), scores


def roi_from_body(face_points: npt.ArrayLike) -> Floats:
    """The rough face ROI (5,) from body landmarks 0-10, (11, 2) px: their box, eyes level, three times as large."""
    points = np.asarray(face_points, np.float64)
    rotation = rotation_between(points[None, 5], points[None, 2], 0.0)
    roi: Floats = transform(around(points[None], rotation), scale=3.0)[0]
    return roi
