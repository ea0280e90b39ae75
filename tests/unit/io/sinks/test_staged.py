"""Files appear whole or not at all, and never in the place of something else."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from holopose.errors import OutputError
from holopose.io.sinks.staged import StagedFile


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_name_appears_with_the_commit(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "r.txt"
    file = StagedFile(path)
    assert names(tmp_path) == []
    assert file.write("héllo ") == 7
    file.write(b"world")
    assert not path.exists()
    file.commit()
    assert path.read_text(encoding="utf-8") == "héllo world"
    assert names(path.parent) == ["r.txt"]
    file.commit()
    file.discard()
    assert names(path.parent) == ["r.txt"]


def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    StagedFile(tmp_path / "r.txt").commit()
    assert (tmp_path / "r.txt").read_bytes() == b""


def test_discarding_leaves_nothing(tmp_path: Path) -> None:
    for content in ("", "x"):
        file = StagedFile(tmp_path / "r.txt")
        if content:
            file.write(content)
        file.discard()
        file.discard()
        file.commit()
        assert names(tmp_path) == []
        with pytest.raises(OutputError, match="closed already"):
            file.write("more")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_the_file_has_ordinary_permissions(tmp_path: Path) -> None:
    plain = tmp_path / "plain.txt"
    plain.touch()
    file = StagedFile(tmp_path / "r.txt")
    file.commit()
    assert (tmp_path / "r.txt").stat().st_mode == plain.stat().st_mode


def test_an_existing_file_is_kept_unless_overwriting(tmp_path: Path) -> None:
    path = tmp_path / "r.txt"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(OutputError, match="overwrite=True") as caught:
        StagedFile(path)
    assert str(path) in str(caught.value)
    file = StagedFile(path, overwrite=True)
    file.write("new")
    assert path.read_text(encoding="utf-8") == "old"
    file.discard()
    assert path.read_text(encoding="utf-8") == "old"
    file = StagedFile(path, overwrite=True)
    file.write("new")
    file.commit()
    assert path.read_text(encoding="utf-8") == "new"
    assert names(tmp_path) == ["r.txt"]


def test_a_link_to_nowhere_is_a_name_that_is_taken(tmp_path: Path) -> None:
    link = tmp_path / "r.txt"
    link.symlink_to(tmp_path / "nowhere.txt")
    with pytest.raises(OutputError, match="overwrite=True"):
        StagedFile(link)
    file = StagedFile(link, overwrite=True, inputs=[tmp_path / "photo.jpg"])
    file.write("new")
    file.commit()
    assert not link.is_symlink()
    assert link.read_text(encoding="utf-8") == "new"


def test_a_file_that_came_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "r.txt"
    file = StagedFile(path)
    file.write("late")
    path.write_text("early", encoding="utf-8")
    with pytest.raises(OutputError, match="there already"):
        file.commit()
    assert path.read_text(encoding="utf-8") == "early"
    assert names(tmp_path) == ["r.txt"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_inputs_are_never_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool) -> None:
    picture = tmp_path / "photo.jpg"
    picture.write_bytes(b"precious")
    link = tmp_path / "link.jpg"
    link.symlink_to(picture)
    monkeypatch.chdir(tmp_path)
    for way in (picture, "photo.jpg", tmp_path / "." / "photo.jpg", link):
        with pytest.raises(OutputError, match="input, which is never replaced"):
            StagedFile(way, overwrite=overwrite, inputs=[tmp_path / "gone.jpg", "photo.jpg"])
    assert picture.read_bytes() == b"precious"


@pytest.mark.parametrize("overwrite", [False, True])
def test_places_that_are_no_files(tmp_path: Path, overwrite: bool) -> None:
    with pytest.raises(OutputError, match="this is a folder"):
        StagedFile(tmp_path, overwrite=overwrite)
    if Path(os.devnull).exists():
        with pytest.raises(OutputError, match="no regular file"):
            StagedFile(os.devnull, overwrite=overwrite)


def assert_cannot(path: Path | str) -> None:
    with pytest.raises(OutputError, match="cannot be written") as caught:
        StagedFile(path).write("x")
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, OSError)


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert_cannot(tmp_path / "file" / "r.txt")
    assert names(tmp_path) == ["file"]


def test_names_that_no_file_can_have(tmp_path: Path) -> None:
    for name in ("x" * 300, "a\0b"):
        assert_cannot(tmp_path / name)
    assert names(tmp_path) == []


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder in which nobody may write")
def test_a_folder_in_which_nothing_can_be_written() -> None:
    assert_cannot("/proc/self/r.txt")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="needs a user that permissions bind")
def test_a_read_only_folder(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    assert_cannot(folder / "r.txt")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
@pytest.mark.parametrize("size", [4_000, 400_000])
def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, size: int) -> None:
    """A file may not grow beyond 1000 bytes here: small writes fail when flushed, large ones at once."""
    import resource

    file = StagedFile(tmp_path / "r.txt")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OutputError, match="cannot be written: File too large"):  # noqa: PT012 - either may fail
            file.write(b"x" * size)
            file.commit()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert names(tmp_path) == []


def test_what_is_flushed_is_on_the_disk_before_the_name_is(tmp_path: Path) -> None:
    file = StagedFile(tmp_path / "r.txt")
    file.flush()
    assert names(tmp_path) == []
    file.write("line\n")
    file.flush()
    [temporary] = tmp_path.iterdir()
    assert temporary.name.endswith(".part")
    assert temporary.read_text(encoding="utf-8") == "line\n"
    file.commit()
    file.flush()
    assert names(tmp_path) == ["r.txt"]


def test_a_claimed_file_is_written_by_name_alone(tmp_path: Path) -> None:
    file = StagedFile(tmp_path / "deep" / "r.bin")
    temporary = file.claim()
    assert temporary.parent == tmp_path / "deep"
    assert temporary.read_bytes() == b""
    assert file.claim() == temporary
    with pytest.raises(OutputError, match="claimed by a library"):
        file.write("mine")
    temporary.write_bytes(b"theirs")
    file.commit()
    assert names(temporary.parent) == ["r.bin"]
    assert file.path.read_bytes() == b"theirs"
    given_up = StagedFile(tmp_path / "deep" / "other.bin")
    given_up.claim()
    given_up.discard()
    with pytest.raises(OutputError, match="closed already"):
        given_up.claim()
    assert names(temporary.parent) == ["r.bin"]
