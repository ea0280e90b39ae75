from __future__ import annotations

import runpy
import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from holopose.errors import InputError
from holopose.io.decoding import decode_rgb
from holopose.io.headers import read_header

S: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "picture_samples.py"))
SCENE = S["scene"]()
OPACITY = S["opacity"]()
RGBA = np.dstack([SCENE, OPACITY])
BGRA = RGBA[:, :, [2, 1, 0, 3]]
BGR = BGRA[:, :, :3]
GREY = SCENE[:, :, 0]
ON_WHITE = np.round(SCENE * (OPACITY / 255)[..., None] + (255 - OPACITY)[..., None]).astype(np.uint8)
INDEX = np.arange(24 * 32).reshape(24, 32) % 4
COLOURS = np.array(S["PALETTE"], np.uint8)
WIDE = S["scene"](80, 60)
TURNS = {  # AVIF's and HEIC's properties for EXIF's orientations
    1: (),
    2: ((b"imir", b"\1"),),
    3: ((b"irot", b"\2"),),
    4: ((b"imir", b"\0"),),
    5: ((b"irot", b"\1"), (b"imir", b"\0")),
    6: ((b"irot", b"\3"),),
    7: ((b"irot", b"\3"), (b"imir", b"\0")),
    8: ((b"irot", b"\1"),),
}


def decode(data: bytes) -> Any:
    image = decode_rgb(data, read_header(data), name="x")
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    return image


