"""Owns Engine: what runs networks, and opening the files of a card on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from holopose.errors import BackendError, ConfigError, ModelError
from holopose.protocols import Runtime
from holopose.zoo.cards import Card
from holopose.zoo.converted import find_converted

__all__ = ["Engine", "check_runnable", "choose_converted", "load_net", "open_file", "open_network"]

_ONNXRUNTIME = ("cuda", "tensorrt", "coreml", "directml", "openvino")
"""Devices that ONNX Runtime is taken for when nothing else is asked for; others are OpenVINO's."""


@dataclass(frozen=True, slots=True)
class Engine:
    """What networks are run by.

    Attributes:
        runtime: ``openvino``, ``onnxruntime``, ``torch``; ``auto`` = whatever suits file and device.
        device: Device as that runtime calls it.
        precision: ``f32``, ``bf16`` or ``f16``.
        threads: CPU threads, 0 = all that this process may use.
    """

    runtime: str = "auto"
    device: str = "cpu"
    precision: str = "f32"
    threads: int = 0

    def kind_for(self, suffix: str) -> str:
        """The runtime for a network file with this ending.

        Raises:
            ConfigError: the runtime asked for does not read such files.
        """
        if suffix in (".tflite", ".xml"):
            if self.runtime not in ("auto", "openvino"):
                raise ConfigError(
                    f"runtime: {self.runtime!r} does not read {suffix} files, which only OpenVINO does; choose "
                    "another model or detector, or leave runtime at auto"
                )
            if self.runtime == "auto" and self.device.lower().split(":")[0] in (*_ONNXRUNTIME, "mps"):
                raise ConfigError(
                    f"device: {self.device!r} does not run {suffix} files, which only OpenVINO does (blaze, also as "
                    "the detector of other models); choose another model and detector, or device cpu"
                )
            return "openvino"
        if self.runtime == "torch":
            raise ConfigError(f"runtime: torch does not run {suffix} files; expected auto, openvino or onnxruntime")
        if self.runtime != "auto":
            return self.runtime
        return "onnxruntime" if self.device.lower().split(":")[0] in _ONNXRUNTIME else "openvino"


def open_network(
    cards: Sequence[Card],
    paths: Mapping[str, Path],
    engine: Engine,
    *,
    net_settings: Mapping[str, Any] | None = None,
    converted: Path | None = None,
    item_shape: Sequence[int] | None = None,
    cache_dir: Path | None = None,
) -> Runtime:
    """A network ready to run.

    Args:
        cards: Its files, the main one first; several where a torch module takes its tensors from several.
        paths: Where they are, by card name.
        engine: What runs it.
        net_settings: Keywords of the card's torch module that the user has changed.
        converted: The ONNX file to run in their place, see `choose_converted`.
        item_shape: Shape of one input item where the file leaves it open.
        cache_dir: Where OpenVINO keeps compiled networks.

    Raises:
        ModelError: a file is not what its card says.
        BackendError: the device is not there, or a package is missing.
        ConfigError: this runtime does not run such a file.
    """
    card = cards[0]
    if card.net is None:
        return open_file(paths[card.name], engine, item_shape=item_shape, cache_dir=cache_dir)
    if converted is not None:
        return open_file(converted, engine, item_shape=item_shape, cache_dir=cache_dir)
    check_runnable(card, engine)
    return open_tensors(cards, paths, engine, net_settings=net_settings)


def choose_converted(
    cards: Sequence[Card],
    engine: Engine,
    *,
    net_settings: Mapping[str, Any] | None = None,
    item_shape: Sequence[int] | None = None,
) -> Path | None:
    """The converted form of a model's tensors, where there is one and it can do what is asked; else torch does.

    Raises:
        ModelError: it is altered.
    """
    card = cards[0]
    if card.net is None or card.argument or net_settings or engine.runtime == "torch":
        return None
    height, width, channels = card.input_hwc
    if item_shape is not None and tuple(item_shape) != (channels, height, width):
        return None  # it was written for one size
    device = engine.device.lower().split(":")[0]
    if engine.runtime == "auto" and (device == "mps" or (device == "cpu" and engine.precision == "f16")):
        return None
    return find_converted(card.model, cards)


def check_runnable(card: Card, engine: Engine) -> None:
    """Whether a file of tensors could be run at all: to be asked before gigabytes are fetched.

    Raises:
        ConfigError: another runtime than torch was asked for.
        BackendError: torch is not installed.
    """
    if card.net is None:
        return
    if engine.runtime not in ("auto", "torch"):
        raise ConfigError(
            f"runtime: the files of {card.model} are tensors, which torch runs; for {engine.runtime} convert them "
            f"once: holopose models convert {card.model} --to onnx"
        )
    if find_spec("torch") is None:
        raise _missing(card, "torch")


def _missing(card: Card, package: str) -> BackendError:
    extra = "sdpose" if package in ("diffusers", "transformers", "accelerate") else "torch"
    return BackendError(
        f'{card.model} needs {package}, which is not installed: pip install "holopose[{extra}]", or use a file '
        "converted to ONNX elsewhere"
    )


def open_file(
    path: Path, engine: Engine, *, item_shape: Sequence[int] | None = None, cache_dir: Path | None = None
) -> Runtime:
    """A file that is a network itself.

    Raises:
        ModelError, BackendError, ConfigError: as `open_network`.
    """
    if engine.kind_for(path.suffix.lower()) == "onnxruntime":
        from holopose.runtimes.onnxruntime import OnnxRuntime

        runtime: Runtime = OnnxRuntime(path, device=engine.device, precision=engine.precision, threads=engine.threads)
        return runtime
    from holopose.runtimes.openvino import OpenVinoRuntime

    return OpenVinoRuntime(
        path,
        device=engine.device,
        precision=engine.precision,
        threads=engine.threads,
        item_shape=item_shape,
        cache_dir=cache_dir,
    )


def open_tensors(
    cards: Sequence[Card],
    paths: Mapping[str, Path],
    engine: Engine,
    *,
    net_settings: Mapping[str, Any] | None = None,
) -> Runtime:
    """A torch module with its tensors.

    Raises:
        ModelError, BackendError: as `open_network`.
    """
    from holopose.runtimes.torch import TorchRuntime

    return TorchRuntime(
        load_net(cards, paths, net_settings=net_settings),
        outputs=cards[0].outputs,
        device=engine.device,
        precision=engine.precision,
        threads=engine.threads,
    )


def load_net(cards: Sequence[Card], paths: Mapping[str, Path], *, net_settings: Mapping[str, Any] | None = None) -> Any:
    """The torch module of a model, on the CPU, for inference, with the tensors of its files.

    Raises:
        ModelError: a file's tensors are not those of the module.
        BackendError: torch is not installed.
    """
    card = cards[0]
    if card.net is None:
        raise ModelError(f"{card.model}: its file is a network itself, there is no torch module of it")
    try:
        from holopose.nets.checkpoints import load_into

        net = card.net(**{**card.net_settings, **(net_settings or {})})
    except ImportError as error:
        raise _missing(card, error.name or "torch") from error
    for one in cards:
        load_into(net, paths[one.name], prefix=one.prefix)
    return net.eval()
