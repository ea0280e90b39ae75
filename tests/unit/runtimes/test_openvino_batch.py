"""OpenVINO on ONNX files that leave the batch and the size of pictures open, and batches of any number of items."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holopose.errors import BackendError, ModelError
from holopose.runtimes.openvino import OpenVinoRuntime

onnx_samples = pytest.importorskip("onnx_samples")

ITEM = (3, 8, 6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """free.onnx leaves everything open, many.onnx the number of items; one.onnx and three.onnx nothing."""
    folder = tmp_path_factory.mktemp("onnx")
    onnx_samples.convolution(folder / "free.onnx")
    for name, count in {"many": "n", "one": 1, "three": 3}.items():
        onnx_samples.convolution(folder / f"{name}.onnx", (count, *ITEM))
    return folder


RUNTIMES: dict[tuple[Path, str, int], OpenVinoRuntime] = {}


def runtime(folder: Path, name: str, threads: int = 2) -> OpenVinoRuntime:
    key = (folder, name, threads)
    if key not in RUNTIMES:
        shape = ITEM if name in ("free", "many") else None
        RUNTIMES[key] = OpenVinoRuntime(folder / f"{name}.onnx", item_shape=shape, threads=threads)
    return RUNTIMES[key]


@settings(max_examples=30)
@given(st.integers(1, 11), st.integers(1, 2), st.sampled_from(["free", "many", "one", "three"]))
def test_a_batch_of_any_size_is_as_its_items(folder: Path, count: int, threads: int, name: str) -> None:
    x = onnx_samples.items(count, seed=count)
    answer = runtime(folder, name, threads).run_batch({"input": x})
    assert list(answer) == ["maps", "mean"]
    np.testing.assert_allclose(answer["maps"], onnx_samples.convolved(x), atol=1e-4)
    np.testing.assert_allclose(answer["mean"], onnx_samples.convolved(x).mean(axis=(2, 3)), atol=1e-4)


def test_without_a_shape_of_items_any_size_goes(folder: Path) -> None:
    free = OpenVinoRuntime(folder / "free.onnx", threads=2)
    for count, height, width in ((1, 8, 6), (3, 5, 9), (2, 16, 4), (5, 8, 6)):
        x = onnx_samples.items(count, (3, height, width))
        for ask in (free.run, free.run_batch):
            np.testing.assert_allclose(ask({"input": x})["maps"], onnx_samples.convolved(x), atol=1e-4)


def test_answers_of_batches_stay_valid(folder: Path) -> None:
    for count in (1, 3, 4):
        first = runtime(folder, "free").run_batch({"input": onnx_samples.items(count, seed=1)})["maps"]
        before = first.copy()
        runtime(folder, "free").run_batch({"input": onnx_samples.items(count, seed=2)})
        np.testing.assert_array_equal(first, before)
        first[:] = 0


def test_a_shape_of_items_that_the_file_does_not_take(folder: Path) -> None:
    for name, shape in (("one", (3, 8, 8)), ("free", (4, 8, 6)), ("many", (3, 8)), ("three", (3, 6, 8))):
        with pytest.raises(ModelError, match="takes items of shape") as caught:
            OpenVinoRuntime(folder / f"{name}.onnx", item_shape=shape)
        assert "\n" not in str(caught.value)


def test_batches_that_do_not_fit(folder: Path) -> None:
    for name in ("free", "many", "one", "three"):
        ask = runtime(folder, name).run_batch
        with pytest.raises(BackendError, match="at least one item"):
            ask({"input": onnx_samples.items(0)})
        with pytest.raises(BackendError, match="inputs: expected input"):
            ask({"picture": onnx_samples.items(2)})
        with pytest.raises(BackendError, match="inference failed"):
            ask({"input": onnx_samples.items(4, (3, 8, 7) if name != "free" else (2, 8, 6))})
        assert ask({"input": onnx_samples.items(4)})["mean"].shape == (4, 5)


def test_f16_is_for_devices_that_have_it(folder: Path) -> None:
    with pytest.raises(BackendError, match=r"f32 or bf16.*'f16'"):
        OpenVinoRuntime(folder / "free.onnx", precision="f16")
