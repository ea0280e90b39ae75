"""Owns list files: text with one input per line."""

from __future__ import annotations

import codecs
from pathlib import Path

from holopose.errors import InputError
from holopose.io.headers import one_line

__all__ = ["read_list"]

_LONGEST_BYTES = 64 << 20


def read_list(path: str) -> list[tuple[int, str]]:
    """The inputs that a list file names, each with its line number from 1.

    UTF-8 or, with the mark that Windows' editors write, UTF-16; any line ends. Empty lines and lines that begin with
    ``#`` say nothing, blanks around a line and quotes around all of it are dropped.

    Raises:
        InputError: it does not exist, cannot be read, is no text, or names nothing.
    """
    shown = one_line(path)
    try:
        with Path(path).open("rb") as file:
            data = file.read(_LONGEST_BYTES + 1)
    except FileNotFoundError as error:
        raise InputError(f"{shown}: this list does not exist") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{shown}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(data) > _LONGEST_BYTES:
        raise InputError(f"{shown}: is longer than {_LONGEST_BYTES >> 20} MB, too long for a list of inputs")
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{shown}: expected a list of inputs as UTF-8 text, got other bytes") from error
    if "\0" in text:
        raise InputError(f"{shown}: expected a list of inputs as UTF-8 text, got binary data")
    lines = []
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1):
        entry = line.strip()
        if not entry.startswith("#") and (entry := _unquote(entry)):
            lines.append((number, entry))
    if not lines:
        raise InputError(f"{shown}: names no input; expected one per line")
    return lines


def _unquote(entry: str) -> str:
    quoted = len(entry) > 1 and entry[0] == entry[-1] and entry[0] in "\"'"
    return entry[1:-1] if quoted else entry
