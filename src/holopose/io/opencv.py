"""Owns the calls into OpenCV's picture decoders: quietly, and without its own limit on pixels in the way.

OpenCV's log goes silent for the call. libjpeg and libpng write their complaints straight to file descriptor 2; that is
turned into a temporary file for the call, so that nothing is printed and the caller learns what was wrong: libjpeg
fills what is missing with grey and tells nobody else. All this belongs to the whole process, so one call runs at a
time; what other threads wrote to stderr meanwhile is passed on afterwards.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["decode", "load_opencv"]

_LIMIT = "OPENCV_IO_MAX_IMAGE_PIXELS"
_lock = threading.Lock()
_COMPLAINT = re.compile(
    rb"(?:Corrupt JPEG data: |Premature end of JPEG |Invalid SOS param|Inconsistent progression |Unknown Adobe color |"
    rb"Warning: unknown JFIF |Application transferred |libpng (?:warning|error): )[^\n]*\n?"
)


def load_opencv() -> ModuleType:
    """The module cv2, loaded with its own pixel limit out of the way (it is read once, while loading).

    The limit that counts is the one of `read_image`, checked before anything is decoded.
    """
    if "cv2" not in sys.modules:
        before = os.environ.get(_LIMIT)
        os.environ[_LIMIT] = str(2**40)
        try:
            import cv2
        finally:
            if before is None:
                del os.environ[_LIMIT]
            else:
                os.environ[_LIMIT] = before
    import cv2

    return cv2


class _Complaints:
    """What a decoder wrote to stderr; `text` is filled when the listening ends."""

    text = ""


@contextmanager
def _listening() -> Iterator[_Complaints]:
    """Keep file descriptor 2 for ourselves; where it is closed or no temporary file can be had, do nothing."""
    heard = _Complaints()
    try:
        kept = os.dup(2)
    except OSError:  # closed: nobody can be disturbed
        yield heard
        return
    try:
        try:
            file = tempfile.TemporaryFile()  # noqa: SIM115 (closed below, after stderr is back)
        except OSError:
            yield heard
            return
        with file:
            _append_only(file.fileno())
            os.dup2(file.fileno(), 2)
            try:
                yield heard
            finally:
                os.dup2(kept, 2)
                file.seek(0)
                written = file.read()
                heard.text = b" ".join(_COMPLAINT.findall(written)).decode("utf-8", "replace")
                if rest := _COMPLAINT.sub(b"", written):
                    os.write(2, rest)
    finally:
        os.close(kept)


def _append_only(descriptor: int) -> None:
    """Let writes of several threads follow one another, where the platform can: else they may fall on each other."""
    if sys.platform != "win32":
        import fcntl

        flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_APPEND)


@contextmanager
def _log_off(cv2: Any) -> Iterator[None]:
    """Silence OpenCV's log (its functions moved in 4.13)."""
    log = cv2 if hasattr(cv2, "setLogLevel") else cv2.utils.logging
    level = log.getLogLevel()
    log.setLogLevel(0)
    try:
        yield
    finally:
        log.setLogLevel(level)


def decode(data: bytes | bytearray | memoryview, *, rgb: bool) -> tuple[npt.NDArray[Any] | None, str]:
    """The picture in `data` as OpenCV gives it, unturned, and what its libraries complained about.

    Args:
        data: A whole file.
        rgb: True asks for (H, W, 3) uint8 RGB, transparency dropped; False for the picture as stored: (H, W) or
            (H, W, 3 or 4) in BGR(A) order, uint8 or uint16.

    Returns:
        The array, None if OpenCV cannot decode it; and complaints, empty if there were none.

    Raises:
        MemoryError: there is not enough memory.
    """
    cv2: Any = load_opencv()
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION if rgb else cv2.IMREAD_UNCHANGED
    problem = ""
    image = None
    with _lock, _log_off(cv2), _listening() as heard:
        try:
            image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
        except cv2.error as error:
            problem = str(error.err or error)
            if error.code == cv2.Error.StsNoMem:
                raise MemoryError(problem) from error
    return image, " ".join(" ".join((heard.text, problem)).split())
