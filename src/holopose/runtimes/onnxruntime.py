"""Owns ONNX Runtime: runs ONNX files on the device that was asked for and on no other.

ONNX Runtime itself falls back to the CPU, in silence, where a GPU is not to be had; here that is an error.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.errors import BackendError, ModelError
from holopose.runtimes.onnx_devices import KINDS, load_onnxruntime, parse_device
from holopose.runtimes.pieces import count_items, cut, fits, join, spell

__all__ = ["OnnxRuntime"]

Arrays = Mapping[str, npt.NDArray[Any]]
Answer = dict[str, npt.NDArray[Any]]

_MOST_AT_ONCE = 32  # items of one batch on a GPU: bounds memory
_MOST_PER_THREAD = 4  # the same for one thread of a CPU, where larger batches gain nothing
_CLOSED = "this runtime is closed; load the model again"
_LONGEST = 300  # characters of somebody else's message
_DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
}


class OnnxRuntime:
    """One network in an ONNX file.

    Args:
        path: The ``.onnx`` file; weights that it keeps in other files are looked for beside it.
        device: ``cpu``, ``cuda``, ``tensorrt``, ``coreml``, ``openvino`` or ``directml``; ``cuda:1`` is the second GPU.
        precision: ``f32``; ``f16`` for a file that computes in it; TensorRT also turns f32 into ``f16`` or ``bf16``.
        threads: CPU threads, 0 = all processors that this process may use.
        item_shape: Shape of one item of the first input, such as (3, 256, 192): the file must allow it.

    Raises:
        ModelError: the file is missing, broken, lacks files with its weights, or takes items of another shape.
        BackendError: the device is not there or not what would run, or cannot compute in that precision.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        device: str = "cpu",
        precision: str = "f32",
        threads: int = 0,
        item_shape: Sequence[int] | None = None,
    ) -> None:
        path = Path(path)
        if not path.is_file():
            raise ModelError(f"{path}: no such model file; expected an .onnx file")
        if precision not in ("f32", "bf16", "f16"):
            raise BackendError(f"precision: expected f32, bf16 or f16, got {precision!r}")
        if threads < 0:
            raise BackendError(f"threads: expected 0 (all) or more, got {threads}")
        self._name, self._number = parse_device(device)
        self._threads = threads or _count_processors()
        self._module = load_onnxruntime(with_cuda=self._name in ("cuda", "tensorrt"))
        if self._name == "tensorrt" and precision == "f32":  # it rounds to TF32 unless told so, for the whole process
            os.environ.setdefault("NVIDIA_TF32_OVERRIDE", "0")
        self._open = partial(self._open_session, path, precision)
        self._session: Any = self._open(self._threads)
        self._check_provider(device)
        ports = self._session.get_inputs()
        self.inputs = tuple(port.name for port in ports)
        self.outputs = tuple(port.name for port in self._session.get_outputs())
        self.name = "ONNX Runtime"
        self.version = str(self._module.__version__)
        self.precision = self._find_precision(path.name, ports[0].type, precision)
        self._dtypes = {port.name: _DTYPES.get(port.type) for port in ports}
        shape = list(ports[0].shape)
        if item_shape is not None and not fits(shape[1:], item_shape):
            raise ModelError(f"{path}: takes items of shape {spell(shape[1:])}, got {spell(item_shape)}")
        self._fixed = shape[0] if shape and isinstance(shape[0], int) else 0
        self._lock = threading.Lock() if self._name == "directml" else nullcontext()  # it can do only one at a time
        self._side_lock = threading.Lock()
        self._single: Any = None  # opened when things first run side by side
        self._pool: ThreadPoolExecutor | None = None
        self._closed = False

    def _open_session(self, path: Path, precision: str, threads: int) -> Any:
        """A session with the wanted provider, and the CPU for what that cannot do; fallback to others is off."""
        kind = KINDS[self._name]
        options = self._module.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Threads that wait for the next run in a loop take the processors of the next network, and of everybody else.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
        options.enable_mem_pattern = self._name != "directml"  # which cannot have it
        providers: list[Any] = [(kind.provider, kind.settings(self._number, precision))]
        if self._name != "cpu":
            providers.append("CPUExecutionProvider")
        state = self._module.capi.onnxruntime_pybind11_state
        broken = (state.InvalidProtobuf, state.InvalidGraph, state.NoSuchFile, state.NoModel, state.InvalidArgument)
        try:
            return self._module.InferenceSession(str(path), options, providers=providers, enable_fallback=0)
        except broken as error:
            raise ModelError(f"{path}: ONNX Runtime cannot read it as a network ({_one_line(error)})") from error
        except (state.Fail, state.RuntimeException) as error:
            if self._name == "cpu":  # a processor is always there: it is the file
                raise ModelError(f"{path}: ONNX Runtime cannot read it as a network ({_one_line(error)})") from error
            raise BackendError(f"{path.name} does not run on {self._name!r}: {_one_line(error)}") from error
        except (state.NotImplemented, state.EPFail, RuntimeError, ValueError) as error:
            raise BackendError(f"{path.name} does not run on {self._name!r}: {_one_line(error)}") from error

    def _check_provider(self, device: str) -> None:
        """Refuse what would run elsewhere than asked.

        Raises:
            BackendError: the session does not have the wanted provider, or gives it nothing to do.
        """
        kind = KINDS[self._name]
        active = self._session.get_providers()
        if active[0] != kind.provider:
            raise BackendError(
                f"device {device!r} was asked for, but ONNX Runtime would run on {_plain(active[0])}: what the device "
                f"needs is missing or does not fit version {self._module.__version__}{kind.needs}; mend it, or choose "
                "device cpu"
            )
        self.placement = self._count_nodes()
        if self.placement and not self.placement.get(kind.provider):
            raise BackendError(
                f"device {device!r} was asked for, but cannot compute any part of this network; choose device cpu"
            )

    def _count_nodes(self) -> dict[str, int]:
        """How many nodes run on each provider; empty where this version of ONNX Runtime does not tell."""
        tell = getattr(self._session, "get_provider_graph_assignment_info", None)
        counts: dict[str, int] = {}
        for part in tell() if tell is not None else ():
            counts[part.ep_name] = counts.get(part.ep_name, 0) + len(part.get_nodes())
        return counts

    def _find_precision(self, name: str, kind_of_input: str, asked: str) -> str:
        """What it computes in.

        Raises:
            BackendError: that is not what was asked for.
        """
        own = "f16" if kind_of_input == "tensor(float16)" else "f32"
        able = KINDS[self._name].precisions if own == "f32" else (own,)
        if asked not in able:
            hint = "; a file that was converted to f16 runs in f16" if asked == "f16" else ""
            raise BackendError(
                f"precision {asked!r}: ONNX Runtime computes {name} in {' or '.join(able)} on {self._name!r}{hint}"
            )
        return asked

    @property
    def device(self) -> str:
        """What really runs, such as ``CPU``, ``CUDA:0``, ``CoreML (383 of 415 nodes, the others on CPU)``."""
        kind = KINDS[self._name]
        word = kind.spelled + (f":{self._number}" if kind.numbered else "")
        total, mine = sum(self.placement.values()), self.placement.get(kind.provider, 0)
        return word if mine == total else f"{word} ({mine} of {total} nodes, the others on CPU)"

    def run(self, inputs: Arrays) -> Answer:
        """Outputs by name; the arrays are the caller's own.

        Raises:
            BackendError: a name or shape does not fit, or the runtime is closed.
        """
        return self._run(self._feed(inputs))

    def run_many(self, inputs: Sequence[Arrays]) -> list[Answer]:
        """The same for several sets of inputs, in order.

        On a CPU as many run side by side as there are threads: that wastes less than all threads on one after another.

        Raises:
            BackendError: as `run`.
        """
        return self._answer_all([self._feed(one) for one in inputs])

    def run_batch(self, inputs: Arrays) -> Answer:
        """Outputs for any number of independent items.

        On a CPU every thread takes its share of them, and those left over are one batch for all threads; on a GPU they
        are batches of up to 32. A network made for a fixed number of items gets that many at a time.

        Raises:
            BackendError: as `run`; or there is no item.
        """
        feed = self._feed(inputs)
        count = count_items(feed)
        if count == 0:
            raise BackendError("a batch: expected at least one item, got none")
        if self._fixed:
            return join(self._answer_all(cut(feed, self._fixed, pad=True)), count)
        together = self._even(count)
        share = together // self._threads if together else 1
        shares = [cut(feed, _MOST_PER_THREAD, begin=i, end=i + share) for i in range(0, together, share)]
        answers = [one for ours in self._side_by_side(shares) for one in ours]
        answers += [self._run(piece) for piece in cut(feed, _MOST_AT_ONCE, begin=together)]
        return join(answers, count)

    def _answer_all(self, feeds: Sequence[Answer]) -> list[Answer]:
        """Answers in order: side by side as far as the threads have equally much to do, the rest one by one."""
        together = self._even(len(feeds))
        shares = [feeds[i : together : self._threads] for i in range(self._threads)] if together else []
        rounds = zip(*self._side_by_side(shares), strict=True)
        return [*(answer for answers in rounds for answer in answers), *(self._run(feed) for feed in feeds[together:])]

    def _even(self, count: int) -> int:
        """How many of `count` items can be shared out evenly among the threads of a CPU."""
        return count - count % self._threads if self._name == "cpu" and self._threads > 1 else 0

    def _side_by_side(self, shares: Sequence[Sequence[Answer]]) -> list[list[Answer]]:
        """Answers to each share, one per thread: the members of one after another, the shares at the same time.

        They run in a session whose runs take the thread that calls and no other: what is computed side by side with
        a common pool of threads gets into each other's way. It has its own copy of the weights, which ONNX Runtime
        arranges anew in every session, and is opened when first needed.
        """
        if not shares:
            return []
        with self._side_lock:
            if self._closed:
                raise BackendError(_CLOSED)
            if self._single is None:
                self._single = self._open(1)
                self._pool = ThreadPoolExecutor(self._threads - 1, thread_name_prefix="holopose-onnx")
            single, pool = self._single, self._pool
        assert pool is not None

        def work(share: Sequence[Answer]) -> list[Answer]:
            return [self._run(feed, single) for feed in share]

        try:
            others = [pool.submit(work, share) for share in shares[1:]]
        except RuntimeError as error:  # closed by another thread just now
            raise BackendError(_CLOSED) from error
        try:
            return [work(shares[0]), *(other.result() for other in others)]
        finally:
            wait(others)  # after an error too: they read the caller's arrays

    def _feed(self, inputs: Arrays) -> Answer:
        if self._closed:
            raise BackendError(_CLOSED)
        if set(inputs) != set(self.inputs):
            raise BackendError(f"inputs: expected {', '.join(self.inputs)}, got {', '.join(inputs)}")
        return {name: np.ascontiguousarray(array, self._dtypes[name]) for name, array in inputs.items()}

    def _run(self, feed: Answer, session: Any = None) -> Answer:
        session = self._session if session is None else session
        if session is None:
            raise BackendError(_CLOSED)
        state = self._module.capi.onnxruntime_pybind11_state
        try:
            with self._lock:
                outputs = session.run(None, feed)
        except (state.InvalidArgument, state.Fail, state.RuntimeException, state.EPFail, state.NotImplemented) as error:
            raise BackendError(f"inference failed: {_one_line(error)}") from error
        except (RuntimeError, ValueError) as error:
            raise BackendError(f"inference failed: {_one_line(error)}") from error
        return {
            name: array.astype(np.float32) if array.dtype == np.float16 else array
            for name, array in zip(self.outputs, outputs, strict=True)
        }

    def close(self) -> None:
        """Let go of the network and of threads."""
        with self._side_lock:
            self._closed = True
            pool = self._pool
            self._session = self._single = self._pool = None
        if pool is not None:
            pool.shutdown(wait=False)


def _count_processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _plain(provider: str) -> str:
    """What holopose calls a provider."""
    return next((name for name, kind in KINDS.items() if kind.provider == provider), provider)


def _one_line(error: Exception) -> str:
    """What ONNX Runtime says is wrong, without its own codes and places."""
    words = re.sub(r"\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ", "", " ".join(str(error).split()))
    words = re.sub(r"^/\S+\.(cc|h):\d+ \S.*?\) ", "", words)
    return words if len(words) <= _LONGEST else words[:_LONGEST] + " ..."
