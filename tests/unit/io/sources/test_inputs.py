from __future__ import annotations

import os
import runpy
import socket
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from holopose.errors import InputError
from holopose.io.sources.archives import ArchiveSource
from holopose.io.sources.inputs import Input, expand, expand_members

TESTS = Path(__file__).parents[3]
S: dict[str, Any] = runpy.run_path(str(TESTS / "picture_samples.py"))
A: dict[str, Any] = runpy.run_path(str(TESTS / "archive_samples.py"))
PNG = S["png"](S["scene"](), 8, 2)
Tree = Callable[..., None]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """Makes files in an empty working folder."""
    monkeypatch.chdir(tmp_path)

    def make(*names: str, data: bytes = b"x") -> None:
        for name in names:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_bytes(data)

    return make


def brief(inputs: list[Input]) -> list[tuple[str, str, str]]:
    return [(one.kind, Path(one.location).as_posix(), one.name) for one in inputs]


def heard_by(*arguments: str, **options: Any) -> tuple[list[Input], list[str], list[str]]:
    errors: list[str] = []
    notes: list[str] = []
    inputs = expand(arguments, on_error=lambda _, error: errors.append(str(error)), on_note=notes.append, **options)
    return inputs, errors, notes


def test_files_in_the_order_given(tree: Tree) -> None:
    tree("b.jpg", "a.mp4", "sub/c.PNG", "d.tar.gz", "x.zip")
    assert brief(expand(["b.jpg", "sub/c.PNG", Path("a.mp4"), "d.tar.gz", "x.zip"])) == [
        ("picture", "b.jpg", "b"),
        ("picture", "sub/c.PNG", "c"),
        ("video", "a.mp4", "a"),
        ("archive", "d.tar.gz", "d.tar"),
        ("archive", "x.zip", "x"),
    ]
    assert expand([]) == []


def test_files_by_their_content_where_the_ending_tells_nothing(tree: Tree) -> None:
    tree("photo", "IMG.tmp", data=PNG)
    tree("clip", data=b"\x1aE\xdf\xa3" + bytes(50))
    tree("pack", data=A["zip_of"]([("a.png", PNG)]))
    assert [one.kind for one in expand(["photo", "IMG.tmp", "clip", "pack"])] == [
        "picture",
        "picture",
        "video",
        "archive",
    ]
    tree("words.md")
    tree("paper.pdf", data=b"%PDF-1.7")
    tree("empty", data=b"")
    _, errors, _ = heard_by("words.md", "paper.pdf", "empty")
    assert "words.md: is not a picture holopose reads" in errors[0]
    assert "looks like a PDF" in errors[1]
    assert errors[2] == "empty: is empty (0 bytes)"


def test_names(tree: Tree) -> None:
    tree("a.jpg", "a.png", "x/a.jpg", "x/b.jpg", "y/B.jpg", ".hid.jpg", "...jpg", data=PNG)
    found = expand(["a.jpg", "a.png", "x/a.jpg", "x/b.jpg", "y/B.jpg", ".hid.jpg", "...jpg"])
    assert [one.name for one in found] == ["a.jpg", "a.png", "a.jpg-2", "b", "B-2", ".hid", "...jpg"]


def test_each_input_once(tree: Tree, tmp_path: Path) -> None:
    tree("in/a.jpg", "in/b.jpg")
    found = expand(["in/b.jpg", "in", "./in/a.jpg", str(tmp_path / "in/a.jpg"), "in/*.jpg", "0", "-", "0", "-", "00"])
    assert [one.name for one in found] == ["b", "in/a", "webcam-0", "stdin"]


def test_folders(tree: Tree, tmp_path: Path) -> None:
    tree("holidays/img10.jpg", "holidays/img2.jpg", "holidays/day2/img3.jpg", "holidays/day2/c.mov", "holidays/n.md")
    inputs, errors, notes = heard_by("holidays")
    assert brief(inputs) == [
        ("picture", "holidays/img2.jpg", "holidays/img2"),
        ("picture", "holidays/img10.jpg", "holidays/img10"),
    ]
    assert errors == []
    assert notes == ["holidays: 1 file left out, neither picture nor video (1 .md)"]
    inputs, _, _ = heard_by("holidays", recursive=True)
    assert [one.name for one in inputs][:2] == ["holidays/day2/c", "holidays/day2/img3"]
    for same in ("holidays/", "./holidays", "holidays/day2/..", str(tmp_path / "holidays")):
        assert [one.name for one in expand([same])] == ["holidays/img2", "holidays/img10"]
    os.chdir("holidays")
    assert brief(expand(["."])) == [
        ("picture", "img2.jpg", "holidays/img2"),
        ("picture", "img10.jpg", "holidays/img10"),
    ]


