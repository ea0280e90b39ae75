"""Owns limbs: which keypoints part affinity fields join, in which channels, and what each limb may do to a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError
from holopose.skeletons import OPENPOSE18, OPENPOSE25, Skeleton

__all__ = ["Limbs", "limbs_of"]

Ints = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Limbs:
    """The L limbs of a layout of K keypoints, in the order in which people are put together.

    Attributes:
        ends: (L, 2) keypoints that a limb joins, from the first to the second.
        channels: (L, 2) channels of its field's x and y, counted from the first channel of the fields.
        extra: (L,) limbs that close a ring (ear to shoulder): they add to people and join them, and never begin one.
        minor: (K,) keypoints that do not count when it is decided who is a person (feet).
    """

    ends: Ints
    channels: Ints
    extra: Flags
    minor: Flags


# OpenPose's published pairs and channels (Cao et al., 2019: OpenPose: Realtime Multi-Person 2D Pose Estimation Using
# Part Affinity Fields). A field's channels are neighbours, so its first tells both.
_PAIRS = {
    OPENPOSE18: "1-2 1-5 2-3 3-4 5-6 6-7 1-8 8-9 9-10 1-11 11-12 12-13 1-0 0-14 14-16 0-15 15-17 2-16 5-17",
    OPENPOSE25: "1-8 1-2 1-5 2-3 3-4 5-6 6-7 8-9 9-10 10-11 8-12 12-13 13-14 1-0 0-15 15-17 0-16 16-18 2-17 5-18 "
    "14-19 19-20 14-21 11-22 22-23 11-24",
}
_FIRST_CHANNEL = {
    OPENPOSE18: (12, 20, 14, 16, 22, 24, 0, 2, 4, 6, 8, 10, 28, 30, 34, 32, 36, 18, 26),
    OPENPOSE25: (
        *(0, 14, 22, 16, 18, 24, 26, 6, 2, 4, 8, 10, 12, 30, 32, 36, 34, 38),
        *(20, 28, 40, 42, 44, 46, 48, 50),
    ),
}


def _limbs(skeleton: Skeleton, pairs: str, first_channel: Sequence[int]) -> Limbs:
    ends = np.array([[int(end) for end in pair.split("-")] for pair in pairs.split()], np.intp)
    first = np.array(first_channel, np.intp)
    ears = {skeleton.index("left_ear"), skeleton.index("right_ear")}
    shoulders = {skeleton.index("left_shoulder"), skeleton.index("right_shoulder")}
    extra = np.array([a in shoulders and b in ears for a, b in ends.tolist()])
    minor = np.isin(np.arange(len(skeleton)), skeleton.parts.get("feet", ()))
    return Limbs(ends, np.stack([first, first + 1], axis=1), extra, minor)


_LIMBS = {layout: _limbs(layout, pairs, _FIRST_CHANNEL[layout]) for layout, pairs in _PAIRS.items()}


def limbs_of(skeleton: Skeleton) -> Limbs:
    """The limbs that networks with this layout have fields for.

    Raises:
        ConfigError: no published network has fields for that layout.

    >>> limbs_of(OPENPOSE18).ends[0].tolist(), limbs_of(OPENPOSE18).channels[0].tolist()
    ([1, 2], [12, 13])
    """
    if skeleton not in _LIMBS:
        known = " or ".join(layout.name for layout in _LIMBS)
        raise ConfigError(f"skeleton: expected {known}, whose limbs have affinity fields, got {skeleton.name}")
    return _LIMBS[skeleton]
