"""The ONNX Runtime runtime on little networks: right numbers however many items, right errors, true words of itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holopose.errors import BackendError, HoloposeError, ModelError
from holopose.protocols import Runtime
from holopose.runtimes.onnx_devices import KINDS, load_onnxruntime

pytest.importorskip("onnxruntime")
onnx_samples = pytest.importorskip("onnx_samples")

from holopose.runtimes.onnxruntime import OnnxRuntime  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """free.onnx takes any number of pictures of any size, one.onnx one of 6 x 8, three.onnx three of them."""
    folder = tmp_path_factory.mktemp("onnx")
    for name, count in {"one": 1, "three": 3}.items():
        onnx_samples.convolution(folder / f"{name}.onnx", (count, 3, 8, 6))
    onnx_samples.convolution(folder / "free.onnx")
    return folder


def refusal(kind: type[HoloposeError], call: Callable[[], object]) -> str:
    """The one line with which `call` fails."""
    with pytest.raises(kind) as caught:
        call()
    message = str(caught.value)
    assert message
    assert "\n" not in message
    return message


# Numbers -------------------------------------------------------------------------------------------------------------


def test_it_is_a_runtime(folder: Path) -> None:
    runtime = OnnxRuntime(str(folder / "free.onnx"))
    assert isinstance(runtime, Runtime)
    assert (runtime.inputs, runtime.outputs) == (("input",), ("maps", "mean"))
    assert (runtime.name, runtime.device, runtime.precision) == ("ONNX Runtime", "CPU", "f32")
    assert runtime.version == load_onnxruntime().__version__
    assert sum(runtime.placement.values()) == runtime.placement.get("CPUExecutionProvider", 0)
    x = onnx_samples.items(2)
    answer = runtime.run({"input": x})
    assert list(answer) == ["maps", "mean"]
    np.testing.assert_allclose(answer["maps"], onnx_samples.convolved(x), atol=1e-4)
    np.testing.assert_allclose(answer["mean"], onnx_samples.convolved(x).mean(axis=(2, 3)), atol=1e-4)


@settings(max_examples=40)
@given(st.integers(1, 23), st.integers(1, 5), st.sampled_from(["free", "one", "three"]))
def test_a_batch_of_any_size_is_as_its_items(folder: Path, count: int, threads: int, name: str) -> None:
    runtime = OnnxRuntime(folder / f"{name}.onnx", threads=threads)
    x = onnx_samples.items(count, seed=count)
    answer = runtime.run_batch({"input": x})
    runtime.close()
    assert list(answer) == ["maps", "mean"]
    assert answer["maps"].shape == (count, 5, 8, 6)
    np.testing.assert_allclose(answer["maps"], onnx_samples.convolved(x), atol=1e-4)
    np.testing.assert_allclose(answer["mean"], onnx_samples.convolved(x).mean(axis=(2, 3)), atol=1e-4)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_many_sets_of_several_shapes_come_back_in_order(folder: Path, threads: int) -> None:
    runtime = OnnxRuntime(folder / "free.onnx", threads=threads)
    sets = [onnx_samples.items(1 + seed % 2, (3, 8, 4 + seed), seed) for seed in range(7)]
    for count in range(8):
        answers = runtime.run_many([{"input": x} for x in sets[:count]])
        assert len(answers) == count
        for x, answer in zip(sets, answers, strict=False):
            np.testing.assert_allclose(answer["maps"], onnx_samples.convolved(x), atol=1e-4)


def test_inputs_of_any_layout_and_kind(folder: Path) -> None:
    runtime = OnnxRuntime(folder / "free.onnx")
    x = onnx_samples.items(2, (6, 8, 6))
    for view in (x[:, ::2], x[:, ::-2], np.asfortranarray(x[:, :3]), x[:, :3].astype(np.float64)):
        for ask in (runtime.run, runtime.run_batch):
            np.testing.assert_allclose(ask({"input": view})["maps"], onnx_samples.convolved(view), atol=1e-4)


def test_answers_stay_valid_and_may_be_written_to(folder: Path) -> None:
    runtime = OnnxRuntime(folder / "free.onnx", threads=2)
    for ask in (runtime.run, runtime.run_batch):
        first = ask({"input": onnx_samples.items(4, seed=1)})
        before = first["maps"].copy()
        ask({"input": onnx_samples.items(4, seed=2)})
        np.testing.assert_array_equal(first["maps"], before)
        first["maps"][:] = 0
    runtime.close()


def test_threads_share_one_runtime(folder: Path) -> None:
    runtime = OnnxRuntime(folder / "free.onnx", threads=2)
    batches = [onnx_samples.items(1 + seed % 5, seed=seed) for seed in range(24)]
    together = threading.Barrier(4)

    def work(part: int) -> list[np.ndarray]:  # type: ignore[type-arg]
        together.wait(30)
        return [runtime.run_batch({"input": x})["maps"] for x in batches[part::4] * 3]

    with ThreadPoolExecutor(4) as pool:
        for part, answers in enumerate(pool.map(work, range(4))):
            for x, ours in zip(batches[part::4] * 3, answers, strict=True):
                np.testing.assert_allclose(ours, onnx_samples.convolved(x), atol=1e-4)


def test_a_file_in_f16_computes_in_f16_when_asked(tmp_path: Path) -> None:
    path = onnx_samples.convolution(tmp_path / "half.onnx", dtype=np.float16)
    assert "f16" in refusal(BackendError, lambda: OnnxRuntime(path))
    runtime = OnnxRuntime(path, precision="f16")
    assert runtime.precision == "f16"
    x = onnx_samples.items(2)
    answer = runtime.run_batch({"input": x})
    assert answer["maps"].dtype == np.float32
    error = np.abs(answer["maps"] - onnx_samples.convolved(x)).max()
    assert 1e-4 < error < 0.1


def test_weights_beside_the_file(tmp_path: Path) -> None:
    path = tmp_path / "outside.onnx"
    onnx_samples.convolution(path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    x = onnx_samples.items(1)
    np.testing.assert_allclose(OnnxRuntime(path).run({"input": x})["maps"], onnx_samples.convolved(x), atol=1e-4)
    (tmp_path / "weights.bin").unlink()
    message = refusal(ModelError, lambda: OnnxRuntime(path))
    assert message.startswith(f"{path}: ")
    assert "weights.bin" in message


# Refusals ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["nothing.onnx", "."])
def test_missing_file(tmp_path: Path, name: str) -> None:
    message = refusal(ModelError, lambda: OnnxRuntime(tmp_path / name))
    assert message.startswith(f"{tmp_path / name}: no such model file")


@pytest.mark.parametrize("content", [b"", b"hello", b"<net>", bytes(range(256)) * 40])
def test_not_a_network(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    assert refusal(ModelError, lambda: OnnxRuntime(path)).startswith(f"{path}: ")


def test_cut_short(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "short.onnx"
    path.write_bytes((folder / "free.onnx").read_bytes()[:-50])
    assert refusal(ModelError, lambda: OnnxRuntime(path)).startswith(f"{path}: ")


@pytest.mark.parametrize("device", ["tpu", "", "cuda:x", "cuda:", "cpu:0", "gpu"])
def test_unknown_device(folder: Path, device: str) -> None:
    message = refusal(BackendError, lambda: OnnxRuntime(folder / "free.onnx", device=device))
    assert repr(device) in message
    assert "cuda[:number]" in message


@pytest.mark.parametrize("device", sorted(set(KINDS) - {"cpu"}))
def test_a_device_that_this_build_lacks_is_refused_with_the_command_that_brings_it(folder: Path, device: str) -> None:
    if KINDS[device].provider in load_onnxruntime().get_available_providers():
        pytest.skip(f"this ONNX Runtime has {device}")
    message = refusal(BackendError, lambda: OnnxRuntime(folder / "free.onnx", device=device))
    assert "has only cpu" in message
    assert "pip install" in message


@pytest.mark.parametrize("device", sorted(set(KINDS) - {"cpu"}))
def test_a_device_that_is_there_in_name_only_is_refused(
    folder: Path, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a GPU build on a machine without its driver: the session quietly runs on the CPU."""
    module = load_onnxruntime()
    if KINDS[device].provider in module.get_available_providers():
        pytest.skip(f"this ONNX Runtime has {device}")
    monkeypatch.setattr(module, "get_available_providers", lambda: [one.provider for one in KINDS.values()])
    with pytest.warns(UserWarning, match="not in available provider"):
        message = refusal(BackendError, lambda: OnnxRuntime(folder / "free.onnx", device=device))
    assert repr(device) in message
    assert "would run on cpu" in message


