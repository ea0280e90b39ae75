"""Owns the devices of ONNX Runtime: what each is called there, what it can do, and the import that tells nobody.

Official builds of ONNX Runtime, those for Linux too, report to their makers over the network from the first import on,
and leave an identity in the home folder. `disable_telemetry_events` comes too late for that: an environment variable
turns it off before the import.
"""

from __future__ import annotations

import contextlib
import io
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

from holopose.errors import BackendError

__all__ = ["KINDS", "Kind", "list_devices", "load_onnxruntime", "parse_device"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of device.

    Attributes:
        provider: What ONNX Runtime calls it.
        spelled: What results say.
        settings: Its options for a device number and a precision.
        package: The command that brings it.
        needs: What it needs besides, for messages.
        precisions: In which it can run a network of f32.
        numbered: Whether there may be several.
    """

    provider: str
    spelled: str
    settings: Callable[[int, str], dict[str, str]]
    package: str
    needs: str = ""
    precisions: tuple[str, ...] = ("f32",)
    numbered: bool = False


_CUDA = """ (the NVIDIA driver; CUDA and cuDNN, which python -m pip install "onnxruntime-gpu[cuda,cudnn]" brings)"""
_SWAP = "python -m pip uninstall -y onnxruntime && python -m pip install "  # two builds overwrite each other

KINDS: dict[str, Kind] = {
    "cpu": Kind(
        provider="CPUExecutionProvider",
        spelled="CPU",
        settings=lambda number, precision: {},
        package='python -m pip install "holopose[onnx]"',
    ),
    "cuda": Kind(
        provider="CUDAExecutionProvider",
        spelled="CUDA",
        settings=lambda number, precision: {
            "device_id": str(number),
            "use_tf32": "0",  # f32 means f32
            "cudnn_conv_algo_search": "HEURISTIC",  # a search at every new batch size takes longer than it saves
        },
        package=_SWAP + '"holopose[cuda]"',
        needs=_CUDA,
        numbered=True,
    ),
    "tensorrt": Kind(
        provider="TensorrtExecutionProvider",
        spelled="TensorRT",
        settings=lambda number, precision: {
            "device_id": str(number),
            "trt_fp16_enable": str(int(precision == "f16")),
            "trt_bf16_enable": str(int(precision == "bf16")),
        },
        package=_SWAP + '"holopose[cuda]" tensorrt',
        needs=_CUDA,
        precisions=("f32", "bf16", "f16"),
        numbered=True,
    ),
    "coreml": Kind(
        provider="CoreMLExecutionProvider",
        spelled="CoreML",
        settings=lambda number, precision: {"ModelFormat": "MLProgram"},  # the older format computes in f16 unasked
        package='python -m pip install "holopose[onnx]" (on a Mac)',
    ),
    "openvino": Kind(
        provider="OpenVINOExecutionProvider",
        spelled="OpenVINO",
        settings=lambda number, precision: {"device_type": "CPU", "precision": "FP32"},
        package=_SWAP + "onnxruntime-openvino",
    ),
    "directml": Kind(
        provider="DmlExecutionProvider",
        spelled="DirectML",
        settings=lambda number, precision: {"device_id": str(number)},
        package=_SWAP + "onnxruntime-directml (on Windows)",
        numbered=True,
    ),
}
"""The devices that a runtime can be asked for, by the name that users give."""

_import_lock = threading.Lock()


def load_onnxruntime(*, with_cuda: bool = False) -> ModuleType:
    """The onnxruntime module, imported with its telemetry turned off.

    Args:
        with_cuda: Load the CUDA and cuDNN libraries too that are installed as Python packages, where there are any.

    Raises:
        BackendError: it is not installed or does not load.
    """
    with _import_lock:
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read once, when its library loads; children inherit it
        try:
            import onnxruntime

            onnxruntime.set_default_logger_severity(4)  # else it writes to the terminal what it also raises
        except (ImportError, OSError, AttributeError) as error:
            raise BackendError(
                f'ONNX Runtime does not load ({error}); install it with: python -m pip install "holopose[onnx]", '
                'or "holopose[cuda]" for an NVIDIA GPU'
            ) from error
        if with_cuda and hasattr(onnxruntime, "preload_dlls"):
            with contextlib.redirect_stdout(io.StringIO()):  # what is missing is told when a network is loaded
                onnxruntime.preload_dlls()
    onnxruntime.disable_telemetry_events()  # what the variable does not reach: builds for Windows' own telemetry
    return onnxruntime  # type: ignore[no-any-return]


def list_devices() -> list[str]:
    """Names of the kinds of devices that the installed ONNX Runtime was built for, such as ``cpu`` and ``cuda``.

    Whether one really runs is known only when a network is loaded.
    """
    available = load_onnxruntime().get_available_providers()
    return [name for name, kind in KINDS.items() if kind.provider in available]


def parse_device(device: str) -> tuple[str, int]:
    """Kind and number of a device.

    Raises:
        BackendError: unknown, or this ONNX Runtime was not built for it.
    """
    name, _, number = device.lower().partition(":")
    if name not in KINDS or (number and (not KINDS[name].numbered or not number.isdecimal())) or device.endswith(":"):
        known = ", ".join(f"{one}[:number]" if kind.numbered else one for one, kind in KINDS.items())
        raise BackendError(f"device {device!r}: ONNX Runtime knows {known}")
    if name not in list_devices():
        raise BackendError(
            f"device {device!r}: the ONNX Runtime installed here has only {', '.join(list_devices())}; "
            f"install: {KINDS[name].package}"
        )
    return name, int(number or 0)
