"""Owns what the words of a command mean as inputs: files, folders, patterns, lists, archives, cameras, addresses."""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from holopose.errors import InputError
from holopose.io.headers import one_line, recognise
from holopose.io.sources.archives import ArchiveSource
from holopose.io.sources.folders import Folders
from holopose.io.sources.kinds import HEAD_BYTES, LIVE_SCHEMES, kind_of_bytes, kind_of_name
from holopose.io.sources.lists import read_list
from holopose.io.sources.names import hide_credentials, make_unique, safe_name, split_name

__all__ = ["Input", "expand", "expand_members"]

Kind = Literal["picture", "video", "archive", "live", "stdin"]

_WEBCAM = re.compile(r"[0-9]{1,3}")
_MAGIC = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True, repr=False)
class Input:
    """One thing to read, with results of its own.

    Attributes:
        kind: ``picture`` (a file, or a member of an archive), ``video``, ``archive``, ``live`` or ``stdin``.
        location: Path of the file or archive; number or device file of a webcam; address of a stream; ``-``. An address
            may hold a password: show `label`, never this.
        name: What results begin with: relative, ``/`` between its parts, different for every input. What comes out of a
            folder or an archive begins with its name and keeps its sub-folders: ``holidays/day2/img3``.
        member: Which picture of an archive.
    """

    kind: Kind
    location: str
    name: str
    member: str | None = None

    @property
    def label(self) -> str:
        """What messages and results call it: ``photos/a.jpg``, ``a.zip/b.jpg``, ``rtsp://host/live``, ``webcam 0``."""
        if self.kind == "stdin":
            return "<stdin>"
        if self.kind == "live":
            return f"webcam {self.location}" if self.location.isdecimal() else hide_credentials(self.location)
        return self.location if self.member is None else f"{self.location}/{self.member}"

    def __repr__(self) -> str:
        return f"Input(kind={self.kind!r}, label={self.label!r}, name={self.name!r})"


def expand(
    arguments: Iterable[str | os.PathLike[str]],
    *,
    recursive: bool = False,
    exclude: Iterable[str | os.PathLike[str]] = (),
    on_error: Callable[[str, InputError], None] | None = None,
    on_note: Callable[[str], None] | None = None,
) -> list[Input]:
    """The inputs that arguments stand for, each once, in the order given; those of folders in natural order.

    What exists under the very name is always meant: a file ``img[1].jpg`` is no pattern, a folder ``1`` no webcam.
    Otherwise an argument is

    - ``-``: standard input, a picture or a video;
    - an address (``rtsp://``, ``rtsps://``, ``rtmp://``, ``rtmps://``, ``udp://``, ``http://``, ``https://``): a live
      stream; nothing is connected here;
    - a number, or on Linux ``/dev/video0``: a webcam;
    - ``@list.txt`` or a file that ends in ``.txt``: one input per line, see `read_list`; lists in lists are refused;
    - a pattern with ``*``, ``?``, ``[...]`` or ``**`` (any depth): what it matches;
    - a folder: the pictures and videos in it, with `recursive` also those of its sub-folders;
    - a picture, a video or an archive.

    Files are told by their endings, so that thousands of them need not be opened; one that is named itself and has
    another ending is looked into, in folders only one that has none (or ``.ts`` or ``.dat``). In folders and patterns
    hidden files are passed over; so are files that are neither picture nor video (archives too, unless a pattern names
    their ending) and drawings of earlier runs (``.overlay.``), and a note tells how many. Links to folders are
    followed, each folder once. Paths given as Path objects are only ever paths.

    Args:
        arguments: Words of the command line, or paths.
        recursive: Whether to go into sub-folders of folders.
        exclude: Folders that are not entered, such as the one for results.
        on_error: Told (argument, error) where an argument or a line of a list gives nothing, and the others go on;
            None raises the error.
        on_note: Told in one line what was left out.

    Raises:
        InputError: an argument does not exist, is of no use, or matches nothing; and `on_error` is None.
    """
    search = _Search(Folders(recursive=recursive, exclude=exclude), on_error, on_note)
    for argument in arguments:
        literal = not isinstance(argument, str)
        search.attempt(os.fsdecode(argument), literal=literal)
    names = make_unique((one.stem, one.ending) for one in search.found)
    return [Input(one.kind, one.location, name) for one, name in zip(search.found, names, strict=True)]


