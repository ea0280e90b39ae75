"""Owns the journal of a result folder: what became of every input, by its content, line by line as it happens.

`holopose-run.jsonl` is both the report of a run and what a later run goes on from. Every line is one JSON object with
an ``event``: ``run`` (version, options and weight files of the lines after it), ``begun`` (which files will be
written), ``done`` and ``failed``. Lines are only ever appended; of several about one input the last counts. A process
that is killed can leave half a line, which readers skip.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from holopose.build.contents import Content, Written, measure_result
from holopose.config import RunConfig
from holopose.errors import OutputError

__all__ = ["JOURNAL", "Entry", "Journal", "digest_options"]

JOURNAL = "holopose-run.jsonl"
"""Name of the file, in the folder of the results."""

_WITHOUT_EFFECT = ("recursive", "overwrite", "resume", "threads", "max_megapixels")
"""Options that decide which inputs are worked on, or how fast, but never what is written about one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What became of one input.

    Attributes:
        name: What its results begin with, relative to the folder of the journal.
        input: Where it lies: an absolute path or an address.
        content: What it is; None where it cannot be looked at again, such as a webcam.
        options: `digest_options` of the run.
        files: Its results.
        frames: Pictures or frames worked on.
        people: People found in all of them.
        seconds: Reading, finding and writing together, without loading the model.
        error: Why it failed; None where it is complete.
    """

    name: str
    input: str
    content: Content | None
    options: str
    files: tuple[Written, ...] = ()
    frames: int = 0
    people: int = 0
    seconds: float = 0.0
    error: str | None = None


class Journal:
    """The journal of one folder, as earlier runs left it, to be gone on with.

    Nothing is written before the first line, which makes the folder where it must. Of what is there already only the
    place of each input's lines is kept in memory.

    Args:
        folder: Where the results go.
        facts: What the line ``run`` says: version, options, weight files.

    Raises:
        OutputError: the file of that name cannot be read, or is something else.
    """

    def __init__(self, folder: Path | str, facts: Mapping[str, Any] | None = None) -> None:
        self.folder = Path(folder)
        self.path = self.folder / JOURNAL
        self._facts = dict(facts or {})
        self._done: dict[str, int] = {}
        self._begun: dict[str, int] = {}
        self._torn = False
        self._file: IO[bytes] | None = None
        self._reader: IO[bytes] | None = None
        self._read()

    def restate(self, facts: Mapping[str, Any]) -> None:
        """Say what holds of the lines after this one, where it is something else than before.

        Raises:
            OutputError: the journal cannot be written.
        """
        if facts != self._facts:
            self._facts = dict(facts)
            if self._file is not None:
                self._append("run", facts)

    def begin(self, name: str, location: str, files: Iterable[Path]) -> None:
        """Say which files will be written for an input, so that they are known as ours even if we are killed.

        Raises:
            OutputError: the journal cannot be written.
        """
        self._append("begun", {"name": name, "input": location, "files": [self.relative(file) for file in files]})

    def finish(self, entry: Entry, *, left: bool = False) -> None:
        """Record what became of an input; once this returns the line is on disk for good.

        Args:
            entry: What to record.
            left: Whether it failed when some of its files had their names already.

        Raises:
            OutputError: the journal cannot be written.
        """
        fields = asdict(entry)
        if entry.error is None:
            del fields["error"]
        if left:
            fields["left"] = True
        self._append("done" if entry.error is None else "failed", fields, lasting=True)

    def find(self, name: str) -> Entry | None:
        """How earlier runs completed the input whose results have this name; None where none did."""
        fields = self._line_at(self._done.get(name))
        return None if fields is None else _entry(fields)

    def completed(self, name: str, content: Content | None, options: str) -> Entry | None:
        """The entry of a completed input, if it is still good: same content, same options, every file as written."""
        entry = self.find(name)
        if entry is None or content is None or entry.content != content or entry.options != options:
            return None
        as_written = all(measure_result(self.folder / file.name, self.folder) == file for file in entry.files)
        return entry if as_written else None

    def owned(self, name: str, location: str) -> set[Path]:
        """Files that earlier runs wrote, or began to write, for the input in this place under this name."""
        names: set[str] = set()
        entry = self.find(name)
        if entry is not None and entry.input == location:
            names |= {file.name for file in entry.files}
        begun = self._line_at(self._begun.get(name))
        if begun is not None and begun["input"] == location:
            names |= set(begun["files"])
        return {self.folder / one for one in names}

    def broken_off(self) -> set[Path]:
        """Files that were begun and never finished."""
        lines = (self._line_at(place) for place in self._begun.values())
        names = {name for line in lines if line is not None for name in line["files"]}
        return {self.folder / name for name in names if ".." not in PurePosixPath(name).parts and name[:1] != "/"}

    def relative(self, path: Path) -> str:
        """A result's name as the journal has it."""
        return path.relative_to(self.folder).as_posix()

    def close(self) -> None:
        """Let go of the file; calling twice is harmless."""
        for file in (self._file, self._reader):
            if file is not None:
                with contextlib.suppress(OSError):  # what could not be written was told then
                    file.close()
        self._file = self._reader = None

    def _read(self) -> None:
        place, known, line = 0, False, b""
        try:
            with self.path.open("rb") as file:
                for line in file:
                    fields = _parse(line)
                    known |= bool(fields)
                    event, name = fields.get("event"), str(fields.get("name"))
                    if event == "done" or (event == "failed" and not fields.get("left")):
                        self._begun.pop(name, None)
                    if event in ("done", "begun"):
                        (self._done if event == "done" else self._begun)[name] = place
                    place += len(line)
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._cannot("read", error) from error
        self._torn = bool(line) and not line.endswith(b"\n")
        if not known and place > len(line) * self._torn:
            raise OutputError(f"{self.path}: expected the journal of earlier runs, got something else; move it away")

    def _line_at(self, place: int | None) -> dict[str, Any] | None:
        if place is None:
            return None
        try:
            if self._reader is None:
                self._reader = self.path.open("rb")
            self._reader.seek(place)
            return _parse(self._reader.readline())
        except OSError as error:
            raise self._cannot("read", error) from error

    def _append(self, event: str, fields: Mapping[str, Any], *, lasting: bool = False) -> None:
        try:
            if self._file is None:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._file = self.path.open("ab")
                self._file.write(b"\n" * self._torn + _line("run", self._facts))
            self._file.write(_line(event, fields))
            self._file.flush()
            if lasting:
                os.fsync(self._file.fileno())
        except OSError as error:
            raise self._cannot("written", error) from error

    def _cannot(self, what: str, error: OSError) -> OutputError:
        return OutputError(f"{self.path}: cannot be {what}: {error.strerror or error}")


