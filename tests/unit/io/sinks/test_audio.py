"""Sound: each moment stays under its picture, copied where possible, cut where the pictures are."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from holopose.errors import InputError
from holopose.io.sinks.audio import Sound
from holopose.io.sinks.encoder import VideoEncoder, VideoFormat

S: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[3] / "clip_samples.py"))
CARD = S["card"]()
AAC_FRAME_S = 1024 / 48000


@pytest.fixture
def clip(tmp_path: Path) -> Callable[..., Path]:
    """Makes a clip of 1.6 s whose sound has a click: `clip("name.mp4", click_s=0.5, kind="aac")`."""

    def make(name: str = "clip.mp4", *, click_s: float = 0.5, kind: str = "aac", channels: int = 1) -> Path:
        sound = S["tone"](1.6, click_s=click_s)
        if kind == "aac" and channels == 1:
            return S["write_clip"](tmp_path / name, 40, sound=sound)
        with av.open(str(tmp_path / name), "w") as out:
            video = out.add_stream("mpeg4", rate=25, options={"qmax": "3"})
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
            layout = {1: "mono", 2: "stereo", 6: "5.1"}[channels]
            audio = out.add_stream(kind, rate=48000, layout=layout)
            for index in range(40):
                frame = av.VideoFrame.from_ndarray(S["card"](index), format="rgb24").reformat(format="yuv420p")
                frame.pts, frame.time_base = index, Fraction(1, 25)
                out.mux(video.encode(frame))
            out.mux(video.encode(None))
            many = np.repeat(sound[None], channels, axis=0)
            heard = av.AudioFrame.from_ndarray(many, format="fltp", layout=layout)
            heard.sample_rate, heard.pts, heard.time_base = 48000, 0, Fraction(1, 48000)
            out.mux(audio.encode(heard))
            out.mux(audio.encode(None))
        return tmp_path / name

    return make


def export(path: Path, source: Path, container: str, *, start_s: float = 0.0, seconds: float = 1.6) -> Sound:
    """Lay the sound of `source` under plain pictures that last `seconds`."""
    sound = Sound(source, start_s=start_s)
    encoder = "vp9" if container == "webm" else "h264"
    out = VideoEncoder(path, VideoFormat(container, encoder, rate=Fraction(25)), (64, 48), sound)
    for index in range(round(seconds * 25)):
        out.write(CARD, index / 25)
    out.close()
    return sound


def listen(path: Path) -> tuple[str, np.ndarray, float]:
    """Codec, samples (mono, 48 kHz) and the time of the first."""
    with av.open(str(path)) as clip:
        stream = clip.streams.audio[0]
        fit = av.AudioResampler(format="flt", layout="mono", rate=48000)
        frames = [frame for heard in clip.decode(stream) for frame in fit.resample(heard)]
        frames += [frame for frame in fit.resample(None) if frame is not None]
        samples = np.concatenate([frame.to_ndarray().ravel() for frame in frames])
        return stream.codec_context.codec.canonical_name, samples, float(frames[0].time)


def click_s(path: Path) -> float:
    """When the click is heard, seconds after the first picture."""
    _, samples, first_s = listen(path)
    with av.open(str(path)) as clip:
        first_s -= float(next(clip.decode(video=0)).time)
    loud = np.flatnonzero(np.abs(samples) > 0.5)
    assert len(loud), "the click is gone"
    return first_s + float(loud[0]) / 48000


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as clip:
        return [bytes(packet) for packet in clip.demux(audio=0) if packet.size]


@pytest.mark.parametrize(
    ("source", "container", "outcome"),
    [
        ("clip.mp4 aac", "mp4", "copied aac"),
        ("clip.mp4 aac", "mov", "copied aac"),
        ("clip.mp4 aac", "matroska", "copied aac"),
        ("clip.mp4 aac", "webm", "encoded opus"),
        ("clip.ts aac", "mp4", "copied aac"),  # packets with heads of their own, which mp4 does not have
        ("clip.mkv aac", "mp4", "copied aac"),
        ("clip.avi libmp3lame", "mp4", "copied mp3"),
        ("clip.avi pcm_s16le", "mp4", "encoded aac"),
        ("clip.avi pcm_s16le", "matroska", "copied pcm_s16le"),
        ("clip.mkv libopus", "mp4", "copied opus"),
        ("clip.mkv libopus", "webm", "copied opus"),
        ("clip.mkv flac", "mov", "encoded aac"),
    ],
)
def test_copied_where_the_container_can_hold_it_and_in_time(
    tmp_path: Path, clip, source: str, container: str, outcome: str
) -> None:
    name, kind = source.split()
    original = clip(name, kind=kind)
    way = export(tmp_path / "out", original, container).way
    codec, samples, _ = listen(tmp_path / "out")
    assert f"{way} {codec}" == outcome
    assert click_s(tmp_path / "out") == pytest.approx(click_s(original), abs=0.003)
    assert len(samples) / 48000 == pytest.approx(1.6, abs=2.5 * AAC_FRAME_S)
    with av.open(str(tmp_path / "out")) as done:
        assert next(done.decode(video=0)).time == pytest.approx(0, abs=0.001)


def test_what_is_copied_is_copied_to_the_byte(tmp_path: Path, clip) -> None:
    source = clip()
    export(tmp_path / "out", source, "mp4")
    assert packets(tmp_path / "out") == packets(source)


@pytest.mark.parametrize("container", ["mp4", "matroska", "webm"])
def test_a_stretch_takes_its_own_sound_along(tmp_path: Path, clip, container: str) -> None:
    source = clip(click_s=0.9)
    export(tmp_path / "out", source, container, start_s=0.52, seconds=0.8)
    assert click_s(tmp_path / "out") == pytest.approx(0.9 - 0.52, abs=0.004)
    _, samples, first_s = listen(tmp_path / "out")
    assert -0.001 <= first_s <= AAC_FRAME_S
    assert len(samples) / 48000 == pytest.approx(0.8, abs=2.5 * AAC_FRAME_S)


def test_sound_and_pictures_that_begin_at_different_times(tmp_path: Path) -> None:
    """A stream whose clock begins at 10 s, sound a quarter of a second later than the pictures."""
    source = tmp_path / "late.ts"
    with av.open(str(source), "w") as out:
        video = out.add_stream("mpeg2video", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio = out.add_stream("aac", rate=48000, layout="mono")
        heard = av.AudioFrame.from_ndarray(S["tone"](1.0, click_s=0.3)[None], format="fltp", layout="mono")
        heard.sample_rate, heard.pts, heard.time_base = 48000, round(10.25 * 48000), Fraction(1, 48000)
        out.start_encoding()
        for index in range(30):
            frame = av.VideoFrame.from_ndarray(CARD, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = 250 + index, Fraction(1, 25)
            out.mux(video.encode(frame))
        out.mux(audio.encode(heard))
        out.mux(audio.encode(None))
        out.mux(video.encode(None))
    export(tmp_path / "out.mp4", source, "mp4", seconds=1.2)
    assert click_s(tmp_path / "out.mp4") == pytest.approx(0.55, abs=0.004)


@pytest.mark.parametrize(("channels", "layout"), [(1, 1), (2, 2), (6, 2)])
def test_sound_that_is_encoded_anew_is_mono_or_stereo(tmp_path: Path, clip, channels: int, layout: int) -> None:
    source = clip("clip.avi", kind="pcm_s16le", channels=channels)
    export(tmp_path / "out.mp4", source, "mp4")
    with av.open(str(tmp_path / "out.mp4")) as done:
        assert done.streams.audio[0].channels == layout


def test_a_clip_without_sound(tmp_path: Path) -> None:
    source = S["write_clip"](tmp_path / "mute.mp4", 12)
    assert export(tmp_path / "out.mp4", source, "mp4", seconds=0.4).way == "none"
    with av.open(str(tmp_path / "out.mp4")) as done:
        assert [stream.type for stream in done.streams] == ["video"]


@pytest.mark.parametrize("ending", ["ts", "mkv"])
def test_damaged_and_cut_sound_does_not_spoil_the_pictures(tmp_path: Path, clip, ending: str) -> None:
    for harm in (S["damage"], S["cut"]):
        source = harm(clip(f"{harm.__name__}.{ending}"))
        for container in ("mp4", "webm"):
            export(tmp_path / "out", source, container)
            with av.open(str(tmp_path / "out")) as done:
                assert len(list(done.decode(video=0))) == 40


def test_only_as_much_is_read_as_is_needed(tmp_path: Path, clip) -> None:
    sound = Sound(clip())
    with av.open(str(tmp_path / "out.mp4"), "w") as out:  # nothing is written: there is no file
        sound.join(out)
        early = [float(packet.pts * packet.time_base) for packet in sound.packets(0.5)]
        assert max(early) < 0.5 <= max(early) + AAC_FRAME_S
        assert list(sound.packets(0.5)) == []
        later = [float(packet.pts * packet.time_base) for packet in sound.packets(0.7)]
        assert min(later) == pytest.approx(max(early) + AAC_FRAME_S)
    sound.close()
    sound.close()
    assert list(sound.packets(9)) == []
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize("content", [b"", b"not a clip"])
def test_what_is_no_clip(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"x\.mp4"):
        Sound(path)
    with pytest.raises(InputError, match="does not exist"):
        Sound(tmp_path / "none.mp4")
