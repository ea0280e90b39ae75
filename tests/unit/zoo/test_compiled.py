"""Compiled networks: read again only as they were sealed, and never in the way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from holopose.zoo.compiled import compiled_folder


def leave(content: dict[str, bytes]) -> Path:
    """Load networks, as it were: `content` is what the runtime writes meanwhile."""
    with compiled_folder() as folder:
        assert folder is not None
        for name, data in content.items():
            (folder / name).write_bytes(data)
    return folder


def kept() -> set[str]:
    """What the next one who loads finds there."""
    with compiled_folder() as folder:
        assert folder is not None
        return {path.name for path in folder.glob("*.blob")}


def test_what_was_sealed_is_found_again(home: Path) -> None:
    folder = leave({"1.blob": b"one", "2.blob": b"two"})
    assert folder == home / "compiled"
    assert kept() == {"1.blob", "2.blob"}
    leave({"3.blob": b"three"})
    assert kept() == {"1.blob", "2.blob", "3.blob"}
    leave({"1.blob": b"compiled anew"})
    assert kept() == {"1.blob", "2.blob", "3.blob"}


def test_nothing_is_written_when_nothing_changed(home: Path) -> None:
    folder = leave({"1.blob": b"one"})
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    leave({})
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


@pytest.mark.parametrize("data", [b"", b"on", b"oNe", b"one more"])
def test_an_altered_one_is_deleted_even_at_the_same_size_and_time(home: Path, data: bytes) -> None:
    folder = leave({"1.blob": b"one", "2.blob": b"two"})
    stat = (folder / "1.blob").stat()
    (folder / "1.blob").write_bytes(data)
    os.utime(folder / "1.blob", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert kept() == {"2.blob"}


def test_what_was_never_sealed_is_deleted(home: Path) -> None:
    (home / "compiled").mkdir(parents=True)
    (home / "compiled" / "1.blob").write_bytes(b"half wr")
    assert kept() == set()


def test_a_failed_load_seals_nothing(home: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        fail_to_load()
    assert kept() == set()


def fail_to_load() -> None:
    with compiled_folder() as folder:
        assert folder is not None
        (folder / "1.blob").write_bytes(b"half wr")
        raise ZeroDivisionError


@pytest.mark.parametrize("sums", [None, b"", b"\xff\x00 nonsense\n\n  \n"])
def test_without_readable_checksums_all_is_compiled_anew(home: Path, sums: bytes | None) -> None:
    folder = leave({"1.blob": b"one"})
    if sums is None:
        (folder / "SHA256SUMS").unlink()
    else:
        (folder / "SHA256SUMS").write_bytes(sums)
    assert kept() == set()


def test_nowhere_where_there_can_be_no_folder(home: Path) -> None:
    home.write_text("a file, not a folder", encoding="utf-8")
    with compiled_folder() as folder:
        assert folder is None


def test_no_temporary_file_stays(home: Path) -> None:
    folder = leave({"1.blob": b"one"})
    assert sorted(path.name for path in folder.iterdir()) == ["1.blob", "SHA256SUMS"]
