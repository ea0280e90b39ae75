"""Owns trying out the models that are on this machine: what really runs each, and whether its numbers make sense."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from holopose.cli.console import one_line
from holopose.cli.diagnosis import Problem, Report
from holopose.errors import BackendError, HoloposeError, ModelError

if TYPE_CHECKING:
    from holopose.protocols import Runtime
    from holopose.zoo.cards import Card

__all__ = ["check_numbers", "try_models"]

_MOST_BYTES = 600e6
"""Larger models are not tried: loading them takes longer than anybody waits for a doctor."""

_SAME = 1e-3  # of the largest number: two answers to the same question


def try_models(report: Report) -> None:
    """Add to the report what runs each model whose files are here and whole; what does not is a problem."""
    from holopose.zoo import cache, catalog

    for model in dict.fromkeys(one["model"] for one in report.models if one["status"] == "ok"):
        cards = catalog.find_model(model)
        found = {card.name: cache.find(card) for card in cards}
        paths = {name: path for name, path in found.items() if path is not None}
        if len(paths) < len(cards):
            continue  # told already
        size = sum(path.stat().st_size for path in paths.values())
        row: dict[str, Any] = {"model": model, "runtime": "", "version": "", "device": "", "precision": ""}
        if size > _MOST_BYTES:
            row["check"] = f"not tried ({size / 1e9:.1f} GB): holopose bench --model {model}"
        else:
            try:
                row |= _try_model(cards, paths)
                row["check"] = "ok"
            except BackendError as error:
                row["check"] = f"does not run: {one_line(error)}"
                if "pip install" not in str(error):  # an extra that is missing is no problem
                    report.problems.append(Problem(f"model {model}: {one_line(error)}", _advice(model)))
            except HoloposeError as error:
                row["check"] = f"does not run: {one_line(error)}"
                report.problems.append(Problem(f"model {model}: {one_line(error)}", _advice(model)))
        report.runs.append(row)


def _advice(model: str) -> str:
    return f"do not use {model} here, or reinstall what runs it: python -m pip install --force-reinstall openvino"


def _try_model(cards: Sequence[Card], paths: Mapping[str, Path]) -> dict[str, str]:
    """Name and version of the runtime, device and precision that run a model.

    Raises:
        HoloposeError: it does not run, or gives senseless numbers.
    """
    from holopose.zoo.cards import networks_of
    from holopose.zoo.engines import Engine, choose_converted, open_file, open_network

    told: dict[str, str] = {}
    parts = [card for card in cards if paths[card.name].suffix == ".tflite"]
    if parts:
        from holopose.models.blaze.network import SPECS

        for card in parts:
            if card.name in SPECS:
                told = _check(open_file(paths[card.name], Engine()), (1, *card.input_hwc))
        return told
    for some in reversed(networks_of(cards)):  # the main network last: it is the one that is told
        height, width, channels = some[0].input_hwc
        size = some[0].settings.get("input_hw", (height, width))
        shape = (channels, *size)
        converted = choose_converted(some, Engine(), item_shape=shape)
        runtime = open_network(some, paths, Engine(), converted=converted, item_shape=shape)
        told = _check(runtime, (1, channels, *size))
    return told


def _check(runtime: Runtime, shape: Sequence[int]) -> dict[str, str]:
    try:
        if len(runtime.inputs) == 1:
            check_numbers(runtime, shape)
        return {
            "runtime": getattr(runtime, "name", type(runtime).__name__),
            "version": getattr(runtime, "version", ""),
            "device": runtime.device,
            "precision": getattr(runtime, "precision", ""),
        }
    finally:
        runtime.close()


def check_numbers(runtime: Runtime, shape: Sequence[int]) -> None:
    """Show a network noise of this shape: twice the same, once other, alone and side by side.

    Raises:
        ModelError: an answer is not finite; or differs where the question was the same; or all are the same where the
            questions were not.
    """
    random = np.random.default_rng(0)
    first, second = ({runtime.inputs[0]: random.random(shape, np.float32)} for _ in range(2))
    alone = runtime.run(first)
    together = runtime.run_many([second, first])
    if not all(np.isfinite(array).all() for answer in (alone, *together) for array in answer.values()):
        raise ModelError("gives numbers that are not finite")
    for name, array in alone.items():
        if not _alike(array, together[1][name]):
            raise ModelError(f"answers the same question differently (output {name})")
    if sum(array.size for array in alone.values()) and all(
        np.array_equal(array, together[0][name]) for name, array in alone.items()
    ):
        raise ModelError("gives the same answer to different pictures")


def _alike(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> bool:
    if first.shape != second.shape:
        return False
    scale = float(np.abs(first).max(initial=0))
    return bool(np.abs(first.astype(np.float64) - second).max(initial=0) <= _SAME * scale)
