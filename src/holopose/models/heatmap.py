"""Owns networks that answer a person's crop with a heatmap per keypoint: HRNet, SimpleBaseline, ViTPose, FastPose."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError, ModelError
from holopose.ops.flips import average_heatmaps, mirror
from holopose.ops.heatmaps import check_kernel, decode_argmax, decode_dark, decode_quarter, decode_udp
from holopose.ops.integral import decode_integral, decode_symmetric
from holopose.ops.laps import lap
from holopose.ops.views import IMAGENET_MEAN, IMAGENET_STD, Cutter, from_view, to_rows
from holopose.protocols import Runtime
from holopose.skeletons import Skeleton
from holopose.types import Boxes, Frame, Poses

__all__ = ["Decoder", "HeatmapModel"]

Decoder = Literal["argmax", "quarter", "dark", "udp", "integral", "symmetric-integral", "combined"]

Floats = npt.NDArray[np.float64]
Float32s = npt.NDArray[np.float32]

_REGRESSED = ("face", "left_hand", "right_hand")  # parts that `combined` reads by their centre of mass


class HeatmapModel:
    """A heatmap network and what it needs around it.

    Args:
        runtime: The network: crops (N, 3, h, w) in, maps (N, K, H, W) out.
        skeleton: Its K keypoints.
        input_hw: Height and width of its input, px.
        decoder: How a map becomes a place (`holopose.ops.heatmaps`, `holopose.ops.integral`); ``combined`` reads body
            and feet by ``quarter`` and face and hands by ``symmetric-integral`` (AlphaPose).
        kernel: Side of the blur of ``dark`` and ``udp``, heatmap px.
        sigma: Of that blur, heatmap px; 0 = what OpenCV gives a kernel of that side.
        padding: How much larger than its box the view of a person is.
        keep_aspect: Extend the view to the input's shape; else stretch what the box holds.
        udp: Unbiased warp, whose corner pixels are the input's and the heatmap's corner pixels alike.
        mean: Subtracted per channel, on 0..255, in the order that the network gets.
        std: Divided by.
        bgr: Give the network blue, green, red.
        flip: Ask it a second time with mirrored crops and average the maps.
        shift_flip: Move the mirrored maps right by one pixel first.
        cell: Where in its pixel a map's peak lies, heatmap px from where mmpose and its like take it to be: 0 for
            networks trained with targets at input px / stride, (s - 1) / 2s for those whose targets lie in the middle
            of the s input px that a heatmap pixel covers (OpenPose: 3.5 / 8).
        batch: So many crops at a time.

    Scores are what the decoder gives, cut to [0, 1]: the map's peak, or its sigmoid's.

    Raises:
        ConfigError: a setting makes no sense.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        skeleton: Skeleton,
        input_hw: tuple[int, int],
        decoder: Decoder = "quarter",
        kernel: int = 11,
        sigma: float = 0.0,
        padding: float = 1.25,
        keep_aspect: bool = True,
        udp: bool = False,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        bgr: bool = False,
        flip: bool = False,
        shift_flip: bool = False,
        cell: float = 0.0,
        batch: int = 32,
    ) -> None:
        if decoder not in get_args(Decoder):
            raise ConfigError(f"decoder: expected {', '.join(get_args(Decoder))}, got {decoder!r}")
        if batch < 1:
            raise ConfigError(f"batch: expected 1 or more crops at a time, got {batch}")
        if not 0 <= sigma < math.inf:
            raise ConfigError(f"sigma: expected heatmap pixels, or 0 for OpenCV's own, got {sigma}")
        check_kernel(kernel)
        self.skeleton = skeleton
        self._runtime = runtime
        self._cutter = Cutter(input_hw, padding=padding, keep_aspect=keep_aspect, udp=udp, mean=mean, std=std, bgr=bgr)
        self._corners_meet = udp or decoder == "udp"
        self._flip = flip
        self._shift_flip = shift_flip
        self._cell = cell
        self._batch = batch
        decoders: dict[Decoder, Callable[[Float32s], tuple[Float32s, Float32s]]] = {
            "argmax": decode_argmax,
            "quarter": decode_quarter,
            "dark": partial(decode_dark, kernel=kernel, sigma=sigma),
            "udp": partial(decode_udp, kernel=kernel, sigma=sigma),
            "integral": decode_integral,
            "symmetric-integral": decode_symmetric,
            "combined": self._decode_combined,
        }
        self._decode = decoders[decoder]

    def locate(self, frames: Sequence[Frame], boxes: Sequence[Boxes]) -> list[Poses]:
        """One Poses per frame, a person per box, in the order of the boxes, which are handed on.

        Raises:
            ModelError: the network's maps are not those of the skeleton.
        """
        total = sum(map(len, boxes))
        xy = np.full((total, len(self.skeleton), 2), np.nan, np.float32)
        score = np.zeros((total, len(self.skeleton)), np.float32)
        for part, views, maps in self._ask([frame.image for frame in frames], boxes):
            with lap("decode"):
                xy[part], score[part] = self._read(maps, views)
        rows = to_rows([len(some) for some in boxes], xy, score)
        return [Poses(xy, score, some, self.skeleton) for (xy, score), some in zip(rows, boxes, strict=True)]

    def heatmaps(self, frame: Frame, boxes: Boxes) -> tuple[Float32s, Floats]:
        """What the network says of people in a picture, and where it looked.

        Returns:
            Maps (N, K, H, W) float32 as they came, averaged over both passes of a flip test, (0, K, 0, 0) where there
            are no boxes; views (N, 4) of `holopose.ops.views`. `to_picture` tells where a map's pixels lie.
        """
        found = [(maps, views) for _, views, maps in self._ask([frame.image], [boxes])]
        if not found:
            return np.zeros((0, len(self.skeleton), 0, 0), np.float32), np.zeros((0, 4))
        return np.concatenate([maps for maps, _ in found]), np.concatenate([views for _, views in found])

    def to_picture(self, xy: npt.NDArray[np.floating], views: Floats, map_hw: tuple[int, int]) -> Float32s:
        """Places (N, M, 2) in maps of `map_hw` px, each seen in one of the views (N, 4), in picture px."""
        height, width = map_hw
        cells = (width - 1, height - 1) if self._corners_meet else (width, height)
        share = np.array(self._cutter.size_wh) / np.maximum(cells, 1)
        return from_view((xy + self._cell) * share, views, self._cutter.size_wh)

    def _ask(
        self, images: Sequence[npt.NDArray[np.uint8]], boxes: Sequence[Boxes]
    ) -> Iterator[tuple[slice, Floats, Float32s]]:
        """A piece of all people of all pictures after the other: which, their views, their maps."""
        owners = [image for image, some in zip(images, boxes, strict=True) for _ in range(len(some))]
        views = self._cutter.views(np.concatenate([np.zeros((0, 4)), *(some.xyxy for some in boxes)]))
        for start in range(0, len(owners), self._batch):
            part = slice(start, start + self._batch)
            with lap("crop"):
                crops = self._cutter.cut(owners[part], list(views[part, None]))
            with lap("network"):
                maps = self._run(crops)
                if self._flip:
                    maps = average_heatmaps(maps, self._run(mirror(crops)), self.skeleton.swaps, shift=self._shift_flip)
            yield part, views[part], maps

    def _run(self, crops: Float32s) -> Float32s:
        answer = self._runtime.run_batch({self._runtime.inputs[0]: crops})[self._runtime.outputs[0]]
        if answer.ndim != 4 or answer.shape[:2] != (len(crops), len(self.skeleton)):
            raise ModelError(
                f"the network answers {len(crops)} crops with shape {answer.shape}; expected {len(crops)} times "
                f"{len(self.skeleton)} heatmaps, the keypoints of {self.skeleton.name}"
            )
        return answer.astype(np.float32, copy=False)

    def _read(self, maps: Float32s, views: Floats) -> tuple[Float32s, Float32s]:
        """Places (N, K, 2) in picture px and scores (N, K) in [0, 1]."""
        xy, score = self._decode(maps)
        found = score > 0  # NaN is not
        picture_xy = self.to_picture(xy, views, (maps.shape[2], maps.shape[3]))
        return np.where(found[..., None], picture_xy, np.float32(np.nan)), np.where(found, np.minimum(score, 1), 0)

    def _decode_combined(self, maps: Float32s) -> tuple[Float32s, Float32s]:
        xy, score = decode_quarter(maps)
        rest = [index for part in _REGRESSED for index in self.skeleton.parts.get(part, ())]
        xy[:, rest], score[:, rest] = decode_symmetric(maps[:, rest])
        return xy, score
