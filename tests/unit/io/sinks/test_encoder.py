"""VideoEncoder: what comes out of the file is what went in, at its times, in its colours."""

from __future__ import annotations

import os
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from holopose.errors import OutputError
from holopose.io.sinks.encoder import CONTAINERS, ENCODERS, VideoEncoder, VideoFormat

COLOURS = np.array(
    [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (255, 190, 0), (37, 99, 201), (128, 128, 128)],
    np.uint8,
)
WAYS = [(container, encoder) for container, encoders in CONTAINERS.values() for encoder in encoders]


def colour_card(size_wh: tuple[int, int] = (128, 64)) -> np.ndarray:
    """Eight upright bars."""
    return np.broadcast_to(np.repeat(COLOURS, size_wh[0] // 8, axis=0), (size_wh[1], size_wh[0], 3)).copy()


def write(path: Path, video: VideoFormat, images: list[np.ndarray], times_s: list[float]) -> None:
    height, width = images[0].shape[:2]
    encoder = VideoEncoder(path, video, (width, height))
    for image, time_s in zip(images, times_s, strict=True):
        encoder.write(image, time_s)
    encoder.close()
    encoder.abort()


def read(path: Path) -> tuple[list[np.ndarray], list[float]]:
    with av.open(str(path)) as clip:
        frames = list(clip.decode(video=0))
        return [frame.to_ndarray(format="rgb24") for frame in frames], [float(frame.time) for frame in frames]


@pytest.mark.parametrize(("container", "encoder"), WAYS)
def test_colours_come_back_and_are_tagged(tmp_path: Path, capfd, container: str, encoder: str) -> None:
    card = colour_card()
    write(tmp_path / "c", VideoFormat(container, encoder), [card] * 4, [0, 0.04, 0.08, 0.12])
    images, _ = read(tmp_path / "c")
    assert len(images) == 4
    middles = images[-1][32, 8::16].astype(int)
    assert np.abs(middles - COLOURS).max() <= 6
    with av.open(str(tmp_path / "c")) as clip:
        context = clip.streams.video[0].codec_context
        assert (context.colorspace, context.color_range) == (1, 1)  # BT.709, limited
        assert (context.color_primaries, context.color_trc) == (1, 1)
        assert context.pix_fmt == "yuv420p"
    assert capfd.readouterr() == ("", "")  # encoders like to talk
    assert "SVT_LOG" not in os.environ


@pytest.mark.parametrize(
    "rate", [Fraction(24000, 1001), 25, Fraction(30000, 1001), 50, Fraction(60000, 1001), 120, Fraction(120000, 1001)]
)
@pytest.mark.parametrize("container", ["mp4", "mov"])
def test_times_of_usual_rates_are_exact(tmp_path: Path, container: str, rate: Fraction) -> None:
    times_s = [float(index / Fraction(rate)) for index in range(9)]
    write(tmp_path / "c", VideoFormat(container, "h264", rate=Fraction(rate)), [colour_card()] * 9, times_s)
    with av.open(str(tmp_path / "c")) as clip:
        stream = clip.streams.video[0]
        assert stream.average_rate == rate
        assert stream.duration * stream.time_base == 9 / Fraction(rate)  # the last picture is shown as long as others
        assert [frame.pts * stream.time_base for frame in clip.decode(stream)] == [n / Fraction(rate) for n in range(9)]


def test_a_variable_rate_stays_variable(tmp_path: Path) -> None:
    times_s = np.cumsum([0, 1 / 30, 1 / 15, 0.0321, 0.5, 0.001, 0.0334, 0.0334]).tolist()
    cards = [np.roll(colour_card(), 16 * n, axis=1) for n in range(8)]
    for container, within in (("mp4", 1e-5), ("matroska", 0.00051)):
        write(tmp_path / container, VideoFormat(container, "h264"), cards, times_s)
        images, got = read(tmp_path / container)
        assert got == pytest.approx(times_s, abs=within)
        for image, card in zip(images, cards, strict=True):
            assert np.abs(image[32, 8::16].astype(int) - card[32, 8::16]).max() <= 10


@pytest.mark.parametrize(("container", "encoder"), WAYS)
def test_the_last_picture_is_shown_as_long_as_the_one_before(tmp_path: Path, container: str, encoder: str) -> None:
    times_s = [0, 0.04, 0.24, 0.28, 0.78, 0.88]
    write(tmp_path / "c", VideoFormat(container, encoder, rate=Fraction(25)), [colour_card()] * 6, times_s)
    with av.open(str(tmp_path / "c")) as clip:
        assert clip.duration / av.time_base == pytest.approx(0.98, abs=0.0011)


def test_times_always_increase(tmp_path: Path) -> None:
    write(tmp_path / "c", VideoFormat("mp4", "h264"), [colour_card()] * 5, [0, 0, 0.04, 0.03, 0.08])
    _, times_s = read(tmp_path / "c")
    assert len(times_s) == 5
    assert (np.diff(times_s) > 0).all()
    assert times_s == pytest.approx([0, 0, 0.04, 0.04, 0.08], abs=1e-5)


@pytest.mark.parametrize("size_wh", [(127, 63), (2, 2), (1, 1), (33, 64), (64, 33), (322, 18)])
def test_odd_sides_grow_by_a_pixel(tmp_path: Path, size_wh: tuple[int, int]) -> None:
    width, height = size_wh
    image = np.zeros((height, width, 3), np.uint8)
    image[...] = np.linspace(60, 200, width).astype(np.uint8)[None, :, None]
    write(tmp_path / "c", VideoFormat("mp4", "h264", quality=95), [image] * 2, [0, 0.04])
    images, _ = read(tmp_path / "c")
    assert images[0].shape == (height + height % 2, width + width % 2, 3)
    assert np.abs(images[0][:height, :width].astype(int) - image).max() <= 8


def test_quality_makes_larger_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, (64, 128, 3), dtype=np.uint8) for _ in range(3)]
    for encoder, container in (("h264", "mp4"), ("vp9", "webm"), ("av1", "webm")):
        sizes = []
        for quality in (10, 75, 100):
            write(tmp_path / "c", VideoFormat(container, encoder, quality=quality), noise, [0, 0.04, 0.08])
            sizes.append((tmp_path / "c").stat().st_size)
        assert sizes == sorted(set(sizes))


