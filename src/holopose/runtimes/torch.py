"""Owns torch as a runtime: modules of `holopose.nets`, or anybody's, with named arrays in and out.

Computes in true f32 unless asked otherwise: torch's own default lets NVIDIA cards round convolutions to 10 bits (TF32).
"""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.errors import BackendError

__all__ = ["TorchRuntime", "list_devices", "load_torch"]

Arrays = Mapping[str, npt.NDArray[Any]]

_PRECISIONS = ("f32", "bf16", "f16")
_CPU_ITEMS = 4
"""Items that a CPU computes at once: more are not quicker there and take memory."""

_exact = threading.RLock()


def load_torch() -> ModuleType:
    """The torch module.

    Raises:
        BackendError: it is not installed or does not load.
    """
    try:
        import torch
    except (ImportError, OSError) as error:
        raise BackendError(f'torch does not load ({error}); install it with: pip install "holopose[torch]"') from error
    return torch  # type: ignore[no-any-return]


def list_devices() -> list[str]:
    """Devices that torch finds here, such as ``cpu``, ``cuda:0``, ``mps``.

    Raises:
        BackendError: torch is not installed or does not load.
    """
    torch = load_torch()
    cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    metal = ["mps"] if torch.backends.mps.is_available() else []
    return ["cpu", *(f"cuda:{number}" for number in range(cards)), *metal]


