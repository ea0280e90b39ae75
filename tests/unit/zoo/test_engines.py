"""What runs a model's files: which runtime reads what, and tensors that need a torch module."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from holopose.errors import BackendError, ConfigError, ModelError
from holopose.zoo.cards import Card
from holopose.zoo.converted import keep_converted
from holopose.zoo.engines import Engine, choose_converted, load_net, open_file, open_network

torch = pytest.importorskip("torch", reason="tensors are run by torch")
pytest.importorskip("onnx", reason="the networks of these tests are made with onnx")

from onnx_samples import convolution, convolved, items  # noqa: E402
from tiny_model import INPUT_HW, TinyNet, tiny_card  # noqa: E402


@pytest.mark.parametrize(
    ("engine", "suffix", "kind"),
    [
        (Engine(), ".onnx", "openvino"),
        (Engine(), ".tflite", "openvino"),
        (Engine(device="cuda:1"), ".onnx", "onnxruntime"),
        (Engine(device="TensorRT"), ".onnx", "onnxruntime"),
        (Engine(device="gpu"), ".onnx", "openvino"),
        (Engine(runtime="onnxruntime"), ".onnx", "onnxruntime"),
        (Engine(runtime="openvino", device="cpu"), ".onnx", "openvino"),
    ],
)
def test_the_runtime_follows_file_and_device(engine: Engine, suffix: str, kind: str) -> None:
    assert engine.kind_for(suffix) == kind


@pytest.mark.parametrize(
    ("engine", "suffix", "words"),
    [
        (Engine(runtime="onnxruntime"), ".tflite", "only OpenVINO does"),
        (Engine(runtime="torch"), ".tflite", "only OpenVINO does"),
        (Engine(device="cuda"), ".tflite", "choose another model and detector"),
        (Engine(runtime="torch"), ".onnx", "expected auto, openvino or onnxruntime"),
    ],
)
def test_what_cannot_read_a_file_is_never_replaced_in_silence(engine: Engine, suffix: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        engine.kind_for(suffix)


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_a_network_file_runs_on_both(tmp_path: Path, runtime: str) -> None:
    pytest.importorskip("onnxruntime")
    opened = open_file(convolution(tmp_path / "net.onnx"), Engine(runtime=runtime, threads=1), item_shape=(3, 8, 6))
    x = items(3)
    np.testing.assert_allclose(opened.run_batch({"input": x})["maps"], convolved(x), atol=1e-5)
    opened.close()


def test_tensors_run_in_torch(tmp_path: Path, home: Path) -> None:
    card, path = tiny_card(tmp_path)
    runtime = open_network([card], {"tiny": path}, Engine())
    assert runtime.device == "cpu"
    crops = items(2, (3, *INPUT_HW))
    again = load_net([card], {"tiny": path})
    with torch.inference_mode():
        expected = again(torch.from_numpy(crops)).numpy()
    np.testing.assert_allclose(runtime.run_batch({"input": crops})["output"], expected, atol=1e-6)


def test_settings_of_the_network_reach_it(tmp_path: Path) -> None:
    card, path = tiny_card(tmp_path)
    assert load_net([card], {"tiny": path}).gain == 1.0
    assert load_net([card], {"tiny": path}, net_settings={"gain": 2.0}).gain == 2.0


def test_tensors_need_torch_or_a_conversion(tmp_path: Path, home: Path) -> None:
    card, path = tiny_card(tmp_path)
    for runtime in ("openvino", "onnxruntime"):
        with pytest.raises(ConfigError, match="holopose models convert tiny --to onnx"):
            open_network([card], {"tiny": path}, Engine(runtime=runtime))


def test_once_converted_torch_is_not_needed(tmp_path: Path, home: Path) -> None:
    card, path = tiny_card(tmp_path)
    assert choose_converted([card], Engine()) is None
    work = home / "work"
    work.mkdir(parents=True)
    convolution(work / "model.onnx")
    keep_converted("tiny", work, {"tiny": card.sha256}, {})
    converted = choose_converted([card], Engine())
    runtime = open_network([card], {}, Engine(), converted=converted, item_shape=(3, 8, 6))
    assert runtime.outputs == ("maps", "mean")
    assert open_network([card], {"tiny": path}, Engine()).outputs == ("output",)


@pytest.mark.parametrize(
    ("engine", "options", "used"),
    [
        (Engine(), {}, True),
        (Engine(precision="bf16"), {}, True),
        (Engine(device="cuda", precision="f16"), {}, True),
        (Engine(), {"item_shape": (3, *INPUT_HW)}, True),
        (Engine(runtime="torch"), {}, False),
        (Engine(device="mps"), {}, False),
        (Engine(precision="f16"), {}, False),
        (Engine(), {"item_shape": (3, 128, 96)}, False),
        (Engine(), {"net_settings": {"gain": 2.0}}, False),
    ],
)
def test_a_conversion_takes_nothing_away(
    tmp_path: Path, home: Path, engine: Engine, options: dict[str, Any], used: bool
) -> None:
    """What it cannot do, torch still does with the tensors."""
    card, _ = tiny_card(tmp_path)
    work = home / "work"
    work.mkdir(parents=True)
    convolution(work / "model.onnx")
    keep_converted("tiny", work, {"tiny": card.sha256}, {})
    assert (choose_converted([card], engine, **options) is not None) is used


def test_other_tensors_are_refused(tmp_path: Path) -> None:
    card, path = tiny_card(tmp_path)
    torch.save({"first.weight": torch.zeros(1)}, path)
    with pytest.raises(ModelError) as caught:
        load_net([card], {"tiny": path})
    assert "first.weight [1] instead of [8, 3, 3, 3]" in str(caught.value)
    assert "\n" not in str(caught.value)


def lacking(package: str) -> type:
    class Net:
        def __init__(self, **_: object) -> None:
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)

    return Net


@pytest.mark.parametrize(("package", "extra"), [("torch", "torch"), ("diffusers", "sdpose")])
def test_a_missing_package_is_named_with_what_brings_it(tmp_path: Path, package: str, extra: str) -> None:
    card, path = tiny_card(tmp_path, net=lacking(package))
    with pytest.raises(BackendError, match=rf'pip install "holopose\[{extra}\]"') as caught:
        load_net([card], {"tiny": path})
    assert package in str(caught.value)


def test_a_file_that_is_a_network_has_no_module(tmp_path: Path) -> None:
    card: Card = replace(tiny_card(tmp_path)[0], net=None)
    with pytest.raises(ModelError, match="is a network itself"):
        load_net([card], {})
    assert TinyNet.__doc__
