"""Owns the tables of every model and file that holopose knows how to get, one module per family.

Reading them fetches nothing and imports no heavy library.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from holopose.errors import ConfigError
from holopose.zoo.cards import Asset, Card
from holopose.zoo.catalog.blaze import BLAZE
from holopose.zoo.catalog.pictures import PICTURES

__all__ = ["ASSETS", "BLAZE", "DEFAULTS", "MODELS", "PICTURES", "choose"]


def _by_model(cards: Sequence[Card]) -> dict[str, tuple[Card, ...]]:
    models: dict[str, tuple[Card, ...]] = {}
    for card in cards:
        models[card.model] = (*models.get(card.model, ()), card)
    return models


MODELS: Mapping[str, tuple[Card, ...]] = MappingProxyType(_by_model([*BLAZE]))
"""Model name -> all its files; where one of them is not a part of something, it is the first."""

ASSETS: tuple[Asset, ...] = (*(card for cards in MODELS.values() for card in cards), *PICTURES)
"""Every file that holopose knows how to get."""


DEFAULTS: tuple[Asset, ...] = (*BLAZE, *PICTURES)
"""What holopose needs as it comes: the embedded model and the demo pictures."""


def choose(name: str) -> Sequence[Asset]:
    """The files that a model, card, picture or file name stands for.

    Raises:
        ConfigError: nothing has that name; the nearest one is named.

    >>> [asset.filename for asset in choose("hand_recrop")]
    ['hand_recrop.tflite']
    >>> len(choose("blaze"))
    8
    """
    if name in MODELS:
        return MODELS[name]
    for asset in ASSETS:
        if name in (asset.name, asset.filename):
            return (asset,)
    known = [*MODELS, *(asset.name for asset in ASSETS)]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
    raise ConfigError(f"no model or file is called {name!r}; {hint}")
