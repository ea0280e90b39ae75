"""Owns the folder of compiled networks: what the runtime keeps there between runs is read again only unaltered.

The runtime itself notices a compiled network that is cut short, but not one whose numbers have changed.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from holopose.zoo.cache import home, sha256_of

__all__ = ["compiled_folder"]

_SUMS = "SHA256SUMS"

Stamps = dict[str, tuple[int, int]]


@contextmanager
def compiled_folder() -> Iterator[Path | None]:
    """Where to keep compiled networks so that loading is quick, while networks are loaded; None = nowhere.

    On entry, files that are not as an earlier call left them are deleted; on exit without an error, what is there is
    sealed: its checksums are written down. Processes that do so at the same time cost each other a compilation at most.
    """
    folder = home() / "compiled"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        usable = os.access(folder, os.W_OK)
        sums = _discard_altered(folder) if usable else {}
        before = _stamps(folder) if usable else {}
    except OSError:
        usable = False
    if not usable:
        yield None
        return
    yield folder
    with contextlib.suppress(OSError):  # unsealed files are compiled anew next time
        _seal(folder, sums, before)


def _stamps(folder: Path) -> Stamps:
    """Time of the last change (ns) and size (bytes) of each compiled network."""
    found = {path.name: path.stat() for path in folder.iterdir() if path.is_file() and path.name != _SUMS}
    return {name: (stat.st_mtime_ns, stat.st_size) for name, stat in found.items()}


def _discard_altered(folder: Path) -> dict[str, str]:
    """Delete what is not as it was sealed; returns the checksums of the rest by name."""
    sealed: dict[str, str] = {}
    if (folder / _SUMS).exists():
        for line in (folder / _SUMS).read_text(encoding="utf-8", errors="replace").splitlines():
            digest, _, name = line.partition("  ")
            sealed[name] = digest
    intact: dict[str, str] = {}
    for name in _stamps(folder):
        digest = sha256_of(folder / name)
        if sealed.get(name) == digest:
            intact[name] = digest
        else:
            (folder / name).unlink()
    return intact


def _seal(folder: Path, sums: dict[str, str], before: Stamps) -> None:
    """Write down the checksums of what is there; `sums` and `before` say what was known already."""
    after = _stamps(folder)
    fresh = {
        name: sums[name] if before.get(name) == stamp and name in sums else sha256_of(folder / name)
        for name, stamp in after.items()
    }
    if fresh == sums:
        return
    part = folder / f".{_SUMS}.{secrets.token_hex(4)}.part"
    try:
        part.write_text("".join(f"{digest}  {name}\n" for name, digest in sorted(fresh.items())), encoding="utf-8")
        part.replace(folder / _SUMS)
    finally:
        part.unlink(missing_ok=True)
