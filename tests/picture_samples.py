"""Owns the little pictures that the picture tests read: made here byte by byte, or by OpenCV where that is honest."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
PALETTE = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)]

# A 32 x 24 `scene()`, encoded by Pillow (CMYK), OpenCV 5 (the red of it as grey AVIF, which OpenCV 4.12 cannot
# write) and pillow-heif (HEIC, one with the `opacity()` below).
CMYK_JPEG = base64.b64decode("""
/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwAFAwQEBAMFBAQEBQUFBgcMCAcHBwcPCwsJDBEPEhIRDxERExYcFxMUGhURERghGBodHR8fHxMXIiQiHiQc
Hh8e/8AAFAgAGAAgBEMRAE0RAFkRAEsRAP/EABgAAQADAQAAAAAAAAAAAAAAAAAGBwgJ/8QAHBAAAgAHAAAAAAAAAAAAAAAAAAUGFiIyQmOh/9oA
DgRDAE0AWQBLAAA/ANlmMjGRss5/QbgT6TdXDpQ9bXVAumDcBJurhAnrW6oF0wbgJN1cIG9bXVA5iQbgaNkzVwvl62uqBdMG4CTNXCBPWt1QLpg3
ASZq4QN62uqBdMG4CTNXCBPW11QOYkG4GjpN08L5etbqgXTBuAk3Twgb1tdUC6YNwEm6eECetrqgXTBuAk3Twgb1tdUD/9k=
""")
GREY_AVIF = base64.b64decode("""
AAAAHGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZgAAAOltZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAAA5waXRtAAAAAAAB
AAAAHmlsb2MAAAAARAAAAQABAAAAAQAAAQ0AAABEAAAAKGlpbmYAAAAAAAEAAAAaaW5mZQIAAAAAAQAAYXYwMUNvbG9yAAAAAGhpcHJwAAAASWlwY28A
AAAUaXNwZQAAAAAAAAAgAAAAGAAAAA5waXhpAAAAAAEIAAAADGF2MUOBABwAAAAAE2NvbHJuY2x4AAIAAgACgAAAABdpcG1hAAAAAAAAAAEAAQQBAoME
AAAATG1kYXQSAAoFGBE/dtUyORIGqQAB5ACA1Gwq1ul/9nqGTR03wqYtTZWiHjOzMCQkN/xdHF/gmBwNSZRxTN+lC5aB4XTDnzALjw==
""")
HEIC = base64.b64decode("""
AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAXxtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9jAAAA
AERAAAEAAQAAAAABoAABAAAAAAAAANoAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA/GlwcnAAAADc
aXBjbwAAAHVodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQApQgEBA3AAAAMAkAAAAwAA
AwAeoCCBBZbqrprm4CGgwIAAAAyAAAADAIRiAAEABkQBwXPBiQAAABNjb2xybmNseAABAA0ABoAAAAAUaXNwZQAAAAAAAABAAAAAQAAAAChjbGFw
AAAAIAAAAAEAAAAYAAAAAf///+AAAAAC////2AAAAAIAAAAQcGl4aQAAAAADCAgIAAAAGGlwbWEAAAAAAAAAAQABBYECAwWEAAAA4m1kYXQAAADW
KAGvDsh78sfAXmjhddvX/+yfyG35M2aIwG68EORb06k3OxyTqa+rzMLqC5C1WRvEHTe7iuHLCAb7ouwAepdpiV32owAWIxy50IUH9NMa574y0PHc
KGUaW1D8i1X7x628aee+tyznZW6A8UXwc/DRhWanL7hDWYkNtuHTfmADdMWlokNqmIS13j90X2+/PE6F5wGJi3MFh4fh+f6PA/gygJoAjHJjBywu
eYG+aQsU+UkjcmySCsrSxwd2PP+PCAL3vXGVqv3H4V6STt4c4uMu4oir1CmH4A==
""")
HEIC_ALPHA = base64.b64decode("""
AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAmttZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAADRpbG9jAAAA
AERAAAIAAQAAAAACjwABAAAAAAAAAKMAAgAAAAADMgABAAAAAAAAAC4AAAA4aWluZgAAAAAAAgAAABVpbmZlAgAAAAABAABodmMxAAAAABVpbmZl
AgAAAAACAABodmMxAAAAAA5waXRtAAAAAAABAAABqmlwcnAAAAGCaXBjbwAAAHVodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH/
/wNwAAADAJAAAAMAAAMAHroCQGEAAQApQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbqrprm4CGgwIAAAAyAAAADAIRiAAEABkQBwXPBiQAAABNjb2xy
bmNseAABAA0ABoAAAAAUaXNwZQAAAAAAAABAAAAAQAAAAChjbGFwAAAAIAAAAAEAAAAYAAAAAf///+AAAAAC////2AAAAAIAAAAQcGl4aQAAAAAD
CAgIAAAAcWh2Y0MBBAgAAACf+AAAAAAe8AD8/Pj4AAAPA2AAAQAXQAEMAf//BAgAAAMAn/gAAAMAAB66AkBhAAEAJkIBAQQIAAADAJ/4AAADAAAe
wIIEFluqumubAgAAAwAyAAADAAIQYgABAAZEAcFzwYkAAAAOcGl4aQAAAAABCAAAACdhdXhDAAAAAHVybjptcGVnOmhldmM6MjAxNTphdXhpZDox
AAAAACBpcG1hAAAAAAAAAAIAAQWBAgMFhAACBYYDB4iEAAAAGmlyZWYAAAAAAAAADmF1eGwAAgABAAEAAADZbWRhdAAAAJ8oAa8JyHkOBcA9q7Xf
6y//sx2WpObD6ocx2VeQ9vdBdvM5wJy/IR9mdoGM13nkK3I70CaV/Qaf1cVbz9R+pqnZ/DqZFN1Gbu6tVVX0sDvkZ/9A8RQPeBCHpEy9aKaKx5sW
mlJ4XIOMSxpq6Qf3sN7DfwQkcpQHyJphn3O5D/D4/ALCH8dPc50f//6AzPZqMEqeFM3ZSin6yomf/b0gaXgAAAAqKAGuE5CzISA9D+P/Ur5/MFv8
NKsRr//HxOW3UFRb0J56WUmJ5MBbh+E7
""")


def scene(width: int = 32, height: int = 24) -> Array:
    """(H, W, 3) uint8 RGB that looks different however it is turned: gradients and a red corner."""
    y, x = np.mgrid[:height, :width]
    planes = (x * 255 // (width - 1), y * 255 // (height - 1), 255 - (x + y) * 255 // (width + height - 2))
    rgb = np.stack(planes, -1).astype(np.uint8)
    rgb[: height // 3, : width // 4] = (255, 0, 0)
    return rgb


def opacity(width: int = 32, height: int = 24) -> Array:
    """(H, W) uint8: a quarter see-through, a quarter half so, the rest opaque."""
    row = np.repeat(np.array([0, 128, 255, 255], np.uint8), width // 4)
    return np.repeat(row[None], height, axis=0)


def turned(rgb: Array, orientation: int) -> Array:
    """How a stored picture looks when shown by EXIF's rules, written from the table of the standard: which side of
    the scene the stored first row and first column are."""
    flips = {1: (1, 1), 2: (1, -1), 3: (-1, -1), 4: (-1, 1), 5: (1, 1), 6: (-1, 1), 7: (-1, -1), 8: (1, -1)}
    rows, columns = flips[orientation]
    stored = rgb[::rows, ::columns]
    return np.ascontiguousarray(stored.transpose(1, 0, 2) if orientation >= 5 else stored)


def encode(extension: str, rgb: Array, *options: int) -> bytes:
    """OpenCV's encoder for RGB(A) or grey arrays."""
    swap = {3: [2, 1, 0], 4: [2, 1, 0, 3]}.get(rgb.shape[2] if rgb.ndim == 3 else 1)
    ok, data = cv2.imencode(extension, rgb if swap is None else np.ascontiguousarray(rgb[:, :, swap]), list(options))
    assert ok
    return data.tobytes()


