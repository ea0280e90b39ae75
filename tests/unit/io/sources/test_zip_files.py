from __future__ import annotations

import io
import runpy
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from holopose.errors import InputError
from holopose.io.sources.members import ArchiveLimits
from holopose.io.sources.zip_files import ZipReader

A: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[3] / "archive_samples.py"))
LIMITS = ArchiveLimits()


def reader(data: bytes, limits: ArchiveLimits = LIMITS) -> ZipReader:
    return ZipReader(io.BytesIO(data), shown="a.zip", limits=limits)


def test_entries_in_natural_order_without_folders() -> None:
    entries = list(reader(A["zip_of"]([("b/10", b"xx"), ("b/", b""), ("b/9", b"x" * 99), ("a", b"")])).entries())
    assert [(entry.name, entry.size, entry.problem) for entry in entries] == [
        ("a", 0, ""),
        ("b/9", 99, ""),
        ("b/10", 2, ""),
    ]
    assert entries[1].packed is not None
    assert 0 < entries[1].packed < 20


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_method(method: int) -> None:
    data = bytes(range(256)) * 4000
    archive = reader(A["zip_of"]([("a", data), ("b", b"")], method))
    assert [archive.read(entry, shown="a.zip/a") for entry in archive.entries()] == [data, b""]


def test_problems() -> None:
    assert [entry.problem for entry in reader(A["zip_link"]("a", "/etc/passwd")).entries()] == [
        "is a link, which is not followed; pack the file itself"
    ]
    plain = A["zip_of"]([("a", b"x")])
    for changes, problem in (({"flags": 1}, "encrypted"), ({"flags": 0x40}, "encrypted"), ({"method": 9}, "method 9")):
        (entry,) = reader(A["patch_zip"](plain, "a", **changes)).entries()
        assert problem in entry.problem


@pytest.mark.parametrize("size", [3, 9, 2**31])
def test_a_size_that_is_not_true(size: int) -> None:
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        archive = reader(A["patch_zip"](A["zip_of"]([("a", b"12345")], method), "a", size=size))
        (entry,) = archive.entries()
        with pytest.raises(InputError, match=r"^a\.zip/a: is damaged"):
            archive.read(entry, shown="a.zip/a")


def test_changed_content_is_noticed() -> None:
    data = A["zip_of"]([("a", b"12345")], zipfile.ZIP_STORED).replace(b"12345", b"12346", 1)
    archive = reader(data)
    (entry,) = archive.entries()
    with pytest.raises(InputError, match="Bad CRC-32"):
        archive.read(entry, shown="a.zip/a")


def overlapping(times: int) -> bytes:
    """A table of contents that names the same member again and again."""
    plain = A["zip_of"]([("a.png", b"x" * 1000)], zipfile.ZIP_STORED)
    table_at = plain.index(b"PK\1\2")
    end_at = plain.index(b"PK\5\6")
    table = plain[table_at:end_at] * times
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, times, times, len(table), table_at, 0)
    return plain[:table_at] + table + end


def test_members_upon_each_other() -> None:
    assert len(list(reader(overlapping(1)).entries())) == 1
    with pytest.raises(InputError, match="its members lie upon each other"):
        reader(overlapping(50))


def test_crowds_are_refused_before_they_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    data = A["zip_of"]([(str(k), b"") for k in range(50)])
    assert len(list(reader(data, ArchiveLimits(members=50)).entries())) == 50
    lying = data[:-14] + struct.pack("<2H", 1, 1) + data[-10:]  # declares a single member
    monkeypatch.setattr(zipfile, "ZipFile", None)
    for crowd in (data, lying):
        with pytest.raises(InputError, match="has more than 49 members"):
            reader(crowd, ArchiveLimits(members=49))


def test_crowds_in_the_larger_format() -> None:
    plain = A["zip_of"]([(str(k), b"") for k in range(50)])
    end_at = plain.index(b"PK\5\6")
    table_at = plain.index(b"PK\1\2")
    record = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 50, 50, end_at - table_at, table_at)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, end_at, 1)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    data = plain[:end_at] + record + locator + end
    assert len(list(reader(data).entries())) == 50
    with pytest.raises(InputError, match="has more than 49 members"):
        reader(data, ArchiveLimits(members=49))


def test_comments_and_what_stands_before_do_no_harm() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a", b"12345")
        archive.comment = b"PK\5 a comment " * 100
    found = reader(b"#!/bin/sh\n" * 50 + file.getvalue())
    assert [found.read(entry, shown="") for entry in found.entries()] == [b"12345"]


@pytest.mark.parametrize("data", [b"PK\5\6", b"PK\3\4" + bytes(100), b"PK"])
def test_without_a_table_of_contents(data: bytes) -> None:
    with pytest.raises(InputError, match="the table of contents at the end of a ZIP is missing"):
        reader(data)


def test_it_closes_its_file() -> None:
    file = io.BytesIO(A["zip_of"]([("a", b"")]))
    archive = ZipReader(file, shown="a.zip", limits=LIMITS)
    archive.close()
    archive.close()
    assert file.closed
