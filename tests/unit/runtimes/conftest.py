"""Owns the little networks that the tests of runtimes run; they are made here, by OpenVINO's own operations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from holopose.runtimes.openvino import load_openvino


def save(path: Path, inputs: list, outputs: dict) -> Path:  # type: ignore[type-arg]
    """Write a network in full precision: .xml with its .bin beside it."""
    openvino = load_openvino()
    for name, node in outputs.items():
        node.output(0).get_tensor().set_names({name})
    results = [openvino.opset13.result(node) for node in outputs.values()]
    openvino.save_model(openvino.Model(results, inputs, path.stem), path, compress_to_fp16=False)
    return path


@pytest.fixture(scope="session")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with sums.xml, matrix.xml and grid.xml.

    sums: x (1, 4, 6, 3) -> double (its double), sum (1, 3) over height and width, shift (its sum plus 1).
    matrix: x (1, 256) -> y (1, 256), a product with random numbers: what low precision shows in.
    grid: a picture (1, 32, 32, 3) -> rows (1, R, 3): means of 8 px cells, then those of 16 px cells doubled in size.
    """
    folder = tmp_path_factory.mktemp("networks")
    ops = load_openvino().opset13

    x = ops.parameter([1, 4, 6, 3], np.float32, name="x")
    x.output(0).get_tensor().set_names({"x"})
    total = ops.reduce_sum(x, np.array([1, 2], np.int64))
    shift = ops.add(ops.reduce_sum(x, np.array([1, 2], np.int64)), np.float32(1))
    save(folder / "sums.xml", [x], {"double": ops.multiply(x, np.float32(2)), "sum": total, "shift": shift})

    x = ops.parameter([1, 256], np.float32, name="x")
    x.output(0).get_tensor().set_names({"x"})
    weights = np.random.default_rng(0).normal(size=(256, 256)).astype(np.float32)
    save(folder / "matrix.xml", [x], {"y": ops.matmul(x, ops.constant(weights), False, False)})

    x = ops.parameter([1, 32, 32, 3], np.float32, name="picture")
    x.output(0).get_tensor().set_names({"picture"})
    planes = ops.transpose(x, np.array([0, 3, 1, 2]))
    fine, coarse = (
        ops.avg_pool(planes, [side, side], [0, 0], [0, 0], [side, side], False, "floor", "explicit") for side in (8, 16)
    )
    larger = load_openvino().opset11.interpolate(
        coarse,
        ops.constant(np.array([4, 4], np.int64)),
        mode="nearest",
        shape_calculation_mode="sizes",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
        axes=ops.constant(np.array([2, 3], np.int64)),
    )
    rows = [
        ops.reshape(ops.transpose(plane, np.array([0, 2, 3, 1])), np.array([1, 16, 3]), False)
        for plane in (fine, larger)
    ]
    save(folder / "grid.xml", [x], {"rows": ops.concat(rows, 1)})
    return folder
