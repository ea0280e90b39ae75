"""Owns the way from a file's bytes to upright 8-bit RGB, the same for every version of OpenCV it may meet.

OpenCV decodes; what it does differently per format or wrongly is set right here: orientation (WebP before 4.13, AVIF,
tiled TIFF), transparency, 16-bit scaling, files that end early.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.errors import InputError
from holopose.io import isobmff, opencv, tiff
from holopose.io.headers import Header, explain, jpeg_segments, one_line, png_chunks, read_gif_frame

__all__ = ["decode_rgb"]

Image = npt.NDArray[np.uint8]
Bytes = bytes | bytearray | memoryview

_AFTER_SCAN = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
_PNG_KEPT = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")
_MOST_MARKERS = 100_000
_MOST_SCANS = 500
"""Progressive JPEGs have a dozen scans; each costs a pass over the whole picture."""
_BLOCK_PX = 1 << 20


def decode_rgb(data: bytes | memoryview, header: Header, *, name: str) -> Image:
    """The picture in `data`, cropped and turned as its header says.

    Transparent pixels are laid over white, so that colours hidden beneath full transparency do not show; 16 bits
    become 8 by dividing by 257, other depths likewise (the largest value becomes 255).

    Args:
        data: The whole file.
        header: What `read_header` found in it.
        name: What messages call the file.

    Returns:
        (H, W, 3) uint8 RGB, contiguous.

    Raises:
        InputError: the file ends early, is damaged, uses something not supported, or does not have the size that its
            header declares.
    """
    view = memoryview(data)
    try:
        image = _DECODERS[header.format](view, header, name)
    except (struct.error, IndexError) as error:
        raise InputError(f"{name}: is truncated or damaged{explain(error)}") from error
    except MemoryError as error:
        raise InputError(
            f"{name}: not enough memory for its {header.width} x {header.height} pixels; make it smaller first"
        ) from error
    if header.crop_xywh and header.format != "heic":
        left, top, width, height = header.crop_xywh
        image = image[top : top + height, left : left + width]
    if header.format != "heic":  # turned by its decoder
        image = _turn(image, header.orientation)
    height, width = image.shape[:2]
    if (width, height) != header.size_wh:
        want = " x ".join(map(str, header.size_wh))
        raise InputError(f"{name}: is damaged: its header declares {want} pixels, its picture has {width} x {height}")
    return np.ascontiguousarray(image)


def _opencv(data: Bytes, header: Header, name: str, *, rgb: bool, ended: bool = True) -> tuple[npt.NDArray[Any], str]:
    """What OpenCV makes of the data, and its libraries' complaints; `ended` is False for files that lack their end."""
    image, complaint = opencv.decode(data, rgb=rgb)
    if image is None:
        if "CV_IO_MAX_IMAGE" in complaint:
            raise InputError(
                f"{name}: {header.width} x {header.height} pixels are more than OpenCV was told to accept when it was "
                "loaded; set OPENCV_IO_MAX_IMAGE_PIXELS before starting"
            )
        if not ended:
            raise InputError(f"{name}: is truncated: it ends before its picture does")
        because = f" ({one_line(complaint)})" if complaint and "OpenCV" not in complaint else ""
        raise InputError(
            f"{name}: cannot be decoded: its {header.format.upper()} data are damaged or of an unusual kind{because}"
        )
    if (image.shape[1], image.shape[0]) != (header.width, header.height):
        raise InputError(
            f"{name}: is damaged: its header declares {header.width} x {header.height} pixels, "
            f"its picture has {image.shape[1]} x {image.shape[0]}"
        )
    return image, complaint


def _decode_plain(data: Bytes, header: Header, name: str) -> Image:
    image, _ = _opencv(data, header, name, rgb=False)
    return _to_rgb(image, max_value=_max_value(image, header))


def _decode_jpeg(data: memoryview, header: Header, name: str) -> Image:
    """JPEG, CMYK included. A file that lacks nothing but its end marker is accepted; missing picture data are not."""
    at, scans, ended, one_pass = 0, 1, False, False
    for code, start, end in jpeg_segments(data):
        at = end
        if code == 0xDA:
            one_pass = one_pass and data[start] == header.channels
        elif code in (0xC0, 0xC1):
            one_pass = True
    for _ in range(_MOST_MARKERS):
        found = _AFTER_SCAN.search(data, at)
        ended = found is not None and found[1] == b"\xd9"
        if ended or not found:
            break
        at = found.end()
        scans += found[1] == b"\xda"
        if found[1] not in (b"\x01", b"\xd8"):
            at += max(int.from_bytes(data[at : at + 2]), 2)
    else:
        raise InputError(f"{name}: is damaged: more than {_MOST_MARKERS} markers in one JPEG")
    if scans > _MOST_SCANS:
        raise InputError(f"{name}: is damaged: more than {_MOST_SCANS} scans in one JPEG")
    if not ended and not (one_pass and scans == 1):  # later scans may be missing, which libjpeg does not mind
        raise InputError(f"{name}: is truncated: it ends before its picture does")
    whole = data if ended else b"".join((data, b"\xff\xd9"))
    image, complaint = _opencv(whole, header, name, rgb=True, ended=ended)
    if "premature end" in complaint or (complaint and not ended):
        raise InputError(f"{name}: is truncated or damaged: its JPEG data end before the picture does")
    return image


