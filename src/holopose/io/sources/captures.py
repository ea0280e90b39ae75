"""Owns the connections that live pictures come through: webcams with OpenCV, network streams with PyAV."""

from __future__ import annotations

import contextlib
import math
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from holopose.errors import InputError
from holopose.io.containers import FORMATS
from holopose.io.headers import one_line
from holopose.io.opencv import load_opencv
from holopose.io.sources.names import hide_credentials

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

__all__ = ["Capture", "Shot", "StreamCapture", "WebcamCapture"]

Image = npt.NDArray[np.uint8]

_NO_TIMESTAMPS = 0x80  # AVFMT_NOTIMESTAMPS: what such a format gives as times is made up from an assumed rate
_NETWORK_FORMATS = ("rtsp", "rtp", "sdp", "hls", "mpjpeg", "jpeg_pipe", "png_pipe", "webp_pipe", "aac", "webvtt")
_PROTOCOLS = "http,https,httpproxy,tcp,tls,udp,rtp,srtp,rtmp,rtmps,rtmpt,rtmpts,crypto,data"
"""No local files: a playlist from the network names what it likes."""

LEAP_S = 10.0
"""A time stamp that leaps further ahead of the clock tells that the stream's own clock was set anew."""

_DRIFT = 0.001
"""By how much the clock of a camera may run slow without this being taken for growing lateness."""


class Shot(NamedTuple):
    """One frame as it came from a camera or stream.

    Attributes:
        at_s: When, on the clock of this machine.
        pts_s: The stream's own time stamp in seconds; None where it has none.
        missed: Frames passed over since the shot before.
        picture: Makes the (H, W, 3) uint8 RGB picture; costs time, and is not called for shots that nobody sees.
    """

    at_s: float
    pts_s: float | None
    missed: int
    picture: Callable[[], Image]


class Capture(Protocol):
    """A connection to a camera or stream, used by one thread."""

    @property
    def facts(self) -> Mapping[str, object]:
        """``width``, ``height`` and ``rate``, None where unknown."""

    @property
    def finite(self) -> bool:
        """Whether this has an end of its own, as a file does."""

    @property
    def waits(self) -> bool:
        """Whether frames wait until they are taken, as those of a file do; else only the newest one counts."""

    def grab(self) -> Shot | None:
        """Wait for the next frame; None at the end.

        Raises:
            InputError: the connection is lost.
        """

    def close(self) -> None:
        """Let go of it."""


class WebcamCapture:
    """A webcam of this machine.

    Args:
        number: 0 is the first.
        clock: Tells seconds.

    Raises:
        InputError: it is not there, in use or not allowed.
    """

    finite = waits = False

    def __init__(self, number: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._shown = f"webcam {number}"
        self._clock = clock
        cv2: Any = load_opencv()
        with _quiet(cv2):
            self._device = cv2.VideoCapture(number)
            if not self._device.isOpened():
                self._device.release()
                raise InputError(
                    f"{self._shown}: cannot be opened; is it plugged in, free, and allowed to be used by this program?"
                )
            self._device.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # where a driver heeds it, older pictures do not pile up
        width, height, rate = (
            self._device.get(kind) for kind in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FPS)
        )
        self.facts: Mapping[str, object] = {
            "width": int(width) or None,
            "height": int(height) or None,
            "rate": float(rate) if math.isfinite(rate) and rate > 0 else None,
        }

    def grab(self) -> Shot:
        """Wait for the next picture."""
        if self._device.grab():
            at_s = self._clock()
            there, image = self._device.retrieve()
            if there:
                return Shot(at_s, None, 0, lambda: np.ascontiguousarray(image[:, :, ::-1]))
        raise InputError(f"{self._shown}: gives no picture any more; was it unplugged?")

    def close(self) -> None:
        """Let go of the device."""
        self._device.release()


@contextlib.contextmanager
def _quiet(cv2: Any) -> Iterator[None]:
    """Without OpenCV's warnings about each of the ways in which a camera cannot be opened."""
    log = cv2 if hasattr(cv2, "setLogLevel") else cv2.utils.logging
    level = log.getLogLevel()
    log.setLogLevel(0)
    try:
        yield
    finally:
        log.setLogLevel(level)


