"""Owns live sources: the newest frame of a webcam or stream at any moment, for as long as it takes."""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType, TracebackType

import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError, InputError
from holopose.io.headers import one_line
from holopose.io.sources.captures import LEAP_S, Capture, StreamCapture, WebcamCapture
from holopose.io.sources.names import hide_credentials
from holopose.types import Frame

__all__ = ["LiveSource"]

_GLANCE_S = 0.2
"""How often a wait looks up: on Windows Ctrl-C does not end one."""

_PATIENCE_S = 2.0
"""How long `close` waits for a read that hangs; the thread is a daemon and ends when the read does."""


@dataclass(frozen=True, slots=True)
class _Held:
    index: int
    at_s: float
    time_s: float
    picture: Callable[[], npt.NDArray[np.uint8]]


class LiveSource:
    """A webcam or a network stream as a Source whose next frame is always the newest.

    A thread takes frames as fast as they come and keeps the last one only: whoever is slower than the camera misses
    frames instead of falling behind. A stream with an end of its own (a file on a web server, a recording) and HLS are
    read like a file: every frame, and its end is the end.

    **Times** are those of capture: `Frame.time_s` counts from the first frame by the stream's own time stamps, or by
    this machine's clock at the moment of grabbing where it has none (webcams, motion JPEG). They never decrease; where
    the stream's clock is set anew, and across reconnections, this machine's clock bridges. `Frame.index` counts frames
    as they are captured, so those that were missed leave gaps.

    **Reconnection**: once a frame has come, a lost connection is tried again for ever, after 0.5 s, 1 s, 2 s... at most
    30 s. A first connection that fails is an error.

    Nothing is connected before `info` or the first frame is asked for. The iteration ends by `stop` or `close`, from
    any thread or from a signal handler, without an error; a later one goes on with what is newest then. Do not read
    this source ahead: frames that wait are old.

    Args:
        target: Number of a webcam, ``/dev/video0``, or the address of a stream, also as text.
        name: What results and messages call it; by default the address without user, password and query.
        open_capture: Makes a connection, instead of the one that `target` asks for.
        clock: Tells seconds.
        timeout_s: How long a stream may not answer.
        max_latency_s: See `StreamCapture`.
        reconnect: Whether to try again when a connection is lost.
        retry_s: First and longest pause between attempts.
        max_megapixels: Streams with more pixels per frame (in millions) are refused.
        on_message: Told, from the thread, in one line when a connection is lost or back.

    Raises:
        InputError: `target` is neither a webcam nor an address.
        ConfigError: an option is outside what it accepts.
    """

    def __init__(
        self,
        target: int | str,
        *,
        name: str | None = None,
        open_capture: Callable[[], Capture] | None = None,
        clock: Callable[[], float] = time.monotonic,
        timeout_s: float = 10.0,
        max_latency_s: float = 2.0,
        reconnect: bool = True,
        retry_s: tuple[float, float] = (0.5, 30.0),
        max_megapixels: float = 100.0,
        on_message: Callable[[str], None] | None = None,
    ) -> None:
        numbers = {"timeout_s": timeout_s, "max_latency_s": max_latency_s, "max_megapixels": max_megapixels}
        for option, value in (*numbers.items(), ("retry_s", retry_s[0]), ("retry_s", retry_s[1])):
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
                raise ConfigError(f"{option}: expected a number above 0, got {value!r}")
        self._webcam = _webcam_number(target)
        self._target = str(target)
        shown = hide_credentials(self._target) if self._webcam is None else f"webcam {self._webcam}"
        self._name = shown if name is None else name
        self._options = numbers
        self._open = open_capture or self._connect
        self._clock = clock
        self._reconnect = reconnect
        self._retry_s = retry_s
        self._on_message = on_message

        self._state = threading.Condition()  # of the fields below; its lock may be taken again by a signal handler
        self._thread: threading.Thread | None = None
        self._facts: Mapping[str, object] | None = None
        self._wanted = False
        self._stopped = False
        self._held: _Held | None = None
        self._outcome = _Outcome()
        self._reason = ""
        self._captured = self._delivered = self._reconnects = 0
        self._latencies = (0.0, 0)
        self._last_at_s: float | None = None

    @property
    def info(self) -> Mapping[str, object]:
        """``kind`` ("live"), ``name``, ``width``, ``height`` and ``rate`` (None if unknown); connects if nobody has.

        Raises:
            InputError: it cannot be reached, or was closed.
        """
        self._start()
        with self._state:
            self._wait_for(lambda: self._facts is not None or self._has_ended() or self._stopped)
            if self._facts is None:
                raise self._outcome.error or InputError(f"{one_line(self._name)}: was closed before it could be read")
            return MappingProxyType({"kind": "live", "name": self._name, **self._facts})

    @property
    def end_info(self) -> Mapping[str, object]:
        """What reading told so far.

        Frames ``captured`` and ``dropped`` (missed because newer ones came); ``reconnects``; ``mean_latency_s`` from
        capture to the end of work on a frame, None before the first; ``cut_short``: a stream with an end of its own
        broke off before; ``reason``: why, in words.
        """
        total_s, count = self._latencies
        return {
            "captured": self._captured,
            "dropped": self._captured - self._delivered - (self._held is not None),
            "reconnects": self._reconnects,
            "mean_latency_s": total_s / count if count else None,
            "cut_short": bool(self._reason),
            "reason": self._reason,
        }

    @property
    def latency_s(self) -> float | None:
        """Seconds since the frame handed out last was captured; None before the first.

        Asked when a frame's results are shown, it is how far they are behind. What happens before a frame reaches this
        machine (a camera's own buffers, the network) cannot be measured here.
        """
        return None if self._last_at_s is None else self._clock() - self._last_at_s

    def __iter__(self) -> Iterator[Frame]:
        """The newest frame, each time one is asked for.

        Raises:
            InputError: the first connection fails, a frame cannot be used, the connection is lost with
                ``reconnect=False``, or the source was closed before.
        """
        if self._stopped:
            raise InputError(f"{one_line(self._name)}: expected to be read before close(), was closed already")
        with self._state:
            self._wanted = True
            self._state.notify_all()
        self._start()
        while (held := self._take()) is not None:
            self._last_at_s = held.at_s
            try:
                yield Frame(held.picture(), index=held.index, time_s=held.time_s, name=self._name)
            finally:
                total_s, count = self._latencies
                self._latencies = total_s + self._clock() - held.at_s, count + 1

    def stop(self) -> None:
        """Let the iteration end before its next frame; returns at once, fit for signal handlers."""
        with self._state:
            self._stopped = True
            self._state.notify_all()

    def close(self) -> None:
        """End the iteration and the connection; calling twice is harmless."""
        self.stop()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_PATIENCE_S)

    # The caller's side -----------------------------------------------------------------------------------------------

    def _start(self) -> None:
        with self._state:
            if self._thread is None and not self._stopped:
                self._thread = threading.Thread(target=self._run, name="holopose-live", daemon=True)
                self._thread.start()

    def _take(self) -> _Held | None:
        """The newest frame, once there is one that was not taken; None at the end."""
        with self._state:
            self._wait_for(lambda: self._held is not None or self._has_ended() or self._stopped)
            if self._stopped:
                return None
            if self._held is None:
                if self._outcome.error is not None:
                    raise self._outcome.error
                return None
            held, self._held = self._held, None
            self._delivered += 1
            self._state.notify_all()
            return held

    def _has_ended(self) -> bool:
        return self._outcome.known

    def _wait_for(self, happened: Callable[[], bool]) -> None:
        while not happened():
            self._state.wait(_GLANCE_S)

    # The thread's side -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        with self._outcome:
            self._read()
        with self._state:
            self._outcome.known = True
            self._state.notify_all()

    def _read(self) -> None:
        """Read until the end, over and over where connections break."""
        timeline = _Timeline()
        pause_s = self._retry_s[0]
        while True:
            before = self._captured
            reason = self._read_once(timeline)
            if reason is None or self._stopped:
                return
            if self._captured > before:
                pause_s = self._retry_s[0]
            self._tell(f"{reason}; trying again in {pause_s:g} s")
            with self._state:
                if self._state.wait_for(lambda: self._stopped, pause_s):
                    return
            pause_s = min(2 * pause_s, self._retry_s[1])

    def _read_once(self, timeline: _Timeline) -> str | None:
        """One connection from its beginning to its end; why it should be tried again, None if it should not."""
        finite = False
        try:
            capture = self._open()
            finite = capture.finite
            try:
                self._drain(capture, timeline)
            finally:
                capture.close()
            if not finite and not self._stopped:
                raise InputError(f"{one_line(self._name)}: the stream ended")
        except InputError as error:
            if finite and self._captured:
                self._reason = str(error)
                return None
            if not self._captured or not self._reconnect:
                raise
            return str(error)
        return None

    def _drain(self, capture: Capture, timeline: _Timeline) -> None:
        """Take frames until the end or until nobody wants more."""
        with self._state:
            self._facts = capture.facts
            self._state.notify_all()
            self._state.wait_for(lambda: self._wanted or self._stopped)
        back = self._captured > 0
        timeline.bridge()
        while not self._stopped and (shot := capture.grab()) is not None:
            if back:
                back = False
                self._reconnects += 1
                self._tell(f"{one_line(self._name)}: connected again")
            time_s = timeline.read(shot.at_s, shot.pts_s)
            with self._state:
                if capture.waits:
                    self._state.wait_for(lambda: self._held is None or self._stopped)
                self._captured += 1 + shot.missed
                self._held = _Held(self._captured - 1, shot.at_s, time_s, shot.picture)
                self._state.notify_all()

    def _connect(self) -> Capture:
        if self._webcam is not None:
            return WebcamCapture(self._webcam, clock=self._clock)
        return StreamCapture(self._target, clock=self._clock, **self._options)

    def _tell(self, message: str) -> None:
        if self._on_message is not None:
            self._on_message(message)


