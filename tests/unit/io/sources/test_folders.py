from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from holopose.errors import InputError
from holopose.io.sources.folders import Folders, Found

GIF = b"GIF89a" + bytes(20)
Tree = Callable[..., Path]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """Makes files in an empty working folder."""
    monkeypatch.chdir(tmp_path)

    def make(*names: str, data: bytes = b"") -> Path:
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(data)
        return tmp_path

    return make


def names(found: Found) -> list[str]:
    return [relative for relative, _, _ in found.files]


def scan(folder: str = ".", *, recursive: bool = True, **rest: Any) -> Found:
    return Folders(recursive=recursive, **rest).scan(folder)


def match(pattern: str) -> Found:
    return Folders(recursive=False).match(pattern, shown=pattern)


def test_natural_order_and_kinds(tree: Tree) -> None:
    tree("img10.jpg", "img2.JPG", "img1.heic", "day/clip10.mp4", "day/clip9.mov", "b.png")
    found = scan()
    assert names(found) == ["b.png", "day/clip9.mov", "day/clip10.mp4", "img1.heic", "img2.JPG", "img10.jpg"]
    assert [kind for _, _, kind in found.files] == ["picture", "video", "video", "picture", "picture", "picture"]
    assert [path for _, path, _ in found.files][1] == str(Path("day", "clip9.mov"))
    assert not found.left_out


def test_sub_folders_only_on_request(tree: Tree) -> None:
    tree("a.jpg", "day/b.jpg", "night/c.jpg", ".git/d.jpg")
    found = scan(recursive=False)
    assert names(found) == ["a.jpg"]
    assert found.folders_not_entered == 2
    assert scan().folders_not_entered == 0
    assert names(scan()) == ["a.jpg", "day/b.jpg", "night/c.jpg"]


def test_the_rest_is_counted(tree: Tree) -> None:
    tree("a.jpg", "a.txt", "b.txt", "c.zip", "noending", "x.JSON", ".hidden.jpg", ".DS_Store", "a.overlay.jpg", "s.ts")
    found = scan()
    assert names(found) == ["a.jpg"]
    assert found.left_out == {".txt": 2, ".zip": 1, "": 1, ".json": 1, ".overlay.jpg": 1, ".ts": 1}


def test_files_that_tell_nothing_by_their_ending_are_looked_into(tree: Tree) -> None:
    tree("picture", "day/other", data=GIF)
    tree("clip.ts", "clip.dat", data=(b"G" + bytes(187)) * 8)
    tree("wrong.txt", data=GIF)
    found = scan()
    assert [(name, kind) for name, _, kind in found.files] == [
        *(("clip.dat", "video"), ("clip.ts", "video"), ("day/other", "picture"), ("picture", "picture")),
    ]


