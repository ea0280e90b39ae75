"""Owns opening: from a task to its content and to a source whose first frame is known to be readable."""

from __future__ import annotations

import contextlib
import hashlib
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from holopose.build import parts
from holopose.build.contents import Content, measure_content
from holopose.build.plan import Task
from holopose.config import RunConfig
from holopose.errors import InputError
from holopose.io.headers import one_line
from holopose.protocols import Source
from holopose.types import Frame, FrameInfo

if TYPE_CHECKING:
    from holopose.io.sources.archives import ArchiveSource

__all__ = ["OpenedSource", "Opener"]

OnError = Callable[[str, InputError], None]


class Opener:
    """Opens one task after the other; an archive stays open while its pictures come one after the other.

    Args:
        config: Options.
        on_message: Told of connections lost and made again.
    """

    def __init__(self, config: RunConfig, on_message: Callable[[str], None] | None = None) -> None:
        self._config = config
        self._on_message = on_message
        self._archive: ArchiveSource | None = None
        self._archive_path = ""
        self._data: tuple[Task, bytes] | None = None

    def measure(self, task: Task) -> Content | None:
        """What the input is; None where it cannot be read, or not looked at again."""
        if task.kind in ("live", "stdin"):
            return None
        if not _is_member(task):
            return measure_content(task.paths)
        try:
            data = self._read(task)
        except InputError:
            return None
        return Content(len(data), hashlib.sha256(data).hexdigest())

    def open(self, task: Task, on_error: OnError) -> OpenedSource:
        """Its frames.

        Args:
            task: One without an error.
            on_error: Told (name, error) of single pictures of several that cannot be read.

        Raises:
            InputError: it cannot be read, or has no frame.
        """
        return OpenedSource(self._source(task, on_error), task.label)

    def close(self) -> None:
        """Let go of the archive; calling twice is harmless."""
        if self._archive is not None:
            self._archive.close()
        self._archive = self._data = None

    def _source(self, task: Task, on_error: OnError) -> Source:
        if _is_member(task):
            return _Member(self._read(task), task.label, self._config)
        if task.kind != "pictures":
            return parts.build_source(task.items[0], self._config, self._on_message)
        from holopose.io.sources.archives import ArchiveSource
        from holopose.io.sources.images import ImageSource

        most = self._config.max_megapixels
        if task.items[0].kind == "archive":
            return ArchiveSource(task.items[0].location, max_megapixels=most, on_error=on_error)
        return ImageSource([item.location for item in task.items], max_megapixels=most, on_error=on_error)

    def _read(self, task: Task) -> bytes:
        """The bytes of a picture in an archive."""
        from holopose.io.sources.archives import ArchiveSource

        if self._data is None or self._data[0] is not task:
            [item] = task.items
            if self._archive is None or self._archive_path != item.location:
                self.close()
                self._archive = ArchiveSource(item.location, on_error=lambda _, error: None)  # told when it was planned
                self._archive_path = item.location
            self._data = task, self._archive.read_member(item.member or "")
        return self._data[1]


def _is_member(task: Task) -> bool:
    return task.kind == "picture" and task.items[0].member is not None


class _Member:
    """One picture of an archive as a Source."""

    def __init__(self, data: bytes, name: str, config: RunConfig) -> None:
        self._data = data
        self._max_megapixels = config.max_megapixels
        self._name = name
        self.info: Mapping[str, object] = MappingProxyType({"kind": "images", "count": 1, "names": (name,)})
        self.end_info: Mapping[str, object] = MappingProxyType({})

    def __iter__(self) -> Iterator[Frame]:
        from holopose.io.images import read_image

        yield read_image(self._data, max_megapixels=self._max_megapixels, name=self._name)

    def close(self) -> None:
        self._data = b""


class OpenedSource:
    """A source whose first frame has been read, so that it is known to be readable.

    Args:
        source: Is closed with this one.
        label: What messages call it.

    Attributes:
        on_read: Told of each frame in the next reading, not in those after it.

    Raises:
        InputError: it is not readable, or has no frame.
    """

    def __init__(self, source: Source, label: str) -> None:
        self._source = source
        self._ended = False
        self.on_read: Callable[[FrameInfo], None] | None = None
        try:
            self._frames: Iterator[Frame] | None = iter(source)
            first = next(self._frames, None)
            if first is None:
                decoded = source.end_info.get("decoded")
                why = f"; all {decoded} frames come before start_s, begin earlier" if decoded else ""
                raise InputError(f"{one_line(label)}: expected at least one frame, got none{why}")
        except BaseException:
            source.close()
            raise
        self._first: list[Frame] = [first]

    @property
    def info(self) -> Mapping[str, Any]:
        """That of the source."""
        return self._source.info

    @property
    def end_info(self) -> Mapping[str, Any]:
        """That of the source."""
        return self._source.end_info

    @property
    def latency_s(self) -> float | None:
        """How far behind its capture the last frame is; None where nobody knows, as in files."""
        return getattr(self._source, "latency_s", None)

    def __iter__(self) -> Iterator[Frame]:
        """The frames, as often as the source can be read."""
        frames, self._frames = self._frames, None
        on_read, self.on_read = self.on_read, None
        if frames is None:
            frames = iter(self._source)
        first, self._first = self._first, []
        for frame in chain(first, frames):
            if self._ended:
                break
            if on_read is not None:
                on_read(frame.info)
            yield frame

    def close(self) -> None:
        """Let go of the source."""
        self._first.clear()
        self._source.close()

    @contextlib.contextmanager
    def ending_gently(self) -> Iterator[None]:
        """While in it, the first Ctrl-C (or SIGTERM) ends the frames; the next one is what it always is.

        Only where signals arrive, in the main thread; elsewhere nothing changes.
        """
        before: dict[signal.Signals, Any] = {}

        def end(number: int, _: object) -> None:
            self._ended = True
            signal.signal(number, before[signal.Signals(number)])
            stop = getattr(self._source, "stop", None)
            if stop is not None:  # it may be waiting for its next frame
                stop()

        try:
            if threading.current_thread() is threading.main_thread():
                before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def last_frame(self, config: RunConfig) -> int | None:
        """At which frame the source ends, as far as it declares that; None where it does not."""
        count, rate = self.info.get("count"), self.info.get("rate")
        if not isinstance(count, int):
            return None
        if config.end_s is None or not isinstance(rate, int | float):
            return count
        return min(count, round(config.end_s * rate))
