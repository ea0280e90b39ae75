"""Owns what a picture file says about itself before anything is decoded: format, size, orientation, depth.

Own byte parsing, so that a limit on the size holds before any decoder sees the file. Specifications: JPEG ITU-T T.81,
PNG (third edition), GIF89a, BMP (Windows and OS/2 headers), WebP container; TIFF and AVIF/HEIC in their own modules.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from holopose.errors import InputError
from holopose.io import isobmff, tiff

__all__ = [
    "FORMATS",
    "GifFrame",
    "Header",
    "explain",
    "jpeg_segments",
    "one_line",
    "png_chunks",
    "read_gif_frame",
    "read_header",
    "recognise",
]

FORMATS = "JPEG, PNG, WebP, BMP, TIFF, AVIF, GIF or HEIC"

_MARKER = re.compile(rb"\xff([\x01-\xfe])")
_START_OF_FRAME = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_STANDALONE = {0x01, *range(0xD0, 0xD9)}
_PNG_BITS = {0: {1, 2, 4, 8, 16}, 2: {8, 16}, 3: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}}
_MOST = 1_000_000
"""Segments, chunks or blocks that are looked at; more is an attempt to keep us busy."""

_OTHERS = (  # files that people pass by mistake
    (b"%PDF", "a PDF"),
    (b"8BPS", "a Photoshop file"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\x00\x00\x01\x00", "an icon"),
    (b"\x76\x2f\x31\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"RIFF", "a sound or video file"),
    (b"PK\x03\x04", "a ZIP archive or office document"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
    (b"\x1f\x8b", "gzip data"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "XML or an SVG drawing"),
    (b"<!DOCTYPE", "a web page"),
    (b"<!doctype", "a web page"),
    (b"<html", "a web page"),
    (b"version https://git-lfs", "a Git LFS pointer: fetch the real file with git lfs pull"),
)


@dataclass(frozen=True, slots=True)
class Header:
    """What a file declares about its (first) picture.

    Attributes:
        format: ``jpeg``, ``png``, ``webp``, ``bmp``, ``tiff``, ``gif``, ``avif`` or ``heic``.
        width: px, as stored, before `crop_xywh` and `orientation`.
        height: px, as stored.
        orientation: How to turn it, as EXIF counts: 1 upright, 2 mirrored, 3 upside down, 4 flipped, 5 transposed,
            6 quarter turn clockwise, 7 transversed, 8 quarter turn against the clock. For AVIF and HEIC it comes from
            the turns of the item, which count there instead of EXIF's.
        bits: Bits per channel (per index for palettes).
        channels: Colour channels: 1 grey, 3 colour or palette, 4 CMYK.
        alpha: Whether pixels can be transparent.
        crop_xywh: The part to show (AVIF and HEIC), left, top, width, height in stored px; None = all.
    """

    format: str
    width: int
    height: int
    orientation: int = 1
    bits: int = 8
    channels: int = 3
    alpha: bool = False
    crop_xywh: tuple[int, int, int, int] | None = None

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in px as shown: cropped and turned."""
        width, height = self.crop_xywh[2:] if self.crop_xywh else (self.width, self.height)
        return (height, width) if self.orientation >= 5 else (width, height)

    @property
    def megapixels(self) -> float:
        """Stored pixels, in millions."""
        return self.width * self.height / 1e6


def read_header(data: bytes | bytearray | memoryview, *, name: str = "<bytes>") -> Header:
    """What the picture in `data` declares about itself; nothing is decoded and nothing large is allocated.

    Args:
        data: The file's bytes; everything up to the picture data has to be there.
        name: What messages call the file.

    Raises:
        InputError: empty, no picture of a known format, or its header is cut short or makes no sense.

    >>> from struct import pack
    >>> read_header(b"BM" + bytes(12) + pack("<IiiHH", 40, 640, -480, 1, 24) + bytes(24)).size_wh
    (640, 480)
    """
    view = memoryview(data)
    view = view.cast("B") if view.c_contiguous else memoryview(view.tobytes())
    label, parse = recognise(view, name=name)
    try:
        header = parse(view)
    except (struct.error, IndexError) as error:
        raise InputError(f"{name}: the {label} header is truncated or damaged{explain(error)}") from error
    if header.width < 1 or header.height < 1:
        raise InputError(f"{name}: the {label} header is damaged: it declares {header.width} x {header.height} pixels")
    return header


