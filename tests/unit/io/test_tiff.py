from __future__ import annotations

import runpy
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from holopose.io.tiff import exif_orientation, read_layout, read_tags

S: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "picture_samples.py"))
SCENE = S["scene"]()
RGBA = np.dstack([SCENE, S["opacity"]()])
GREY = SCENE[:, :, 0]


def layout(*args: Any, **options: Any) -> Any:
    return read_layout(memoryview(S["tiff"](*args, **options)))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_tags_of_all_shapes(order: str, big: bool) -> None:
    data = S["tiff"](SCENE, order=order, big=big, tile=16, tags=((40000, 4, 70000),))
    tags = read_tags(memoryview(data))
    assert tags.first(256, 0) == 32
    assert tags.first(40000, 0) == 70000
    assert tags.first(40001, 7) == 7
    assert tags.few(258, ()) == (8, 8, 8)
    assert tags.few(40001, (1, 2)) == (1, 2)
    assert tags.array(325).tolist() == [768] * 4
    assert tags.array(40001).size == 0
    parts = [data[int(at) : int(at) + 768] for at in tags.array(324)]
    assert parts[0][:3] == SCENE[0, 0].tobytes()
    assert parts[3][:3] == SCENE[16, 16].tobytes()


def test_a_value_can_be_replaced() -> None:
    for order in "<>":
        data = S["tiff"](SCENE, order=order, orientation=6)
        changed = read_tags(memoryview(data)).with_value(274, 1)
        assert changed == bytearray(S["tiff"](SCENE, order=order))
        assert read_layout(memoryview(data)).upright() == changed
    untouched = memoryview(S["tiff"](SCENE))
    assert read_layout(untouched).upright() is untouched


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [1, 3, 4])
def test_exif_orientation(orientation: int, order: str, kind: int) -> None:
    block = S["exif"](orientation, order, kind)
    assert exif_orientation(memoryview(block)) == orientation
    assert exif_orientation(memoryview(b"Exif\0\0" + block)) == orientation


@pytest.mark.parametrize("value", [0, 9, 255])
def test_orientations_that_do_not_exist_mean_upright(value: int) -> None:
    assert exif_orientation(memoryview(S["exif"](value))) == 1
    assert layout(SCENE, orientation=value).orientation == 1


def test_damaged_exif_means_upright() -> None:
    block = S["exif"](6)
    for cut in range(len(block) - 4):  # the last four point to a next directory
        assert exif_orientation(memoryview(block[:cut])) in ((1, 6) if cut >= 22 else (1,))
    assert exif_orientation(memoryview(b"XX" + block[2:])) == 1
    assert exif_orientation(memoryview(block.replace(b"\3\0\1\0", b"\5\0\1\0"))) == 1  # no whole number
    assert exif_orientation(memoryview(block.replace(b"\3\0\1\0\0\0", b"\3\0\0\0\0\0"))) == 1  # no value


def test_layout_of_a_plain_picture() -> None:
    found = layout(SCENE, orientation=8)
    assert (found.width, found.height, found.orientation) == (32, 24, 8)
    assert (found.bits, found.channels, found.alpha, found.planar) == (8, 3, "", False)
    assert found.refusal == ""
    assert found.complete


def test_kinds_of_transparency() -> None:
    assert [layout(RGBA, extra=(kind,)).alpha for kind in (0, 1, 2)] == ["", "associated", "unassociated"]


@pytest.mark.parametrize(
    ("array", "options", "words"),
    [
        (SCENE, {}, ""),
        (SCENE.astype(np.uint16), {}, ""),
        (RGBA, {"extra": (2,)}, ""),
        (GREY, {"photometric": 0}, ""),
        (GREY, {"photometric": 3}, ""),
        (RGBA, {"photometric": 5}, ""),
        (SCENE.transpose(2, 0, 1), {"planar": True}, ""),
        (SCENE.astype(np.uint32), {"tags": ((339, 3, 3),)}, "floating-point"),
        (GREY, {"photometric": 1, "tags": ((339, 3, 2),)}, "signed"),
        (SCENE.astype(np.uint32), {}, "32 bits"),
        (RGBA.astype(np.uint16), {"photometric": 5}, "16 bits"),
        (GREY.astype(np.uint16), {"photometric": 3}, "16 bits"),
        (RGBA[:, :, :2], {"photometric": 1, "extra": (2,)}, "2 samples"),
        (RGBA, {}, "4 samples"),
        (np.dstack([RGBA, RGBA]), {"extra": (2, 0, 0, 0, 0)}, "8 samples"),
        (SCENE, {"photometric": 8}, "photometric 8"),
        (SCENE, {"tags": ((259, 3, 50000),)}, "compression (number 50000)"),
        (SCENE, {"tags": ((254, 4, 1),)}, "only a preview"),
        (SCENE, {"tags": ((50706, 4, 1),)}, "only a preview"),
        (RGBA.transpose(2, 0, 1).astype(np.uint16), {"planar": True, "extra": (2,)}, "plane by plane"),
    ],
)
def test_what_is_refused(array: Any, options: dict[str, Any], words: str) -> None:
    refusal = layout(array, **options).refusal
    assert words in refusal
    assert bool(refusal) is bool(words)


def test_a_colour_space_that_is_not_given() -> None:
    data = S["tiff"](SCENE).replace(struct.pack("<HH", 262, 3), struct.pack("<HH", 263, 3))
    assert "does not say" in read_layout(memoryview(data)).refusal


@pytest.mark.parametrize("options", [{}, {"tile": 16}, {"big": True}])
def test_completeness(options: dict[str, Any]) -> None:
    data = S["tiff"](SCENE, **options)
    assert read_layout(memoryview(data)).complete
    assert not read_layout(memoryview(data)[:-1]).complete
    assert read_layout(memoryview(data + b"more")).complete


@pytest.mark.parametrize(
    "data",
    [
        b"II*\0",
        b"II*\0\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\xff\xff",
        b"II,\0\x08\0\0\0\0\0",
        b"II+\0\x04\0\0\0" + bytes(30),
        b"II+\0\x08\0\0\0" + struct.pack("<Q", 2**64 - 1) + bytes(30),
        b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**64 - 1) + bytes(30),
        b"XX*\0\x08\0\0\0\0\0",
    ],
)
def test_no_directory(data: bytes) -> None:
    with pytest.raises(struct.error):
        read_tags(memoryview(data))


def test_values_beyond_the_end() -> None:
    entry = struct.pack("<HHII", 273, 4, 2**31, 0xFFFFFFF0)
    tags = read_tags(memoryview(b"II*\0\x08\0\0\0\x01\0" + entry))
    for read in (lambda: tags.array(273), lambda: tags.first(273, 0), lambda: tags.few(273, ())):
        with pytest.raises(struct.error):
            read()
