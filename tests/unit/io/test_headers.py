from __future__ import annotations

import runpy
import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.errors import InputError
from holopose.io.headers import Header, read_gif_frame, read_header, recognise

S: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "picture_samples.py"))
SCENE = S["scene"]()
RGBA = np.dstack([SCENE, S["opacity"]()])
GREY = SCENE[:, :, 0]
INDEX = np.arange(24 * 32).reshape(24, 32) % 4

SAMPLES: dict[str, tuple[bytes, Header]] = {
    "jpeg": (S["jpeg"](SCENE), Header("jpeg", 32, 24)),
    "jpeg progressive": (S["jpeg"](SCENE, 0, cv2.IMWRITE_JPEG_PROGRESSIVE, 1), Header("jpeg", 32, 24)),
    "jpeg grey": (S["encode"](".jpg", GREY), Header("jpeg", 32, 24, channels=1)),
    "jpeg cmyk": (S["CMYK_JPEG"], Header("jpeg", 32, 24, channels=4)),
    "png rgb": (S["png"](SCENE, 8, 2), Header("png", 32, 24)),
    "png grey 16": (S["png"](GREY, 16, 0), Header("png", 32, 24, bits=16, channels=1)),
    "png grey alpha": (S["png"](RGBA[:, :, 2:], 8, 4), Header("png", 32, 24, channels=1, alpha=True)),
    "png rgba turned": (S["png"](RGBA, 8, 6, orientation=6), Header("png", 32, 24, 6, alpha=True)),
    "png palette": (
        S["png"](INDEX, 8, 3, extra=S["chunk"](b"PLTE", bytes(12)) + S["chunk"](b"tRNS", b"\0")),
        Header("png", 32, 24, alpha=True),
    ),
    "webp lossless": (S["webp"](SCENE), Header("webp", 32, 24)),
    "webp lossless alpha": (S["webp"](RGBA), Header("webp", 32, 24, alpha=True)),
    "webp lossy": (S["webp"](SCENE, quality=80), Header("webp", 32, 24)),
    "webp extended": (S["webp"](RGBA, 8), Header("webp", 32, 24, 8, alpha=True)),
    "bmp": (S["bmp"](SCENE[:, :, ::-1], 24), Header("bmp", 32, 24, bits=24)),
    "bmp top down": (S["bmp"](SCENE[:, :, ::-1], 24, top_down=True), Header("bmp", 32, 24, bits=24)),
    "bmp os/2": (S["bmp"](SCENE[:, :, ::-1], 24, size=12), Header("bmp", 32, 24, bits=24)),
    "bmp os/2 v2": (S["bmp"](SCENE[:, :, ::-1], 24, size=64), Header("bmp", 32, 24, bits=24)),
    "bmp v4 alpha": (
        S["bmp"](RGBA, 32, size=108, compression=3, masks=(0xFF, 0xFF00, 0xFF0000, 0xFF000000)),
        Header("bmp", 32, 24, bits=32, alpha=True),
    ),
    "bmp v5 no alpha": (
        S["bmp"](RGBA, 32, size=124, compression=3, masks=(0xFF, 0xFF00, 0xFF0000, 0)),
        Header("bmp", 32, 24, bits=32),
    ),
    "tiff": (S["tiff"](SCENE, orientation=5), Header("tiff", 32, 24, 5)),
    "tiff mm": (S["tiff"](SCENE, orientation=3, order=">"), Header("tiff", 32, 24, 3)),
    "bigtiff mm": (S["tiff"](SCENE, orientation=7, order=">", big=True), Header("tiff", 32, 24, 7)),
    "tiff grey 16": (
        S["tiff"](GREY.astype(np.uint16), photometric=1),
        Header("tiff", 32, 24, bits=16, channels=1),
    ),
    "tiff rgba": (S["tiff"](RGBA, extra=(2,)), Header("tiff", 32, 24, alpha=True)),
    "gif": (S["gif"](INDEX), Header("gif", 32, 24)),
    "gif transparent": (S["gif"](INDEX, transparent=1), Header("gif", 32, 24, alpha=True)),
    "gif small picture": (S["gif"](INDEX, canvas=(50, 40), at=(3, 5)), Header("gif", 50, 40, alpha=True)),
    "avif": (S["avif"](SCENE), Header("avif", 32, 24)),
    "avif grey": (S["GREY_AVIF"], Header("avif", 32, 24, channels=1)),
    "avif alpha": (S["avif"](RGBA), Header("avif", 32, 24, alpha=True)),
    "avif 10 bits turned": (
        S["avif"](SCENE.astype(np.uint16) * 4, (b"irot", b"\3"), depth=10),
        Header("avif", 32, 24, 6, bits=10),
    ),
    "heic": (S["HEIC"], Header("heic", 64, 64, crop_xywh=(0, 0, 32, 24))),
    "heic alpha": (S["HEIC_ALPHA"], Header("heic", 64, 64, alpha=True, crop_xywh=(0, 0, 32, 24))),
}


