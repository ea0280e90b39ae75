"""Owns reading one clip from its beginning to its end: decoded pictures, their times, what was damaged or missing."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from holopose.errors import InputError
from holopose.io.containers import ClipFile, ClipInput, open_container, pick_pictures
from holopose.io.headers import one_line

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame

__all__ = ["Clip", "Clock", "turn_of"]

Image = npt.NDArray[np.uint8]

_ASSUMED_RATE = Fraction(25)  # as FFmpeg, for streams that say nothing
_CLOCK_RESTART_S = 0.25
_NO_RATE = 10_000  # frames per second that are none: FFmpeg's mean for DV is 60000
_FULL_HD_PX = 1920 * 1088
_HEADER_TELLS = ("matroska", "flv", "asf")
"""Formats (besides those that declare a count of frames) whose duration is written in the file, not guessed."""


class Clock:
    """Seconds of each frame since the stream's start, never decreasing.

    A frame without a time stamp comes one duration of the frame before after it. A time stamp before that of the frame
    before counts as the same time; if it falls back by more than 0.25 s, the clock began anew (parts joined without
    care), and time goes on from there.

    Args:
        time_base: Seconds of a tick.
        start: Tick of the stream's start, None if unknown: then the first frame's own.
        step: Duration in ticks of frames that declare none.

    >>> clock = Clock(Fraction(1, 1000), 100, Fraction(40))
    >>> [clock.read(pts, 0) for pts in (100, 140, None, 175, 240)]
    [0.0, 0.04, 0.08, 0.08, 0.14]
    """

    def __init__(self, time_base: Fraction, start: int | None, step: Fraction) -> None:
        self._time_base = time_base
        self._start: Fraction | None = None if start is None else Fraction(start)
        self._step = step
        self._last: Fraction | None = None
        self._last_step = step

    def read(self, pts: int | None, duration: int) -> float:
        """The time of the next frame, from its time stamp and duration (0 = unknown) in ticks."""
        due = Fraction(0) if self._last is None else self._last + self._last_step
        ticks = due
        if pts is not None:
            if self._start is None or (self._last is None and pts < self._start):
                self._start = pts - due
            ticks = pts - self._start
            if self._last is not None:
                if (self._last - ticks) * self._time_base > _CLOCK_RESTART_S:
                    self._start = pts - due
                    ticks = due
                ticks = max(ticks, self._last)
        self._last = ticks
        self._last_step = Fraction(duration) if duration > 0 else self._step
        return float(ticks * self._time_base)


def turn_of(matrix: bytes) -> tuple[int, bool]:
    """How a stored picture becomes upright: (degrees clockwise, to be mirrored left to right before).

    Args:
        matrix: FFmpeg's display matrix, nine int32: (x', y') = (a x + c y, b x + d y) with y down, in the order a b u,
            c d v, x y w (libavutil/display.h). Other angles than quarter turns go to the nearest one.
    """
    a, b, _, c, d = (float(value) for value in np.frombuffer(matrix, np.int32, count=5))
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    return round(math.degrees(math.atan2(b, a)) / 90) % 4 * 90, mirrored


class Clip:
    """An opened clip, at its beginning; read once.

    Args:
        source: See `ClipInput`.
        name: What messages call it.
        threads: Of the decoder; 0 chooses, see `VideoSource`.
        max_megapixels: Larger frames (in millions of pixels) are refused.

    Attributes:
        facts: What is known before the second frame, see `VideoSource.info`.

    Raises:
        InputError: it cannot be opened, or holds no moving pictures, none that can be decoded, or too large ones.
    """

    def __init__(self, source: ClipInput, *, name: str, threads: int, max_megapixels: float) -> None:
        from av.video.reformatter import VideoReformatter

        self._shown = one_line(name)
        self._max_megapixels = max_megapixels
        self._decoded = self._damaged = self._flawed = 0
        self._packets = 0
        self._data_end_s = Fraction(0)  # on the container's clock
        self._broken = False
        self._failure = ""
        self._cut = ""
        self._reformatter = VideoReformatter()  # one for all frames: setting it up costs as much as its work
        self._file = ClipFile(source, name=name)
        try:
            slack = int(2 * max_megapixels * 1e6) + (1 << 16)  # decoders count whole blocks; `_check_size` is exact
            self._container = open_container(self._file, name=name, max_pixels=min(slack, (1 << 31) - 1))
            self._stream = stream = pick_pictures(self._container, self._file, name=name)
            self._check_size(stream.codec_context.width, stream.codec_context.height)
            stream.codec_context.thread_type = "AUTO"
            stream.codec_context.thread_count = threads or _choose_threads(stream.codec_context)
            self._time_base = stream.time_base or Fraction(1, 1000)
            rates = (stream.average_rate, stream.guessed_rate, stream.base_rate)
            self._rate = next((rate for rate in rates if rate and rate < _NO_RATE), None)
            self._timed_with = () if stream.frames else self._container.streams.audio  # see `_declared_end_s`
            self._pictures = self._decode()
            self._first: VideoFrame | None = self._decode_first()
            self._turn, self._mirrored = self._orientation(self._first)
            self.facts = self._describe(self._first)
        except BaseException:
            self.close()
            raise

    def pictures(self, end_s: float = math.inf) -> Iterator[tuple[VideoFrame, float]]:
        """Each decoded frame, in order of presentation, and its time in seconds; ends before `end_s`.

        Raises:
            InputError: a frame is larger than allowed.
        """
        step = 1 / ((self._rate or _ASSUMED_RATE) * self._time_base)
        clock = Clock(self._time_base, self._stream.start_time, step)
        picture, self._first = self._first, None
        while picture is not None:
            time_s = clock.read(picture.pts, picture.duration)
            if time_s >= end_s:
                return
            self._decoded += 1
            self._flawed += picture.is_corrupt
            self._check_size(picture.width, picture.height)
            yield picture, time_s
            picture = next(self._pictures, None)

    def convert(self, picture: VideoFrame) -> Image:
        """(H, W, 3) uint8 RGB, upright, transparent pixels over white.

        FFmpeg's own conversion with the frame's matrix and range, up to 3 levels below the exact values.
        """
        import av

        alpha = any(component.is_alpha for component in picture.format.components)
        try:
            frame = self._reformatter.reformat(picture, format="rgba" if alpha else "rgb24", threads=1)
        except av.FFmpegError as error:
            raise InputError(
                f"{self._shown}: its pixels ({picture.format.name}) cannot be turned into RGB; convert it to H.264"
            ) from error
        image = np.asarray(frame.to_ndarray(), np.uint8)
        if alpha:
            image = _over_white(image)
        return _upright(image, self._turn, mirrored=self._mirrored)

    def report(self) -> dict[str, Any]:
        """What reading told so far, see `VideoSource.end_info`."""
        reasons = [self._cut] if self._cut else []
        if self._damaged:
            reasons.append(f"{_count(self._damaged, 'packet')} could not be decoded")
        if self._flawed:
            reasons.append(f"{_count(self._flawed, 'frame')} could be decoded in part only")
        return {
            "decoded": self._decoded,
            "damaged": self._damaged,
            "flawed": self._flawed,
            "cut_short": bool(self._cut),
            "reason": "; ".join(reasons),
        }

    def close(self) -> None:
        """Let go of the file and the decoder's threads; calling twice is harmless."""
        self._first = None
        for part in ("_pictures", "_container", "_file"):
            if hasattr(self, part):
                getattr(self, part).close()
        for part in ("_pictures", "_stream", "_container"):  # the decoder ends with the last reference to its stream
            if hasattr(self, part):
                delattr(self, part)

    # Decoding --------------------------------------------------------------------------------------------------------

    def _decode(self) -> Iterator[VideoFrame]:
        """Every frame that can be decoded, in order of presentation."""
        import av

        for packet in self._demux():
            try:
                pictures = self._stream.decode(packet)
            except av.FFmpegError:
                self._damaged += 1
            else:
                yield from pictures
        try:
            yield from self._stream.decode(None)  # what the decoder still holds
        except av.FFmpegError:
            self._damaged += 1
        self._cut = self._why_cut()

    def _demux(self) -> Iterator[Packet[Any]]:
        """The stream's packets; an error ends them as the end of the file does."""
        import av

        try:
            for packet in self._container.demux(self._stream, *self._timed_with):
                if not packet.size:  # would end the decoder: a frame that the camera dropped, or the end of the file
                    continue
                self._note(packet)
                if packet.stream_index == self._stream.index:
                    yield packet
        except av.FFmpegError as error:
            self._failure = error.strerror or str(error)
        self._file.check()
        if self._file.error is not None:
            self._failure = getattr(self._file.error, "strerror", None) or str(self._file.error)

    def _note(self, packet: Packet[Any]) -> None:
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is not None and packet.time_base is not None:
            self._data_end_s = max(self._data_end_s, (stamp + (packet.duration or 0)) * packet.time_base)
        self._packets += 1
        self._broken = packet.is_corrupt

    def _decode_first(self) -> VideoFrame:
        first = next(self._pictures, None)
        if first is None:
            found = (
                f"{_count(self._packets, 'packet')} of it, none of which can be decoded" if self._packets else "none"
            )
            raise InputError(f"{self._shown}: expected moving pictures, found {found}; the file is damaged or cut off")
        return first

    def _check_size(self, width: int, height: int) -> None:
        if width * height > self._max_megapixels * 1e6:
            raise InputError(
                f"{self._shown}: {width} x {height} pixels ({width * height / 1e6:.1f} megapixels) are more than "
                f"max_megapixels ({self._max_megapixels:g}) allows; make it smaller or raise the limit"
            )

    # Facts -----------------------------------------------------------------------------------------------------------

    @staticmethod
    def _orientation(picture: VideoFrame) -> tuple[int, bool]:
        from av.sidedata.sidedata import SideDataContainer, Type

        container: Any = SideDataContainer  # picture.side_data would keep both alive: they name each other
        beside = container(picture)
        found = [bytes(data) for data in beside if data.type == Type.DISPLAYMATRIX]
        return turn_of(found[0]) if found else (0, False)

    def _describe(self, first: VideoFrame) -> Mapping[str, Any]:
        stream = self._stream
        width, height = first.width, first.height
        start = stream.start_time if stream.start_time is not None else first.pts
        return {
            "width": height if self._turn % 180 else width,
            "height": width if self._turn % 180 else height,
            "rotation": self._turn,
            "mirrored": self._mirrored,
            "rate": float(self._rate) if self._rate else None,
            "rate_exact": str(self._rate) if self._rate else None,
            "count": stream.frames or None,
            "duration_s": self._duration_s(),
            "start_s": float((start or 0) * self._time_base),
            "codec": stream.codec_context.codec.canonical_name,
            "pixel_format": first.format.name,
            "has_audio": bool(self._container.streams.audio),
        }

    def _duration_s(self) -> float | None:
        """Of the pictures; where only the whole has one, and there is sound too, it is the longer of both."""
        import av

        if self._stream.duration is not None:
            return float(self._stream.duration * self._time_base)
        return None if self._container.duration is None else self._container.duration / av.time_base

    def _declared_end_s(self) -> float | None:
        """End on the container's clock as the file declares it, None where it says nothing or FFmpeg only guessed.

        Where there is a count of frames it is the end of the pictures, else that of the whole, sound included.
        """
        import av

        if self._stream.frames and self._stream.duration is not None:
            return float(((self._stream.start_time or 0) + self._stream.duration) * self._time_base)
        named = any(name in self._container.format.name for name in _HEADER_TELLS)
        if named and self._container.duration is not None:
            return ((self._container.start_time or 0) + self._container.duration) / av.time_base
        return None

    def _why_cut(self) -> str:
        """In words why the file seems to lack its end, judged by its packets; empty if it does not."""
        end_s, declared_s = float(self._data_end_s), self._declared_end_s()
        if self._failure:
            return f"reading stopped at {end_s:.3f} s: {self._failure}"
        step_s = float(1 / (self._rate or _ASSUMED_RATE))
        slack_s = 1.5 * step_s if self._stream.frames else max(2 * step_s, 0.25)
        if declared_s is not None and declared_s - end_s > slack_s:
            return f"the file ends at {end_s:.3f} s of {declared_s:.3f} s"
        return "the last packet is incomplete" if self._broken else ""