class StreamCapture:
    """A stream on the network: RTSP (over TCP), RTMP, HTTP (also HLS and motion JPEG), MPEG-TS over UDP.

    Nothing but what the address names is connected to; a playlist there may name further addresses, but no files of
    this machine. Pictures that nobody will see are decoded (the next one needs them) but not converted. Where decoding
    or the network falls behind by more than `max_latency_s`, everything up to the next key frame is passed over.

    Args:
        url: Address; user and password in it are used and never shown.
        timeout_s: Seconds to wait for a connection, and for each packet.
        max_latency_s: See above.
        max_megapixels: Streams with more pixels per frame (in millions) are refused.
        clock: Tells seconds.

    Raises:
        InputError: it cannot be reached, wants a password, or has no moving pictures. Never with the password in it.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 10.0,
        max_latency_s: float = 2.0,
        max_megapixels: float = 100.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        import av

        self._shown = one_line(hide_credentials(url))
        self._timeout_s = timeout_s
        self._clock = clock
        self._max_megapixels = max_megapixels
        self._ready: deque[tuple[float, VideoFrame]] = deque()
        self._missed = 0
        self._began = False
        self.damaged = 0
        options = {
            "rtsp_transport": "tcp",  # over UDP a single packet lost spoils pictures up to the next key frame
            "flags": "low_delay",
            "protocol_whitelist": _PROTOCOLS,
            "format_whitelist": ",".join((*FORMATS, *_NETWORK_FORMATS)),
            "max_pixels": str(min(int(2 * max_megapixels * 1e6) + (1 << 16), (1 << 31) - 1)),
        }
        try:
            self._container = av.open(
                url, mode="r", options=options, timeout=(timeout_s, timeout_s), metadata_errors="replace"
            )
        except (av.FFmpegError, MemoryError) as error:
            raise self._lost(error) from error
        try:
            self._stream = self._pick_pictures()
            self.finite = self._container.size > 0 or (self._container.duration or 0) > 0
            self.waits = self.finite or "hls" in self._container.format.name  # it comes in pieces of several seconds
            self._stream.thread_type = "AUTO" if self.waits else "SLICE"  # frame threads hold back several frames
            self._time_base = self._stream.time_base or Fraction(1, 90_000)
            self._stamped = not int(self._container.format.flags) & _NO_TIMESTAMPS
            self._lateness = None if self.waits or not self._stamped else _Lateness(max_latency_s)
            self._packets = self._container.demux(self._stream)
            self._check_size(self._stream.codec_context.width, self._stream.codec_context.height)
        except BaseException:
            self.close()
            raise

    @property
    def facts(self) -> Mapping[str, object]:
        """``width``, ``height``, ``rate`` and ``codec`` as the stream declares them."""
        context = self._stream.codec_context
        rate = self._stream.average_rate or self._stream.guessed_rate if self._stamped else None
        return {
            "width": context.width or None,
            "height": context.height or None,
            "rate": float(rate) if rate else None,
            "codec": context.codec.canonical_name,
        }

    def grab(self) -> Shot | None:
        """The next decoded frame, as soon as it is there.

        Raises:
            InputError: nothing comes for `timeout_s`, the connection is lost, or a frame is larger than allowed.
        """
        import av

        while not self._ready:
            try:
                packet = next(self._packets, None)
            except av.FFmpegError as error:
                if self._began or "mp4" not in self._container.format.name:
                    raise self._lost(error) from error
                raise InputError(
                    f"{self._shown}: is an MP4 or MOV file with its index at its end, from a server that sends no "
                    "parts of files; download it and give the file"
                ) from error
            if packet is None:
                return None
            self._began = True
            at_s = self._clock()
            if packet.size and self._lateness is not None and self._lateness.passes_over(packet, self._time_base, at_s):
                self._missed += 1
                continue
            try:
                self._ready.extend((at_s, frame) for frame in self._stream.decode(packet))
            except av.FFmpegError:
                self.damaged += 1
        at_s, frame = self._ready.popleft()
        self._check_size(frame.width, frame.height)
        missed, self._missed = self._missed, 0
        pts_s = float(frame.pts * self._time_base) if self._stamped and frame.pts is not None else None
        return Shot(at_s, pts_s, missed, lambda: self._convert(frame))

    def close(self) -> None:
        """End the connection."""
        self._ready.clear()
        self._container.close()

    def _pick_pictures(self) -> VideoStream:
        from av.video.stream import VideoStream

        stream = self._container.streams.best("video")
        if not isinstance(stream, VideoStream) or stream.codec_context is None:
            what = "has sound but no moving pictures" if self._container.streams.audio else "has no moving pictures"
            raise InputError(f"{self._shown}: {what}")
        return stream

    def _check_size(self, width: int, height: int) -> None:
        if width * height > self._max_megapixels * 1e6:
            raise InputError(
                f"{self._shown}: {width} x {height} pixels are more than max_megapixels ({self._max_megapixels:g}) "
                "allows; choose a smaller stream of the camera or raise the limit"
            )

    def _convert(self, frame: VideoFrame) -> Image:
        import av

        try:
            image = frame.to_ndarray(format="rgb24")
        except (av.FFmpegError, ValueError) as error:
            raise InputError(f"{self._shown}: its pixels ({frame.format.name}) cannot be turned into RGB") from error
        quarters = round(frame.rotation / 90) % 4
        return np.ascontiguousarray(np.rot90(image, quarters) if quarters else image, np.uint8)

    def _lost(self, error: BaseException) -> InputError:
        return InputError(f"{self._shown}: {_explain(error, self._timeout_s)}")


class _Lateness:
    """Whether a stream has fallen behind: its time stamps against the clock, measured from the best that was seen."""

    def __init__(self, most_s: float) -> None:
        self._most_s = most_s
        self._last: tuple[float, float] | None = None
        self._behind_s = 0.0
        self._catching_up = False

    def passes_over(self, packet: Packet[Any], time_base: Fraction, at_s: float) -> bool:
        """Whether to leave this packet undecoded, which is so from falling behind to the first key frame in time."""
        stamp = packet.dts if packet.dts is not None else packet.pts
        if stamp is not None:
            self._measure(float(stamp * time_base), at_s)
        if self._behind_s > self._most_s:
            self._catching_up = True
        elif packet.is_keyframe and self._behind_s <= self._most_s / 2:
            self._catching_up = False
        return self._catching_up and not packet.is_keyframe

    def _measure(self, stamp_s: float, at_s: float) -> None:
        if self._last is not None:
            passed_s, moved_s = at_s - self._last[1], stamp_s - self._last[0]
            if 0 <= moved_s <= passed_s + LEAP_S:  # else the stream's clock was set anew
                self._behind_s = max(self._behind_s + passed_s * (1 - _DRIFT) - moved_s, 0.0)
        self._last = stamp_s, at_s


def _explain(error: BaseException, timeout_s: float) -> str:
    """Why a stream cannot be read; never FFmpeg's own text with the address in it."""
    import av

    if isinstance(error, av.error.ExitError):
        return f"no answer for {timeout_s:g} s"
    if isinstance(error, av.error.HTTPUnauthorizedError | av.error.HTTPForbiddenError):
        return "wants a user and a password, or other ones: give them as scheme://user:password@host/..."
    if isinstance(error, av.error.HTTPNotFoundError):
        return "the host answers, but has nothing at this address (404)"
    if isinstance(error, av.error.ProtocolNotFoundError | av.error.InvalidDataError | av.error.DemuxerNotFoundError):
        return "is no stream that can be read; expected video, not a web page"
    if isinstance(error, ConnectionRefusedError):
        return "the host refuses the connection; is the port right and the camera's service on?"
    if isinstance(error, MemoryError):
        return "not enough memory"
    reason = re.sub(r"\s+", " ", getattr(error, "strerror", None) or "") or type(error).__name__
    return f"cannot be reached, or the connection was lost ({one_line(reason)})"
