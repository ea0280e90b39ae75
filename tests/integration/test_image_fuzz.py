"""Damaged pictures: one line that says what is wrong, or a picture of the declared size, nothing printed."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from holopose.errors import InputError
from holopose.io.headers import read_header
from holopose.io.images import read_image
from holopose.types import Frame

S: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[1] / "picture_samples.py"))
SCENE = S["scene"]()
RGBA = np.dstack([SCENE, S["opacity"]()])
INDEX = np.arange(24 * 32).reshape(24, 32) % 4
PALETTE = S["chunk"](b"PLTE", np.array(S["PALETTE"], np.uint8).tobytes())
MASKS = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)

PICTURES: dict[str, bytes] = {
    "jpeg": S["jpeg"](SCENE, 6),
    "jpeg progressive": S["jpeg"](SCENE, 0, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "jpeg restarts": S["jpeg"](SCENE, 0, cv2.IMWRITE_JPEG_RST_INTERVAL, 1),
    "jpeg grey": S["encode"](".jpg", SCENE[:, :, 0]),
    "jpeg cmyk": S["CMYK_JPEG"],
    "png": S["png"](SCENE, 8, 2, orientation=8),
    "png alpha": S["png"](RGBA, 8, 6),
    "png 16": S["png"](SCENE * np.uint16(257), 16, 2),
    "png palette": S["png"](INDEX, 8, 3, extra=PALETTE + S["chunk"](b"tRNS", b"\0")),
    "webp": S["webp"](SCENE, 5),
    "webp lossy alpha": S["webp"](RGBA, quality=80),
    "bmp": S["bmp"](SCENE[:, :, ::-1], 24),
    "bmp alpha": S["bmp"](RGBA, 32, size=108, compression=3, masks=MASKS, top_down=True),
    "bmp palette": S["bmp"](INDEX.astype(np.uint8), 8, palette=bytes(range(64))),
    "tiff": S["tiff"](SCENE, orientation=7),
    "tiff tiles": S["tiff"](S["scene"](80, 60), orientation=3, order=">", tile=32),
    "tiff 16 alpha": S["tiff"](RGBA * np.uint16(257), extra=(2,), big=True),
    "tiff compressed": S["encode"](".tif", SCENE),
    "gif": S["gif"](INDEX, transparent=1),
    "gif offset": S["gif"](INDEX, canvas=(50, 40), at=(3, 5)),
    "avif": S["avif"](SCENE, (b"irot", b"\1")),
    "avif alpha": S["avif"](RGBA),
    "heic": S["HEIC"],
}
EXTREMES = [b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\1\0\0", b"\x80\0\0\0"]

Change = tuple[str, float, Any]
changes = st.one_of(
    st.tuples(st.just("cut"), st.floats(0, 1), st.none()),
    st.tuples(st.just("flip"), st.floats(0, 1), st.integers(0, 7)),
    st.tuples(st.just("flip early"), st.floats(0, 1), st.integers(0, 7)),
    st.tuples(st.just("write"), st.floats(0, 1), st.binary(min_size=1, max_size=8)),
    st.tuples(st.just("write early"), st.floats(0, 1), st.sampled_from(EXTREMES)),
    st.tuples(st.just("insert"), st.floats(0, 1), st.binary(min_size=1, max_size=40)),
    st.tuples(st.just("remove"), st.floats(0, 1), st.integers(1, 40)),
    st.tuples(st.just("splice"), st.floats(0, 1), st.tuples(st.sampled_from(sorted(PICTURES)), st.floats(0, 1))),
    st.tuples(st.just("prefix"), st.just(0.0), st.binary(min_size=1, max_size=40)),
)


def damage(data: bytes, change: Change) -> bytes:
    kind, place, what = change
    reach = min(len(data), 128) if kind.endswith("early") else len(data)
    at = min(int(place * reach), max(len(data) - 1, 0))
    if kind == "cut":
        return data[:at]
    if kind.startswith("flip"):
        return data[:at] + bytes([data[at] ^ 1 << what]) + data[at + 1 :] if data else data
    if kind.startswith("write"):
        return data[:at] + what + data[at + len(what) :]
    if kind in ("insert", "prefix"):
        return data[:at] + what + data[at:]
    if kind == "remove":
        return data[:at] + data[at + what :]
    name, start = what
    return data[:at] + PICTURES[name][int(start * len(PICTURES[name])) :]


def frame_or_message(data: bytes) -> Frame | str:
    try:
        return read_image(data, max_megapixels=2)
    except InputError as error:
        return str(error)


@settings(max_examples=600, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(name=st.sampled_from(sorted(PICTURES)), harm=st.lists(changes, min_size=1, max_size=4))
@example(name="jpeg", harm=[("cut", 0.7, None), ("insert", 1.0, b"\xff\xd9")])
@example(name="png", harm=[("flip", 0.6, 3)])
@example(name="tiff compressed", harm=[("cut", 0.9, None)])
def test_damaged_pictures(name: str, harm: list[Change], capfd: pytest.CaptureFixture[str]) -> None:
    data = PICTURES[name]
    for change in harm:
        data = damage(data, change)
    result = frame_or_message(data)
    assert capfd.readouterr() == ("", "")
    if isinstance(result, str):
        assert result.startswith("<bytes>: ")
        assert result.isprintable()  # and so one line
    else:
        assert result.size_wh == read_header(data).size_wh


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_random_bytes(data: bytes) -> None:
    assert isinstance(frame_or_message(data), Frame | str)


@pytest.mark.parametrize("name", PICTURES)
def test_a_file_that_ends_early_is_never_half_a_picture(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Wherever it is cut: the whole picture, or a line that says so."""
    data = PICTURES[name]
    whole = read_image(data)
    cuts = {*range(0, len(data), 11), *range(max(0, len(data) - 40), len(data))}
    for cut in sorted(cuts):
        result = frame_or_message(data[:cut])
        if isinstance(result, Frame):
            assert np.array_equal(result.image, whole.image), f"cut at {cut} of {len(data)}"
        else:
            assert "truncated" in result or "is empty" in result or "is not a picture" in result, result
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", PICTURES)
def test_bytes_after_the_end_do_no_harm(name: str) -> None:
    data = PICTURES[name]
    for more in (b"more\xff\xd8" * 20, bytes(50), S["box"](b"free", b"more")):
        assert np.array_equal(read_image(data + more).image, read_image(data).image)


def test_heic_without_its_package_is_one_line_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    for cut in range(0, len(S["HEIC"]), 13):
        assert isinstance(frame_or_message(S["HEIC"][:cut]), str)


def test_real_pictures(shared: Path) -> None:
    """Photographs of all kinds are read whole, as wide and high as they say."""
    paths = [path for path in (shared / "data").rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png")]
    assert paths
    for path in paths:
        frame = read_image(path)
        assert frame.size_wh == read_header(path.read_bytes()).size_wh
        assert np.ptp(frame.image) > 50
