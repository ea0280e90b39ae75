"""Owns flip tests: a network sees each crop once more mirrored, and its two opinions are averaged.

In the mirrored crop the left wrist is where the right one was: besides turning each map around, left and right
keypoints change places (a layout's `swaps`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["average_heatmaps", "average_simcc", "mirror"]

Floats = npt.NDArray[np.floating]
Float32s = npt.NDArray[np.float32]


def mirror(batch: Float32s) -> Float32s:
    """Crops (N, C, H, W) turned around: a contiguous copy."""
    return np.ascontiguousarray(batch[..., ::-1])


def average_heatmaps(maps: Floats, mirrored: Floats, swaps: Sequence[int], *, shift: bool = False) -> Float32s:
    """Mean of the maps (N, K, H, W) of crops and those of the mirrored crops.

    Args:
        maps: Of the crops.
        mirrored: Of the mirrored crops, as they came.
        swaps: (K,) for each keypoint its mirror image.
        shift: Move the mirrored maps right by one pixel, the first column stays. Where a heatmap pixel covers s input
            px from their corner on (plain warps), mirroring moves maps by (s − 1) / s px to the left: 3/4 at s = 4.
            Maps of UDP warps meet without (Huang et al.: The Devil Is in the Details, CVPR 2020).
    """
    return _mean(maps, _unmirror(mirrored, swaps, shift=1 if shift else 0))


def average_simcc(
    vectors: tuple[Floats, Floats],
    mirrored: tuple[Floats, Floats],
    swaps: Sequence[int],
    *,
    shift: int = 0,
) -> tuple[Float32s, Float32s]:
    """Mean of the SimCC vectors along x (N, K, X) and y (N, K, Y) of crops and those of the mirrored crops.

    Args:
        vectors: Of the crops.
        mirrored: Of the mirrored crops, as they came.
        swaps: (K,) for each keypoint its mirror image.
        shift: Move the mirrored vectors along x left by so many bins, the last bin is repeated: with s bins per px
            mirroring moves them right by s − 1. mmpose does not.
    """
    along_x = _mean(vectors[0], _unmirror(mirrored[0], swaps, shift=-shift))
    return along_x, _mean(vectors[1], mirrored[1].take(swaps, axis=1))


def _unmirror(mirrored: Floats, swaps: Sequence[int], *, shift: int) -> Floats:
    """Arrays (N, K, ..., W) of mirrored crops as if they had not been mirrored, moved right, the edge repeated."""
    back = mirrored.take(swaps, axis=1)[..., ::-1]
    if not shift:
        return back
    moved = np.empty(back.shape, back.dtype)
    if shift > 0:
        moved[..., shift:], moved[..., :shift] = back[..., :-shift], back[..., :1]
    else:
        moved[..., :shift], moved[..., shift:] = back[..., -shift:], back[..., -1:]
    return moved


def _mean(one: Floats, other: Floats) -> Float32s:
    mean: Float32s = np.add(one, other, dtype=np.float32)
    mean *= np.float32(0.5)
    return mean
