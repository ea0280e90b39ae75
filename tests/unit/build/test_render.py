"""Results drawn later: the same picture as when they were found, over clips, pictures, folders and archives."""

from __future__ import annotations

import runpy
import zipfile
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from holopose.build.render import Rendered, render_file
from holopose.config import RunConfig
from holopose.draw.painter import Painter
from holopose.errors import HoloposeError, InputError, OutputError
from holopose.io.results import UNKNOWN_RUN
from holopose.io.sinks.json_file import JsonSink
from holopose.io.sinks.openpose import OpenPoseSink
from holopose.io.sources.video import VideoSource
from holopose.skeletons import WHOLEBODY133
from holopose.types import Boxes, Frame, FrameInfo, Poses

S: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "clip_samples.py"))


def somebody(index: int, size_wh: tuple[int, int]) -> Poses:
    """One person, all over the picture, a little elsewhere in every frame; multiples of 1/4 px, as files keep them."""
    rng = np.random.default_rng(index)
    xy = rng.integers(0, 4 * np.array(size_wh), (1, 133, 2)) / 4
    return Poses(xy, np.full((1, 133), 0.75), Boxes([[0, 0, *size_wh]], [0.75]), WHOLEBODY133)


def store(path: Path, frames: list[FrameInfo], sink: Any = JsonSink) -> Path:
    writer = sink(path, UNKNOWN_RUN)
    for frame in frames:
        writer.write(frame, somebody(frame.index, frame.size_wh))
    writer.close(ok=True)
    return path


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A clip of 20 frames of 160 x 120."""
    return S["write_clip"](tmp_path / "walk.mp4", 20, size_wh=(160, 120), sound=S["tone"](0.8))


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Three pictures of different sizes in a folder."""
    (tmp_path / "in").mkdir()
    paths = [tmp_path / "in" / name for name in ("img2.png", "img10.png", "z.png")]
    for number, path in enumerate(paths):
        path.write_bytes(cv2.imencode(".png", S["card"](number, (60 + 20 * number, 50))[..., ::-1])[1].tobytes())
    return paths


def infos(clip: Path) -> list[FrameInfo]:
    return [frame.info for frame in VideoSource(clip)]


def read(path: Path) -> np.ndarray:
    return cv2.cvtColor(cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_clip_becomes_a_video_with_its_times_and_sound(tmp_path: Path, clip: Path) -> None:
    results = store(tmp_path / "r.json", infos(clip))
    out = tmp_path / "deep" / "o.mp4"
    config = RunConfig(style="classic", draw_boxes=True)
    assert render_file(results, clip, out, config) == Rendered(out, 20, "h264", "copied")
    painter = Painter(style="classic", draw_boxes=True)
    with av.open(str(out)) as video:
        shown = list(video.decode(video=0))
        assert [one.time for one in shown] == pytest.approx([n / 25 for n in range(20)])
        for one, frame in zip(shown, VideoSource(clip), strict=True):
            drawn = painter.paint(frame, somebody(frame.index, (160, 120)))
            grey = [
                cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(int) for rgb in (one.to_ndarray(format="rgb24"), drawn)
            ]
            assert np.abs(grey[0] - grey[1]).mean() < 12
            assert np.abs(grey[1] - cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY)).mean() > 30
        assert len(video.streams.audio) == 1


def test_only_frames_that_were_stored(tmp_path: Path, clip: Path) -> None:
    results = store(tmp_path / "r.json", infos(clip)[4:14:3])
    assert render_file(results, clip, tmp_path / "o.mkv", RunConfig(audio=False)).frames == 4
    with av.open(str(tmp_path / "o.mkv")) as video:
        assert not video.streams.audio
        assert [one.time for one in video.decode(video=0)] == pytest.approx([0, 0.12, 0.24, 0.36])


@pytest.mark.parametrize(
    ("name", "asked", "encoder"),
    [("o.mp4", "h264", "h264"), ("o.webm", "h264", "vp9"), ("o.webm", "av1", "av1"), ("o.mov", "vp9", "h264")],
)
def test_an_encoder_that_fits_the_ending(tmp_path: Path, clip: Path, name: str, asked: str, encoder: str) -> None:
    results = store(tmp_path / "r.json", infos(clip)[:3])
    done = render_file(results, clip, tmp_path / name, RunConfig(encoder=asked))
    assert (done.encoder, done.sound) == (encoder, "encoded" if name == "o.webm" else "copied")


def test_a_clip_becomes_a_folder_of_pictures(tmp_path: Path, clip: Path) -> None:
    results = store(tmp_path / "r.json", infos(clip))
    done = render_file(results, clip, tmp_path / "out", RunConfig(background="black"))
    assert done == Rendered(tmp_path / "out", 20)
    assert names(tmp_path / "out") == [f"walk_{n:06d}.overlay.png" for n in range(20)]
    black = Frame(np.zeros((120, 160, 3), np.uint8))
    assert (read(tmp_path / "out" / "walk_000007.overlay.png") == Painter().paint(black, somebody(7, (160, 120)))).all()