def error(data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        decode(data)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def off(image: Any, truth: Any) -> float:
    """Mean difference in levels."""
    assert image.shape == truth.shape
    return float(np.abs(image.astype(int) - truth).mean())


# Orientation ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_format_is_shown_upright(orientation: int) -> None:
    shown = S["turned"](SCENE, orientation)
    for order in "<>":
        assert off(decode(S["jpeg"](SCENE, orientation, order=order)), shown) < 4
    exact = {
        "png": S["png"](SCENE, 8, 2, orientation=orientation),
        "png 16": S["png"](SCENE * np.uint16(257), 16, 2, orientation=orientation),
        "webp": S["webp"](SCENE, orientation),
        "tiff": S["tiff"](SCENE, orientation=orientation),
        "tiff 16": S["tiff"](SCENE * np.uint16(257), orientation=orientation, order=">"),
        "tiff planes": S["tiff"](SCENE.transpose(2, 0, 1), orientation=orientation, planar=True),
        "bigtiff": S["tiff"](SCENE, orientation=orientation, big=True),
        "avif": S["avif"](SCENE, *TURNS[orientation]),
    }
    assert {name: off(decode(data), shown) for name, data in exact.items()} == dict.fromkeys(exact, 0)
    tiled = S["tiff"](WIDE, orientation=orientation, tile=32)
    assert np.array_equal(decode(tiled), S["turned"](WIDE, orientation))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_transparent_pictures_are_shown_upright_too(orientation: int) -> None:
    shown = S["turned"](ON_WHITE, orientation)
    for data in (
        S["png"](RGBA, 8, 6, orientation=orientation),
        S["webp"](RGBA, orientation),
        S["tiff"](RGBA, extra=(2,), orientation=orientation),
        S["tiff"](RGBA * np.uint16(257), extra=(2,), orientation=orientation),
        S["avif"](RGBA, *TURNS[orientation]),
    ):
        assert np.abs(decode(data).astype(int) - shown).max() <= 1


def test_exif_does_not_count_where_the_format_has_its_own_turns() -> None:
    data = S["avif"](SCENE)
    assert np.array_equal(decode(data + S["box"](b"free", b"Exif\0\0" + S["exif"](6))), SCENE)


def test_crop_comes_before_turn() -> None:
    clap = struct.pack(">IIIIiIiI", 20, 1, 10, 1, -2, 1, 3, 1)
    shown = np.rot90(SCENE[10:20, 4:24])
    assert np.array_equal(decode(S["avif"](SCENE, (b"clap", clap), (b"irot", b"\1"))), shown)


# Transparency --------------------------------------------------------------------------------------------------------


def test_hidden_colours_never_show() -> None:
    for data in (S["png"](RGBA, 8, 6), S["webp"](RGBA), S["avif"](RGBA), S["tiff"](RGBA, extra=(2,))):
        image = decode(data)
        assert (image[OPACITY == 0] == 255).all()
        assert np.array_equal(image[OPACITY == 255], SCENE[OPACITY == 255])
        assert np.abs(image.astype(int) - ON_WHITE).max() <= 1


def test_colours_that_are_multiplied_already() -> None:
    ready = np.dstack([np.round(SCENE * (OPACITY / 255)[..., None]).astype(np.uint8), OPACITY])
    for data in (S["tiff"](ready, extra=(1,)), S["tiff"](ready * np.uint16(257), extra=(1,))):
        assert np.abs(decode(data).astype(int) - ON_WHITE).max() <= 1


def test_a_fourth_tiff_channel_without_meaning_is_no_transparency() -> None:
    assert np.array_equal(decode(S["tiff"](RGBA, extra=(0,))), SCENE)
    assert np.array_equal(decode(S["tiff"](RGBA * np.uint16(257), extra=(0,))), SCENE)


def test_transparent_colours_of_png() -> None:
    palette = S["chunk"](b"PLTE", COLOURS.tobytes()) + S["chunk"](b"tRNS", b"\xff\0")
    shown = np.where((INDEX == 1)[..., None], 255, COLOURS[INDEX])
    assert np.array_equal(decode(S["png"](INDEX, 8, 3, extra=palette)), shown)
    rgb = S["png"](SCENE, 8, 2, extra=S["chunk"](b"tRNS", struct.pack(">3H", 255, 0, 0)))
    assert np.array_equal(decode(rgb), np.where((SCENE == (255, 0, 0)).all(2)[..., None], 255, SCENE))


@pytest.mark.parametrize(("bits", "step"), [(1, 255), (2, 85), (4, 17), (8, 1)])
def test_transparent_grey_of_png(bits: int, step: int) -> None:
    values = (np.arange(24 * 32).reshape(24, 32) * 7) % (1 << bits)
    packed = np.packbits((values[..., None] >> np.arange(bits)[::-1] & 1).reshape(24, -1), axis=1)
    data = S["png"](packed, bits, 0, width=32, extra=S["chunk"](b"tRNS", b"\0\1"))
    assert np.array_equal(decode(data), np.repeat(np.where(values == 1, 255, values * step)[..., None], 3, axis=2))


def test_transparent_grey_of_16_bit_png() -> None:
    values = GREY * np.uint16(257)
    data = S["png"](values, 16, 0, extra=S["chunk"](b"tRNS", struct.pack(">H", values[20, 20])))
    assert np.array_equal(decode(data)[:, :, 1], np.where(values == values[20, 20], 255, GREY))


def test_transparent_and_uncovered_gif() -> None:
    shown = np.where((INDEX == 2)[..., None], 255, COLOURS[INDEX])
    assert np.array_equal(decode(S["gif"](INDEX, transparent=2)), shown)
    for transparent, inside in ((None, COLOURS[INDEX]), (2, shown)):
        canvas = np.full((40, 50, 3), 255, np.uint8)
        canvas[5:29, 3:35] = inside
        data = S["gif"](INDEX, canvas=(50, 40), at=(3, 5), transparent=transparent)
        assert np.array_equal(decode(data), canvas)


def test_bmp_transparency() -> None:
    masks = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    assert np.abs(decode(S["bmp"](BGRA, 32, size=108, compression=3, masks=masks)).astype(int) - ON_WHITE).max() <= 1
    never_meant = BGRA.copy()
    never_meant[:, :, 3] = 0
    assert np.array_equal(decode(S["bmp"](never_meant, 32, size=108, compression=3, masks=masks)), SCENE)
    assert np.array_equal(decode(S["bmp"](BGRA, 32)), SCENE)  # the fourth byte means nothing here


# Depth and colour ----------------------------------------------------------------------------------------------------


def test_16_bits_are_scaled_and_not_cut() -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (24, 32, 3)).astype(np.uint16)
    deep[0, :4, 0] = (0, 65535, 128, 129)
    truth = np.round(deep / 257).astype(np.uint8)
    grey = np.repeat(truth[:, :, :1], 3, axis=2)
    assert np.array_equal(decode(S["png"](deep, 16, 2)), truth)
    assert np.array_equal(decode(S["png"](deep[:, :, 0], 16, 0)), grey)
    for order in "<>":
        assert np.array_equal(decode(S["tiff"](deep, order=order)), truth)
        assert np.array_equal(decode(S["tiff"](deep[:, :, 0], photometric=1, order=order)), grey)
        assert np.array_equal(decode(S["tiff"](deep[:, :, 0], photometric=0, order=order)), 255 - grey)
    assert np.array_equal(decode(S["tiff"](deep.transpose(2, 0, 1), planar=True)), truth)


