"""Owns seals: what is written down when a file first comes whose full sha256 nobody publishes, to hold ever after.

A seal lies beside the file in the cache. One in the cache is also that of copies elsewhere on this machine.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["Seal", "read_seal", "seal_path", "write_seal"]


@dataclass(frozen=True, slots=True)
class Seal:
    """What came.

    Attributes:
        sha256: All 64 digits.
        size: Bytes.
        came_from: Address, or name of the file that it was taken from.
        date: When, UTC.
    """

    sha256: str
    size: int
    came_from: str = ""
    date: str = ""


def seal_path(path: Path) -> Path:
    """Where the seal of the file at `path` lies."""
    return path.with_name(f"{path.name}.seal.json")


def read_seal(path: Path) -> Seal | None:
    """The seal of the file at `path`, None where there is none that can be read."""
    try:
        told = json.loads(seal_path(path).read_text(encoding="utf-8"))
        seal = Seal(str(told["sha256"]), int(told["size"]), str(told["came_from"]), str(told["date"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return seal if len(seal.sha256) == 64 else None


def write_seal(path: Path, came: Seal) -> None:
    """Seal the file at `path`, with today's date.

    Raises:
        OSError: its folder cannot be written.
    """
    told = asdict(came) | {"date": datetime.now(UTC).isoformat(timespec="seconds")}
    sealed = seal_path(path)
    part = sealed.with_name(f".{sealed.name}.{secrets.token_hex(4)}.part")
    try:
        part.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        part.replace(sealed)
    finally:
        part.unlink(missing_ok=True)
