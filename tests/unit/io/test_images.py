from __future__ import annotations

import base64
import os
import runpy
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from holopose.errors import ConfigError, InputError
from holopose.io.images import name_input, read_image

S: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "picture_samples.py"))
SCENE = S["scene"]()
PNG = S["png"](SCENE, 8, 2)
JPEG = S["jpeg"](SCENE)
BMP = S["bmp"](SCENE[:, :, ::-1], 24)
ROOT_USER = hasattr(os, "geteuid") and os.geteuid() == 0


class Named:
    """A path-like object."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return str(self.path)


def error(source: Any, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        read_image(source, **options)
    message = str(caught.value)
    assert message.isprintable()  # and so on one line
    return message


# What goes in --------------------------------------------------------------------------------------------------------


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    for source in (path, str(path), Named(path)):
        frame = read_image(source, index=3)  # type: ignore[arg-type]
        assert np.array_equal(frame.image, SCENE)
        assert (frame.name, frame.index, frame.time_s) == (str(path), 3, None)


def test_the_name_is_the_path_as_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.png").write_bytes(PNG)
    assert read_image("a.png").name == "a.png"
    assert read_image(Path("a.png")).name == "a.png"


def test_bytes() -> None:
    strided = memoryview(np.repeat(np.frombuffer(PNG, np.uint8), 2))[::2]
    for source in (PNG, bytearray(PNG), memoryview(PNG), strided):
        frame = read_image(source)
        assert np.array_equal(frame.image, SCENE)
        assert (frame.name, frame.index) == ("<bytes>", 0)


def test_the_frame_does_not_share_memory_with_its_input() -> None:
    data = bytearray(BMP)
    frame = read_image(data)
    data[60:] = bytes(len(data) - 60)
    assert np.array_equal(frame.image, SCENE)
    assert not frame.image.flags.writeable


def test_the_name_of_the_file_does_not_decide(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(PNG)
    assert np.array_equal(read_image(path).image, SCENE)


def test_names_of_inputs() -> None:
    assert name_input(Path("x") / "a.jpg") == str(Path("x") / "a.jpg")
    assert name_input(bytearray(b"1")) == name_input(memoryview(b"1")) == "<bytes>"
    assert name_input(5) == "<int>"


def test_the_smallest_pictures() -> None:
    for height, width in ((1, 1), (1, 9), (9, 1)):
        rgb = np.arange(height * width * 3, dtype=np.uint8).reshape(height, width, 3)
        rgba = np.dstack([rgb, np.full((height, width), 255, np.uint8)])
        for data in (
            S["png"](rgb, 8, 2),
            S["png"](rgba, 8, 6),
            S["webp"](rgb),
            S["tiff"](rgb),
            S["tiff"](rgba * np.uint16(257), extra=(2,)),
            S["bmp"](rgb[:, :, ::-1], 24),
        ):
            assert np.array_equal(read_image(data).image, rgb)


# What is wrong with a file -------------------------------------------------------------------------------------------


def test_missing(tmp_path: Path) -> None:
    assert error(tmp_path / "no.jpg") == f"{tmp_path / 'no.jpg'}: does not exist"
    assert error("") == ": does not exist"
    assert error("https://example.org/a.jpg").endswith("holopose reads files of this machine only, fetch it first")


def test_folder(tmp_path: Path) -> None:
    assert error(tmp_path) == f"{tmp_path}: is a folder; give its pictures one by one, such as {tmp_path}/*.jpg"


def test_a_file_used_as_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    assert "a.png" in error(tmp_path / "a.png" / "b.png")


def test_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.touch()
    assert error(path) == f"{path}: is empty (0 bytes)"
    assert error(b"") == "<bytes>: is empty (0 bytes)"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    path.chmod(0)
    if ROOT_USER:
        os.seteuid(65534)  # the superuser may read everything
    try:
        message = error(path)
    finally:
        if ROOT_USER:
            os.seteuid(0)
    assert message == f"{path}: cannot be read: Permission denied"


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux' /proc")
def test_a_file_that_fails_while_it_is_read() -> None:
    assert error("/proc/self/mem") == "/proc/self/mem: cannot be read: Input/output error"


@pytest.mark.skipif(sys.platform == "win32", reason="needs Unix")
def test_what_is_no_ordinary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert error(tmp_path / "pipe").endswith("pipe: is not an ordinary file (a device, pipe or socket)")
    assert "not an ordinary file" in error("/dev/zero")
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        assert "not an ordinary file" in error("socket")


@pytest.mark.parametrize("source", [None, 5, SCENE, ["a.jpg"]])
def test_wrong_types(source: Any) -> None:
    message = error(source)
    assert message.startswith(f"expected a path or the bytes of a picture file, got {type(source).__name__}")
    assert "Frame.from_rgb" in message


@pytest.mark.parametrize("name", ["a\nb.jpg", "a\x00b.jpg", "a\x1b[31m.jpg", "a\udcffb.jpg", "a\u202egpj.exe"])
def test_strange_names_stay_on_one_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert error(name).startswith("a\\")


def test_not_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_text("%PDF-1.4", encoding="utf-8")
    assert error(path).startswith(f"{path}: is not a picture holopose reads; it looks like a PDF; expected JPEG, PNG")


CUT = {
    "jpeg": JPEG[: len(JPEG) * 2 // 3],
    "jpeg with an end": JPEG[: len(JPEG) * 2 // 3] + b"\xff\xd9",
    "png": PNG[: len(PNG) * 2 // 3],
    "webp": S["webp"](SCENE)[:-40],
    "bmp": BMP[:-40],
    "tiff": S["tiff"](SCENE)[:-40],
    "tiff by opencv": S["encode"](".tif", SCENE)[:-40],
    "gif": S["gif"](np.arange(768).reshape(24, 32) % 4)[:-40],
    "avif": S["avif"](SCENE)[:-40],
    "heic": S["HEIC"][:-40],
}


@pytest.mark.parametrize("name", CUT)
def test_truncated(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cut.bin"
    path.write_bytes(CUT[name])
    assert error(path).startswith(f"{path}: ")
    assert "truncated" in error(path)
    assert capfd.readouterr() == ("", "")


def test_declared_and_true_size_must_agree() -> None:
    taller = JPEG.replace(struct.pack(">HH", 24, 32), struct.pack(">HH", 240, 32))
    assert taller != JPEG
    assert "truncated or damaged" in error(taller)
    webp = S["webp"](SCENE, 1)
    wider = webp[:24] + b"\x2f" + webp[25:]  # the canvas says 48, the picture 32
    assert "damaged" in error(wider)


# Limits --------------------------------------------------------------------------------------------------------------


def test_limit_on_pixels(tmp_path: Path) -> None:
    assert read_image(PNG, max_megapixels=768e-6).size_wh == (32, 24)
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    message = error(path, max_megapixels=767e-6)
    assert message.startswith(f"{path}: 32 x 24 pixels (0.0 megapixels) are more than max_megapixels (0.000767) allows")
    assert read_image(PNG, max_megapixels=float("inf")).size_wh == (32, 24)


def declared(format: str, width: int, height: int) -> bytes:
    """A little file that declares a huge picture."""
    if format == "png":
        head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        return PNG[:8] + S["chunk"](b"IHDR", head) + PNG[33:]
    if format == "bmp":
        return BMP[:18] + struct.pack("<ii", width, height) + BMP[26:]
    return S["tiff"](SCENE, tags=((256, 4, width), (257, 4, height)))  # type: ignore[no-any-return]


@pytest.mark.parametrize("format", ["png", "bmp", "tiff"])
@pytest.mark.parametrize(
    ("width", "height"),
    [(10_001, 10_000), (65536, 65536), (2**31 - 1, 2**31 - 1), (2**31 - 1, 1), (1, 2**31 - 1), (2**31 - 1, 3)],
)
def test_bombs_are_refused_before_they_are_decoded(format: str, width: int, height: int) -> None:
    """Some of these products are small when cut to 32 bits."""
    message = error(declared(format, width, height))
    assert f"{width} x {height} pixels" in message
    assert "max_megapixels (100)" in message


@pytest.mark.parametrize("value", [0, -1, float("nan"), "100", None, True])
def test_limits_that_make_no_sense(value: Any) -> None:
    with pytest.raises(ConfigError, match="max_megapixels: expected a number above 0"):
        read_image(PNG, max_megapixels=value)


def test_a_file_far_larger_than_any_picture_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.bmp"
    with path.open("wb") as file:
        file.write(BMP)
        file.truncate(300_000_000)  # a hole: takes no room
    assert "300 MB are more than any picture within max_megapixels (1)" in error(path, max_megapixels=1)


def test_opencv_that_was_loaded_with_a_lower_limit() -> None:
    code = f"""
