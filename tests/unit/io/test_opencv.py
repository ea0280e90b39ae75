from __future__ import annotations

import os
import runpy
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from holopose.io.opencv import decode, load_opencv

S: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "picture_samples.py"))
SCENE = S["scene"]()
JPEG = S["jpeg"](SCENE)
CUT_JPEG = JPEG[: len(JPEG) * 2 // 3] + b"\xff\xd9"
PNG = S["png"](SCENE, 8, 2)
BAD_PNG = bytes([*PNG[:60], PNG[60] ^ 255, *PNG[61:]])
BAD_TIFF = S["encode"](".tif", SCENE)[:-20]


def log_level() -> Any:
    return (cv2 if hasattr(cv2, "getLogLevel") else cv2.utils.logging).getLogLevel()


def test_pictures_as_asked_for() -> None:
    image, complaint = decode(PNG, rgb=True)
    assert complaint == ""
    assert np.array_equal(image, SCENE)
    assert np.array_equal(decode(PNG, rgb=False)[0], SCENE[:, :, ::-1])
    assert decode(S["png"](SCENE[:, :, 0], 16, 0), rgb=False)[0].dtype == np.uint16
    turned, _ = decode(S["jpeg"](SCENE, 6), rgb=True)
    assert turned.shape == SCENE.shape


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_bytes_like_input(kind: Any) -> None:
    assert np.array_equal(decode(kind(PNG), rgb=True)[0], SCENE)


@pytest.mark.parametrize(
    ("data", "decoded", "complaint"),
    [
        (CUT_JPEG, True, "Corrupt JPEG data: premature end of data segment"),
        (BAD_PNG, False, "libpng error: IDAT"),
        (BAD_TIFF, False, ""),
        (b"no picture at all", False, ""),
        (b"", False, "buf.empty()"),
    ],
)
def test_complaints_are_returned_and_not_printed(
    data: bytes, decoded: bool, complaint: str, capfd: pytest.CaptureFixture[str]
) -> None:
    level = log_level()
    image, heard = decode(data, rgb=True)
    assert (image is not None) is decoded
    assert complaint in heard
    assert "\n" not in heard
    assert capfd.readouterr() == ("", "")
    assert log_level() == level


def test_opencv_itself_would_have_printed(capfd: pytest.CaptureFixture[str]) -> None:
    """Otherwise the test above could not fail."""
    for data in (CUT_JPEG, BAD_PNG):
        cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert capfd.readouterr().err


def test_stderr_works_afterwards(capfd: pytest.CaptureFixture[str]) -> None:
    decode(CUT_JPEG, rgb=True)
    os.write(2, b"still here\n")
    assert capfd.readouterr().err == "still here\n"


def test_what_others_write_meanwhile_is_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    stop = threading.Event()
    lines = []

    def write() -> None:
        while not stop.is_set():
            lines.append(f"line {len(lines)}\n")
            os.write(2, lines[-1].encode())

    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(50):
        decode(CUT_JPEG, rgb=True)
    stop.set()
    writer.join()
    heard = capfd.readouterr().err
    assert sorted(heard.splitlines(keepends=True)) == sorted(lines)


def test_threads_do_not_mix_up_pictures_or_complaints(capfd: pytest.CaptureFixture[str]) -> None:
    level = log_level()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda data: decode(data, rgb=True), [JPEG, CUT_JPEG, PNG] * 30))
    assert [bool(complaint) for _, complaint in answers] == [False, True, False] * 30
    assert all(np.array_equal(image, SCENE) for image, _ in answers[2::3])
    assert capfd.readouterr() == ("", "")
    assert log_level() == level


def python(code: str, data: bytes, **environment: str) -> str:
    """What `code` prints in a fresh interpreter, given `data`."""
    ran = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import os\nfrom holopose.io.opencv import decode, load_opencv\ndata = {data!r}\n{code}",
        ],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_opencv_own_limit_does_not_count() -> None:
    code = "print(decode(data, rgb=True)[0].shape, os.environ['OPENCV_IO_MAX_IMAGE_PIXELS'])"
    assert python(code, PNG, OPENCV_IO_MAX_IMAGE_PIXELS="100") == "(24, 32, 3) 100"
    early = "import cv2\nimage, complaint = decode(data, rgb=True)\nprint(image, 'CV_IO_MAX_IMAGE' in complaint)"
    assert python(early, PNG, OPENCV_IO_MAX_IMAGE_PIXELS="100") == "None True"


def test_loading_leaves_the_environment_alone() -> None:
    code = "load_opencv()\nprint(os.environ.get('OPENCV_IO_MAX_IMAGE_PIXELS'))"
    assert python(code, b"") == os.environ.get("OPENCV_IO_MAX_IMAGE_PIXELS", "None")
    assert python(code, b"", OPENCV_IO_MAX_IMAGE_PIXELS="123") == "123"
    assert load_opencv() is cv2


def test_a_closed_stderr_is_no_obstacle() -> None:
    code = "os.close(2)\nimage, complaint = decode(data, rgb=True)\nprint(image.shape, repr(complaint))"
    assert python(code, CUT_JPEG) == "(24, 32, 3) ''"
