from __future__ import annotations

import io
import os
import runpy
import weakref
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from holopose.errors import ConfigError, InputError
from holopose.io.clips import Clip
from holopose.io.sources.video import VideoSource
from holopose.protocols import Source

S: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[3] / "clip_samples.py"))
PROC = Path("/proc/self")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Twelve frames at 25 a second."""
    path: Path = S["write_clip"](tmp_path / "clip.mp4")
    return path


class Pipe(io.RawIOBase):
    """Bytes that come once, a few at a time; Ctrl-C is pressed where `interrupt` says."""

    def __init__(self, data: bytes, interrupt: int | None = None) -> None:
        self._data = io.BytesIO(data)
        self._interrupt = interrupt

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        if self._interrupt is not None and self._data.tell() >= self._interrupt:
            raise KeyboardInterrupt
        data = self._data.read(min(len(into), 1000))
        into[: len(data)] = data
        return len(data)


# What it says of a clip ----------------------------------------------------------------------------------------------


def test_it_is_a_source(clip: Path) -> None:
    source = VideoSource(clip)
    assert isinstance(source, Source)
    assert dict(source.info) == {
        **{"kind": "video", "name": str(clip), "width": 64, "height": 48, "rotation": 0, "mirrored": False},
        **{"rate": 25.0, "rate_exact": "25", "count": 12, "duration_s": 0.48, "start_s": 0.0},
        **{"codec": "h264", "pixel_format": "yuv420p", "has_audio": False},
    }
    with pytest.raises(TypeError):
        source.info["count"] = 5  # type: ignore[index]
    assert dict(source.end_info) == {}
    source.close()


def test_29_97_stays_29_97(tmp_path: Path) -> None:
    """Others round the rate to whole numbers and get times from it: a tenth of a second wrong after 100 seconds."""
    source = VideoSource(S["write_clip"](tmp_path / "a.mp4", 40, rate=S["NTSC"]))
    assert source.info["rate"] == 30000 / 1001
    assert source.info["rate_exact"] == "30000/1001"
    assert [frame.time_s for frame in source] == [number * 1001 / 30000 for number in range(40)]


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(60000, 1001), Fraction(15, 2), 50, 240])
def test_rates(tmp_path: Path, rate: Fraction | int) -> None:
    source = VideoSource(S["write_clip"](tmp_path / "a.mp4", 10, rate=rate))
    assert source.info["rate_exact"] == str(rate)
    assert [frame.time_s for frame in source] == pytest.approx([float(number / rate) for number in range(10)], abs=1e-9)


def test_where_pictures_begin_beside_their_sound(tmp_path: Path) -> None:
    pts = [9000 + 3600 * number for number in range(20)]
    for name in ("a.mp4", "a.mkv"):
        source = VideoSource(S["write_clip"](tmp_path / name, 20, pts=pts, sound=S["tone"](1.0)))
        assert source.info["start_s"] == pytest.approx(0.1)
        assert source.info["has_audio"]
        assert [frame.time_s for frame in source][:3] == pytest.approx([0.0, 0.04, 0.08])


# Frames --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *(("a.mp4", {}), ("a.mkv", {}), ("a.mov", {"codec": "mpeg4"}), ("a.avi", {"codec": "mjpeg"}), ("a.ts", {})),
        *(("a.webm", {"codec": "libvpx-vp9"}), ("a.gif", {"codec": "gif"}), ("a.apng", {"codec": "apng"})),
        *(("a.mp4", {"options": {"bf": "3", "preset": "fast"}}), ("a.mp4", {"fragments": True})),
        *(("a.mp4", {"sound": S["tone"](1.0)}), ("a.h264", {"container": "h264"})),
        *(("a.mpg", {"codec": "mpeg2video"}), ("a.avi", {"codec": "rawvideo", "pix_fmt": "bgr24"})),
    ],
)
@pytest.mark.parametrize("threads", [0, 3])
def test_no_frame_is_lost(tmp_path: Path, name: str, options: dict[str, Any], threads: int) -> None:
    """As many frames as were written, numbered and in time, whatever the container, the codec and the threads."""
    source = VideoSource(S["write_clip"](tmp_path / name, 37, **options), threads=threads)
    frames = list(source)
    assert [frame.index for frame in frames] == list(range(37))
    assert [frame.time_s for frame in frames] == pytest.approx([number / 25 for number in range(37)], abs=1e-3)
    assert source.end_info["decoded"] == len(frames) == 37
    assert source.end_info["reason"] == ""
    assert source.info["count"] in {37, None}
    for frame in frames:
        white = frame.image[22:26].min(axis=(0, 2)) > 180
        assert abs(np.flatnonzero(white)[0] - 2 * frame.index % 58) <= 1  # it is the picture of its own number
        assert np.abs(frame.image[3, 3] - np.array([220.0, 30, 30])).max() < 35  # GIF has 256 colours
        assert frame.image.flags.c_contiguous
        assert not frame.image.flags.writeable


def test_variable_rates_stay_variable(tmp_path: Path) -> None:
    pts = [0, 3000, 9000, 9300, 20000, 90000, 90090]
    mp4 = VideoSource(S["write_clip"](tmp_path / "a.mp4", len(pts), pts=pts))
    assert [frame.time_s for frame in mp4] == [tick / 90000 for tick in pts]  # to the last bit
    mkv = VideoSource(S["write_clip"](tmp_path / "a.mkv", len(pts), pts=pts))
    assert [frame.time_s for frame in mkv] == [round(tick / 90) / 1000 for tick in pts]  # MKV has milliseconds


def test_a_clip_from_a_phone(tmp_path: Path) -> None:
    path, times = S["write_phone_clip"](tmp_path / "phone.mp4")
    source = VideoSource(path)
    frames = list(source)
    assert [frame.time_s for frame in frames] == times
    assert (source.info["width"], source.info["height"], source.info["rotation"]) == (48, 64, 90)
    assert source.info["has_audio"]
    for frame in frames:
        assert frame.size_wh == (48, 64)
        assert np.abs(frame.image - S["card"](frame.index, (48, 64)).astype(float)).mean() < 6


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_upright(tmp_path: Path, turn: int) -> None:
    path = S["write_clip"](tmp_path / "a.mp4", 4, size_wh=(70, 46), codec="libx264rgb", turn=turn)
    plain, _ = S["read_plainly"](path)
    for frame, stored in zip(VideoSource(path), plain, strict=True):
        assert np.array_equal(frame.image, np.rot90(stored, -turn // 90))


def test_a_real_clip(shared: Path) -> None:
    path = shared / "data" / "video" / "video.avi"
    source = VideoSource(path)
    count = 0
    for frame in source:
        assert frame.time_s == count / 50
        assert frame.size_wh == (1280, 720)
        count += 1
    assert count == source.info["count"] == source.end_info["decoded"] == 205
    assert source.info["rate"] == 50.0


# A part of a clip ----------------------------------------------------------------------------------------------------


def test_from_and_to(clip: Path) -> None:
    def indices(**options: Any) -> list[int]:
        return [frame.index for frame in VideoSource(clip, **options)]

    assert indices(start_s=0.08) == list(range(2, 12))  # inclusive
    assert indices(start_s=0.081) == list(range(3, 12))
    assert indices(end_s=0.08) == [0, 1]  # exclusive
    assert indices(start_s=0.08, end_s=0.2) == [2, 3, 4]
    assert indices(every=5) == [0, 5, 10]
    assert indices(start_s=0.08, every=5) == [2, 7]
    assert indices(start_s=9.0) == []
    assert indices(end_s=9.0) == list(range(12))
    [frame] = VideoSource(clip, start_s=0.2, end_s=0.24)
    assert (frame.index, frame.time_s) == (5, 0.2)
    assert np.array_equal(frame.image, list(VideoSource(clip))[5].image)


def test_reading_stops_at_the_end_asked_for(clip: Path) -> None:
    source = VideoSource(clip, end_s=0.2)
    assert len(list(source)) == source.end_info["decoded"] == 5
    assert source.end_info["reason"] == ""
    source = VideoSource(S["cut"](S["write_clip"](clip.with_name("a.mkv"), 100)), end_s=0.2)
    assert len(list(source)) == 5
    assert not source.end_info["cut_short"]  # nobody looked


def test_frames_left_out_are_not_converted(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    converted = []
    convert = Clip.convert
    monkeypatch.setattr(Clip, "convert", lambda self, picture: converted.append(1) or convert(self, picture))
    source = VideoSource(clip, start_s=0.1, every=4)
    assert len(list(source)) == len(converted) == 3
    assert source.end_info["decoded"] == 12


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start_s": -1}, "start_s: expected seconds, 0 or more, got -1"),
        ({"end_s": float("nan")}, "end_s: expected seconds"),
        ({"start_s": 2, "end_s": 2.0}, r"end_s: expected more than start_s \(2\), got 2"),
        ({"every": 0}, "every: expected 1 or more, got 0"),
        ({"every": 1.5}, "every: expected 1 or more"),
        ({"threads": -1}, "threads: expected 0"),
        ({"max_megapixels": 0}, "max_megapixels: expected a number above 0"),
    ],
)
def test_options(clip: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        VideoSource(clip, **options)


# Files and streams ---------------------------------------------------------------------------------------------------


def test_reading_again(clip: Path) -> None:
    source = VideoSource(clip)
    first = [frame.time_s for frame in source]
    assert [frame.time_s for frame in source] == first
    assert source.end_info["decoded"] == 12
    assert dict(source.info)["count"] == 12
    pairs = zip(source, source, strict=True)  # also at the same time
    assert [(a.index, b.index) for a, b in pairs] == [(number, number) for number in range(12)]


def test_opened_files(clip: Path) -> None:
    data = io.BytesIO(clip.read_bytes())
    source = VideoSource(data, name="upload.mp4")
    assert source.info["name"] == "upload.mp4"
    assert {frame.name for frame in source} == {"upload.mp4"}
    assert len(list(source)) == 12  # it can go back
    source.close()
    assert not data.closed


def test_streams(tmp_path: Path) -> None:
    data = S["write_clip"](tmp_path / "a.mp4", 30, fragments=True).read_bytes()
    source = VideoSource(io.BufferedReader(Pipe(data)))
    assert source.info["width"] == 64
    assert [frame.index for frame in source] == list(range(30))
    with pytest.raises(InputError, match=r"<BufferedReader>: is a stream and was read already"):
        list(source)


def test_the_first_frames_of_a_stream_come_before_its_end(tmp_path: Path) -> None:
    path = S["write_clip"](tmp_path / "a.mkv", 60, codec="rawvideo", size_wh=(320, 240))
    pipe = Pipe(path.read_bytes())
    frames = iter(VideoSource(pipe))
    next(frames)
    assert pipe._data.tell() < path.stat().st_size // 2
    assert sum(1 for _ in frames) == 59


def test_ctrl_c_while_a_stream_is_read(tmp_path: Path) -> None:
    path = S["write_clip"](tmp_path / "a.mkv", 60, codec="rawvideo", size_wh=(320, 240))
    source = VideoSource(Pipe(path.read_bytes(), interrupt=path.stat().st_size * 3 // 4))
    seen: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        seen.extend(frame.index for frame in source)
    assert 0 < len(seen) < 60


def test_what_cannot_be_read_is_said_when_it_is_asked_for(tmp_path: Path) -> None:
    source = VideoSource(tmp_path / "none.mp4")
    with pytest.raises(InputError, match=r"none\.mp4: does not exist"):
        _ = source.info
    with pytest.raises(InputError, match=r"none\.mp4: does not exist"):
        list(source)
    S["write_clip"](tmp_path / "none.mp4")
    assert len(list(source)) == 12  # now it is there


def test_too_many_pixels(clip: Path) -> None:
    with pytest.raises(InputError, match=r"clip\.mp4: 64 x 48 pixels .* max_megapixels \(0.001\)"):
        list(VideoSource(clip, max_megapixels=0.001))


def test_damage_is_told_at_the_end(tmp_path: Path) -> None:
    source = VideoSource(S["damage"](S["write_clip"](tmp_path / "a.mp4", 60)))
    frames = list(source)
    assert len(frames) == source.end_info["decoded"] == 60 - source.end_info["damaged"]
    assert source.end_info["damaged"] > 0
    assert [frame.index for frame in frames] == list(range(len(frames)))
    assert frames[-1].time_s == 59 / 25


# Letting go ----------------------------------------------------------------------------------------------------------


def open_things(path: Path) -> tuple[int, int]:
    """Threads of this process, Python's or not, and how often it holds `path` open."""
    held = [link for link in (PROC / "fd").iterdir() if os.path.lexists(link) and link.resolve() == path.resolve()]
    return len(list((PROC / "task").iterdir())), len(held)


