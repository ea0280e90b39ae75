"""Owns canvases: whole pictures, letterboxed straight into the memory of a network's input."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from holopose.ops.letterbox import Letterbox, fit

__all__ = ["Canvas"]

Image = npt.NDArray[np.uint8]
Tensor = npt.NDArray[np.float32]


class Canvas:
    """Puts pictures of any size into the one that a network takes.

    Args:
        input_hw: Height and width of the network's input.
        centred: Grey on both sides (YOLOv8 and later), else right and below (YOLOX, RTMDet, RTMO).
        mean: Subtracted per channel, on 0..255, in the order that the network gets.
        std: Divided by.
        bgr: Give the network blue, green, red.
    """

    def __init__(
        self,
        input_hw: tuple[int, int],
        *,
        centred: bool = False,
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (1.0, 1.0, 1.0),
        bgr: bool = False,
    ) -> None:
        self.size_wh = (int(input_hw[1]), int(input_hw[0]))
        self._centred = centred
        self._bgr = bgr
        levels = np.arange(256, dtype=np.float64)[:, None]
        self._table = ((levels - np.asarray(mean)) / np.asarray(std)).T.astype(np.float32).copy()  # (3, 256)

    def fill(self, images: Sequence[Image]) -> tuple[Tensor, list[Letterbox]]:
        """All pictures as one batch, and how to come back from each.

        Args:
            images: (H, W, 3) uint8 RGB each.

        Returns:
            (N, 3, h, w) float32, and N letterboxes.
        """
        width, height = self.size_wh
        batch = np.empty((len(images), 3, height, width), np.float32)
        scratch = np.empty((height, width, 3), np.uint8)
        letterboxes = []
        for tensor, image in zip(batch, images, strict=True):
            letterboxes.append(fit(image, self.size_wh, centred=self._centred, out=scratch)[1])
            planes = cv2.split(scratch)
            for channel, plane in enumerate(reversed(planes) if self._bgr else planes):
                cv2.LUT(plane, self._table[channel], dst=tensor[channel])
        return batch, letterboxes
