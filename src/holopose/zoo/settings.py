"""Owns the settings of cards that users change: name=value, checked against what the family and the network take."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from holopose.errors import ConfigError
from holopose.zoo.cards import Card

__all__ = ["adjusted", "settings_of"]

_GIVEN = ("self", "runtime", "skeleton")  # what is never the user's to set


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
        if one.name not in _GIVEN and one.kind is inspect.Parameter.KEYWORD_ONLY
    }


def _read(name: str, text: str, example: Any) -> Any:
    """The value that `text` stands for, of the kind of `example`."""
    try:
        value: Any = ast.literal_eval({"true": "True", "false": "False", "none": "None"}.get(text.lower(), text))
    except (ValueError, SyntaxError):
        value = text
    if isinstance(example, bool) or example is None:
        good = isinstance(value, bool) or example is None
    elif isinstance(example, int | float):
        good = isinstance(value, int if isinstance(example, int) else (int, float)) and not isinstance(value, bool)
    elif isinstance(example, str):
        value = text
        good = True
    elif isinstance(example, Mapping):
        good = False
    else:
        value = tuple(value) if isinstance(value, list | tuple) else value
        good = isinstance(value, tuple)
    if not good:
        raise ConfigError(f"adjust: {name}: expected something like {example!r}, got {text!r}")
    return value
