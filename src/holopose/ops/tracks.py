"""Owns TrackLog: from when to when each identity was there, how often it was found and how good it was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Track", "TrackLog"]


@dataclass(frozen=True, slots=True)
class Track:
    """One identity over all frames that were logged.

    Attributes:
        id: The identity.
        first_frame: Index of the first frame in which it was found.
        last_frame: Index of the last one.
        first_time_s: Time of the first frame; None for pictures.
        last_time_s: Time of the last frame; None for pictures.
        frames: In how many frames it was found.
        quality: In [0, 1]: the share of the logged frames from its first to its last in which it was found, times its
            mean person score there.
    """

    id: int
    first_frame: int
    last_frame: int
    first_time_s: float | None
    last_time_s: float | None
    frames: int
    quality: float


class _Entry:
    """What is kept of one identity, however long it lasts."""

    __slots__ = ("first", "frames", "last", "score_sum")

    def __init__(self, place: tuple[int, int, float | None]) -> None:
        self.first = self.last = place  # ordinal among the logged frames, index, time_s
        self.frames = 0
        self.score_sum = 0.0


class TrackLog:
    """Follows the book of identities over a clip; memory grows with their number, not with time.

    >>> log = TrackLog()
    >>> for index, ids in enumerate([[7], [], [7], [7, 8]]):
    ...     log.add(index, index / 25, np.array(ids), np.full(len(ids), 0.8))
    >>> [(track.id, track.frames, round(track.quality, 3)) for track in log.tracks()]
    [(7, 3, 0.6), (8, 1, 0.8)]
    """

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}
        self._count = 0

    def add(
        self, index: int, time_s: float | None, ids: npt.NDArray[np.int64] | None, score: npt.NDArray[np.float32]
    ) -> None:
        """Log one frame, also one without people.

        Args:
            index: Position of the frame in its source; not below that of the frame before.
            time_s: Its time, None for a picture.
            ids: (N,) identities, negative = none; None where nobody has one. Of equal ones the first counts.
            score: (N,) that each is a person, in [0, 1].
        """
        place = (self._count, index, time_s)
        self._count += 1
        if ids is None:
            return
        for identity, value in zip(ids.tolist(), score.tolist(), strict=True):
            if identity < 0:
                continue
            entry = self._entries.setdefault(identity, _Entry(place))
            if entry.frames and entry.last is place:
                continue
            entry.last = place
            entry.frames += 1
            entry.score_sum += value

    def tracks(self) -> list[Track]:
        """Every identity so far, in ascending order."""
        return [_track(identity, self._entries[identity]) for identity in sorted(self._entries)]


def _track(identity: int, entry: _Entry) -> Track:
    (first, first_frame, first_time_s), (last, last_frame, last_time_s) = entry.first, entry.last
    share = entry.frames / (last - first + 1)
    quality = min(share * entry.score_sum / entry.frames, 1.0)
    return Track(identity, first_frame, last_frame, first_time_s, last_time_s, entry.frames, quality)
