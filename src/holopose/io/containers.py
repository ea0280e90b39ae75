"""Owns opening clips with PyAV: a file or a stream as a container that follows no references and prints nothing.

FFmpeg can do much more than read a file: addresses, playlists and lists name other files and other machines. Here every
byte comes through `ClipFile`, nothing else can be opened, and only formats that hold their pictures themselves are
tried, whatever the file is called. PyAV is silent of itself; a program that wants FFmpeg's log asks for it with
``av.logging.set_level``, which is left alone.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from holopose.errors import InputError
from holopose.io.headers import one_line

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

__all__ = ["ClipFile", "ClipInput", "name_clip", "open_container", "pick_pictures"]

ClipInput = str | os.PathLike[str] | BinaryIO
"""A path, or a file opened in binary mode: standard input (``sys.stdin.buffer``), a socket's file, io.BytesIO."""

FORMATS = (
    *(
        "mov",
        "matroska",
        "avi",
        "mpegts",
        "mpeg",
        "asf",
        "flv",
        "live_flv",
        "ogg",
        "mxf",
        "gxf",
        "nut",
        "rm",
        "wtv",
        "dv",
    ),
    *("dhav", "ivf", "swf", "h264", "hevc", "vvc", "h263", "m4v", "mpegvideo", "av1", "obu", "vc1", "dirac", "mjpeg"),
    *("mjpeg_2000", "yuv4mpegpipe", "gif", "apng"),
)
"""FFmpeg's names of the formats that are read. What they have in common: pictures are in the file itself."""

_BUFFER_BYTES = 1 << 16
_HEAD_BYTES = 12


def name_clip(source: object) -> str:
    """What results and messages call a clip: the path as given, ``<stdin>`` or such for an opened file.

    >>> import io
    >>> name_clip("clips/a.mp4"), name_clip(io.BytesIO())
    ('clips/a.mp4', '<BytesIO>')
    """
    if isinstance(source, str | os.PathLike):
        return os.fsdecode(source)
    name = getattr(source, "name", None)
    return name if isinstance(name, str) and name else f"<{type(source).__name__}>"


class ClipFile:
    """The bytes of one clip as PyAV asks for them.

    What goes wrong while reading is kept in `error` and looks like the end of the file, because an exception cannot
    pass through FFmpeg; `check` raises what must not wait.

    Args:
        source: See `ClipInput`. A path is opened here and closed by `close`; an opened file stays the caller's.
        name: What messages call it.

    Raises:
        InputError: it cannot be opened, or is no binary file.
    """

    def __init__(self, source: ClipInput, *, name: str) -> None:
        self.head = b""
        self.error: BaseException | None = None
        self._name = one_line(name)
        self._own = isinstance(source, str | os.PathLike)
        if isinstance(source, str | os.PathLike):
            self._file: BinaryIO = _open_file(source, self._name)
        elif callable(getattr(source, "read", None)):
            self._file = source
        else:
            raise InputError(
                f"expected the path of a clip or a file opened in binary mode, got {type(source).__name__}"
            )
        self._read = getattr(self._file, "read1", self._file.read)  # read1 does not wait for the buffer to be full

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; empty at the end."""
        try:
            data = self._read(size) or b""
        except (OSError, ValueError, KeyboardInterrupt, SystemExit) as error:  # ValueError: closed meanwhile
            self.error = error
            return b""
        if not isinstance(data, bytes):
            self.error = InputError(f"{self._name}: expected a file opened in binary mode, got one of text")
            return b""
        if len(self.head) < _HEAD_BYTES:
            self.head += data[: _HEAD_BYTES - len(self.head)]
        return data

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """Whether the file can be read from another place, and so also once more."""
        seekable = getattr(self._file, "seekable", None)
        return bool(seekable()) if seekable is not None else False

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to another place; negative if there is no such place: damaged files ask for some."""
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError):
            return -errno.EINVAL

    def tell(self) -> int:
        """The place, in bytes."""
        return self._file.tell()

    def check(self) -> None:
        """Raise what interrupted the reading and is no matter of the file: Ctrl-C, the end of the program, misuse."""
        if isinstance(self.error, KeyboardInterrupt | SystemExit | InputError):
            raise self.error

    def close(self) -> None:
        """Close what was opened here; calling twice is harmless."""
        if self._own:
            self._file.close()


