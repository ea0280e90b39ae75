"""Owns the archives that the archive tests read: made here, the hostile ones byte by byte."""

from __future__ import annotations

import io
import stat
import struct
import tarfile
import zipfile
from collections.abc import Iterable

Members = Iterable[tuple[str, bytes]]


def zip_of(members: Members, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP of these names and contents; names may repeat."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            archive.writestr(info, data)
    return file.getvalue()


def zip_link(name: str, target: str) -> bytes:
    """A ZIP that holds a symbolic link."""
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(info, target)
    return file.getvalue()


def patch_zip(data: bytes, name: str, *, size: int | None = None, flags: int = 0, method: int | None = None) -> bytes:
    """The same ZIP with another size, flag bits or method declared for one member, in both of its headers."""
    patched = bytearray(data)
    for magic, flags_at, method_at, size_at, name_at in ((b"PK\3\4", 6, 8, 22, 30), (b"PK\1\2", 8, 10, 24, 46)):
        at = patched.find(magic)
        while at >= 0 and not patched.startswith(name.encode(), at + name_at):
            at = patched.find(magic, at + 4)
        assert at >= 0
        if size is not None:
            struct.pack_into("<I", patched, at + size_at, size)
        if method is not None:
            struct.pack_into("<H", patched, at + method_at, method)
        (before,) = struct.unpack_from("<H", patched, at + flags_at)
        struct.pack_into("<H", patched, at + flags_at, before | flags)
    return bytes(patched)


def tar_of(members: Members, mode: str = "w") -> bytes:
    """A TAR of these names and contents."""
    return tar_entries(((tarfile.TarInfo(name), data) for name, data in members), mode)


def tar_entries(entries: Iterable[tuple[tarfile.TarInfo, bytes]], mode: str = "w") -> bytes:
    """A TAR of these entries: links and devices have no content."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode, format=tarfile.GNU_FORMAT) as archive:  # type: ignore[call-overload]
        for info, data in entries:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def tar_special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """An entry that is no ordinary file."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def tar_header(name: str, size: bytes, kind: bytes = b"0") -> bytes:
    """One TAR header with `size` as its 12 bytes of size, right or wrong, and a true checksum."""
    block = bytearray(512)
    for at, value in ((0, name.encode()), (100, b"0000644\0"), (124, size), (136, b"0" * 11 + b"\0"), (156, kind)):
        block[at : at + len(value)] = value
    block[257:265] = b"ustar\x0000"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)
