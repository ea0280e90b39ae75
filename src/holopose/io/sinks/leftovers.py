"""Owns temporary names: how a living process holds them, and how those of killed ones are cleared away."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

__all__ = ["clear_leftovers", "hold", "release", "temporary_path"]

_NAME = re.compile(r"\.holopose-[0-9a-f]{16}\.(part|old)")


def temporary_path(path: Path, ending: str = "part") -> Path:
    """A new name beside `path`: ``part`` for what is being written, ``old`` for what is being replaced."""
    return path.with_name(f".holopose-{secrets.token_hex(8)}.{ending}")


def hold(path: Path) -> int | None:
    """Mark a temporary file or folder as in use until `release`, or until this process ends, however it ends.

    It is a lock of the system (flock) that is gone with its process, so a killed one holds nothing. None where the
    system or the file system knows no such locks.

    Raises:
        FileNotFoundError: it was cleared away before it could be held.
    """
    try:
        import fcntl
    except ImportError:  # Windows, which itself refuses to remove a file that is open
        return None
    held = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_SH)
    except OSError:
        os.close(held)
        return None
    if not path.exists():
        os.close(held)
        raise FileNotFoundError(2, os.strerror(2), str(path))
    return held


def release(held: int | None) -> None:
    """End what `hold` began."""
    if held is not None:
        os.close(held)


def clear_leftovers(folder: Path) -> int:
    """Remove the temporary files and folders in `folder` that no living process holds; returns how many.

    Only names that holopose gives are looked at, no folder below, and nothing is removed where it cannot be told
    whether it is in use. What cannot be removed stays.
    """
    cleared = 0
    try:
        with os.scandir(folder) as entries:
            paths = [Path(one.path) for one in entries if _NAME.fullmatch(one.name)]
    except OSError:
        return 0
    for path in paths:
        with contextlib.suppress(OSError), _abandoned(path) as is_folder:
            shutil.rmtree(path) if is_folder else path.unlink()
            cleared += 1
    return cleared


@contextlib.contextmanager
def _abandoned(path: Path) -> Iterator[bool]:
    """Hold alone a temporary file, or a folder (True), that nobody else holds.

    Raises:
        OSError: it is in use, or nobody can tell.
    """
    mode = path.lstat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise FileNotFoundError(path)
    try:
        import fcntl
    except ImportError:
        if stat.S_ISDIR(mode):
            raise PermissionError(path) from None
        yield False
        return
    held = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield stat.S_ISDIR(mode)
    finally:
        os.close(held)
