"""Owns Keypoint R-CNN as torchvision has it: people with boxes and keypoints from one network.

He, Gkioxari, Dollár, Girshick: Mask R-CNN (ICCV 2017).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.errors import ModelError
from holopose.ops.detections import check_shares
from holopose.ops.laps import lap
from holopose.protocols import Runtime
from holopose.skeletons import COCO17, Skeleton
from holopose.types import Boxes, Frame, Poses

__all__ = ["KeypointRcnn"]

_PERSON = 1
_FURTHEST = 50.0  # logits beyond it are 0 or 1 anyway, and must not become exactly 0


class KeypointRcnn:
    """People of torchvision's Keypoint R-CNN, run by torch or exported to ONNX.

    A person's score is the box's. A keypoint's is the sigmoid of what the network says of it, the height of its
    heatmap before softmax: it puts keypoints in order and is no probability.

    Args:
        runtime: Network that takes one RGB picture (1, 3, H, W) in [0, 1] and gives boxes (N, 4), labels (N,), scores
            (N,), keypoints (N, K, 3) and their logits (N, K), in this order; pictures are of any size, it scales them.
        skeleton: Layout of its keypoints.
        min_score: Leave out people whose box has a lower score. Networks give those from 0.05 on.

    Raises:
        ConfigError: the score is not in [0, 1].
    """

    def __init__(self, runtime: Runtime, *, skeleton: Skeleton = COCO17, min_score: float = 0.5) -> None:
        check_shares(min_score=min_score)
        self._runtime = runtime
        self._skeleton = skeleton
        self._min_score = min_score

    @property
    def skeleton(self) -> Skeleton:
        """Layout of what `estimate` returns."""
        return self._skeleton

    def reset(self) -> None:
        """Nothing to forget: every frame is seen anew."""

    def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
        """Everybody in each frame, best first; coordinates in px of the frame.

        Raises:
            ModelError: the network's outputs are not those of Keypoint R-CNN with this layout.
        """
        return [self._estimate(frame) for frame in frames]  # whole pictures of any size: one in memory at a time

    def _estimate(self, frame: Frame) -> Poses:
        with lap("crop"):
            picture = np.empty((1, 3, *frame.image.shape[:2]), np.float32)
            np.multiply(frame.image.transpose(2, 0, 1), np.float32(1 / 255), out=picture[0])
        with lap("network"):
            answer = self._runtime.run({self._runtime.inputs[0]: picture})
        with lap("decode"):
            return self._people(frame, answer)

    def _people(self, frame: Frame, answer: Mapping[str, npt.NDArray[Any]]) -> Poses:
        """The people of one picture."""
        outputs = [answer[name] for name in self._runtime.outputs]
        count, joints = len(outputs[0]), len(self._skeleton)
        wanted = [(count, 4), (count,), (count,), (count, joints, 3), (count, joints)]
        if [output.shape for output in outputs] != wanted:
            raise ModelError(
                f"Keypoint R-CNN: expected boxes, labels, scores, {joints} keypoints and their logits, got "
                f"{', '.join(str(output.shape) for output in outputs)}"
            )
        boxes, labels, scores, keypoints, logits = outputs
        width, height = frame.size_wh
        corners = np.clip(boxes, 0, np.array([width, height, width, height], np.float32)).astype(np.float32)
        whole = (corners[:, 2:] >= corners[:, :2]).all(axis=1)  # NaN is not
        keep = np.flatnonzero((labels == _PERSON) & (scores >= self._min_score) & whole)
        keep = keep[np.argsort(-scores[keep], kind="stable")]
        people = Boxes(corners[keep], np.clip(scores[keep], 0, 1).astype(np.float32))
        share = 1 / (1 + np.exp(-np.clip(logits[keep].astype(np.float64), -_FURTHEST, _FURTHEST)))
        xy = keypoints[keep, :, :2].astype(np.float32)
        there = np.isfinite(xy).all(axis=2) & ~np.isnan(share)
        xy = np.where(there[..., None], xy, np.float32(np.nan))
        return Poses(xy, np.where(there, share, 0).astype(np.float32), people, self._skeleton)
