"""Owns the names of results: what the files of each input begin with."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

__all__ = ["name_results"]


def name_results(inputs: Iterable[str | os.PathLike[str]]) -> dict[Path, str]:
    """The name that each input's results begin with: always the same for the same inputs in the same order.

    That is the stem; where two inputs share it (whatever their case) it is the whole file name, and where they share
    that too a number is added. An input given twice counts once.

    >>> [*name_results(["a.jpg", "b.jpg", "b.png", "x/c.jpg", "y/c.jpg"]).values()]
    ['a', 'b.jpg', 'b.png', 'c', 'c-2']
    """
    once: dict[Path, Path] = {}
    for path in inputs:
        once.setdefault(Path(path).absolute(), Path(path))
    paths = list(once.values())
    suffixes: dict[str, set[str]] = {}
    for path in paths:
        suffixes.setdefault(path.stem.casefold(), set()).add(path.suffix.casefold())
    wanted = [path.stem if len(suffixes[path.stem.casefold()]) == 1 else path.name for path in paths]
    taken = {name.casefold() for name in wanted}
    names: dict[Path, str] = {}
    given: set[str] = set()
    for path, name in zip(paths, wanted, strict=True):
        number, unique = 1, name
        while unique.casefold() in given or (number > 1 and unique.casefold() in taken):
            number += 1
            unique = f"{name}-{number}"
        given.add(unique.casefold())
        names[path] = unique
    return names
