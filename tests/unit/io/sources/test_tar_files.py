from __future__ import annotations

import importlib.util
import io
import runpy
import tarfile
from pathlib import Path
from typing import Any

import pytest

from holopose.errors import InputError
from holopose.io.sources.members import ArchiveLimits, Entry
from holopose.io.sources.tar_files import TarReader

A: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[3] / "archive_samples.py"))
LIMITS = ArchiveLimits()
END = bytes(1024)
SIX = b"00000000006\0"


def reader(data: bytes, limits: ArchiveLimits = LIMITS) -> TarReader:
    return TarReader(io.BytesIO(data), shown="a.tar", limits=limits)


def read_all(data: bytes, limits: ArchiveLimits = LIMITS) -> tuple[list[Entry], str]:
    """The entries up to an error, and that."""
    entries: list[Entry] = []
    try:
        entries.extend(reader(data, limits).entries())
    except InputError as error:
        return entries, str(error)
    return entries, ""


def member(name: str, data: bytes) -> bytes:
    return bytes(A["tar_header"](name, b"%011o\0" % len(data))) + data + bytes(-len(data) % 512)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_entries_and_contents(mode: str) -> None:
    contents = [("b", b"12345"), ("a", bytes(200_000)), ("é" * 90, b""), ("z" * 300, b"x" * 512)]
    archive = reader(A["tar_of"](contents, mode))
    entries = list(archive.entries())
    assert [(entry.name, entry.size, entry.packed, entry.problem) for entry in entries] == [
        (name, len(data), None, "") for name, data in contents
    ]
    for entry, (_, data) in reversed(list(zip(entries, contents, strict=True))):
        assert archive.read(entry, shown="") == data


def test_reading_between_entries() -> None:
    contents = [(f"{k}", bytes([k]) * (700 * k)) for k in range(20)]
    for mode in ("w", "w:gz"):
        archive = reader(A["tar_of"](contents, mode))
        first = None
        for entry, (name, data) in zip(archive.entries(), contents, strict=True):
            first = first or entry
            assert (entry.name, archive.read(entry, shown="")) == (name, data)
            assert archive.read(first, shown="") == b""  # back to the front, and on
        assert entry.name == "19"


def test_special_entries() -> None:
    kinds = {
        tarfile.SYMTYPE: "is a link",
        tarfile.LNKTYPE: "is a link",
        tarfile.CHRTYPE: "no ordinary file",
        tarfile.BLKTYPE: "no ordinary file",
        tarfile.FIFOTYPE: "no ordinary file",
        tarfile.CONTTYPE: "",
    }
    entries, error = read_all(A["tar_entries"]((A["tar_special"](f"k{k!r}", k, "x"), b"") for k in kinds))
    assert error == ""
    for entry, problem in zip(entries, kinds.values(), strict=True):
        assert problem in entry.problem
        assert bool(problem) == bool(entry.problem)


def test_sparse_files_declare_what_they_do_not_have() -> None:
    block = bytearray(A["tar_header"]("big.png", b"00000000000\0", b"S"))
    block[386:410] = b"00000000000\0" + b"00000000000\0"
    block[483:495] = b"77777777777\0"  # 8 GB
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    (entry,), error = read_all(bytes(block) + END)
    assert error == ""
    assert "sparse" in entry.problem


def test_zstandard() -> None:
    data = b"\x28\xb5\x2f\xfd" + bytes(20)
    there = importlib.util.find_spec("compression") is not None
    with pytest.raises(InputError, match="is damaged" if there else "packed with Zstandard, which needs Python 3.14"):
        reader(data)


@pytest.mark.parametrize("data", [b"no archive", b"x" * 2000, b"", bytes(100)])
def test_no_tar(data: bytes) -> None:
    with pytest.raises(InputError, match=r"^a\.tar: is no ZIP or TAR archive$"):
        reader(data)


@pytest.mark.parametrize("size", [b"\xff" * 11 + b"\x01", b"\xff" * 10 + b"\xfc\x00", b"-0000000777\0", b"\xff" * 12])
@pytest.mark.parametrize("kind", [b"0", b"x", b"g", b"L", b"K", b"S", b"5", b"Z"])
def test_negative_sizes_do_not_go_in_circles(size: bytes, kind: bytes) -> None:
    data = member("a.png", b"abcdef") + A["tar_header"]("b.png", size, kind) + END
    entries, error = read_all(data)
    names = [entry.name for entry in entries]
    if kind == b"S" and names[1:]:  # the true size of a sparse file stands elsewhere
        assert "sparse" in entries[1].problem
        del names[1]
    else:
        assert error.startswith("a.tar: is damaged")
    assert names == ["a.png"]


@pytest.mark.parametrize("kind", [b"x", b"g", b"L", b"K"])
def test_endless_headers_fill_no_memory(kind: bytes) -> None:
    data = member("a.png", b"abcdef") + A["tar_header"]("b", b"77777777777\0", kind) + bytes(5000)
    entries, error = read_all(data)
    assert [entry.name for entry in entries] == ["a.png"]
    assert "is damaged: a header of 8589934" in error
    nested = A["tar_header"]("b", b"00000000000\0", kind) * 5000
    entries, error = read_all(member("a.png", b"abcdef") + nested + END)
    assert [entry.name for entry in entries] == ["a.png"]
    assert "damaged" in error


def test_a_broken_header_is_no_end() -> None:
    whole = member("a.png", b"abcdef") + member("b.png", b"abcdef") + END
    assert read_all(whole)[1] == ""
    broken = whole[:1024] + b"#" * 512 + whole[1536:]
    entries, error = read_all(broken)
    assert [entry.name for entry in entries] == ["a.png"]
    assert error == "a.tar: is damaged: what follows after 1024 bytes cannot be read"
    entries, error = read_all(whole[:1024])  # many write no zeros at the end
    assert [entry.name for entry in entries] == ["a.png"]
    assert error == ""


def test_cut_short() -> None:
    archive = reader(member("a.png", bytes(1000))[:900])
    (entry,) = [next(archive.entries())]
    with pytest.raises(InputError, match=r"^m: is cut short: 612 of 1000 bytes are missing$"):
        archive.read(entry, shown="m")
    assert "damaged or cut short" in read_all(member("a.png", bytes(1000))[:900])[1]
    whole = A["tar_of"]([("a", bytes(range(256)) * 2000), ("b", b"")], "w:gz")
    assert "damaged or cut short" in read_all(whole[: len(whole) // 2])[1]


def test_growth_is_held_to_the_limits() -> None:
    bomb = A["tar_of"]([("a", bytes(30 << 20)), ("b", b"")], "w:gz")
    entries, error = read_all(bomb)
    assert [entry.name for entry in entries] == ["a"]
    assert error == "a.tar: would grow to more than 200 times its size, which no archive of pictures does"
    assert read_all(bomb, ArchiveLimits(ratio=2000))[1] == ""
    small = ArchiveLimits(ratio=2000, total_gb=20 / 1024)
    assert "is larger than 0.0195312 GB unpacked" in read_all(bomb, small)[1]
    archive = reader(bomb)
    with pytest.raises(InputError, match=r"^m: would grow"):
        archive.read(next(archive.entries()), shown="m")
    assert read_all(A["tar_of"]([("a", bytes(30 << 20)), ("b", b"")]), ArchiveLimits(ratio=1))[1] == ""  # not packed


def test_it_closes_its_file() -> None:
    for mode in ("w", "w:gz"):
        file = io.BytesIO(A["tar_of"]([("a", b"")], mode))
        archive = TarReader(file, shown="a.tar", limits=LIMITS)
        archive.close()
        archive.close()
        assert file.closed
