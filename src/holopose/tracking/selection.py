"""Owns PersonSelection: results of one person out of several."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError
from holopose.ops.boxes import centres
from holopose.tracking.clock import Clock
from holopose.types import Frame, FrameInfo, Poses

__all__ = ["PersonSelection"]

_WORDS = ("all", "largest", "central")


class PersonSelection:
    """Keeps everybody, or one person and follows them.

    ``largest`` (by the area of the box) and ``central`` (box nearest to the middle of the picture) choose once, among
    people with an id, and stay with that id: two people of like size do not take turns. Only when the chosen one was
    not there for longer than `gap_s` is somebody chosen anew. A number keeps that id and nobody else.

    Args:
        which: ``all``, ``largest``, ``central`` or an id.
        gap_s: How long to wait for the chosen one.

    Raises:
        ConfigError: `which` is something else, or `gap_s` is negative.
    """

    def __init__(self, which: str | int = "all", *, gap_s: float = 2.0) -> None:
        if which not in _WORDS and (not isinstance(which, int) or isinstance(which, bool) or which < 1):
            raise ConfigError(f"person: expected {', '.join(_WORDS)} or an id from 1 on, got {which!r}")
        if not gap_s >= 0:
            raise ConfigError(f"gap_s: expected 0 or more seconds, got {gap_s}")
        self.which = which
        self.gap_s = gap_s
        self.reset()

    def reset(self) -> None:
        """Forget who was chosen."""
        self._clock = Clock()
        self._chosen = self.which if isinstance(self.which, int) else 0  # ids count from 1
        self._seen_s = 0.0

    def __call__(self, stream: Iterable[tuple[Frame, Poses]]) -> Iterator[tuple[Frame, Poses]]:
        """The same frames, each with the people kept of it; whoever was chosen in an earlier stream is forgotten."""
        self.reset()
        for frame, poses in stream:
            yield frame, self.pick(poses, frame)

    def pick(self, poses: Poses, frame: Frame | FrameInfo) -> Poses:
        """The people to keep of this frame: all, or the chosen one, or nobody where that one is not there.

        Args:
            poses: People with ids, of frames in order.
            frame: The frame, for its time and size.
        """
        if self.which == "all":
            return poses
        assert poses.ids is not None
        self._clock.tick(frame)
        present = np.asarray(poses.ids == self._chosen)
        if self.which in _WORDS and not present.any() and self._may_choose() and (poses.ids >= 0).any():
            self._chosen = int(poses.ids[self._best(poses, frame.size_wh)])
            present = np.asarray(poses.ids == self._chosen)
        if present.any():
            self._seen_s = self._clock.now_s
        return poses[present]

    def _may_choose(self) -> bool:
        return self._chosen == 0 or self._clock.now_s - self._seen_s > self.gap_s

    def _best(self, poses: Poses, size_wh: tuple[int, int]) -> int:
        """Row of the person to choose, among those with an id."""
        boxes = poses.boxes.xyxy.astype(np.float64)
        merit: npt.NDArray[np.float64]
        if self.which == "largest":
            merit = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
        else:
            merit = -np.linalg.norm(centres(boxes) - (np.array(size_wh) - 1) / 2, axis=1)
        assert poses.ids is not None
        return int(np.where(poses.ids >= 0, merit, -np.inf).argmax())