class TorchRuntime:
    """One module, in evaluation mode, on one device.

    Threads may share it: a module in evaluation mode is only read, torch needs no lock for that, and there is none. The
    one exception is f32 on NVIDIA cards, where what torch keeps for the whole process is set while work is handed over.

    Args:
        module: Takes its inputs in order and returns a tensor or a sequence of them. It is moved to the device.
        outputs: Names for what it returns.
        inputs: Names for what it takes.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        precision: ``f32``; ``bf16`` or ``f16`` = torch's autocast, which keeps f32 where it matters.
        threads: CPU threads, 0 = as torch has it. Torch knows one number for the process: this sets it for everybody.

    Raises:
        BackendError: torch is missing, or the device is not there or cannot do it. Nothing else is used instead.
    """

    name = "torch"

    def __init__(
        self,
        module: Any,
        *,
        outputs: Sequence[str] = ("output",),
        inputs: Sequence[str] = ("input",),
        device: str = "cpu",
        precision: str = "f32",
        threads: int = 0,
    ) -> None:
        torch = load_torch()
        if precision not in _PRECISIONS:
            raise BackendError(f"precision: expected {', '.join(_PRECISIONS)}, got {precision!r}")
        if threads < 0:
            raise BackendError(f"threads: expected 0 or more, got {threads}")
        self._torch = torch
        self._target = _find_device(device)
        self._dtype = {"f32": None, "bf16": torch.bfloat16, "f16": torch.float16}[precision]
        if self._dtype is not None and not _can_lower(torch, self._target, self._dtype):
            raise BackendError(f"precision: {device} does not compute in {precision} here; expected f32")
        if threads:
            torch.set_num_threads(threads)
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.version = str(torch.__version__)
        self.precision = precision
        self._pieces: dict[tuple[tuple[int, ...], ...], int] = {}
        with _told(torch, f"{type(module).__name__} does not go to {device}"):
            self._module = module.eval().to(self._target)
        tensors = [*self._module.parameters(), *self._module.buffers()]
        places = dict.fromkeys(str(tensor.device) for tensor in tensors)
        self._device = ",".join(places) or str(self._target)

    @property
    def device(self) -> str:
        """Where the module's tensors are, such as ``cuda:0``."""
        return self._device

    def run(self, inputs: Arrays) -> dict[str, npt.NDArray[Any]]:
        """Outputs by name, float32 where the module computed in less; the arrays are the caller's own.

        Raises:
            BackendError: names or shapes do not fit, memory is short, or the runtime is closed.
        """
        feed = self._feed(inputs)
        try:
            return self._land([self._forward(feed)])
        except RuntimeError as error:
            if not _is_memory(error):
                raise
            self._free()
            raise BackendError(f"inference failed: {self._device} is out of memory") from error

    def run_many(self, inputs: Sequence[Arrays]) -> list[dict[str, npt.NDArray[Any]]]:
        """The same for several sets of inputs, one after the other: each has all of the device.

        Raises:
            BackendError: as `run`.
        """
        return [self.run(one) for one in inputs]

    def run_batch(self, inputs: Arrays) -> dict[str, npt.NDArray[Any]]:
        """Outputs for inputs whose first axis counts independent items, in as few pieces as memory allows.

        Where the device has too little memory, pieces are halved until they fit, also for later calls.

        Raises:
            BackendError: as `run`; a single item does not fit.
        """
        feed = self._feed(inputs)
        count = len(feed[0])
        if any(len(array) != count for array in feed):
            raise BackendError(f"inputs: expected as many items in each, got {', '.join(str(len(a)) for a in feed)}")
        if count == 0:
            raise BackendError("inputs: expected at least one item, got none")
        shapes = tuple(array.shape[1:] for array in feed)
        size = min(count, self._pieces.get(shapes, _CPU_ITEMS if self._target.type == "cpu" else count))
        done: list[Any] = []
        start = 0
        while start < count:
            try:
                piece = self._forward([array[start : start + size] for array in feed])
            except RuntimeError as error:
                if not _is_memory(error):
                    raise
                if size == 1:
                    raise BackendError(
                        f"inference failed: {self._device} has too little memory for one item"
                    ) from error
            else:
                done.append(piece)
                start += size
                continue
            self._free()  # outside the handler, whose error holds on to tensors
            size = self._pieces[shapes] = size // 2
        return self._land(done)

    def _feed(self, inputs: Arrays) -> list[npt.NDArray[Any]]:
        if self._module is None:
            raise BackendError("this runtime is closed; load the model again")
        if set(inputs) != set(self.inputs):
            raise BackendError(f"inputs: expected {', '.join(self.inputs)}, got {', '.join(inputs)}")
        return [_plain(inputs[name], name) for name in self.inputs]

    def _forward(self, feed: Sequence[npt.NDArray[Any]]) -> tuple[Any, ...]:
        """Tensors on the way to the host: on a card they are ready after the next synchronization.

        Raises:
            BackendError: the module refuses the inputs.
            RuntimeError: memory is short.
        """
        torch = self._torch
        module = self._module
        if module is None:
            raise BackendError("this runtime is closed; load the model again")
        card = self._target.type == "cuda"
        with _told(torch, "inference failed"), torch.inference_mode(), self._numbers():
            tensors = [torch.from_numpy(array) for array in feed]
            if card:
                tensors = [tensor.pin_memory().to(self._target, non_blocking=True) for tensor in tensors]
            else:
                tensors = [tensor.to(self._target) for tensor in tensors]
            answer = module(*tensors)
            found = tuple(answer) if isinstance(answer, (tuple, list)) else (answer,)
            if len(found) != len(self.outputs) or not all(isinstance(one, torch.Tensor) for one in found):
                kinds = ", ".join(type(one).__name__ for one in found)
                raise BackendError(f"outputs: expected tensors for {', '.join(self.outputs)}, the module gave {kinds}")
            low = (torch.bfloat16, torch.float16)
            found = tuple(one.float() if one.dtype in low else one for one in found)
            if not card:
                return tuple(one.cpu() for one in found)
            hosts = [torch.empty(one.shape, dtype=one.dtype, pin_memory=True) for one in found]
            return tuple(host.copy_(one, non_blocking=True) for host, one in zip(hosts, found, strict=True))

    def _land(self, pieces: Sequence[tuple[Any, ...]]) -> dict[str, npt.NDArray[Any]]:
        """Arrays of pieces that are on their way, joined along the first axis."""
        if self._target.type == "cuda":
            with _told(self._torch, "inference failed"):
                self._torch.cuda.current_stream(self._target).synchronize()
        columns = zip(*([tensor.numpy() for tensor in piece] for piece in pieces), strict=True)
        return {
            name: column[0].copy() if len(column) == 1 else np.concatenate(column)
            for name, column in zip(self.outputs, columns, strict=True)
        }

    @contextlib.contextmanager
    def _numbers(self) -> Iterator[None]:
        """What precision asks of torch."""
        if self._dtype is not None:
            with self._torch.autocast(self._target.type, dtype=self._dtype):
                yield
        elif self._target.type == "cuda":
            with _exact, exact_convolutions(self._torch), self._torch.autocast("cuda", enabled=False):
                yield
        else:
            yield

    def _free(self) -> None:
        if self._target.type == "cuda":
            self._torch.cuda.empty_cache()
        elif self._target.type == "mps":
            self._torch.mps.empty_cache()

    def close(self) -> None:
        """Let go of the module and its memory."""
        if self._module is not None:
            self._module = None
            self._free()


