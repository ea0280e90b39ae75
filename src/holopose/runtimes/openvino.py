"""Owns OpenVINO: reads TFLite and ONNX files, runs them in f32 unless asked otherwise, tells nobody.

OpenVINO reports every import to an analytics server by default; `load_openvino` blocks that before the first import.
It also computes in bf16 unasked on processors that have it, which moves landmarks by pixels: precision is always set.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.errors import BackendError, ModelError
from holopose.runtimes.pieces import count_items, cut, fits, join, spell

__all__ = ["OpenVinoRuntime", "list_devices", "load_openvino"]

_TELEMETRY = "openvino_telemetry"
_MOST_AT_ONCE = 32  # items of one batch, where the network takes any number: bounds memory
_PAIR = 2  # requests that `run_many` keeps running side by side
_QUEUED = 2 * _PAIR  # with those that wait to begin at once when one of the two ends
_lock = threading.Lock()
_core: Any = None


def load_openvino() -> ModuleType:
    """The openvino module, imported with its telemetry blocked.

    Raises:
        BackendError: it is not installed or does not load.
    """
    with _lock:
        blocked = _TELEMETRY not in sys.modules and "openvino" not in sys.modules
        if blocked:
            sys.modules[_TELEMETRY] = None  # type: ignore[assignment]
        try:
            import openvino
        except (ImportError, OSError) as error:
            raise BackendError(
                f"OpenVINO does not load ({error}); install it with: python -m pip install openvino"
            ) from error
        finally:
            if blocked:
                del sys.modules[_TELEMETRY]
    return openvino  # type: ignore[no-any-return]


def _get_core() -> Any:
    global _core  # noqa: PLW0603  one core per process: plug-ins and caches live in it
    openvino = load_openvino()
    with _lock:
        if _core is None:
            _core = openvino.Core()
    return _core


def list_devices() -> list[str]:
    """Names of the devices that OpenVINO finds here, such as ``CPU``."""
    return [str(name) for name in _get_core().available_devices]


class OpenVinoRuntime:
    """One network, compiled.

    Args:
        path: A ``.tflite``, ``.onnx`` or OpenVINO ``.xml`` file.
        device: ``cpu``, or the name of another OpenVINO device (`list_devices`).
        precision: ``f32`` or ``bf16``; ``f16`` on devices that have it, which CPUs are not counted among.
        threads: CPU threads, 0 = all processors that this process may use.
        outputs: Indices of the outputs wanted, None = all; what only the others need is not computed.
        resizable: Let height and width of the (N, H, W, C) input vary, for fully convolutional networks.
        item_shape: Shape of one item of the first input, such as (3, 256, 192), where the file leaves it open.
        cache_dir: Folder where compiled networks are kept, None = nowhere.

    Raises:
        ModelError: the file is missing, cannot be read as a network, or takes items of another shape.
        BackendError: the device is not there, has not that precision, or refuses the network.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        device: str = "cpu",
        precision: str = "f32",
        threads: int = 0,
        outputs: Sequence[int] | None = None,
        resizable: bool = False,
        item_shape: Sequence[int] | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        path = Path(path)
        if not path.is_file():
            raise ModelError(f"{path}: no such model file; expected a .tflite, .onnx or .xml file")
        wanted = device.upper()
        if wanted.split(".")[0] not in {name.split(".")[0] for name in list_devices()}:
            raise BackendError(f"device {device!r} is not there; OpenVINO finds {', '.join(list_devices())} here")
        known = ("f32", "bf16", "f16") if _has_f16(wanted) else ("f32", "bf16")
        if precision not in known:
            raise BackendError(f"precision: expected {' or '.join(known)} on device {device!r}, got {precision!r}")
        openvino = load_openvino()
        settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
        if wanted == "CPU":
            settings["INFERENCE_NUM_THREADS"] = threads or _count_processors()
            settings["ENABLE_CPU_PINNING"] = False  # pinned threads of two networks, or processes, meet on one core
        if cache_dir is not None:
            settings["CACHE_DIR"] = str(cache_dir)
        model = _read(path)
        try:
            if outputs is not None:
                missing = [i for i in outputs if not 0 <= i < len(model.outputs)]
                if missing:
                    raise ModelError(f"{path}: has {len(model.outputs)} outputs, none at position {missing[0]}")
                model = openvino.Model([model.outputs[i] for i in outputs], model.get_parameters(), path.stem)
            if resizable:
                _free_size(openvino, model)
            if item_shape is not None:
                _fix_items(openvino, model, path, item_shape, one_by_one=wanted == "CPU")
            self._compiled = _get_core().compile_model(model, wanted, settings)
        except RuntimeError as error:
            raise BackendError(f"{path.name} does not run on {device!r}: {_last_line(error)}") from error
        pair = {**settings, "NUM_STREAMS": _PAIR, "PERFORMANCE_HINT": "THROUGHPUT"}
        can_pair = wanted == "CPU" and not resizable and settings["INFERENCE_NUM_THREADS"] >= _PAIR
        self._compile_pair = (lambda: _get_core().compile_model(model, wanted, pair)) if can_pair else None
        self._pair: Any = None
        self._pair_lock = threading.Lock()
        self.inputs = tuple(port.any_name for port in self._compiled.inputs)
        self.outputs = tuple(port.any_name for port in self._compiled.outputs)
        self.name = "OpenVINO"
        self.version = openvino.__version__.split("-")[0]
        self.precision = self._ask_precision()
        self._device = self._ask_device()
        self._requests = threading.local()
        self._closed = False

    def _ask_precision(self) -> str:
        """The precision that the compiled network says it runs in."""
        kind = self._compiled.get_property("INFERENCE_PRECISION_HINT")
        spelled = {"float": "f32", "float32": "f32", "bfloat16": "bf16", "float16": "f16"}
        words = str(kind.get_type_name() if hasattr(kind, "get_type_name") else kind)
        return spelled.get(words, words)

    def _ask_device(self) -> str:
        devices = self._compiled.get_property("EXECUTION_DEVICES")
        return ",".join(devices) if isinstance(devices, (list, tuple)) else str(devices)

    @property
    def device(self) -> str:
        """The device that the compiled network says it runs on, such as ``CPU``."""
        return self._device

    def run(self, inputs: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        """Outputs by name; the arrays are copies that stay valid.

        Raises:
            BackendError: a name or shape does not fit, or the runtime is closed.
        """
        if self._closed:
            raise BackendError("this runtime is closed; load the model again")
        feed = self._feed(inputs)
        request = getattr(self._requests, "value", None)
        if request is None:
            request = self._requests.value = self._compiled.create_infer_request()
        try:
            request.infer(feed, share_inputs=True, share_outputs=True)
        except RuntimeError as error:
            raise BackendError(f"inference failed: {_last_line(error)}") from error
        return self._answers(request)

    def run_many(self, inputs: Sequence[Mapping[str, npt.NDArray[Any]]]) -> list[dict[str, npt.NDArray[Any]]]:
        """The same for several sets of inputs, in order, for throughput rather than for a quick single answer.

        On a CPU two run side by side, each with half the threads: that wastes less than one after the other with all
        of them, and leaves a single one's other half to other threads of this process. The network is compiled a
        second time for it when first needed.

        Raises:
            BackendError: as `run`; what was running then has ended, and the next call is not concerned.
        """
        if self._closed or self._compile_pair is None:
            return [self.run(one) for one in inputs]
        requests = self._pair_requests()
        feeds = [self._feed(one) for one in inputs]  # kept until their requests are done
        answers: list[dict[str, npt.NDArray[Any]]] = []
        running: deque[Any] = deque()
        try:
            for number, feed in enumerate(feeds):
                if len(running) == _QUEUED:
                    answers.append(self._finish(running))
                request = requests[number % _QUEUED]
                running.append(request)
                request.start_async(feed, share_inputs=True)
            while running:
                answers.append(self._finish(running))
        except RuntimeError as error:
            raise BackendError(f"inference failed: {_last_line(error)}") from error
        finally:
            for request in running:  # after an error or Ctrl-C: they read the feeds, and are needed again
                with contextlib.suppress(RuntimeError):
                    request.wait()
        return answers

    def run_batch(self, inputs: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        """Outputs for any number of independent items.

        A network that takes a fixed number of items gets that many at a time, two side by side, which a CPU does as
        quickly as larger batches; one that takes any number gets up to 32.

        Raises:
            BackendError: as `run`; or there is no item.
        """
        if self._closed:
            raise BackendError("this runtime is closed; load the model again")
        feed = self._feed(inputs)
        count = count_items(feed)
        if count == 0:
            raise BackendError("a batch: expected at least one item, got none")
        leading = self._compiled.inputs[0].get_partial_shape()[0]
        if leading.is_dynamic:
            return join([self.run(piece) for piece in cut(feed, _MOST_AT_ONCE)], count)
        pieces = cut(feed, int(leading.get_length()), pad=True)
        paired = len(pieces) - len(pieces) % _PAIR
        return join([*self.run_many(pieces[:paired]), *(self.run(piece) for piece in pieces[paired:])], count)

    def _finish(self, running: deque[Any]) -> dict[str, npt.NDArray[Any]]:
        """The answer of the request that was started first, which runs no more."""
        running[0].wait()
        return self._answers(running.popleft())

    def _pair_requests(self) -> list[Any]:
        """Requests of this thread on the network compiled for two at a time."""
        requests = getattr(self._requests, "pair", None)
        if requests is None:
            with self._pair_lock:
                try:
                    if self._pair is None and self._compile_pair is not None:
                        self._pair = self._compile_pair()
                    requests = self._requests.pair = [self._pair.create_infer_request() for _ in range(_QUEUED)]
                except RuntimeError as error:
                    raise BackendError(f"inference of two at a time is refused: {_last_line(error)}") from error
        return list(requests)

    def _check_names(self, inputs: Mapping[str, npt.NDArray[Any]]) -> None:
        if set(inputs) != set(self.inputs):
            raise BackendError(f"inputs: expected {', '.join(self.inputs)}, got {', '.join(inputs)}")

    def _feed(self, inputs: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        self._check_names(inputs)
        return {name: np.ascontiguousarray(array) for name, array in inputs.items()}

    def _answers(self, request: Any) -> dict[str, npt.NDArray[Any]]:
        return {name: np.array(request.get_output_tensor(i).data) for i, name in enumerate(self.outputs)}

    def close(self) -> None:
        """Let go of the network."""
        self._closed = True
        self._compiled = self._pair = self._compile_pair = None
        self._requests = threading.local()


def _has_f16(device: str) -> bool:
    return device != "CPU" and "FP16" in _get_core().get_property(device, "OPTIMIZATION_CAPABILITIES")


def _fix_items(openvino: ModuleType, model: Any, path: Path, item_shape: Sequence[int], *, one_by_one: bool) -> None:
    """Fix the shape of items that the file leaves open; also their number, to one, where `one_by_one` is set.

    Fixed shapes let OpenVINO plan its memory; on a CPU single items are then as quick as batches of any fixed size.
    """
    port = model.inputs[0]
    rank = port.get_partial_shape().rank
    shape = (
        [axis.get_length() if axis.is_static else None for axis in port.get_partial_shape()] if rank.is_static else []
    )
    if shape and not fits(shape[1:], item_shape):
        raise ModelError(f"{path}: takes items of shape {spell(shape[1:])}, got {spell(item_shape)}")
    if not shape or shape[0] is None:
        model.reshape({port: openvino.PartialShape([1 if one_by_one else -1, *item_shape])})
    else:
        model.reshape({port: openvino.PartialShape([shape[0], *item_shape])})


def _count_processors() -> int:
    """Processors that this process may use; OpenVINO's own choice is half of them on many virtual machines."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _read(path: Path) -> Any:
    """The network in a file; what is no ONNX is not tried as other formats, whose readers complain aloud."""
    load_openvino()
    from openvino.frontend import FrontEndManager

    try:
        if path.suffix.lower() == ".onnx" and not FrontEndManager().load_by_framework("onnx").supported(str(path)):
            raise ModelError(f"{path}: expected an ONNX network, got something else or an empty file")
        return _get_core().read_model(path)
    except RuntimeError as error:
        raise ModelError(f"{path}: OpenVINO cannot read it as a network ({_last_line(error)})") from error


def _last_line(error: Exception) -> str:
    """What OpenVINO says is wrong: it puts the places in its own code before."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _free_size(openvino: ModuleType, model: Any) -> None:
    """Make (1, H, W, C) -> (1, rows, C) networks accept any H and W that their strides divide.

    Converters write today's sizes into upsampling and flattening nodes; both are rewritten to follow their input:
    interpolation to given sizes becomes interpolation by the same factor, (1, rows, C) becomes (1, any, C).
    """
    ops = openvino.opset8
    for node in model.get_ordered_ops():
        kind = node.get_type_name()
        if kind == "Interpolate":
            data = node.input_value(0)
            axes = [int(axis) for axis in node.input_value(2).get_node().data]
            factors = [node.get_output_shape(0)[axis] / data.get_shape()[axis] for axis in axes]
            attributes = node.get_attributes()
            fresh = openvino.opset11.interpolate(
                data,
                ops.constant(np.array(factors, np.float32)),
                mode=attributes["mode"],
                shape_calculation_mode="scales",
                coordinate_transformation_mode=attributes["coordinate_transformation_mode"],
                nearest_mode=attributes["nearest_mode"],
                axes=ops.constant(np.array(axes, np.int64)),
            )
            node.output(0).replace(fresh.output(0))
        elif kind == "Reshape" and any(
            port.get_node().get_type_name() in ("Result", "Concat") for port in node.output(0).get_target_inputs()
        ):
            batch, _, channels = node.get_output_shape(0)
            shape = ops.constant(np.array([batch, -1, channels], np.int64))
            node.input(1).replace_source_output(shape.output(0))
    port = model.inputs[0]
    batch, _, _, channels = port.get_shape()
    model.reshape({port: openvino.PartialShape([int(batch), -1, -1, int(channels)])})
