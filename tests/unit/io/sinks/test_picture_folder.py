"""PictureFolderSink: a drawn picture per frame, named so that they can be found again; all of them or none."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from holopose.draw.painter import Painter
from holopose.errors import OutputError
from holopose.io.sinks.picture_folder import PictureFolderSink
from holopose.protocols import Sink
from holopose.types import Frame


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def read(path: Path) -> np.ndarray:
    return cv2.cvtColor(cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def test_frames_of_a_clip_have_their_number(tmp_path: Path, frame, people) -> None:
    painter = Painter(background="black")
    sink = PictureFolderSink(tmp_path / "deep" / "out", painter)
    assert isinstance(sink, Sink)
    assert names(tmp_path) == []
    shown = [frame(64, 48, index=index, time_s=index / 25, name="clips/walk.mp4") for index in (7, 9, 1234567)]
    for number, one in enumerate(shown):
        sink.write(one, people(number))
        assert not (tmp_path / "deep" / "out").exists()
    sink.close(ok=True)
    sink.close(ok=True)
    assert names(tmp_path / "deep") == ["out"]
    written = ["walk_000007.overlay.png", "walk_000009.overlay.png", "walk_1234567.overlay.png"]
    assert names(tmp_path / "deep" / "out") == written
    for number, (name, one) in enumerate(zip(written, shown, strict=True)):
        assert (read(tmp_path / "deep" / "out" / name) == painter.paint(one, people(number))).all()


def test_pictures_keep_their_names(tmp_path: Path, frame, people) -> None:
    sink = PictureFolderSink(tmp_path / "out", Painter(), format_name="jpg")
    for index, name in enumerate(["a/x.jpg", "a/y.png", "b/x.jpg", ""]):
        sink.write(frame(32, 24, index=index, name=name), people())
    sink.close(ok=True)
    assert names(tmp_path / "out") == [
        "frame_000003.overlay.jpg",
        "x.overlay.jpg",
        "x_000002.overlay.jpg",
        "y.overlay.jpg",
    ]


@pytest.mark.parametrize("name", ["a\udcff.jpg", "..", "c:\\d\\e.png", "nul\tx.png"])
def test_names_that_are_hard_to_write(tmp_path: Path, frame, people, name: str) -> None:
    sink = PictureFolderSink(tmp_path / "out", Painter())
    sink.write(frame(8, 8, name=name), people())
    sink.close(ok=True)
    [written] = (tmp_path / "out").iterdir()
    assert written.name.endswith(".overlay.png")
    assert written.stat().st_size > 50


@pytest.mark.parametrize("how", ["not ok", "same frame twice", "no pixels", "no transparency", "nothing"])
def test_all_or_nothing(tmp_path: Path, frame, people, how: str) -> None:
    clear = Painter(background="transparent")
    jpg = how == "no transparency"
    sink = PictureFolderSink(tmp_path / "out", clear if jpg else Painter(), format_name="jpg" if jpg else "png")
    one = frame(8, 8, time_s=0.0)
    if how == "not ok":
        sink.write(one, people())
    elif how == "same frame twice":
        sink.write(one, people())
        with pytest.raises(OutputError, match=r"photo_000000\.overlay\.png|exists"):
            sink.write(one, people())
    elif how == "no pixels":
        with pytest.raises(OutputError, match="with its pixels"):
            sink.write(one.info, people())
    elif how == "no transparency":
        with pytest.raises(OutputError, match=r"photo_000000\.overlay\.jpg: jpg has no transparency"):
            sink.write(one, people())
    sink.close(ok=how == "nothing")
    assert names(tmp_path) == []


def test_only_folders_of_drawings_are_replaced(tmp_path: Path, frame, people) -> None:
    def write(**options: object) -> None:
        sink = PictureFolderSink(tmp_path / "out", Painter(), **options)
        sink.write(frame(8, 8, name="b.png"), people())
        sink.close(ok=True)

    (tmp_path / "out").mkdir()
    write()
    with pytest.raises(OutputError, match="overwrite"):
        write()
    write(overwrite=True)
    (tmp_path / "out" / "holiday.png").touch()
    with pytest.raises(OutputError, match=r"holds other things .*holiday\.png"):
        write(overwrite=True)
    assert names(tmp_path / "out") == ["b.overlay.png", "holiday.png"]


def test_formats(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="expected pictures as png, jpg, webp, got 'bmp'"):
        PictureFolderSink(tmp_path / "out", Painter(), format_name="bmp")


def test_a_large_clip_is_not_kept_in_memory(tmp_path: Path, people) -> None:
    sink = PictureFolderSink(tmp_path / "out", Painter())
    for index in range(40):
        sink.write(Frame(np.zeros((8, 8, 3), np.uint8), index=index, time_s=index / 25, name="c.mp4"), people(count=0))
        [part] = [path for path in tmp_path.iterdir() if path.is_dir()]
        assert len([one for one in part.iterdir() if one.suffix == ".png"]) == index + 1
    sink.close(ok=True)
    assert len(names(tmp_path / "out")) == 40