def test_folders_without_pictures(tree: Tree) -> None:
    tree("deep/a/b.jpg", "deep/c/d.jpg", "words/a.txt")
    Path("none").mkdir()
    with pytest.raises(InputError, match=r"^deep: has no picture or video in it; it has 2 sub-folders, which --recur"):
        expand(["deep"])
    _, errors, notes = heard_by("none", "words", "deep")
    assert errors[0] == "none: has no picture or video in it"
    assert errors[1] == "words: has no picture or video in it"
    assert notes == ["words: 1 file left out, neither picture nor video (1 .txt)"]


def test_two_folders_of_the_same_name(tree: Tree) -> None:
    tree("x/cam/1.jpg", "y/cam/1.jpg", "y/cam/1.png")
    names = [one.name for one in expand(["x/cam", "y/cam"])]
    assert names == ["cam/1.jpg", "cam/1.jpg-2", "cam/1.png"]


def test_results_of_earlier_runs_are_no_inputs(tree: Tree) -> None:
    tree("in/a.jpg", "in/out/a.jpg", "in/a.overlay.jpg", "in/b/c.jpg")
    inputs, _, notes = heard_by("in", recursive=True, exclude=["in/out"])
    assert [one.name for one in inputs] == ["in/a", "in/b/c"]
    assert notes == ["in: 1 file left out, neither picture nor video (1 .overlay.jpg)"]
    assert [one.name for one in expand(["in/a.overlay.jpg"])] == ["a.overlay"]  # asked for


def test_patterns(tree: Tree) -> None:
    tree(
        "shots/img10.jpg",
        "shots/img9.jpg",
        "shots/a/img1.jpg",
        "shots/note.txt",
        "shots/p.zip",
        "day1/x.jpg",
        "day2/y.jpg",
    )
    inputs, errors, notes = heard_by("shots/*")
    assert [one.name for one in inputs] == ["img9", "img10", "a/img1"]
    assert notes == ["shots/*: 2 files left out, neither picture nor video (1 .txt, 1 .zip)"]
    assert [one.name for one in expand(["shots/**/*.jpg"])] == ["a/img1", "img9", "img10"]
    assert [one.name for one in expand(["day*"])] == ["day1/x", "day2/y"]
    assert [one.kind for one in expand(["shots/*.zip"])] == ["archive"]
    _, errors, _ = heard_by("*.jpg", "none/*.jpg", "shots/*.txt", "shots/img[3-5].jpg")
    assert errors == [
        "*.jpg: matches no file",
        "none/*.jpg: there is no folder none",
        "shots/*.txt: matches no picture or video, only 1 other file",
        "shots/img[3-5].jpg: matches no file",
    ]


def test_an_empty_folder_does_not_hide_what_else_a_pattern_matches(tree: Tree) -> None:
    tree("day1/x.txt", "day2/y.jpg")
    inputs, errors, _ = heard_by("day*")
    assert [one.name for one in inputs] == ["day2/y"]
    assert errors == ["day1: has no picture or video in it"]


def test_what_exists_is_meant(tree: Tree, tmp_path: Path) -> None:
    tree("img[1].jpg", "img1.jpg", "a*.jpg", "0/a.jpg", "@me/b.jpg", "what?.jpg")
    assert brief(expand(["img[1].jpg"])) == [("picture", "img[1].jpg", "img[1]")]
    assert [one.name for one in expand(["a*.jpg", "0", "@me", "what?.jpg"])] == ["a*", "0/a", "@me/b", "what?"]
    assert [one.kind for one in expand(["1"])] == ["live"]
    for literal in ("-", "1", "*.jpg", "http://x"):
        with pytest.raises(InputError, match="does not exist"):
            expand([Path(literal)])


def test_what_does_not_exist(tree: Tree, tmp_path: Path) -> None:
    tree("a.jpg")
    Path("gone").symlink_to("nothing")
    with pytest.raises(InputError, match=r"^b\.jpg: does not exist$"):
        expand(["a.jpg", "b.jpg"])
    inputs, errors, _ = heard_by("b\n.jpg", "a.jpg", "gone", "", "a.jpg/x", "nul\0")
    assert [one.name for one in inputs] == ["a"]
    assert errors[:3] == [
        "b\\n.jpg: does not exist",
        "gone: is a link to something that does not exist",
        ": does not exist",
    ]
    assert "Not a directory" in errors[3]
    assert "cannot be read" in errors[4]


@pytest.mark.skipif(sys.platform == "win32", reason="no such files there")
def test_what_is_no_file(tree: Tree) -> None:
    tree()
    os.mkfifo("pipe.jpg")
    with closing(socket.socket(socket.AF_UNIX)) as listening:
        listening.bind("socket.mp4")
        _, errors, _ = heard_by("pipe.jpg", "socket.mp4", "/dev/null")
    assert len(errors) == 3
    assert all("is not an ordinary file (a device, pipe or socket)" in error for error in errors)