def _open_file(path: str | os.PathLike[str], shown: str) -> BinaryIO:
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 (Path("") is the working folder)
        if stat.S_ISDIR(mode):
            raise InputError(f"{shown}: is a folder; expected a clip")
        if not stat.S_ISREG(mode):
            raise InputError(f"{shown}: is not an ordinary file (a device, pipe or socket)")
        return Path(path).open("rb")
    except InputError:
        raise
    except FileNotFoundError as error:
        hint = "; only files of this machine can be read as a clip" if "://" in shown else ""
        raise InputError(f"{shown}: does not exist{hint}") from error
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte in it
        raise InputError(f"{shown}: cannot be read: {getattr(error, 'strerror', None) or error}") from error


def open_container(file: ClipFile, *, name: str, max_pixels: int = 1 << 30) -> InputContainer:
    """Open a clip for reading.

    Args:
        file: Its bytes.
        name: What messages call it.
        max_pixels: Decoders refuse pictures of more pixels, so that a small file cannot ask for all the memory.

    Returns:
        The container; closing it leaves `file` open.

    Raises:
        InputError: it is empty, no clip, cut off before anything can be read, or of a format that names other files.
    """
    import av

    shown = one_line(name)
    limits = {"max_pixels": str(max_pixels), "protocol_whitelist": "", "format_whitelist": ",".join(FORMATS)}
    try:
        container = av.open(
            file,
            mode="r",
            options=limits,
            metadata_errors="replace",
            buffer_size=_BUFFER_BYTES,
            io_open=_refuse,
        )
    except (av.FFmpegError, MemoryError) as error:
        file.check()
        raise InputError(f"{shown}: {_explain(file, error)}") from error
    for stream in container.streams.video:  # the limits above are those of the first look at the file
        if stream.codec_context is not None:
            stream.codec_context.options = {"max_pixels": str(max_pixels)}
    return container


def pick_pictures(container: InputContainer, file: ClipFile, *, name: str) -> VideoStream:
    """The stream of moving pictures: the one FFmpeg takes for the best; covers of songs are none.

    Raises:
        InputError: there is none, or nothing here can decode it.
    """
    from av.stream import Disposition

    shown = one_line(name)
    streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not streams:
        if container.streams.audio:
            raise InputError(f"{shown}: has sound but no moving pictures")
        reason = "has no moving pictures" if container.streams else _explain_contents(file)
        raise InputError(f"{shown}: {reason}")
    best = container.streams.best("video")
    stream = next((stream for stream in streams if stream == best), streams[0])
    if stream.codec_context is None:
        raise InputError(
            f"{shown}: its pictures are coded in a way that this FFmpeg cannot decode; convert it to H.264"
        )
    return stream


def _refuse(url: str, flags: int, options: dict[str, Any]) -> None:
    """Stand in for FFmpeg's opening of a file that another one names."""
    raise PermissionError(f"a clip may not open other files, it asked for {url!r}")


def _explain(file: ClipFile, error: BaseException) -> str:
    """Why nothing can be read."""
    if isinstance(file.error, OSError):
        return f"cannot be read: {file.error.strerror or file.error}"
    if isinstance(error, MemoryError):
        return "cannot be read: not enough memory"
    if not file.head:
        return "is empty"
    if getattr(error, "errno", None) == errno.EINVAL:  # what FFmpeg says of formats that are not among FORMATS
        return "is a playlist, a picture or another format that is not read as a clip"
    return _explain_contents(file)


def _explain_contents(file: ClipFile) -> str:
    if file.head[4:8] in {b"ftyp", b"moov", b"mdat", b"wide", b"free"}:
        where = "was cut off or is still being written" if file.seekable() else "has it at its end"
        hint = "" if file.seekable() else "; give the file itself, or write it with faststart"
        return f"is an MP4 or MOV file whose index cannot be reached: the file {where}{hint}"
    return "is no clip that can be read; expected a video file such as MP4, MOV, MKV, WebM, AVI or GIF"
