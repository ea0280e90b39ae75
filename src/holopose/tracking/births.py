"""Owns IdentityStage: people are confirmed first and yet have their id from their first frame on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np

from holopose.tracking.tracker import PoseTracker
from holopose.types import Frame, Poses

__all__ = ["IdentityStage"]


class IdentityStage:
    """Gives the people of a stream their ids.

    Whoever is seen for the first time might be a mistake of one frame. So that results hold neither ids of ghosts nor
    people whose first frames lack an id, frames wait until it is known what became of everybody in them: not at all
    while all are known, two frames as a rule when somebody appears, never more than `2 * confirm - 1`. Nothing is left
    out: people who are never confirmed stay, with id -1. At the end of the stream whoever was seen in every frame since
    the first is confirmed.

    Ids are 1, 2, 3... in the order in which they appear in what is delivered.

    Args:
        tracker: Tells who is who; it forgets earlier streams when a new one begins.
        hold: False delivers every frame at once, for live use; people have id -1 until confirmed.
    """

    def __init__(self, tracker: PoseTracker, *, hold: bool = True) -> None:
        self.tracker = tracker
        self.hold = hold

    def __call__(self, stream: Iterable[tuple[Frame, Poses]]) -> Iterator[tuple[Frame, Poses]]:
        """The same frames and people, in the same order, with ids."""
        self.tracker.reset()
        waiting: deque[_Waiting] = deque()
        numbers: dict[int, int] = {}  # of the tracker's ids, in order of delivery
        for frame, poses in stream:
            named = self.tracker.update(poses, frame)
            waiting.append(_Waiting(frame, named, self._open(named)))
            for entry in waiting:
                self._resolve(entry)
            while waiting and not waiting[0].open:
                yield _deliver(waiting.popleft(), numbers)
        self.tracker.finish()
        for entry in waiting:
            self._resolve(entry)
        while waiting:
            yield _deliver(waiting.popleft(), numbers)

    def _open(self, named: Poses) -> dict[int, int]:
        """Rows whose identity is not known yet, and their keys."""
        if not self.hold:
            return {}
        return {row: int(key) for row, key in enumerate(self.tracker.pending.tolist()) if key >= 0}

    def _resolve(self, entry: _Waiting) -> None:
        for row, key in list(entry.open.items()):
            identity = self.tracker.settle(key)
            if identity is not None:
                entry.ids[row] = identity
                del entry.open[row]


class _Waiting:
    """A frame held back.

    Attributes:
        frame: As it came.
        poses: As it came.
        ids: (N,) int64, what is known of them.
        open: Row -> key of the people of whom it is not known.
    """

    __slots__ = ("frame", "ids", "open", "poses")

    def __init__(self, frame: Frame, poses: Poses, pending: dict[int, int]) -> None:
        assert poses.ids is not None
        self.frame = frame
        self.poses = poses
        self.ids = np.array(poses.ids)
        self.open = pending


def _deliver(entry: _Waiting, numbers: dict[int, int]) -> tuple[Frame, Poses]:
    ids = [numbers.setdefault(i, len(numbers) + 1) if i >= 0 else -1 for i in entry.ids.tolist()]
    return entry.frame, entry.poses.replace(ids=np.array(ids, np.int64))
