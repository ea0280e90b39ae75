"""Owns writing in a thread of its own: drawing and encoding a frame while the next ones are being worked on."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

from holopose.errors import OutputError
from holopose.protocols import Sink
from holopose.types import Frame, FrameInfo, Poses

__all__ = ["ThreadedSink"]


class ThreadedSink:
    """Another sink, fed from a short queue; frames arrive there in order, each once.

    What goes wrong there is raised by a later `write`, or by `close`; frames after it are left out. Whichever way it
    ends, the sink inside is closed and no thread is left.

    Args:
        sink: The sink that does the work. From now on it belongs to this one.
        depth: How many frames may be under way; a further `write` waits for the first of them.
    """

    def __init__(self, sink: Sink, *, depth: int = 3) -> None:
        self._sink = sink
        self._depth = depth
        self._pool: ThreadPoolExecutor | None = None
        self._under_way: deque[Future[None]] = deque()
        self._whole = True
        self._closed = False

    def write(self, frame: Frame | FrameInfo, poses: Poses) -> None:
        """Hand over one frame.

        Raises:
            OutputError: this sink is closed already. Also whatever the sink inside raised for an earlier frame.
        """
        if self._closed:
            raise OutputError(f"frame {frame.index} came after the sink was closed")
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="holopose-sink")
        while self._under_way and (len(self._under_way) >= self._depth or self._under_way[0].done()):
            self._under_way.popleft().result()
        self._under_way.append(self._pool.submit(self._write, frame, poses))

    def close(self, *, ok: bool) -> None:
        """Write the frames handed over (`ok`) or forget them, then close the sink inside.

        Raises:
            OutputError: the sink inside cannot finish its file. Also whatever it raised for a frame; then it is closed
                as not ok.
        """
        if self._closed:
            return
        self._closed = True
        written = False
        try:
            while ok and self._under_way:
                self._under_way.popleft().result()
            written = self._whole
        finally:
            if self._pool is not None:
                self._pool.shutdown(wait=True, cancel_futures=True)
            self._under_way.clear()
            self._sink.close(ok=ok and written)

    def _write(self, frame: Frame | FrameInfo, poses: Poses) -> None:
        if self._whole:
            self._whole = False
            self._sink.write(frame, poses)
            self._whole = True
