"""Owns the sampling of pictures: ROIs cut out as small upright pictures, and pictures as network inputs."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["Pyramid", "crop", "to_tensor"]

Image = npt.NDArray[np.uint8]

_LONGEST_PX = 32_000  # OpenCV samples no picture with 32 767 or more pixels on a side


class Pyramid:
    """A picture and its halvings, made when first needed, so that strong reductions do not alias.

    Pictures too long for OpenCV are never sampled themselves, only their first halving that is short enough.

    Args:
        image: (H, W, 3) uint8.
        levels: How many halvings may be used; 0 samples the picture itself, as MediaPipe does.
    """

    def __init__(self, image: Image, *, levels: int = 6) -> None:
        self._images = [image]
        self._levels = levels
        self._first = ((max(image.shape) - 1) // _LONGEST_PX).bit_length()

    @property
    def is_plain(self) -> bool:
        """Whether only the picture itself is sampled."""
        return self._levels == 0

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the full picture, px."""
        height, width = self._images[0].shape[:2]
        return width, height

    def pick(self, reduction: float) -> tuple[Image, float, float]:
        """The smallest level that still has more pixels than a reduction by `reduction` keeps.

        Returns:
            The level and its scale in x and y (level px per full px).
        """
        level = min(max(int(np.floor(np.log2(max(reduction, 1.0)))), 0), self._levels)
        level = max(level, self._first)
        while len(self._images) <= level:
            last = self._images[-1]
            if max(last.shape[:2]) < 2:
                break
            size_wh = max(1, last.shape[1] // 2), max(1, last.shape[0] // 2)
            half = cv2.resize(last, size_wh, interpolation=cv2.INTER_AREA)
            self._images.append(half.astype(np.uint8, copy=False))
        image = self._images[min(level, len(self._images) - 1)]
        width, height = self.size_wh
        return image, image.shape[1] / width, image.shape[0] / height


def crop(
    pyramid: Pyramid,
    roi: npt.NDArray[np.float64],
    size_wh: tuple[int, int],
    *,
    replicate: bool = True,
    in_steps: bool = False,
) -> Image:
    """The ROI as an upright picture, bilinear.

    Tensor fraction (u, v) samples the image at centre + R(angle)·((u−½)·w, (v−½)·h); pixel i lies at u = i/size, with
    no half-pixel term at full resolution (MediaPipe's image-to-tensor, OpenCV back-end).

    Args:
        pyramid: The picture.
        roi: (5,) as in `holopose.ops.rois`.
        size_wh: Size of the result, px.
        replicate: Beyond the border repeat the edge; otherwise black.
        in_steps: Round source positions to 1/32 px, as MediaPipe's crops are; slower. Landmarks whose heatmaps hardly
            peak can move by pixels for that.

    Returns:
        (h, w, 3) uint8.
    """
    width, height = size_wh
    x, y, roi_w, roi_h, angle = (float(v) for v in roi)
    image, scale_x, scale_y = pyramid.pick(min(roi_w / width, roi_h / height))
    cos, sin = np.cos(angle), np.sin(angle)
    step = np.array([[cos * roi_w / width, -sin * roi_h / height], [sin * roi_w / width, cos * roi_h / height]])
    origin = np.array([x, y]) - step @ (width / 2, height / 2)
    matrix = np.column_stack([step, origin])
    if scale_x != 1 or scale_y != 1:  # a level's pixel centres: level = (full + 1/2)·scale − 1/2
        matrix[:, 2] += 0.5
        matrix *= np.array([[scale_x], [scale_y]])
        matrix[:, 2] -= 0.5
    border = cv2.BORDER_REPLICATE if replicate else cv2.BORDER_CONSTANT
    if in_steps:
        return _sample_in_steps(image, matrix, size_wh, border)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    result = cv2.warpAffine(image, matrix, size_wh, flags=flags, borderMode=border)
    return result.astype(np.uint8, copy=False)


def _sample_in_steps(image: Image, matrix: npt.NDArray[np.float64], size_wh: tuple[int, int], border: int) -> Image:
    """Bilinear with source positions rounded to 1/32 px: what OpenCV 4 did, and so what MediaPipe's crops are."""
    across = np.arange(size_wh[0], dtype=np.float32)
    down = np.arange(size_wh[1], dtype=np.float32)[:, None]
    x, y = (row[0] * across + (row[1] * down + row[2]) for row in matrix.astype(np.float32))
    whole, part = cv2.convertMaps(x, y, cv2.CV_16SC2)
    result = cv2.remap(image, whole, part, cv2.INTER_LINEAR, borderMode=border)
    return result.astype(np.uint8, copy=False)


def to_tensor(crops: npt.NDArray[np.uint8], low: float, high: float) -> npt.NDArray[np.float32]:
    """Pixels 0..255 as float32 from `low` to `high`; any shape."""
    tensor = crops.astype(np.float32)
    tensor *= np.float32((high - low) / 255)
    if low:
        tensor += np.float32(low)
    return tensor
