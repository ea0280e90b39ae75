"""Owns reading heatmaps: one map per person and keypoint, its peak, and where between the pixels it really lies.

All decoders take maps (N, K, H, W), work on all of them at once, and give places (N, K, 2) float32 in heatmap px,
(0, 0) = centre of the first pixel, and the peaks' heights (N, K) float32. A map that nowhere exceeds 0 has no keypoint:
NaN. A blur's `sigma` of 0 is the one that OpenCV gives a kernel of that side, 0.15 · kernel + 0.35: 2 for 11 pixels.

Where the formulas come from:
  quarter   Newell, Yang, Deng: Stacked Hourglass Networks for Human Pose Estimation (ECCV 2016), and the codes of
            SimpleBaseline and HRNet
  DARK      Zhang, Zhu, Dai, Ye, Zhu: Distribution-Aware Coordinate Representation for Human Pose Estimation (CVPR 2020)
  UDP       Huang, Zhu, Guo, Huang: The Devil Is in the Details: Delving into Unbiased Data Processing for Human Pose
            Estimation (CVPR 2020), and mmpose's ``UDPHeatmap``
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError

__all__ = ["check_kernel", "decode_argmax", "decode_dark", "decode_quarter", "decode_udp", "find_peaks"]

Maps = npt.NDArray[np.floating]
Float32s = npt.NDArray[np.float32]
Float64s = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_CHUNK = 1 << 18  # heatmap pixels blurred at a time: they stay in the processor's cache
_DARK_FLOOR = 1e-10  # lowest height that DARK takes the logarithm of
_UDP_RANGE = (1e-3, 50.0)  # the same in UDP, and the highest
_EPSILON = float(np.finfo(np.float32).eps)  # keeps UDP's curvature invertible


def check_kernel(kernel: int) -> None:
    """Refuse a blur that has no middle.

    Raises:
        ConfigError: not an odd number of pixels.
    """
    if kernel < 1 or kernel % 2 == 0:
        raise ConfigError(f"kernel: expected an odd number of heatmap pixels such as 11, got {kernel}")


def find_peaks(maps: Maps) -> tuple[Ints, Float32s]:
    """The highest pixel (N, K, 2: column, row) of each map (N, K, H, W), and its height (N, K); NaN if there is one.

    >>> maps = np.zeros((1, 1, 4, 6), np.float32)
    >>> maps[0, 0, 3, 1] = 0.7
    >>> find_peaks(maps)[0].tolist()
    [[[1, 3]]]
    """
    flat = maps.reshape(*maps.shape[:2], maps.shape[2] * maps.shape[3])
    at = flat.argmax(axis=2)
    score = np.take_along_axis(flat, at[..., None], axis=2)[..., 0].astype(np.float32)
    row, column = np.divmod(at, maps.shape[3])
    return np.stack([column, row], axis=2), score


def decode_argmax(maps: Maps) -> tuple[Float32s, Float32s]:
    """The highest pixel as it is, right to half a pixel."""
    at, score = find_peaks(maps)
    return _places(at, np.zeros(at.shape), score)


def decode_quarter(maps: Maps) -> tuple[Float32s, Float32s]:
    """The highest pixel, a quarter of a pixel towards the higher of its neighbours on each axis.

    Stays where the peak is within two pixels of the left or upper edge, or one of the right or lower (HRNet's code).
    """
    at, score = find_peaks(maps)
    near = _around(_flat(maps), at.reshape(-1, 2), 1)
    rise = np.stack([near[:, 1, 2] - near[:, 1, 0], near[:, 2, 1] - near[:, 0, 1]], axis=1).reshape(at.shape)
    steps = np.where(_inside(at, maps, 2, 1)[..., None], 0.25 * np.sign(rise), 0)
    return _places(at, steps, score)


def decode_dark(maps: Maps, *, kernel: int = 11, sigma: float = 0.0) -> tuple[Float32s, Float32s]:
    """DARK: blur, then to the top of the paraboloid that the logarithm is at the peak; second derivatives over ±2 px.

    Peaks within two pixels of an edge stay whole, as in the authors' code and mmpose.

    Args:
        maps: (N, K, H, W).
        kernel: Side of the blur, px, odd: 11 for maps made with sigma 2, 17 with sigma 3.
        sigma: Of the blur, px.
    """
    at, score = find_peaks(maps)
    near = _blurred_around(_flat(maps), at.reshape(-1, 2), score.ravel(), reach=2, kernel=kernel, sigma=sigma)
    f = np.log(np.maximum(near, _DARK_FLOOR))
    steps = _newton(
        (f[:, 2, 3] - f[:, 2, 1]) / 2,
        (f[:, 3, 2] - f[:, 1, 2]) / 2,
        (f[:, 2, 4] - 2 * f[:, 2, 2] + f[:, 2, 0]) / 4,
        (f[:, 4, 2] - 2 * f[:, 2, 2] + f[:, 0, 2]) / 4,
        (f[:, 3, 3] - f[:, 1, 3] - f[:, 3, 1] + f[:, 1, 1]) / 4,
        longest=kernel // 2,
    ).reshape(at.shape)
    return _places(at, np.where(_inside(at, maps, 2, 2)[..., None], steps, 0), score)


def decode_udp(maps: Maps, *, kernel: int = 11, sigma: float = 0.0) -> tuple[Float32s, Float32s]:
    """DARK as UDP does it: second derivatives over ±1 pixel, heights held within 0.001 and 50, edges repeated.

    Args:
        maps: (N, K, H, W).
        kernel: Side of the blur, px, odd; 11 wherever UDP is published, whatever the maps' sigma.
        sigma: Of the blur, px.
    """
    at, score = find_peaks(maps)
    near = _blurred_around(_flat(maps), at.reshape(-1, 2), score.ravel(), reach=1, kernel=kernel, sigma=sigma)
    f = np.log(np.clip(near, *_UDP_RANGE))
    middle = f[:, 1, 1]
    cross = f[:, 2, 2] - f[:, 1, 2] - f[:, 2, 1] + 2 * middle - f[:, 1, 0] - f[:, 0, 1] + f[:, 0, 0]
    steps = _newton(
        (f[:, 1, 2] - f[:, 1, 0]) / 2,
        (f[:, 2, 1] - f[:, 0, 1]) / 2,
        f[:, 1, 2] + f[:, 1, 0] - 2 * middle + _EPSILON,
        f[:, 2, 1] + f[:, 0, 1] - 2 * middle + _EPSILON,
        cross / 2,
        longest=kernel // 2,
    )
    return _places(at, steps.reshape(at.shape), score)


def _flat(maps: Maps) -> Maps:
    """(N, K, H, W) -> (N · K, H, W)."""
    return maps.reshape(-1, *maps.shape[2:])


def _places(at: Ints, steps: npt.NDArray[np.floating], score: Float32s) -> tuple[Float32s, Float32s]:
    """Whole pixels and the steps from them, NaN where there is no peak."""
    xy = (at + steps).astype(np.float32)
    return np.where((score > 0)[..., None], xy, np.float32(np.nan)), score


def _inside(at: Ints, maps: Maps, before: int, after: int) -> npt.NDArray[np.bool_]:
    """Peaks (N, K) with so many pixels before and after them on both axes."""
    last = np.array([maps.shape[3], maps.shape[2]]) - 1 - after
    return np.asarray(((at >= before) & (at <= last)).all(axis=2))


def _around(maps: Maps, at: Ints, reach: int) -> Maps:
    """Squares (M, 2 · reach + 1, 2 · reach + 1) of maps (M, H, W) around pixels (M, 2), edges repeated."""
    offsets = np.arange(-reach, reach + 1)
    columns = np.clip(at[:, :1] + offsets, 0, maps.shape[2] - 1)
    rows = np.clip(at[:, 1:] + offsets, 0, maps.shape[1] - 1)
    square: Maps = maps[np.arange(len(maps))[:, None, None], rows[:, :, None], columns[:, None, :]]
    return square


def _blurred_around(maps: Maps, at: Ints, peaks: Float32s, *, reach: int, kernel: int, sigma: float) -> Float64s:
    """The squares of `_around` after a Gaussian blur with zeros beyond the edges; each map keeps its highest value."""
    check_kernel(kernel)
    count, height, width = maps.shape
    between = kernel // 2  # rows of zeros between maps that lie below each other in one tall picture
    squares = np.empty((count, 2 * reach + 1, 2 * reach + 1))
    step = max(1, _CHUNK // (height * width))
    tall = np.zeros((min(step, count), height + between, width), np.float32)
    soft = np.empty_like(tall)
    for start in range(0, count, step):
        part = slice(start, min(start + step, count))
        size = part.stop - start
        tall[:size, :height] = maps[part]
        cv2.GaussianBlur(
            tall[:size].reshape(-1, width),
            (kernel, kernel),
            sigma,
            dst=soft[:size].reshape(-1, width),
            sigmaY=sigma,
            borderType=cv2.BORDER_CONSTANT,
        )
        blurred = soft[:size, :height]
        highest = blurred.reshape(size, -1).max(axis=1)
        kept = np.divide(peaks[part], highest, out=np.ones(size, np.float32), where=highest > 0)
        squares[part] = _around(blurred, at[part], reach) * kept[:, None, None]
    return squares


def _newton(gx: Float64s, gy: Float64s, gxx: Float64s, gyy: Float64s, gxy: Float64s, *, longest: float) -> Float64s:
    """Steps (M, 2) to the top of paraboloids with these derivatives: minus inverse curvature times slope.

    No step where the curvature cannot be inverted, or where the step would leave what the blur has seen: on maps that
    are noise the formula alone gives steps of thousands of pixels.
    """
    area = gxx * gyy - gxy * gxy
    top = np.stack([gxy * gy - gyy * gx, gxy * gx - gxx * gy], axis=1)
    steps = np.divide(top, area[:, None], out=np.zeros_like(top), where=(area != 0)[:, None])
    near = np.less_equal(np.abs(steps), longest).all(axis=1, keepdims=True)  # NaN is not either
    return np.where(near, steps, 0)
