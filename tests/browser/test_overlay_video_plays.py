"""Overlay videos play in Chromium: size, length, the right picture at every moment, sound; no network, no server.

Needs the package playwright and a Chromium: `chromium` on the path, or HOLOPOSE_CHROMIUM with its path.
"""

from __future__ import annotations

import base64
import os
import runpy
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from holopose.io.sinks.overlay_video import OverlayVideoSink
from holopose.io.sinks.threaded import ThreadedSink
from holopose.io.sources.video import VideoSource
from holopose.skeletons import COCO17
from holopose.types import Frame, Poses

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
S: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[1] / "clip_samples.py"))
SIZE_WH = (160, 120)
COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (255, 190, 0), (37, 99, 201)]

LOAD = """async ([data, type]) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const video = document.createElement("video");
    document.body.replaceChildren(video);
    video.src = URL.createObjectURL(new Blob([bytes], {type}));
    await new Promise((done, failed) => {
        video.onloadeddata = done;
        video.onerror = () => failed(new Error(video.error.message));
    });
    return [video.videoWidth, video.videoHeight, video.duration];
}"""
LOOK = """async ([time_s, points]) => {
    const video = document.querySelector("video");
    const drawn = new Promise((done) => video.requestVideoFrameCallback((_, about) => done(about.mediaTime)));
    await new Promise((done) => { video.onseeked = done; video.currentTime = time_s; });
    const shown_s = await drawn;
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    const pen = canvas.getContext("2d");
    pen.drawImage(video, 0, 0);
    return [shown_s, points.map(([x, y]) => Array.from(pen.getImageData(x, y, 1, 1).data).slice(0, 3))];
}"""
PLAY = """async () => {
    const video = document.querySelector("video");
    video.currentTime = 0;
    const times = [];
    video.ontimeupdate = () => times.push(video.currentTime);
    await new Promise((done) => { video.onended = done; video.play(); });
    const tracks = video.captureStream().getAudioTracks().length;
    return [times, tracks, video.webkitAudioDecodedByteCount, video.webkitDecodedFrameCount];
}"""


class Plain:
    """Paints the frame as it is."""

    def paint(self, frame: Frame, poses: Poses) -> np.ndarray:
        return frame.image


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    """An empty page of a browser that cannot reach anything."""
    program = os.environ.get("HOLOPOSE_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no Chromium: install it (Debian: apt-get install chromium) or set HOLOPOSE_CHROMIUM to its path")
    quiet = ["--autoplay-policy=no-user-gesture-required", "--no-sandbox", "--disable-gpu", "--mute-audio"]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=quiet)
        context = browser.new_context(offline=True)
        yield context.new_page()
        context.close()
        browser.close()


@pytest.fixture
def load(page: Any) -> Callable[[Path], tuple[int, int, float]]:
    """Show a video file: its width, height and seconds as the browser sees them."""

    def show(path: Path) -> tuple[int, int, float]:
        kind = {".webm": "video/webm", ".mp4": "video/mp4"}[path.suffix]
        return tuple(page.evaluate(LOAD, [base64.b64encode(path.read_bytes()).decode(), kind]))

    return show


def write(path: Path, frames: Any, **options: Any) -> Path:
    sink = ThreadedSink(OverlayVideoSink(path, Plain(), **options))
    for frame in frames:
        sink.write(frame, Poses.empty(COCO17))
    sink.close(ok=True)
    return path


@pytest.mark.parametrize(
    ("name", "encoder"), [("o.mp4", "h264"), ("o.webm", "vp9"), ("o.webm", "av1"), ("o.mp4", "av1")]
)
def test_every_colour_at_its_time(page, load, tmp_path: Path, name: str, encoder: str) -> None:
    times_s = np.cumsum([0, 0.04, 0.2, 0.033, 0.4, 0.04, 0.1]).tolist()
    frames = [
        Frame(np.full((*SIZE_WH[::-1], 3), colour, np.uint8), index=n, time_s=time_s)
        for n, (colour, time_s) in enumerate(zip(COLOURS, times_s, strict=True))
    ]
    path = write(tmp_path / name, frames, encoder=encoder)
    width, height, length_s = load(path)
    assert (width, height) == SIZE_WH
    assert length_s == pytest.approx(times_s[-1] + 0.1, abs=0.002)
    ends_s = [*times_s[1:], times_s[-1] + 0.1]
    for n in (3, 0, 6, 1, 4, 2, 5):  # forwards and backwards
        middle_s = (times_s[n] + ends_s[n]) / 2
        shown_s, [colour] = page.evaluate(LOOK, [middle_s, [[80, 60]]])
        assert shown_s == pytest.approx(times_s[n], abs=0.001)
        # Chromium's own arithmetic is up to 13 off in strong blue; another matrix or range would be 20 and more.
        assert np.abs(np.subtract(colour, COLOURS[n])).max() <= 14, f"frame {n}: {colour}"


def test_a_phone_clip_plays_upright_in_time_with_sound(page, load, tmp_path: Path) -> None:
    clip, times_s = S["write_phone_clip"](tmp_path / "phone.mp4", 30)
    source = VideoSource(clip)
    path = write(tmp_path / "o.mp4", source, audio_from=clip, inputs=[clip])
    assert source.end_info["decoded"] == 30
    width, height, length_s = load(path)
    assert (width, height) == (48, 64)
    assert length_s == pytest.approx(times_s[-1] + times_s[-1] - times_s[-2], abs=0.022)
    times, tracks, heard, seen = page.evaluate(PLAY)
    assert times == sorted(times)
    assert times[-1] == pytest.approx(length_s, abs=0.03)
    assert tracks == 1
    assert heard > 2000
    assert seen >= 30  # the first once more, when it was shown before playing
    corners = [[3, 3], [44, 3], [3, 60]]
    for n in (0, 29, 11, 14, 8):
        shown_s, colours = page.evaluate(LOOK, [times_s[n] + 0.008, [*corners, [2 * n % 40 + 4, 32]]])
        assert shown_s == pytest.approx(times_s[n], abs=0.0001)
        assert np.abs(np.subtract(colours[:3], list(S["CORNERS"].values()))).max() <= 25
        assert min(colours[3]) > 180  # the square that moves


def test_odd_sizes_play_too(page, load, tmp_path: Path) -> None:
    frames = [Frame(np.full((99, 161, 3), 128, np.uint8), index=n, time_s=n / 25) for n in range(5)]
    width, height, _ = load(write(tmp_path / "o.mp4", frames))
    assert (width, height) == (162, 100)
    _, [colour] = page.evaluate(LOOK, [0.1, [[161, 99]]])
    assert np.abs(np.subtract(colour, 128)).max() <= 3


def test_sound_encoded_anew_is_heard(page, load, tmp_path: Path) -> None:
    clip, _ = S["write_phone_clip"](tmp_path / "phone.mp4", 30)
    load(write(tmp_path / "o.webm", VideoSource(clip), audio_from=clip))
    _, tracks, heard, _ = page.evaluate(PLAY)
    assert tracks == 1
    assert heard > 2000
