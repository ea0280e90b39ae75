"""Owns reading ahead: frames of any source, fetched by a thread of their own while earlier ones are worked on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from holopose.errors import ConfigError, InputError
from holopose.ops.ahead import Ahead
from holopose.protocols import Source
from holopose.types import Frame

__all__ = ["AheadSource"]


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
        self._readings: set[Ahead[Frame]] = set()

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
        reading = Ahead(self._source, self._depth)
        self._readings.add(reading)
        try:
            yield from reading.items()
            if reading.is_stopped:
                raise InputError("AheadSource: expected to be read before close(), was closed already")
        finally:
            reading.stop()
            self._readings.discard(reading)

    def close(self) -> None:
        """End all readings and close the source; calling twice is harmless."""
        while self._readings:
            self._readings.pop().stop()
        self._source.close()