def recognise(data: memoryview, *, name: str) -> tuple[str, Callable[[memoryview], Header]]:
    """The format that the first bytes of a file announce, and what reads its header.

    Raises:
        InputError: empty, or no picture of a known format.
    """
    if not data:
        raise InputError(f"{name}: is empty (0 bytes)")
    head = bytes(data[:64])
    for magic, label, parse in _FORMATS:
        if head.startswith(magic) and (label != "WebP" or head[8:12] == b"WEBP"):
            return label, parse
    if head[4:8] == b"ftyp":
        kind = isobmff.read_format(data)
        if kind in ("avif", "heic"):
            return kind.upper(), _read_isobmff
        what = "a camera's raw file" if kind == "crx" else f"a video or another {kind!r} file"
    else:
        text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
        what = next((other for magic, other in _OTHERS if text.startswith(magic) or head.startswith(magic)), "")
    if not what and any(magic.startswith(head) for magic, _, _ in _FORMATS):
        raise InputError(f"{name}: is truncated after {len(data)} bytes")
    looks = f"; it looks like {what}" if what else ""
    raise InputError(f"{name}: is not a picture holopose reads{looks}; expected {FORMATS}")


def one_line(text: str) -> str:
    r"""Foreign text (a file's name, a library's reason) fit for a one-line message, whatever characters it has.

    >>> print(one_line("a\nb.jpg"))
    a\nb.jpg
    """
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def explain(error: Exception) -> str:
    """The reason in brackets, where it is one of ours and not Python's about a buffer."""
    return f" ({error})" if isinstance(error, struct.error) and not str(error).startswith("unpack") else ""


def jpeg_segments(data: memoryview) -> Iterator[tuple[int, int, int]]:
    """Marker code, start and end of the content of each JPEG segment up to the first scan, that one included.

    Raises:
        struct.error: the data end before a scan begins.
    """
    at = 2
    for _ in range(_MOST):
        found = _MARKER.search(data, at)
        if not found:
            break
        code, at = found[1][0], found.end()
        if code in _STANDALONE:
            continue
        if code == 0xD9:
            raise struct.error("it ends before its picture")
        (length,) = struct.unpack_from(">H", data, at)
        yield code, at + 2, at + max(length, 2)
        at += max(length, 2)
        if code == 0xDA:
            return
    raise struct.error("no picture data")


def _read_jpeg(data: memoryview) -> Header:
    frame: tuple[int, ...] = ()
    orientation = 1
    try:
        for code, start, end in jpeg_segments(data):
            if code in _START_OF_FRAME and not frame:
                frame = struct.unpack_from(">BHHB", data, start)
            elif code == 0xE1 and orientation == 1 and bytes(data[start : start + 6]) == b"Exif\x00\x00":
                orientation = tiff.exif_orientation(data[start:end])
    except struct.error:
        if not frame:
            raise
    if not frame:
        raise struct.error("no size")
    bits, height, width, channels = frame
    return Header("jpeg", width, height, orientation, bits, channels)


def png_chunks(data: memoryview) -> Iterator[tuple[bytes, memoryview, memoryview]]:
    """Kind, content and checksum of each PNG chunk, as far as the data go (the last may be cut short)."""
    at = 8
    for _ in range(_MOST):
        if at + 8 > len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8 : at + 8 + length], data[at + 8 + length : at + 12 + length]
        at += 12 + length
        if kind == b"IEND":
            return


def _read_png(data: memoryview) -> Header:
    if bytes(data[12:16]) != b"IHDR":
        raise struct.error("no IHDR at its start")
    width, height, bits, colour = struct.unpack_from(">IIBB", data, 16)
    if bits not in _PNG_BITS.get(colour, ()):
        raise struct.error(f"{bits} bits of colour type {colour}")
    orientation, alpha = 1, colour in (4, 6)
    for kind, content, _ in png_chunks(data):
        if kind == b"tRNS":
            alpha = True
        elif kind == b"eXIf":
            orientation = tiff.exif_orientation(content)
    if max(width, height) >= 2**31:
        raise struct.error(f"{width} x {height} pixels")
    return Header("png", width, height, orientation, bits, 1 if colour in (0, 4) else 3, alpha)


@dataclass(frozen=True, slots=True)
class GifFrame:
    """The first picture of a GIF.

    Attributes:
        rect_xywh: Where it lies on the canvas: left, top, width, height in px.
        transparent: Whether one of its colours means see-through.
        end: Byte offset just after it; None if the data end before.
    """

    rect_xywh: tuple[int, int, int, int]
    transparent: bool
    end: int | None


def read_gif_frame(data: memoryview) -> GifFrame:
    """The first picture of a GIF.

    Raises:
        struct.error: the data end before it begins.
    """
    at = 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)
    transparent = False
    for _ in range(_MOST):
        kind = data[at]
        if kind == 0x2C:
            left, top, width, height, flags = struct.unpack_from("<4HB", data, at + 1)
            palette = 3 << (flags & 7) + 1 if flags & 0x80 else 0
            return GifFrame((left, top, width, height), transparent, _skip_blocks(data, at + 11 + palette))
        if kind != 0x21:
            raise struct.error(f"no picture, but a block of kind {kind}")
        if data[at + 1] == 0xF9:
            transparent = bool(data[at + 3] & 1)
        after = _skip_blocks(data, at + 2)
        if after is None:
            break
        at = after
    raise struct.error("no picture")