def _decode_png(data: memoryview, header: Header, name: str) -> Image:
    """PNG and the still picture of an animated one, from the chunks that make the picture, checksums verified."""
    kept: list[Bytes] = [data[:8]]
    hidden: int | None = None
    ended = False
    for kind, content, checksum in png_chunks(data):
        if kind == b"IEND":
            ended = True
            break
        if kind not in _PNG_KEPT:
            continue
        if len(checksum) < 4:
            raise InputError(f"{name}: is truncated: it ends within its {kind.decode()} chunk")
        if zlib.crc32(content, zlib.crc32(kind)) != int.from_bytes(checksum):
            raise InputError(f"{name}: is damaged: the checksum of its {kind.decode()} chunk is wrong")
        if kind == b"tRNS" and header.channels == 1:
            hidden = int.from_bytes(content[:2])  # OpenCV overlooks the transparent grey
            continue
        kept += [struct.pack(">I", len(content)), kind, content, checksum]
    kept.append(struct.pack(">I4sI", 0, b"IEND", zlib.crc32(b"IEND")))
    image, _ = _opencv(b"".join(kept), header, name, rgb=False, ended=ended)
    rgb = _to_rgb(image, max_value=_max_value(image, header))
    if hidden is not None and image.ndim == 2:
        scale = 255 // ((1 << header.bits) - 1) if header.bits < 8 else 1
        rgb[image == hidden * scale] = 255
    return rgb


def _decode_gif(data: memoryview, header: Header, name: str) -> Image:
    """The first picture of a GIF; what follows it is not looked at, and what it does not cover is white."""
    frame = read_gif_frame(data)
    if frame.end is None:
        raise InputError(f"{name}: is truncated: its first picture ends early")
    image, _ = _opencv(b"".join((data[: frame.end], b";")), header, name, rgb=False)
    rgb = _to_rgb(image)
    left, top, width, height = frame.rect_xywh
    for edge in (rgb[:top], rgb[top + height :], rgb[:, :left], rgb[:, left + width :]):
        edge[:] = 255
    return rgb


def _decode_webp(data: memoryview, header: Header, name: str) -> Image:
    (size,) = struct.unpack_from("<I", data, 4)
    if size + 8 > len(data):
        raise InputError(f"{name}: is truncated: {len(data)} of {size + 8} bytes")
    return _decode_plain(data, header, name)


def _decode_bmp(data: memoryview, header: Header, name: str) -> Image:
    """BMP; a transparency that is zero everywhere was never meant, as browsers hold it too."""
    start, size = struct.unpack_from("<II", data, 10)
    compression = struct.unpack_from("<I", data, 30)[0] if size >= 20 else 0
    whole = start + (header.width * header.bits + 31) // 32 * 4 * header.height
    if compression in (0, 3) and whole > len(data):
        raise InputError(f"{name}: is truncated: {len(data)} of {whole} bytes")
    image, _ = _opencv(data, header, name, rgb=not header.alpha)
    if not header.alpha:
        return image
    return _to_rgb(image if image.shape[2] < 4 or image[:, :, 3].any() else image[:, :, :3])


def _decode_tiff(data: memoryview, header: Header, name: str) -> Image:
    """The first picture of a TIFF.

    libtiff converts the colours, except where that costs something: transparency, and the low byte of 16-bit grey.
    """
    layout = tiff.read_layout(data)
    if layout.refusal:
        raise InputError(f"{name}: this TIFF cannot be read: {layout.refusal}; save it as 8-bit RGB TIFF or PNG")
    if not layout.complete:
        raise InputError(f"{name}: is truncated: its TIFF data lie beyond its {len(data)} bytes")
    deep_grey = layout.channels == 1 and layout.bits == 16
    image, _ = _opencv(layout.upright(), header, name, rgb=not (layout.alpha or deep_grey))
    if not layout.alpha and not deep_grey:
        return image
    if deep_grey and layout.inverted:
        image = 65535 - image
    # libtiff multiplies 8-bit colours by their transparency, 16-bit ones come as stored
    multiplied = layout.alpha == "associated" or image.dtype == np.uint8
    return _to_rgb(image, max_value=_max_value(image, header), multiplied=multiplied)


