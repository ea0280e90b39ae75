"""ONNX files of torch modules: any batch, the same answers, and what is needed to use them written inside."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from holopose.errors import ModelError
from holopose.export.onnx import write_onnx

torch = pytest.importorskip("torch", reason="conversion starts from torch")
onnx = pytest.importorskip("onnx", reason="conversion writes with onnx")
pytest.importorskip("onnxscript", reason="torch's exporter needs onnxscript")

from onnx_samples import items  # noqa: E402
from seeded_nets import seed_by_name  # noqa: E402
from tiny_model import INPUT_HW, TinyNet  # noqa: E402

SHAPE = (3, *INPUT_HW)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("onnx") / "tiny.onnx"
    write_onnx(
        seed_by_name(TinyNet()),
        path,
        item_shape=SHAPE,
        outputs=("heatmaps",),
        metadata={"layout": "coco17", "bgr": False},
    )
    return path


@pytest.mark.parametrize("count", [1, 2, 5])
def test_any_batch_gives_what_torch_gives(written: Path, count: int) -> None:
    from holopose.runtimes.openvino import OpenVinoRuntime

    x = items(count, SHAPE)
    runtime = OpenVinoRuntime(written, item_shape=SHAPE)
    assert (runtime.inputs, runtime.outputs) == (("input",), ("heatmaps",))
    with torch.inference_mode():
        expected = seed_by_name(TinyNet())(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(runtime.run_batch({"input": x})["heatmaps"], expected, atol=1e-5)


def test_the_size_stays_free_where_whole_pictures_are_seen(tmp_path: Path) -> None:
    from holopose.runtimes.openvino import OpenVinoRuntime

    path = tmp_path / "free.onnx"
    net = seed_by_name(TinyNet())
    write_onnx(net, path, item_shape=SHAPE, outputs=("heatmaps",), metadata={}, free_size=True)
    runtime = OpenVinoRuntime(path)
    for shape in ((3, 64, 48), (3, 128, 96), (3, 32, 200)):
        x = items(2, shape)
        with torch.inference_mode():
            expected = net(torch.from_numpy(x)).numpy()
        np.testing.assert_allclose(runtime.run_batch({"input": x})["heatmaps"], expected, atol=1e-5)


def test_what_a_user_must_know_is_inside(written: Path) -> None:
    model = onnx.load(str(written))
    onnx.checker.check_model(model)
    [entry] = [one for one in model.metadata_props if one.key == "holopose"]
    assert json.loads(entry.value) == {"layout": "coco17", "bgr": False}
    assert os.listdir(written.parent) == [written.name], "small networks are one file"  # noqa: PTH208
    batch = model.graph.input[0].type.tensor_type.shape.dim[0]
    assert not batch.HasField("dim_value")


def test_nothing_of_this_machine_is_inside(written: Path) -> None:
    """The exporter notes where each node's code lies; files travel."""
    content = written.read_bytes()
    assert str(Path(__file__).resolve().parents[3]).encode() not in content
    assert str(Path(torch.__file__).parent).encode() not in content


def test_it_says_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder) -> None:
    write_onnx(TinyNet(), tmp_path / "a.onnx", item_shape=SHAPE, outputs=("h",), metadata={})
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


def test_a_module_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    class Odd(torch.nn.Module):
        def forward(self, x: object) -> object:
            raise RuntimeError("no such thing\nin two lines")

    with pytest.raises(ModelError, match="torch cannot write Odd as ONNX") as caught:
        write_onnx(Odd(), tmp_path / "odd.onnx", item_shape=SHAPE, outputs=("h",), metadata={})
    assert "\n" not in str(caught.value)
