"""Owns RTMO (Lu et al., 2024: RTMO: Towards High-Performance One-Stage Real-Time Multi-Person Pose Estimation)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from holopose.errors import ModelError
from holopose.ops.canvas import Canvas
from holopose.ops.detections import check_shares, run_each, to_poses
from holopose.ops.laps import lap
from holopose.ops.nms import nms
from holopose.protocols import Runtime
from holopose.skeletons import COCO17, Skeleton
from holopose.types import Frame, Poses

__all__ = ["RtmoEstimator"]


class RtmoEstimator:
    """Everybody's keypoints from one look at the picture, as mmdeploy exports RTMO.

    Args:
        runtime: The network; it takes (N, 3, h, w) float32 BGR from 0 to 255 and gives `dets` (N, M, 5) and
            `keypoints` (N, M, K, 3).
        skeleton: Layout of its keypoints.
        input_hw: Height and width of its input.
        min_score: Only people with a higher score; the network's own limit is 0.05.
        nms_iou: Of two people whose boxes overlap more, the better one stays; the network's own limit is 0.5.

    Raises:
        ConfigError: a limit is not from 0 to 1.
        ModelError: the network has fewer than two outputs.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        skeleton: Skeleton = COCO17,
        input_hw: tuple[int, int] = (640, 640),
        min_score: float = 0.3,
        nms_iou: float = 0.45,
    ) -> None:
        check_shares(min_score=min_score, nms_iou=nms_iou)
        if len(runtime.outputs) < 2:
            raise ModelError(f"RTMO: expected the outputs dets and keypoints, got {', '.join(runtime.outputs)}")
        self._runtime = runtime
        self._skeleton = skeleton
        self._canvas = Canvas(input_hw, bgr=True)
        self._min_score = min_score
        self._nms_iou = nms_iou

    @property
    def skeleton(self) -> Skeleton:
        """Layout of what `estimate` returns."""
        return self._skeleton

    def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
        """Everybody in each frame, best first.

        Raises:
            ModelError: the network's outputs are not those of RTMO with this skeleton.
        """
        if not frames:
            return []
        with lap("crop"):
            batch, letterboxes = self._canvas.fill([frame.image for frame in frames])
        with lap("network"):
            answers = run_each(self._runtime, batch)
        people = []
        with lap("decode"):
            for (dets, points, *_), letterbox in zip(answers, letterboxes, strict=True):
                if dets.ndim != 2 or dets.shape[1] != 5 or points.ndim != 3 or len(points) != len(dets):
                    raise ModelError(
                        f"RTMO: expected outputs (M, 5) and (M, K, 3) per picture, got {dets.shape} and {points.shape}"
                    )
                likely = np.flatnonzero(dets[:, 4] > self._min_score)
                rows = likely[nms(dets[likely, :4], dets[likely, 4], self._nms_iou)]
                people.append(to_poses(dets[rows, :4], dets[rows, 4], points[rows], letterbox, self._skeleton))
        return people

    def reset(self) -> None:
        """Nothing is remembered."""
