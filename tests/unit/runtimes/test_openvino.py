"""The OpenVINO runtime on little networks: right numbers, right errors, and what it says of itself is true."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from holopose.errors import BackendError, HoloposeError, ModelError
from holopose.protocols import Runtime
from holopose.runtimes.openvino import OpenVinoRuntime, list_devices, load_openvino


def field(number: int, value: int | str | bytes) -> bytes:
    """One short field of a protocol buffer."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    data = value.encode() if isinstance(value, str) else value
    return bytes([number << 3 | 2, len(data)]) + data


def onnx_identity() -> bytes:
    """An ONNX file with one node, from x (1, 2) to y (1, 2) float32: numbers as in onnx.proto."""
    shape = field(2, field(1, field(1, 1)) + field(1, field(1, 2)))  # dimensions 1 and 2
    kind = field(2, field(1, field(1, 1) + shape))  # of float
    node = field(1, field(1, "x") + field(2, "y") + field(4, "Identity"))
    graph = node + field(2, "g") + field(11, field(1, "x") + kind) + field(12, field(1, "y") + kind)
    return field(1, 8) + field(7, graph) + field(8, field(2, 13))


def picture(seed: int = 0, shape: tuple[int, ...] = (1, 4, 6, 3)) -> np.ndarray:  # type: ignore[type-arg]
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.fixture
def sums(networks: Path) -> OpenVinoRuntime:
    return OpenVinoRuntime(networks / "sums.xml")


def refusal(kind: type[HoloposeError], call: Callable[[], object]) -> str:
    """The one line with which `call` fails."""
    with pytest.raises(kind) as caught:
        call()
    message = str(caught.value)
    assert message
    assert "\n" not in message
    return message


# Numbers -------------------------------------------------------------------------------------------------------------


def test_it_is_a_runtime(sums: OpenVinoRuntime) -> None:
    assert isinstance(sums, Runtime)
    assert (sums.inputs, sums.outputs) == (("x",), ("double", "sum", "shift"))
    x = picture()
    answer = sums.run({"x": x})
    assert list(answer) == ["double", "sum", "shift"]
    np.testing.assert_allclose(answer["double"], 2 * x)
    np.testing.assert_allclose(answer["sum"], x.sum(axis=(1, 2)), atol=1e-5)


def test_reads_onnx(tmp_path: Path) -> None:
    (tmp_path / "same.onnx").write_bytes(onnx_identity())
    runtime = OpenVinoRuntime(str(tmp_path / "same.onnx"))
    assert runtime.run({"x": np.array([[3, 4]], np.float32)})["y"].tolist() == [[3, 4]]


def test_answers_stay_valid(sums: OpenVinoRuntime) -> None:
    """They are no windows into memory that the next run fills."""
    first = sums.run({"x": picture(1)})
    before = {name: array.copy() for name, array in first.items()}
    sums.run({"x": picture(2)})
    sums.close()
    assert all((first[name] == before[name]).all() for name in first)
    first["sum"][:] = 0  # and may be written to


def test_inputs_of_any_layout_in_memory(sums: OpenVinoRuntime) -> None:
    x = picture(3, (1, 4, 6, 6))
    for view in (x[..., ::2], x[..., ::-2], np.asfortranarray(x[..., :3]), x[..., :3].astype(np.float64)):
        np.testing.assert_allclose(sums.run({"x": view})["double"], 2 * view, rtol=1e-6)


def test_many_are_as_one_by_one(sums: OpenVinoRuntime) -> None:
    sets = [{"x": picture(seed)} for seed in range(4)]
    together = sums.run_many(sets)
    assert sums.run_many([]) == []
    np.testing.assert_array_equal(sums.run_many(sets[:1])[0]["double"], together[0]["double"])
    for one, answer in zip(sets, together, strict=True):
        for name, array in sums.run(one).items():
            np.testing.assert_array_equal(answer[name], array)


def test_some_outputs_only(networks: Path) -> None:
    runtime = OpenVinoRuntime(networks / "sums.xml", outputs=[2, 0])
    x = picture()
    answer = runtime.run({"x": x})
    assert list(answer) == ["shift", "double"]
    np.testing.assert_allclose(answer["shift"], x.sum(axis=(1, 2)) + 1, atol=1e-5)


