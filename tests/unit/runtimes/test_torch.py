from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from holopose.errors import BackendError  # noqa: E402
from holopose.protocols import Runtime  # noqa: E402
from holopose.runtimes.torch import TorchRuntime, exact_convolutions, list_devices  # noqa: E402


class Sums(nn.Module):
    """Two inputs, two outputs; knows what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(2.0))
        self.dropout = nn.Dropout(0.9)
        self.asked: list[tuple[int, ...]] = []
        self.flags: list[bool] = []

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> list[torch.Tensor]:
        self.asked.append(tuple(x.shape))
        self.flags.append(torch.is_inference_mode_enabled() and not torch.is_grad_enabled())
        return [self.dropout(x + y), x * self.scale]


class Small(nn.Module):
    """Has memory for so many items."""

    def __init__(self, items: int) -> None:
        super().__init__()
        self.items = items
        self.asked: list[int] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.asked.append(len(x))
        if len(x) > self.items:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.\nMore lines")
        return x * 2


class Returns(nn.Module):
    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value

    def forward(self, x: torch.Tensor) -> Any:
        return self.value


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def sums(**options: Any) -> TorchRuntime:
    return TorchRuntime(Sums(), inputs=("x", "y"), outputs=("sum", "double"), **options)


def linear(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 8))


def rows(count: int, width: int = 64) -> np.ndarray[Any, Any]:
    return np.random.default_rng(count).standard_normal((count, width)).astype(np.float32)


# What it says of itself ----------------------------------------------------------------------------------------------


def test_it_is_a_runtime_that_tells_where_the_tensors_are() -> None:
    runtime = sums()
    assert isinstance(runtime, Runtime)
    assert (runtime.name, runtime.device, runtime.precision) == ("torch", "cpu", "f32")
    assert runtime.version == str(torch.__version__)
    assert (runtime.inputs, runtime.outputs) == (("x", "y"), ("sum", "double"))


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:99", "mps", "meta", "banana", "xpu", ""])
def test_a_device_that_is_not_there_is_an_error(device: str) -> None:
    if device in list_devices() or (device == "cuda" and "cuda:0" in list_devices()):
        pytest.skip(f"{device} is there")
    with pytest.raises(BackendError, match="cpu") as caught:
        sums(device=device)
    assert "\n" not in str(caught.value)
    if device == "cuda" and torch.version.cuda is None:
        assert str(caught.value).endswith("is built without CUDA")


def test_unknown_precisions_and_threads_are_errors() -> None:
    with pytest.raises(BackendError, match="expected f32, bf16, f16, got 'int8'"):
        sums(precision="int8")
    with pytest.raises(BackendError, match="threads: expected 0 or more"):
        sums(threads=-1)


def test_threads_are_set_only_when_asked() -> None:
    before = torch.get_num_threads()
    sums()
    assert torch.get_num_threads() == before
    sums(threads=before + 1)
    assert torch.get_num_threads() == before + 1


# Running -------------------------------------------------------------------------------------------------------------


def test_arrays_in_and_out_without_gradients_in_evaluation_mode() -> None:
    module = Sums().train()
    runtime = TorchRuntime(module, inputs=("x", "y"), outputs=("sum", "double"))
    x, y = rows(2, 3), rows(3, 3)[:2]
    got = runtime.run({"y": y, "x": x})
    assert list(got) == ["sum", "double"]
    np.testing.assert_allclose(got["sum"], x + y)  # the dropout does nothing
    np.testing.assert_allclose(got["double"], 2 * x)
    assert module.flags == [True]
    got["sum"][:] = 0
    np.testing.assert_allclose(runtime.run({"x": x, "y": y})["sum"], x + y)


def test_what_a_module_keeps_is_not_handed_out() -> None:
    kept = torch.ones(1, 2)
    runtime = TorchRuntime(Returns(kept))
    runtime.run({"input": rows(1)})["output"][:] = 5
    assert torch.equal(kept, torch.ones(1, 2))


@pytest.mark.parametrize(
    "array",
    [
        np.asfortranarray(rows(4)),
        rows(8)[::2],
        rows(4)[:, ::-1],
        rows(4).astype(np.float64),
        rows(4).astype(">f4"),
    ],
)
def test_any_layout_of_numbers_is_taken(array: np.ndarray[Any, Any]) -> None:
    runtime = TorchRuntime(linear())
    plain = np.ascontiguousarray(array, np.float32)
    np.testing.assert_allclose(
        runtime.run({"input": array})["output"], runtime.run({"input": plain})["output"], rtol=1e-6
    )


def test_locked_arrays_are_taken_and_stay_as_they_are() -> None:
    array = rows(4)
    array.setflags(write=False)
    before = array.copy()
    assert TorchRuntime(linear()).run({"input": array})["output"].shape == (4, 8)
    np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize("precision", ["bf16", "f16"])
def test_low_precision_is_really_lower_and_comes_back_as_f32(precision: str) -> None:
    x = rows(16)
    full = TorchRuntime(linear()).run({"input": x})["output"]
    runtime = TorchRuntime(linear(), precision=precision)
    low = runtime.run({"input": x})["output"]
    assert runtime.precision == precision
    assert low.dtype == np.float32
    error = np.abs(low - full).max() / np.abs(full).max()
    assert 1e-5 < error < 2e-2
    as_is = low.astype(np.float32).view(np.uint32)
    if precision == "bf16":
        assert not (as_is & 0xFFFF).any()


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"x": rows(1)}, "expected input, got x"),
        ({}, "expected input, got "),
        ({"input": rows(1, 63)}, "inference failed: .*(1x63|shape)"),
        ({"input": np.array(["a"])}, "expected numbers for input, got <U1"),
        ({"input": np.float32(1)}, "expected numbers"),
    ],
)
def test_inputs_that_do_not_fit_are_told_in_one_line(inputs: dict[str, Any], says: str) -> None:
    with pytest.raises(BackendError, match=says) as caught:
        TorchRuntime(linear()).run(inputs)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [torch.ones(1), (torch.ones(1), torch.ones(1), torch.ones(1)), {"a": 1}, None])
def test_outputs_that_are_not_those_named_are_told(value: Any) -> None:
    runtime = TorchRuntime(Returns(value), outputs=("a", "b"))
    with pytest.raises(BackendError, match="expected tensors for a, b, the module gave"):
        runtime.run({"input": rows(1)})


# Batches and memory --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 3, 4, 9])
def test_a_batch_is_its_singles(count: int) -> None:
    runtime = TorchRuntime(linear())
    x = rows(count)
    whole = runtime.run_batch({"input": x})["output"]
    singles = runtime.run_many([{"input": x[i : i + 1]} for i in range(count)])
    assert whole.shape == (count, 8)
    np.testing.assert_allclose(whole, np.concatenate([one["output"] for one in singles]), rtol=1e-5, atol=1e-6)


def test_pieces_are_halved_until_they_fit_and_stay_so() -> None:
    module = Small(1)
    runtime = TorchRuntime(module)
    x = rows(5)
    np.testing.assert_allclose(runtime.run_batch({"input": x})["output"], 2 * x)
    assert module.asked == [4, 2, 1, 1, 1, 1, 1]
    module.asked.clear()
    np.testing.assert_allclose(runtime.run_batch({"input": x})["output"], 2 * x)
    assert module.asked == [1] * 5
    module.asked.clear()
    runtime.run_batch({"input": rows(2, 8)})  # smaller items are another matter
    assert module.asked == [2, 1, 1]


def test_one_item_too_many_is_told_in_one_line() -> None:
    runtime = TorchRuntime(Small(0))
    for call in (runtime.run, runtime.run_batch):
        with pytest.raises(BackendError, match=r"cpu .*memory") as caught:
            call({"input": rows(3)})
        assert "\n" not in str(caught.value)


def test_batches_of_unequal_or_no_items_are_refused() -> None:
    with pytest.raises(BackendError, match="as many items in each, got 2, 3"):
        sums().run_batch({"x": rows(2), "y": rows(3)})
    with pytest.raises(BackendError, match="at least one item"):
        sums().run_batch({"x": rows(0), "y": rows(0)})


# Threads and the end -------------------------------------------------------------------------------------------------


def test_threads_share_it() -> None:
    runtime = TorchRuntime(linear())
    sets = [{"input": rows(n)} for n in range(1, 9)]
    alone = [runtime.run(one)["output"] for one in sets]
    gate = threading.Barrier(4)

    def work(number: int) -> bool:
        gate.wait()
        return all(
            np.array_equal(runtime.run(one)["output"], expected)
            for _ in range(20)
            for one, expected in zip(sets[number::4], alone[number::4], strict=True)
        )

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))


def test_closed_is_closed() -> None:
    runtime = sums()
    runtime.close()
    runtime.close()
    for call in (runtime.run, runtime.run_batch):
        with pytest.raises(BackendError, match="closed"):
            call({"x": rows(1), "y": rows(1)})


def test_what_was_set_for_convolutions_is_put_back() -> None:
    def state() -> object:
        return torch.backends.cudnn.conv.fp32_precision if newer else torch.backends.cudnn.allow_tf32

    newer = hasattr(getattr(torch.backends.cudnn, "conv", None), "fp32_precision")
    before = state()
    with exact_convolutions(torch):
        assert state() in ("ieee", False)
    assert state() == before
    with contextlib.suppress(KeyError), exact_convolutions(torch):
        raise KeyError
    assert state() == before
    assert torch.backends.cudnn.allow_tf32 in (True, False)  # torch refuses to tell when old and new ways disagree


# On other devices ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", ["f32", "bf16", "f16"])
def test_other_devices_agree_with_the_processor(precision: str) -> None:
    others = list_devices()[1:]
    if not others:
        pytest.skip("torch finds no other device than cpu here")
    net = nn.Sequential(nn.Conv2d(3, 64, 3), nn.ReLU(), nn.Conv2d(64, 8, 3)).eval()
    x = rows(6, 3 * 40 * 40).reshape(6, 3, 40, 40)
    expected = TorchRuntime(net).run({"input": x})["output"]
    for device in others:
        runtime = TorchRuntime(net, device=device, precision=precision)
        assert runtime.device.startswith(device.split(":")[0])
        got = runtime.run_batch({"input": x})["output"]
        error = float(np.abs(got - expected).max() / np.abs(expected).max())
        assert error < (2e-5 if precision == "f32" else 3e-2)
        runtime.close()
