"""What is written down of a file when it first comes."""

from __future__ import annotations

import pytest

from holopose.zoo.seals import Seal, read_seal, seal_path, write_seal


def test_a_seal_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "net.onnx"
    write_seal(path, Seal("0" * 64, 7, "https://weights.example/net.onnx"))
    seal = read_seal(path)
    assert seal is not None
    assert (seal.sha256, seal.size, seal.came_from) == ("0" * 64, 7, "https://weights.example/net.onnx")
    assert seal.date.startswith("20")
    assert [one.name for one in tmp_path.iterdir()] == ["net.onnx.seal.json"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"sha256": "00", "size": 1, "came_from": "", "date": ""}', '{"size": 1}']
)
def test_a_damaged_seal_is_none(tmp_path, text):
    seal_path(tmp_path / "net.onnx").write_text(text)
    assert read_seal(tmp_path / "net.onnx") is None
    assert read_seal(tmp_path / "other.onnx") is None
