"""Owns the tags of TIFF files and of EXIF blocks, which share one layout (TIFF 6.0, BigTIFF).

Numbers are read where they stand; nothing is decoded here. Reading outside the data raises `struct.error`, which
`headers.read_header` turns into an InputError; an EXIF block that makes no sense means upright.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

__all__ = ["Tags", "TiffLayout", "exif_orientation", "read_layout", "read_tags"]

_UNSIGNED = {1: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8"}  # BYTE, SHORT, LONG, IFD, LONG8

_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 256, 257, 258, 259, 262
_STRIP_AT, _ORIENTATION, _SAMPLES, _STRIP_BYTES, _PLANAR = 273, 274, 277, 279, 284
_TILE_AT, _TILE_BYTES, _EXTRA, _FORMAT, _DNG = 324, 325, 338, 339, 50706

_COMPRESSIONS = {1, 2, 3, 4, 5, 7, 8, 32773, 32946}  # none, CCITT, LZW, JPEG, deflate (two numbers), PackBits

_GREY, _RGB, _PALETTE, _CMYK, _YCBCR, _UNKNOWN = (0, 1), 2, 3, 5, 6, -1


@dataclass(frozen=True, slots=True)
class Tags:
    """The whole-number tags of one directory: where each stands, by its number.

    Attributes:
        data: The bytes from the TIFF signature on.
        order: ``<`` or ``>``.
        entries: Tag number to (numpy type code, count, byte offset of the first value). The first of doubles counts.
    """

    data: memoryview
    order: str
    entries: dict[int, tuple[str, int, int]]

    def array(self, tag: int) -> npt.NDArray[np.uint64]:
        """All values of a tag, (count,) uint64, empty if it is not there.

        Raises:
            struct.error: the values reach beyond the data.
        """
        if tag not in self.entries:
            return np.zeros(0, np.uint64)
        code, count, at = self.entries[tag]
        if at + count * int(code[1]) > len(self.data):
            raise struct.error(f"values of tag {tag} lie beyond the end")
        return np.frombuffer(self.data, self.order + code, count, at).astype(np.uint64)

    def first(self, tag: int, default: int) -> int:
        """The first value of a tag, or `default` where the tag is missing or empty."""
        code, count, at = self.entries.get(tag, ("u1", 0, 0))
        return int.from_bytes(self._slice(at, int(code[1])), self._endian) if count else default

    def few(self, tag: int, default: tuple[int, ...]) -> tuple[int, ...]:
        """The values of a tag that has one per sample; at most 64 are read."""
        code, count, at = self.entries.get(tag, ("u1", 0, 0))
        size = int(code[1])
        values = (int.from_bytes(self._slice(at + size * k, size), self._endian) for k in range(min(count, 64)))
        return tuple(values) if count else default

    def with_value(self, tag: int, value: int) -> bytearray:
        """A copy of the data in which the first value of `tag` is `value`."""
        code, _, at = self.entries[tag]
        changed = bytearray(self.data)
        changed[at : at + int(code[1])] = value.to_bytes(int(code[1]), self._endian)
        return changed

    @property
    def _endian(self) -> Literal["little", "big"]:
        return "little" if self.order == "<" else "big"

    def _slice(self, at: int, size: int) -> memoryview:
        part = self.data[at : at + size]
        if len(part) < size:
            raise struct.error(f"expected {size} bytes at {at}")
        return part


def read_tags(data: memoryview) -> Tags:
    """The first directory of a TIFF, BigTIFF or EXIF block.

    Args:
        data: Bytes that begin with ``II`` or ``MM``.

    Raises:
        struct.error: it is cut short or is no TIFF.
    """
    order = {b"II": "<", b"MM": ">"}.get(bytes(data[:2]))
    if order is None:
        raise struct.error("no TIFF signature")
    (version,) = struct.unpack_from(order + "H", data, 2)
    if version == 42:
        (at,) = struct.unpack_from(order + "I", data, 4)
        (count,) = struct.unpack_from(order + "H", data, at)
        at, entry, inline = at + 2, order + "HHI", 4
    elif version == 43:
        width, _, at = struct.unpack_from(order + "HHQ", data, 4)
        if width != 8 or at >= len(data):
            raise struct.error("no BigTIFF directory")
        (count,) = struct.unpack_from(order + "Q", data, at)
        at, entry, inline = at + 8, order + "HHQ", 8
    else:
        raise struct.error(f"TIFF version {version}")
    length = struct.calcsize(entry) + inline
    if count * length > len(data) - at:
        raise struct.error("the directory lies beyond the end")
    entries: dict[int, tuple[str, int, int]] = {}
    for start in range(at, at + count * length, length):
        tag, kind, number = struct.unpack_from(entry, data, start)
        if kind not in _UNSIGNED or tag in entries:
            continue
        code, value_at = _UNSIGNED[kind], start + length - inline
        if number * int(code[1]) > inline:
            (value_at,) = struct.unpack_from(order + ("I" if inline == 4 else "Q"), data, value_at)
        entries[tag] = (code, number, value_at)
    return Tags(data, order, entries)


def exif_orientation(block: memoryview) -> int:
    """The EXIF orientation 1..8 of an EXIF block (EXIF 2.32, tag 0x0112); 1 where it says nothing usable."""
    if bytes(block[:6]) == b"Exif\x00\x00":
        block = block[6:]
    try:
        value = read_tags(block).first(_ORIENTATION, 1)
    except struct.error:
        return 1
    return value if 1 <= value <= 8 else 1


@dataclass(frozen=True, slots=True)
class TiffLayout:
    """How the first picture of a TIFF file is stored.

    Attributes:
        tags: Its directory.
        width: px, as stored, before `orientation`.
        height: px, as stored.
        orientation: EXIF orientation 1..8.
        bits: Bits per sample (the largest, should they differ).
        channels: Colour channels without extras: 1 grey, 3 RGB, palette or YCbCr, 4 CMYK.
        alpha: ``""``, ``"associated"`` (already multiplied into the colours) or ``"unassociated"``.
        inverted: Whether zero means white (grey only).
        planar: Whether each channel is stored on its own.
        refusal: Why the picture cannot be read as 8-bit RGB, empty if it can.
        complete: Whether all strips or tiles lie within the data.
    """

    tags: Tags
    width: int
    height: int
    orientation: int
    bits: int
    channels: int
    alpha: str
    inverted: bool
    planar: bool
    refusal: str
    complete: bool

    def upright(self) -> memoryview | bytearray:
        """The file with orientation 1: OpenCV turns tiled TIFFs wrongly, so the turning is done after it."""
        return self.tags.data if self.orientation == 1 else self.tags.with_value(_ORIENTATION, 1)


def read_layout(data: memoryview) -> TiffLayout:
    """The layout of the first picture of a TIFF file.

    Raises:
        struct.error: the directory or its values are cut short.
    """
    tags = read_tags(data)
    orientation = tags.first(_ORIENTATION, 1)
    photometric = tags.first(_PHOTOMETRIC, _UNKNOWN)
    samples = tags.first(_SAMPLES, 1)
    extra = tags.few(_EXTRA, ())
    channels = 1 if photometric in _GREY else {_CMYK: 4}.get(photometric, 3)
    return TiffLayout(
        tags=tags,
        width=tags.first(_WIDTH, 0),
        height=tags.first(_HEIGHT, 0),
        orientation=orientation if 1 <= orientation <= 8 else 1,
        bits=max(tags.few(_BITS, (1,))),
        channels=channels,
        alpha={1: "associated", 2: "unassociated"}.get(extra[0] if extra and samples > channels else 0, ""),
        inverted=photometric == 0,
        planar=tags.first(_PLANAR, 1) == 2,
        refusal=_refusal(tags, photometric, samples),
        complete=_is_complete(tags),
    )


def _refusal(tags: Tags, photometric: int, samples: int) -> str:
    """Why OpenCV would not give the right colours, as tried with OpenCV 4.12 to 5.0; empty if it does."""
    bits, formats = set(tags.few(_BITS, (1,))), set(tags.few(_FORMAT, (1,)))
    extras = len(tags.few(_EXTRA, ()))
    if _DNG in tags.entries or tags.first(_SUBFILE, 0) & 1:
        return "its first picture is only a preview (a camera's raw file?)"
    if 3 in formats:
        return "it holds floating-point values, which have no agreed range"
    if not formats <= {1, 4}:
        return "it holds signed or complex values"
    if (compression := tags.first(_COMPRESSION, 1)) not in _COMPRESSIONS:
        return f"its compression (number {compression}) is not supported"
    fits = {
        **dict.fromkeys(_GREY, (samples == 1, {1, 4, 8, 16})),
        _RGB: (samples == 3 or (samples == 4 and extras == 1), {8, 16}),
        _PALETTE: (samples == 1, {1, 4, 8}),
        _CMYK: (samples == 4, {8}),
        _YCBCR: (samples == 3, {8}),
    }
    if photometric == _UNKNOWN:
        return "it does not say what its colours mean"
    if photometric not in fits:
        return f"its colour space (photometric {photometric}) is not supported"
    samples_fit, bits_fit = fits[photometric]
    if not samples_fit:
        return f"{samples} samples per pixel are not supported for its colour space (photometric {photometric})"
    if not bits <= bits_fit or len(bits) > 1:
        return f"{'/'.join(map(str, sorted(bits)[:4]))} bits per sample are not supported for its colour space"
    if tags.first(_PLANAR, 1) == 2 and bits == {16} and samples == 4:
        return "16-bit pictures with transparency stored plane by plane are not supported"
    return ""


def _is_complete(tags: Tags) -> bool:
    """Whether every strip or tile lies within the data; True where the file does not say how long they are."""
    end = np.uint64(len(tags.data))
    for at_tag, bytes_tag in ((_STRIP_AT, _STRIP_BYTES), (_TILE_AT, _TILE_BYTES)):
        at, size = tags.array(at_tag), tags.array(bytes_tag)
        if at.size == size.size and bool((size > end - np.minimum(at, end)).any()):
            return False
    return True
