"""Owns Option: what one field of a configuration accepts, read from text or from a value."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Literal, cast

from holopose.errors import ConfigError

__all__ = ["KINDS", "Kind", "Option", "nearest"]

Kind = Literal["bool", "int", "float", "str", "names", "words", "boxes"]
KINDS: dict[str, Kind] = {
    "bool": "bool",
    "int": "int",
    "int | None": "int",
    "float": "float",
    "float | None": "float",
    "str": "str",
    "str | None": "str",
    "tuple[str, ...]": "names",
    "tuple[tuple[float, ...], ...]": "boxes",
}


@dataclass(frozen=True, slots=True)
class Option:
    """What one field of `RunConfig` accepts.

    Attributes:
        name: The field's name; the command line writes it with dashes.
        kind: Type of its value; `names` is a list of words, written with commas on the command line; `words` one
            of any words and `boxes` one of x1, y1, x2, y2: one per flag there.
        default: Value when nothing is said.
        help: One sentence.
        group: Key of `GROUPS`.
        choices: Words accepted (for `str` and `names`); empty = any word.
        low: Smallest number accepted.
        high: Largest number accepted.
        optional: None is a value too.
    """

    name: str
    kind: Kind
    default: Any
    help: str
    group: str
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    optional: bool = False

    @property
    def flag(self) -> str:
        """Name on the command line, such as ``--max-people``."""
        return "--" + self.name.replace("_", "-")

    @property
    def expected(self) -> str:
        """What is accepted, in words."""
        choices = ", ".join(self.choices)
        words = {
            "bool": "true or false",
            "int": "a whole number",
            "float": "a number",
            "str": f"one of {choices}" if choices else "a word",
            "names": f"one or more of {choices}",
            "words": "words",
            "boxes": "boxes of four numbers x1,y1,x2,y2 with x1 < x2 and y1 < y2",
        }[self.kind]
        if self.low is not None and self.high is not None:
            words += f" from {self.low:g} to {self.high:g}"
        elif self.low is not None:
            words += f" of at least {self.low:g}"
        return words + (" or none" if self.optional else "")

    def check(self, value: object) -> Any:
        """The value in its proper type.

        Raises:
            ConfigError: it is of the wrong type or outside what the option accepts.
        """
        if value is None and self.optional:
            return None
        if self.kind == "bool" and isinstance(value, bool):
            return value
        if self.kind in ("int", "float") and self._is_number(value):
            return int(cast("int", value)) if self.kind == "int" else float(cast("float", value))
        if self.kind == "str" and isinstance(value, str) and value and (not self.choices or value in self.choices):
            return value
        if self.kind == "names":
            names = self._names(value)
            if names:
                return names
        if self.kind == "words" and isinstance(value, list | tuple) and all(isinstance(w, str) and w for w in value):
            return tuple(value)
        if self.kind == "boxes" and isinstance(value, list | tuple):
            rows = [self._box(row) for row in value]
            if all(rows):
                return tuple(rows)
        hint = ""
        if self.kind == "str" and isinstance(value, str) and value and self.choices:
            from difflib import get_close_matches

            near = get_close_matches(value, self.choices, n=1, cutoff=0.4)
            hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigError(f"{self.name}: expected {self.expected}, got {value!r}{hint}")

    def _is_number(self, value: object) -> bool:
        wanted: type = Integral if self.kind == "int" else Real
        if isinstance(value, bool) or not isinstance(value, wanted):
            return False
        number = float(cast("float", value))
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        return math.isfinite(number) and low <= number <= high

    def _names(self, value: object) -> tuple[str, ...]:
        """The words of a list (or of one text with commas), each once; empty when something is wrong."""
        if isinstance(value, str):
            value = [word.strip() for word in value.split(",") if word.strip()]
        if not isinstance(value, (list, tuple)) or not all(isinstance(word, str) for word in value):
            return ()
        words = tuple(dict.fromkeys(value))
        return words if set(words) <= set(self.choices) else ()

    @staticmethod
    def _box(value: object) -> tuple[float, ...]:
        """One box from four numbers or from text with commas; empty when something is wrong."""
        try:
            row = tuple(map(float, value.split(",") if isinstance(value, str) else cast("Iterable[float]", value)))
        except (TypeError, ValueError):
            return ()
        good = len(row) == 4 and all(map(math.isfinite, row)) and row[0] < row[2] and row[1] < row[3]
        return row if good else ()

    def parse(self, text: str) -> Any:
        """The value that `text` on the command line stands for.

        Raises:
            ConfigError: the text does not stand for an acceptable value.
        """
        if self.optional and text.strip().lower() == "none":
            return None
        value: object = text
        try:
            if self.kind == "int":
                value = int(text)
            elif self.kind == "float":
                value = float(text)
            elif self.kind == "boxes":
                value = text.split(";")
            elif self.kind == "words":
                value = [text]
        except ValueError:
            value = text  # `check` says what was expected
        return self.check(value)


def nearest(word: str, words: Iterable[str]) -> str:
    """The one of `words` that is spelt most like `word`.

    >>> nearest("max-person", ["min_score", "max_people"])
    'max_people'
    """
    from difflib import SequenceMatcher

    plain = word.lower().replace("-", "_")
    return max(words, key=lambda known: SequenceMatcher(None, plain, known.lower().replace("-", "_")).ratio())