def _choose_threads(codec: VideoCodecContext) -> int:
    """One for pictures up to full HD, beyond that half the processors, at most 4.

    Two threads decode 1.5 times as fast but take up to a third more of the processors' time, which networks need; and
    when several work on the last packets of a damaged file, good frames are lost with bad ones (PyAV stops asking).
    """
    if codec.width * codec.height <= _FULL_HD_PX:
        return 1
    return max(1, min(4, (os.cpu_count() or 1) // 2))


def _upright(image: Image, turn: int, *, mirrored: bool) -> Image:
    if not turn and not mirrored:
        return image
    import cv2

    if mirrored:
        image = np.asarray(cv2.flip(image, 1), np.uint8)
    if turn:
        how = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}[turn]
        image = np.asarray(cv2.rotate(image, how), np.uint8)  # ten times as fast as copying numpy's view
    return image


def _over_white(rgba: Image) -> Image:
    import cv2

    opacity = rgba[:, :, 3:]
    if opacity.min() == 255:
        return np.ascontiguousarray(rgba[:, :, :3])
    opacity = np.ascontiguousarray(np.broadcast_to(opacity, (*rgba.shape[:2], 3)))
    return np.asarray(255 - cv2.multiply(255 - rgba[:, :, :3], opacity, scale=1 / 255), np.uint8)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