def _line(event: str, fields: Mapping[str, Any]) -> bytes:
    """ASCII, so that names which are no text (odd bytes) survive too."""
    return json.dumps({"event": event, **fields}, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"


_FIELDS: dict[str, set[str]] = {
    "run": set(),
    "begun": {"name", "input", "files"},
    "done": {"name", "input", "content", "options", "files", "frames", "people", "seconds"},
    "failed": {"name", "input", "error"},
}
"""What a line of each kind holds at least."""


def _parse(line: bytes) -> dict[str, Any]:
    """The fields of a line; none where it is torn or not ours."""
    try:
        fields = json.loads(line)
    except ValueError:
        return {}
    ours = isinstance(fields, dict) and fields.keys() >= _FIELDS.get(str(fields.get("event")), {"no event"})
    return fields if ours else {}


def _entry(fields: Mapping[str, Any]) -> Entry | None:
    content = fields["content"]
    known = {name: fields[name] for name in ("name", "input", "options", "frames", "people", "seconds")}
    try:
        files = tuple(Written(**file) for file in fields["files"])
        return Entry(**known, content=None if content is None else Content(**content), files=files)
    except TypeError:  # edited by hand
        return None


def digest_options(config: RunConfig, cards: Mapping[str, str], version: str) -> str:
    """One SHA-256 over everything but the input that results depend on.

    Args:
        config: All options; those that change no result are left aside.
        cards: Name -> SHA-256 of every weight file.
        version: Of holopose.
    """
    options = {name: value for name, value in config.to_options().items() if name not in _WITHOUT_EFFECT}
    facts = {"options": options, "cards": dict(cards), "version": version}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode("ascii")).hexdigest()
