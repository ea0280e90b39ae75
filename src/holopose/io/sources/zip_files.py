"""Owns reading ZIP archives, entry by entry, however hostile they are."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
from collections.abc import Iterator
from typing import BinaryIO

from holopose.errors import InputError
from holopose.io.headers import one_line
from holopose.io.sources.members import ArchiveLimits, Entry, mapping_damage
from holopose.io.sources.names import path_key

__all__ = ["ZipReader"]

_ENCRYPTED = 0x1 | 0x40 | 0x2000
_READABLE = {
    zipfile.ZIP_STORED: 1 << 18,
    zipfile.ZIP_DEFLATED: 1 << 18,
    zipfile.ZIP_BZIP2: 4096,
    zipfile.ZIP_LZMA: 4096,
}
"""Bytes to ask for at a time: bzip2 and LZMA are unpacked without a limit on what comes out of one piece."""

_END_BYTES = 22
_LONGEST_COMMENT = 65535
_HEADER_BYTES = 46


class ZipReader:
    """The entries of a ZIP archive in natural order; the file stays open until `close`.

    Args:
        file: The archive, open for reading; closed with this.
        shown: What messages call it.
        limits: Members are counted before anything else is done with them.

    Raises:
        InputError: it is damaged, or has more members than `limits` allows.
    """

    def __init__(self, file: BinaryIO, *, shown: str, limits: ArchiveLimits) -> None:
        self._shown = shown
        with mapping_damage(shown):
            size = file.seek(0, os.SEEK_END)
            _refuse_crowds(file, size, shown=shown, most=limits.members)
            self._zip = zipfile.ZipFile(file)
            entries = [info for info in self._zip.infolist() if not info.is_dir()]
            if sum(info.compress_size for info in entries) > size:
                raise InputError(f"{shown}: its members lie upon each other, as in archives made to fill a disk")
            self._entries = sorted(entries, key=lambda info: path_key(info.filename))
        self._file = file

    def entries(self) -> Iterator[Entry]:
        """What the archive says it holds, folders aside."""
        for info in self._entries:
            yield Entry(info.filename, info.file_size, info.compress_size, _find_problem(info), info)

    def read(self, entry: Entry, *, shown: str) -> bytes:
        """All bytes of one entry, never more than it declares.

        Raises:
            InputError: it is damaged, or declares another size than it has.
        """
        info: zipfile.ZipInfo = entry.place
        pieces: list[bytes] = []
        length = 0
        with mapping_damage(shown), self._zip.open(info) as member:
            while piece := member.read(_READABLE[info.compress_type]):
                pieces.append(piece)
                length += len(piece)
                if length > info.file_size:
                    break
        if length != info.file_size:
            raise InputError(f"{shown}: is damaged: it declares {info.file_size} bytes and has other than that")
        return b"".join(pieces)

    def close(self) -> None:
        """Let go of the file; calling twice is harmless."""
        self._zip.close()
        self._file.close()


def _find_problem(info: zipfile.ZipInfo) -> str:
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted; unpack it with its password first"
    kind = stat.S_IFMT(info.external_attr >> 16) if info.create_system == 3 else 0
    if kind == stat.S_IFLNK:
        return "is a link, which is not followed; pack the file itself"
    if kind not in (0, stat.S_IFREG):
        return "is no ordinary file (a device, pipe or socket)"
    if info.compress_type not in _READABLE:
        return f"is packed in a way that is not supported (method {info.compress_type}); pack it anew as a usual ZIP"
    return ""


def _refuse_crowds(file: BinaryIO, size: int, *, shown: str, most: int) -> None:
    """Count the entries in the table of contents before objects are made of them; `zipfile` believes any number.

    Raises:
        InputError: there are more than `most`.
    """
    tail_bytes = min(size, _END_BYTES + _LONGEST_COMMENT)
    file.seek(size - tail_bytes)
    tail = file.read(tail_bytes)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + _END_BYTES > len(tail):
        raise InputError(
            f"{one_line(shown)}: is damaged or cut short: the table of contents at the end of a ZIP is missing"
        )
    end = size - tail_bytes + at
    (table_bytes,) = struct.unpack_from("<I", tail, at + 12)
    locator = tail[max(at - 20, 0) : at]
    if locator.startswith(b"PK\x06\x07"):  # ZIP64: the true numbers are in a record of their own
        (place,) = struct.unpack_from("<Q", locator, 8)
        file.seek(min(place, size))
        record = file.read(56)
        if record.startswith(b"PK\x06\x06") and len(record) == 56:
            (table_bytes,) = struct.unpack_from("<Q", record, 40)
            end = place
    if table_bytes < most * _HEADER_BYTES:
        return
    file.seek(max(end - table_bytes, 0))
    for _ in range(most + 1):
        header = file.read(_HEADER_BYTES)
        if len(header) < _HEADER_BYTES or not header.startswith(b"PK\x01\x02"):
            return
        file.seek(sum(struct.unpack_from("<3H", header, 28)), os.SEEK_CUR)
    raise InputError(f"{shown}: has more than {most} members, the most that are read")
