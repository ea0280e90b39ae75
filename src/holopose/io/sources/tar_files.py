"""Owns reading TAR archives, plain and compressed, from front to back, however hostile they are."""

from __future__ import annotations

import importlib
import tarfile
from collections.abc import Iterator
from typing import IO, BinaryIO, cast

from holopose.errors import InputError
from holopose.io.sources.members import ArchiveLimits, Entry, mapping_damage

__all__ = ["TarReader"]

_BLOCK = 512
_PIECE = 1 << 16
"""Bytes read at a time. No header is longer either: one that claims to be would fill memory."""

_RATIO_FROM_BYTES = 16 << 20


class TarReader:
    """The entries of a TAR archive in its own order; the file stays open until `close`.

    Reading an entry further back than the last one is quick in a plain TAR; a compressed one is unpacked again from its
    front.

    Args:
        file: The archive, open for reading; closed with this.
        shown: What messages call it.
        limits: How far a compressed archive may grow.

    Raises:
        InputError: it is no TAR.
    """

    def __init__(self, file: BinaryIO, *, shown: str, limits: ArchiveLimits) -> None:
        self._shown = shown
        self._file = file
        with mapping_damage(shown):
            self._stream = _Stream(_decompress(file, shown), file, shown=shown, limits=limits)
            try:
                self._tar = tarfile.open(fileobj=cast("IO[bytes]", self._stream), mode="r:")  # noqa: SIM115
            except tarfile.ReadError as error:
                if self._stream.tell() > _BLOCK:
                    raise
                raise InputError(f"{shown}: is no ZIP or TAR archive") from error

    def entries(self) -> Iterator[Entry]:
        """What the archive holds, folders aside, each as soon as it is reached.

        Raises:
            InputError: it is damaged or cut short from here on, or grows beyond the limits.
        """
        before = -1
        while True:
            with mapping_damage(self._shown):
                info = self._tar.next()
                if info is None:
                    self._check_end()
                    return
                self._tar.members = []  # type: ignore[attr-defined]  # it keeps them all, and nobody needs them
                if info.size < 0 or self._tar.offset <= before:  # else it would go round in circles
                    raise InputError(f"{self._shown}: is damaged: a member lies before the one it follows")
                before = self._tar.offset
            if not info.isdir():
                yield Entry(info.name, info.size, None, _find_problem(info), info.offset_data)

    def read(self, entry: Entry, *, shown: str) -> bytes:
        """All bytes of one entry.

        Raises:
            InputError: the archive ends before, is damaged, or grows beyond the limits.
        """
        pieces: list[bytes] = []
        missing = entry.size
        self._stream.shown = shown
        try:
            with mapping_damage(shown):
                self._stream.seek(entry.place)
                while missing and (piece := self._stream.read(min(missing, _PIECE))):
                    pieces.append(piece)
                    missing -= len(piece)
        finally:
            self._stream.shown = self._shown
        if missing:
            raise InputError(f"{shown}: is cut short: {missing} of {entry.size} bytes are missing")
        return b"".join(pieces)

    def close(self) -> None:
        """Let go of the file; calling twice is harmless."""
        self._tar.close()
        self._stream.close()
        self._file.close()

    def _check_end(self) -> None:
        """An archive ends with zeros, or just ends; `tarfile` takes a broken header for an end as well."""
        self._stream.seek(self._tar.offset)
        if self._stream.read(_BLOCK).strip(b"\0"):
            raise InputError(f"{self._shown}: is damaged: what follows after {self._tar.offset} bytes cannot be read")


class _Stream:
    """The unpacked bytes of an archive; holds whatever is read or passed over to the limits.

    Attributes:
        shown: What messages call that which is being read.
    """

    def __init__(self, unpacked: BinaryIO, packed: BinaryIO, *, shown: str, limits: ArchiveLimits) -> None:
        self._unpacked = unpacked
        self._packed = packed
        self.shown = shown
        self._limits = limits

    def tell(self) -> int:
        return self._unpacked.tell()

    def seek(self, position: int) -> int:
        if self._unpacked is self._packed or position < self._unpacked.tell():
            return self._unpacked.seek(position)
        while (ahead := position - self._unpacked.tell()) > 0 and self.read(min(ahead, _PIECE)):
            pass
        return self._unpacked.tell()

    def read(self, count: int = -1) -> bytes:
        if not 0 <= count <= _PIECE:
            raise InputError(f"{self.shown}: is damaged: a header of {count} bytes")
        data = self._unpacked.read(count)
        if self._unpacked is not self._packed:
            self._check_growth()
        return data

    def close(self) -> None:
        self._unpacked.close()

    def _check_growth(self) -> None:
        size = self._unpacked.tell()
        if size > self._limits.total_bytes:
            raise InputError(
                f"{self.shown}: is larger than {self._limits.total_gb:g} GB unpacked, the most that is read"
            )
        if size > _RATIO_FROM_BYTES and size > self._limits.ratio * self._packed.tell():
            raise InputError(
                f"{self.shown}: would grow to more than {self._limits.ratio:g} times its size, "
                "which no archive of pictures does"
            )


def _decompress(file: BinaryIO, shown: str) -> BinaryIO:
    """`file` itself, or what unpacks it as it is read."""
    file.seek(0)
    magic = file.read(6)
    file.seek(0)
    if magic.startswith(b"\x1f\x8b"):
        import gzip

        return cast("BinaryIO", gzip.GzipFile(fileobj=file))
    if magic.startswith(b"BZh"):
        import bz2

        return cast("BinaryIO", bz2.BZ2File(file))
    if magic.startswith(b"\xfd7zXZ"):
        import lzma

        return cast("BinaryIO", lzma.LZMAFile(file))
    if magic.startswith(b"\x28\xb5\x2f\xfd"):
        try:
            zstd = importlib.import_module("compression.zstd")
        except ImportError as error:
            raise InputError(
                f"{shown}: is packed with Zstandard, which needs Python 3.14; pack it with gzip"
            ) from error
        return cast("BinaryIO", zstd.ZstdFile(file))
    if magic.startswith((b"7z\xbc\xaf", b"Rar!")):
        raise InputError(f"{shown}: is a 7-Zip or RAR archive, which is not read; pack it as ZIP or TAR")
    return file


def _find_problem(info: tarfile.TarInfo) -> str:
    if info.issym() or info.islnk():
        return "is a link, which is not followed; pack the file itself"
    if info.issparse():
        return "is a sparse file, which is not read; pack it as a usual one"
    if not info.isreg():
        return "is no ordinary file (a device, pipe or socket)"
    return ""
