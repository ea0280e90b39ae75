"""Owns trying out what is installed: every device of every runtime on a network whose answer is known.

The network is one convolution, written here byte by byte, so that nothing has to be fetched for it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.cli.console import one_line
from holopose.cli.diagnosis import Problem, Report, version_of
from holopose.errors import BackendError, HoloposeError
from holopose.protocols import Runtime

__all__ = ["known_answer", "known_network", "known_picture", "try_runtimes"]

PRECISIONS = ("f32", "bf16", "f16")
_MOST_OFF = {"f32": 1e-4, "bf16": 0.05, "f16": 0.01}
"""Largest error allowed, as a share of the largest number; f32 that is rounded to TF32 is off by more."""

Floats = npt.NDArray[np.float32]


def known_kernel() -> Floats:
    """Weights (8, 8, 3, 3) of the convolution."""
    return np.random.default_rng(0).normal(size=(8, 8, 3, 3)).astype(np.float32)


def known_picture() -> Floats:
    """What the network is shown: (1, 8, 16, 16)."""
    return np.random.default_rng(1).normal(size=(1, 8, 16, 16)).astype(np.float32)


def known_answer() -> npt.NDArray[np.float64]:
    """What it must answer: (1, 8, 14, 14)."""
    windows = np.lib.stride_tricks.sliding_window_view(known_picture().astype(np.float64), (3, 3), axis=(2, 3))
    answer: npt.NDArray[np.float64] = np.einsum("nchwij,ocij->nohw", windows, known_kernel().astype(np.float64))
    return answer


def known_network() -> bytes:
    """The convolution as an ONNX file: x to y; field numbers are those of onnx.proto."""

    def tensor(name: str, shape: Sequence[int]) -> bytes:
        axes = b"".join(_field(1, _field(1, axis)) for axis in shape)
        return _field(1, name) + _field(2, _field(1, _field(1, 1) + _field(2, axes)))  # of float

    kernel = known_kernel()
    weights = b"".join(_field(1, axis) for axis in kernel.shape) + _field(2, 1) + _field(8, "w")
    node = _field(1, "x") + _field(1, "w") + _field(2, "y") + _field(4, "Conv")
    graph = _field(1, node) + _field(2, "known") + _field(5, weights + _field(9, kernel.astype("<f4").tobytes()))
    graph += _field(11, tensor("x", known_picture().shape)) + _field(12, tensor("y", (1, 8, 14, 14)))
    return _field(1, 8) + _field(7, graph) + _field(8, _field(2, 13))


def _field(number: int, value: int | str | bytes) -> bytes:
    """One field of a protocol buffer."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    """A number in groups of seven bits, the lowest first."""
    groups = bytearray()
    while value > 127:
        groups.append(value & 127 | 128)
        value >>= 7
    return bytes([*groups, value])


def try_runtimes(report: Report) -> None:
    """Add every runtime to the report: version, devices, what really runs on each; problems of those installed."""
    with tempfile.TemporaryDirectory(prefix="holopose-doctor-") as folder:
        path = Path(folder) / "known.onnx"
        path.write_bytes(known_network())
        report.runtimes += [_openvino(report, path), _onnxruntime(report, path), _torch(report)]


def _openvino(report: Report, path: Path) -> dict[str, Any]:
    from holopose.runtimes import openvino

    found: dict[str, Any] = {"name": "openvino", "version": version_of("openvino"), "telemetry": "blocked"}
    try:
        openvino.load_openvino()
        found["devices"] = openvino.list_devices()
    except HoloposeError as error:
        report.problems.append(Problem(one_line(error), "python -m pip install --force-reinstall openvino"))
        return found
    _try_devices(
        report,
        found,
        lambda device, precision: openvino.OpenVinoRuntime(path, device=device, precision=precision),
        needed=("CPU",),  # others may refuse a network for good reasons
        mend="python -m pip install --force-reinstall openvino",
    )
    return found


def _onnxruntime(report: Report, path: Path) -> dict[str, Any]:
    from holopose.runtimes import onnx_devices, onnxruntime

    found: dict[str, Any] = {"name": "onnxruntime", "version": None, "telemetry": "off"}
    if not report.onnxruntime_wheels:
        return found | {"install": 'python -m pip install "holopose[onnx]", or "holopose[cuda]" for an NVIDIA GPU'}
    found["version"] = " and ".join(dict.fromkeys(report.onnxruntime_wheels.values()))
    try:
        found["devices"] = onnx_devices.list_devices()
    except BackendError as error:
        names = " ".join(report.onnxruntime_wheels)
        report.problems.append(Problem(one_line(error), f"python -m pip install --force-reinstall {names}"))
        return found
    _try_devices(
        report,
        found,
        lambda device, precision: onnxruntime.OnnxRuntime(path, device=device, precision=precision),
        needed=found["devices"],
        mend="mend what the line names (driver, CUDA, cuDNN, their versions), or do not ask for this device",
    )
    return found


def _torch(report: Report) -> dict[str, Any]:
    from holopose.runtimes import torch as torch_runtime

    found: dict[str, Any] = {"name": "torch", "version": version_of("torch"), "telemetry": "none"}
    if found["version"] is None:
        return found | {"install": 'python -m pip install "holopose[torch]"'}
    try:
        torch = torch_runtime.load_torch()
        found["devices"] = torch_runtime.list_devices()
    except BackendError as error:
        report.problems.append(Problem(one_line(error), "python -m pip install --force-reinstall torch"))
        return found

    def open_torch(device: str, precision: str) -> Runtime:
        module = torch.nn.Conv2d(8, 8, 3, bias=False)
        module.load_state_dict({"weight": torch.from_numpy(known_kernel())})
        return torch_runtime.TorchRuntime(module, inputs=("x",), outputs=("y",), device=device, precision=precision)

    mend = "mend the driver or install the torch that fits it (pytorch.org), or do not ask for this device"
    _try_devices(report, found, open_torch, needed=found["devices"], mend=mend)
    return found


def _try_devices(
    report: Report,
    found: dict[str, Any],
    open_runtime: Callable[[str, str], Runtime],
    *,
    needed: Sequence[str],
    mend: str,
) -> None:
    """Fill in ``runs`` (device and precision asked for -> what runs) and ``failed`` (-> why it does not)."""
    runs: dict[str, str] = {}
    failed: dict[str, str] = {}
    found |= {"runs": runs, "failed": failed}
    for device in found["devices"]:
        for precision in PRECISIONS:
            asked = f"{device} {precision}"
            try:
                runs[asked] = _try(open_runtime, device, precision)
            except HoloposeError as error:
                if precision != "f32":
                    continue  # not every device has every precision
                failed[asked] = one_line(error)
                if device in needed:
                    report.problems.append(Problem(f"{found['name']} on {device}: {failed[asked]}", mend))


def _try(open_runtime: Callable[[str, str], Runtime], device: str, precision: str) -> str:
    """What really runs, such as ``CPU, f32``.

    Raises:
        HoloposeError: nothing does, or not with the right numbers.
    """
    runtime = open_runtime(device, precision)
    try:
        [answer] = runtime.run({"x": known_picture()}).values()
    finally:
        runtime.close()
    real = getattr(runtime, "precision", precision)
    expected = known_answer()
    off = float(np.abs(answer - expected).max() / np.abs(expected).max()) if answer.shape == expected.shape else np.inf
    if not off <= _MOST_OFF.get(real, 0.0):  # also when it is not a number
        raise BackendError(f"wrong numbers: a convolution in {real} is off by {off:.1e} of its largest number")
    return f"{runtime.device}, {real}"
