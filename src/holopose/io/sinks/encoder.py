"""Owns encoding pictures as a video file: codecs, containers, time stamps, sound in between."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from holopose.errors import OutputError
from holopose.io.sinks.yuv import to_yuv420

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from holopose.io.sinks.audio import Sound

__all__ = ["CONTAINERS", "ENCODERS", "VideoEncoder", "VideoFormat"]

Image = npt.NDArray[np.uint8]

CONTAINERS: dict[str, tuple[str, tuple[str, ...]]] = {
    ".mp4": ("mp4", ("h264", "av1", "vp9")),
    ".mov": ("mov", ("h264",)),
    ".mkv": ("matroska", ("h264", "vp9", "av1")),
    ".webm": ("webm", ("vp9", "av1")),
}
"""File name ending -> FFmpeg's name of the container and the encodings it may hold here, the usual one first."""


@dataclass(frozen=True, slots=True)
class _Codec:
    """An encoder of FFmpeg and how it is asked to work: quickly, at constant quality."""

    name: str
    worst: float
    per_quality: float
    options: Mapping[str, str]

    def crf(self, quality: int) -> int:
        """The encoder's own measure of quality, smaller is better."""
        return round(self.worst - self.per_quality * quality)


ENCODERS: dict[str, _Codec] = {
    # Ultrafast gives up too much (blocks, twice the size); with these three back it costs half of superfast.
    "h264": _Codec(
        "libx264", 51, 0.4, {"preset": "ultrafast", "x264-params": "cabac=1:8x8dct=1:deblock=0,0", "profile": "high"}
    ),
    "vp9": _Codec("libvpx-vp9", 63, 0.4, {"deadline": "realtime", "cpu-used": "8", "row-mt": "1", "b": "0"}),
    "av1": _Codec("libsvtav1", 63, 0.4, {"preset": "10"}),
}
"""Encodings by name. Quality 75 (of 100) is hard to tell from the original."""

TICKS_PER_S = 360_000
"""Unit of time stamps: whole for 24 to 240 frames per second, their NTSC versions (1001) and milliseconds."""

_BT709 = 1  # FFmpeg's number of these primaries, this transfer and this matrix alike
_LIMITED = 1
_KEY_EVERY = 100


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """What a video file is to be: where its container and codec fit each other.

    Attributes:
        container: FFmpeg's name.
        encoder: Key of `ENCODERS`.
        quality: 1 to 100.
        rate: Frames per second as far as they are known, for the encoder's guidance; time stamps decide.
        threads: Of the encoder.
    """

    container: str
    encoder: str
    quality: int = 75
    rate: Fraction = Fraction(30)
    threads: int = 2


