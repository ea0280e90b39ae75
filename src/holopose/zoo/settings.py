"""Owns the settings of cards that users change: name=value, checked against what the family and the network take."""

from __future__ import annotations

import ast
import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

from holopose.errors import ConfigError
from holopose.zoo.cards import Card

__all__ = ["adjusted", "settings_of"]

_GIVEN = ("self", "runtime", "skeleton")  # what is never the user's to set; networks neither
_ABOVE_ZERO = ("input_hw", "std", "padding")  # sizes, and what is divided by
_LONGEST_PX = 8192  # of a network's input: beyond, memory ends before anything is found


def settings_of(card: Card) -> dict[str, Any]:
    """Every setting of a card with its value: the family's and the network's own defaults, changed by the card."""
    family = {**_defaults(card.family()), **card.settings}
    return family | dict(card.net_settings)


def adjusted(card: Card, changes: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The family's settings with the user's changes, and the changes that are the network's.

    Args:
        card: Whose settings.
        changes: ``name=value`` each; values are read by the kind of the value they replace.

    Raises:
        ConfigError: no such setting, or a value of another kind.
    """
    settings, net = dict(card.settings), {}
    known = settings_of(card)
    for change in changes:
        name, equals, text = change.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            raise ConfigError(f"adjust: expected name=value, got {change!r}")
        if name not in known:
            raise ConfigError(
                f"adjust: {card.model} has no setting {name!r}; it has {', '.join(sorted(known)) or 'none'}"
            )
        value = _read(name, text.strip(), known[name])
        if name in card.net_settings:
            net[name] = value
        else:
            settings[name] = value
    return settings, net


def _defaults(family: Callable[..., Any]) -> dict[str, Any]:
    parameters = inspect.signature(family).parameters.values()
    return {
        one.name: None if one.default is inspect.Parameter.empty else one.default
        for one in parameters
        if one.name not in _GIVEN
        and one.kind is inspect.Parameter.KEYWORD_ONLY
        and "Runtime" not in str(one.annotation)
    }


def _read(name: str, text: str, example: Any) -> Any:
    """The value that `text` stands for, of the kind of `example`."""
    if isinstance(example, str):
        return text
    try:
        value: Any = ast.literal_eval({"true": "True", "false": "False", "none": "None"}.get(text.lower(), text))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        value = text
    value = _as_tuple(value)
    numbers = value if isinstance(value, tuple) else (value,)
    if not _is_like(value, example) or (name in _ABOVE_ZERO and not min(numbers) > 0):
        raise ConfigError(f"adjust: {name}: expected something like {example!r}, got {text!r}")
    if name == "input_hw" and max(numbers) > _LONGEST_PX:
        raise ConfigError(f"adjust: input_hw: expected at most {_LONGEST_PX} pixels a side, got {text!r}")
    return value


def _as_tuple(value: Any) -> Any:
    return tuple(map(_as_tuple, value)) if isinstance(value, list | tuple) else value


def _is_like(value: Any, example: Any) -> bool:
    """Whether a value is of the kind of another: of rows of two or more as many, and no number beyond all bounds."""
    if example is None:
        return value is None or (isinstance(value, int | float) and math.isfinite(value))
    if isinstance(example, bool) or isinstance(value, bool):
        return isinstance(example, bool) and isinstance(value, bool)
    if isinstance(example, int | float):
        return isinstance(value, int if isinstance(example, int) else (int, float)) and math.isfinite(value)
    if isinstance(example, list | tuple):
        is_row = isinstance(value, tuple) and len(value) > 0 and len(example) in (0, 1, len(value))
        return is_row and all(_is_like(one, example[0]) for one in value if example)
    return False