def test_lists(tree: Tree) -> None:
    tree("set/day1/a.jpg", "set/day2/a.jpg", "set/cam/b.mp4", "other.jpg")
    lines = ["# mine", "day1/a.jpg", "day2/*.jpg", "", "cam", "../other.jpg", str(Path("other.jpg").absolute()), "2"]
    Path("set/list.txt").write_text("\n".join(lines), encoding="utf-8")
    expected = [
        ("picture", "set/day1/a.jpg", "day1/a"),
        ("picture", "set/day2/a.jpg", "a"),
        ("video", "set/cam/b.mp4", "cam/b"),
        ("picture", "set/../other.jpg", "other"),
        ("live", "2", "webcam-2"),
    ]
    assert brief(expand(["set/list.txt"])) == expected
    assert brief(expand(["@set/list.txt"])) == expected
    Path("set/list.txt").rename("set/list.lst")
    assert brief(expand(["@set/list.lst"])) == expected


def test_errors_in_lists_name_the_line(tree: Tree) -> None:
    tree("a.jpg", "in.txt")
    Path("l.txt").write_text(
        "none.jpg\na.jpg\nin.txt\n@in.txt\nrtsp://u:secret@h/x?secret\nftp://u:secret@h\n*.png", encoding="utf-8"
    )
    inputs, errors, _ = heard_by("@l.txt", "@gone.txt")
    assert [one.name for one in inputs] == ["a", "h-x"]
    assert errors == [
        "l.txt, line 1: none.jpg: does not exist",
        "l.txt, line 3: in.txt: is a list within a list, which is not read",
        "l.txt, line 4: in.txt: is a list within a list, which is not read",
        "l.txt, line 6: ftp://h: addresses of this kind (ftp) are not read; "
        "expected one of rtsp, rtsps, rtmp, rtmps, udp, http, https",
        "l.txt, line 7: *.png: matches no file",
        "gone.txt: this list does not exist",
    ]
    with pytest.raises(InputError, match=r"^l\.txt, line 1: none\.jpg: does not exist$"):
        expand(["l.txt"])


def test_live_sources(tree: Tree) -> None:
    tree()
    found = expand(["0", "12", "rtsp://me:secret@cam.local:554/live?secret", "HTTP://[::1]:80/a/", "udp://@:1234"])
    assert [(one.kind, one.name) for one in found] == [
        *(
            ("live", "webcam-0"),
            ("live", "webcam-12"),
            ("live", "cam.local-554-live"),
            ("live", "1-80-a"),
            ("live", "1234"),
        ),
    ]
    assert found[2].location == "rtsp://me:secret@cam.local:554/live?secret"
    assert found[2].label == "rtsp://cam.local:554/live"
    assert found[0].label == "webcam 0"
    assert "secret" not in repr(found)
    unclear = expand(["rtsp://me:sec/ret@host/x"])[0]
    assert (unclear.name, unclear.label) == ("live", "rtsp://...")
    with pytest.raises(
        InputError, match=r"file:///a: addresses of this kind \(file\) are not read; give the path itself"
    ):
        expand(["file:///a"])
    with pytest.raises(InputError, match="1234: does not exist"):
        expand(["1234"])


def test_standard_input(tree: Tree) -> None:
    tree("a.jpg")
    one, _ = expand(["-", "a.jpg"])
    assert (one.kind, one.location, one.name, one.label) == ("stdin", "-", "stdin", "<stdin>")


def test_members_of_archives(tree: Tree) -> None:
    members = [("day/img10.png", PNG), ("day/img9.png", PNG), ("../x.png", PNG), ("x.jpg", b""), ("n.txt", b"")]
    tree("in/set.zip", data=A["zip_of"](members))
    tree("set.zip", data=A["zip_of"](members[:1]))
    first, second = expand(["in/set.zip", "set.zip"])
    assert (first.name, second.name) == ("set", "set-2")
    with closing(ArchiveSource(first.location)) as source:
        found = expand_members(first, source)
        assert [(one.kind, one.name, one.member) for one in found] == [
            ("picture", "set/x.png", "x.png"),
            ("picture", "set/day/img9", "day/img9.png"),
            ("picture", "set/day/img10", "day/img10.png"),
            ("picture", "set/x.jpg", "x.jpg"),
        ]
        assert found[1].label == "in/set.zip/day/img9.png"
        assert source.read_member(found[1].member or "") == PNG


def test_thousands_of_files(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(*(f"in/{k % 7}/img{k}.jpg" for k in range(1000)))
    monkeypatch.setattr(Path, "open", None)  # none is opened
    found = expand(["in", *(f"in/{k % 7}/img{k}.jpg" for k in range(1000))], recursive=True)
    assert len(found) == 1000
    assert [one.name for one in found][:3] == ["in/0/img0", "in/0/img7", "in/0/img14"]
