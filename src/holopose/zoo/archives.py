"""Owns taking one file out of a zip archive that comes from elsewhere: by how its path ends, and never too much.

No name out of an archive ever becomes a path.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from holopose.errors import ModelError

__all__ = ["opened_member"]

_MOST_FILES = 10_000
_MOST_BYTES = 16 << 30
_MOST_TIMES = 100
"""Weights hardly shrink: what claims to be a hundred times its packed size is no network but a bomb."""


@contextmanager
def opened_member(archive: Path, ending: str) -> Iterator[tuple[IO[bytes], int]]:
    """The one file of a zip whose path ends with `ending` (whole names: ``end2end.onnx`` is not ``my-end2end.onnx``).

    Yields:
        The file for reading, and how many bytes the archive says it has; what reads more must stop.

    Raises:
        ModelError: not a zip, damaged, encrypted, a bomb, or not exactly one such file.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entry = _entry(opened, archive.name, ending)
            with opened.open(entry) as stream:
                yield stream, entry.file_size
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ModelError(f"{archive.name}: is not a usable zip archive: {error or type(error).__name__}") from error


def _entry(opened: zipfile.ZipFile, name: str, ending: str) -> zipfile.ZipInfo:
    entries = opened.infolist()
    if len(entries) > _MOST_FILES:
        raise ModelError(f"{name}: expected an archive of a few files, got {len(entries)}")
    found = [one for one in entries if f"/{one.filename}".endswith(f"/{ending}") and not one.is_dir()]
    if len(found) != 1:
        several = f"{len(found)}: {', '.join(one.filename for one in found[:3])}" if found else "none"
        raise ModelError(f"{name}: expected one {ending} in it, got {several}")
    [entry] = found
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise ModelError(f"{name}: {entry.filename} in it is a link, not a file")
    if entry.file_size > min(_MOST_BYTES, max(entry.compress_size, 1) * _MOST_TIMES):
        raise ModelError(
            f"{name}: {entry.filename} in it claims to be {entry.file_size} bytes, packed into {entry.compress_size}"
        )
    return entry