def expand_members(archive: Input, source: ArchiveSource) -> list[Input]:
    """The pictures in an archive, each as an input of its own: `source.read_member` reads its `member`.

    Args:
        archive: An input of kind ``archive``.
        source: The opened archive; what it refuses goes to its `on_error`.

    Raises:
        InputError: see `ArchiveSource.list_members`.
    """
    members = source.list_members()
    names = make_unique(split_name(member) for member in members)
    return [
        Input("picture", archive.location, f"{archive.name}/{name}", member)
        for name, member in zip(names, members, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Found:
    kind: Kind
    location: str
    stem: str
    ending: str = ""


class _Search:
    """What has been found so far."""

    def __init__(
        self,
        folders: Folders,
        on_error: Callable[[str, InputError], None] | None,
        on_note: Callable[[str], None] | None,
    ) -> None:
        self.found: list[_Found] = []
        self._seen: set[str] = set()
        self._folders = folders
        self._on_error = on_error
        self._on_note = on_note

    def attempt(self, text: str, *, literal: bool = False, line_of: str | None = None, number: int = 0) -> None:
        """Add what one argument, or one line of a list, stands for."""
        try:
            self._add(text, literal=literal, line_of=line_of)
        except InputError as error:
            told = error if line_of is None else InputError(f"{one_line(line_of)}, line {number}: {error}")
            self._report(one_line(hide_credentials(text)), told)

    def _report(self, name: str, error: InputError) -> None:
        if self._on_error is None:
            raise error
        self._on_error(name, error)

    def _add(self, text: str, *, literal: bool, line_of: str | None) -> None:
        path = text if line_of is None else str(Path(line_of).parent / text)
        under = "" if line_of is None else _relative_folder(text)
        if text == "-" and not literal:
            self._keep(_Found("stdin", "-", "stdin"))
        elif os.path.lexists(path) or literal:
            self._add_path(path, under=under, listed=line_of is not None)
        elif "://" in text:
            self._keep(_name_address(text))
        elif _WEBCAM.fullmatch(text):
            self._keep(_Found("live", str(int(text)), f"webcam-{int(text)}"))
        elif text.startswith("@"):
            self._add_list(text[1:], listed=line_of is not None)
        elif _MAGIC.search(text):
            self._add_pattern(path, shown=text)
        else:
            self._add_path(path, under=under, listed=line_of is not None)

    def _add_path(self, path: str, *, under: str, listed: bool) -> None:
        """Add what exists under this name, or say that nothing does."""
        shown = one_line(path)
        try:
            mode = os.stat(path).st_mode  # noqa: PTH116 (Path("") is the working folder)
        except FileNotFoundError as error:
            what = "is a link to something that does not exist" if os.path.islink(path) else "does not exist"  # noqa: PTH114
            raise InputError(f"{shown}: {what}") from error
        except (OSError, ValueError) as error:
            raise InputError(f"{shown}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
        if stat.S_ISDIR(mode):
            self._add_folder(path, under=under)
        elif stat.S_ISCHR(mode) and re.fullmatch(r"/dev/video[0-9]+", path):
            self._keep(_Found("live", path, Path(path).name))
        elif not stat.S_ISREG(mode):
            raise InputError(f"{shown}: is not an ordinary file (a device, pipe or socket)")
        elif path.lower().endswith(".txt"):
            self._add_list(path, listed=listed)
        else:
            self._keep_file(_kind_of_file(path), path, _join(under, Path(path).name))

    def _add_folder(self, path: str, *, under: str) -> None:
        shown = one_line(path)
        name = Path(path).name if Path(path).name not in ("", "..") else Path(path).resolve().name
        scan = self._folders.scan(path, on_error=self._on_error)
        for relative, file, kind in scan.files:
            self._keep_file(kind, file, _join(under, name, relative))
        self._tell(shown, scan.left_out)
        if not scan.files:
            hint = ""
            if scan.folders_not_entered:
                sub_folders = _count(scan.folders_not_entered, "sub-folder")
                hint = f"; it has {sub_folders}, which --recursive goes into"
            raise InputError(f"{shown}: has no picture or video in it{hint}")

    def _add_pattern(self, pattern: str, *, shown: str) -> None:
        shown = one_line(shown)
        matches = self._folders.match(pattern, shown=shown, on_error=self._on_error)
        for relative, path, kind in matches.files:
            self._keep_file(kind, path, relative)
        for relative, path in matches.folders:
            try:
                self._add_folder(path, under=_join(*relative.split("/")[:-1]))
            except InputError as error:
                self._report(one_line(path), error)
        self._tell(shown, matches.left_out)
        if not matches.files and not matches.folders:
            count = sum(matches.left_out.values())
            what = f"matches no picture or video, only {_count(count, 'other file')}" if count else "matches no file"
            raise InputError(f"{shown}: {what}")

    def _add_list(self, path: str, *, listed: bool) -> None:
        if listed:
            raise InputError(f"{one_line(path)}: is a list within a list, which is not read")
        for number, line in read_list(path):
            self.attempt(line, line_of=path, number=number)

    def _keep_file(self, kind: Kind, path: str, name: str) -> None:
        stem, ending = split_name(name.replace(os.sep, "/"))
        last = stem.rpartition("/")[2]
        self._keep(_Found(kind, path, stem if last.strip(".") else f"{stem}_", ending))

    def _keep(self, one: _Found) -> None:
        key = one.location if one.kind in ("live", "stdin") else os.path.abspath(one.location)  # noqa: PTH100
        if key not in self._seen:
            self._seen.add(key)
            self.found.append(one)

    def _tell(self, shown: str, left_out: Counter[str]) -> None:
        if self._on_note is not None and left_out:
            kinds = ", ".join(f"{count} {ending or 'without ending'}" for ending, count in left_out.most_common(6))
            total = _count(sum(left_out.values()), "file")
            self._on_note(f"{shown}: {total} left out, neither picture nor video ({one_line(kinds)})")


def _kind_of_file(path: str) -> Kind:
    """What a file is, by its ending; by its first bytes where that tells nothing.

    Raises:
        InputError: it cannot be read, or is nothing that is known.
    """
    if (kind := kind_of_name(path)) is not None:
        return kind
    shown = one_line(path)
    try:
        with Path(path).open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise InputError(f"{shown}: cannot be read: {error.strerror or error}") from error
    if (kind := kind_of_bytes(head)) is not None:
        return kind
    recognise(memoryview(head), name=shown)  # says what it looks like
    raise InputError(f"{shown}: is no picture, video, archive or list of inputs")


def _name_address(text: str) -> _Found:
    scheme = text.partition("://")[0].lower()
    shown = hide_credentials(text)
    if scheme not in LIVE_SCHEMES:
        hint = "give the path itself" if scheme == "file" else f"expected one of {', '.join(LIVE_SCHEMES)}"
        raise InputError(f"{one_line(shown)}: addresses of this kind ({one_line(scheme)}) are not read; {hint}")
    words = re.sub(r"[/:\[\]]+", "-", shown.partition("://")[2]).strip("-.")
    return _Found("live", text, safe_name(words) if words else "live")


def _relative_folder(line: str) -> str:
    """The folder that results of a list's line go to: its own, if that lies below the list's."""
    parts = line.replace(os.sep, "/").split("/")[:-1]
    return "" if Path(line).is_absolute() or ".." in parts else _join(*(part for part in parts if part != "."))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _join(*parts: str) -> str:
    return "/".join(part for part in parts if part)