def exif(orientation: int, order: str = "<", kind: int = 3) -> bytes:
    """An EXIF block (without its ``Exif\\0\\0``) that says nothing but the orientation."""
    value = struct.pack(order + {1: "BBBB", 3: "HH", 4: "I"}[kind], orientation, *[0] * {1: 3, 3: 1, 4: 0}[kind])
    head = {"<": b"II*\0", ">": b"MM\0*"}[order]
    return head + struct.pack(order + "IHHHI", 8, 1, 0x112, kind, 1) + value + bytes(4)


def jpeg(rgb: Array, orientation: int = 0, *options: int, order: str = "<") -> bytes:
    data = encode(".jpg", rgb, cv2.IMWRITE_JPEG_QUALITY, 98, *options)
    if not orientation:
        return data
    block = b"Exif\0\0" + exif(orientation, order)
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(rows: Array, bits: int, colour: int, *, extra: bytes = b"", orientation: int = 0, width: int = 0) -> bytes:
    """A PNG from rows as stored: (H, W[, C]) of big-endian numbers, or packed bytes with `width` given."""
    packed = rows.astype(">u2") if bits == 16 else rows.astype(np.uint8)
    raw = b"".join(b"\0" + row.tobytes() for row in packed)
    head = struct.pack(">IIBBBBB", width or rows.shape[1], rows.shape[0], bits, colour, 0, 0, 0)
    turn = chunk(b"eXIf", exif(orientation)) if orientation else b""
    middle = extra + turn + chunk(b"IDAT", zlib.compress(raw))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + middle + chunk(b"IEND", b"")


