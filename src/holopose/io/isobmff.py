"""Owns what AVIF and HEIC files say about their main picture (ISO/IEC 14496-12 boxes, 23008-12 properties).

Reading outside the data raises `struct.error`, which `headers.read_header` turns into an InputError.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["MainPicture", "picture_only", "read_format", "read_main_picture"]

_AVIF = {b"avif", b"avis"}
_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"miaf"}
_ALPHA = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1")
_KEPT_REFERENCES = {b"dimg", b"auxl", b"prem"}  # tiles of a picture, its transparency, that this is multiplied in
_NEEDED = {b"meta", b"mdat", b"moov"}
_MOST = 65_536
"""Boxes, items or properties that are looked at; more is an attempt to keep us busy."""

_CORNERS = {
    ((0, 1), (2, 3)): 1,
    ((1, 0), (3, 2)): 2,
    ((3, 2), (1, 0)): 3,
    ((2, 3), (0, 1)): 4,
    ((0, 2), (1, 3)): 5,
    ((2, 0), (3, 1)): 6,
    ((3, 1), (2, 0)): 7,
    ((1, 3), (0, 2)): 8,
}
"""Where the four corners of a picture end up, to the EXIF orientation that puts them there."""


@dataclass(frozen=True, slots=True)
class MainPicture:
    """The primary item of a file.

    Attributes:
        width: px, as coded.
        height: px, as coded.
        crop_xywh: The part to show, left, top, width, height in px of the coded picture; None = all of it.
        orientation: EXIF orientation 1..8 equal to the item's turns and mirrors (`irot`, `imir`), done after the crop.
        bits: Bits per channel.
        channels: 1 or 3.
        alpha: Whether the file holds a transparency plane.
        end: Byte offset where the last box that makes sense ends; what follows is no part of the picture.
        complete: Whether the boxes that matter end within the data and there is one with picture data.
    """

    width: int
    height: int
    crop_xywh: tuple[int, int, int, int] | None
    orientation: int
    bits: int
    channels: int
    alpha: bool
    end: int
    complete: bool


def read_format(data: memoryview) -> str:
    """``avif``, ``heic``, or the main brand of another kind of file (such as ``qt`` or ``isom``)."""
    size = min(int.from_bytes(data[:4]), 4096)
    names = bytes(data[8:12]) + bytes(data[16:size])
    brands = {names[k : k + 4] for k in range(0, len(names), 4)}
    if brands & _AVIF:
        return "avif"
    return "heic" if brands & _HEIC else names[:4].decode("latin-1").strip()


def _boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview, bool, int]]:
    """Kind, content, whether it is all there, and where it ends, of each box in a row of boxes."""
    at = 0
    for _ in range(_MOST):
        if at + 8 > len(data):
            return
        size, kind = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start)
            start += 8
        end = at + size if size else len(data)
        if end < start:
            raise struct.error(f"box {kind!r} has {size} bytes")
        yield kind, data[start:end], end <= len(data), min(end, len(data))
        at = end
    raise struct.error("too many boxes")


def _find(data: memoryview, kind: bytes) -> memoryview:
    for name, content, *_ in _boxes(data):
        if name == kind:
            return content
    raise struct.error(f"no box {kind!r}")


def _outline(data: memoryview) -> tuple[memoryview, bool, int, bool]:
    """The content of the meta box, whether there are picture data, where the boxes end, whether all are whole."""
    meta = memoryview(b"")
    complete, filled, end = True, False, 0
    try:
        for kind, content, whole, after in _boxes(data):
            if not whole and meta and filled and kind not in _NEEDED:
                break  # something that a camera put after the boxes
            complete, end = complete and whole, after
            filled = filled or kind == b"mdat"
            if kind == b"meta" and not meta:
                meta = content[4:]
    except struct.error:
        if not meta or not filled:
            raise
    if not meta:
        raise struct.error("no box b'meta'")
    return meta, filled, end, complete


def read_main_picture(data: memoryview) -> MainPicture:
    """What the file says about its primary item.

    Raises:
        struct.error: boxes are missing, cut short or make no sense.
    """
    meta, filled, end, complete = _outline(data)
    primary = _find(meta, b"pitm")
    (item,) = struct.unpack_from(">I" if primary[0] else ">H", primary, 4)
    iprp = _find(meta, b"iprp")
    properties = [(kind, content) for kind, content, *_ in _boxes(_find(iprp, b"ipco"))]
    own = [properties[k - 1] for k in _associations(_find(iprp, b"ipma"), item) if 1 <= k <= len(properties)]

    width, height = next((struct.unpack_from(">II", content, 4) for kind, content in own if kind == b"ispe"), (0, 0))
    crop: tuple[int, int, int, int] | None = None
    (a, b), (c, d) = (0, 1), (2, 3)  # where the corners go
    bits, channels = 8, 3
    for kind, content in own:
        if kind == b"clap":
            crop = _crop(content, width, height)
        elif kind == b"irot":
            for _ in range(content[0] & 3):  # quarter turns against the clock
                (a, b), (c, d) = (b, d), (a, c)
        elif kind == b"imir":  # 0: top and bottom change places, 1: left and right
            (a, b), (c, d) = ((b, a), (d, c)) if content[0] & 1 else ((c, d), (a, b))
        elif kind == b"pixi" and content[4]:
            channels, bits = (1 if content[4] < 3 else 3), content[5]
        elif kind == b"av1C":
            bits = 8 if not content[2] & 0x40 else 12 if content[2] & 0x20 else 10
            channels = 1 if content[2] & 0x10 else 3
    filled = filled or any(kind == b"idat" for kind, *_ in _boxes(meta))
    alpha = any(kind == b"auxC" and bytes(content[4:]).startswith(_ALPHA) for kind, content in properties)
    return MainPicture(width, height, crop, _CORNERS[(a, b), (c, d)], bits, channels, alpha, end, complete and filled)


def picture_only(data: memoryview) -> bytes:
    """A copy of a file in which nothing refers to metadata and thumbnails, which decoders then leave alone.

    Damaged ones crash pi-heif 1.4 and all that is inside it; the picture itself does not need them.
    """
    copy = bytearray(data)
    for meta, meta_at in _places(memoryview(copy), b"meta", 4):
        for references, at in _places(meta, b"iref", 4):
            for kind, content, _, end in _boxes(references):
                if kind not in _KEPT_REFERENCES:
                    kind_at = meta_at + at + end - len(content) - 4
                    copy[kind_at : kind_at + 4] = b"skip"
    return bytes(copy)


def _places(data: memoryview, kind: bytes, skipped: int) -> Iterator[tuple[memoryview, int]]:
    """Content of each box of a kind, without its first bytes, and where in `data` that begins."""
    for name, content, _, end in _boxes(data):
        if name == kind:
            yield content[skipped:], end - len(content) + skipped


def _associations(ipma: memoryview, item: int) -> list[int]:
    """1-based numbers of the properties of an item, in order."""
    wide_item, wide_index = ipma[0] >= 1, ipma[3] & 1
    (count,) = struct.unpack_from(">I", ipma, 4)
    at = 8
    for _ in range(min(count, _MOST)):
        (number,) = struct.unpack_from(">I" if wide_item else ">H", ipma, at)
        at += 4 if wide_item else 2
        amount = ipma[at]
        at += 1
        row = struct.unpack_from(f">{amount}{'H' if wide_index else 'B'}", ipma, at)
        if number == item:
            return [index & (0x7FFF if wide_index else 0x7F) for index in row]
        at += amount * (2 if wide_index else 1)
    raise struct.error("the main picture has no properties")


def _crop(content: memoryview, width: int, height: int) -> tuple[int, int, int, int] | None:
    """Left, top, width and height of a clean aperture (14496-12, 12.1.4) on whole pixels; None if it is not sound."""
    numbers = struct.unpack_from(">IIIIiIiI", content)
    if 0 in numbers[1::2]:
        return None
    w, h, dx, dy = (numbers[k] / numbers[k + 1] for k in (0, 2, 4, 6))
    left, top = round(dx + (width - w) / 2), round(dy + (height - h) / 2)
    box = (left, top, round(w), round(h))
    inside = left >= 0 and top >= 0 and box[2] >= 1 and box[3] >= 1
    return box if inside and left + box[2] <= width and top + box[3] <= height else None
