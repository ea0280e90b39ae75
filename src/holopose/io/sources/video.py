"""Owns the source of clips: a video file or stream, decoded frame by frame, upright and with its own times."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from holopose.errors import ConfigError, InputError
from holopose.io.clips import Clip
from holopose.io.containers import ClipInput, name_clip
from holopose.io.headers import one_line
from holopose.types import Frame

__all__ = ["VideoSource"]


class VideoSource:
    """A clip as a Source: MP4, MOV, MKV, WebM, AVI, MPEG-TS, animated GIF and APNG... whatever FFmpeg decodes.

    Every decoded frame is delivered, in the order of presentation; only one is in memory at a time, as far as this
    source is concerned (a decoder keeps its few reference frames). A path, and an opened file that can go back to its
    beginning, can be read again; a stream such as a pipe only once.

    **Pixels** are as stored, turned and mirrored as the file asks (display matrix; to quarter turns), 8-bit RGB. The
    colour matrix and range that the clip declares are used, and BT.601 limited where it declares none, as FFmpeg does.
    A pixel that is not square stays one pixel. HDR is not tone-mapped; interlaced lines are not separated. Transparent
    pixels are laid over white.

    **Times** are the container's own: a frame's time stamp minus the stream's first, so a variable rate stays variable
    and the first frame is normally at 0.0. A frame without a time stamp comes one frame's duration after the one
    before it. Times never decrease: a time stamp before that of the frame before is taken for the same time; one that
    falls back by more than 0.25 s tells that the clock began anew, and time goes on from there.

    **Damage**: a packet that cannot be decoded is skipped and counted, a file that ends early gives what is there;
    `end_info` tells.

    Only the file itself is read: playlists and other formats that name files or addresses are refused, see
    `holopose.io.containers`.

    Args:
        source: A path, or a file opened in binary mode, which stays the caller's to close.
        start_s: Leave out frames before this time.
        end_s: Leave out frames at this time and after it; reading stops there.
        every: Deliver every n-th frame, counted from the first one at or after `start_s`.
        max_megapixels: Clips with more pixels per frame (in millions) are refused.
        threads: Of the decoder; 0 takes one up to full HD, and beyond that half the processors, at most 4. More are
            faster on the clock and cost the networks time; of a damaged file's last packets they may lose frames.
        name: What results call the clip; by default the path as given.

    Frames left out still count: a frame's index is its place among all decoded frames of the clip.

    Raises:
        ConfigError: an option is outside what it accepts.
    """

    def __init__(
        self,
        source: ClipInput,
        *,
        start_s: float | None = None,
        end_s: float | None = None,
        every: int = 1,
        max_megapixels: float = 100.0,
        threads: int = 0,
        name: str | None = None,
    ) -> None:
        for option, value in (("start_s", start_s), ("end_s", end_s)):
            if value is not None and not (_is_number(value) and 0 <= value < math.inf):
                raise ConfigError(f"{option}: expected seconds, 0 or more, got {value!r}")
        if start_s is not None and end_s is not None and end_s <= start_s:
            raise ConfigError(f"end_s: expected more than start_s ({start_s:g}), got {end_s:g}")
        if not isinstance(every, int) or isinstance(every, bool) or every < 1:
            raise ConfigError(f"every: expected 1 or more, got {every!r}")
        if not isinstance(threads, int) or isinstance(threads, bool) or threads < 0:
            raise ConfigError(f"threads: expected 0 (chosen for you) or more, got {threads!r}")
        if not (_is_number(max_megapixels) and max_megapixels > 0):
            raise ConfigError(f"max_megapixels: expected a number above 0, got {max_megapixels!r}")
        self._source = source
        self._name = name_clip(source) if name is None else name
        self._range_s = (-math.inf if start_s is None else start_s, math.inf if end_s is None else end_s)
        self._every = every
        self._max_megapixels = max_megapixels
        self._threads = threads
        self._info: Mapping[str, Any] | None = None
        self._opened: Clip | None = None  # for `info`; the next reading takes it
        self._read: Clip | None = None  # that of the last reading
        self._closed = False

    @property
    def info(self) -> Mapping[str, Any]:
        """What the file declares, and what its first frame shows; opens the clip if nobody has.

        ``kind`` ("video"), ``name``; ``width``, ``height`` of the upright frame; ``rotation`` (degrees, clockwise) and
        ``mirrored`` (left to right, before the turn): what was applied to make it upright; ``rate`` (mean frames per
        second, float, None if unknown) and ``rate_exact`` (such as ``30000/1001``); ``count`` of frames and
        ``duration_s`` as declared, None if the file does not say; ``start_s``, where the stream begins on the
        container's clock, on which sound has its own; ``codec``, ``pixel_format``, ``has_audio``.

        Raises:
            InputError: the clip cannot be read at all. One line, beginning with its name.
        """
        if self._info is None:
            self._opened = self._open()
            assert self._info is not None
        return self._info

    @property
    def end_info(self) -> Mapping[str, Any]:
        """What reading told so far, or in the last reading; empty before any.

        ``decoded`` frames; ``damaged`` packets that could not be decoded; ``flawed`` frames, delivered although the
        decoder had to make up parts of them; ``cut_short``: the file ended before its declared end; ``reason``: in
        words, empty if all was well.
        """
        return {} if self._read is None else self._read.report()

    def __iter__(self) -> Iterator[Frame]:
        """The frames in order, from the first.

        Raises:
            InputError: the clip cannot be read, is larger than allowed, was read already and cannot go back, or was
                closed.
        """
        clip, self._opened = self._opened or self._open(), None
        self._read = clip
        start_s, end_s = self._range_s
        within = 0
        try:
            for index, (picture, time_s) in enumerate(clip.pictures(end_s)):
                if time_s < start_s:
                    continue
                if within % self._every == 0:
                    yield Frame(clip.convert(picture), index=index, time_s=time_s, name=self._name)
                    self._check_open()
                within += 1
        finally:
            clip.close()

    def close(self) -> None:
        """Let go of the file; calling twice is harmless. A reading that is under way ends with an InputError."""
        self._closed = True
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _open(self) -> Clip:
        self._check_open()
        if self._info is not None:
            self._rewind()
        clip = Clip(self._source, name=self._name, threads=self._threads, max_megapixels=self._max_megapixels)
        self._info = MappingProxyType({"kind": "video", "name": self._name, **clip.facts})
        return clip

    def _rewind(self) -> None:
        """Let an opened file that was read before begin anew."""
        if isinstance(self._source, str | os.PathLike):
            return
        seekable = getattr(self._source, "seekable", None)
        if seekable is None or not seekable():
            raise InputError(f"{one_line(self._name)}: is a stream and was read already; it cannot be read again")
        self._source.seek(0)

    def _check_open(self) -> None:
        if self._closed:
            raise InputError("VideoSource: expected to be read before close(), was closed already")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
