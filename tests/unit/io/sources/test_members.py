from __future__ import annotations

import errno
import lzma
import struct
import tarfile
import zipfile
import zlib

import pytest

from holopose.errors import ConfigError, InputError
from holopose.io.sources.members import Admission, ArchiveLimits, Entry, Member, Refused, mapping_damage


def entry(name: str, size: int = 1000, packed: int | None = None, problem: str = "") -> Entry:
    return Entry(name, size, packed, problem, None)


def why(admission: Admission, one: Entry) -> str:
    answer = admission.admit(one)
    assert isinstance(answer, Refused)
    assert str(answer.error).startswith(f"{answer.name}: ")
    return str(answer.error)


@pytest.mark.parametrize("name", ["members", "member_mb", "total_gb", "ratio"])
@pytest.mark.parametrize("value", [0, -1, True, "9", float("nan")])
def test_limits_make_sense(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"ArchiveLimits.{name}: expected a number above 0"):
        ArchiveLimits(**{name: value})  # type: ignore[arg-type]


def test_limits_in_bytes() -> None:
    assert ArchiveLimits().member_bytes == 256 * 2**20
    assert ArchiveLimits(total_gb=0.5).total_bytes == 2**29


def test_pictures_are_taken_and_others_counted() -> None:
    admission = Admission("a.zip", ArchiveLimits())
    taken = admission.admit(entry("../Day 1/a.JPG", 7))
    assert isinstance(taken, Member)
    assert (taken.name, taken.size) == ("Day 1/a.JPG", 7)
    for name in ("labels.txt", "readme", ".hidden.jpg", "x/.cache/a.jpg", "__MACOSX/a.jpg", "Thumbs.db"):
        assert admission.admit(entry(name)) is None
    assert admission.skipped == 6


def test_one_name_each() -> None:
    admission = Admission("a.zip", ArchiveLimits())
    names = []
    for name in ("a.jpg", "../a.jpg", "A.JPG", "a-2.jpg", "/a.jpg", "a.png"):
        member = admission.admit(entry(name))
        assert isinstance(member, Member)
        names.append(member.name)
    assert names == ["a.jpg", "a-2.jpg", "A-3.JPG", "a-2-2.jpg", "a-4.jpg", "a.png"]


def test_refusals() -> None:
    admission = Admission("a\n.zip", ArchiveLimits(member_mb=2, ratio=10))
    assert "within an archive" in str(admission.admit(entry("x.zip")))
    assert "unpack it first" in str(admission.admit(entry("x.mov")))
    admission = Admission("a.zip", ArchiveLimits(member_mb=2, ratio=10))
    assert why(admission, entry("x.jpg", 3 << 20)) == "a.zip/x.jpg: declares 3 MB, more than the 2 MB that are read"
    assert "10 times" in why(admission, entry("y.jpg", 1_100_000, 100_000))
    assert why(admission, entry("z.jpg", problem="is a link")) == "a.zip/z.jpg: is a link"
    assert isinstance(admission.admit(entry("v.jpg", 1_100_000, 120_000)), Member)
    assert isinstance(admission.admit(entry("w.jpg", 1_000_000, 1)), Member)  # too small to do harm
    assert isinstance(admission.admit(entry("u.jpg", 2 << 20, None)), Member)
    assert admission.admit(entry("link.txt", problem="is a link")) is None  # would not have been read anyway


def test_an_archive_beyond_the_limits() -> None:
    few = Admission("a.zip", ArchiveLimits(members=2))
    few.admit(entry("a.txt"))
    few.admit(entry("b.jpg"))
    with pytest.raises(InputError, match=r"^a\.zip: has more than 2 members"):
        few.admit(entry("c.txt"))
    small = Admission("a.zip", ArchiveLimits(total_gb=3 / 2**10))
    for name in "abc":
        small.admit(entry(f"{name}.jpg", 2**20))
    small.admit(entry("d.txt", 2**40))
    with pytest.raises(InputError, match=r"^a\.zip: its pictures are larger than"):
        small.admit(entry("e.jpg", 1))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (zipfile.BadZipFile("Bad\nmagic"), "x: is damaged or cut short (Bad magic)"),
        (tarfile.ReadError(""), "x: is damaged or cut short"),
        (zlib.error("Error -3"), "x: is damaged or cut short (Error -3)"),
        (lzma.LZMAError("corrupt"), "x: is damaged or cut short (corrupt)"),
        (EOFError("ended"), "x: is damaged or cut short (ended)"),
        (struct.error("unpack"), "x: is damaged or cut short (unpack)"),
        (OSError("Not a gzipped file"), "x: is damaged or cut short (Not a gzipped file)"),
        (PermissionError(errno.EACCES, "Permission denied"), "x: cannot be read: Permission denied"),
        (MemoryError(), "x: cannot be read: not enough memory"),
        (NotImplementedError("method 12"), "x: is packed in a way that is not supported; pack it anew as a usual ZIP"),
        (RecursionError("too deep"), "x: is damaged (too deep)"),
        (OverflowError("too large"), "x: is damaged (too large)"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no"), "x: is damaged ("),
    ],
)
def test_damage_in_one_line(error: Exception, said: str) -> None:
    with pytest.raises(InputError) as caught, mapping_damage("x"):
        raise error
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is error


def test_what_is_said_already_and_what_is_no_damage() -> None:
    said = InputError("y: said")
    with pytest.raises(InputError) as caught, mapping_damage("x"):
        raise said
    assert caught.value is said
    with pytest.raises(KeyboardInterrupt), mapping_damage("x"):
        raise KeyboardInterrupt
