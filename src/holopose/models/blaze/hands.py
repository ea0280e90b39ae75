"""Owns the hands of a person: ROI from the body, recrop, 21 landmarks per hand."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from holopose.models.blaze.network import Network
from holopose.ops.crops import Pyramid, crop, to_tensor
from holopose.ops.rois import align, around, may_keep, project, rotation_between, transform

__all__ = ["HAND_POINTS", "Hand", "HandFinder", "move_hand", "roi_from_body"]

_RECROP_SIDE = 256
_SIDE = 224
_MIN_WRIST_VISIBILITY = 0.1
_PALM = [0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18]  # wrist, thumb and the lower joints of the fingers
_KEEP = {"turn": np.radians(40), "shift": 0.2, "scale": 0.4, "margin": -0.1}
HAND_POINTS = {"left": [15, 17, 19], "right": [16, 18, 20]}
"""Wrist, pinky knuckle and index knuckle among the body landmarks."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Hand:
    """One hand: xy (21, 2) px, z (21,) px relative to the wrist, presence in [0, 1], and the ROI (5,) looked at."""

    xy: Floats
    z: Floats
    presence: float
    roi: Floats

    @property
    def next_roi(self) -> Floats:
        """The ROI (5,) to look at in the next frame: wrist and knuckles, fingers up, twice as large."""
        index, middle, ring = self.xy[[6, 10, 14]]
        turn = rotation_between(self.xy[0], ((index + ring) / 2 + middle) / 2, np.pi / 2)
        roi: Floats = transform(around(self.xy[None, _PALM], turn[None], tight=True), shift_y=-0.1, scale=2.0)[0]
        return roi


class HandFinder:
    """Hands of people whose bodies are known.

    Args:
        recrop: hand_recrop; answers two points.
        landmarks: hand_landmark_full; answers landmarks and presence.
        min_presence: Below it there is no hand.
    """

    def __init__(self, recrop: Network, landmarks: Network, *, min_presence: float = 0.5) -> None:
        self._recrop = recrop
        self._landmarks = landmarks
        self._min_presence = min_presence

    def find(
        self,
        pyramid: Pyramid,
        body_xy: Floats,
        visibility: Floats,
        side: str,
        *,
        min_px: float = 0.0,
        before: Hand | None = None,
    ) -> Hand | None:
        """One hand of one person.

        Args:
            pyramid: The picture.
            body_xy: (33, 2) body landmarks, px.
            visibility: (33,) in [0, 1].
            side: ``left`` or ``right``, the person's own.
            min_px: Do not look where the hand's ROI is smaller than this; fingers there would be invented.
            before: The same hand in the frame before. Its ROI is steadier than a fresh one and used where both agree.

        Returns:
            The hand, or None where the wrist is not visible, the hand too small or outside, or not found.
        """
        wrist = HAND_POINTS[side][0]
        if visibility[wrist] <= _MIN_WRIST_VISIBILITY:
            return None
        first = roi_from_body(body_xy[HAND_POINTS[side]])
        if first[2] < max(min_px, 1.0) or _misses(first, pyramid.size_wh):
            return None
        roi = self._tighten(pyramid, first)
        if roi[2] < 1.0:
            return None
        if before is not None and may_keep(before.next_roi, before.xy, roi, **_KEEP):
            roi = before.next_roi
        tensor = to_tensor(crop(pyramid, roi, (_SIDE, _SIDE)), 0, 1)[None]
        landmarks, flag = self._landmarks(tensor)
        presence = float(flag.ravel()[0])
        if presence <= self._min_presence:
            return None
        raw = landmarks.reshape(21, 3).astype(np.float64)
        xy = project(raw[None, :, :2] / _SIDE, roi[None])[0]
        return Hand(xy=xy, z=raw[:, 2] / _SIDE / 0.4 * roi[2], presence=min(presence, 1.0), roi=roi)

    def _tighten(self, pyramid: Pyramid, roi: Floats) -> Floats:
        """The ROI that the recrop network makes of a rough one: two points say centre, size and direction."""
        tensor = to_tensor(crop(pyramid, roi, (_RECROP_SIDE, _RECROP_SIDE)), 0, 1)[None]
        (output,) = self._recrop(tensor)
        points = output.reshape(2, -1)[:, :2].astype(np.float64) / _RECROP_SIDE
        start, end = project(points[None], roi[None])[0]
        tight: Floats = transform(align(start[None], end[None], -np.pi / 2), shift_y=-0.1)[0]
        return tight


def roi_from_body(points: npt.ArrayLike) -> Floats:
    """The rough hand ROI (5,) from wrist, pinky and index knuckle, (3, 2) px.

    Centre between the knuckles (two thirds towards the index), twice the distance to the wrist wide, turned so that
    the fingers point up, moved up by a tenth and scaled by 2.7.

    >>> [round(float(v), 2) for v in roi_from_body([[100, 200], [130, 140], [100, 140]])]
    [112.0, 128.0, 328.47, 328.47, 0.17]
    """
    wrist, pinky, index = np.asarray(points, np.float64)
    middle = (2 * index + pinky) / 3
    side = 2 * float(np.linalg.norm(middle - wrist))
    rotation = float(rotation_between(wrist, middle, np.pi / 2))
    roi: Floats = transform(np.array([[*middle, side, side, rotation]]), shift_y=-0.1, scale=2.7)[0]
    return roi


def move_hand(hand: Hand, side: str, before: Floats, after: Floats) -> Hand:
    """A hand that moves with its wrist and knuckles, for frames in which it is not looked at.

    Args:
        hand: As it was seen.
        side: ``left`` or ``right``.
        before: (33, 2) body landmarks then, px.
        after: (33, 2) body landmarks now, px.
    """
    shift = (after[HAND_POINTS[side]] - before[HAND_POINTS[side]]).mean(axis=0)
    return replace(hand, xy=hand.xy + shift, roi=hand.roi + np.array([*shift, 0, 0, 0]))


def _misses(roi: Floats, size_wh: tuple[int, int]) -> bool:
    """Whether the ROI's inner half lies wholly outside the picture."""
    half = roi[2] / 4
    return bool((roi[:2] + half < 0).any() or (roi[:2] - half > size_wh).any())