def _skip_blocks(data: memoryview, at: int) -> int | None:
    """Where a row of GIF sub-blocks ends; None if the data end before."""
    for _ in range(_MOST):
        if at >= len(data):
            return None
        size = data[at]
        at += size + 1
        if not size:
            return at
    raise struct.error("too many blocks")


def _read_gif(data: memoryview) -> Header:
    width, height = struct.unpack_from("<HH", data, 6)
    frame = read_gif_frame(data)
    left, top, w, h = frame.rect_xywh
    if left + w > width or top + h > height or not w or not h:
        raise struct.error(f"a {w} x {h} picture at {left}, {top} on a canvas of {width} x {height}")
    return Header("gif", width, height, alpha=frame.transparent or (w, h) != (width, height))


def _read_bmp(data: memoryview) -> Header:
    (size,) = struct.unpack_from("<I", data, 14)
    if size == 12:
        width, height, _, bits = struct.unpack_from("<4H", data, 18)
        return Header("bmp", width, height, bits=bits)
    if not 16 <= size <= 4096:
        raise struct.error(f"a header of {size} bytes")
    width, height, _, bits = struct.unpack_from("<iiHH", data, 18)
    alpha = False
    if size >= 40:
        (compression,) = struct.unpack_from("<I", data, 30)
        if compression > 3 or bits not in (1, 4, 8, 16, 24, 32):
            raise struct.error(f"compression {compression} with {bits} bits is not supported")
        if compression == 3 and bits == 32:
            masks = struct.unpack_from("<4I" if size >= 56 else "<3I", data, 54)
            if any(mask not in (0xFF, 0xFF00, 0xFF0000, 0xFF000000) for mask in masks[:3]):
                raise struct.error("colours that are not whole bytes are not supported")
            alpha = len(masks) == 4 and masks[3] != 0
    return Header("bmp", width, abs(height), bits=bits, alpha=alpha)


def _read_webp(data: memoryview) -> Header:
    kind = bytes(data[12:16])
    if kind == b"VP8X":
        alpha = bool(data[20] & 0x10)
        width, height = (int.from_bytes(data[k : k + 3], "little") + 1 for k in (24, 27))
        if len(data) < 30:
            raise struct.error("VP8X is cut short")
        return Header("webp", width, height, _webp_orientation(data), alpha=alpha)
    if kind == b"VP8L":
        signature, word = struct.unpack_from("<BI", data, 20)
        if signature != 0x2F:
            raise struct.error("no lossless picture")
        return Header("webp", (word & 0x3FFF) + 1, (word >> 14 & 0x3FFF) + 1, alpha=bool(word >> 28 & 1))
    if kind != b"VP8 " or data[20] & 1 or bytes(data[23:26]) != b"\x9d\x01\x2a":
        raise struct.error("no picture")
    width, height = struct.unpack_from("<HH", data, 26)
    return Header("webp", width & 0x3FFF, height & 0x3FFF)


def _webp_orientation(data: memoryview) -> int:
    at = 12
    for _ in range(_MOST):
        if at + 8 > len(data):
            break
        kind, length = struct.unpack_from("<4sI", data, at)
        if kind == b"EXIF":
            return tiff.exif_orientation(data[at + 8 : at + 8 + length])
        at += 8 + length + (length & 1)
    return 1


def _read_tiff(data: memoryview) -> Header:
    layout = tiff.read_layout(data)
    size = (layout.width, layout.height, layout.orientation)
    return Header("tiff", *size, bits=layout.bits, channels=layout.channels, alpha=bool(layout.alpha))


def _read_isobmff(data: memoryview) -> Header:
    main = isobmff.read_main_picture(data)
    return Header(
        isobmff.read_format(data),
        main.width,
        main.height,
        main.orientation,
        main.bits,
        main.channels,
        main.alpha,
        main.crop_xywh,
    )


_FORMATS: tuple[tuple[bytes, str, Callable[[memoryview], Header]], ...] = (
    (b"\xff\xd8\xff", "JPEG", _read_jpeg),
    (b"\x89PNG\r\n\x1a\n", "PNG", _read_png),
    (b"GIF87a", "GIF", _read_gif),
    (b"GIF89a", "GIF", _read_gif),
    (b"BM", "BMP", _read_bmp),
    (b"RIFF", "WebP", _read_webp),
    (b"II*\x00", "TIFF", _read_tiff),
    (b"MM\x00*", "TIFF", _read_tiff),
    (b"II+\x00", "TIFF", _read_tiff),
    (b"MM\x00+", "TIFF", _read_tiff),
)