def test_a_device_that_gets_nothing_to_do_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = load_onnxruntime()
    real = module.InferenceSession.get_provider_graph_assignment_info

    class Elsewhere:
        ep_name = "Another"

        def __init__(self, part: Any) -> None:
            self.get_nodes = part.get_nodes

    monkeypatch.setattr(
        module.InferenceSession, "get_provider_graph_assignment_info", lambda self: [*map(Elsewhere, real(self))]
    )
    message = refusal(BackendError, lambda: OnnxRuntime(folder / "free.onnx"))
    assert "cannot compute any part" in message


def test_a_device_that_does_a_part_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = load_onnxruntime()
    real = module.InferenceSession.get_provider_graph_assignment_info

    class Part:
        def __init__(self, name: str, nodes: list[Any]) -> None:
            self.ep_name = name
            self.get_nodes = lambda: nodes

    def split(self: Any) -> list[Part]:
        nodes = [node for part in real(self) for node in part.get_nodes()]
        return [Part("CPUExecutionProvider", nodes[:1]), Part("Another", nodes[1:])]

    monkeypatch.setattr(module.InferenceSession, "get_provider_graph_assignment_info", split)
    runtime = OnnxRuntime(folder / "free.onnx")
    total = sum(runtime.placement.values())
    assert total > 1
    assert runtime.device == f"CPU (1 of {total} nodes, the others on CPU)"


