"""Owns networks that answer a person's crop with SimCC vectors: RTMPose, RTMW, DWPose."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError, ModelError
from holopose.ops.flips import average_simcc, mirror
from holopose.ops.laps import lap
from holopose.ops.simcc import ScoreRule, check_score_rule, decode_simcc
from holopose.ops.views import IMAGENET_MEAN, IMAGENET_STD, Cutter, from_view, to_rows
from holopose.protocols import Runtime
from holopose.skeletons import Skeleton
from holopose.types import Boxes, Frame, Poses

__all__ = ["SimccModel"]

Floats = npt.NDArray[np.float64]
Float32s = npt.NDArray[np.float32]


class SimccModel:
    """A SimCC network and what it needs around it.

    Args:
        runtime: The network: crops (N, 3, h, w) in, vectors along x and along y out, in this order.
        skeleton: Its K keypoints.
        input_hw: Height and width of its input, px.
        padding: How much larger than its box the view of a person is.
        split_ratio: Bins per input px.
        score_rule: Of the two peaks take the lower (``min``: mmpose, DWPose) or the mean (rtmlib).
        mean: Subtracted per channel, on 0..255, in the order that the network gets.
        std: Divided by.
        bgr: Give the network blue, green, red, as rtmlib and DWPose's ONNX code do. The networks are trained on red,
            green, blue.
        flip: Ask it a second time with mirrored crops and average the vectors.
        shift_flip: Move the mirrored vectors left first by the bin (with two per px) that they are off; mmpose, and
            so the published figures, do not.
        batch: So many crops at a time.

    Scores are the peaks, cut to [0, 1]; they are no probabilities.

    Raises:
        ConfigError: a setting makes no sense.
        ModelError: the network has fewer than two outputs.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        skeleton: Skeleton,
        input_hw: tuple[int, int],
        padding: float = 1.25,
        split_ratio: float = 2.0,
        score_rule: ScoreRule = "min",
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        bgr: bool = False,
        flip: bool = False,
        shift_flip: bool = False,
        batch: int = 32,
    ) -> None:
        check_score_rule(score_rule)
        if batch < 1:
            raise ConfigError(f"batch: expected 1 or more crops at a time, got {batch}")
        if not split_ratio > 0:
            raise ConfigError(f"split_ratio: expected more than 0 bins per pixel, got {split_ratio}")
        if len(runtime.outputs) < 2:
            raise ModelError(f"SimCC: expected outputs along x and along y, got {', '.join(runtime.outputs)}")
        self.skeleton = skeleton
        self._runtime = runtime
        self._cutter = Cutter(input_hw, padding=padding, mean=mean, std=std, bgr=bgr)
        self._bins = tuple(round(side * split_ratio) for side in self._cutter.size_wh)
        self._split_ratio = split_ratio
        self._score_rule: ScoreRule = score_rule
        self._flip = flip
        self._shift_bins = round(split_ratio - 1) if shift_flip else 0
        self._batch = batch

    def locate(self, frames: Sequence[Frame], boxes: Sequence[Boxes]) -> list[Poses]:
        """One Poses per frame, a person per box, in the order of the boxes, which are handed on.

        Raises:
            ModelError: the network's vectors are not those of the skeleton, the input size and the split ratio.
        """
        owners = [frame.image for frame, some in zip(frames, boxes, strict=True) for _ in range(len(some))]
        xy = np.full((len(owners), len(self.skeleton), 2), np.nan, np.float32)
        score = np.zeros((len(owners), len(self.skeleton)), np.float32)
        views = self._cutter.views(np.concatenate([np.zeros((0, 4)), *(some.xyxy for some in boxes)]))
        for start in range(0, len(owners), self._batch):
            part = slice(start, start + self._batch)
            with lap("crop"):
                crops = self._cutter.cut(owners[part], list(views[part, None]))
            with lap("network"):
                vectors = self._run(crops)
                if self._flip:
                    vectors = average_simcc(
                        vectors, self._run(mirror(crops)), self.skeleton.swaps, shift=self._shift_bins
                    )
            with lap("decode"):
                xy[part], score[part] = self._read(vectors, views[part])
        rows = to_rows([len(some) for some in boxes], xy, score)
        return [Poses(xy, score, some, self.skeleton) for (xy, score), some in zip(rows, boxes, strict=True)]

    def _run(self, crops: Float32s) -> tuple[Float32s, Float32s]:
        answer = self._runtime.run_batch({self._runtime.inputs[0]: crops})
        along_x, along_y = (answer[name] for name in self._runtime.outputs[:2])
        for vectors, axis, bins in zip((along_x, along_y), "xy", self._bins, strict=True):
            expected = (len(crops), len(self.skeleton), bins)
            if vectors.shape != expected:
                raise ModelError(
                    f"the network answers {len(crops)} crops with shape {vectors.shape} along {axis}; expected "
                    f"{expected}: the keypoints of {self.skeleton.name}, {self._split_ratio:g} bins per pixel"
                )
        return along_x, along_y

    def _read(self, vectors: tuple[Float32s, Float32s], views: Floats) -> tuple[Float32s, Float32s]:
        """Places (N, K, 2) in picture px and scores (N, K) in [0, 1]."""
        xy, score = decode_simcc(*vectors, split_ratio=self._split_ratio, score_rule=self._score_rule)
        found = score > 0
        return from_view(xy, views, self._cutter.size_wh), np.where(found, np.minimum(score, 1), np.float32(0))
