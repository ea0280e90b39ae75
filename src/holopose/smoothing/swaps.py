"""Owns SwapFilter and find_swaps: left and right exchanged for some frames, flagged and, if asked, exchanged back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError
from holopose.skeletons.skeleton import Skeleton
from holopose.smoothing.people import Seats, keep_raw_xy, tracked_rows
from holopose.smoothing.sides import UNITS, SideTracks, side_layout
from holopose.types import Poses, PoseSequence

__all__ = ["SwapFilter", "exchange", "find_swaps"]

Flags = npt.NDArray[np.bool_]

_CAUTION = 6.0
_RELAPSE = 8.0
_LIMBS = [UNITS.index("legs"), UNITS.index("arms")]
_REST = [UNITS.index(unit) for unit in ("hips", "shoulders", "head")]


class SwapFilter:
    """Flags people's legs, arms, hips, shoulders and head whose left and right are exchanged at the moment.

    Looks at the past only (`sides.SideTracks` says how). An exchange is seen where left and right are apart and turn
    about from one frame to the next; legs that pass each other and people who turn round are not flagged. Where left
    and right lie together (hips of somebody seen from the side) nothing can be told, and nothing is flagged unless
    both legs and arms are exchanged. Limits: a track that begins exchanged is taken as it is until it was right for
    longer than it was wrong; an exchange that lasts for several seconds is in the end taken for the truth; an
    exchange of one joint alone is not looked for.

    Flags go into `swapped`, beside those already there; people without an id pass with none. `native` stays as it is.

    Args:
        fix: Exchange back, too: xy, score, visible and world.
        caution: How sure a change must be; larger flags less.
        gap_s: Somebody absent for longer starts anew.
        keep_raw: Keep the coordinates that came in as `raw_xy`.

    Raises:
        ConfigError: an option has no meaning.
    """

    def __init__(
        self, *, fix: bool = False, caution: float = _CAUTION, gap_s: float = 0.5, keep_raw: bool = False
    ) -> None:
        _check_caution(caution)
        self._fix, self._caution, self._keep_raw = fix, caution, keep_raw
        self._seats = Seats(gap_s)
        self._skeleton: Skeleton | None = None

    def apply(self, poses: Poses, time_s: float) -> Poses:
        """The same people with `swapped`, exchanged back where that was asked for.

        Raises:
            InputError: an id comes twice.
        """
        if self._skeleton != poses.skeleton:
            self._skeleton = poses.skeleton
            self._seats.reset()
            self._tracks = SideTracks(poses.skeleton, caution=self._caution, relapse=_RELAPSE)
        people, ids = tracked_rows(poses)
        self._tracks.take(self._seats.admit(ids, time_s))
        flags = np.zeros(poses.score.shape, np.bool_)
        if len(people):
            reading = self._tracks.step(poses.xy[people], poses.score[people], time_s)
            undecided = reading.margin < self._caution + 2
            units = _whole_body(reading.swapped, undecided)
            flags[people] = units @ side_layout(poses.skeleton).members
        return exchange(poses, flags, fix=self._fix, keep_raw=self._keep_raw)

    def reset(self) -> None:
        """Forget earlier frames."""
        self._skeleton = None


def find_swaps(sequence: PoseSequence, *, caution: float = _CAUTION) -> Flags:
    """Which keypoints are exchanged, looking at the whole clip: later frames settle what earlier ones left open.

    What holds for most of a track is taken as right, so a track may also begin exchanged.

    Args:
        sequence: A clip.
        caution: How sure a change must be; larger flags less.

    Returns:
        (T, P, K) bool; False where somebody is missing.

    Raises:
        ConfigError: `caution` has no meaning.
    """
    _check_caution(caution)
    tracks = SideTracks(sequence.skeleton, caution=caution, relapse=_RELAPSE)
    people = sequence.xy.shape[1]
    tracks.take(np.full(people, -1))
    readings = [
        tracks.step(xy, score, time_s)
        for xy, score, time_s in zip(sequence.xy, sequence.score, sequence.time_s.tolist(), strict=True)
    ]
    before, now = np.moveaxis(tracks.ends(), 2, 0)
    person, unit = np.indices(now.shape)
    swapped = np.zeros((len(readings), *now.shape), np.bool_)
    for at in range(len(readings) - 1, -1, -1):
        swapped[at] = now == 1
        earlier = readings[at].came_from[person, unit, before, now]
        moved = readings[at].moved
        before, now = np.where(moved, earlier, before), np.where(moved, before, now)
    margin = np.array([reading.margin for reading in readings]).reshape(swapped.shape)
    units = _whole_body(swapped, margin < caution + 2)
    flags: Flags = units @ side_layout(sequence.skeleton).members
    there: Flags = ~np.asarray(np.isnan(sequence.xy).all(axis=(2, 3)))
    return flags & there[..., None]


def exchange(poses: Poses, flags: Flags, *, fix: bool, keep_raw: bool = False) -> Poses:
    """Set `swapped`, and exchange the flagged keypoints with their mirror images if asked.

    Args:
        poses: N people.
        flags: (N, K) bool; a keypoint and its mirror image alike.
        fix: Exchange xy, score, visible and world.
        keep_raw: Keep the coordinates that came in as `raw_xy`.
    """
    swapped = flags if poses.swapped is None else flags | poses.swapped
    raw_xy = keep_raw_xy(poses, keep=keep_raw)
    if not (fix and flags.any()):
        return poses.replace(swapped=swapped, raw_xy=raw_xy)
    mirror = list(poses.skeleton.swaps)

    def turned(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.where(flags.reshape(*flags.shape, *[1] * (values.ndim - 2)), values[:, mirror], values)

    return poses.replace(
        xy=turned(poses.xy),
        score=turned(poses.score),
        visible=None if poses.visible is None else np.where(flags, poses.visible[:, mirror], poses.visible),
        world=None if poses.world is None else turned(poses.world),
        swapped=swapped,
        raw_xy=raw_xy,
    )


def _whole_body(swapped: Flags, undecided: Flags) -> Flags:
    """Units (..., U) once hips, shoulders and head that say nothing themselves follow exchanged legs and arms."""
    units = swapped.copy()
    both = swapped[..., _LIMBS].all(axis=-1, keepdims=True)
    units[..., _REST] |= both & undecided[..., _REST]
    return units


def _check_caution(caution: float) -> None:
    if not caution > 0:
        raise ConfigError(f"caution: expected a number above 0, got {caution!r}")
