"""Owns the sound of an exported clip: packets of the original, laid on the time of the exported frames."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

from holopose.errors import InputError
from holopose.io.containers import ClipFile, name_clip, open_container, pick_pictures

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.packet import Packet

__all__ = ["Sound"]

_COPIED: dict[str, frozenset[str]] = {
    "mp4": frozenset({"aac", "mp3", "ac3", "eac3", "alac", "flac", "opus"}),
    "mov": frozenset({"aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s24le"}),
    "webm": frozenset({"opus", "vorbis"}),
    "matroska": frozenset({"aac", "mp3", "ac3", "eac3", "alac", "flac", "opus", "vorbis", "pcm_s16le", "pcm_s24le"}),
}
"""Codecs that go into each container as they are; players at home with the container know what is inside."""

_AAC_RATES = frozenset({8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000})


class Sound:
    """The sound of a clip, packet by packet, from the moment of the first exported frame on.

    Packets are copied where the container of the export can hold their codec; otherwise they are decoded and encoded
    again, as AAC (as Opus for WebM), in mono or stereo. Packets that are damaged are left out, and what cannot be read
    any further ends the sound.

    Args:
        path: The clip.
        start_s: `Frame.time_s` of the first exported frame. What lies before it is left out.

    Raises:
        InputError: the clip cannot be opened.
    """

    def __init__(self, path: Path | str, *, start_s: float = 0.0) -> None:
        name = name_clip(path)
        self._file = ClipFile(path, name=name)
        try:
            self._clip = open_container(self._file, name=name)
            pictures = pick_pictures(self._clip, self._file, name=name)
        except InputError:
            self._file.close()
            raise
        first_s = Fraction(0)
        if pictures.start_time is not None and pictures.time_base is not None:
            first_s = pictures.start_time * pictures.time_base
        self._zero_s = first_s + Fraction(start_s)
        self._source = self._pick_stream()
        self._packets: Iterator[Packet[AudioStream]] = iter(())
        self._waiting: Packet[AudioStream] | None = None
        self._earliest_s = -math.inf
        self.way = "none"

    def _pick_stream(self) -> AudioStream | None:
        """The stream that players choose, if it can be decoded."""
        from av.stream import Discard

        best = self._clip.streams.best("audio")
        for stream in self._clip.streams:
            if best is None or stream.index != best.index:
                stream.discard = Discard.all  # not even read, where the format allows that
        usable = best is not None and best.codec_context is not None and best.time_base
        return best if usable else None  # type: ignore[return-value]

    def join(self, out: OutputContainer) -> None:
        """Give `out` a stream for this sound, if there is any; before anything is written to `out`.

        Afterwards `way` is ``copied``, ``encoded`` or ``none``.
        """
        source = self._source
        if source is None:
            return
        container, codec = out.format.name, source.codec_context.codec.canonical_name
        if codec in _COPIED[container]:
            target = out.add_stream_from_template(source)
            self.way, self._packets = "copied", self._copy(source, target)
        else:
            codec = "opus" if container == "webm" else "aac"
            rate = source.rate if codec == "aac" and source.rate in _AAC_RATES else 48000
            layout = "mono" if source.channels == 1 else "stereo"
            name = "libopus" if codec == "opus" else codec
            target = cast("AudioStream", out.add_stream(name, rate=rate, layout=layout))
            target.bit_rate = 64000 if layout == "mono" else 128000
            self.way, self._packets = "encoded", self._encode(source, target)
        # Matroska has no times before 0: it would move everything. Opus says in its head how much of it is no sound.
        self._earliest_s = 0.0 if container == "matroska" and codec != "opus" else -math.inf

    def packets(self, until_s: float) -> Iterator[Packet[AudioStream]]:
        """The packets that begin before `until_s` (seconds after the first exported frame) and were not handed out."""
        while True:
            packet = self._waiting or next(self._packets, None)
            self._waiting = packet
            if packet is None or _start_s(packet) >= until_s:
                return
            self._waiting = None
            if _start_s(packet) >= self._earliest_s:
                yield packet

    def close(self) -> None:
        """Let go of the clip; calling twice is harmless."""
        self._packets, self._waiting = iter(()), None
        self._clip.close()
        self._file.close()

    def _read(self, source: AudioStream) -> Iterator[Packet[AudioStream]]:
        """Packets as they are in the clip."""
        import av

        stream = self._clip.demux(source)
        with contextlib.suppress(av.FFmpegError):
            for packet in stream:
                if packet.pts is not None and not packet.is_corrupt:
                    yield packet
        self._file.check()

    def _copy(self, source: AudioStream, target: AudioStream) -> Iterator[Packet[AudioStream]]:
        last: int | None = None
        for packet in self._read(source):
            shift = round(self._zero_s / packet.time_base)
            begin = packet.pts - shift  # type: ignore[operator]
            decode = begin if packet.dts is None else packet.dts - shift
            if begin + (packet.duration or 0) < 0 or (last is not None and decode <= last):
                continue
            packet.pts, packet.dts, packet.stream = begin, decode, target
            last = decode
            yield packet

    def _encode(self, source: AudioStream, target: AudioStream) -> Iterator[Packet[AudioStream]]:
        import av

        fit = av.AudioResampler(format=target.format, layout=target.layout, rate=target.rate)
        with contextlib.suppress(av.FFmpegError, ValueError):  # ValueError: the sound becomes another kind of sound
            for frame in self._decode(source):
                for fitted in fit.resample(frame):
                    yield from target.encode(fitted)
        for fitted in fit.resample(None):
            yield from target.encode(fitted)
        yield from target.encode(None)

    def _decode(self, source: AudioStream) -> Iterator[AudioFrame]:
        import av

        for packet in self._read(source):
            frames: list[AudioFrame] = []
            with contextlib.suppress(av.FFmpegError):  # a damaged packet is a short silence
                frames = packet.decode()
            for frame in frames:
                if frame.pts is None or frame.time_base is None:
                    continue
                frame.pts -= round(self._zero_s / frame.time_base)
                if frame.pts >= 0:
                    yield frame


def _start_s(packet: Packet[AudioStream]) -> float:
    return float((packet.pts or 0) * packet.time_base)
