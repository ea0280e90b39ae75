"""Owns reading ahead: frames of any source, fetched by a thread of their own while earlier ones are worked on."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any

from holopose.errors import ConfigError, InputError
from holopose.protocols import Source
from holopose.types import Frame

__all__ = ["AheadSource"]

_PATIENCE_S = 5.0
"""How long an ending waits for a read that hangs (a pipe in which nothing comes); the thread is a daemon and can be
left behind then."""


class AheadSource:
    """A source whose next frames are read while the caller works on the last one.

    The frames, their order and what is raised between them are those of the source. At most `depth` frames wait; with
    the one at the caller's and the one being read, `depth` + 2 are in memory. A reading's thread lives from the first
    frame that is asked for until the iteration ends: by exhaustion, an exception, ``break`` or `close`.

    Args:
        source: What is read, in the thread. `close` closes it.
        depth: Frames that may wait.

    Raises:
        ConfigError: `depth` is below 1.
    """

    def __init__(self, source: Source, depth: int = 4) -> None:
        if not isinstance(depth, int) or isinstance(depth, bool) or depth < 1:
            raise ConfigError(f"depth: expected 1 or more frames, got {depth!r}")
        self._source = source
        self._depth = depth
        self._readings: set[_Reading] = set()

    @property
    def info(self) -> Mapping[str, object]:
        """That of the source."""
        return self._source.info

    @property
    def end_info(self) -> Mapping[str, object]:
        """That of the source, which is ahead of the caller until the frames are exhausted."""
        return self._source.end_info

    def __iter__(self) -> Iterator[Frame]:
        """The source's frames, as often as the source can be read.

        Raises:
            InputError: this was closed meanwhile. Whatever the source raises is raised too, after the frames that came
                before it.
        """
        _ = self._source.info  # before there are two threads that could both open the source
        reading = _Reading(self._source, self._depth)
        self._readings.add(reading)
        try:
            yield from reading.frames()
        finally:
            reading.stop()
            self._readings.discard(reading)

    def close(self) -> None:
        """End all readings and close the source; calling twice is harmless."""
        while self._readings:
            self._readings.pop().stop()
        self._source.close()


class _Reading:
    """One pass of a thread through a source.

    The thread waits while `depth` frames wait, the caller while none does; all fields are changed under `_state`, whose
    waiters wake up at every change.
    """

    def __init__(self, source: Source, depth: int) -> None:
        self._source = source
        self._depth = depth
        self._state = threading.Condition()
        self._waiting: deque[Frame] = deque()
        self._ended = False  # the thread brings no more
        self._stopped = False  # nobody wants more
        self._outcome = _Outcome()
        self._thread = threading.Thread(target=self._run, name="holopose-ahead", daemon=True)

    def frames(self) -> Iterator[Frame]:
        """The frames as they come; then what the source raised, if it did."""
        self._thread.start()
        while (frame := self._take()) is not None:
            yield frame
        if self._outcome.error is not None:
            raise self._outcome.error

    def stop(self) -> None:
        """End the thread once it has read the frame it is at."""
        with self._state:
            self._stopped = True
            self._waiting.clear()
            self._state.notify_all()
        if self._thread.is_alive():
            self._thread.join(_PATIENCE_S)

    def _take(self) -> Frame | None:
        """The next frame, None after the last."""
        with self._state:
            self._state.wait_for(lambda: self._waiting or self._ended or self._stopped)
            if self._stopped:
                raise InputError("AheadSource: expected to be read before close(), was closed already")
            if not self._waiting:
                return None
            self._state.notify_all()
            return self._waiting.popleft()

    def _offer(self, frame: Frame) -> bool:
        """Let `frame` wait its turn; whether more are wanted."""
        with self._state:
            self._state.wait_for(lambda: len(self._waiting) < self._depth or self._stopped)
            if not self._stopped:
                self._waiting.append(frame)
                self._state.notify_all()
            return not self._stopped

    def _run(self) -> None:
        """What the thread does."""
        with self._outcome:
            frames: Any = iter(self._source)
            try:
                while (frame := next(frames, None)) is not None and self._offer(frame):
                    del frame  # it waits, or is the caller's: not ours while the next one is read
            finally:
                if hasattr(frames, "close"):
                    frames.close()
        with self._state:
            self._ended = True
            self._state.notify_all()


class _Outcome:
    """Keeps what is raised inside it, so that another thread raises it again."""

    error: BaseException | None = None

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        self.error = error
        return True
