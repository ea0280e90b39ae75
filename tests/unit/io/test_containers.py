from __future__ import annotations

import io
import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from holopose.errors import InputError
from holopose.io import containers
from holopose.io.containers import FORMATS, ClipFile, name_clip, open_container, pick_pictures

S: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "clip_samples.py"))

PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:9.9,\n{good}\n#EXT-X-ENDLIST\n"
LISTS = {
    "HLS": PLAYLIST,
    "HLS of the network": PLAYLIST.replace("{good}", "http://127.0.0.1:9/a.ts"),
    "concat": "ffconcat version 1.0\nfile '{good}'\n",
    "SDP": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "DASH": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
    '<Representation id="0"><BaseURL>{good}</BaseURL></Representation></AdaptationSet></Period></MPD>',
}


class Pipe(io.RawIOBase):
    """Bytes that come once, a few at a time."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        data = self._data.read(min(len(into), 1000))
        into[: len(data)] = data
        return len(data)


def pictures(source: Any, name: str = "clip") -> int:
    """How many pictures there are in a clip, read the careful way."""
    file = ClipFile(source, name=name)
    try:
        with open_container(file, name=name) as container:
            return sum(1 for _ in container.decode(pick_pictures(container, file, name=name)))
    finally:
        file.close()


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path: Path = S["write_clip"](tmp_path / "good.mp4")
    return path


def test_paths_and_opened_files(good: Path) -> None:
    assert pictures(good) == pictures(str(good)) == 12
    assert pictures(io.BytesIO(good.read_bytes())) == 12
    with good.open("rb") as file:
        assert pictures(file) == 12
        assert not file.closed  # the caller's
    stream = good.with_name("stream.ts")
    S["write_clip"](stream)
    assert pictures(Pipe(stream.read_bytes())) == 12


def test_names() -> None:
    assert name_clip(Path("a") / "b.mp4") == str(Path("a") / "b.mp4")
    assert name_clip(Pipe(b"")) == "<Pipe>"
    assert name_clip(sys.__stdin__ and sys.__stdin__.buffer) == "<stdin>"


def test_a_path_is_closed_again(good: Path) -> None:
    file = ClipFile(good, name="good")
    file.close()
    file.close()
    assert file.seek(0) < 0
    assert file.read(10) == b""
    assert isinstance(file.error, ValueError)


@pytest.mark.parametrize("suffix", [".mp4", ".m3u8", ".ffconcat", ".sdp", ".mpd"])
@pytest.mark.parametrize("kind", LISTS)
def test_lists_of_other_files_are_refused_whatever_their_name(good: Path, kind: str, suffix: str) -> None:
    path = good.with_name(f"list{suffix}")
    path.write_text(LISTS[kind].replace("{good}", good.name), encoding="utf-8")
    with pytest.raises(InputError, match=r"^clip: is (a playlist|no clip)"):
        pictures(path)
    with pytest.raises(InputError, match=r"^clip: is (a playlist|no clip)"):
        pictures(io.BytesIO(path.read_bytes()))


@pytest.mark.parametrize("kind", ["concat", "HLS"])
def test_no_other_file_would_be_opened_even_if_lists_were_read(
    good: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with av.open(str(good.with_name("list.m3u8")), "w", format="hls") as out:  # FFmpeg knows these formats
        assert out.format.name == "hls"
    monkeypatch.setattr(containers, "FORMATS", (*FORMATS, "concat", "hls"))
    path = good.with_name("list.m3u8")
    path.write_text(LISTS[kind].replace("{good}", good.name), encoding="utf-8")
    with pytest.raises(InputError):
        pictures(path)


def test_a_link_inside_an_mp4_is_not_followed(good: Path) -> None:
    """A MOV file may keep its pictures in another file, named in its `dref`."""
    data = good.read_bytes()
    place = data.index(b"url ") - 4
    alias = b"\x00\x00\x00\x0calis\x00\x00\x00\x00"  # not self-contained: flag 1 is missing
    assert data[place : place + 12] == b"\x00\x00\x00\x0curl \x00\x00\x00\x01"
    linked = good.with_name("linked.mov")
    linked.write_bytes(data.replace(data[place : place + 12], alias))
    assert pictures(linked) == 12  # its own bytes: the link is not looked at


def test_the_formats_are_ffmpegs() -> None:
    known = {part for name in av.formats_available for part in name.split(",")}
    assert set(FORMATS) <= known
    assert not {"hls", "concat", "dash", "image2", "sdp", "rtsp", "lavfi", "tee"} & set(FORMATS)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: path.touch(), "is empty"),
        (lambda path: path.write_bytes(np.random.default_rng(0).bytes(9000)), "is no clip that can be read"),
        (lambda path: path.write_text("hello " * 1000), "is no clip that can be read"),
        (lambda path: path.write_bytes(cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1]), "a picture or another"),
        (lambda path: S["cut"](S["write_clip"](path)), "was cut off or is still being written"),
    ],
)  # fmt: skip
def test_files_that_are_no_clips(tmp_path: Path, make: Callable[[Path], object], message: str) -> None:
    path = tmp_path / "a\nb.mp4"
    make(path)
    with pytest.raises(InputError, match=message) as caught:
        pictures(path, str(path))
    assert str(caught.value).startswith(f"{tmp_path}/a\\nb.mp4: ".replace("\\n", r"\n"))
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such files here")
def test_pipes_by_name_and_addresses(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="not an ordinary file"):
        pictures(tmp_path / "pipe")
    with pytest.raises(InputError, match="does not exist; only files of this machine"):
        pictures("http://127.0.0.1:9/a.mp4", "http://127.0.0.1:9/a.mp4")
    with pytest.raises(InputError, match="cannot be read"):
        pictures("a\0b.mp4")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="everything is allowed to this user")
def test_files_that_may_not_be_read(good: Path) -> None:
    good.chmod(0)
    with pytest.raises(InputError, match="cannot be read: Permission denied"):
        pictures(good)


def test_what_is_no_binary_file(good: Path) -> None:
    with pytest.raises(InputError, match="expected a file opened in binary mode, got one of text"):
        pictures(io.StringIO("hello"))
    with pytest.raises(InputError, match=r"expected the path of a clip or a file opened in binary mode, got int"):
        pictures(7)


def test_an_mp4_as_a_stream_needs_its_index_in_front(good: Path) -> None:
    with pytest.raises(InputError, match="has it at its end; give the file itself, or write it with faststart"):
        pictures(Pipe(S["cut"](good).read_bytes()))


def test_reading_that_fails_says_why(good: Path) -> None:
    class Broken(Pipe):
        def readinto(self, into: Any) -> int:
            raise OSError(5, "Input/output error")

    with pytest.raises(InputError, match="clip: cannot be read: Input/output error"):
        pictures(Broken(b""))


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_interruptions_pass_through_ffmpeg(kind: type[BaseException]) -> None:
    class Interrupted(Pipe):
        def readinto(self, into: Any) -> int:
            raise kind

    with pytest.raises(kind):
        pictures(Interrupted(b""))


def test_sound_without_pictures(tmp_path: Path) -> None:
    path = tmp_path / "sound.m4a"
    with av.open(str(path), "w", format="mp4") as out:
        track = out.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(S["tone"](0.2)[None], format="fltp", layout="mono")
        frame.sample_rate = 48000
        out.mux(track.encode(frame))
        out.mux(track.encode(None))
    with pytest.raises(InputError, match="clip: has sound but no moving pictures"):
        pictures(path)


def test_the_cover_of_a_song_is_no_clip(tmp_path: Path) -> None:
    path = tmp_path / "song.m4a"
    with av.open(str(path), "w", format="mp4") as out:
        track = out.add_stream("aac", rate=48000, layout="mono")
        cover = out.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = 1024  # attached_pic
        out.mux(cover.encode(av.VideoFrame.from_ndarray(S["card"](), format="rgb24").reformat(format="yuvj420p")))
        frame = av.AudioFrame.from_ndarray(S["tone"](0.2)[None], format="fltp", layout="mono")
        frame.sample_rate = 48000
        out.mux(track.encode(frame))
        out.mux(track.encode(None))
        out.mux(cover.encode(None))
    with av.open(str(path)) as clip:
        assert [bool(stream.disposition & 1024) for stream in clip.streams.video] == [True]
    with pytest.raises(InputError, match="has sound but no moving pictures"):
        pictures(path)


def test_foreign_words_in_the_description(good: Path) -> None:
    """Titles that are not UTF-8 do not keep anyone from the pictures."""
    path = good.with_name("title.mkv")
    with av.open(str(good)) as read, av.open(str(path), "w") as out:
        stream = out.add_stream_from_template(read.streams.video[0])
        out.metadata["title"] = "XXXX"
        for packet in read.demux(video=0):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    data = path.read_bytes()
    assert b"XXXX" in data
    path.write_bytes(data.replace(b"XXXX", b"\xff\xfe\x80X"))
    assert pictures(path) == 12


def test_decoders_have_a_limit_too(good: Path) -> None:
    """A header that lies about the size does not get memory for the size that the pictures turn out to have."""
    file = ClipFile(good, name="good")
    with open_container(file, name="good", max_pixels=1000) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        for packet in packets[:3]:
            with pytest.raises(av.FFmpegError):
                packet.decode()
    file.close()


@pytest.mark.parametrize("as_stream", [False, True])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        *(
            ("a.mp4", {"sound": S["tone"](0.4)}),
            ("a.mkv", {}),
            ("a.wmv", {"codec": "wmv2"}),
            ("a.ts", {}),
            ("a.flv", {}),
        ),
        *(("a.avi", {"codec": "mpeg4"}), ("a.gif", {"codec": "gif"}), ("a.webm", {"codec": "libvpx-vp9"})),
    ],
)
def test_whatever_is_wrong_ends_in_pictures_or_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str, options: dict[str, Any], as_stream: bool
) -> None:
    whole = S["write_clip"](tmp_path / name, 8, **options).read_bytes()
    ends = {"pictures": 0, "one line": 0}
    for seed in range(40):
        random, data = np.random.default_rng(seed), bytearray(whole)
        for place in random.integers(0, len(data) - 60, random.integers(1, 6)):
            if seed % 2:
                data[place : place + 4] = random.bytes(4)
            else:
                del data[place : place + int(random.integers(1, 50))]
        try:
            pictures(Pipe(bytes(data)) if as_stream else io.BytesIO(data))
        except InputError as error:
            ends["one line"] += str(error).count("\n") == 0
        except av.FFmpegError:  # of a packet: a reader counts it and goes on
            ends["pictures"] += 1
        else:
            ends["pictures"] += 1
    assert ends["pictures"] > 0
    assert sum(ends.values()) == 40
    assert capfd.readouterr() == ("", "")


def test_nothing_is_printed(good: Path) -> None:
    S["damage"](good, 0.1, 0.5)
    code = (
        "import sys\nfrom holopose.io.sources.video import VideoSource\nfrom holopose.errors import InputError\n"
        "for path in sys.argv[1:]:\n    try:\n        print(len(list(VideoSource(path))))\n"
        "    except InputError as error:\n        print(error)\n"
    )
    cut = S["cut"](S["write_clip"](good.with_name("cut.mp4")))
    ran = subprocess.run(
        [sys.executable, "-c", code, good, cut], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stderr == ""
    assert len(ran.stdout.splitlines()) == 2
