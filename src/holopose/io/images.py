"""Owns reading one picture: from a file or from bytes to an upright RGB Frame, or to one line that says why not."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from holopose.errors import ConfigError, InputError
from holopose.io.headers import one_line, read_header, recognise
from holopose.types import Frame

__all__ = ["ImageInput", "name_input", "read_image"]

ImageInput = str | os.PathLike[str] | bytes | bytearray | memoryview
"""A path, or the bytes of a picture file."""

_HEAD_BYTES = 1 << 12
_BYTES_PER_PX = 8
_EXTRA_BYTES = 1 << 28


def name_input(source: object) -> str:
    """What results and messages call an input: the path as given, ``<bytes>`` for bytes.

    >>> name_input("photos/a.jpg"), name_input(b"...")
    ('photos/a.jpg', '<bytes>')
    """
    if isinstance(source, bytes | bytearray | memoryview):
        return "<bytes>"
    return os.fsdecode(source) if isinstance(source, str | os.PathLike) else f"<{type(source).__name__}>"


def read_image(source: ImageInput, *, max_megapixels: float = 100.0, index: int = 0, name: str | None = None) -> Frame:
    """Read a picture as it is meant to be seen: upright, 8-bit RGB.

    JPEG (grey, RGB, CMYK, progressive), PNG, WebP, BMP, TIFF, AVIF and GIF, of animations and of files with several
    pages the first picture; HEIC with the optional package ``holopose[heic]``. The size that the file declares is
    checked before anything is decoded, and what comes out has that size.

    Orientation (EXIF, or AVIF's and HEIC's own turns) is honoured. Transparency is laid over white, the page that
    viewers and browsers show behind cut-out people; colours that lie hidden beneath fully transparent pixels never
    show. 16-bit values are divided by 257, so that white stays white and nothing saturates. Floating-point TIFF has no
    agreed range and is refused. Colour profiles are not applied.

    A file that ends early is an error, even where its first rows could be decoded. Not errors: bytes after the end,
    a JPEG that lacks only its end marker, a PNG that lacks only its last chunk, a GIF or a multi-page TIFF whose later
    pictures are missing.

    Args:
        source: A path, or the bytes of a picture file. For pixels in an array use `Frame.from_rgb` or
            `Frame.from_bgr`.
        max_megapixels: Pictures that declare more pixels than this (in millions) are refused undecoded.
        index: Number for the frame.
        name: What the frame and messages call it; None for the path as given, or ``<bytes>``.

    Returns:
        The picture.

    Raises:
        InputError: the file is missing, a folder, unreadable, empty, truncated, damaged, no picture, or too large. One
            line, beginning with the file's name.
        ConfigError: `max_megapixels` is no positive number.
    """
    if isinstance(max_megapixels, bool) or not isinstance(max_megapixels, int | float) or not max_megapixels > 0:
        raise ConfigError(f"max_megapixels: expected a number above 0, got {max_megapixels!r}")
    path = name_input(source)
    name = path if name is None else name
    shown = one_line(name)
    if isinstance(source, bytes | bytearray | memoryview):
        data: bytes | memoryview = source if isinstance(source, bytes) else _flat(source)
    elif isinstance(source, str | os.PathLike):
        data = _read_file(path, shown, max_megapixels)
    else:
        raise InputError(
            f"expected a path or the bytes of a picture file, got {type(source).__name__}; "
            "for an array use Frame.from_rgb or Frame.from_bgr"
        )
    header = read_header(data, name=shown)
    if header.width * header.height > max_megapixels * 1e6:
        raise InputError(
            f"{shown}: {header.width} x {header.height} pixels ({header.megapixels:.1f} megapixels) are more than "
            f"max_megapixels ({max_megapixels:g}) allows; make it smaller or raise the limit"
        )
    from holopose.io.decoding import decode_rgb

    return Frame(decode_rgb(data, header, name=shown), index=index, name=name)


def _flat(data: bytearray | memoryview) -> memoryview:
    view = memoryview(data)
    return view.cast("B") if view.c_contiguous else memoryview(view.tobytes())


def _read_file(path: str, shown: str, max_megapixels: float) -> bytes:
    """All bytes of a file, once its first ones show that it is a picture that may be read.

    Raises:
        InputError: it cannot be read, is no ordinary file, no picture, or far larger than any picture within the limit.
    """
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 (Path("") is the working folder)
        if stat.S_ISDIR(mode):
            raise InputError(f"{shown}: is a folder; give its pictures one by one, such as {shown.rstrip('/')}/*.jpg")
        if not stat.S_ISREG(mode):
            raise InputError(f"{shown}: is not an ordinary file (a device, pipe or socket)")
        with Path(path).open("rb") as file:
            recognise(memoryview(file.read(_HEAD_BYTES)), name=shown)
            size = os.fstat(file.fileno()).st_size
            if size > max_megapixels * 1e6 * _BYTES_PER_PX + _EXTRA_BYTES:
                raise InputError(
                    f"{shown}: {size / 1e6:.0f} MB are more than any picture within max_megapixels ({max_megapixels:g})"
                )
            file.seek(0)
            return file.read()
    except InputError:
        raise
    except FileNotFoundError as error:
        hint = "; holopose reads files of this machine only, fetch it first" if "://" in shown else ""
        raise InputError(f"{shown}: does not exist{hint}") from error
    except MemoryError as error:
        raise InputError(f"{shown}: cannot be read: not enough memory") from error
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte in it
        raise InputError(f"{shown}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
