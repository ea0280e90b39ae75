"""Owns RTMDet detectors (Lyu et al., 2022: RTMDet: An Empirical Study of Designing Real-Time Object Detectors)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from holopose.errors import ModelError
from holopose.ops.canvas import Canvas
from holopose.ops.detections import check_shares, people_among, run_each, to_boxes
from holopose.protocols import Runtime
from holopose.types import Boxes, Frame

__all__ = ["RtmDetector"]

_MEAN_BGR = (103.53, 116.28, 123.675)
_STD_BGR = (57.375, 57.12, 58.395)


class RtmDetector:
    """Finds people (or hands, by a network made for them) with RTMDet, as mmdeploy exports it: suppression inside.

    Args:
        runtime: The network; it takes (N, 3, h, w) float32 BGR less the mean, by the deviation, and gives `dets`
            (N, M, 5) and `labels` (N, M); further outputs, such as masks, are not looked at.
        input_hw: Height and width of its input.
        min_score: Only boxes with a higher score are people.
        person_class: Which of its classes is a person.
        mean: Of the colours, blue, green, red.
        std: Their deviation.

    Raises:
        ConfigError: a limit is not from 0 to 1.
        ModelError: the network has fewer than two outputs.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        input_hw: tuple[int, int] = (640, 640),
        min_score: float = 0.3,
        person_class: int = 0,
        mean: Sequence[float] = _MEAN_BGR,
        std: Sequence[float] = _STD_BGR,
    ) -> None:
        check_shares(min_score=min_score)
        if len(runtime.outputs) < 2:
            raise ModelError(f"RTMDet: expected the outputs dets and labels, got {', '.join(runtime.outputs)}")
        self._runtime = runtime
        self._canvas = Canvas(input_hw, mean=mean, std=std, bgr=True)
        self._min_score = min_score
        self._person = person_class

    def detect(self, frames: Sequence[Frame]) -> list[Boxes]:
        """People of each frame, best first; boxes may reach a little beyond the picture.

        Raises:
            ModelError: the network's outputs are not those of a detector with suppression inside.
        """
        if not frames:
            return []
        batch, letterboxes = self._canvas.fill([frame.image for frame in frames])
        limits: dict[str, Any] = {"person_class": self._person, "min_score": self._min_score}
        found = [people_among(*outputs[:2], **limits) for outputs in run_each(self._runtime, batch)]
        return [to_boxes(*one, letterbox) for one, letterbox in zip(found, letterboxes, strict=True)]