@contextlib.contextmanager
def exact_convolutions(torch: Any) -> Iterator[None]:
    """Convolutions on NVIDIA cards in all 24 bits of f32; what was set before is put back."""
    cudnn = torch.backends.cudnn
    convolution: Any = getattr(cudnn, "conv", None)
    if hasattr(convolution, "fp32_precision"):  # torch 2.9 and later
        before = convolution.fp32_precision
        convolution.fp32_precision = "ieee"
        try:
            yield
        finally:
            convolution.fp32_precision = before
    else:
        before = cudnn.allow_tf32
        cudnn.allow_tf32 = False
        try:
            yield
        finally:
            cudnn.allow_tf32 = before


def _find_device(device: str) -> Any:
    """A torch device that is there.

    Raises:
        BackendError: it is not; what is there is named.
    """
    torch = load_torch()
    here = list_devices()
    try:
        found = torch.device(device.lower())
    except RuntimeError as error:
        raise BackendError(f"device: expected {', '.join(here)}, got {device!r}") from error
    if found.type == "cuda" and found.index is None and "cuda:0" in here:
        found = torch.device("cuda", torch.cuda.current_device())
    if (str(found) if found.type == "cuda" else found.type) not in here:
        built = (
            "" if found.type != "cuda" or torch.version.cuda else f"; torch {torch.__version__} is built without CUDA"
        )
        raise BackendError(f"device {device!r} is not there; torch finds {', '.join(here)} here{built}")
    return found


def _can_lower(torch: Any, device: Any, dtype: Any) -> bool:
    """Whether autocast really takes this precision; where it does not, it only warns and computes in f32."""
    if dtype == torch.bfloat16 and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with torch.autocast(device.type, dtype=dtype):
                return bool(torch.is_autocast_enabled(device.type))
    except RuntimeError:
        return False


def _plain(array: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    """An array that torch can take as it is: whole, in this machine's byte order, f32 for f64.

    Raises:
        BackendError: it holds no numbers.
    """
    if array.dtype.kind not in "fiub" or array.ndim == 0:
        raise BackendError(f"inputs: expected numbers for {name}, got {array.dtype} of shape {array.shape}")
    if array.dtype.kind == "f" and array.dtype != np.float16:
        array = np.asarray(array, np.float32)
    array = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
    return array if array.flags.writeable else array.copy()  # torch warns of what it cannot write to


@contextlib.contextmanager
def _told(torch: Any, what: str) -> Iterator[None]:
    """Turns what torch and modules raise into one line; a lack of memory goes through.

    Raises:
        BackendError: the block failed.
    """
    try:
        yield
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        if _is_memory(error):
            raise
        raise BackendError(f"{what}: {_first_line(error)}") from error


def _is_memory(error: BaseException) -> bool:
    """Whether a device, or the host, had no memory left: torch has a class for that only on some devices."""
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(
        words in text for words in ("out of memory", "can't allocate memory", "cudnn_status_alloc_failed")
    )


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
