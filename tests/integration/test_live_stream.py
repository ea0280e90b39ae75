"""A network camera on this machine's own address: lossless files, the newest of live pictures, and what reconnects."""

from __future__ import annotations

import runpy
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from holopose.io.sources.live import LiveSource

R: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[1] / "rtsp_server.py"))
T: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[1] / "stream_server.py"))


def test_a_clip_on_a_web_server_is_read_whole() -> None:
    data = T["clip"]("mpegts", "libx264", frames=40, rate=10)
    with (
        T["serve"]({"/clip.ts": T["send_file"](data)}) as host,
        closing(LiveSource(f"http://{host}/clip.ts")) as source,
    ):
        assert source.info["width"] == 64
        frames = list(source)
        assert [frame.index for frame in frames] == list(range(40))
        assert [round(float(frame.image.mean()) / 5) for frame in frames] == list(range(40))
        assert [round((frame.time_s or 0) * 10) for frame in frames] == list(range(40))
        assert source.end_info["dropped"] == 0
        assert source.end_info["reconnects"] == 0


def test_a_camera_that_is_switched_off_and_on() -> None:
    """The reader is slower than the camera, and the camera breaks off after each 20 pictures."""
    over = threading.Event()
    sent: list[int] = []

    def pictures() -> Iterator[bytes]:
        for _ in range(20):
            if over.wait(0.005):
                return
            sent.append(len(sent) % 50)
            yield T["jpeg"](5 * sent[-1])

    told: list[str] = []
    with T["serve"]({"/live": T["send_jpegs"](pictures)}) as host:
        address = f"http://viewer:secret@{host}/live"
        source = LiveSource(address, retry_s=(0.01, 0.05), on_message=told.append)
        with closing(source):
            seen = []
            for frame in source:
                seen.append((frame.index, frame.time_s))
                assert source.latency_s is not None
                if len(seen) % 5 == 0:
                    time.sleep(0.05)
                if frame.index >= 50:
                    source.stop()
            ended = source.end_info
        over.set()
    assert seen == sorted(seen)
    assert len({index for index, _ in seen}) == len(seen)
    assert ended["reconnects"] >= 2
    assert 0 < ended["dropped"] <= ended["captured"] - len(seen)
    assert len(sent) >= ended["captured"] >= 51
    assert any("trying again in 0.01 s" in line for line in told)
    assert all(line.startswith(f"http://{host}/live: ") for line in told)
    assert "secret" not in "".join((*told, *map(str, source.info.values())))


def test_an_rtsp_camera_whose_clock_begins_anew() -> None:
    """Each connection plays one second and breaks off; time goes on, and numbers are never given twice."""
    seen = []
    with (
        R["serve_rtsp"]([5 * k for k in range(25)], every_s=0.002, start=2**32 - 90_000) as host,
        closing(LiveSource(f"rtsp://{host}/live", retry_s=(0.01, 0.05))) as source,
    ):
        for frame in source:
            seen.append((frame.index, frame.time_s))
            if frame.index >= 60:
                source.stop()
        ended = source.end_info
    assert ended["reconnects"] == 2
    assert ended["captured"] >= 61
    assert seen == sorted(seen)
    assert len({index for index, _ in seen}) == len(seen)
