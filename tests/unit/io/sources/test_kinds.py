from __future__ import annotations

import io
import runpy
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from holopose.io.sources.kinds import (
    AMBIGUOUS_ENDINGS,
    ARCHIVE_ENDINGS,
    HEAD_BYTES,
    PICTURE_ENDINGS,
    VIDEO_ENDINGS,
    kind_of_bytes,
    kind_of_name,
    look_into,
)

S: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[3] / "picture_samples.py"))
SCENE = S["scene"]()


def clip(format: str, codec: str) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=format) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(12):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


def tar(mode: str, name: str = "a.jpg") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]
        archive.addfile(tarfile.TarInfo(name))
    return file.getvalue()


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    return file.getvalue()


def test_endings_tell_apart() -> None:
    assert not PICTURE_ENDINGS & VIDEO_ENDINGS
    assert not ARCHIVE_ENDINGS & (PICTURE_ENDINGS | VIDEO_ENDINGS)
    assert not AMBIGUOUS_ENDINGS & (PICTURE_ENDINGS | VIDEO_ENDINGS | ARCHIVE_ENDINGS)
    assert all(e == e.lower() and e.startswith(".") for e in PICTURE_ENDINGS | VIDEO_ENDINGS | ARCHIVE_ENDINGS)
    named = ["x/A.JPeG", "b.HEIC", "c.Mp4", "d.tar.gz", "e.tgz", "f.txt", "jpg", ".jpg", "g", "h.jpg.part", "i.jpg/x"]
    kinds = ["picture", "picture", "video", "archive", "archive", *[None] * 6]
    assert [kind_of_name(name) for name in named] == kinds


@pytest.mark.parametrize("make", ["jpeg", "png8", "webp", "bmp", "gif", "tiff", "avif", "heic"])
def test_pictures_by_content(make: str) -> None:
    data = {
        "jpeg": lambda: S["jpeg"](SCENE),
        "png8": lambda: S["png"](SCENE, 8, 2),
        "webp": lambda: S["webp"](SCENE),
        "bmp": lambda: S["encode"](".bmp", SCENE),
        "gif": lambda: b"GIF89a" + bytes(20),
        "tiff": lambda: S["encode"](".tiff", SCENE),
        "avif": lambda: S["GREY_AVIF"],
        "heic": lambda: S["HEIC"],
    }[make]()
    assert kind_of_bytes(data[:HEAD_BYTES]) == "picture"


@pytest.mark.parametrize(
    ("format", "codec"),
    [
        *(("mp4", "mpeg4"), ("mov", "mpeg4"), ("avi", "mpeg4"), ("matroska", "mpeg4"), ("webm", "libvpx")),
        *(("mpegts", "mpeg2video"), ("mpeg", "mpeg2video"), ("flv", "flv"), ("ogg", "libvpx"), ("asf", "wmv2")),
        *(("yuv4mpegpipe", "rawvideo"), ("ivf", "libvpx"), ("h264", "libx264"), ("mpeg2video", "mpeg2video")),
        *(("mpegts", "libx264"), ("nut", "mpeg4"), ("mxf", "mpeg2video"), ("3gp", "mpeg4")),
    ],
)
def test_videos_by_content(format: str, codec: str) -> None:
    assert kind_of_bytes(clip(format, codec)[:HEAD_BYTES]) == "video"


def test_blu_ray_packets() -> None:
    packets = clip("mpegts", "mpeg2video")
    m2ts = b"".join(b"\0\0\0\0" + packets[k : k + 188] for k in range(0, len(packets), 188))
    assert kind_of_bytes(m2ts[:HEAD_BYTES]) == "video"


def test_archives_by_content() -> None:
    for data in (zipped("a.jpg"), zipped(), tar("w"), tar("w:gz"), tar("w:bz2"), tar("w:xz"), tar("w", "BM.bmp")):
        assert kind_of_bytes(data[:HEAD_BYTES]) == "archive"
    assert kind_of_bytes(b"7z\xbc\xaf\x27\x1c\x00\x04") == "archive"
    assert kind_of_bytes(b"Rar!\x1a\x07\x01\x00") == "archive"


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"G", b"\xff", b"just words\n", b"%PDF-1.7", b"<html>", b"\x00" * 600, b"RIFF\x10\0\0\0WAVEfmt "),
        b"\0\0\0\x18ftypcrx " + bytes(40),  # a camera's raw file
        b"GGGG GGGG" * 20,
    ],
)
def test_anything_else(data: bytes) -> None:
    assert kind_of_bytes(data) is None


def test_looking_into_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(S["png"](SCENE, 8, 2))
    assert look_into(str(tmp_path / "a")) == "picture"
    with pytest.raises(OSError, match="No such file"):
        look_into(str(tmp_path / "b"))