@pytest.mark.parametrize(("precision", "word"), [("bf16", "f32"), ("f16", "converted"), ("fp32", "expected"), ("", "")])
def test_precisions_that_a_cpu_does_not_compute_in(folder: Path, precision: str, word: str) -> None:
    message = refusal(BackendError, lambda: OnnxRuntime(folder / "free.onnx", precision=precision))
    assert repr(precision) in message
    assert word in message


def test_senseless_thread_count(folder: Path) -> None:
    assert "-1" in refusal(BackendError, lambda: OnnxRuntime(folder / "free.onnx", threads=-1))


def test_items_of_the_shape_that_the_file_takes(folder: Path) -> None:
    for name in ("free", "one"):
        OnnxRuntime(folder / f"{name}.onnx", item_shape=(3, 8, 6))
    message = refusal(ModelError, lambda: OnnxRuntime(folder / "one.onnx", item_shape=(3, 8, 8)))
    assert "3 x 8 x 6" in message
    assert "3 x 8 x 8" in message
    assert "3 x any x any" in refusal(ModelError, lambda: OnnxRuntime(folder / "free.onnx", item_shape=(4, 8, 8)))
    refusal(ModelError, lambda: OnnxRuntime(folder / "one.onnx", item_shape=(3, 8)))


def test_inputs_by_other_names_or_of_other_shapes(folder: Path) -> None:
    runtime = OnnxRuntime(folder / "free.onnx", threads=2)
    x = onnx_samples.items(4)
    for ask in (runtime.run, runtime.run_batch, lambda one: runtime.run_many([one, one])):
        for inputs in ({"y": x}, {}, {"input": x, "y": x}):
            assert refusal(BackendError, lambda ask=ask, inputs=inputs: ask(inputs)).startswith(
                "inputs: expected input"
            )
        for wrong in (x[:, :2], x[0], np.zeros((4, 3, 8), np.float32)):
            refusal(BackendError, lambda ask=ask, wrong=wrong: ask({"input": wrong}))
        ask({"input": x})  # and it still works
    assert "got none" in refusal(BackendError, lambda: runtime.run_batch({"input": x[:0]}))


def test_closed(folder: Path) -> None:
    runtime = OnnxRuntime(folder / "free.onnx", threads=2)
    x = {"input": onnx_samples.items(4)}
    runtime.run_batch(x)
    runtime.close()
    runtime.close()
    for ask in (runtime.run, runtime.run_batch, lambda one: runtime.run_many([one])):
        assert "closed" in refusal(BackendError, lambda ask=ask: ask(x))
    assert runtime.device == "CPU"
