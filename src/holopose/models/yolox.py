"""Owns YOLOX detectors (Ge et al., 2021: YOLOX: Exceeding YOLO Series in 2021), raw or with suppression inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.errors import ModelError
from holopose.ops.canvas import Canvas
from holopose.ops.detections import check_shares, people_among, run_each, to_boxes
from holopose.ops.nms import nms
from holopose.protocols import Runtime
from holopose.types import Boxes, Frame

__all__ = ["YoloxDetector"]

_STRIDES = (8, 16, 32)

Array = npt.NDArray[Any]


class YoloxDetector:
    """Finds people with a YOLOX network.

    Two kinds of files are known by their outputs: one output (N, rows, 5 + classes), not decoded, as YOLOX's own
    repository exports; or `dets` (N, M, 5) and `labels` (N, M), with suppression inside, as mmdeploy exports.

    Args:
        runtime: The network; it takes (N, 3, h, w) float32 BGR from 0 to 255.
        input_hw: Height and width of its input.
        min_score: Only boxes with a higher score (objectness times class) are people.
        nms_iou: Of two boxes of a raw network that overlap more, the better one stays.
        person_class: Which of its classes is a person.

    Raises:
        ConfigError: a limit is not from 0 to 1.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        input_hw: tuple[int, int] = (640, 640),
        min_score: float = 0.3,
        nms_iou: float = 0.45,
        person_class: int = 0,
    ) -> None:
        check_shares(min_score=min_score, nms_iou=nms_iou)
        self._runtime = runtime
        self._canvas = Canvas(input_hw, bgr=True)
        self._min_score = min_score
        self._nms_iou = nms_iou
        self._person = person_class
        self._cells, self._strides = _cells(input_hw)

    def detect(self, frames: Sequence[Frame]) -> list[Boxes]:
        """People of each frame, best first; boxes may reach a little beyond the picture.

        Raises:
            ModelError: the network's outputs are not those of a YOLOX network with this input.
        """
        if not frames:
            return []
        batch, letterboxes = self._canvas.fill([frame.image for frame in frames])
        if len(self._runtime.outputs) == 1:
            answer = self._runtime.run_batch({self._runtime.inputs[0]: batch})
            found = [self._decode(rows) for rows in answer[self._runtime.outputs[0]]]
        else:  # the number of boxes differs from picture to picture
            limits: dict[str, Any] = {"person_class": self._person, "min_score": self._min_score}
            found = [people_among(*outputs[:2], **limits) for outputs in run_each(self._runtime, batch)]
        return [to_boxes(*one, letterbox) for one, letterbox in zip(found, letterboxes, strict=True)]

    def _decode(self, rows: Array) -> tuple[Array, Array]:
        """Boxes (M, 4) in canvas px and scores (M,) of a raw output (rows, 5 + classes)."""
        if rows.ndim != 2 or len(rows) != len(self._cells) or rows.shape[1] <= 5 + self._person:
            width, height = self._canvas.size_wh
            raise ModelError(
                f"YOLOX at {width}x{height}: expected an output of {len(self._cells)} rows and more than "
                f"{5 + self._person} columns, got {rows.shape}; is input_hw the size that the file was made for?"
            )
        score = rows[:, 4] * rows[:, 5 + self._person]
        likely = np.flatnonzero(score > self._min_score)
        rows, score, stride = rows[likely], score[likely], self._strides[likely, None]
        centre = (rows[:, :2] + self._cells[likely]) * stride
        with np.errstate(over="ignore"):
            half = np.exp(rows[:, 2:4]) * (stride / 2)
        xyxy = np.concatenate([centre - half, centre + half], axis=1)
        kept = nms(xyxy, score, self._nms_iou)
        return xyxy[kept], score[kept]


def _cells(input_hw: tuple[int, int]) -> tuple[Array, Array]:
    """Column and row (rows, 2) of each cell of the three grids, row by row, and its stride (rows,)."""
    cells, strides = [], []
    for stride in _STRIDES:
        y, x = np.mgrid[: input_hw[0] // stride, : input_hw[1] // stride]
        cells.append(np.stack([x, y], axis=-1).reshape(-1, 2))
        strides.append(np.full(x.size, stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(strides).astype(np.float32)
