from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from holopose.build.places import check_place, identity, is_hopeless, is_taken
from holopose.errors import HoloposeError, InputError, OutputError


def caused(number: int, kind: type[HoloposeError] = OutputError) -> HoloposeError:
    """An error as sinks and sources raise it: a line, and the system's own error as its cause."""
    try:
        try:
            raise OSError(number, os.strerror(number))
        except OSError as cause:
            raise kind("a.json: cannot be had") from cause
    except HoloposeError as error:
        return error


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_full_disk_and_a_read_only_one_are_hopeless(tmp_path: Path, number: int) -> None:
    assert is_hopeless(caused(number), tmp_path)


def test_what_ails_one_file_only_is_not(tmp_path: Path) -> None:
    for number in (errno.ENAMETOOLONG, errno.EFBIG, errno.EISDIR, errno.EACCES):
        assert not is_hopeless(caused(number), tmp_path)
    assert not is_hopeless(OutputError("is there already"), tmp_path)


def test_a_folder_that_is_gone_or_forbidden_is_hopeless(tmp_path: Path) -> None:
    assert is_hopeless(caused(errno.EACCES), tmp_path / "gone")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.ENOSPC])
def test_an_input_that_may_not_be_read_is_not_though_there_is_no_folder_yet(tmp_path: Path, number: int) -> None:
    assert not is_hopeless(caused(number, InputError), tmp_path / "new")


def test_a_place_is_a_folder_or_can_become_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_place(tmp_path)
    check_place(tmp_path / "a" / "b")
    monkeypatch.chdir(tmp_path)
    check_place(Path("a") / "b")
    check_place(Path())
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", Path("file") / "below"):
        with pytest.raises(OutputError, match=r"expected a folder for the results, but .*file is no folder"):
            check_place(place)
    (tmp_path / "loose").symlink_to("nowhere")
    with pytest.raises(OutputError, match="loose is no folder"):
        check_place(tmp_path / "loose" / "out")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_place_that_may_not_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(OutputError, match=r"out: cannot be written: .*closed is read-only or somebody else's"):
        check_place(tmp_path / "closed" / "out")


def test_an_empty_folder_is_not_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.json").touch()
    (tmp_path / "loose").symlink_to("nowhere")
    taken = {name: is_taken(tmp_path / name) for name in ("empty", "full", "loose", "none", "x" * 300)}
    assert taken == {"empty": False, "full": True, "loose": True, "none": False, "x" * 300: False}


def test_a_file_is_the_same_under_every_name(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "b").touch()
    (tmp_path / "hard").hardlink_to(tmp_path / "a")
    (tmp_path / "soft").symlink_to("a")
    assert identity(tmp_path / "a") == identity(tmp_path / "hard") == identity(tmp_path / "soft") != []
    assert identity(tmp_path / "b") != identity(tmp_path / "a")
    assert identity(tmp_path / "none") == identity(Path("a\0b")) == []
