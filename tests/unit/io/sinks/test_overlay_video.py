"""OverlayVideoSink: every frame drawn, at its time, under a name that appears when all went well."""

from __future__ import annotations

import runpy
import sys
import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from holopose.draw.painter import Painter
from holopose.errors import InputError, OutputError
from holopose.io.sinks.overlay_video import OverlayVideoSink
from holopose.io.sinks.threaded import ThreadedSink
from holopose.protocols import Sink
from holopose.skeletons import COCO17
from holopose.types import Boxes, Frame, FrameInfo, Poses

S: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[3] / "clip_samples.py"))
NOBODY = Poses.empty(COCO17)


class Plain:
    """Paints the frame as it is, or of another shape."""

    def __init__(self, image: np.ndarray | None = None) -> None:
        self.image = image

    def paint(self, frame: Frame, poses: Poses) -> np.ndarray:
        return frame.image if self.image is None else self.image


def somebody(left: float, size_wh: tuple[int, int]) -> Poses:
    """One person whose 17 keypoints stand in a grid right of `left`."""
    width, height = size_wh
    xy = np.stack([left + np.arange(17) % 4 * width / 12, height * (0.2 + np.arange(17) // 4 * 0.15)], axis=1)
    return Poses(xy[None], np.full((1, 17), 0.9), Boxes([[0, 0, width, height]], [0.9]), COCO17)


def frames(count: int, size_wh: tuple[int, int] = (64, 48), rate: float = 25) -> list[Frame]:
    return [Frame(S["card"](n, size_wh), index=n, time_s=n / rate, name="clip.mp4") for n in range(count)]


def write(path: Path, painter: Any, shown: list[Frame], poses: Any = lambda frame: NOBODY, **options: Any) -> None:
    sink = OverlayVideoSink(path, painter, **options)
    assert list(path.parent.glob(".holopose*")) == []
    for frame in shown:
        sink.write(frame, poses(frame))
        assert not path.exists()
    sink.close(ok=True)
    sink.close(ok=False)


def read(path: Path) -> tuple[list[np.ndarray], list[float]]:
    with av.open(str(path)) as clip:
        pictures = list(clip.decode(video=0))
        return [one.to_ndarray(format="rgb24") for one in pictures], [float(one.time) for one in pictures]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_it_is_a_sink_that_touches_nothing_before_the_first_frame(tmp_path: Path) -> None:
    sink = OverlayVideoSink(tmp_path / "deep" / "o.mp4", Plain())
    assert isinstance(sink, Sink)
    assert names(tmp_path) == []
    sink.close(ok=True)
    assert names(tmp_path) == []


def test_what_the_painter_draws_is_in_every_frame(tmp_path: Path) -> None:
    painter, shown = Painter(), frames(10, (320, 240))
    write(tmp_path / "o.mp4", painter, shown, lambda frame: somebody(20 + 10 * frame.index, (320, 240)), quality=90)
    images, times_s = read(tmp_path / "o.mp4")
    assert times_s == pytest.approx([n / 25 for n in range(10)])
    for image, frame in zip(images, shown, strict=True):
        drawn = painter.paint(frame, somebody(20 + 10 * frame.index, (320, 240))).astype(int)
        there = np.abs(drawn - frame.image).sum(axis=2) > 90
        assert there.sum() > 500
        off = [np.abs(image[there] - one[there]).mean() for one in (drawn, frame.image.astype(int))]
        assert off[0] < 0.35 * off[1]
    assert names(tmp_path) == ["o.mp4"]


def test_skeletons_on_black(tmp_path: Path) -> None:
    write(tmp_path / "o.mp4", Painter(background="black"), frames(3, (160, 120)), lambda _: somebody(30, (160, 120)))
    images, _ = read(tmp_path / "o.mp4")
    assert (images[1][:, 120:] < 3).all()
    assert images[1][:, 20:100].max() > 150


def test_the_picture_beside_the_drawing(tmp_path: Path) -> None:
    write(tmp_path / "o.mp4", Painter(side_by_side=True), frames(2))
    assert read(tmp_path / "o.mp4")[0][0].shape == (48, 128, 3)


@pytest.mark.parametrize("name", ["o.mp4", "o.webm", "O.MKV", "o.mov"])
def test_every_frame_at_its_time_whatever_the_container(tmp_path: Path, name: str) -> None:
    times_s = np.cumsum([0.4, 1 / 30, 1 / 15, 0.041, 0.3, 0.0334]).tolist()  # as after a cut: the first is not at 0
    shown = [Frame(S["card"](n), index=n + 9, time_s=time_s) for n, time_s in enumerate(times_s)]
    write(tmp_path / name, Plain(), shown)
    images, got = read(tmp_path / name)
    assert got == pytest.approx([time_s - 0.4 for time_s in times_s], abs=0.00051)
    assert np.abs(images[3].astype(int) - shown[3].image).mean() < 3


def test_frames_without_times_follow_the_rate(tmp_path: Path) -> None:
    still = [Frame(S["card"](n), index=n) for n in range(5)]
    write(tmp_path / "o.mp4", Plain(), still, rate=10)
    assert read(tmp_path / "o.mp4")[1] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])


def test_29_97_frames_per_second_do_not_become_30(tmp_path: Path) -> None:
    exact = Fraction(30000, 1001)
    shown = [Frame(S["card"](n), index=n, time_s=float(n / exact)) for n in range(30)]
    write(tmp_path / "o.mp4", Plain(), shown, rate=float(exact))
    with av.open(str(tmp_path / "o.mp4")) as done:
        stream = done.streams.video[0]
        assert stream.average_rate == exact
        assert [frame.pts * stream.time_base for frame in done.decode(stream)] == [n / exact for n in range(30)]


def test_a_phone_clip_comes_back_upright_in_time_with_sound(tmp_path: Path) -> None:
    clip, times_s = S["write_phone_clip"](tmp_path / "phone.mp4", 40)
    stored, _ = S["read_plainly"](clip)
    shown = [Frame(S["upright"](one, 90), index=n, time_s=times_s[n]) for n, one in enumerate(stored)]
    write(tmp_path / "o.mp4", Plain(), shown, audio_from=clip, rate=30, inputs=[clip])
    images, got = read(tmp_path / "o.mp4")
    assert got == pytest.approx(times_s, abs=1e-5)
    assert len(images) == 40
    for n, image in enumerate(images):
        assert np.abs(image.astype(int) - S["card"](n, (48, 64))).mean() < 4
    with av.open(str(tmp_path / "o.mp4")) as done:
        assert "rotation" not in done.streams.video[0].metadata
        assert next(done.decode(video=0)).rotation == 0
    with av.open(str(tmp_path / "o.mp4")) as done, av.open(str(clip)) as phone:
        sound = [[bytes(packet) for packet in one.demux(audio=0) if packet.size] for one in (done, phone)]
        assert sound[0] == sound[1]
        assert len(sound[0]) > 50


def test_sound_of_a_stretch(tmp_path: Path) -> None:
    clip, times_s = S["write_phone_clip"](tmp_path / "phone.mp4", 40)
    shown = [Frame(S["card"](n), index=n, time_s=times_s[n]) for n in range(10, 30)]
    write(tmp_path / "o.mp4", Plain(), shown, audio_from=clip)
    with av.open(str(tmp_path / "o.mp4")) as done:
        length_s = times_s[29] - times_s[10] + times_s[29] - times_s[28]
        for stream in (done.streams.video[0], done.streams.audio[0]):
            assert float(stream.duration * stream.time_base) == pytest.approx(length_s, abs=0.022)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("o.avi", {}, r"ending in \.mp4, \.mov, \.mkv, \.webm, got \.avi"),
        ("o", {}, "got none"),
        ("o.webm", {"encoder": "h264"}, r"an encoder for \.webm \(vp9, av1\), got 'h264'"),
        ("o.mp4", {"encoder": "mpeg4"}, r"\(h264, av1, vp9\), got 'mpeg4'"),
        ("o.mp4", {"quality": 0}, "from 1 to 100, got 0"),
    ],
)
def test_what_cannot_be_is_said_at_once(tmp_path: Path, name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(OutputError, match=message):
        OverlayVideoSink(tmp_path / name, Plain(), **options)


def test_names_that_are_taken_and_the_clip_itself(tmp_path: Path) -> None:
    clip = S["write_clip"](tmp_path / "clip.mp4", 2)
    before = clip.read_bytes()
    with pytest.raises(OutputError, match="overwrite"):
        OverlayVideoSink(clip, Plain())
    with pytest.raises(OutputError, match="never replaced"):
        OverlayVideoSink(clip, Plain(), overwrite=True, inputs=[clip])
    write(tmp_path / "o.mp4", Plain(), frames(2))
    with pytest.raises(OutputError, match="overwrite"):
        OverlayVideoSink(tmp_path / "o.mp4", Plain())
    sink = OverlayVideoSink(tmp_path / "o.mp4", Plain(), overwrite=True)
    for frame in frames(7):
        sink.write(frame, NOBODY)
    sink.close(ok=True)
    assert len(read(tmp_path / "o.mp4")[0]) == 7
    assert clip.read_bytes() == before


def failing(sink: OverlayVideoSink, *shown: Frame | FrameInfo, match: str) -> None:
    for frame in shown[:-1]:
        sink.write(frame, NOBODY)
    with pytest.raises(OutputError, match=match) as caught:
        sink.write(shown[-1], NOBODY)
    assert str(caught.value).count("o.mp4") == 1
    sink.close(ok=False)


def test_frames_that_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "o.mp4"
    [small], [large] = frames(1), frames(1, (66, 48))
    failing(OverlayVideoSink(path, Plain()), small, large, match=r"one size \(64x48\), but frame 0 is 66x48")
    failing(OverlayVideoSink(path, Plain()), small.info, match="with its pixels")
    clear = Painter(background="transparent")
    failing(OverlayVideoSink(path, clear), small, match="no transparency; choose background black or white")
    huge = Plain(np.zeros((2, 40_000, 3), np.uint8))
    failing(OverlayVideoSink(path, huge), small, match="cannot be written: ")
    assert names(tmp_path) == []


def test_sound_that_cannot_be_opened(tmp_path: Path) -> None:
    sink = OverlayVideoSink(tmp_path / "o.mp4", Plain(), audio_from=tmp_path / "none.mp4")
    with pytest.raises(InputError, match=r"none\.mp4: does not exist"):
        sink.write(frames(1)[0], NOBODY)
    sink.close(ok=False)
    assert names(tmp_path) == []


@pytest.mark.parametrize("threaded", [False, True])
def test_a_run_that_fails_leaves_nothing(tmp_path: Path, threaded: bool) -> None:
    clip, _ = S["write_phone_clip"](tmp_path / "phone.mp4")
    plain = OverlayVideoSink(tmp_path / "o.mp4", Plain(), audio_from=clip)
    sink = ThreadedSink(plain) if threaded else plain
    for frame in frames(6):
        sink.write(frame, NOBODY)
    sink.close(ok=False)
    assert names(tmp_path) == ["phone.mp4"]
    assert [one.name for one in threading.enumerate() if one.name.startswith("holopose")] == []


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder in which nobody may write")
def test_a_folder_in_which_nothing_can_be_written() -> None:
    sink = OverlayVideoSink("/proc/self/o.mp4", Plain())
    failing(sink, frames(1)[0], match="cannot be written: ")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    import resource

    rng = np.random.default_rng(0)
    sink = OverlayVideoSink(tmp_path / "o.mp4", Plain())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(OutputError, match=r"^\S*o\.mp4: cannot be written: File too large$"):  # noqa: PT012
            for index in range(40):
                sink.write(Frame(rng.integers(0, 255, (48, 64, 3), dtype=np.uint8), time_s=index / 25), NOBODY)
            sink.close(ok=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        sink.close(ok=False)
    assert names(tmp_path) == []
