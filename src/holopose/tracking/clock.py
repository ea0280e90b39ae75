"""Owns Clock: how many seconds passed between two frames, whatever the frames say about time."""

from __future__ import annotations

from holopose.types import Frame, FrameInfo

__all__ = ["Clock"]

_USUAL_STEP_S = 1 / 30
"""Between pictures that know no time."""


class Clock:
    """Seconds since the first frame, which never go back.

    Frames that know their time are believed, so a variable rate stays variable. Where time is missing, stands still or
    goes back (a camera's clock set anew, a clip that starts over) the last step counts once more; where no frame knows
    its time, each index is worth a thirtieth of a second.
    """

    def __init__(self) -> None:
        self.now_s = 0.0
        self._last: Frame | FrameInfo | None = None
        self._step_s = _USUAL_STEP_S

    def tick(self, frame: Frame | FrameInfo) -> float:
        """Seconds from the frame before to this one, more than 0; 0 for the first."""
        last, self._last = self._last, frame.info if isinstance(frame, Frame) else frame
        if last is None:
            return 0.0
        if last.time_s is None or frame.time_s is None:
            step_s = (frame.index - last.index) * _USUAL_STEP_S
        else:
            step_s = frame.time_s - last.time_s
        if step_s > 0:
            self._step_s = step_s
        else:
            step_s = self._step_s
        self.now_s += step_s
        return step_s
