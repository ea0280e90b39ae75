"""Owns how the kind of an input is told, by its ending or by its first bytes: picture, video or archive."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from holopose.errors import InputError
from holopose.io.headers import recognise
from holopose.io.sources.names import split_name

__all__ = [
    "AMBIGUOUS_ENDINGS",
    "ARCHIVE_ENDINGS",
    "HEAD_BYTES",
    "LIVE_SCHEMES",
    "PICTURE_ENDINGS",
    "VIDEO_ENDINGS",
    "FileKind",
    "kind_of_bytes",
    "kind_of_name",
    "look_into",
]

FileKind = Literal["picture", "video", "archive"]

HEAD_BYTES = 1 << 12
"""As many first bytes of a file as `kind_of_bytes` wants to see."""

PICTURE_ENDINGS = frozenset(
    (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".bmp", ".dib", ".tif", ".tiff"),
        *(".gif", ".avif", ".heic", ".heif", ".hif"),
    )
)
VIDEO_ENDINGS = frozenset(
    (
        *(".mp4", ".m4v", ".mov", ".qt", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".mpe", ".m1v", ".m2v", ".vob"),
        *(".mts", ".m2ts", ".wmv", ".asf", ".flv", ".f4v", ".3gp", ".3g2", ".ogv", ".ogm", ".mxf", ".divx"),
        *(".dv", ".rm", ".rmvb", ".nut", ".y4m", ".ivf", ".obu", ".h264", ".264", ".h265", ".265", ".hevc"),
        *(".mjpeg", ".mjpg"),
    )
)
AMBIGUOUS_ENDINGS = frozenset((".ts", ".dat"))
"""Of some videos and of other things: MPEG-TS and TypeScript, video CDs and anything."""

ARCHIVE_ENDINGS = frozenset(
    (
        ".zip",
        ".cbz",
        ".tar",
        ".cbt",
        ".tgz",
        ".tbz",
        ".tbz2",
        ".txz",
        ".tzst",
        ".gz",
        ".bz2",
        ".xz",
        ".zst",
        ".7z",
        ".rar",
    )
)
"""Also of archives that cannot be read here, so that a message can say what they are."""

LIVE_SCHEMES = ("rtsp", "rtsps", "rtmp", "rtmps", "udp", "http", "https")
"""Addresses that are read as live streams."""

_ARCHIVES = (
    *(b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"),  # ZIP
    *(b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"),  # gzip, bzip2, xz, Zstandard: a TAR in them, we hope
    *(b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07"),
)
_VIDEOS = (
    *(b"\x1aE\xdf\xa3", b"FLV\x01", b"OggS", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", b".RMF", b"YUV4MPEG2", b"DKIF"),
    *(b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3", b"\x06\x0e\x2b\x34", b"nut/multimedia container"),
    *(b"\x00\x00\x00\x01", b"\x00\x00\x01\x09", b"\x00\x00\x01\x67"),  # H.264 and H.265 without a container
)
_MOVIE_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")


def kind_of_name(name: str) -> FileKind | None:
    """What a file's ending says, whatever its case; None for endings of other things and for none.

    >>> kind_of_name("a.JPG"), kind_of_name("clip.mov"), kind_of_name("x.tar.gz"), kind_of_name("notes.txt")
    ('picture', 'video', 'archive', None)
    """
    ending = split_name(name)[1].lower()
    if ending in PICTURE_ENDINGS:
        return "picture"
    if ending in VIDEO_ENDINGS:
        return "video"
    return "archive" if ending in ARCHIVE_ENDINGS else None


def kind_of_bytes(head: bytes) -> FileKind | None:
    """What the first bytes of a file say, `HEAD_BYTES` of them or all there are; None for anything else.

    >>> kind_of_bytes(b"GIF89a..."), kind_of_bytes(b"RIFF....AVI LIST"), kind_of_bytes(b"BZh91AY"), kind_of_bytes(b"#!")
    ('picture', 'video', 'archive', None)
    """
    if head[257:262] == b"ustar":  # before the rest: a TAR begins with the name of its first member
        return "archive"
    try:
        recognise(memoryview(head), name="")
    except InputError:
        pass
    else:
        return "picture"
    if head.startswith(_ARCHIVES):
        return "archive"
    if head[:4] == b"RIFF" and head[8:12] in (b"AVI ", b"CDXA"):
        return "video"
    if head.startswith(_VIDEOS) or (head[4:8] in _MOVIE_BOXES and head[8:11] != b"crx"):
        return "video"
    return "video" if _is_transport_stream(head) else None


def look_into(path: str) -> FileKind | None:
    """What the first bytes of a file say.

    Raises:
        OSError: it cannot be read.
    """
    with Path(path).open("rb") as file:
        return kind_of_bytes(file.read(HEAD_BYTES))


def _is_transport_stream(head: bytes) -> bool:
    """MPEG-TS begins each of its packets of 188 bytes with G; Blu-ray and cameras put 4 bytes before each."""
    return any(
        len(head) > first + step and all(byte == 0x47 for byte in head[first : first + 8 * step : step])
        for first, step in ((0, 188), (4, 192))
    )
