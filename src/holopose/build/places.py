"""Owns places for results: whether they can be written at all, what is there already, and what lies behind a name."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from holopose.errors import InputError, OutputError

__all__ = ["check_place", "identity", "is_hopeless", "is_taken"]

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_NOT_ALLOWED = (errno.EACCES, errno.EPERM)


def check_place(out: Path) -> None:
    """Whether results can be written there at all, before anything is read or loaded.

    Raises:
        OutputError: they cannot.
    """
    there = next((one for one in (out, *out.parents) if os.path.lexists(one)), Path())
    if not there.is_dir():
        raise OutputError(f"{out}: expected a folder for the results, but {there} is no folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise OutputError(f"{out}: cannot be written: {there} is read-only or somebody else's; choose another folder")


def is_taken(path: Path) -> bool:
    """Whether there is anything of that name, other than an empty folder."""
    try:
        mode = path.lstat().st_mode
        return not (stat.S_ISDIR(mode) and next(path.iterdir(), None) is None)
    except (OSError, ValueError):
        return False


def identity(path: Path) -> list[tuple[int, int]]:
    """What tells a file from all others, whatever it is called; empty where there is none."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return []
    return [(found.st_dev, found.st_ino)]


def is_hopeless(error: BaseException | None, out: Path) -> bool:
    """Whether no other result could be written either: the disk is full, the folder read-only or somebody else's.

    An input that may not be read says nothing about them.
    """
    if isinstance(error, InputError):
        return False
    while error is not None:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            return True
        if isinstance(error, OSError) and error.errno in _NOT_ALLOWED:
            return not os.access(out, os.W_OK | os.X_OK)
        error = error.__cause__
    return False
