"""Owns the BlazePose landmark network: a ROI in, 39 refined landmarks with their evidence out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from holopose.models.blaze.anchors import sigmoid
from holopose.models.blaze.network import Network
from holopose.ops.crops import Pyramid, crop, to_tensor
from holopose.ops.rois import align, project, transform

__all__ = ["BODY", "BodyLandmarks", "PoseLandmarker", "refine"]

BODY = 33
"""The first 33 landmarks are the body; 33 and 34 say where the person's ROI is; the rest is unused."""

_POINTS = 39
_SIDE = 256
_GRID = 64
_REACH = 4  # heatmap cells on each side of a landmark: a window of 9 reproduces MediaPipe to 0.01 px

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class BodyLandmarks:
    """What the network says of one ROI.

    Attributes:
        roi: (5,) the ROI that was looked at.
        xy: (39, 2) px of the picture.
        z: (33,) px, depth relative to the hips, negative towards the camera.
        visibility: (33,) in [0, 1], in view and not hidden.
        presence: (33,) in [0, 1], inside the ROI.
        peak: (33,) in [0, 1], highest heatmap value within four cells of the landmark; 0 outside the ROI.
        flag: The network's own probability that there is a person; no judge (it fires on cats).
        world: (33, 3) metres, hip-centred, turned upright with the picture.
        quality: Mean peak over the landmarks that lie inside the picture; what tells people from ghosts.
    """

    roi: Floats
    xy: Floats
    z: Floats
    visibility: Floats
    presence: Floats
    peak: Floats
    flag: float
    world: Floats
    quality: float

    @property
    def next_roi(self) -> Floats:
        """The ROI (5,) that the network would look at next: from hip centre to the full-body point, x 1.25."""
        roi: Floats = transform(align(self.xy[None, 33], self.xy[None, 34], np.pi / 2), scale=1.25)[0]
        return roi

    @property
    def body_xy(self) -> Floats:
        """The 33 body landmarks (33, 2), px."""
        return self.xy[:BODY]


class PoseLandmarker:
    """Landmarks of ROIs.

    Args:
        network: pose_landmark_full; answers landmarks, flag, heatmaps, world.
    """

    def __init__(self, network: Network) -> None:
        self._network = network

    def look(self, pyramid: Pyramid, roi: Floats) -> BodyLandmarks:
        """Landmarks of the person in one ROI (5,), also when there is none: judge by `quality`."""
        return self._read(pyramid, roi, self._network(self._view(pyramid, roi)))

    def look_many(self, pyramid: Pyramid, rois: Sequence[Floats]) -> list[BodyLandmarks]:
        """The same for several ROIs of one picture, inferred together where the runtime is quicker so."""
        if len(rois) == 1:
            return [self.look(pyramid, rois[0])]
        outputs = self._network.many([self._view(pyramid, roi) for roi in rois])
        return [self._read(pyramid, roi, answer) for roi, answer in zip(rois, outputs, strict=True)]

    @staticmethod
    def _view(pyramid: Pyramid, roi: Floats) -> npt.NDArray[np.float32]:
        """The network's input for a ROI."""
        return to_tensor(crop(pyramid, roi, (_SIDE, _SIDE), in_steps=pyramid.is_plain), 0, 1)[None]

    @staticmethod
    def _read(pyramid: Pyramid, roi: Floats, outputs: tuple[npt.NDArray[np.float32], ...]) -> BodyLandmarks:
        """What the network's outputs say of a ROI."""
        landmarks, flag, heatmaps, world = outputs
        raw = landmarks.reshape(_POINTS, 5).astype(np.float64)
        fraction, peak = refine(raw[:, :2] / _SIDE, heatmaps.reshape(_GRID, _GRID, _POINTS))
        xy = project(fraction[None], roi[None])[0]
        inside = ((xy[:BODY] >= 0) & (xy[:BODY] < pyramid.size_wh)).all(axis=1)
        quality = float(peak[:BODY][inside].mean()) if np.count_nonzero(inside) >= 5 else 0.0
        return BodyLandmarks(
            roi=roi,
            xy=xy,
            z=raw[:BODY, 2] / _SIDE * roi[2],
            visibility=sigmoid(raw[:BODY, 3]).astype(np.float64),
            presence=sigmoid(raw[:BODY, 4]).astype(np.float64),
            peak=peak[:BODY],
            flag=float(flag.ravel()[0]),
            world=_turn(world.reshape(_POINTS, 3)[:BODY].astype(np.float64), float(roi[4])),
            quality=quality,
        )


def _turn(points: Floats, angle: float) -> Floats:
    """Points (K, 3) with x and y turned by `angle`, z as it is."""
    cos, sin = np.cos(angle), np.sin(angle)
    x, y, z = points.T
    return np.stack([x * cos - y * sin, x * sin + y * cos, z], axis=1)


def refine(fractions: Floats, heatmaps: npt.NDArray[np.float32]) -> tuple[Floats, Floats]:
    """Move landmarks to the centre of mass of their heatmaps.

    Within four cells of each landmark, clipped to the map, the sigmoid of the heatmap is the weight of its cell
    (column / width, row / height; no half-cell term); a landmark moves only if the highest weight is at least 0.5 and
    it lies on the map (MediaPipe's refine_landmarks_from_heatmap calculator).

    Args:
        fractions: (K, 2) of the ROI, x and y.
        heatmaps: (H, W, K) logits.

    Returns:
        fractions (K, 2) and the highest weight near each landmark (K,), 0 for those off the map.
    """
    height, width, count = heatmaps.shape
    column = np.trunc(fractions[:, 0] * width).astype(np.int64)
    row = np.trunc(fractions[:, 1] * height).astype(np.int64)
    on_map = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    steps = np.arange(-_REACH, _REACH + 1)
    columns, rows = column[:, None] + steps, row[:, None] + steps
    valid_x, valid_y = (columns >= 0) & (columns < width), (rows >= 0) & (rows < height)
    window = heatmaps[
        np.clip(rows, 0, height - 1)[:, :, None],
        np.clip(columns, 0, width - 1)[:, None, :],
        np.arange(count)[:, None, None],
    ]
    weight = sigmoid(window).astype(np.float64) * (valid_y[:, :, None] & valid_x[:, None, :])
    peak = np.where(on_map, weight.max(axis=(1, 2)), 0.0)
    total = weight.sum(axis=(1, 2))
    safe = np.where(total > 0, total, 1.0)
    x = (weight.sum(axis=1) * columns).sum(axis=1) / (safe * width)
    y = (weight.sum(axis=2) * rows).sum(axis=1) / (safe * height)
    moves = (peak >= 0.5) & (total > 0)
    refined = np.where(moves[:, None], np.stack([x, y], axis=1), fractions)
    return refined, peak