def grid_means(image: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    """What grid.xml says of a picture (H, W, 3)."""
    height, width = image.shape[0] // 16, image.shape[1] // 16
    fine = image.reshape(2 * height, 8, 2 * width, 8, 3).mean(axis=(1, 3))
    coarse = image.reshape(height, 16, width, 16, 3).mean(axis=(1, 3)).repeat(2, axis=0).repeat(2, axis=1)
    return np.concatenate([fine.reshape(-1, 3), coarse.reshape(-1, 3)])


def test_resizable(networks: Path) -> None:
    runtime = OpenVinoRuntime(networks / "grid.xml", resizable=True)
    for height, width in ((32, 32), (64, 48), (16, 160), (32, 32)):
        image = picture(height, (1, height, width, 3))
        rows = runtime.run({"picture": image})["rows"]
        assert rows.shape == (1, 2 * (height // 8) * (width // 8), 3)
        np.testing.assert_allclose(rows[0], grid_means(image[0]), atol=1e-5)


def test_only_one_size_unless_resizable(networks: Path) -> None:
    runtime = OpenVinoRuntime(networks / "grid.xml")
    image = picture(0, (1, 32, 32, 3))
    np.testing.assert_allclose(runtime.run({"picture": image})["rows"][0], grid_means(image[0]), atol=1e-5)
    refusal(BackendError, lambda: runtime.run({"picture": picture(0, (1, 64, 48, 3))}))


def test_threads_share_one_runtime(networks: Path) -> None:
    runtime = OpenVinoRuntime(networks / "grid.xml", resizable=True)
    images = [picture(seed, (1, 32, 16 * (1 + seed % 3), 3)) for seed in range(24)]
    alone = [runtime.run({"picture": image})["rows"] for image in images]
    together = threading.Barrier(4)

    def work(part: int) -> list[np.ndarray]:  # type: ignore[type-arg]
        together.wait(30)
        return [runtime.run({"picture": image})["rows"] for image in images[part::4] * 5]

    with ThreadPoolExecutor(4) as pool:
        for part, answers in enumerate(pool.map(work, range(4))):
            for ours, expected in zip(answers, alone[part::4] * 5, strict=True):
                np.testing.assert_array_equal(ours, expected)


# What it says of itself ----------------------------------------------------------------------------------------------


def test_says_what_runs(sums: OpenVinoRuntime) -> None:
    assert "CPU" in list_devices()
    assert (sums.name, sums.device, sums.precision) == ("OpenVINO", "CPU", "f32")
    assert load_openvino().__version__.startswith(sums.version)


@pytest.mark.parametrize("threads", [0, 1, 2])
def test_numbers_do_not_depend_on_threads_beyond_rounding(networks: Path, threads: int) -> None:
    x = picture(5, (1, 256))
    runtime = OpenVinoRuntime(networks / "matrix.xml", threads=threads)
    for answer in (runtime.run({"x": x}), *runtime.run_many([{"x": x}] * 3)):
        np.testing.assert_allclose(answer["y"], exact_product(x), rtol=0, atol=1e-4)


def exact_product(x: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    """What matrix.xml says, in float64."""
    weights = np.random.default_rng(0).normal(size=(256, 256)).astype(np.float32)
    return x.astype(np.float64) @ weights.astype(np.float64)


@pytest.mark.parametrize("asked", ["f32", "bf16"])
def test_the_precision_reported_is_the_one_computed_in(networks: Path, asked: str) -> None:
    """f32 unless asked otherwise; bf16 where the processor has it, which shows in the third digit."""
    runtime = OpenVinoRuntime(networks / "matrix.xml", precision=asked)
    x = picture(6, (1, 256))
    for answer in (runtime.run({"x": x}), *runtime.run_many([{"x": x}] * 3)):
        error = np.abs(answer["y"] - exact_product(x)).max()
        assert runtime.precision in ("f32", asked)
        assert (error < 1e-3) == (runtime.precision == "f32")
        assert error < 1


def test_compiled_networks_are_kept_where_asked(networks: Path, tmp_path: Path) -> None:
    x = {"x": picture()}
    answers = []
    for _ in range(2):
        answers.append(OpenVinoRuntime(networks / "sums.xml", cache_dir=tmp_path / "kept").run(x))
        kept = [path for path in (tmp_path / "kept").rglob("*") if path.is_file()]
        assert len(kept) == 1
    np.testing.assert_array_equal(answers[0]["double"], answers[1]["double"])


def test_nothing_is_written_unless_asked(networks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(networks.iterdir())
    OpenVinoRuntime(networks / "sums.xml").run({"x": picture()})
    assert list(tmp_path.iterdir()) == []
    assert sorted(networks.iterdir()) == before


# Errors --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["nothing.tflite", "nothing.onnx", "nothing.xml", "."])
def test_missing_file(tmp_path: Path, name: str) -> None:
    message = refusal(ModelError, lambda: OpenVinoRuntime(tmp_path / name))
    assert message.startswith(f"{tmp_path / name}: no such model file")


@pytest.mark.parametrize("suffix", [".tflite", ".onnx", ".xml"])
@pytest.mark.parametrize("content", [b"", b"hello", b"<net>", bytes(range(256)) * 40])
def test_not_a_network(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(content)
    assert refusal(ModelError, lambda: OpenVinoRuntime(path)).startswith(f"{path}: ")


def test_what_is_no_onnx_is_not_tried_as_other_formats(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """OpenVINO's reader of TensorFlow complains on standard error, past Python."""
    path = tmp_path / "archive.onnx"
    path.write_bytes(b"PK\x03\x04" + np.random.default_rng(0).bytes(5000))
    message = refusal(ModelError, lambda: OpenVinoRuntime(path))
    assert message == f"{path}: expected an ONNX network, got something else or an empty file"
    assert capfd.readouterr() == ("", "")


def test_network_without_its_weights(networks: Path, tmp_path: Path) -> None:
    path = tmp_path / "matrix.xml"
    shutil.copy(networks / "matrix.xml", path)
    assert refusal(ModelError, lambda: OpenVinoRuntime(path)).startswith(f"{path}: ")


@pytest.mark.parametrize("device", ["tpu", "", "cpu.7", "gpu.9", "auto"])
def test_unknown_device(networks: Path, device: str) -> None:
    message = refusal(BackendError, lambda: OpenVinoRuntime(networks / "sums.xml", device=device))
    assert repr(device) in message
    if device == "tpu":
        assert "CPU" in message


def test_the_name_of_a_device_has_no_case(networks: Path) -> None:
    assert {OpenVinoRuntime(networks / "sums.xml", device=name).device for name in ("cpu", "CPU", "Cpu")} == {"CPU"}


@pytest.mark.parametrize("precision", ["f16", "fp32", "", "F32", "int8"])
def test_unknown_precision(networks: Path, precision: str) -> None:
    message = refusal(BackendError, lambda: OpenVinoRuntime(networks / "sums.xml", precision=precision))
    assert "f32" in message
    assert "bf16" in message
    assert repr(precision) in message


def test_senseless_thread_count(networks: Path) -> None:
    refusal(BackendError, lambda: OpenVinoRuntime(networks / "sums.xml", threads=-1))


def test_outputs_that_the_network_lacks(networks: Path) -> None:
    message = refusal(ModelError, lambda: OpenVinoRuntime(networks / "sums.xml", outputs=[0, 3]))
    assert message.startswith(f"{networks / 'sums.xml'}: ")
    assert "3" in message


def test_inputs_by_other_names(sums: OpenVinoRuntime) -> None:
    x = picture()
    for inputs in ({"y": x}, {}, {"x": x, "y": x}):
        message = refusal(BackendError, lambda inputs=inputs: sums.run(inputs))
        assert message.startswith("inputs: expected x, got ")
        assert all(name in message for name in inputs)


@pytest.mark.parametrize("shape", [(1, 4, 6, 4), (1, 6, 4, 3), (4, 6, 3), (2, 4, 6, 3), (0,), ()])
def test_inputs_of_another_shape(sums: OpenVinoRuntime, shape: tuple[int, ...]) -> None:
    refusal(BackendError, lambda: sums.run({"x": np.zeros(shape, np.float32)}))
    x = picture()  # and it still works
    np.testing.assert_allclose(sums.run({"x": x})["double"], 2 * x)


@pytest.mark.parametrize("place", [0, 1, 3])
def test_one_bad_set_of_many_spoils_no_later_call(sums: OpenVinoRuntime, place: int) -> None:
    sets = [{"x": picture(seed)} for seed in range(4)]
    bad = [*sets]
    bad[place] = {"x": np.zeros((1, 5, 5, 3), np.float32)}
    for _ in range(2):
        refusal(BackendError, lambda: sums.run_many(bad))
        refusal(BackendError, lambda: sums.run_many([sets[0], {"y": picture()}]))
        for one, answer in zip(sets, sums.run_many(sets), strict=True):
            np.testing.assert_allclose(answer["double"], 2 * one["x"])


def test_closed(networks: Path) -> None:
    runtime = OpenVinoRuntime(networks / "sums.xml")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(runtime.run, {"x": picture()}).result()
        runtime.close()
        runtime.close()
        for ask in (lambda: runtime.run({"x": picture()}), lambda: runtime.run_many([{"x": picture()}])):
            assert "closed" in refusal(BackendError, ask)
        with pytest.raises(BackendError, match="closed"):
            pool.submit(runtime.run, {"x": picture()}).result()
    assert runtime.device == "CPU"
