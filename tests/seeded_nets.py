"""Networks whose every tensor follows from its name, as in `reference/network_outputs.json` of the shared folder.

So a network can be checked to its last layer without anybody's weights.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

__all__ = ["manifest", "relative_errors", "seed_by_name", "seeded_input", "seeded_tensor"]


def seeded_tensor(name: str, shape: Sequence[int]) -> npt.NDArray[np.float32] | npt.NDArray[np.int64]:
    """What the tensor of that name and shape holds: its distribution depends on the last word of the name."""
    kind = name.rpartition(".")[2]
    if kind == "num_batches_tracked":
        return np.zeros(shape, np.int64)
    normal = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(tuple(shape))
    if kind == "running_var":
        values = 1 + 0.1 * np.abs(normal)
    elif kind == "running_mean":
        values = 0.05 * normal
    elif kind == "bias":
        values = 0.01 * normal
    elif normal.ndim == 1:
        values = 1 + 0.1 * normal
    else:
        values = normal * np.sqrt(1 / np.prod(shape[1:]))
    return np.asarray(values, np.float32)


def seed_by_name(module: torch.nn.Module) -> torch.nn.Module:
    """The module itself, in eval mode, with every tensor of its state dict filled from its name."""
    state = module.state_dict()
    module.load_state_dict({n: torch.from_numpy(seeded_tensor(n, t.shape)) for n, t in state.items()}, assign=True)
    return module.eval().requires_grad_(False)


def seeded_input(shape: Sequence[int], seed: int = 0) -> npt.NDArray[np.float32]:
    """The input that goes with it: seed 0 for the first, 1 for the second."""
    return np.random.default_rng(seed).standard_normal(tuple(shape)).astype(np.float32)


def manifest(build: Callable[[], torch.nn.Module]) -> dict[str, list[int]]:
    """Name -> shape of every tensor of a module, which is built without memory for them."""
    with torch.device("meta"):
        module = build()
    return {name: list(tensor.shape) for name, tensor in module.state_dict().items()}


def relative_errors(outputs: Sequence[torch.Tensor], expected: Sequence[Mapping[str, Any]]) -> list[float]:
    """Per output, the largest difference from the stored figures and values, as a share of its largest magnitude.

    Args:
        outputs: What the network gave, in order.
        expected: ``outputs`` of the entry in the stored file: shape, mean, std, absmax and values at flat indices.
    """
    assert [list(output.shape) for output in outputs] == [one["shape"] for one in expected]
    errors = []
    for output, one in zip(outputs, expected, strict=True):
        values = output.detach().double().numpy().ravel()
        pairs = [(values[int(index)], value) for index, value in one["at"].items()]
        pairs += [(values.mean(), one["mean"]), (values.std(), one["std"]), (np.abs(values).max(), one["absmax"])]
        errors.append(max(abs(got - want) for got, want in pairs) / one["absmax"])
    return errors
