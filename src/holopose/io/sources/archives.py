"""Owns the source of pictures inside ZIP and TAR archives, read one at a time and never unpacked to disk."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from holopose.errors import InputError
from holopose.io.headers import one_line
from holopose.io.images import read_image
from holopose.io.sources.members import Admission, ArchiveLimits, Entry, Member, Refused, mapping_damage
from holopose.io.sources.tar_files import TarReader
from holopose.io.sources.zip_files import ZipReader
from holopose.types import Frame

__all__ = ["ArchiveLimits", "ArchiveSource"]


class _Reader(Protocol):
    def entries(self) -> Iterator[Entry]: ...
    def read(self, entry: Entry, *, shown: str) -> bytes: ...
    def close(self) -> None: ...


class ArchiveSource:
    """The pictures of an archive as a Source: a ZIP's in natural order, a TAR's in its own.

    The archive is named by nothing it holds: members are pictures by their ending, their names are made safe and serve
    for display and for naming results only. What cannot be taken (links, devices, encrypted members, archives and
    videos within the archive, anything beyond the limits) is refused one by one with an InputError each, and the others
    go on. Hidden files and files that are no pictures are passed over and counted. Of a damaged archive whatever comes
    before the damage is read.

    An archive is gone through once: a compressed TAR is not unpacked a second time to read its members in order.

    Args:
        path: A ZIP, or a TAR: plain, gzip, bzip2, xz, with Python 3.14 also Zstandard.
        limits: What the archive may ask of this machine.
        max_megapixels: See `read_image`.
        on_error: What to do about a member that is refused or cannot be read, and about damage to the archive: None
            raises the InputError; a function is called with (name, error) and the next member follows. The name is
            ``archive/member``, or the archive's when it ends there.

    Raises:
        InputError: it cannot be opened, or is no archive.

    A frame's index is the position of its member among the pictures, its name ``archive/member``.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        limits: ArchiveLimits | None = None,
        max_megapixels: float = 100.0,
        on_error: Callable[[str, InputError], None] | None = None,
    ) -> None:
        self._path = os.fsdecode(path)
        self._shown = one_line(self._path)
        self._max_megapixels = max_megapixels
        self._on_error = on_error
        self._closed = False
        limits = ArchiveLimits() if limits is None else limits
        self._admission = Admission(self._path, limits)
        self._reader = _open(self._path, self._shown, limits)
        self._entries = self._reader.entries()
        self._members: list[Member] = []
        self._by_name: dict[str, Member] = {}
        self._ended: InputError | bool = False
        self._refused = 0
        self._read = 0

    @property
    def info(self) -> Mapping[str, object]:
        """``kind`` and ``name``."""
        return MappingProxyType({"kind": "archive", "name": self._path})

    @property
    def end_info(self) -> Mapping[str, object]:
        """So far: pictures ``read``, members ``refused`` and ``skipped`` (no pictures), whether it is ``cut_short``."""
        return {
            "read": self._read,
            "refused": self._refused,
            "skipped": self._admission.skipped,
            "cut_short": isinstance(self._ended, InputError),
        }

    def list_members(self) -> list[str]:
        """Names of all pictures in the archive, in order, each different and safe as part of a path.

        A plain ZIP or TAR is quick to list; a compressed TAR is unpacked once to its end.

        Raises:
            InputError: a member is refused or the archive is damaged, and no `on_error` was given.
        """
        self._check_open()
        while self._advance():
            pass
        self._report_end()
        return [member.name for member in self._members]

    def read_member(self, name: str) -> bytes:
        """The bytes of one picture file.

        Args:
            name: One of `list_members`, which need not have been called; in their order it is quickest.

        Raises:
            InputError: there is none of this name, or it is damaged.
        """
        self._check_open()
        while name not in self._by_name and self._advance():
            pass
        if name not in self._by_name:
            raise InputError(f"{self._shown}: has no picture called {one_line(name)}")
        return self._read_bytes(self._by_name[name])

    def __iter__(self) -> Iterator[Frame]:
        """The pictures in order, from the first, upright and RGB.

        Raises:
            InputError: a member is refused or cannot be read, or the archive is damaged, and no `on_error` was given;
                or the source was closed.
        """
        index = 0
        while True:
            self._check_open()
            if index == len(self._members) and not self._advance():
                break
            member = self._members[index]
            name = f"{self._path}/{member.name}"
            try:
                frame = read_image(
                    self._read_bytes(member), max_megapixels=self._max_megapixels, index=index, name=name
                )
            except InputError as error:
                if self._on_error is None:
                    raise
                self._on_error(name, error)
            else:
                yield frame
            index += 1
        self._report_end()

    def close(self) -> None:
        """Let go of the archive; calling twice is harmless."""
        self._closed = True
        self._reader.close()

    def _read_bytes(self, member: Member) -> bytes:
        data = self._reader.read(member.entry, shown=f"{self._shown}/{member.name}")
        self._read += 1
        return data

    def _advance(self) -> bool:
        """Find one more picture; False when there is none left."""
        while not self._ended:
            try:
                entry = next(self._entries, None)
                member = None if entry is None else self._admission.admit(entry)
            except InputError as error:
                self._ended = error
                if self._on_error is not None:
                    self._on_error(self._path, error)
                break
            if entry is None:
                self._ended = True
            elif isinstance(member, Refused):
                self._refused += 1
                if self._on_error is None:
                    raise member.error
                self._on_error(member.name, member.error)
            elif member is not None:
                self._members.append(member)
                self._by_name[member.name] = member
                return True
        return False

    def _report_end(self) -> None:
        if isinstance(self._ended, InputError) and self._on_error is None:
            raise self._ended

    def _check_open(self) -> None:
        if self._closed:
            raise InputError("ArchiveSource: expected to be read before close(), was closed already")


def _open(path: str, shown: str, limits: ArchiveLimits) -> _Reader:
    """What reads the archive, chosen by its first bytes."""
    try:
        mode = Path(path).stat().st_mode
    except FileNotFoundError as error:
        raise InputError(f"{shown}: does not exist") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{shown}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "no ordinary file (a device, pipe or socket)"
        raise InputError(f"{shown}: expected an archive, but this is {what}")
    with mapping_damage(shown):
        file = Path(path).open("rb")  # noqa: SIM115 (the reader closes it)
    try:
        with mapping_damage(shown):
            head = file.read(4)
        if not head:
            raise InputError(f"{shown}: is empty (0 bytes)")
        reader = ZipReader if head.startswith(b"PK") else TarReader
        return reader(file, shown=shown, limits=limits)
    except BaseException:
        file.close()
        raise
