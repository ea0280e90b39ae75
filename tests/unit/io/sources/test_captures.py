from __future__ import annotations

import runpy
import struct
import threading
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from holopose.errors import InputError
from holopose.io.sources.captures import Shot, StreamCapture, WebcamCapture, _Lateness

R: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[3] / "rtsp_server.py"))
T: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[3] / "stream_server.py"))
TS = T["clip"]("mpegts", "libx264", options={"g": "10", "bf": "2"})


def shots(capture: StreamCapture) -> tuple[list[Shot], str]:
    """All of them, and what ended them: nothing, or an error."""
    taken = []
    try:
        while (shot := capture.grab()) is not None:
            taken.append(shot)
    except InputError as error:
        return taken, str(error)
    return taken, ""


def level(shot: Shot) -> int:
    image = shot.picture()
    assert image.shape == (48, 64, 3)
    assert image.dtype == np.uint8
    return round(float(image.mean()) / 5)


# Streams -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("format", "codec"), [("mpegts", "libx264"), ("mp4", "libx264"), ("matroska", "libx264")])
def test_a_file_on_a_web_server(format: str, codec: str) -> None:
    data = T["clip"](format, codec)
    with T["serve"]({"/clip": T["send_file"](data)}) as host, closing(StreamCapture(f"http://{host}/clip")) as capture:
        assert capture.finite
        assert capture.waits
        assert (capture.facts["width"], capture.facts["height"], capture.facts["rate"]) == (64, 48, 25.0)
        taken, error = shots(capture)
        assert error == ""
        assert [level(shot) for shot in taken] == list(range(30))
        first = taken[0].pts_s
        assert first is not None
        assert [(shot.pts_s or 0) - first for shot in taken] == pytest.approx([k / 25 for k in range(30)])


def test_an_index_at_the_end_from_a_server_without_ranges() -> None:
    data = T["clip"]("mp4", "libx264")
    at = data.index(b"moov") - 4
    assert data.index(b"mdat") < at
    apart = data[:at] + struct.pack(">I4s", 4 << 20, b"free") + bytes((4 << 20) - 8) + data[at:]
    with T["serve"]({"/clip": T["send_file"](apart)}) as host, closing(StreamCapture(f"http://{host}/clip")) as capture:
        taken, error = shots(capture)
        assert taken == []
        assert error.startswith(f"http://{host}/clip: is an MP4 or MOV file with its index at its end")


def test_motion_jpeg() -> None:
    def pictures() -> Iterator[bytes]:
        yield from (T["jpeg"](5 * k) for k in range(6))

    with T["serve"]({"/live": T["send_jpegs"](pictures)}) as host:
        capture = StreamCapture(f"http://{host}/live")
        assert not capture.finite
        assert not capture.waits
        assert capture.facts["rate"] is None
        taken, error = shots(capture)
        assert "connection was lost" in error
        assert [level(shot) for shot in taken] == list(range(6))
        assert all(shot.pts_s is None for shot in taken)  # FFmpeg makes up 25 per second
        assert all(a.at_s <= b.at_s for a, b in pairwise(taken))
        capture.close()
        capture.close()


def test_an_rtsp_camera() -> None:
    with R["serve_rtsp"]([5 * k for k in range(30)], every_s=0.001, login="me:secret", hang=True) as host:
        address = f"rtsp://me:secret@{host}/live"
        with closing(StreamCapture(address, timeout_s=1.0)) as capture:
            assert not capture.finite
            assert not capture.waits
            assert capture.facts["codec"] == "h264"
            taken, error = shots(capture)
            assert error == f"rtsp://{host}/live: no answer for 1 s"
            assert [level(shot) for shot in taken] == list(range(30))
            stamps = [shot.pts_s for shot in taken][1:]  # of the first FFmpeg is not sure
            assert None not in stamps
            assert np.diff(np.array(stamps, float)) == pytest.approx(1 / 25, abs=1e-4)
        with pytest.raises(InputError, match=f"^rtsp://{host}/live: wants a user and a password"):
            StreamCapture(address.replace("secret", "other"))