def header_or_message(data: bytes) -> Header | str:
    try:
        return read_header(data, name="cut.bin")
    except InputError as error:
        return str(error)


@pytest.mark.parametrize("name", SAMPLES)
def test_what_files_declare(name: str) -> None:
    data, expected = SAMPLES[name]
    assert read_header(data) == expected


@pytest.mark.parametrize("kind", [bytearray, memoryview, lambda data: memoryview(np.frombuffer(data, np.uint8))])
def test_any_bytes_like_input(kind: Any) -> None:
    assert read_header(kind(SAMPLES["png rgb"][0])).size_wh == (32, 24)


def test_memory_with_gaps() -> None:
    data = np.repeat(np.frombuffer(SAMPLES["bmp"][0], np.uint8), 2)
    assert read_header(memoryview(data)[::2]).size_wh == (32, 24)


@pytest.mark.parametrize("code", sorted({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}))
def test_every_kind_of_jpeg_frame(code: int) -> None:
    frame = bytes([0xFF, code, 0, 17, 12]) + struct.pack(">HHB", 300, 400, 3) + bytes(9)
    assert read_header(b"\xff\xd8\xff\xfe\0\x04ab" + frame) == Header("jpeg", 400, 300, bits=12)


def test_jpeg_size_is_not_taken_from_the_thumbnail() -> None:
    thumbnail = S["jpeg"](S["scene"](8, 8))
    block = b"Exif\0\0" + S["exif"](1) + thumbnail
    data = SAMPLES["jpeg"][0]
    assert read_header(data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]).size_wh == (
        32,
        24,
    )


def test_size_as_shown() -> None:
    assert [Header("jpeg", 3, 2, orientation).size_wh for orientation in range(1, 9)] == [(3, 2)] * 4 + [(2, 3)] * 4
    assert Header("avif", 30, 20, 6, crop_xywh=(1, 2, 9, 7)).size_wh == (7, 9)
    assert Header("png", 2**31 - 1, 2**31 - 1).megapixels == pytest.approx(2**62 / 1e6)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_beginning_of_a_file(name: str) -> None:
    """A header or one line about it; never a wrong size, never another exception."""
    data, expected = SAMPLES[name]
    for cut in range(min(len(data), 1200)):
        header = header_or_message(data[:cut])
        if isinstance(header, str):
            assert header.startswith("cut.bin: ")
            assert header.isprintable()
        else:
            assert (header.format, header.width, header.height) == (expected.format, expected.width, expected.height)


STARTS = sorted({data[:k] for data, _ in SAMPLES.values() for k in (4, 8, 16, 40, 120)})


@given(st.sampled_from(STARTS), st.binary(max_size=400), st.binary(max_size=400))
def test_random_bytes_after_a_true_beginning(start: bytes, middle: bytes, end: bytes) -> None:
    for data in (middle + end, start + middle, start + middle + start + end):
        header = header_or_message(data)
        if isinstance(header, str):
            assert header.isprintable()
        else:
            assert min(header.width, header.height) >= 1
            assert 1 <= header.orientation <= 8


