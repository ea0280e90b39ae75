"""Owns finding pictures and videos in folders and by patterns: no loops, hidden files passed over, the rest counted."""

from __future__ import annotations

import contextlib
import fnmatch
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from holopose.errors import InputError
from holopose.io.headers import one_line
from holopose.io.sources.kinds import AMBIGUOUS_ENDINGS, FileKind, kind_of_name, look_into
from holopose.io.sources.names import path_key, split_name

__all__ = ["Folders", "Found"]

OnError = Callable[[str, InputError], None] | None

_MAGIC = re.compile(r"[*?\[]")
_DRAWING = re.compile(r"\.overlay\.[A-Za-z0-9]+$")


@dataclass(slots=True)
class Found:
    """What a folder holds, or a pattern matches.

    Attributes:
        files: Name relative to the folder with ``/``, path, and kind of each file, in natural order.
        folders: Name and path of folders that a pattern matches itself.
        left_out: How many files of each ending are neither picture nor video.
        folders_not_entered: Sub-folders that would have been entered with recursion.
    """

    files: list[tuple[str, str, FileKind]] = field(default_factory=list)
    folders: list[tuple[str, str]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    folders_not_entered: int = 0


class Folders:
    """Looks through folders.

    Args:
        recursive: Whether `scan` goes into sub-folders.
        exclude: Folders that are never entered, unless they are what is asked for.
    """

    def __init__(self, *, recursive: bool, exclude: Iterable[str | os.PathLike[str]] = ()) -> None:
        self._recursive = recursive
        self._excluded = {key for folder in exclude if (key := _identity(folder)) is not None}

    def scan(self, folder: str, *, on_error: OnError = None) -> Found:
        """The pictures and videos in a folder.

        Args:
            folder: Its path.
            on_error: Told (folder, error) about sub-folders that cannot be read; None raises.

        Raises:
            InputError: the folder cannot be read.
        """
        found = Found()
        for relative, path, entered in self._walk(folder, recursive=self._recursive, on_error=on_error):
            if entered is not None:
                found.folders_not_entered += not entered
            else:
                _sort_in(found, relative, path)
        found.files.sort(key=lambda one: path_key(one[0]))
        return found

    def match(self, pattern: str, *, shown: str, on_error: OnError = None) -> Found:
        """The pictures, videos and folders that a pattern matches.

        ``*``, ``?`` and ``[...]`` stand for parts of one name, ``**`` for folders of any depth, none included. A
        leading part that exists just so is taken as it stands, whatever characters it has. Hidden names never match.
        Where there is a ``**``, folders do not count as matches. Archives do where the pattern names their ending.

        Args:
            pattern: With ``/`` (on Windows also a backslash) between its parts.
            shown: What messages call it.
            on_error: See `scan`.

        Returns:
            What was found, named relative to the pattern's fixed leading part.

        Raises:
            InputError: the fixed leading part is no folder.
        """
        root, parts = _split_pattern(pattern)
        if not Path(root).is_dir():
            raise InputError(f"{shown}: there is no folder {one_line(root)}")
        found = Found()
        wanted: tuple[FileKind, ...] = ("picture", "video")
        if kind_of_name(parts[-1]) == "archive":
            wanted = (*wanted, "archive")
        if "**" in parts:
            deep = [None if part == "**" else _matcher(part) for part in parts]
            for relative, path, entered in self._walk(root, recursive=True, on_error=on_error):
                if entered is None and _matches(relative.split("/"), deep):
                    _sort_in(found, relative, path, wanted=wanted)
        else:
            for relative, path, is_folder in _match_levels(root, "", [_matcher(part) for part in parts], on_error):
                if is_folder:
                    found.folders.append((relative, path))
                else:
                    _sort_in(found, relative, path, wanted=wanted)
        found.files.sort(key=lambda one: path_key(one[0]))
        found.folders.sort(key=lambda one: path_key(one[0]))
        return found

    def _walk(self, root: str, *, recursive: bool, on_error: OnError) -> Iterator[tuple[str, str, bool | None]]:
        """Name, path, and None for every file in no order; for sub-folders whether they are entered."""
        visited = {*self._excluded, _identity(root)}
        waiting = [("", root)]
        while waiting:
            prefix, folder = waiting.pop()
            below = []
            for name, path, is_folder in _list(folder, on_error if prefix else None):
                if is_folder:
                    below.append((f"{prefix}{name}/", path))
                else:
                    yield prefix + name, path, None
            below.sort(key=lambda one: path_key(one[0]))  # of a folder under two names the first one counts
            fresh = [(name, path) for name, path in below if _note_new(visited, _identity(path))]
            yield from ((name, path, recursive) for name, path in fresh)
            if recursive:
                waiting.extend(reversed(fresh))


def _sort_in(found: Found, relative: str, path: str, *, wanted: tuple[FileKind, ...] = ("picture", "video")) -> None:
    """Add a file to those that are found, or count it."""
    if drawing := _DRAWING.search(relative):
        found.left_out[drawing[0]] += 1
        return
    ending = split_name(relative)[1].lower()
    kind = kind_of_name(relative)
    if kind is None and (not ending or ending in AMBIGUOUS_ENDINGS):
        with contextlib.suppress(OSError):  # it has no ending that says picture or video: nothing is missed
            kind = look_into(path)
    if kind in wanted:
        found.files.append((relative, path, kind))
    else:
        found.left_out[ending] += 1


def _list(folder: str, on_error: OnError) -> list[tuple[str, str, bool]]:
    """Name, path and whether it is a folder, of whatever is in a folder and not hidden; ordinary files only."""
    try:
        with os.scandir(folder) as entries:
            seen = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        told = InputError(f"{one_line(folder)}: this folder cannot be read: {error.strerror or error}")
        if on_error is None:
            raise told from error
        on_error(one_line(folder), told)
        return []
    kept = []
    for entry in seen:
        try:
            is_folder = entry.is_dir()
            if is_folder or entry.is_file():
                kept.append((entry.name, entry.name if folder == "." else entry.path, is_folder))
        except OSError:  # a link that leads round in circles
            continue
    return kept


def _note_new(visited: set[tuple[int, int] | None], identity: tuple[int, int] | None) -> bool:
    new = identity not in visited
    visited.add(identity)
    return new


def _identity(folder: str | os.PathLike[str]) -> tuple[int, int] | None:
    """What makes a folder the same under several names; None if it is not there."""
    try:
        found = Path(folder).stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


Matcher = re.Pattern[str]


def _matcher(part: str) -> Matcher:
    return re.compile(fnmatch.translate(os.path.normcase(part)))


def _split_pattern(pattern: str) -> tuple[str, list[str]]:
    """The leading folder that is fixed, and the parts that follow."""
    drive, rest = os.path.splitdrive(pattern)
    parts = rest.replace(os.sep, "/").split("/")
    root = drive + "/" if rest[:1] in ("/", os.sep) else drive
    while len(parts) > 1:
        step = str(Path(root, parts[0])) if parts[0] else root
        if _MAGIC.search(parts[0]) and not Path(step).is_dir():
            break
        root = step
        del parts[0]
    collapsed = [part for k, part in enumerate(parts) if part and (part != "**" or parts[k - 1 : k] != ["**"])]
    return root or ".", collapsed


def _matches(names: list[str], parts: list[Matcher | None]) -> bool:
    """Whether names of folders and a file fit a pattern, None standing for any number of folders."""
    if not parts:
        return not names
    if parts[0] is None:
        if len(parts) == 1:
            return bool(names)
        return any(_matches(names[k:], parts[1:]) for k in range(len(names) + 1))
    return bool(names) and parts[0].match(os.path.normcase(names[0])) is not None and _matches(names[1:], parts[1:])


def _match_levels(folder: str, prefix: str, parts: list[Matcher], on_error: OnError) -> Iterator[tuple[str, str, bool]]:
    """Name, path and whether it is a folder, of what fits a pattern of as many levels."""
    for name, path, is_folder in _list(folder, on_error if prefix else None):
        if not parts[0].match(os.path.normcase(name)):
            continue
        if len(parts) == 1:
            yield prefix + name, path, is_folder
        elif is_folder:
            yield from _match_levels(path, f"{prefix}{name}/", parts[1:], on_error)
