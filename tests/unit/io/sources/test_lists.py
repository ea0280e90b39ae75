from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.errors import InputError
from holopose.io.sources.lists import read_list


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "list.txt"


def test_lines(path: Path) -> None:
    path.write_bytes(b'a.jpg\n\n  b c.jpg  \n# no\n   # no\n"d e.jpg"\n\'f\'\n#.jpg\ng#.jpg\n"\nlast')
    assert read_list(str(path)) == [
        *((1, "a.jpg"), (3, "b c.jpg"), (6, "d e.jpg"), (7, "f"), (9, "g#.jpg"), (10, '"'), (11, "last")),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(path: Path, encoding: str, end: str) -> None:
    path.write_bytes(end.join(["# Bilder", "Käse.jpg", "日本.png", ""]).encode(encoding))
    assert read_list(str(path)) == [(2, "Käse.jpg"), (3, "日本.png")]


@given(
    st.lists(st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="#\"'"), min_size=1), min_size=1)
)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_text("\n".join(names), encoding="utf-8")
    assert [entry for _, entry in read_list(str(path))] == names


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "names no input; expected one per line"),
        (b'# a\n\n""\n', "names no input"),
        (b"a\xff\xfe\xfa.jpg", "expected a list of inputs as UTF-8 text, got other bytes"),
        (b"a\0b", "got binary data"),
    ],
)
def test_no_lists(path: Path, data: bytes, problem: str) -> None:
    path.write_bytes(data)
    with pytest.raises(InputError, match=problem):
        read_list(str(path))


def test_what_cannot_be_read(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, problem in ((str(path), "this list does not exist"), (str(tmp_path), "cannot be read"), ("\0", "cannot")):
        with pytest.raises(InputError, match=problem):
            read_list(name)
    path.write_bytes(b"a\n" * 100)
    monkeypatch.setattr("holopose.io.sources.lists._LONGEST_BYTES", 100)
    with pytest.raises(InputError, match="too long for a list"):
        read_list(str(path))