def test_a_picture(tmp_path: Path, pictures: list[Path]) -> None:
    results = store(tmp_path / "r.json", [FrameInfo(0, None, "before it was renamed.png", (80, 50))])
    done = render_file(results, pictures[1], tmp_path / "o.png", RunConfig(color_by="side"))
    assert done == Rendered(tmp_path / "o.png", 1)
    frame = Frame(S["card"](1, (80, 50)))
    assert (read(tmp_path / "o.png") == Painter(color_by="side").paint(frame, somebody(0, (80, 50)))).all()


@pytest.mark.parametrize("packed", [False, True])
def test_a_folder_and_an_archive(tmp_path: Path, pictures: list[Path], packed: bool) -> None:
    stored = [FrameInfo(n, None, f"elsewhere/{path.name}", (60 + 20 * n, 50)) for n, path in enumerate(pictures)]
    results = store(tmp_path / "r.json", stored[::-1])
    over = tmp_path / "in"
    if packed:
        over = tmp_path / "in.zip"
        with zipfile.ZipFile(over, "w") as archive:
            for path in pictures:
                archive.write(path, path.name)
    done = render_file(results, over, tmp_path / "out", RunConfig(overlay_format="webp"))
    assert done == Rendered(tmp_path / "out", 3)
    assert names(tmp_path / "out") == ["img10.overlay.webp", "img2.overlay.webp", "z.overlay.webp"]
    assert read(tmp_path / "out" / "z.overlay.webp").shape == (50, 100, 3)


def test_results_of_other_programs(tmp_path: Path, clip: Path) -> None:
    results = store(tmp_path / "people", infos(clip), OpenPoseSink)
    done = render_file(results, clip, tmp_path / "o.mp4", RunConfig(background="black"))
    assert done.frames == 20
    with av.open(str(tmp_path / "o.mp4")) as video:
        assert next(video.decode(video=0)).to_ndarray(format="rgb24").max() > 150


@pytest.mark.parametrize(
    ("over", "out", "expected"),
    [
        ("walk.mp4", "o.png", (OutputError, r"o\.png: expected a video \(\.mp4, .*\) or a folder")),
        ("in", "o.mp4", (OutputError, r"o\.mp4: expected the name of a folder for the pictures")),
        ("in/z.png", "o.mp4", (OutputError, r"o\.mp4: expected a file name ending in \.png")),
        ("both", "o", (InputError, r"both: expected one clip, one picture, or a folder")),
        ("none.mp4", "o.mp4", (InputError, r"none\.mp4: does not exist")),
        (
            "short.mp4",
            "o.mp4",
            (InputError, r"r\.json: holds 20 frames, but 17 of them \(such as frame 3\) .*short\.mp4"),
        ),
        ("turned.mp4", "o.mp4", (InputError, r"r\.json: frame 0 was 160x120, but \S*turned\.mp4 is 120x160")),
        ("r.json", "o.mp4", (InputError, r"r\.json")),
    ],
)
def test_what_does_not_fit_is_one_line_and_leaves_nothing(
    tmp_path: Path, pictures: list[Path], over: str, out: str, expected: tuple[type[HoloposeError], str]
) -> None:
    clip = S["write_clip"](tmp_path / "walk.mp4", 20, size_wh=(160, 120))
    results = store(tmp_path / "r.json", infos(clip))
    S["write_clip"](tmp_path / "short.mp4", 3, size_wh=(160, 120))
    S["write_clip"](tmp_path / "turned.mp4", 20, size_wh=(160, 120), turn=90)
    (tmp_path / "both").mkdir()
    (tmp_path / "both" / "a.png").write_bytes(pictures[0].read_bytes())
    (tmp_path / "both" / "b.mp4").write_bytes(clip.read_bytes())
    before = names(tmp_path)
    with pytest.raises(expected[0], match=expected[1]) as caught:
        render_file(results, tmp_path / over, tmp_path / out, RunConfig())
    assert "\n" not in str(caught.value)
    assert names(tmp_path) == before


def test_inputs_and_earlier_drawings_are_kept(tmp_path: Path, clip: Path) -> None:
    results = store(tmp_path / "r.json", infos(clip)[:2])
    content = clip.read_bytes()
    with pytest.raises(OutputError, match="never replaced"):
        render_file(results, clip, clip, RunConfig(overwrite=True))
    assert clip.read_bytes() == content
    render_file(results, clip, tmp_path / "o.mp4", RunConfig())
    with pytest.raises(OutputError, match="overwrite"):
        render_file(results, clip, tmp_path / "o.mp4", RunConfig())
    assert render_file(results, clip, tmp_path / "o.mp4", RunConfig(overwrite=True)).frames == 2
