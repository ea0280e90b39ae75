"""Owns the tables of every model and file that holopose knows how to get, one module per family.

Reading them fetches nothing and imports no heavy library.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from holopose.errors import ConfigError, ModelError
from holopose.zoo import added
from holopose.zoo.cards import Asset, Card
from holopose.zoo.catalog.blaze import BLAZE
from holopose.zoo.catalog.detectors import DETECTORS
from holopose.zoo.catalog.fastpose import FASTPOSE
from holopose.zoo.catalog.higherhrnet import HIGHERHRNET
from holopose.zoo.catalog.hrnet import HRNET
from holopose.zoo.catalog.openpose import OPENPOSE
from holopose.zoo.catalog.pictures import PICTURES
from holopose.zoo.catalog.rtm import RTM
from holopose.zoo.catalog.sdpose import SDPOSE
from holopose.zoo.catalog.simplebaseline import SIMPLEBASELINE
from holopose.zoo.catalog.torchvision import TORCHVISION
from holopose.zoo.catalog.vitpose import VITPOSE

__all__ = ["ASSETS", "BLAZE", "DEFAULTS", "MODELS", "PICTURES", "choose", "find_model", "get_added"]


def _by_model(cards: Sequence[Card]) -> dict[str, tuple[Card, ...]]:
    models: dict[str, tuple[Card, ...]] = {}
    for card in cards:
        models[card.model] = (*models.get(card.model, ()), card)
    return models


MODELS: Mapping[str, tuple[Card, ...]] = MappingProxyType(
    _by_model(
        [
            *BLAZE,
            *RTM,
            *HRNET,
            *SIMPLEBASELINE,
            *FASTPOSE,
            *VITPOSE,
            *SDPOSE,
            *OPENPOSE,
            *HIGHERHRNET,
            *TORCHVISION,
            *DETECTORS,
        ]
    )
)
"""Model name -> all its files; where one of them is not a part of something, it is the first."""

ASSETS: tuple[Asset, ...] = (*(card for cards in MODELS.values() for card in cards), *PICTURES)
"""Every file that holopose knows how to get."""


DEFAULTS: tuple[Asset, ...] = (*BLAZE, *PICTURES)
"""What holopose needs as it comes: the embedded model and the demo pictures."""


def find_model(name: str) -> tuple[Card, ...]:
    """The cards of a model, the zoo's own or one that was added here, the main one first.

    Raises:
        ConfigError: no model has that name; the nearest ones are named.
        ModelError: it was added here, but what was written down of it is damaged.

    >>> find_model("blaze") == BLAZE
    True
    """
    if name in MODELS:
        return MODELS[name]
    if name in added.names():
        return added.read(name, MODELS)
    raise ConfigError(f"no model is called {name!r}; {_hint(name, [*MODELS, *added.names()])}")


def get_added() -> tuple[dict[str, tuple[Card, ...]], list[str]]:
    """Models that were added on this machine, and a line for each that cannot be read."""
    models: dict[str, tuple[Card, ...]] = {}
    problems = []
    for name in added.names():
        try:
            models[name] = added.read(name, MODELS)
        except ModelError as error:
            problems.append(str(error))
    return models, problems


def choose(name: str) -> Sequence[Asset]:
    """The files that a model, card, picture or file name stands for.

    Raises:
        ConfigError: nothing has that name; the nearest ones are named.
        ModelError: as `find_model`.

    >>> [asset.filename for asset in choose("hand_recrop")]
    ['hand_recrop.tflite']
    >>> len(choose("blaze"))
    8
    """
    if name in MODELS or name in added.names():
        return find_model(name)
    for asset in (*ASSETS, *(card for cards in get_added()[0].values() for card in cards)):
        if name in (asset.name, asset.filename):
            return (asset,)
    known = [*MODELS, *added.names(), *(asset.name for asset in ASSETS)]
    raise ConfigError(f"no model or file is called {name!r}; {_hint(name, known)}")


def _hint(name: str, known: Sequence[str]) -> str:
    near = list(dict.fromkeys(difflib.get_close_matches(name.lower(), known, n=3)))
    return f"did you mean {' or '.join(map(repr, near))}?" if near else "`holopose models list` shows all"
