"""Owns what is known about every file that holopose gets from elsewhere: cards of weights, and the demo pictures.

Reading this module fetches nothing and imports no heavy library: a card's family is a function that imports the class
when it is called, so that `holopose models list` stays quick and go-to-definition still ends at the class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from holopose.skeletons import Skeleton

__all__ = ["Asset", "Card", "Licence", "Member", "Url", "Wheel", "networks_of"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Wheel:
    """A published Python package from which files are taken without installing it.

    Attributes:
        project: Name in the package index.
        version: The one pinned version.
        filename: Full wheel file name; its last three parts tell an index client which build is meant.
        sha256: Of the wheel.
        size: Of the wheel, bytes.
    """

    project: str
    version: str
    filename: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A place to get a file: a path inside a wheel (and so inside the installed package)."""

    wheel: Wheel
    path: str


@dataclass(frozen=True, slots=True, eq=False)
class Url:
    """A place to get a file: an address, or a file inside the zip archive at an address.

    Attributes:
        address: http or https.
        member: How the path inside the archive ends, such as ``end2end.onnx``; empty when the address is the file.
    """

    address: str
    member: str = ""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Licence:
    """What may be done with a file.

    Attributes:
        code: Licence of the project that published it.
        weights: Licence of the file itself, also where it is a picture.
        training_data: What it was trained on, and what is asked of those who use that.
        commercial: Whether a product may use the file without asking anybody and without opening its own source, as the
            makers of code, weights and data state it: True or False; None = they do not say, or contradict each other.
    """

    code: str
    weights: str
    training_data: str
    commercial: bool | None = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Asset:
    """A file that is fetched once and is only ever used with exactly these bytes.

    Attributes:
        name: What the command line calls it.
        filename: Its name in the cache, without any folder.
        sha256: Of its content, lower-case hexadecimal: all 64 digits, or as many of the first ones as its makers
            publish (8 in the names of OpenMMLab's checkpoints), or none. What the first download brought is then
            written down and holds from there on.
        size: Bytes, 0 = not published.
        places: Where to get it, best first.
        licence: What may be done with it.
        folder: Which folder of the cache holds it: names joined by slashes.
        notes: What a user of it should know.
    """

    name: str
    filename: str
    sha256: str = ""
    size: int = 0
    places: tuple[Member | Url, ...]
    licence: Licence
    folder: str = "models"
    notes: str = ""

    def __post_init__(self) -> None:
        for part in (self.filename, *self.folder.split("/")):
            if not part or part.startswith(".") or set(part) & set("/\\:"):
                raise ValueError(f"{self.name}: expected a plain file name, got {part!r}")
        if len(self.sha256) not in (0, 8, 64) or not set(self.sha256) <= set("0123456789abcdef"):
            raise ValueError(f"{self.name}: expected 64, 8 or no hexadecimal digits of sha256, got {self.sha256!r}")
        if self.size < 0:
            raise ValueError(f"{self.name}: expected a size of at least 0 bytes, got {self.size}")

    @property
    def members(self) -> tuple[Member, ...]:
        """The places that are inside wheels."""
        return tuple(place for place in self.places if isinstance(place, Member))

    @property
    def urls(self) -> tuple[Url, ...]:
        """The places that are addresses."""
        return tuple(place for place in self.places if isinstance(place, Url))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Card(Asset):
    """One weight file.

    Attributes:
        model: The model it belongs to; a model may need several files, the main one first.
        family: Imports and returns the class that runs the model: a Detector, KeypointModel or Estimator of `models`,
            built as ``family(runtime, **settings)`` (with ``skeleton`` among them where the card has one).
        task: What that class is; ``part`` = this file only works together with the model's others.
        finds: What the boxes of a detector hold.
        role: What it does within the model.
        settings: Keywords for the family: input size, colours, decoder. Users may change them (`adjust`).
        skeleton: Layout of its keypoints, None where it gives none of its own.
        net: Makes the torch module (`holopose.nets`) whose tensors the file holds, as ``net(**net_settings)``; None =
            the file is a network itself.
        net_settings: Keywords for it; users may change them too.
        prefix: What the names of this file's tensors begin with in that module.
        argument: Keyword under which the family takes this file's network, where that is one of its own beside the
            main one; empty = the main one, or tensors of it.
        outputs: Names of the module's outputs.
        input_hwc: Height, width and channels of the picture it takes.
        input_range: What 0 and 255 become, for families that have no mean and deviation among their settings.
        score: What the scores that come out of it mean.
        published: Accuracy that its makers state and by which protocol, empty where they state none.
    """

    model: str
    family: Callable[[], type[Any]]
    task: Literal["part", "detector", "top-down", "estimator"]
    finds: Literal["people", "hands"] = "people"
    role: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    skeleton: Skeleton | None = None
    net: Callable[..., Any] | None = None
    net_settings: Mapping[str, Any] = field(default_factory=dict)
    prefix: str = ""
    argument: str = ""
    outputs: tuple[str, ...] = ("output",)
    input_hwc: tuple[int, int, int]
    input_range: tuple[float, float] = (0.0, 1.0)
    score: str
    published: str = ""


def networks_of(cards: Sequence[Card]) -> list[list[Card]]:
    """A model's cards by the network whose file or tensors they are, the main network's first."""
    main = [card for card in cards if not card.argument]
    return [main, *([card] for card in cards if card.argument)]
