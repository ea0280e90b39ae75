"""Converted networks: found while they belong to their sources, and only unaltered."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from holopose.errors import ModelError
from holopose.zoo.cache import target
from holopose.zoo.cards import Card, Licence
from holopose.zoo.converted import converted_path, find_converted, forget_converted, keep_converted

CARD = Card(
    name="net",
    filename="net.pth",
    sha256=hashlib.sha256(b"tensors").hexdigest(),
    size=7,
    places=(),
    licence=Licence(code="x", weights="x", training_data="x"),
    model="net",
    family=lambda: object,
    task="top-down",
    role="x",
    input_hwc=(256, 192, 3),
    score="x",
)
SOURCES = {"net": CARD.sha256}


def made(home: Path, content: bytes = b"graph", beside: bytes = b"") -> Path:
    folder = home / "work"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(content)
    if beside:
        (folder / "model.onnx.data").write_bytes(beside)
    return folder


def test_there_is_none_at_first(home: Path) -> None:
    assert find_converted("net", [CARD]) is None


def test_it_is_found_with_and_without_its_source(home: Path) -> None:
    path = keep_converted("net", made(home, beside=b"big"), SOURCES, {"parity": []})
    assert path == converted_path("net") == find_converted("net", [CARD])
    assert path.with_name("model.onnx.data").read_bytes() == b"big"
    assert not (home / "work").exists()
    target(CARD).write_bytes(b"tensors")
    assert find_converted("net", [CARD]) == path


def test_other_sources_make_it_somebody_elses(home: Path) -> None:
    keep_converted("net", made(home), {"net": "0" * 64}, {})
    assert find_converted("net", [CARD]) is not None, "the source is not here: nothing speaks against it"
    target(CARD).write_bytes(b"tensors")
    assert find_converted("net", [CARD]) is None


def test_a_new_one_takes_the_place_of_the_old(home: Path) -> None:
    keep_converted("net", made(home, b"old", beside=b"old data"), SOURCES, {})
    keep_converted("net", made(home, b"new"), SOURCES, {})
    folder = converted_path("net").parent
    assert sorted(path.name for path in folder.iterdir()) == ["facts.json", "model.onnx"]
    assert converted_path("net").read_bytes() == b"new"
    assert [path.name for path in folder.parent.iterdir()] == ["net"]


@pytest.mark.parametrize("name", ["model.onnx", "model.onnx.data", "facts.json"])
def test_an_altered_one_is_refused_with_what_to_do(home: Path, name: str) -> None:
    folder = keep_converted("net", made(home, beside=b"big"), SOURCES, {}).parent
    (folder / name).write_bytes(b"something else")
    with pytest.raises(ModelError, match=r"holopose models convert net --to onnx") as caught:
        find_converted("net", [CARD])
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_written_is_said(home: Path) -> None:
    folder = made(home)
    (home / "models").write_bytes(b"a file, not a folder")
    with pytest.raises(ModelError, match="cannot be written"):
        keep_converted("net", folder, SOURCES, {})


def test_it_can_be_forgotten(home: Path) -> None:
    assert not forget_converted("net")
    keep_converted("net", made(home), SOURCES, {})
    assert forget_converted("net")
    assert find_converted("net", [CARD]) is None
    assert list(converted_path("net").parent.parent.iterdir()) == []
