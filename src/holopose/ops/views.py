"""Owns views: the part of a picture around one person that a top-down network is shown, and the way back.

A view is a row of four float64 numbers: centre x, centre y, width, height in picture px (mmpose's centre and scale).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError

__all__ = ["Cutter", "from_view", "to_rows", "views_around"]

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Tensor = npt.NDArray[np.float32]

IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)

_LONGEST_PX = 32_000  # OpenCV 4 samples no picture with 32 767 or more pixels on a side


def views_around(xyxy: npt.ArrayLike, *, aspect: float, padding: float = 1.25) -> Floats:
    """Views (N, 4) of boxes (N, 4) px, padded and widened or heightened to width / height = `aspect`.

    A box without extent becomes a view of one pixel.

    >>> views_around([[0, 0, 100, 100]], aspect=0.75).tolist()  # height grows
    [[50.0, 50.0, 125.0, 166.66666666666666]]
    """
    boxes = np.asarray(xyxy, np.float64).reshape(-1, 4)
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    size = np.maximum((boxes[:, 2:] - boxes[:, :2]) * padding, 1.0)
    width = np.maximum(size[:, 0], size[:, 1] * aspect)
    return np.column_stack([centre, width, width / aspect])


def from_view(xy: npt.NDArray[np.floating], views: Floats, size_wh: tuple[int, int]) -> Tensor:
    """Points (N, K, 2) in network-input px to picture px.

    mmpose's way back, for plain and UDP warps alike: point / input size · view size + centre − view size / 2. Decoders
    of UDP heatmaps scale by (input size) / (heatmap size − 1), which absorbs the difference.
    """
    size = views[:, None, 2:]
    return (xy / np.asarray(size_wh, np.float64) * size + (views[:, None, :2] - size / 2)).astype(np.float32)


def to_rows(counts: Sequence[int], *arrays: npt.NDArray[Any]) -> list[tuple[npt.NDArray[Any], ...]]:
    """Arrays over all people of several frames, cut into those of each frame (views, no copies)."""
    ends = np.cumsum(counts)
    return [tuple(array[end - n : end] for array in arrays) for n, end in zip(counts, ends.tolist(), strict=True)]


class Cutter:
    """Cuts people out of pictures, straight into the memory of a network's input.

    Args:
        input_hw: Height and width of the network's input.
        padding: How much larger than the box a view is.
        keep_aspect: Extend the view to the input's shape; else stretch what the box holds.
        udp: Unbiased warp (Huang et al., 2020: The Devil Is in the Details): corners at pixel centres, size − 1.
        mean: Subtracted per channel, on 0..255, in the order that the network gets.
        std: Divided by.
        bgr: Give the network blue, green, red.

    Raises:
        ConfigError: the padding is not above 0.
    """

    def __init__(
        self,
        input_hw: tuple[int, int],
        *,
        padding: float = 1.25,
        keep_aspect: bool = True,
        udp: bool = False,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        bgr: bool = False,
    ) -> None:
        if not 0 < padding < math.inf:
            raise ConfigError(f"padding: expected more than 0 (1 = the box itself), got {padding}")
        self.size_wh = (int(input_hw[1]), int(input_hw[0]))
        self._padding = padding
        self._keep_aspect = keep_aspect
        self._udp = udp
        self._bgr = bgr
        levels = np.arange(256, dtype=np.float64)[:, None]
        self._table = ((levels - np.asarray(mean)) / np.asarray(std)).T.astype(np.float32).copy()  # (3, 256)

    def views(self, xyxy: npt.ArrayLike) -> Floats:
        """The view (N, 4) of each box."""
        if self._keep_aspect:
            return views_around(xyxy, aspect=self.size_wh[0] / self.size_wh[1], padding=self._padding)
        boxes = np.asarray(xyxy, np.float64).reshape(-1, 4)
        size = np.maximum((boxes[:, 2:] - boxes[:, :2]) * self._padding, 1.0)
        return np.column_stack([(boxes[:, :2] + boxes[:, 2:]) / 2, size])

    def cut(self, images: Sequence[Image], views: Sequence[Floats]) -> Tensor:
        """All views of all pictures as one batch (N, 3, h, w) float32.

        Args:
            images: (H, W, 3) uint8 RGB each.
            views: (N_i, 4) px for each picture; beyond the picture is black.
        """
        width, height = self.size_wh
        batch = np.empty((sum(map(len, views)), 3, height, width), np.float32)
        scratch = np.empty((height, width, 3), np.uint8)
        matrices = [self._matrix(view) for group in views for view in group]
        owners = [image for image, group in zip(images, views, strict=True) for _ in group]
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        for tensor, whole, onto in zip(batch, owners, matrices, strict=True):
            image, matrix = (whole, onto) if max(whole.shape) <= _LONGEST_PX else self._shorten(whole, onto)
            cv2.warpAffine(image, matrix, self.size_wh, dst=scratch, flags=flags, borderMode=cv2.BORDER_CONSTANT)
            planes = cv2.split(scratch)
            for channel, plane in enumerate(reversed(planes) if self._bgr else planes):
                cv2.LUT(plane, self._table[channel], dst=tensor[channel])
        return batch

    def _shorten(self, image: Image, matrix: Floats) -> tuple[Image, Floats]:
        """What the matrix reaches of a picture that is too long for OpenCV, and the matrix for that."""
        size_wh = np.array([image.shape[1], image.shape[0]])
        reached = matrix @ [[0, self.size_wh[0]], [0, self.size_wh[1]], [1, 1]]
        first = np.clip(np.floor(reached[:, 0]) - 2, 0, size_wh - 1).astype(int)
        last = np.clip(np.ceil(reached[:, 1]) + 2, first + 1, size_wh).astype(int)
        steps = -(-(last - first) // _LONGEST_PX)
        part = np.ascontiguousarray(image[first[1] : last[1] : steps[1], first[0] : last[0] : steps[0]])
        return part, np.column_stack([matrix[:, :2], matrix[:, 2] - first]) / steps[:, None]

    def _matrix(self, view: Floats) -> Floats:
        """Network-input px to picture px, (2, 3)."""
        x, y, view_w, view_h = view.tolist()
        width, height = self.size_wh
        if self._udp:  # pixel centres at the corners meet those of the view
            step_x, step_y = view_w / (width - 1), view_h / (height - 1)
            return np.array([[step_x, 0, x - view_w / 2], [0, step_y, y - view_h / 2]])
        step_x, step_y = view_w / width, view_h / height
        return np.array([[step_x, 0, x - width / 2 * step_x], [0, step_y, y - height / 2 * step_y]])
