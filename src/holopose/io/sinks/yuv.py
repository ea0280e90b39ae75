"""Owns the colours of video: RGB pictures as the planes of luma and quartered chroma that encoders take."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["to_yuv420"]

Image = npt.NDArray[np.uint8]

_RED, _BLUE = 0.2126, 0.0722  # how much red and blue weigh in brightness, ITU-R BT.709-6, item 3.2


def _matrix() -> npt.NDArray[np.float32]:
    """(3, 4): R, G, B (0 to 255) and 1 to Y (16 to 235), Cb and Cr (16 to 240), BT.709-6, items 3.3 and 3.4."""
    luma = np.array([_RED, 1 - _RED - _BLUE, _BLUE])
    blue = (np.array([0, 0, 1]) - luma) / (2 * (1 - _BLUE))
    red = (np.array([1, 0, 0]) - luma) / (2 * (1 - _RED))
    scaled = np.stack([luma * 219, blue * 224, red * 224]) / 255
    return np.column_stack([scaled, [16, 128, 128]]).astype(np.float32)


_RGB_TO_YUV = _matrix()


def to_yuv420(image: Image) -> tuple[Image, Image, Image]:
    """A picture in BT.709, limited range, one chroma value for two by two pixels (their mean).

    Chroma of two by two pixels needs even sides: an odd one grows by one row or column that repeats the last.

    Args:
        image: (H, W, 3) uint8 RGB, contiguous.

    Returns:
        Luma, (H, W) uint8 with H and W even; Cb and Cr, (H / 2, W / 2) uint8.
    """
    import cv2

    height, width = image.shape[0] + image.shape[0] % 2, image.shape[1] + image.shape[1] % 2
    if (height, width) != image.shape[:2]:
        image = np.pad(image, ((0, height - image.shape[0]), (0, width - image.shape[1]), (0, 0)), mode="edge")
    yuv = cv2.transform(image, _RGB_TO_YUV)
    quarter = cv2.resize(yuv, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    luma, blue, red = cv2.extractChannel(yuv, 0), cv2.extractChannel(quarter, 1), cv2.extractChannel(quarter, 2)
    return np.asarray(luma, np.uint8), np.asarray(blue, np.uint8), np.asarray(red, np.uint8)
