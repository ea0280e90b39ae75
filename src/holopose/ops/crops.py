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
    border = cv2.BORDER_REPLICATE if replicate else cv2.BORDER_CONSTANT
    if in_steps:
        return _sample_in_steps(image, _corners(roi), np.array([scale_x, scale_y]), size_wh, border=border)
    cos, sin = np.cos(angle), np.sin(angle)
    step = np.array([[cos * roi_w / width, -sin * roi_h / height], [sin * roi_w / width, cos * roi_h / height]])
    origin = np.array([x, y]) - step @ (width / 2, height / 2)
    matrix = np.column_stack([step, origin])
    if scale_x != 1 or scale_y != 1:  # a level's pixel centres: level = (full + 1/2)·scale − 1/2
        matrix[:, 2] += 0.5
        matrix *= np.array([[scale_x], [scale_y]])
        matrix[:, 2] -= 0.5
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    result = cv2.warpAffine(image, matrix, size_wh, flags=flags, borderMode=border)
    return result.astype(np.uint8, copy=False)


def _corners(roi: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Corners (4, 2) of a ROI, px: lower left first, then clockwise; in the 32-bit arithmetic of cv::RotatedRect."""
    x, y, width, height = roi[:4].astype(np.float32)
    degrees = np.float32(np.float32(roi[4]) * np.float32(180) / np.float32(np.pi))
    turn = np.radians(np.float64(degrees))
    cos, sin = np.float32(np.cos(turn)) / 2, np.float32(np.sin(turn)) / 2
    first = np.array([x - sin * height - cos * width, y + cos * height - sin * width], np.float32)
    second = np.array([x + sin * height - cos * width, y - cos * height - sin * width], np.float32)
    centre = np.array([x, y], np.float32)
    return np.stack([first, second, 2 * centre - first, 2 * centre - second])


def _sample_in_steps(
    image: Image,
    corners: npt.NDArray[np.float32],
    scale: npt.NDArray[np.float64],
    size_wh: tuple[int, int],
    *,
    border: int,
) -> Image:
    """Bilinear with source positions rounded to 1/32 px: OpenCV 4's warpPerspective, and so what MediaPipe's crops are.

    Positions are computed as there, in 64 bits from corners in 32 bits, so that they fall on the same step.
    """
    width, height = size_wh
    if not cv2.contourArea(corners) > 0:  # a point or a line shows nothing
        return np.zeros((height, width, 3), np.uint8)
    if (scale != 1).any():
        corners = ((corners + 0.5) * scale - 0.5).astype(np.float32)
    target = np.array([[0, height], [0, 0], [width, 0], [width, height]], np.float32)
    _, matrix = cv2.invert(cv2.getPerspectiveTransform(corners, target))
    across, down = np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64)[:, None]
    to_steps = 32 / (matrix[2, 0] * across + (matrix[2, 1] * down + matrix[2, 2]))
    whole, parts = np.empty((height, width, 2), np.int16), []
    for axis in (0, 1):
        place = matrix[axis, 0] * across + (matrix[axis, 1] * down + matrix[axis, 2])
        place *= to_steps
        steps = np.clip(np.rint(place, out=place), -(2**20), 2**20 - 1, out=place).astype(np.int32)
        parts.append((steps & 31).astype(np.uint16))
        whole[..., axis] = steps >> 5
    part = parts[1] * np.uint16(32) + parts[0]
    result = cv2.remap(image, whole, part, cv2.INTER_LINEAR, borderMode=border)
    return result.astype(np.uint8, copy=False)


def to_tensor(crops: npt.NDArray[np.uint8], low: float, high: float) -> npt.NDArray[np.float32]:
    """Pixels 0..255 as float32 from `low` to `high`; any shape."""
    tensor = crops.astype(np.float32)
    tensor *= np.float32((high - low) / 255)
    if low:
        tensor += np.float32(low)
    return tensor
