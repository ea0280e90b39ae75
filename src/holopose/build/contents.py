"""Owns what inputs and results are, wherever they lie and whatever they are called: their size and SHA-256."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Content", "Written", "measure_content", "measure_result"]

WHOLE_BYTES = 256 << 20
"""Files up to this size are hashed from the first byte to the last."""

SAMPLES, SAMPLE_BYTES = 64, 1 << 20
"""Of larger ones so many blocks of this size are hashed, spread evenly from the first byte to the last."""


@dataclass(frozen=True, slots=True)
class Content:
    """What an input is, wherever it lies.

    Attributes:
        size: Bytes.
        sha256: Of all its bytes; where `sampled`, of its size and some blocks.
        sampled: Whether only blocks were hashed, because it is large.
    """

    size: int
    sha256: str
    sampled: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """One result: a file, or a folder of files.

    Attributes:
        name: Relative to the folder of the journal, parts joined by ``/``.
        size: Bytes in all.
        sha256: Of the file; of a folder, over the names and hashes of its files in order.
    """

    name: str
    size: int
    sha256: str


def measure_content(paths: Sequence[Path]) -> Content | None:
    """What an input of one or several files is; None where there is none, or one that is no file or cannot be read.

    Several count as one in their order, whatever their names.
    """
    try:
        contents = [_measure_file(path) for path in paths]
    except (OSError, ValueError):  # ValueError: a name with a zero byte in it
        return None
    if len(contents) == 1:
        return contents[0]
    together = hashlib.sha256("".join(f"{one.size} {one.sha256}\n" for one in contents).encode("ascii"))
    size, sampled = sum(one.size for one in contents), any(one.sampled for one in contents)
    return Content(size, together.hexdigest(), sampled) if contents else None


def _measure_file(path: Path) -> Content:
    if not path.is_file():
        raise FileNotFoundError(path)
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size <= WHOLE_BYTES:
            return Content(size, hashlib.file_digest(file, "sha256").hexdigest())
        digest = hashlib.sha256(f"{size}\n".encode("ascii"))
        for number in range(SAMPLES):
            file.seek((size - SAMPLE_BYTES) * number // (SAMPLES - 1))
            digest.update(file.read(SAMPLE_BYTES))
        return Content(size, digest.hexdigest(), sampled=True)


def measure_result(path: Path, folder: Path) -> Written | None:
    """A result as it lies there: a file, or a folder of files; None where there is neither.

    Args:
        path: The result.
        folder: That of the journal.
    """
    name = path.relative_to(folder).as_posix()
    try:
        if not path.is_dir():
            return Written(name, *_hash_file(path))
        files = sorted(one for one in path.rglob("*") if one.is_file())
        hashes = [_hash_file(one) for one in files]
    except OSError:
        return None
    digest = hashlib.sha256()
    for one, (_, sha256) in zip(files, hashes, strict=True):
        digest.update(os.fsencode(one.relative_to(path).as_posix()) + f"\0{sha256}\n".encode("ascii"))
    return Written(name, sum(size for size, _ in hashes), digest.hexdigest())


def _hash_file(path: Path) -> tuple[int, str]:
    """Bytes and SHA-256 of all of them."""
    with path.open("rb") as file:
        return os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest()
