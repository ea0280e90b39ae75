"""Owns pictures whose colours say where they are, and networks that read from a crop what it shows.

Red is the column, green the row, blue says which picture it is; beyond a picture is black. A network in these tests
fits the two ramps it is given and so knows, from pixels alone, where in the picture each pixel of its input lies:
whether a model's warp and its way back belong together shows without a formula of the model's own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from holopose.ops.views import IMAGENET_MEAN, IMAGENET_STD
from holopose.types import Frame

__all__ = ["Sight", "ramp_frame"]

Floats = npt.NDArray[np.float64]

_FIRST_BLUE, _BLUE_STEP = 120, 10


def ramp_frame(number: int = 0, size_wh: tuple[int, int] = (250, 240)) -> Frame:
    """The picture with that number; at most 255 px on a side."""
    image = np.empty((size_wh[1], size_wh[0], 3), np.uint8)
    image[..., 0] = np.arange(size_wh[0])
    image[..., 1] = np.arange(size_wh[1])[:, None]
    image[..., 2] = _FIRST_BLUE + _BLUE_STEP * number
    return Frame(image, number)


class Sight:
    """Sees in crops of ramp pictures where known points lie.

    Args:
        points: For each picture, (K, 2) px.
        swaps: In mirrored crops left is right.
        mean: What the network was promised to have been subtracted.
        std: What divided by.
        bgr: The order of colours it was promised.
    """

    def __init__(
        self,
        points: Sequence[Floats],
        swaps: Sequence[int],
        *,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        bgr: bool = False,
    ) -> None:
        self._points = points
        self._swaps = list(swaps)
        self._mean, self._std = np.reshape(mean, (3, 1, 1)), np.reshape(std, (3, 1, 1))
        self._bgr = bgr

    def places(self, crops: npt.NDArray[np.float32]) -> Floats:
        """Points (N, K, 2) in px of the crops (N, 3, h, w)."""
        return np.stack([self._place(crop.astype(np.float64)) for crop in crops])

    def _place(self, crop: Floats) -> Floats:
        planes = crop * self._std + self._mean
        red, green, blue = planes[::-1] if self._bgr else planes
        number = round((float(np.median(blue[blue > _FIRST_BLUE - 1])) - _FIRST_BLUE) / _BLUE_STEP)
        inside = blue > _FIRST_BLUE + _BLUE_STEP * number - 0.5  # the border blends into black
        rows, columns = np.nonzero(inside)
        (step_x, first_x), (step_y, first_y) = np.polyfit(columns, red[inside], 1), np.polyfit(rows, green[inside], 1)
        points = self._points[number]
        points = points[self._swaps] if step_x < 0 else points
        return (points - (first_x, first_y)) / (step_x, step_y)
