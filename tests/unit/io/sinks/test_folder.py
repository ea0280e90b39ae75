"""Folders of results appear whole or not at all, and never in the place of something else."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from holopose.errors import OutputError
from holopose.io.sinks.folder import StagedFolder
from holopose.io.sinks.leftovers import clear_leftovers

ENDING = "_k.json"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def made(path: Path, *stems: str, **options) -> StagedFolder:
    folder = StagedFolder(path, ending=ENDING, **options)
    for stem in stems:
        folder.write(f"{stem}{ENDING}", stem)
    return folder


def test_the_name_appears_with_the_commit(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "out"
    folder = StagedFolder(path, ending=ENDING)
    assert names(tmp_path) == []
    folder.write("é_k.json", "é")
    folder.write("b_k.json", b"bytes")
    assert not path.exists()
    assert folder.holds("b_k.json")
    assert not folder.holds("c_k.json")
    folder.commit()
    assert names(path) == ["b_k.json", "é_k.json"]
    assert (path / "é_k.json").read_text(encoding="utf-8") == "é"
    folder.commit()
    folder.discard()
    assert names(path.parent) == ["out"]


def test_discarding_leaves_nothing(tmp_path: Path) -> None:
    for stems in ((), ("a", "b")):
        folder = made(tmp_path / "out", *stems)
        folder.discard()
        folder.discard()
        folder.commit()
        assert names(tmp_path) == []
        with pytest.raises(OutputError, match="closed already"):
            folder.write("c_k.json", "")


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    made(tmp_path / "out", "a").commit()
    assert names(tmp_path / "out") == ["a_k.json"]
    assert names(tmp_path) == ["out"]


def test_an_existing_folder_is_kept_unless_overwriting(tmp_path: Path) -> None:
    path = tmp_path / "out"
    made(path, "old", "older").commit()
    with pytest.raises(OutputError, match="overwrite=True"):
        StagedFolder(path, ending=ENDING)
    folder = made(path, "new", overwrite=True)
    assert names(path) == ["old_k.json", "older_k.json"]
    folder.discard()
    assert names(path) == ["old_k.json", "older_k.json"]
    made(path, "new", overwrite=True).commit()
    assert names(path) == ["new_k.json"]
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_of_other_things_is_never_replaced(tmp_path: Path, overwrite: bool) -> None:
    path = tmp_path / "out"
    made(path, "a").commit()
    (path / "holiday.jpg").write_bytes(b"precious")
    with pytest.raises(OutputError, match=r"such as holiday\.jpg"):
        StagedFolder(path, ending=ENDING, overwrite=overwrite)
    (path / "holiday.jpg").unlink()
    (path / "deep_k.json").mkdir()
    with pytest.raises(OutputError, match="deep_k"):
        StagedFolder(path, ending=ENDING, overwrite=overwrite)


@pytest.mark.parametrize("overwrite", [False, True])
def test_inputs_are_never_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool) -> None:
    path = tmp_path / "out"
    made(path, "a").commit()
    monkeypatch.chdir(tmp_path)
    for one in (path, "out", path / "a_k.json", tmp_path / "out" / ".." / "out"):
        with pytest.raises(OutputError, match="holds an input"):
            StagedFolder(path, ending=ENDING, overwrite=overwrite, inputs=[tmp_path / "gone.json", one])
    assert names(path) == ["a_k.json"]
    assert made(tmp_path / "other", "b", inputs=[path]).holds("b_k.json")


@pytest.mark.parametrize("overwrite", [False, True])
def test_places_that_are_no_folders(tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    for name in ("file", "link", "nowhere"):
        with pytest.raises(OutputError, match="something else"):
            StagedFolder(tmp_path / name, ending=ENDING, overwrite=overwrite)


def test_names_that_came_meanwhile_are_kept(tmp_path: Path) -> None:
    folder = made(tmp_path / "out", "late")
    made(tmp_path / "out", "early").commit()
    with pytest.raises(OutputError, match="there already"):
        folder.commit()
    assert names(tmp_path / "out") == ["early_k.json"]
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("name", ["../a_k.json", "a/b_k.json", "a.json", "x" * 300 + ENDING, "a\0" + ENDING])
def test_names_that_no_file_can_have_leave_nothing(tmp_path: Path, name: str) -> None:
    folder = made(tmp_path / "out", "a")
    with pytest.raises(OutputError) as caught:
        folder.write(name, "x")
    assert "\n" not in str(caught.value)
    assert names(tmp_path) == []


def test_a_file_is_written_once(tmp_path: Path) -> None:
    folder = made(tmp_path / "out", "a")
    with pytest.raises(OutputError, match="cannot be written: File exists"):
        folder.write("a_k.json", "again")
    assert names(tmp_path) == []


def test_a_folder_under_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        made(tmp_path / "file" / "out", "a")
    assert names(tmp_path) == ["file"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs locks of the system")
def test_what_is_being_written_is_no_leftover(tmp_path: Path) -> None:
    folder = made(tmp_path / "out", "a")
    assert clear_leftovers(tmp_path) == 0
    folder.write("b_k.json", "b")
    folder.commit()
    abandoned = made(tmp_path / "other", "a")
    abandoned._release()  # as when its process is killed
    assert len(names(tmp_path)) == 2
    assert clear_leftovers(tmp_path) == 1
    assert names(tmp_path) == ["out"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="needs a user that permissions bind")
def test_a_read_only_folder(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with pytest.raises(OutputError, match="cannot be written"):
        made(locked / "out", "a")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    import resource

    folder = made(tmp_path / "out", "a")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OutputError, match="cannot be written: File too large"):
            folder.write("b_k.json", "x" * 4000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert names(tmp_path) == []


# Files of several kinds ----------------------------------------------------------------------------------------------

SEVERAL = re.compile(r"a_\d+\.png|a\.json")


def test_a_pattern_says_what_is_ours(tmp_path: Path) -> None:
    folder = StagedFolder(tmp_path / "out", ending=SEVERAL)
    folder.write("a_1.png", "1")
    (folder.claim() / "a.json").write_text("2", encoding="utf-8")
    folder.commit()
    assert names(tmp_path / "out") == ["a.json", "a_1.png"]
    replacing = StagedFolder(tmp_path / "out", ending=SEVERAL, overwrite=True)
    (tmp_path / "out" / "b_1.png").touch()
    with pytest.raises(OutputError, match=r"holds other things than its results \(such as b_1\.png\)"):
        StagedFolder(tmp_path / "out", ending=SEVERAL, overwrite=True)
    (tmp_path / "out" / "b_1.png").unlink()
    replacing.write("a_2.png", "2")
    replacing.commit()
    assert names(tmp_path / "out") == ["a_2.png"]
    with pytest.raises(OutputError, match=r"expected a plain file name like its results, got 'a_x\.png'"):
        StagedFolder(tmp_path / "new", ending=SEVERAL).write("a_x.png", "")


def test_claiming_makes_the_temporary_folder_and_discarding_takes_it_away(tmp_path: Path) -> None:
    folder = StagedFolder(tmp_path / "deep" / "out", ending=ENDING)
    inside = folder.claim()
    assert inside == folder.claim()
    assert inside.parent == tmp_path / "deep"
    assert clear_leftovers(tmp_path / "deep") == 0  # it is in use
    (inside / "a_k.json").touch()
    folder.discard()
    assert names(tmp_path / "deep") == []
    with pytest.raises(OutputError, match="closed already"):
        folder.claim()


def test_claiming_where_nothing_can_be_made(tmp_path: Path) -> None:
    folder = StagedFolder(tmp_path / "dir" / "out", ending=ENDING)
    (tmp_path / "dir").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        folder.claim()