@pytest.mark.skipif(not (PROC / "task").is_dir(), reason="no such list of threads here")
@pytest.mark.parametrize("end", ["exhausted", "break", "close", "error", "only info", "dropped"])
def test_nothing_is_left_behind(clip: Path, end: str) -> None:
    list(VideoSource(clip, threads=3))  # whatever starts once in a process
    before = open_things(clip)
    assert before[1] == 0
    source = VideoSource(clip, threads=3)
    if end == "only info":
        _ = source.info
        assert open_things(clip)[1] == 1
        source.close()
    elif end == "dropped":
        next(iter(source))
        del source
    else:
        for frame in source:
            assert open_things(clip)[0] > before[0]
            if end == "break" and frame.index == 3:
                break
            if end == "close" and frame.index == 3:
                source.close()
                with pytest.raises(InputError, match="closed"):
                    list(source)
                break
            if end == "error" and frame.index == 3:
                source._max_megapixels = 1e-9
                with pytest.raises(InputError):
                    list(source)
                break
    assert open_things(clip) == before


def test_closing_ends_a_reading(clip: Path) -> None:
    source = VideoSource(clip)
    frames = iter(source)
    next(frames)
    source.close()
    source.close()
    with pytest.raises(InputError, match="closed"):
        next(frames)
    assert source.info["count"] == 12


def test_frames_are_not_kept(tmp_path: Path) -> None:
    source = VideoSource(S["write_clip"](tmp_path / "a.mp4", 60))
    pictures: list[Any] = []
    most = 0
    for frame in source:
        pictures.append(weakref.ref(frame.image))
        most = max(most, sum(picture() is not None for picture in pictures))
    assert len(pictures) == 60
    assert most <= 2