MANY = 200_000
MEAN = {
    "jpeg standalone markers": b"\xff\xd8\xff" + b"\xff\x01" * MANY,
    "jpeg fill bytes": b"\xff\xd8" + b"\xff" * MANY,
    "jpeg empty segments": b"\xff\xd8" + b"\xff\xe0\x00\x00" * MANY,
    "png empty chunks": SAMPLES["png rgb"][0][:33] + b"\0\0\0\0teSt\0\0\0\0" * MANY,
    "gif empty extensions": b"GIF89a" + bytes(7) + b"\x21\xfe\x00" * MANY,
    "gif one-byte blocks": b"GIF89a" + bytes(7) + b"\x21\xfe" + b"\1x" * MANY,
    "webp empty chunks": SAMPLES["webp extended"][0][:30] + b"abcd\0\0\0\0" * MANY,
    "tiff endless directory": b"II*\0\x08\0\0\0\xff\xff" + b"\0\1\3\0\1\0\0\0\1\0\0\0" * 65535,
    "bigtiff endless directory": b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**63) + bytes(MANY),
    "isobmff empty boxes": b"\0\0\0\x14ftypavif\0\0\0\0avif" + b"\0\0\0\x08free" * MANY,
    "isobmff boxes within": b"\0\0\0\x14ftypavif\0\0\0\0avif" + S["box"](b"meta", bytes(4) + b"\0\0\0\x08free" * MANY),
    "isobmff huge box": b"\0\0\0\x14ftypavif\0\0\0\0avif\0\0\0\1meta" + b"\xff" * 32,
}


@pytest.mark.parametrize("name", MEAN)
def test_files_made_to_keep_us_busy(name: str) -> None:
    header = header_or_message(MEAN[name])
    assert header.isprintable() if isinstance(header, str) else header.width >= 1


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", r"^a\.x: is empty \(0 bytes\)$"),
        (b"\x89PN", r"^a\.x: is truncated after 3 bytes$"),
        (b"hello, world", r"^a\.x: is not a picture holopose reads; expected JPEG, PNG, .* or HEIC$"),
        (b"%PDF-1.7\n", "looks like a PDF"),
        (b"\n<!DOCTYPE html>", "looks like a web page"),
        (b"<svg xmlns=''/>", "looks like an SVG drawing"),
        (b"RIFF\x10\0\0\0AVI LIST", "looks like a sound or video file"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", "a video or another 'mp42' file"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "a video or another 'qt' file"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "a camera's raw file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"BM" + bytes(60), "BMP header"),
        (b"BM" + bytes(12) + struct.pack("<IiiHHI", 40, 5, 0, 1, 24, 0) + bytes(40), "declares 5 x 0 pixels"),
        (b"BM" + bytes(12) + struct.pack("<IiiHHI", 40, -5, 5, 1, 24, 0) + bytes(40), "declares -5 x 5 pixels"),
        (b"BM" + bytes(12) + struct.pack("<IiiHHI", 40, 5, 5, 1, 24, 5) + bytes(40), "compression 5"),
        (b"\xff\xd8\xff\xc0\0\x11\x08\0\0\0\x10\3" + bytes(9), "declares 16 x 0 pixels"),
        (b"\xff\xd8\xff\xd9", "ends before its picture"),
        (b"\x89PNG\r\n\x1a\n" + bytes(30), "no IHDR"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">IIBB", 2**31, 1, 8, 2) + bytes(7), "2147483648 x 1"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">IIBB", 1, 1, 3, 2) + bytes(7), "3 bits of colour type 2"),
        (b"RIFF\x10\0\0\0WEBPVP8 " + bytes(30), "no picture"),
        (b"RIFF\x10\0\0\0WEBPVP8L" + bytes(30), "no lossless picture"),
        (S["gif"](INDEX, canvas=(31, 24)), "32 x 24 picture at 0, 0 on a canvas of 31 x 24"),
        (b"GIF89a" + bytes(7) + b"\x3b", "no picture"),
    ],
)
def test_one_line_says_what_is_wrong(data: bytes, expected: str) -> None:
    with pytest.raises(InputError, match=expected) as caught:
        read_header(data, name="a.x")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("a.x: ")


@pytest.mark.parametrize("name", SAMPLES)
def test_the_first_bytes_tell_the_format(name: str) -> None:
    data, expected = SAMPLES[name]
    label, _ = recognise(memoryview(data)[:64], name="x")
    assert label.lower() == expected.format


def test_first_picture_of_a_gif() -> None:
    data = S["gif"](INDEX, canvas=(50, 40), at=(3, 5), transparent=2)
    frame = read_gif_frame(memoryview(data))
    assert frame.rect_xywh == (3, 5, 32, 24)
    assert frame.transparent
    assert frame.end == len(data) - 1
    assert read_gif_frame(memoryview(data)[:-2]).end is None