def test_the_head_of_an_mp4_comes_first_and_browsers_know_its_profile(tmp_path: Path) -> None:
    write(tmp_path / "c", VideoFormat("mp4", "h264"), [colour_card()] * 3, [0, 0.04, 0.08])
    data = (tmp_path / "c").read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")
    assert data[data.index(b"avcC") + 5] == 100  # High
    with av.open(str(tmp_path / "c")) as clip:
        packets = [packet for packet in clip.demux(video=0) if packet.pts is not None]
        assert [packet.dts for packet in packets] == [packet.pts for packet in packets]  # no B-frames, no edit list
        assert packets[0].pts == 0


def test_key_frames_are_near_enough_to_jump_to(tmp_path: Path) -> None:
    count = 230
    write(tmp_path / "c", VideoFormat("mp4", "h264"), [colour_card()] * count, [n / 25 for n in range(count)])
    with av.open(str(tmp_path / "c")) as clip:
        keys = [n for n, packet in enumerate(clip.demux(video=0)) if packet.is_keyframe]
    assert keys == [0, 100, 200]


def test_what_an_encoder_refuses_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"^cannot be written: [^\n]+$"):
        VideoEncoder(tmp_path / "c", VideoFormat("mp4", "h264"), (40000, 2))


def test_an_encoder_that_is_not_there_names_those_that_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(av, "codecs_available", av.codecs_available - {"libx264"})
    with pytest.raises(OutputError, match="no encoder for h264; choose one of vp9, av1"):
        VideoEncoder(tmp_path / "c", VideoFormat("mp4", "h264"), (64, 48))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
@pytest.mark.parametrize("limit", [1, 4000, 40_000])
def test_a_full_disk(tmp_path: Path, limit: int) -> None:
    """The limit is met when the head is written, by a picture on the way, or when the index is put first."""
    import resource

    rng = np.random.default_rng(0)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(OutputError, match="cannot be written: File too large"):  # noqa: PT012
            encoder = VideoEncoder(tmp_path / "c", VideoFormat("mp4", "h264"), (128, 64))
            try:
                for index in range(20):
                    encoder.write(rng.integers(0, 255, (64, 128, 3), dtype=np.uint8), index / 25)
                encoder.close()
            finally:
                encoder.abort()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_the_usual_encoder_of_each_ending() -> None:
    assert {ending: encoders[0] for ending, (_, encoders) in CONTAINERS.items()} == {
        ".mp4": "h264",
        ".mov": "h264",
        ".mkv": "h264",
        ".webm": "vp9",
    }
    assert all(set(encoders) <= set(ENCODERS) for _, encoders in CONTAINERS.values())
    assert all(one.name in av.codecs_available for one in ENCODERS.values())