@pytest.mark.parametrize("depth", [10, 12])
def test_deep_avif(depth: int) -> None:
    most = (1 << depth) - 1
    deep = (SCENE.astype(np.uint32) * most // 255).astype(np.uint16)
    assert off(decode(S["avif"](deep, depth=depth)), SCENE) < 1.5
    deep_rgba = (RGBA.astype(np.uint32) * most // 255).astype(np.uint16)
    assert off(decode(S["avif"](deep_rgba, depth=depth)), ON_WHITE) < 1.5


def test_grey() -> None:
    truth = np.repeat(GREY[..., None], 3, axis=2)
    assert np.array_equal(decode(S["png"](GREY, 8, 0)), truth)
    assert np.array_equal(decode(S["tiff"](GREY, photometric=1)), truth)
    assert np.array_equal(decode(S["tiff"](GREY, photometric=0)), 255 - truth)
    assert np.array_equal(decode(S["encode"](".bmp", GREY)), truth)
    assert off(decode(S["encode"](".jpg", GREY, cv2.IMWRITE_JPEG_QUALITY, 98)), truth) < 1
    assert off(decode(S["GREY_AVIF"]), truth) < 2
    on_white = decode(S["png"](RGBA[:, :, [0, 3]], 8, 4))
    assert np.abs(on_white[:, :, 0].astype(int) - ON_WHITE[:, :, 0]).max() <= 1


def test_palettes() -> None:
    table = np.zeros((16, 4), np.uint8)
    table[:4, :3] = COLOURS[:, ::-1]
    packed = (INDEX[:, ::2] << 4 | INDEX[:, 1::2]).astype(np.uint8)
    for data in (
        S["png"](INDEX, 8, 3, extra=S["chunk"](b"PLTE", COLOURS.tobytes())),
        S["png"](packed, 4, 3, width=32, extra=S["chunk"](b"PLTE", COLOURS.tobytes())),
        S["bmp"](packed, 4, width=32, palette=table.tobytes()),
        S["bmp"](INDEX.astype(np.uint8), 8, palette=table.tobytes()),
        S["gif"](INDEX),
    ):
        assert np.array_equal(decode(data), COLOURS[INDEX])


def test_cmyk() -> None:
    assert off(decode(S["CMYK_JPEG"]), SCENE) < 2
    ink = np.dstack([255 - SCENE, np.zeros_like(GREY)])
    assert np.array_equal(decode(S["tiff"](ink, photometric=5)), SCENE)


@pytest.mark.parametrize("size", [12, 40, 64, 108, 124])
@pytest.mark.parametrize("top_down", [False, True])
def test_bmp_headers(size: int, top_down: bool) -> None:
    top_down = top_down and size > 12  # the oldest header cannot say so
    assert np.array_equal(decode(S["bmp"](BGR, 24, size=size, top_down=top_down)), SCENE)


def test_progressive_jpeg_and_animations() -> None:
    assert off(decode(S["jpeg"](SCENE, 0, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)), SCENE) < 4
    assert off(decode(S["jpeg"](SCENE, 0, cv2.IMWRITE_JPEG_RST_INTERVAL, 1)), SCENE) < 4
    control = S["chunk"](b"acTL", struct.pack(">II", 2, 0)) + S["chunk"](
        b"fcTL", struct.pack(">IIIIIHHBB", 0, 32, 24, 0, 0, 1, 10, 0, 0)
    )
    assert np.array_equal(decode(S["png"](SCENE, 8, 2, extra=control)), SCENE)
    two = S["gif"](INDEX)[:-1] + S["gif"]((INDEX + 1) % 4)[25:]
    assert np.array_equal(decode(two), COLOURS[INDEX])


def test_floating_point_is_refused_in_words() -> None:
    data = S["tiff"](SCENE.astype(np.uint32), tags=((339, 3, 3),))
    assert "floating-point values, which have no agreed range; save it as 8-bit RGB TIFF or PNG" in error(data)


# Files that end early or late ----------------------------------------------------------------------------------------


def test_what_may_be_missing_at_the_end() -> None:
    jpeg = S["jpeg"](SCENE)
    assert np.array_equal(decode(jpeg[:-2]), decode(jpeg))  # the end marker
    png = S["png"](SCENE, 8, 2)
    assert np.array_equal(decode(png[:-12]), SCENE)  # the last chunk, which says nothing
    assert np.array_equal(decode(S["gif"](INDEX)[:-1]), COLOURS[INDEX])


@pytest.mark.parametrize("options", [(), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1), (cv2.IMWRITE_JPEG_RST_INTERVAL, 1)])
@pytest.mark.parametrize("end", [b"", b"\xff\xd9"])
def test_half_a_jpeg_is_no_picture(options: tuple[int, ...], end: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    data = S["jpeg"](SCENE, 0, *options)
    scan = data.rindex(b"\xff\xda") + 16
    for cut in range(scan, len(data) - 8, 9):
        assert "truncated" in error(data[:cut] + end) or "cannot be decoded" in error(data[:cut] + end)
    assert capfd.readouterr() == ("", "")


def test_a_progressive_jpeg_must_be_whole() -> None:
    """Libjpeg is content with the first scans, and says nothing."""
    data = S["jpeg"](SCENE, 0, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    assert "truncated" in error(data[:-2])
    assert "truncated" in error(data[: data.rindex(b"\xff\xc4")])


def test_a_jpeg_made_to_keep_us_busy() -> None:
    data = S["jpeg"](SCENE, 0, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    scan = data[data.rindex(b"\xff\xda") : -2]
    assert "more than 500 scans" in error(data[:-2] + scan * 501 + b"\xff\xd9")
    assert "more than 100000 markers" in error(data[:-2] + b"\xff\x01" * 100_001)


def test_checksums_of_png(capfd: pytest.CaptureFixture[str]) -> None:
    png = S["png"](SCENE, 8, 2, extra=S["chunk"](b"tEXt", b"Comment\0hello") + S["chunk"](b"iCCP", b"bad\0\0profile"))
    assert np.array_equal(decode(png), SCENE)
    assert np.array_equal(decode(png.replace(b"hello", b"hallo")), SCENE)  # not needed for the picture
    at = png.index(b"IDAT") + 9
    assert "checksum of its IDAT chunk is wrong" in error(png[:at] + bytes([png[at] ^ 1]) + png[at + 1 :])
    assert capfd.readouterr() == ("", "")


def test_png_data_that_are_wrong_under_a_right_checksum(capfd: pytest.CaptureFixture[str]) -> None:
    png = S["png"](SCENE, 8, 2)
    at = png.index(b"IDAT") - 4
    assert "cannot be decoded" in error(png[:at] + S["chunk"](b"IDAT", b"x" * 50) + S["chunk"](b"IEND", b""))
    assert "truncated" in error(png[:at])
    assert capfd.readouterr() == ("", "")
