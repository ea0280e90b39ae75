from __future__ import annotations

import itertools
import runpy
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from holopose.io.isobmff import picture_only, read_format, read_main_picture

S: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "picture_samples.py"))
box = S["box"]


def full(kind: bytes, content: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, bytes([version]) + flags.to_bytes(3) + content)


def file(
    *properties: bytes,
    brand: bytes = b"avif",
    item: int = 1,
    wide: bool = False,
    own: list[int] | None = None,
    others: int = 0,
) -> memoryview:
    """A file with these properties, all or the `own` of them belonging to the main item, after `others` more items."""
    numbers = list(range(1, len(properties) + 1)) if own is None else own
    width = ("I" if wide else "H", "H" if wide else "B")
    entries = b"".join(
        struct.pack(f">{width[0]}B{len(row)}{width[1]}", k, len(row), *row)
        for k, row in [*((item + 1 + k, [1]) for k in range(others)), (item, numbers)]
    )
    ipma = full(b"ipma", struct.pack(">I", others + 1) + entries, version=int(wide), flags=int(wide))
    pitm = full(b"pitm", struct.pack(">I" if wide else ">H", item), version=int(wide))
    meta = full(b"meta", full(b"hdlr", bytes(20)) + pitm + box(b"iprp", box(b"ipco", b"".join(properties)) + ipma))
    return memoryview(box(b"ftyp", brand + bytes(4) + b"mif1") + meta + box(b"mdat", bytes(10)))


ISPE = full(b"ispe", struct.pack(">II", 40, 30))


def clap(*numbers: int) -> bytes:
    return box(b"clap", struct.pack(">IIIIiIiI", *numbers))


def test_size_and_depth() -> None:
    plain = read_main_picture(file(ISPE))
    assert (plain.width, plain.height, plain.orientation, plain.bits, plain.channels) == (40, 30, 1, 8, 3)
    assert plain.crop_xywh is None
    assert plain.complete
    assert not plain.alpha
    deep = read_main_picture(file(ISPE, full(b"pixi", bytes([1, 12]))))
    assert (deep.bits, deep.channels) == (12, 1)
    for flags, bits, channels in ((0x00, 8, 3), (0x40, 10, 3), (0x60, 12, 3), (0x50, 10, 1)):
        config = read_main_picture(file(ISPE, box(b"av1C", bytes([0x81, 0, flags, 0]))))
        assert (config.bits, config.channels) == (bits, channels)


@pytest.mark.parametrize("wide", [False, True])
def test_the_main_item_is_found_among_others(wide: bool) -> None:
    other = full(b"ispe", struct.pack(">II", 8, 6))
    found = read_main_picture(file(other, ISPE, box(b"irot", b"\1"), own=[2], others=3, wide=wide, item=300))
    assert (found.width, found.height, found.orientation) == (40, 30, 1)


TURNS = [(), *((kind, value) for kind in (b"irot", b"imir") for value in range(4 if kind == b"irot" else 2))]


@pytest.mark.parametrize("turns", [*itertools.product(TURNS, TURNS)])
def test_turns_and_mirrors(turns: tuple[Any, ...]) -> None:
    """Whatever the file lists, in that order, done with numpy, is what the orientation does."""
    stored = S["scene"](8, 6)
    shown = stored
    properties = [ISPE]
    for turn in turns:
        if turn:
            properties.append(box(turn[0], bytes([turn[1]])))
            shown = np.rot90(shown, turn[1]) if turn[0] == b"irot" else np.flip(shown, axis=turn[1])
    orientation = read_main_picture(file(*properties)).orientation
    assert np.array_equal(S["turned"](stored, orientation), shown)


