"""Owns the names of results: what the files of each input begin with, no two alike and none that of the journal."""

from __future__ import annotations

import re
from collections.abc import Iterable

from holopose.build.journal import JOURNAL
from holopose.io.sources.names import make_unique, split_name

__all__ = ["name_results"]

_LIKE_A_RESULT = re.compile(r"(.+)\.(?:wide|coco|alphapose)", re.IGNORECASE)
"""Of an input of this name the results could be called as some of another input, such as a.coco.json."""


def name_results(wanted: Iterable[tuple[str, str]]) -> list[str]:
    """The name that each input's results begin with: always the same for the same inputs in the same order.

    Args:
        wanted: For each input the name it would have by itself, with ``/`` between its parts, and its file's ending,
            which is added where inputs of several endings share a name; where that is not enough a number is.

    >>> name_results([("a", ".jpg"), ("b", ".jpg"), ("b", ".png"), ("x/c", ".jpg"), ("x/c", ".jpg")])
    ['a', 'b.jpg', 'b.png', 'x/c', 'x/c-2']
    """
    pairs = list(wanted)
    stems = {name.casefold() for name, _ in pairs}
    for place, (name, ending) in enumerate(pairs):
        like = _LIKE_A_RESULT.fullmatch(name)
        if like and like[1].casefold() in stems:
            pairs[place] = f"{name}-2", ending
    reserved = (split_name(JOURNAL)[0], "")
    return make_unique([reserved, *pairs])[1:]
