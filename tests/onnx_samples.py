"""Owns the little ONNX networks that tests run; made with the onnx package, in opset 17."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="the onnx package makes the networks of these tests")

Shape = Sequence[int | str | None]


def save(path: Path, nodes: list, inputs: dict, outputs: dict, weights: dict, **options) -> Path:  # type: ignore[type-arg, no-untyped-def]
    """Write a network; `inputs` and `outputs` are shapes by name, a name in a shape is a free axis."""
    helper, kind = onnx.helper, options.pop("kind", onnx.TensorProto.FLOAT)
    graph = helper.make_graph(
        nodes,
        path.stem,
        [helper.make_tensor_value_info(name, kind, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, kind, shape) for name, shape in outputs.items()],
        [onnx.numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path, **options)
    return path


def kernel(dtype: type = np.float32) -> np.ndarray:  # type: ignore[type-arg]
    """Weights (5, 3, 3, 3) of `convolution`."""
    return np.random.default_rng(0).normal(size=(5, 3, 3, 3)).astype(dtype)


def convolution(path: Path, shape: Shape = ("n", 3, "h", "w"), *, dtype: type = np.float32, **options: object) -> Path:
    """`input` (N, 3, H, W) -> `maps` (N, 5, H, W), a convolution and a ReLU, and `mean` (N, 5) of the maps."""
    node = onnx.helper.make_node
    nodes = [
        node("Conv", ["input", "kernel"], ["raw"], pads=[1, 1, 1, 1]),
        node("Relu", ["raw"], ["maps"]),
        node("ReduceMean", ["maps"], ["mean"], axes=[2, 3], keepdims=0),
    ]
    outputs = {"maps": [shape[0], 5, *shape[2:]], "mean": [shape[0], 5]}
    kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return save(path, nodes, {"input": list(shape)}, outputs, {"kernel": kernel(dtype)}, kind=kind, **options)


def answering(path: Path, outputs: dict[str, Shape], shape: Shape = ("n", 3, "h", "w")) -> Path:
    """`input` (N, 3, H, W) -> outputs of these shapes per item, each filled with the item's mean."""
    node = onnx.helper.make_node
    nodes, weights = [node("ReduceMean", ["input"], ["item"], axes=[1, 2, 3], keepdims=0)], {}
    for name, item in outputs.items():
        weights |= {f"{name} ones": np.array([-1, *[1] * len(item)], np.int64)}
        weights |= {f"{name} zeros": np.zeros((1, *item), np.float32)}
        nodes += [node("Reshape", ["item", f"{name} ones"], [f"{name} mean"])]
        nodes += [node("Add", [f"{name} mean", f"{name} zeros"], [name])]
    return save(path, nodes, {"input": list(shape)}, {n: [shape[0], *s] for n, s in outputs.items()}, weights)


def convolved(x: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    """What `convolution` gives as `maps`, in float64."""
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))  # (N, 3, H, W, 3, 3)
    return np.maximum(np.einsum("nchwij,ocij->nohw", windows, kernel().astype(np.float64)), 0)


def items(count: int, shape: Sequence[int] = (3, 8, 6), seed: int = 0) -> np.ndarray:  # type: ignore[type-arg]
    """Random items (count, ...) float32."""
    return np.random.default_rng(seed).normal(size=(count, *shape)).astype(np.float32)