import base64, cv2
from holopose.io.images import read_image
from holopose.errors import InputError
try:
    read_image(base64.b64decode({base64.b64encode(PNG)!r}))
except InputError as error:
    print(error)
"""
    environment = {**os.environ, "OPENCV_IO_MAX_IMAGE_PIXELS": "100"}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("<bytes>: 32 x 24 pixels are more than OpenCV was told to accept")
    assert ran.stdout.count("\n") == 1
    assert ran.stderr == ""


# HEIC ----------------------------------------------------------------------------------------------------------------


def test_heic_without_the_optional_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    message = error(S["HEIC"])
    assert message == '<bytes>: HEIC needs an optional package; install it with: pip install "holopose[heic]"'


TURNS = [
    (1, ()),
    (2, ((b"imir", b"\1"),)),
    (3, ((b"irot", b"\2"),)),
    (4, ((b"imir", b"\0"),)),
    (5, ((b"irot", b"\1"), (b"imir", b"\0"))),
    (6, ((b"irot", b"\3"),)),
    (7, ((b"irot", b"\3"), (b"imir", b"\0"))),
    (8, ((b"irot", b"\1"),)),
]


@pytest.mark.parametrize(("orientation", "turns"), TURNS)
def test_heic(orientation: int, turns: tuple[tuple[bytes, bytes], ...]) -> None:
    data = S["with_properties"](S["HEIC"], *turns)
    image = read_image(data).image
    shown = S["turned"](SCENE, orientation)
    assert image.shape == shown.shape
    assert np.abs(image.astype(int) - shown).mean() < 6
    assert np.array_equal(read_image(data).image, image)  # pi-heif's own memory is not lent out


def test_heic_transparency() -> None:
    image = read_image(S["HEIC_ALPHA"]).image
    assert (image[:, :6] > 245).all()
    assert np.abs(image[:, 20:].astype(int) - SCENE[:, 20:]).mean() < 6


def test_bytes_may_have_a_name(tmp_path: Path) -> None:
    assert read_image(PNG, name="a.zip/b.png").name == "a.zip/b.png"
    (tmp_path / "c.png").write_bytes(PNG)
    assert read_image(tmp_path / "c.png", name="d").name == "d"
    with pytest.raises(InputError, match=r"^a\.zip/b\\n\.png: is truncated"):
        read_image(PNG[:-30], name="a.zip/b\n.png")
