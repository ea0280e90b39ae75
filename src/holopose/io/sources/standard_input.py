"""Owns what comes through a pipe: telling a picture from a video by the first bytes, and handing on all of them."""

from __future__ import annotations

import io
import struct
import sys
import tempfile
from typing import Any, BinaryIO, Literal, cast

from holopose.errors import InputError
from holopose.io.headers import recognise
from holopose.io.sources.kinds import HEAD_BYTES, kind_of_bytes

__all__ = ["open_standard_input"]

_SHOWN = "<stdin>"
_PIECE = 1 << 20
_MOST_PICTURE_BYTES = 1 << 30


def open_standard_input(
    stream: BinaryIO | None = None,
) -> tuple[Literal["picture"], bytes] | tuple[Literal["video"], BinaryIO]:
    """The picture or the video that comes through standard input.

    A picture is read whole. A video is not: it is handed on as it comes, so that a stream without an end works too.
    Only an MP4 or MOV whose index stands at its end (as phones write them) is first copied to a temporary file, which
    has no name and is gone when it is closed: it cannot be decoded before its end has come.

    Args:
        stream: Read instead of standard input.

    Returns:
        ``picture`` and the bytes of the file, or ``video`` and a file to read it from, to be closed by the caller.

    Raises:
        InputError: nothing comes, it is neither picture nor video, or standard input is a keyboard.
    """
    source = _standard_input() if stream is None else stream
    try:
        head = _read_up_to(source, HEAD_BYTES)
        kind = kind_of_bytes(head)
        if kind == "picture":
            return "picture", _read_picture(source, head)
        if kind == "video":
            return "video", _open_video(source, head)
    except OSError as error:
        raise InputError(f"{_SHOWN}: cannot be read: {error.strerror or error}") from error
    if kind == "archive":
        raise InputError(f"{_SHOWN}: is an archive, which is not read from a pipe; give the file itself")
    recognise(memoryview(head), name=_SHOWN)  # says what it looks like
    raise InputError(f"{_SHOWN}: expected a picture or a video, got something else")


def _standard_input() -> BinaryIO:
    if sys.stdin is None:
        raise InputError(f"{_SHOWN}: there is no standard input")
    if sys.stdin.isatty():
        raise InputError(f"{_SHOWN}: is the keyboard; send a picture or a video through a pipe: cat clip.mp4 | ...")
    # Without Python's own buffer, whose lock a thread that waits for the pipe would hold when the program ends.
    return cast("BinaryIO", getattr(sys.stdin.buffer, "raw", sys.stdin.buffer))


def _read_up_to(source: BinaryIO, count: int) -> bytes:
    """As many bytes, or all there are; a pipe gives them in pieces."""
    pieces = []
    while count and (piece := source.read(count)):
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)


def _read_picture(source: BinaryIO, head: bytes) -> bytes:
    data = head + _read_up_to(source, _MOST_PICTURE_BYTES - len(head))
    if len(data) == _MOST_PICTURE_BYTES:
        raise InputError(f"{_SHOWN}: is larger than {_MOST_PICTURE_BYTES >> 20} MB, too large for a picture")
    return data


def _open_video(source: BinaryIO, head: bytes) -> BinaryIO:
    if _is_seekable(source):
        source.seek(-len(head), io.SEEK_CUR)
        return source
    whole = _Continued(head, source)
    if not _has_index_late(head):
        return io.BufferedReader(whole, _PIECE)
    copy = tempfile.TemporaryFile()  # noqa: SIM115 (the caller closes it)
    try:
        while piece := whole.read(_PIECE):
            copy.write(piece)
        copy.seek(0)
    except BaseException:
        copy.close()
        raise
    return cast("BinaryIO", copy)


def _is_seekable(source: BinaryIO) -> bool:
    seekable = getattr(source, "seekable", None)
    return bool(seekable and seekable())


def _has_index_late(head: bytes) -> bool:
    """Whether an MP4 or MOV begins with its pictures, and so has its index (``moov``) after them."""
    at = 0
    while at + 8 <= len(head):
        size, kind = struct.unpack_from(">I4s", head, at)
        if kind == b"mdat":
            return True
        if kind not in (b"ftyp", b"wide", b"free", b"skip", b"uuid", b"pnot") or size < 8:
            return False
        at += size
    return False


class _Continued(io.RawIOBase):
    """A stream whose first bytes were read already, from its beginning."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        super().__init__()
        self._head = memoryview(head)
        self._rest = rest
        self._read: Any = getattr(rest, "read1", rest.read)  # what is there, without waiting for more

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer with what is there; 0 at the end."""
        data = self._head[: len(buffer)] if self._head else self._read(len(buffer))
        self._head = self._head[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)
