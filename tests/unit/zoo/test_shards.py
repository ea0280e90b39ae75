"""Joining safetensors shards: what the reference library reads from the joined file is what was in the shards."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from holopose.errors import ModelError
from holopose.zoo.shards import join


def write(path: Path, tensors: dict[str, np.ndarray], metadata: bool = False) -> None:
    """A safetensors file, by the format's own description."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}} if metadata else {}
    data = b""
    for name, array in tensors.items():
        header[name] = {
            "dtype": "F32",
            "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + array.nbytes],
        }
        data += array.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def arrays(*names: str) -> dict[str, np.ndarray]:
    return {name: np.random.default_rng(len(name)).standard_normal((3, len(name))).astype(np.float32) for name in names}


@pytest.fixture
def index(tmp_path):
    write(tmp_path / "model-00001-of-00002.safetensors", arrays("a", "bb"), metadata=True)
    write(tmp_path / "model-00002-of-00002.safetensors", arrays("ccc"))
    where = dict.fromkeys(("a", "bb"), "model-00001-of-00002.safetensors") | {"ccc": "model-00002-of-00002.safetensors"}
    path = tmp_path / "model.safetensors.index.json"
    path.write_text(json.dumps({"metadata": {"total_size": 72}, "weight_map": where}))
    return path


def joined(index: Path) -> Path:
    out = index.with_name("joined.safetensors")
    with out.open("wb") as file:
        join(index, file)
    return out


def test_the_joined_file_holds_every_tensor(index):
    load_file = pytest.importorskip("safetensors.numpy").load_file
    found = load_file(joined(index))
    assert set(found) == {"a", "bb", "ccc"}
    for name, array in arrays("a", "bb", "ccc").items():
        np.testing.assert_array_equal(found[name], array)


def test_a_truncated_or_missing_shard_is_an_error(index):
    shard = index.with_name("model-00002-of-00002.safetensors")
    content = shard.read_bytes()
    for cut in (4, 30, len(content) - 1):
        shard.write_bytes(content[:cut])
        with pytest.raises(
            ModelError, match=r"model-00002-of-00002\.safetensors: is not a safetensors file: truncated"
        ):
            joined(index)
    shard.unlink()
    with pytest.raises(ModelError, match=r"model-00002-of-00002\.safetensors: cannot be read"):
        joined(index)


def test_an_index_that_lies_is_an_error(index):
    told = json.loads(index.read_text())
    told["weight_map"]["dddd"] = "model-00001-of-00002.safetensors"
    index.write_text(json.dumps(told))
    with pytest.raises(ModelError, match="1 of its tensors are in none of its files, such as dddd"):
        joined(index)
    told["weight_map"]["dddd"] = "../other.safetensors"
    index.write_text(json.dumps(told))
    with pytest.raises(ModelError, match="names a file in another folder"):
        joined(index)
    write(index.with_name("model-00002-of-00002.safetensors"), arrays("ccc", "a"))
    index.write_text(
        json.dumps({"weight_map": {"a": "model-00001-of-00002.safetensors", "ccc": "model-00002-of-00002.safetensors"}})
    )
    with pytest.raises(ModelError, match="a is in two of its files"):
        joined(index)
    for text in ("", "[]", '{"weight_map": 3}'):
        index.write_text(text)
        with pytest.raises(ModelError, match="is not an index"):
            joined(index)
