"""Owns the plan of a run: which inputs there are, in what order, and what the results of each begin with."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from holopose.build.names import name_results
from holopose.config import RunConfig
from holopose.errors import InputError
from holopose.io.headers import one_line
from holopose.io.sources.names import safe_name, split_name

if TYPE_CHECKING:
    from holopose.io.sources.inputs import Input

__all__ = ["Task", "plan_inputs"]

Kind = Literal["picture", "pictures", "video", "live", "stdin"]


@dataclass(frozen=True, slots=True)
class Task:
    """What has one set of results: an input, or several pictures together.

    Attributes:
        kind: ``pictures`` are those of a folder or an archive together; the others are those of Input.
        label: What messages call it.
        name: What its results begin with: relative, ``/`` between its parts.
        items: What it is made of.
        error: Why it cannot even be tried; it has no name then.
    """

    kind: Kind
    label: str
    name: str
    items: tuple[Input, ...]
    error: InputError | None = None

    @property
    def location(self) -> str:
        """Where it lies, whatever the working folder: an absolute path, or an address without secrets."""
        if self.kind in ("live", "stdin") or self.error is not None:
            return self.label
        return os.path.abspath(self.label)  # noqa: PTH100 (as it is written: links are not followed)

    @property
    def ending(self) -> str:
        """That of its file's name; empty where it is no single file."""
        if self.kind not in ("picture", "video"):
            return ""
        return split_name(self.items[0].member or self.items[0].location)[1]

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that it is read from; none for what is no file."""
        return tuple(Path(item.location) for item in self.items if item.kind not in ("live", "stdin"))


def plan_inputs(
    inputs: Iterable[str | os.PathLike[str]],
    config: RunConfig,
    *,
    out: Path,
    on_note: Callable[[str], None] | None = None,
) -> list[Task]:
    """What inputs stand for, in their order, each once; what gives nothing is there with its error.

    With `config.together` the pictures of each folder, archive, list or pattern are one task, and so are those that
    were given one by one.

    Args:
        inputs: What `holopose.io.sources.inputs.expand` takes.
        config: All options.
        out: Folder of the results, which is not looked into.
        on_note: Told in a line what was left out.
    """
    found: list[Task] = []
    loose: list[Task] = []
    seen: set[str] = set()
    for argument in inputs:
        tasks = [task for task in _plan_argument(argument, config, out, on_note) if _is_new(task, seen)]
        pictures = [task for task in tasks if task.kind == "picture" and task.error is None]
        if config.together and pictures:
            text = os.fsdecode(argument)
            rest = [task for task in tasks if task.kind != "picture" or task.error is not None]
            if len(pictures) > 1 or Path(text).is_dir():
                rest.insert(0, _join(pictures, text, _name_group(text)))
            else:
                loose += pictures
            tasks = rest
        found += tasks
    if len(loose) == 1:
        found.insert(0, loose[0])
    elif loose:
        folders = {Path(task.label).absolute().parent for task in loose}
        name = folders.pop().name if len(folders) == 1 else ""
        label = f"{loose[0].label} and {len(loose) - 1} more"
        found.insert(0, _join(loose, label, name or "pictures"))
    names = iter(name_results((task.name, task.ending) for task in found if task.error is None))
    return [task if task.error is not None else replace(task, name=next(names)) for task in found]


def _plan_argument(
    argument: str | os.PathLike[str], config: RunConfig, out: Path, on_note: Callable[[str], None] | None
) -> Iterator[Task]:
    """The tasks that one argument stands for."""
    from holopose.io.sources.inputs import expand

    failures: list[Task] = []
    items = expand(
        [argument],
        recursive=config.recursive,
        exclude=[out],
        on_error=lambda label, error: failures.append(_failure(label, error)),
        on_note=on_note,
    )
    for item in items:
        if item.kind != "archive":
            yield Task(item.kind, item.label, item.name, (item,))
        elif config.together:
            yield Task("pictures", item.label, item.name, (item,))
        else:
            yield from _plan_members(item, config)
    yield from failures


def _plan_members(archive: Input, config: RunConfig) -> Iterator[Task]:
    """A task for each picture in an archive, without reading any."""
    from holopose.io.sources.archives import ArchiveSource
    from holopose.io.sources.inputs import expand_members

    failures: list[Task] = []
    try:
        source = ArchiveSource(
            archive.location,
            max_megapixels=config.max_megapixels,
            on_error=lambda label, error: failures.append(_failure(label, error)),
        )
        with contextlib.closing(source):
            members = expand_members(archive, source)
        if not members and not failures:
            raise InputError(f"{one_line(archive.label)}: has no picture in it")
    except InputError as error:
        yield _failure(archive.label, error)
        return
    for item in members:
        yield Task("picture", item.label, item.name, (item,))
    yield from failures


def _failure(label: str, error: InputError) -> Task:
    """An input that gives nothing; its error without what it holds on to."""
    return Task("picture", label, "", (), InputError(str(error)))


def _is_new(task: Task, seen: set[str]) -> bool:
    """Whether its input was not there before."""
    if task.error is None and task.location in seen:
        return False
    seen.add(task.location)
    return True


def _join(pictures: Sequence[Task], label: str, name: str) -> Task:
    """Pictures as one task; a single one is a picture like any other."""
    return Task(
        "pictures" if len(pictures) > 1 else "picture",
        label,
        safe_name(name),
        tuple(item for task in pictures for item in task.items),
    )


def _name_group(argument: str) -> str:
    """What the pictures of a folder, a list or a pattern are called together.

    >>> _name_group("@day/list.txt"), _name_group("photos/*.jpg"), _name_group("*.jpg")
    ('list', 'photos', 'pictures')
    """
    path = Path(argument.removeprefix("@"))
    if path.is_dir():
        return path.name or path.resolve().name
    return path.stem if path.suffix.lower() == ".txt" else path.parent.name or "pictures"
