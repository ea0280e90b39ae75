"""Owns letterboxes: whole pictures scaled into a network's square, and boxes or points brought back."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["Letterbox", "fit"]

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Letterbox:
    """Where a picture lies inside the square.

    Attributes:
        scale_xy: Square px per picture px.
        offset_xy: Where the picture's corner lies in the square, px.
        size_wh: The picture's own size, px.
    """

    scale_xy: tuple[float, float]
    offset_xy: tuple[float, float]
    size_wh: tuple[int, int]

    def to_picture(self, xy: Floats) -> npt.NDArray[np.float32]:
        """Points (..., 2) or boxes (..., 4: x1, y1, x2, y2) from square px to picture px; boxes are not clipped."""
        repeat = xy.shape[-1] // 2
        offset, scale = np.tile(self.offset_xy, repeat), np.tile(self.scale_xy, repeat)
        back: npt.NDArray[np.float32] = ((xy - offset) / scale).astype(np.float32)
        return back

    def clip(self, xyxy: Floats) -> npt.NDArray[np.float32]:
        """Boxes (N, 4) px cut at the picture's edges."""
        width, height = self.size_wh
        return np.clip(xyxy, 0, np.array([width, height, width, height])).astype(np.float32)


def fit(
    image: Image, size_wh: tuple[int, int], *, value: int = 114, centred: bool = False, out: Image | None = None
) -> tuple[Image, Letterbox]:
    """The picture, scaled to fit (bilinear) and padded with grey.

    Args:
        image: (H, W, 3) uint8.
        size_wh: Size of the result, px.
        value: Grey of the padding.
        centred: Padding on both sides and sizes rounded (YOLOv8 and later); else right and below, sizes cut
            down (YOLOX).
        out: (h, w, 3) uint8 to fill, instead of a new array.

    Returns:
        The (h, w, 3) uint8 picture, and how to come back. The scale is the one asked for, not that of the rounded size,
        as in the systems whose weights are used.
    """
    height, width = image.shape[:2]
    scale = min(size_wh[0] / width, size_wh[1] / height)
    inner = (round(width * scale), round(height * scale)) if centred else (int(width * scale), int(height * scale))
    inner_w, inner_h = max(inner[0], 1), max(inner[1], 1)
    left = top = 0
    if centred:
        left, top = round((size_wh[0] - inner_w) / 2 - 0.1), round((size_wh[1] - inner_h) / 2 - 0.1)
    square = np.empty((size_wh[1], size_wh[0], 3), np.uint8) if out is None else out
    square[:top] = value
    square[top + inner_h :] = value
    square[top : top + inner_h, :left] = value
    square[top : top + inner_h, left + inner_w :] = value
    if (inner_w, inner_h) == (width, height):
        square[top : top + inner_h, left : left + inner_w] = image
    else:
        shrunk = cv2.resize(image, (inner_w, inner_h), interpolation=cv2.INTER_LINEAR)
        square[top : top + inner_h, left : left + inner_w] = shrunk
    return square, Letterbox((scale, scale), (float(left), float(top)), (width, height))
