"""Owns the filters inside MediaPipe's pose graph: they steady the ROI always, and the landmarks where asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from holopose.models.blaze.landmarks import BODY, BodyLandmarks
from holopose.ops.one_euro import OneEuro

__all__ = ["BodyFilter"]

Floats = npt.NDArray[np.float64]

_VISIBILITY_ALPHA = 0.1
_SMALLEST_PX = 1e-6


class BodyFilter:
    """Smooths one person's landmarks from frame to frame, with the parameters of MediaPipe's pose_landmark_filtering.

    Lengths are measured relative to the ROI that the raw auxiliary landmarks span, metres as they are.

    Args:
        landmarks: Smooth the body too, its world coordinates and its visibility; else only the auxiliary landmarks
            that the next ROI is made of.
    """

    def __init__(self, *, landmarks: bool) -> None:
        self._region = OneEuro(min_cutoff=0.01, beta=10, d_cutoff=1, against="raw")
        self._image = OneEuro(min_cutoff=0.05, beta=80, d_cutoff=1, against="raw") if landmarks else None
        self._world = OneEuro(min_cutoff=0.1, beta=40, d_cutoff=1, against="raw") if landmarks else None
        self._visibility: Floats | None = None

    def step(self, body: BodyLandmarks, time_s: float) -> BodyLandmarks:
        """The next frame's landmarks, smoothed."""
        xy = body.xy.copy()
        size_px = 2 * float(np.linalg.norm(body.xy[34] - body.xy[33]))
        if size_px < _SMALLEST_PX:
            return body
        scale = 1 / size_px
        xy[33:35] = self._region.step(body.xy[33:35], time_s, value_scale=scale)
        if self._image is None or self._world is None:
            return replace(body, xy=xy)
        points = self._image.step(np.column_stack([body.body_xy, body.z]), time_s, value_scale=scale)
        xy[:BODY] = points[:, :2]
        before = body.visibility if self._visibility is None else self._visibility
        self._visibility = _VISIBILITY_ALPHA * body.visibility + (1 - _VISIBILITY_ALPHA) * before
        world = self._world.step(body.world, time_s)
        return replace(body, xy=xy, z=points[:, 2], visibility=self._visibility, world=world)