def webp(rgb: Array, orientation: int = 0, *, quality: int = 101) -> bytes:
    """Lossless (101) or lossy WebP; with an orientation in its extended form."""
    data = encode(".webp", rgb, cv2.IMWRITE_WEBP_QUALITY, quality)
    if not orientation:
        return data
    alpha = 0x10 if rgb.shape[2] == 4 else 0
    body = b"".join(
        kind + struct.pack("<I", len(content)) + content + bytes(len(content) & 1)
        for kind, content in (
            (b"VP8X", bytes([0x08 | alpha, 0, 0, 0]) + _u24(rgb.shape[1] - 1) + _u24(rgb.shape[0] - 1)),
            (data[12:16], data[20 : 20 + int.from_bytes(data[16:20], "little")]),
            (b"EXIF", exif(orientation)),
        )
    )
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _u24(value: int) -> bytes:
    return struct.pack("<I", value)[:3]


def bmp(
    rows: Array,
    bits: int,
    *,
    size: int = 40,
    compression: int = 0,
    masks: tuple[int, ...] = (),
    top_down: bool = False,
    palette: bytes = b"",
    width: int = 0,
) -> bytes:
    """A BMP from rows as stored, top row first."""
    raw = b"".join(row.tobytes() + bytes(-row.nbytes % 4) for row in (rows if top_down else rows[::-1]))
    width, height = width or rows.shape[1], -rows.shape[0] if top_down else rows.shape[0]
    if size == 12:
        head = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        head = struct.pack(
            "<IiiHHIIiiII", size, width, height, 1, bits, compression, len(raw), 0, 0, len(palette) // 4, 0
        )
        head += struct.pack(f"<{len(masks)}I", *masks)
        head += bytes(max(0, size - len(head)))
    start = 14 + len(head) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(raw), 0, 0, start) + head + palette + raw


def gif(
    index: Array, *, canvas: tuple[int, int] | None = None, at: tuple[int, int] = (0, 0), transparent: int | None = None
) -> bytes:
    """A GIF of the 4 colours of PALETTE; its codes are never longer than 3 bits."""
    height, width = index.shape
    data = (
        b"GIF89a" + struct.pack("<HHBBB", *(canvas or (width, height)), 0xF1, 0, 0) + bytes(np.array(PALETTE, np.uint8))
    )
    if transparent is not None:
        data += b"\x21\xf9\x04" + struct.pack("<BHB", 1, 0, transparent) + b"\0"
    data += b"\x2c" + struct.pack("<4HB", *at, width, height, 0) + b"\x02"
    codes = [code for k, value in enumerate(index.ravel().tolist()) for code in ([4, value] if k % 2 == 0 else [value])]
    bits = "".join(f"{code:03b}"[::-1] for code in [*codes, 5])
    packed = bytes(int(bits[k : k + 8][::-1], 2) for k in range(0, len(bits), 8))
    blocks = [packed[k : k + 255] for k in range(0, len(packed), 255)]
    return data + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0\x3b"