class _Timeline:
    """Seconds of each frame since the first, never decreasing: by time stamps, bridged by the clock."""

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None
        self._offset_s: float | None = None

    def bridge(self) -> None:
        """Go on by the clock: the time stamps that follow have nothing to do with those before."""
        self._offset_s = None

    def read(self, at_s: float, pts_s: float | None) -> float:
        """The time of the next frame, from its arrival on the clock and its time stamp."""
        time_s = 0.0
        if self._last is not None:
            last_at_s, last_s = self._last
            time_s = due_s = last_s + max(at_s - last_at_s, 0.0)
            if pts_s is not None and self._offset_s is not None:
                stamped_s = pts_s + self._offset_s
                if last_s <= stamped_s <= due_s + LEAP_S:
                    time_s = stamped_s
                else:
                    self._offset_s = None
        if pts_s is not None and self._offset_s is None:
            self._offset_s = time_s - pts_s
        self._last = at_s, time_s
        return time_s


class _Outcome:
    """Keeps what is raised inside it, so that another thread raises it again."""

    known = False
    error: BaseException | None = None

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        self.error = error
        return True


def _webcam_number(target: int | str) -> int | None:
    """Which webcam is meant; None for an address.

    Raises:
        InputError: it is neither.
    """
    found = re.fullmatch(r"(?:/dev/video)?([0-9]{1,3})", str(target))
    if found:
        return int(found[1])
    if "://" not in str(target):
        raise InputError(f"expected the number of a webcam or the address of a stream, got {target!r}")
    return None
