"""Owns YOLOv8 and YOLO11: the detector and the one-stage pose network, raw or with suppression inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.errors import ModelError
from holopose.ops.canvas import Canvas
from holopose.ops.detections import check_shares, to_boxes, to_poses
from holopose.ops.laps import lap
from holopose.ops.letterbox import Letterbox
from holopose.ops.nms import nms
from holopose.protocols import Runtime
from holopose.skeletons import COCO17, Skeleton
from holopose.types import Boxes, Frame, Poses

__all__ = ["YoloDetector", "YoloPose"]

_STRIDES = (8, 16, 32)
_STD = (255.0, 255.0, 255.0)

Array = npt.NDArray[Any]


class YoloDetector:
    """Finds people with a YOLOv8 or YOLO11 detection network.

    Two kinds of files are known by the shape of their output: (N, 4 + classes, cells), middles and sizes, class
    probabilities; or (N, M, 6), corners, score and class, with suppression inside ("end to end").

    Args:
        runtime: The network; it takes (N, 3, h, w) float32 RGB from 0 to 1.
        input_hw: Height and width of its input.
        min_score: Only boxes with a higher score are people.
        nms_iou: Of two boxes of a raw network that overlap more, the better one stays.
        person_class: Which of its classes is a person; a box is one where no other class is likelier.

    Raises:
        ConfigError: a limit is not from 0 to 1.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        input_hw: tuple[int, int] = (640, 640),
        min_score: float = 0.25,
        nms_iou: float = 0.7,
        person_class: int = 0,
    ) -> None:
        check_shares(min_score=min_score, nms_iou=nms_iou)
        self._runtime = runtime
        self._canvas = Canvas(input_hw, centred=True, std=_STD)
        self._count = _count_cells(input_hw)
        self._min_score = min_score
        self._nms_iou = nms_iou
        self._person = person_class

    def detect(self, frames: Sequence[Frame]) -> list[Boxes]:
        """People of each frame, best first; boxes are cut at the picture's edges.

        Raises:
            ModelError: the network's output is not that of a YOLO detector with this input.
        """
        if not frames:
            return []
        batch, letterboxes = self._canvas.fill([frame.image for frame in frames])
        answer = self._runtime.run_batch({self._runtime.inputs[0]: batch})[self._runtime.outputs[0]]
        return [self._decode(one, letterbox) for one, letterbox in zip(answer, letterboxes, strict=True)]

    def _decode(self, rows: Array, letterbox: Letterbox) -> Boxes:
        if rows.ndim == 2 and rows.shape[1] == 6:
            likely = rows[(rows[:, 4] > self._min_score) & (rows[:, 5] == self._person)]
            likely = likely[np.argsort(-likely[:, 4], kind="stable")]
            return to_boxes(likely[:, :4], likely[:, 4], letterbox, clip=True)
        if rows.ndim != 2 or rows.shape[1] != self._count or len(rows) <= 4 + self._person:
            raise ModelError(_unexpected("(4 + classes, cells) or (M, 6)", rows, self._canvas, self._count))
        score = rows[4 + self._person]
        likely_cells = np.flatnonzero(score > self._min_score)
        classes = rows[4:, likely_cells].argmax(axis=0)
        likely_cells = likely_cells[classes == self._person]
        xyxy = _corners(rows[:4, likely_cells])
        kept = nms(xyxy, score[likely_cells], self._nms_iou)
        return to_boxes(xyxy[kept], score[likely_cells[kept]], letterbox, clip=True)


class YoloPose:
    """Everybody's keypoints from one look at the picture, with a YOLOv8 or YOLO11 pose network.

    Two kinds of files are known by the shape of their output: (N, 5 + 3 K, cells), middles and sizes, score of the
    person, x, y and score of each keypoint; or (N, M, 6 + 3 K), corners, score and class, keypoints, with suppression
    inside ("end to end").

    Args:
        runtime: The network; it takes (N, 3, h, w) float32 RGB from 0 to 1.
        skeleton: Layout of its K keypoints.
        input_hw: Height and width of its input.
        min_score: Only people with a higher score.
        nms_iou: Of two people of a raw network whose boxes overlap more, the better one stays.

    Raises:
        ConfigError: a limit is not from 0 to 1.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        skeleton: Skeleton = COCO17,
        input_hw: tuple[int, int] = (640, 640),
        min_score: float = 0.25,
        nms_iou: float = 0.7,
    ) -> None:
        check_shares(min_score=min_score, nms_iou=nms_iou)
        self._runtime = runtime
        self._skeleton = skeleton
        self._canvas = Canvas(input_hw, centred=True, std=_STD)
        self._count = _count_cells(input_hw)
        self._min_score = min_score
        self._nms_iou = nms_iou

    @property
    def skeleton(self) -> Skeleton:
        """Layout of what `estimate` returns."""
        return self._skeleton

    def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
        """Everybody in each frame, best first.

        Raises:
            ModelError: the network's output is not that of a YOLO pose network with this input and skeleton.
        """
        if not frames:
            return []
        with lap("crop"):
            batch, letterboxes = self._canvas.fill([frame.image for frame in frames])
        with lap("network"):
            answer = self._runtime.run_batch({self._runtime.inputs[0]: batch})[self._runtime.outputs[0]]
        with lap("decode"):
            return [self._decode(one, letterbox) for one, letterbox in zip(answer, letterboxes, strict=True)]

    def _decode(self, rows: Array, letterbox: Letterbox) -> Poses:
        values = 3 * len(self._skeleton)
        if rows.ndim == 2 and rows.shape[1] == 6 + values:
            likely = rows[rows[:, 4] > self._min_score]
            likely = likely[np.argsort(-likely[:, 4], kind="stable")]
            xyxy, score, points = likely[:, :4], likely[:, 4], likely[:, 6:]
        elif rows.ndim == 2 and rows.shape == (5 + values, self._count):
            likely = rows[:, rows[4] > self._min_score].T
            xyxy = _corners(likely[:, :4].T)
            kept = nms(xyxy, likely[:, 4], self._nms_iou)
            xyxy, score, points = xyxy[kept], likely[kept, 4], likely[kept, 5:]
        else:
            expected = f"({5 + values}, cells) or (M, {6 + values}) for {len(self._skeleton)} keypoints"
            raise ModelError(_unexpected(expected, rows, self._canvas, self._count))
        return to_poses(xyxy, score, points.reshape(len(points), values // 3, 3), letterbox, self._skeleton)

    def reset(self) -> None:
        """Nothing is remembered."""


def _count_cells(input_hw: tuple[int, int]) -> int:
    return sum((input_hw[0] // stride) * (input_hw[1] // stride) for stride in _STRIDES)


def _corners(cxcywh: Array) -> Array:
    """Rows (N, 4) of left, top, right, bottom from middles and sizes (4, N)."""
    middle, half = cxcywh[:2], cxcywh[2:] / 2
    return np.concatenate([middle - half, middle + half]).T


def _unexpected(expected: str, rows: Array, canvas: Canvas, cells: int) -> str:
    width, height = canvas.size_wh
    return (
        f"YOLO at {width}x{height}: expected an output of {expected}, cells = {cells}, got {rows.shape}; "
        "is input_hw the size that the file was made for?"
    )
