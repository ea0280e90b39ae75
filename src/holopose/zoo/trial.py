"""Owns the trial of people's own weights: opened and asked about made-up pictures before they become a model."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from holopose.errors import BackendError, HoloposeError, ModelError
from holopose.types import Boxes, Frame
from holopose.zoo.cards import Card, networks_of

__all__ = ["try_out"]

_SIZES_HW = ((48, 64), (64, 48))
"""Of the made-up pictures: wide and tall, which networks for any size see in two sizes."""


def try_out(cards: Sequence[Card], paths: Mapping[str, Path], like: str) -> str:
    """Try a model's files as far as this machine can; says how far.

    Args:
        cards: Of the model, the main one first.
        paths: Where the files are, by card name.
        like: The model that it is to be one of, for messages.

    Raises:
        ModelError: it is not such a model.
        ConfigError: a setting has no meaning to it.
    """
    networks = networks_of(cards)
    told = [_fill(some, paths, alone=len(cards) == 1) for some in networks if some[0].net is not None]
    files = [some[0] for some in networks if some[0].net is None]
    if files:
        told.append(_open(files, paths, like, whole=len(files) == len(cards)))
    return "; ".join(dict.fromkeys(told))


def _fill(cards: Sequence[Card], paths: Mapping[str, Path], *, alone: bool) -> str:
    """Put the tensors of a network's files into it, where torch is installed."""
    if find_spec("torch") is None:
        return "its tensors are checked at first use: torch is not installed here"
    from holopose.runtimes.fake import FakeRuntime
    from holopose.zoo.engines import load_net

    try:
        load_net(cards, paths)
    except BackendError as error:
        return f"its tensors are checked at first use: {error}"
    if alone and cards[0].task != "part":  # around a network that is not there: settings are checked so
        _build(cards[0], FakeRuntime(lambda inputs: inputs, outputs=cards[0].outputs))
    return "all its tensors fit"


def _open(cards: Sequence[Card], paths: Mapping[str, Path], like: str, *, whole: bool) -> str:
    """Open files that are networks, which must take what their cards say; ask them where they are all of the model."""
    from holopose.runtimes.openvino import OpenVinoRuntime

    with contextlib.ExitStack() as stack:
        runtimes = []
        for card in cards:
            size_hw = card.settings.get("input_hw")
            shape = None if size_hw is None else (3, *size_hw)
            try:
                runtimes.append(OpenVinoRuntime(paths[card.name], item_shape=shape))
            except BackendError as error:
                raise ModelError(f"{paths[card.name]}: cannot be used: {error}") from error
            stack.callback(runtimes[-1].close)
        said = f"opens ({', '.join(f'{len(one.inputs)} in, {len(one.outputs)} out' for one in runtimes)})"
        main, *beside = cards
        if not whole or main.task == "part":
            return said
        others = {card.argument: runtime for card, runtime in zip(beside, runtimes[1:], strict=True)}
        _ask(main, _build(main, runtimes[0], **others), paths[main.name], like)
        return f"{said} and answers a made-up picture"


def _build(card: Card, runtime: Any, **others: Any) -> Any:
    layout = {} if card.skeleton is None else {"skeleton": card.skeleton}
    return card.family()(runtime, **card.settings, **layout, **others)


def _ask(card: Card, model: Any, path: Path, like: str) -> None:
    """Let a model look at made-up pictures, whatever it finds there.

    Raises:
        ModelError: the network takes or gives something else than its family needs.
    """
    try:
        for height, width in _SIZES_HW:
            frame = _picture(width, height)
            if card.task == "detector":
                model.detect([frame])
            elif card.task == "top-down":
                whole = Boxes(np.array([[0, 0, width, height]], np.float32), np.ones(1, np.float32))
                model.locate([frame], [whole])
            else:
                model.estimate([frame])
            if "input_hw" in card.settings:  # all pictures are of that size to it
                return
    except BackendError as error:
        sizes = "" if "input_hw" in card.settings else ", which gives its network pictures of many sizes"
        raise ModelError(f"{path}: does not run like {like}{sizes}: {_one_line(error)}") from error
    except (HoloposeError, ValueError, IndexError, TypeError) as error:  # other outputs can do anything to a family
        raise ModelError(f"{path}: does not answer like {like}: {_one_line(error)}") from error


def _picture(width: int, height: int) -> Frame:
    """Slopes of colour with something bright in the middle."""
    y, x = np.mgrid[:height, :width]
    image = np.stack([x * 255 // width, y * 255 // height, (x + y) * 255 // (width + height)], axis=-1).astype(np.uint8)
    image[height // 4 : height // 2, width // 3 : width // 2] = 230
    return Frame(image, name="a made-up picture")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
