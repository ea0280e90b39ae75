from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from holopose.io.sinks.folder import StagedFolder
from holopose.io.sinks.leftovers import clear_leftovers, hold, release, temporary_path
from holopose.io.sinks.staged import StagedFile

fcntl = pytest.importorskip("fcntl", reason="no locks that end with their process")

WRITER = """
import sys, time
from pathlib import Path
from holopose.io.sinks.folder import StagedFolder
from holopose.io.sinks.staged import StagedFile
out = Path(sys.argv[1])
written, claimed = StagedFile(out / "a.json"), StagedFile(out / "a.mp4")
folder = StagedFolder(out / "a", ending=".json")
written.write("half")
claimed.claim().write_bytes(b"half a clip")
folder.write("1.json", "{}")
print("ready", flush=True)
time.sleep(60)
"""


def hidden(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.startswith(".holopose-")]


def test_what_a_killed_process_leaves_is_cleared_and_not_before(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, tmp_path], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "ready\n"
        assert clear_leftovers(tmp_path) == 0
        assert len(hidden(tmp_path)) == 3
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    assert clear_leftovers(tmp_path) == 3
    assert list(tmp_path.iterdir()) == []


def test_what_this_process_writes_is_left_alone(tmp_path: Path) -> None:
    file, folder = StagedFile(tmp_path / "a.json"), StagedFolder(tmp_path / "b", ending=".txt")
    file.write("one")
    folder.write("1.txt", "one")
    assert clear_leftovers(tmp_path) == 0
    file.write(" two")
    file.commit()
    folder.commit()
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == "one two"
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["1.txt"]
    assert hidden(tmp_path) == []


def test_only_our_own_names_are_cleared(tmp_path: Path) -> None:
    ours = [temporary_path(tmp_path / "x.json"), temporary_path(tmp_path / "y", "old")]
    ours[0].touch()
    ours[1].mkdir()
    (ours[1] / "1.json").touch()
    theirs = [".holopose-1.part", ".holopose-0123456789abcdef.tmp", "a.part", "holopose-0123456789abcdef.part"]
    for name in theirs:
        (tmp_path / name).touch()
    link = temporary_path(tmp_path / "z")
    link.symlink_to(tmp_path / "a.part")
    below = temporary_path(tmp_path / "below" / "x.json")
    below.parent.mkdir()
    below.touch()
    assert clear_leftovers(tmp_path) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*theirs, link.name, "below"])
    assert below.exists()
    assert clear_leftovers(tmp_path / "none") == 0


def test_a_file_cleared_before_it_is_held_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        hold(temporary_path(tmp_path / "a.json"))


def test_holding_ends(tmp_path: Path) -> None:
    path = temporary_path(tmp_path / "a.json")
    path.touch()
    held = hold(path)
    assert held is not None
    assert clear_leftovers(tmp_path) == 0
    release(held)
    release(None)
    assert clear_leftovers(tmp_path) == 1