@pytest.mark.parametrize(
    ("numbers", "crop"),
    [
        ((40, 1, 30, 1, 0, 1, 0, 1), (0, 0, 40, 30)),
        ((20, 1, 10, 1, 0, 1, 0, 1), (10, 10, 20, 10)),
        ((32, 1, 24, 1, -8, 2, -6, 2), (0, 0, 32, 24)),
        ((41, 2, 10, 1, 0, 1, 0, 1), (10, 10, 20, 10)),
        ((20, 1, 10, 1, 11, 1, 0, 1), None),  # beyond the right edge
        ((20, 1, 10, 1, 0, 1, -11, 1), None),
        ((50, 1, 10, 1, 0, 1, 0, 1), None),
        ((0, 1, 10, 1, 0, 1, 0, 1), None),
        ((20, 0, 10, 1, 0, 1, 0, 1), None),
    ],
)
def test_clean_aperture(numbers: tuple[int, ...], crop: tuple[int, ...] | None) -> None:
    assert read_main_picture(file(ISPE, clap(*numbers))).crop_xywh == crop
    assert read_main_picture(file(clap(*numbers), ISPE)).crop_xywh == crop


def test_transparency() -> None:
    for name in (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0", b"urn:mpeg:hevc:2015:auxid:1\0"):
        assert read_main_picture(file(ISPE, full(b"auxC", name), own=[1])).alpha
    assert not read_main_picture(file(ISPE, full(b"auxC", b"urn:mpeg:hevc:2015:auxid:2\0"), own=[1])).alpha


def test_sizes_of_boxes() -> None:
    data = bytes(file(ISPE))
    assert not read_main_picture(memoryview(data)[:-1]).complete
    start = data.index(b"mdat") - 4
    assert read_main_picture(memoryview(data[:start] + b"\0\0\0\0mdat1234")).complete  # to the end of the file
    long = struct.pack(">I4sQ", 1, b"mdat", 20) + b"1234"
    assert read_main_picture(memoryview(data[:start] + long)).complete
    assert not read_main_picture(memoryview(data[:start] + long[:-1])).complete
    assert not read_main_picture(memoryview(data[:start])).complete  # no picture data at all
    with pytest.raises(struct.error, match="has 7 bytes"):
        read_main_picture(memoryview(data[:start] + b"\0\0\0\x07mdat"))


def test_boxes_that_are_missing() -> None:
    data = bytes(file(ISPE))
    for kind in (b"meta", b"pitm", b"iprp", b"ipco", b"ipma"):
        with pytest.raises(struct.error, match=f"no box {kind!r}"):
            read_main_picture(memoryview(data.replace(kind, b"free")))
    with pytest.raises(struct.error, match="no properties"):
        read_main_picture(memoryview(data.replace(b"pitm\0\0\0\0\0\1", b"pitm\0\0\0\0\0\2")))


@pytest.mark.parametrize(
    ("brands", "expected"),
    [
        (b"avif\0\0\0\0mif1miaf", "avif"),
        (b"avis\0\0\0\0avif", "avif"),
        (b"mif1\0\0\0\0avifheic", "avif"),
        (b"heic\0\0\0\0mif1", "heic"),
        (b"mif1\0\0\0\0heix", "heic"),
        (b"msf1\0\0\0\0hevc", "heic"),
        (b"isom\0\0\2\0isomavc1", "isom"),
        (b"qt  \0\0\0\0", "qt"),
    ],
)
def test_format(brands: bytes, expected: str) -> None:
    assert read_format(memoryview(box(b"ftyp", brands))) == expected


def test_only_the_picture_is_left_to_decoders() -> None:
    references = [box(kind, struct.pack(">3H", 2, 1, 1)) for kind in (b"cdsc", b"auxl", b"thmb", b"dimg")]
    meta = full(b"meta", full(b"hdlr", bytes(20)) + full(b"iref", b"".join(references)))
    data = box(b"ftyp", b"heic" + bytes(4)) + meta + box(b"mdat", b"cdsc" + bytes(8))
    left = picture_only(memoryview(data))
    assert left == data.replace(b"cdsc\0\2", b"skip\0\2").replace(b"thmb", b"skip")
    for cut in range(len(data)):
        assert len(picture_only(memoryview(data)[:cut])) == cut
