"""Owns what archives are allowed to hold: the limits, which members are taken, and under which names."""

from __future__ import annotations

import contextlib
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from holopose.errors import ConfigError, InputError
from holopose.io.headers import one_line
from holopose.io.sources.kinds import kind_of_name
from holopose.io.sources.names import safe_name, split_name

__all__ = ["Admission", "ArchiveLimits", "Entry", "Member", "Refused", "mapping_damage"]

_RATIO_FROM_BYTES = 1 << 20
_MB = 1 << 20
_GB = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLimits:
    """What an archive may ask of this machine; whatever it declares, real sizes are held to it too.

    Attributes:
        members: Entries of any kind; an archive with more is refused as a whole.
        member_mb: Size of one picture file in MB (2**20 bytes).
        total_gb: Size of all its picture files together in GB (2**30 bytes), and how far a compressed TAR is read.
        ratio: How many times its packed size a member over 1 MB may have, and a compressed TAR as a whole.
    """

    members: int = 100_000
    member_mb: float = 256
    total_gb: float = 64
    ratio: float = 200

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                raise ConfigError(f"ArchiveLimits.{field.name}: expected a number above 0, got {value!r}")

    @property
    def member_bytes(self) -> int:
        """`member_mb` in bytes."""
        return int(self.member_mb * _MB)

    @property
    def total_bytes(self) -> int:
        """`total_gb` in bytes."""
        return int(self.total_gb * _GB)


class Entry(NamedTuple):
    """A file in an archive as the archive describes it: nothing of it is believed yet.

    Attributes:
        name: As stored.
        size: Declared bytes.
        packed: Declared bytes it takes in the archive; None where nobody knows.
        problem: Why it cannot be taken, such as being a link; empty if it can.
        place: Where its archive finds it.
    """

    name: str
    size: int
    packed: int | None
    problem: str
    place: Any


@dataclass(frozen=True, slots=True)
class Member:
    """A picture file in an archive that may be read.

    Attributes:
        name: Relative, with ``/`` and its ending; safe as part of a file's name, and no other member has it.
        size: Declared bytes.
        entry: What the archive says about it.
    """

    name: str
    size: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Refused:
    """A member that is not taken while the others are: what it is called, and why."""

    name: str
    error: InputError


class Admission:
    """Decides about the entries of one archive, one after the other, in the order of their coming.

    Attributes:
        skipped: How many entries were neither picture nor anything to speak of: texts, labels, hidden files.
    """

    def __init__(self, archive: str, limits: ArchiveLimits) -> None:
        self.skipped = 0
        self._archive = archive
        self._shown = one_line(archive)
        self._limits = limits
        self._seen = 0
        self._total = 0
        self._numbers: dict[str, int] = {}

    def admit(self, entry: Entry) -> Member | Refused | None:
        """The member to read, or why it is not taken; None for an entry that is no picture.

        Raises:
            InputError: the archive as a whole is beyond the limits.
        """
        self._seen += 1
        if self._seen > self._limits.members:
            raise InputError(f"{self._shown}: has more than {self._limits.members} members, the most that are read")
        safe = safe_name(entry.name)
        kind = kind_of_name(safe)
        if kind is None or any(part.startswith((".", "__MACOSX")) for part in safe.split("/")):
            self.skipped += 1
            return None
        name = self._name_once(safe)
        if problem := self._find_problem(entry, kind):
            return Refused(f"{self._archive}/{name}", InputError(f"{self._shown}/{name}: {problem}"))
        self._total += entry.size
        if self._total > self._limits.total_bytes:
            raise InputError(
                f"{self._shown}: its pictures are larger than {self._limits.total_gb:g} GB together, "
                "the most that is read from one archive"
            )
        return Member(name, entry.size, entry)

    def _find_problem(self, entry: Entry, kind: str) -> str:
        if entry.problem:
            return entry.problem
        if kind == "archive":
            return "is an archive within an archive, which is not opened; unpack the outer one first"
        if kind == "video":
            return "is a video in an archive, which is not read; unpack it first"
        if entry.size > self._limits.member_bytes:
            return f"declares {entry.size / _MB:.0f} MB, more than the {self._limits.member_mb:g} MB that are read"
        packed = entry.packed
        if packed is not None and entry.size > _RATIO_FROM_BYTES and entry.size > self._limits.ratio * packed:
            return f"would grow to more than {self._limits.ratio:g} times its packed size, which no picture does"
        return ""

    def _name_once(self, safe: str) -> str:
        """The name, or with a number before its ending where another member has it."""
        name = safe
        while name.casefold() in self._numbers:
            self._numbers[safe.casefold()] += 1
            stem, ending = split_name(safe)
            name = f"{stem}-{self._numbers[safe.casefold()]}{ending}"
        self._numbers[name.casefold()] = 1
        return name


@contextlib.contextmanager
def mapping_damage(shown: str) -> Iterator[None]:
    """Turn whatever the archive modules say about broken or hostile bytes into an InputError that begins with `shown`.

    RuntimeError: an unknown password, headers nested without end; NotImplementedError: a compression that this Python
    does not have.
    """
    try:
        yield
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(f"{shown}: cannot be read: not enough memory") from error
    except NotImplementedError as error:
        raise InputError(f"{shown}: is packed in a way that is not supported; pack it anew as a usual ZIP") from error
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, struct.error) as error:
        raise InputError(f"{shown}: is damaged or cut short{_because(error)}") from error
    except OSError as error:
        reason = error.strerror if error.errno else ""
        problem = f"cannot be read: {reason}" if reason else f"is damaged or cut short{_because(error)}"
        raise InputError(f"{shown}: {problem}") from error
    except (ValueError, ArithmeticError, LookupError, RuntimeError) as error:
        raise InputError(f"{shown}: is damaged{_because(error)}") from error


def _because(error: Exception) -> str:
    text = one_line(" ".join(str(error).split()))[:120]
    return f" ({text})" if text else ""