def tiff(
    array: Array,
    *,
    photometric: int = 2,
    orientation: int = 1,
    order: str = "<",
    big: bool = False,
    tile: int = 0,
    extra: tuple[int, ...] = (),
    tags: tuple[tuple[int, int, int], ...] = (),
    bits: int = 0,
    planar: bool = False,
) -> bytes:
    """An uncompressed TIFF whose directory comes first, its picture last.

    Args:
        array: (H, W[, C]) unsigned; (C, H, W) if `planar`.
        extra: Meaning of the samples beyond the colours.
        tags: Further (tag, kind, value), of kind 3 or 4; they replace those made here.
    """
    stored = array.astype(array.dtype.newbyteorder(order))
    planes = stored if planar else stored[None]
    height, width = planes.shape[1:3]
    samples = len(planes) if planar else (planes.shape[3] if planes.ndim == 4 else 1)
    parts = [plane.tobytes() for plane in planes]
    if tile:
        (plane,) = planes
        wide = np.zeros((-(-height // tile) * tile, -(-width // tile) * tile, *plane.shape[2:]), plane.dtype)
        wide[:height, :width] = plane
        parts = [
            wide[y : y + tile, x : x + tile].tobytes()
            for y in range(0, wide.shape[0], tile)
            for x in range(0, wide.shape[1], tile)
        ]
    entries: dict[int, tuple[int, tuple[int, ...]]] = {
        256: (4, (width,)),
        257: (4, (height,)),
        258: (3, (bits or array.dtype.itemsize * 8,) * samples),
        259: (3, (1,)),
        262: (3, (photometric,)),
        274: (3, (orientation,)),
        277: (3, (samples,)),
        284: (3, (2 if planar else 1,)),
        **({338: (3, extra)} if extra else {}),
        **({322: (4, (tile,)), 323: (4, (tile,))} if tile else {278: (4, (height,))}),
        **{tag: (kind, (value,)) for tag, kind, value in tags},
    }
    offsets, counts = (324, 325) if tile else (273, 279)
    entries |= {offsets: (4, (0,) * len(parts)), counts: (4, tuple(map(len, parts)))}
    inline, letter = (8, "Q") if big else (4, "I")
    after = 16 + 8 + 20 * len(entries) + 8 if big else 8 + 2 + 12 * len(entries) + 4
    long = {tag: len(values) * {3: 2, 4: 4}[kind] for tag, (kind, values) in entries.items()}
    picture = after + sum(size for size in long.values() if size > inline)
    places = np.cumsum([picture, *map(len, parts[:-1])]).tolist()
    entries[offsets] = (4, tuple(places))
    directory, beyond = b"", b""
    for tag, (kind, values) in sorted(entries.items()):
        packed = struct.pack(f"{order}{len(values)}{ {3: 'H', 4: 'I'}[kind] }", *values)
        if len(packed) > inline:
            packed, beyond = struct.pack(order + letter, after + len(beyond)), beyond + packed
        directory += struct.pack(f"{order}HH{letter}", tag, kind, len(values)) + packed.ljust(inline, b"\0")
    mark = {"<": b"II", ">": b"MM"}[order]
    head = struct.pack(order + "HHHQ", 43, 8, 0, 16) if big else struct.pack(order + "HI", 42, 8)
    count = struct.pack(order + ("Q" if big else "H"), len(entries))
    return mark + head + count + directory + bytes(inline) + beyond + b"".join(parts)


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content


def boxes(data: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        found.append((kind, data[at + 8 : at + size]))
        at += size
    return found


def with_properties(data: bytes, *added: tuple[bytes, bytes]) -> bytes:
    """An AVIF or HEIC file whose first item has further properties, such as (b"irot", b"\\1")."""
    grown = sum(len(content) + 8 + 1 for _, content in added)

    def change(kind: bytes, content: bytes) -> bytes:
        if kind == b"meta":
            return content[:4] + b"".join(box(k, change(k, c)) for k, c in boxes(content[4:]))
        if kind == b"iprp":
            count = len(boxes(boxes(content)[0][1]))
            numbers = bytes(0x80 | (count + 1 + k) for k in range(len(added)))
            return b"".join(box(k, change(k, c) if k == b"ipco" else _associate(c, numbers)) for k, c in boxes(content))
        if kind == b"ipco":
            return content + b"".join(box(k, c) for k, c in added)
        if kind == b"iloc":  # versions 0 and 1 with 4-byte offsets: what the encoders used here write
            wide, base = (2 if content[0] else 0), content[5] >> 4
            changed, at = bytearray(content), 8
            for _ in range(int.from_bytes(content[6:8])):
                at += 2 + wide + 2 + base + 2
                changed[at : at + 4] = struct.pack(">I", struct.unpack_from(">I", content, at)[0] + grown)
                at += 8
            return bytes(changed)
        return content

    return b"".join(box(kind, change(kind, content)) for kind, content in boxes(data))


def _associate(ipma: bytes, numbers: bytes) -> bytes:
    return ipma[:10] + bytes([ipma[10] + len(numbers)]) + ipma[11 : 11 + ipma[10]] + numbers + ipma[11 + ipma[10] :]


def avif(rgb: Array, *added: tuple[bytes, bytes], depth: int = 8) -> bytes:
    data = encode(".avif", rgb, cv2.IMWRITE_AVIF_QUALITY, 100, cv2.IMWRITE_AVIF_DEPTH, depth, cv2.IMWRITE_AVIF_SPEED, 9)
    return with_properties(data, *added) if added else data