def test_an_hls_playlist(tmp_path: Path) -> None:
    head = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n"
    playlist = f"{head}#EXTINF:1.2,\n1.ts\n#EXT-X-ENDLIST\n".encode()
    outside = tmp_path / "secret.ts"
    outside.write_bytes(TS)
    thief = f"{head}#EXTINF:1.2,\nfile://{outside}\n#EXT-X-ENDLIST\n".encode()
    routes = {
        "/list.m3u8": T["send_file"](playlist, "application/vnd.apple.mpegurl"),
        "/1.ts": T["send_file"](TS),
        "/thief.m3u8": T["send_file"](thief, "application/vnd.apple.mpegurl"),
    }
    with T["serve"](routes) as host:
        with closing(StreamCapture(f"http://{host}/list.m3u8")) as capture:
            assert capture.waits
            assert [level(shot) for shot in shots(capture)[0]] == list(range(30))
        with pytest.raises(InputError, match=f"^http://{host}/thief.m3u8: "):
            StreamCapture(f"http://{host}/thief.m3u8")


def test_what_cannot_be_read(capfd: pytest.CaptureFixture[str]) -> None:
    hanging = threading.Event()
    routes = {
        "/401": T["send_status"](401),
        "/403": T["send_status"](403),
        "/500": T["send_status"](500),
        "/page": T["send_file"](b"<html>" + b"x" * 5000, "text/html"),
        "/sound": T["send_file"](T["sound"]()),
        "/hang": lambda handler: hanging.wait(5),
        "/large": T["send_file"](TS),
    }
    expected = {
        "/401": "wants a user and a password",
        "/403": "wants a user and a password",
        "/404": "has nothing at this address",
        "/500": "cannot be reached, or the connection was lost",
        "/page": "is no stream that can be read",
        "/sound": "has sound but no moving pictures",
        "/hang": "no answer for 0.2 s",
        "/large": "64 x 48 pixels are more than max_megapixels",
    }
    with T["serve"](routes) as host:
        for path, problem in expected.items():
            with pytest.raises(InputError) as caught:
                StreamCapture(
                    f"http://me:secret@{host}{path}?key=secret",
                    timeout_s=0.2 if path == "/hang" else 10.0,
                    max_megapixels=1e-3 if path == "/large" else 100.0,
                )
            assert str(caught.value).startswith(f"http://{host}{path}: ")
            assert problem in str(caught.value)
            assert "secret" not in str(caught.value)
        hanging.set()
    with pytest.raises(InputError, match="the host refuses the connection"):
        StreamCapture(f"http://{host}/gone")
    with pytest.raises(InputError, match="the host refuses the connection"):
        StreamCapture(f"rtsp://me:secret@{host}/gone")
    with pytest.raises(InputError, match="is no stream that can be read"):
        StreamCapture("nothing://x/y")
    assert capfd.readouterr() == ("", "")


def test_local_files_are_no_streams(tmp_path: Path) -> None:
    (tmp_path / "a.ts").write_bytes(TS)
    for address in (str(tmp_path / "a.ts"), f"file://{tmp_path / 'a.ts'}", f"concat:{tmp_path / 'a.ts'}"):
        with pytest.raises(InputError):
            StreamCapture(address)


