"""docs/add-a-model.md, followed to the letter: the family it adds works, from its one file and its one card."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from holopose.protocols import KeypointModel
from holopose.types import Boxes, Frame
from holopose.zoo import catalog, load

ROOT = Path(__file__).resolve().parents[2]


def blocks() -> dict[str, str]:
    """The page's Python blocks by the path in their first line."""
    page = (ROOT / "docs" / "add-a-model.md").read_text(encoding="utf-8")
    found = re.findall(r"```python\n# (\S+)\n(.*?)```", page, re.DOTALL)
    assert len(found) == 3
    return dict(found)


@pytest.fixture
def followed(tmp_path: Path) -> Iterator[dict[str, ModuleType]]:
    """The page's modules, imported under the names that it gives them."""
    modules = {}
    for path, code in blocks().items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(code, encoding="utf-8")
        name = ".".join(Path(path).with_suffix("").parts).removeprefix("src.")
        assert name not in sys.modules, "the example is not part of the package"
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec
        assert spec.loader
        modules[name] = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(modules[name])
    yield modules
    for name in modules:
        del sys.modules[name]


def test_the_page_s_own_test_passes(followed: dict[str, ModuleType]) -> None:
    followed["tests.unit.models.test_regression"].test_the_middle_of_the_crop_is_the_middle_of_the_box()


def test_the_family_runs_from_its_card(
    followed: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real ONNX file, answered for by OpenVINO, chosen by name, with boxes from outside."""
    onnx = pytest.importorskip("onnx", reason="the example's network is made with onnx")
    [card] = followed["holopose.zoo.catalog.regression"].REGRESSION
    path = tmp_path / card.filename
    path.write_bytes(network(onnx).SerializeToString())
    monkeypatch.setattr(load, "find_model", lambda name: {card.model: (card,)}.get(name) or catalog.find_model(name))
    monkeypatch.setattr(load, "locate_all", lambda cards: {one.name: path for one in cards})
    monkeypatch.setenv("HOLOPOSE_HOME", str(tmp_path / "home"))
    part, info = load.load_part("deeppose-r50")
    assert isinstance(part, KeypointModel)
    assert info["runtime"]["name"] == "OpenVINO"
    estimator = load.load_estimator("deeppose-r50", detector="none")
    frame = Frame(np.full((90, 60, 3), 200, np.uint8))
    [poses] = estimator.estimate([frame])
    np.testing.assert_allclose(poses.xy[0, 3], [30, 45], atol=0.5)
    assert [len(one) for one in part.locate([frame], [Boxes.empty()])] == [0]
    assert card.model not in catalog.MODELS


def network(onnx: Any) -> Any:
    """Answers every crop with 17 rows of (0.5, 0.5, 0.9), whatever it shows."""
    from onnx import TensorProto, helper, numpy_helper

    rows = numpy_helper.from_array(np.tile(np.float32([0.5, 0.5, 0.9]), (1, 17, 1)), "rows")
    axes = numpy_helper.from_array(np.array([2, 3], np.int64), "axes")
    channel = numpy_helper.from_array(np.zeros((3, 1), np.float32), "nothing")
    nodes = [
        helper.make_node("ReduceMean", ["picture", "axes"], ["mean"], keepdims=0),  # (N, 3)
        helper.make_node("MatMul", ["mean", "nothing"], ["zero"]),  # (N, 1)
        helper.make_node("Unsqueeze", ["zero", "last"], ["zeros"]),  # (N, 1, 1)
        helper.make_node("Add", ["rows", "zeros"], ["people"]),
    ]
    last = numpy_helper.from_array(np.array([2], np.int64), "last")
    graph = helper.make_graph(
        nodes,
        "middle",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["n", 3, 256, 192])],
        [helper.make_tensor_value_info("people", TensorProto.FLOAT, ["n", 17, 3])],
        [rows, axes, channel, last],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model
