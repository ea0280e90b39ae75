"""Owns the conversion of a model of the zoo: tensors that need torch become an ONNX file that needs it no more."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from holopose.errors import ConfigError, InputError, ModelError
from holopose.export.onnx import OPSET, write_onnx
from holopose.export.parity import PartParity, compare, worst
from holopose.types import Boxes, Frame
from holopose.zoo.cache import home, sha256_of
from holopose.zoo.cards import Card
from holopose.zoo.catalog import find_model
from holopose.zoo.converted import keep_converted
from holopose.zoo.engines import Engine, load_net, open_file, open_network
from holopose.zoo.fetch import locate_all
from holopose.zoo.load import load_detector

__all__ = ["LIMIT", "Conversion", "convert_model"]

LIMIT = 1.0
"""Largest mean distance per part that is accepted, in thousandths of the person's size."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a conversion gave.

    Attributes:
        path: The ONNX file.
        rows: Parity per part.
        people: On how many people it was measured.
        runtime: What ran the ONNX file.
    """

    path: Path
    rows: tuple[PartParity, ...]
    people: int
    runtime: str


def convert_model(
    model: str,
    frames: Sequence[Frame],
    *,
    boxes: Sequence[Boxes] | None = None,
    limit: float = LIMIT,
    engine: Engine | None = None,
) -> Conversion:
    """Convert a model to ONNX, compare both forms on real people, keep it if they agree.

    From then on the model runs from the ONNX file, without torch, on every runtime that reads ONNX.

    Args:
        model: Name of a model whose file holds tensors.
        frames: Pictures with people.
        boxes: Where the people are; None = blaze looks for them.
        limit: Largest mean distance of any part, in thousandths of the person's size.
        engine: What runs the ONNX file when both are compared.

    Raises:
        ConfigError: the model's file is a network already.
        InputError: nobody is in the pictures.
        ModelError: both forms answer too far apart; nothing is kept.
        BackendError: torch or onnx is not installed.
    """
    everything = find_model(model)
    cards = [one for one in everything if not one.argument]  # other networks of the model stay as they are
    card = cards[0]
    if card.net is None:
        raise ConfigError(f"{model}: its file is a network already ({card.filename}); there is nothing to convert")
    settings = dict(card.settings) | ({} if card.skeleton is None else {"skeleton": card.skeleton})
    shape = _item_shape(card)
    paths = locate_all(everything)
    net = load_net(cards, paths)
    for one in everything:
        if one.argument:
            settings[one.argument] = open_network([one], paths, Engine())
    work = home() / "models" / "converted" / f".{model}.{secrets.token_hex(4)}"
    try:
        work.mkdir(parents=True)
        told = {"model": model, "opset": OPSET, "settings": {k: repr(v) for k, v in card.settings.items()}}
        told |= {"layout": "" if card.skeleton is None else card.skeleton.name, "score": card.score}
        free_size = "input_hw" not in settings
        write_onnx(
            net,
            work / "model.onnx",
            item_shape=shape,
            outputs=card.outputs,
            metadata=told,
            free_size=free_size,
        )
        runtime = open_file(work / "model.onnx", engine or Engine(), item_shape=None if free_size else shape)
        from holopose.runtimes.torch import TorchRuntime

        family = card.family()
        first = family(TorchRuntime(net, outputs=card.outputs), **settings)
        second = family(runtime, **settings)
        if boxes is None and card.task == "top-down":
            boxes = load_detector("blaze").detect(frames)
        rows, count = compare(first, second, frames, boxes or [])
        if not count:
            raise InputError("nobody was found in the pictures that both forms are compared on; give others")
        if not worst(rows) <= limit:
            raise ModelError(
                f"{model}: the ONNX form answers too far from the original: {_words(rows)} (thousandths of the "
                f"person's size, expected a mean of at most {limit:g} in every part); nothing is kept"
            )
        runs_on = f"{getattr(runtime, 'name', '')} {runtime.device} {getattr(runtime, 'precision', '')}".strip()
        runtime.close()
        sources = {one.name: sha256_of(paths[one.name]) for one in cards}
        facts = {"parity": [asdict(row) for row in rows], "people": count, "runtime": runs_on, "opset": OPSET}
        return Conversion(keep_converted(model, work, sources, facts), tuple(rows), count, runs_on)
    except OSError as error:
        raise ModelError(f"{work.parent}: cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _item_shape(card: Card) -> tuple[int, ...]:
    height, width, channels = card.input_hwc
    return channels, height, width


def _words(rows: Sequence[PartParity]) -> str:
    return ", ".join(
        f"{row.part} {row.mean:.2f}" + (f" ({row.only_one} found by one only)" if row.only_one else "") for row in rows
    )