def test_a_file_that_breaks_off() -> None:
    data = T["clip"]("mpegts", "mpeg2video", frames=50)
    with T["serve"]({"/clip": T["send_file"](data, only=len(data) // 2)}) as host:
        capture = StreamCapture(f"http://{host}/clip")
        taken, error = shots(capture)
        assert "connection was lost" in error
        assert 15 < len(taken) < 35
        capture.close()


# Falling behind ------------------------------------------------------------------------------------------------------


class Late:
    """A stream of 10 frames per second with a key frame each second, and a clock."""

    def __init__(self) -> None:
        self.lateness = _Lateness(2.0)
        self.frame = 0

    def feed(self, count: int, start_s: float, step_s: float) -> list[int]:
        """Numbers of the frames that are decoded, of `count` that arrive each `step_s`."""
        decoded = []
        for k in range(count):
            packet: Any = SimpleNamespace(dts=self.frame * 9000, pts=None, is_keyframe=self.frame % 10 == 0)
            if not self.lateness.passes_over(packet, Fraction(1, 90_000), start_s + k * step_s):
                decoded.append(self.frame)
            self.frame += 1
        return decoded


def test_in_time_nothing_is_passed_over() -> None:
    stream = Late()
    assert len(stream.feed(300, 0.0, 0.1)) == 300
    assert len(stream.feed(300, 29.5, 0.1)) == 300  # half a second late
    assert len(stream.feed(100, 60.0, 0.01)) == 100  # a burst that catches up


def test_a_late_stream_catches_up_at_a_key_frame() -> None:
    stream = Late()
    stream.feed(25, 0.0, 0.1)
    decoded = stream.feed(100, 2.5 + 5.0, 0.01)  # nothing for 5 s, then quickly all that has piled up
    assert decoded[0] == 30  # key frames are shown meanwhile
    assert decoded[:3] == [30, 40, 50]
    resumed = next(k for k, frame in enumerate(decoded) if frame + 1 in decoded)
    assert decoded[resumed] % 10 == 0
    assert decoded[resumed:] == list(range(decoded[resumed], 125))
    assert decoded[resumed] < 90


def test_decoding_that_is_too_slow_keeps_the_lateness_bounded() -> None:
    stream = Late()
    decoded = stream.feed(2000, 0.0, 0.12)
    assert 100 < len(decoded) < 2000
    assert set(range(0, 2000, 10)) <= set(decoded)


def test_clocks_that_drift_or_leap_are_no_lateness() -> None:
    stream = Late()
    assert len(stream.feed(100_000, 0.0, 0.1 * 1.0005)) == 100_000  # 5 s in ten thousand
    for leap in (1_000_000, -2_000_000, 0):
        stream.frame += leap
        assert len(stream.feed(50, 100_000 * 0.10005, 0.1)) == 50


# Webcams -------------------------------------------------------------------------------------------------------------


class Device:
    """Stands in for cv2.VideoCapture: three pictures, then unplugged."""

    def __init__(self, number: int) -> None:
        self.number, self.left, self.released = number, 3, False
        self.sizes = {cv2.CAP_PROP_FRAME_WIDTH: 64.0, cv2.CAP_PROP_FRAME_HEIGHT: 48.0, cv2.CAP_PROP_FPS: 0.0}

    def isOpened(self) -> bool:
        return True

    def get(self, kind: int) -> float:
        return self.sizes[kind]

    def set(self, kind: int, value: float) -> bool:
        return kind == cv2.CAP_PROP_BUFFERSIZE and value == 1

    def grab(self) -> bool:
        self.left -= 1
        return self.left >= 0

    def retrieve(self) -> tuple[bool, Any]:
        return True, np.tile(np.array([255, 128, self.left], np.uint8), (48, 64, 1))

    def release(self) -> None:
        self.released = True


def test_a_webcam(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Device] = []
    monkeypatch.setattr(cv2, "VideoCapture", lambda number: made.append(Device(number)) or made[-1])
    ticks = iter(range(100))
    capture = WebcamCapture(1, clock=lambda: float(next(ticks)))
    assert made[0].number == 1
    assert dict(capture.facts) == {"width": 64, "height": 48, "rate": None}
    assert not capture.finite
    assert not capture.waits
    taken = [capture.grab() for _ in range(3)]
    assert [(shot.at_s, shot.pts_s, shot.missed) for shot in taken] == [(0.0, None, 0), (1.0, None, 0), (2.0, None, 0)]
    assert [shot.picture()[0, 0].tolist() for shot in taken] == [[2, 128, 255], [1, 128, 255], [0, 128, 255]]
    with pytest.raises(InputError, match=r"^webcam 1: gives no picture any more; was it unplugged\?$"):
        capture.grab()
    capture.close()
    assert made[0].released


def test_no_webcam(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match=r"^webcam 99: cannot be opened; is it plugged in"):
        WebcamCapture(99)
    assert capfd.readouterr() == ("", "")
