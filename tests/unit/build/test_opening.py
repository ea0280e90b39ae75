from __future__ import annotations

import hashlib
import os
import signal
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clip_samples import write_clip
from edge_scenes import save
from holopose.build import parts
from holopose.build.contents import Content
from holopose.build.opening import OpenedSource, Opener
from holopose.build.plan import Task, plan_inputs
from holopose.config import RunConfig
from holopose.errors import InputError
from holopose.types import Frame


def plan(*inputs: str | Path, config: RunConfig | None = None) -> list[Task]:
    return plan_inputs(inputs, config or RunConfig(), out=Path("out"))


def refuse(label: str, error: InputError) -> None:
    pytest.fail(f"{label}: {error}")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A ZIP of three pictures, the second of which is none."""
    path = tmp_path / "trip.zip"
    with zipfile.ZipFile(path, "w") as trip:
        for number, width in enumerate((20, 30)):
            trip.write(save(tmp_path / f"{number}.png", width=width), f"{2 * number}.png")
        trip.writestr("1.png", b"no picture")
    return path


def test_pictures_of_an_archive_are_opened_one_by_one(archive: Path) -> None:
    opener = Opener(RunConfig())
    first, bad, last = plan(archive)
    data = zipfile.ZipFile(archive).read("0.png")
    assert opener.measure(first) == Content(len(data), hashlib.sha256(data).hexdigest())
    with_pixels = opener.open(first, refuse)
    [frame] = with_pixels
    assert (frame.name, frame.size_wh) == (f"{archive}/0.png", (20, 12))
    assert parts.kind_of(with_pixels) == "picture"
    assert opener.measure(bad) is not None
    with pytest.raises(InputError, match=r"trip\.zip/1\.png"):
        opener.open(bad, refuse)
    [frame] = opener.open(last, refuse)
    assert frame.size_wh == (30, 12)
    archive.unlink()
    opener.close()
    opener.close()
    assert opener.measure(last) is None
    with pytest.raises(InputError):
        opener.open(last, refuse)


@pytest.mark.parametrize("packed", [True, False])
def test_pictures_together_are_one_source_and_bad_ones_are_told(archive: Path, tmp_path: Path, packed: bool) -> None:
    config = RunConfig(together=True)
    if not packed:
        zipfile.ZipFile(archive).extractall(tmp_path / "trip")
    [task] = plan(archive if packed else tmp_path / "trip", config=config)
    told: list[str] = []
    opener = Opener(config)
    source = opener.open(task, lambda label, error: told.append(label))
    assert parts.kind_of(source) == "pictures"
    assert [frame.size_wh for frame in source] == [(20, 12), (30, 12)]
    assert [Path(label).name for label in told] == ["1.png"]
    assert opener.measure(task) is not None
    source.close()


class Frames:
    """A source of numbered frames."""

    def __init__(self, count: int, kind: str = "video", **info: Any) -> None:
        self.info: Mapping[str, Any] = {"kind": kind, "count": count, **info}
        self.end_info: Mapping[str, Any] = {"decoded": count}
        self.count = count
        self.closed = 0

    def __iter__(self) -> Iterator[Frame]:
        for index in range(self.count):
            yield Frame(np.zeros((4, 4, 3), np.uint8), index, index / 10)

    def close(self) -> None:
        self.closed += 1


def test_an_opened_source_can_be_read_as_often_as_what_is_in_it() -> None:
    frames = Frames(3)
    source = OpenedSource(frames, "clip.mp4")
    told: list[int] = []
    source.on_read = lambda frame: told.append(frame.index)
    for _ in range(2):
        assert [frame.index for frame in source] == [0, 1, 2]
    assert told == [0, 1, 2]
    assert (source.info["count"], source.end_info["decoded"]) == (3, 3)
    source.close()
    assert frames.closed == 1


def test_a_source_without_frames_is_closed_and_named() -> None:
    frames = Frames(0)
    with pytest.raises(InputError, match=r"^clip\.mp4: expected at least one frame, got none$"):
        OpenedSource(frames, "clip.mp4")
    assert frames.closed == 1


def test_where_a_source_ends_is_what_it_declares() -> None:
    clip = OpenedSource(Frames(100, rate=10.0), "clip.mp4")
    assert clip.last_frame(RunConfig()) == 100
    assert clip.last_frame(RunConfig(end_s=2.5)) == 25
    assert clip.last_frame(RunConfig(end_s=60)) == 100
    assert OpenedSource(Frames(7, rate=None), "clip.mp4").last_frame(RunConfig(end_s=0.1)) == 7
    unknown = Frames(7)
    unknown.info = {"kind": "live"}
    assert OpenedSource(unknown, "0").last_frame(RunConfig()) is None


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_ends_the_frames_and_the_next_is_what_it_was(number: signal.Signals) -> None:
    heard: list[int] = []
    before = signal.signal(number, lambda one, _: heard.append(one))
    try:
        source = OpenedSource(Frames(1000), "webcam 0")
        seen = 0
        with source.ending_gently():
            for frame in source:
                seen += 1
                if frame.index == 5:
                    signal.raise_signal(number)
            assert heard == []
            signal.raise_signal(number)
            assert heard == [number]
        assert seen == 6
        signal.raise_signal(number)
        assert heard == [number] * 2
    finally:
        signal.signal(number, before)


def test_a_start_beyond_the_end_of_a_clip_is_told(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    write_clip(clip, 5)
    [task] = plan(clip)
    with pytest.raises(InputError, match="all 5 frames come before start_s, begin earlier"):
        Opener(RunConfig(start_s=100.0)).open(task, refuse)