class VideoEncoder:
    """A video file being written.

    Colours are BT.709 in limited range and tagged so; sides that are odd grow by a pixel, see `to_yuv420`. An mp4
    begins with its index, so that it plays while it loads.

    Args:
        path: The file; anything there is replaced.
        video: What it is to be.
        size_wh: Width and height of the pictures in px.
        sound: Laid under the pictures; closed by this.

    Raises:
        OutputError: there is no such encoder here, it refuses the size, or the file cannot be written; also from
            `write` and `close`. The message does not name the file.
    """

    def __init__(self, path: Path, video: VideoFormat, size_wh: tuple[int, int], sound: Sound | None = None) -> None:
        import av

        codec = ENCODERS[video.encoder]
        self._sound = sound
        self._last = -1
        self._step = round(TICKS_PER_S / video.rate)
        self._waiting: Packet[VideoStream] | None = None
        flags = {"movflags": "+faststart"} if video.container in ("mp4", "mov") else {}
        if codec.name not in av.codecs_available:
            others = [name for name, one in ENCODERS.items() if one.name in av.codecs_available]
            raise OutputError(f"this PyAV has no encoder for {video.encoder}; choose one of {', '.join(others)}")
        with _reported():
            self._out = av.open(str(path), "w", format=video.container, container_options=flags)
            options = {**codec.options, "crf": str(codec.crf(video.quality))}
            self._stream = cast("VideoStream", self._out.add_stream(codec.name, rate=video.rate, options=options))
            width, height = size_wh
            self._stream.width, self._stream.height = width + width % 2, height + height % 2
            self._stream.pix_fmt = "yuv420p"
            context = self._stream.codec_context
            context.time_base = Fraction(1, TICKS_PER_S)
            context.gop_size, context.max_b_frames = _KEY_EVERY, 0
            context.thread_count = video.threads
            context.color_primaries = context.color_trc = context.colorspace = _BT709
            context.color_range = _LIMITED
            if sound is not None:
                sound.join(self._out)  # a stream that came after the first packet would end the process
            with _quiet_av1():
                self._out.start_encoding()

    @property
    def sound(self) -> str:
        """``copied``, ``encoded`` or ``none``."""
        return "none" if self._sound is None else self._sound.way

    def write(self, image: Image, time_s: float) -> None:
        """Append one picture.

        Args:
            image: (H, W, 3) uint8 RGB.
            time_s: When it is shown, seconds after the first; one that is not later than the one before follows it at
                once.
        """
        tick = max(round(time_s * TICKS_PER_S), self._last + 1)
        if self._last >= 0:
            self._step = tick - self._last
        frame = _frame(image)
        frame.pts, frame.time_base = tick, Fraction(1, TICKS_PER_S)
        self._last = tick
        with _reported():
            for packet in self._stream.encode(frame):
                self._pass_on(packet)

    def close(self) -> None:
        """Finish the file. The last picture is shown as long as the one before it."""
        with _reported():
            for packet in self._stream.encode(None):
                self._pass_on(packet)
            self._pass_on(None)
            self._mux_sound((self._last + self._step) / TICKS_PER_S)
            self._let_go()

    def abort(self) -> None:
        """Let go of the file in whatever state it is; harmless after `close`."""
        with contextlib.suppress(OutputError), _reported():
            self._let_go()

    def _let_go(self) -> None:
        try:
            self._out.close()
        finally:
            if self._sound is not None:
                self._sound.close()

    def _pass_on(self, packet: Packet[VideoStream] | None) -> None:
        """Write the packet before this one, now that it is known how long it is shown; None: there are no more."""
        before, self._waiting = self._waiting, packet
        if before is None or before.pts is None:
            return
        before.duration = self._step if packet is None or packet.pts is None else packet.pts - before.pts
        self._mux_sound(float(before.pts * before.time_base))
        self._out.mux(before)

    def _mux_sound(self, until_s: float) -> None:
        if self._sound is not None:
            for packet in self._sound.packets(until_s):
                self._out.mux(packet)


def _frame(image: Image) -> VideoFrame:
    """The picture as FFmpeg holds it; its rows may have room behind them."""
    from av import VideoFrame

    planes = to_yuv420(image)
    height, width = planes[0].shape
    frame = VideoFrame(width, height, "yuv420p")
    for plane, values in zip(frame.planes, planes, strict=True):
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        rows[: values.shape[0], : values.shape[1]] = values
    frame.colorspace, frame.color_range = _BT709, _LIMITED
    return frame


@contextlib.contextmanager
def _reported() -> Iterator[None]:
    """Errors of FFmpeg as one line."""
    import av

    try:
        yield
    except (av.FFmpegError, OSError, ValueError) as error:
        if isinstance(error, OutputError):
            raise
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise OutputError(f"cannot be written: {reason}") from error


@contextlib.contextmanager
def _quiet_av1() -> Iterator[None]:
    """The AV1 encoder tells its life on stderr unless the environment asks for errors only, at the time it opens."""
    name = "SVT_LOG"
    if name in os.environ:
        yield
        return
    os.environ[name] = "1"
    try:
        yield
    finally:
        os.environ.pop(name, None)
