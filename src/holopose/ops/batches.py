"""Owns running pictures of several sizes: those of one size go through a network as one batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.protocols import Runtime

__all__ = ["run_sizes"]


def run_sizes(
    runtime: Runtime, tensors: Sequence[npt.NDArray[np.float32]], *, batch: int = 8
) -> list[tuple[npt.NDArray[Any], ...]]:
    """Outputs for each tensor (C, H, W), in the network's order, without the axis that counts items.

    Args:
        runtime: Network with one input.
        tensors: Of any sizes.
        batch: At most so many together.

    >>> from holopose.runtimes.fake import FakeRuntime
    >>> runtime = FakeRuntime(lambda inputs: {"output": inputs["input"].sum(axis=(2, 3))})
    >>> tall, flat = np.ones((1, 3, 2), np.float32), np.ones((1, 1, 2), np.float32)
    >>> [outputs[0].tolist() for outputs in run_sizes(runtime, [tall, flat, tall])], len(runtime.calls)
    ([[6.0], [2.0], [6.0]], 2)
    """
    alike: dict[tuple[int, ...], list[int]] = {}
    for number, tensor in enumerate(tensors):
        alike.setdefault(tensor.shape, []).append(number)
    answers: dict[int, tuple[npt.NDArray[Any], ...]] = {}
    for numbers in alike.values():
        for at in range(0, len(numbers), batch):
            some = numbers[at : at + batch]
            outputs = runtime.run_batch({runtime.inputs[0]: np.stack([tensors[n] for n in some])})
            for place, number in enumerate(some):
                answers[number] = tuple(outputs[name][place] for name in runtime.outputs)
    return [answers[number] for number in range(len(tensors))]
