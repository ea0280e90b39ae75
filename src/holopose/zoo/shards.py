"""Owns joining: a network's tensors that Hugging Face spread over several safetensors files become one file.

The format (huggingface/safetensors): 8 bytes little-endian with the length of a JSON header, the header (name ->
dtype, shape, data_offsets), then the bytes of all tensors without gaps.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import IO, Any

from holopose.errors import ModelError

__all__ = ["INDEX", "join"]

INDEX = ".safetensors.index.json"
"""How the names of files that say which tensor is in which shard end."""

_CHUNK = 1 << 20
_LONGEST_HEADER = 100 << 20


def join(index: Path, out: IO[bytes]) -> None:
    """Write one safetensors file with the tensors of all shards that `index` names, which lie beside it.

    Raises:
        ModelError: the index or a shard is missing, damaged, or not what the index says.
        OSError: of writing `out`.
    """
    try:
        where = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        shards = sorted({str(name) for name in where.values()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{index}: is not an index of safetensors files ({error})") from error
    joined: dict[str, Any] = {}
    data: list[tuple[Path, int, int]] = []
    base = 0
    for name in shards:
        if Path(name).name != name:
            raise ModelError(f"{index}: names a file in another folder: {name!r}")
        header, start, size = _header(index.with_name(name))
        for tensor, entry in header.items():
            first, last = entry["data_offsets"]
            if tensor in joined:
                raise ModelError(f"{index}: {tensor} is in two of its files")
            joined[tensor] = {**entry, "data_offsets": [first + base, last + base]}
        data.append((index.with_name(name), start, size))
        base += size
    lacking = [tensor for tensor in where if tensor not in joined]
    if lacking:
        raise ModelError(f"{index}: {len(lacking)} of its tensors are in none of its files, such as {lacking[0]}")
    text = json.dumps(joined, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    out.write(struct.pack("<Q", len(text)) + text)
    for path, start, size in data:
        _copy(path, start, size, out)


def _header(path: Path) -> tuple[dict[str, Any], int, int]:
    """Entries of a file's tensors, where their bytes begin, and how many those are."""
    try:
        with path.open("rb") as file:
            length = struct.unpack("<Q", file.read(8))[0]
            if length > _LONGEST_HEADER:
                raise ValueError(f"a header of {length} bytes")
            header = json.loads(file.read(length))
        size = path.stat().st_size - 8 - length
        header.pop("__metadata__", None)
        ends = [entry["data_offsets"][1] for entry in header.values()]
        if size < 0 or max(ends, default=0) != size:
            raise ValueError(f"{max(ends, default=0)} bytes of tensors expected, {size} there")
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, struct.error) as error:
        raise ModelError(f"{path}: is not a safetensors file: truncated or altered ({error})") from error
    return header, 8 + length, size


def _copy(path: Path, start: int, size: int, out: IO[bytes]) -> None:
    with path.open("rb") as file:
        file.seek(start)
        while size and (chunk := file.read(min(_CHUNK, size))):
            out.write(chunk)
            size -= len(chunk)
    if size:
        raise ModelError(f"{path}: became shorter while it was read")