def test_no_file_is_opened_whose_ending_tells(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(*(f"{k}.jpg" for k in range(100)), "a.json", "b.mp4")
    opened: list[Path] = []
    monkeypatch.setattr(Path, "open", lambda self, *_: opened.append(self))
    assert len(scan().files) == 101
    assert opened == []


def test_links_that_lead_in_circles(tree: Tree) -> None:
    tree("a/1.jpg", "b/2.jpg", "b/c/3.jpg")
    Path("a/up").symlink_to("..")
    Path("b/c/self").symlink_to(".")
    Path("b/c/a").symlink_to("../../a")
    Path("to-b").symlink_to("b")
    Path("self.jpg").symlink_to("self.jpg")
    Path("nothing.jpg").symlink_to("gone.jpg")
    Path("link.jpg").symlink_to("a/1.jpg")
    found = scan()
    assert names(found) == ["a/1.jpg", "b/2.jpg", "b/c/3.jpg", "link.jpg"]
    assert names(match("**/*.jpg")) == names(found)


def test_linked_folders_are_read(tree: Tree) -> None:
    tree("real/1.jpg", "in/a.jpg")
    Path("in/link").symlink_to("../real")
    assert names(scan("in")) == ["a.jpg", "link/1.jpg"]


def test_excluded_folders(tree: Tree) -> None:
    tree("in/a.jpg", "in/out/a.jpg", "in/b/out/b.jpg")
    assert names(scan("in", exclude=["in/out", "in/none", "\0"])) == ["a.jpg", "b/out/b.jpg"]
    assert names(scan("in/out", exclude=["in/out"])) == ["a.jpg"]  # asked for
    assert scan("in", recursive=False, exclude=["in/out"]).folders_not_entered == 1


def test_deep_and_wide(tree: Tree) -> None:
    tree("d/" * 300 + "x.jpg")
    assert names(scan()) == ["d/" * 300 + "x.jpg"]
    top = tree(*(f"wide/{k}.jpg" for k in range(500)))
    assert names(scan(str(top / "wide"))) == [f"{k}.jpg" for k in range(500)]


def test_folders_that_cannot_be_read(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree("a/1.jpg", "b/2.jpg", "c/3.jpg")
    scandir = os.scandir

    def refuse(folder: str) -> Any:
        if folder.endswith("b"):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    folders = Folders(recursive=True)
    with pytest.raises(InputError, match=r"b: this folder cannot be read: Permission denied"):
        folders.scan(".")
    heard: list[str] = []
    found = folders.scan(".", on_error=lambda name, error: heard.append(f"{name}|{error}"))
    assert names(found) == ["a/1.jpg", "c/3.jpg"]
    assert heard == ["b|b: this folder cannot be read: Permission denied"]
    found = folders.match("*/*.jpg", shown="", on_error=lambda name, _: heard.append(name))
    assert names(found) == ["a/1.jpg", "c/3.jpg"]
    assert heard[1:] == ["b"]
    with pytest.raises(InputError, match=r"b: this folder"):
        folders.scan("b", on_error=lambda *_: None)  # what was asked for itself


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        ("*.jpg", ["1.jpg", "10.jpg"]),
        ("?.*", ["1.jpg", "1.png"]),
        ("1[0-9].jpg", ["10.jpg"]),
        ("1[!0].jpg", []),
        ("day*/*.jpg", ["day1/a.jpg", "day2/b.jpg"]),
        ("day[12]/a.jpg", ["day1/a.jpg"]),
        ("day2/*/*.jpg", ["deep/c.jpg"]),
        ("**/*.jpg", ["1.jpg", "10.jpg", "day1/a.jpg", "day2/b.jpg", "day2/deep/c.jpg"]),
        ("**/deep/*", ["day2/deep/c.jpg"]),
        ("day*/**/c.*", ["day2/deep/c.jpg"]),
        ("day2/**", ["b.jpg", "deep/c.jpg"]),
        ("**/**/c.jpg", ["day2/deep/c.jpg"]),
        ("**/day2/**/*.jpg", ["day2/b.jpg", "day2/deep/c.jpg"]),
        ("./*.png", ["1.png"]),
        ("day1/../*.png", ["1.png"]),
        ("*.JPG", []),
    ],
)
def test_patterns(tree: Tree, pattern: str, matched: list[str]) -> None:
    tree("1.jpg", "10.jpg", "1.png", "day1/a.jpg", "day2/b.jpg", "day2/deep/c.jpg", "day2/.h/d.jpg", ".e.jpg")
    if os.path.normcase("A") == "A":
        assert names(match(pattern)) == matched
    top = str(Path.cwd())
    assert names(match(f"{top}/{pattern}")) == names(match(pattern))


def test_brackets_in_the_names_of_folders(tree: Tree) -> None:
    tree("day[1]/a.jpg", "day[1]/b[2].jpg", "day1/c.jpg")
    assert names(match("day[1]/*.jpg")) == ["a.jpg", "b[2].jpg"]
    assert names(match("day[0-9]/*.jpg")) == ["day1/c.jpg"]


def test_what_else_a_pattern_matches(tree: Tree) -> None:
    tree("a/1.jpg", "b/2.jpg", "c.txt", "d.zip", "e.jpg")
    found = match("*")
    assert names(found) == ["e.jpg"]
    assert found.folders == [("a", "a"), ("b", "b")]
    assert found.left_out == {".txt": 1, ".zip": 1}
    archives = match("*.zip")
    assert archives.files == [("d.zip", "d.zip", "archive")]
    assert match("**").folders == []
    with pytest.raises(InputError, match=r"^x: there is no folder none$"):
        Folders(recursive=False).match("none/*.jpg", shown="x")
