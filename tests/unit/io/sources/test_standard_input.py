from __future__ import annotations

import io
import os
import runpy
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
import pytest

from holopose.errors import InputError
from holopose.io.images import read_image
from holopose.io.sources.standard_input import open_standard_input
from holopose.io.sources.video import VideoSource

S: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[3] / "picture_samples.py"))
PNG = S["png"](S["scene"](200, 150), 8, 2)


def clip(folder: Path, format: str, options: dict[str, str] | None = None) -> bytes:
    file = folder / "made"
    rng = np.random.default_rng(0)
    with av.open(file, "w", format=format, options=options or {}) as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(30):
            frame = av.VideoFrame.from_ndarray(rng.integers(0, 255, (48, 64, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.read_bytes()


@contextmanager
def pipe(data: bytes) -> Iterator[BinaryIO]:
    """The reading end of a true pipe through which `data` comes."""
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "wb") as file:
            try:
                file.write(data)
            except BrokenPipeError:
                os.dup2(os.open(os.devnull, os.O_WRONLY), file.fileno())  # nobody reads on

    thread = threading.Thread(target=write)
    thread.start()
    with os.fdopen(reading, "rb") as file:
        yield file
    thread.join()


def test_a_picture() -> None:
    with pipe(PNG) as stream:
        assert open_standard_input(stream) == ("picture", PNG)
    kind, data = open_standard_input(io.BytesIO(S["HEIC"]))
    assert kind == "picture"
    assert isinstance(data, bytes)
    assert read_image(PNG, name="<stdin>").size_wh == (200, 150)


@pytest.mark.parametrize(
    ("format", "options"),
    [("matroska", {}), ("mpegts", {}), ("avi", {}), ("mp4", {"movflags": "faststart"}), ("mp4", {}), ("mov", {})],
)
def test_a_video_through_a_pipe(tmp_path: Path, format: str, options: dict[str, str]) -> None:
    data = clip(tmp_path, format, options)
    with pipe(data) as stream:
        kind, file = open_standard_input(stream)
        assert kind == "video"
        assert not isinstance(file, bytes)
        with file:
            assert len(list(VideoSource(file, name="<stdin>"))) == 30
    with pipe(data) as stream:
        _, file = open_standard_input(stream)
        assert not isinstance(file, bytes)
        with file:
            assert file.read() == data


def test_a_video_is_handed_on_before_its_end(tmp_path: Path) -> None:
    data = clip(tmp_path, "mpegts")
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stream, os.fdopen(writing, "wb", buffering=0) as sending:
        sending.write(data[:6000])
        kind, file = open_standard_input(stream)
        assert kind == "video"
        assert not isinstance(file, bytes)
        assert file.read1(6000) == data[:4096]  # type: ignore[attr-defined]
        assert file.read1(6000) == data[4096:6000]  # type: ignore[attr-defined]


def test_a_redirected_file_can_be_read_anywhere(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(clip(tmp_path, "mp4"))
    with (tmp_path / "a.mp4").open("rb") as stream:
        _, file = open_standard_input(stream)
        assert file is stream
        assert stream.tell() == 0
        assert len(list(VideoSource(stream))) == 30


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "is empty"),
        (b"hello", "is not a picture holopose reads"),
        (b"%PDF-1.7", "looks like a PDF"),
        (b"PK\3\4", "is an archive, which is not read from a pipe"),
        (b"\x1f\x8b\x08", "is an archive"),
    ],
)
def test_anything_else(data: bytes, problem: str) -> None:
    with pipe(data) as stream, pytest.raises(InputError, match=f"^<stdin>: .*{problem}"):
        open_standard_input(stream)


def test_a_broken_pipe() -> None:
    class Broken(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: object) -> int:
            raise OSError(5, "Input/output error")

    with pytest.raises(InputError, match=r"^<stdin>: cannot be read: Input/output error$"):
        open_standard_input(io.BufferedReader(Broken()))


def test_the_true_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    with pipe(PNG) as stream:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stream))
        assert open_standard_input() == ("picture", PNG)

        class Keyboard(io.StringIO):
            def isatty(self) -> bool:
                return True

        monkeypatch.setattr(sys, "stdin", Keyboard())
        with pytest.raises(InputError, match="is the keyboard; send a picture or a video through a pipe"):
            open_standard_input()
        monkeypatch.setattr(sys, "stdin", None)
        with pytest.raises(InputError, match="there is no standard input"):
            open_standard_input()