def _boxes_of_picture(data: memoryview, name: str) -> memoryview:
    """The part of an AVIF or HEIC file that holds the picture."""
    main = isobmff.read_main_picture(data)
    if not main.complete:
        raise InputError(f"{name}: is truncated: its boxes are not all within its {len(data)} bytes")
    return data[: main.end]


def _decode_avif(data: memoryview, header: Header, name: str) -> Image:
    return _decode_plain(_boxes_of_picture(data, name), header, name)


def _decode_heic(data: memoryview, header: Header, name: str) -> Image:
    """HEIC by the optional package pi-heif, which crops and turns as the file says."""
    try:
        import pi_heif
    except ImportError as error:
        raise InputError(
            f'{name}: HEIC needs an optional package; install it with: pip install "holopose[heic]"'
        ) from error
    boxes = _boxes_of_picture(data, name)
    try:
        picture = pi_heif.open_heif(isobmff.picture_only(boxes))
        pixels = np.array(picture)  # a copy: what pi-heif shows lives only as long as `picture`
    except (ValueError, RuntimeError, EOFError, SyntaxError, OSError) as error:
        reason = one_line(str(error))
        raise InputError(
            f"{name}: cannot be decoded: its HEIC data are damaged or of an unusual kind ({reason})"
        ) from error
    if pixels.ndim == 3 and pixels.shape[2] == 3:
        return pixels
    bgr = pixels if pixels.ndim == 2 else pixels[:, :, [2, 1, 0, 3]]
    return _to_rgb(bgr, multiplied=bool(picture.premultiplied_alpha))


_DECODERS = {
    "jpeg": _decode_jpeg,
    "png": _decode_png,
    "gif": _decode_gif,
    "webp": _decode_webp,
    "bmp": _decode_bmp,
    "tiff": _decode_tiff,
    "avif": _decode_avif,
    "heic": _decode_heic,
}


def _max_value(image: npt.NDArray[Any], header: Header) -> int:
    """What white is in the array that OpenCV gave: AVIF keeps its 10 or 12 bits, the others fill 16."""
    if image.dtype == np.uint8:
        return 255
    return (1 << header.bits) - 1 if header.format == "avif" else 65535


def _to_rgb(image: npt.NDArray[Any], *, max_value: int = 255, multiplied: bool = False) -> Image:
    """8-bit RGB from OpenCV's grey, BGR or BGRA, block by block, in place where it can be.

    Args:
        image: (H, W) or (H, W, 3 or 4), uint8 or uint16; may be overwritten.
        max_value: The value of white.
        multiplied: Whether colours are already multiplied by their opacity.

    Returns:
        (H, W, 3) uint8 RGB, transparent pixels laid over white.
    """
    cv2: Any = opencv.load_opencv()
    in_place = image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3 and image.flags.writeable
    out = image if in_place else np.empty((*image.shape[:2], 3), np.uint8)
    for rows in _blocks(image):
        block = image[rows]
        if block.dtype != np.uint8:
            block = cv2.convertScaleAbs(block, alpha=255 / max_value)
        if block.ndim == 2:
            out[rows] = block[:, :, None]
        elif block.shape[2] == 3:
            out[rows] = cv2.cvtColor(block, cv2.COLOR_BGR2RGB)
        else:
            colour = cv2.cvtColor(block, cv2.COLOR_BGRA2RGB)
            opacity = cv2.cvtColor(cv2.extractChannel(block, 3), cv2.COLOR_GRAY2RGB)
            if multiplied:
                out[rows] = cv2.add(colour, 255 - opacity)
            else:
                out[rows] = 255 - cv2.multiply(255 - colour, opacity, scale=1 / 255)
    return out


def _blocks(image: npt.NDArray[Any]) -> Iterator[slice]:
    """Runs of rows of about a million pixels."""
    step = max(1, _BLOCK_PX // max(1, image.shape[1]))
    return (slice(top, top + step) for top in range(0, len(image), step))


def _turn(image: Image, orientation: int) -> Image:
    """Upright from stored, by EXIF's count (see `Header.orientation`)."""
    if orientation == 1:
        return image
    cv2: Any = opencv.load_opencv()
    image = np.ascontiguousarray(image)
    if orientation >= 5:
        image = cv2.transpose(image)
    mirror = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)
    turned: Image = image if mirror is None else cv2.flip(image, mirror, dst=image)
    return turned
