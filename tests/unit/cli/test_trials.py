"""The network whose answer is known is what it says, and devices that compute otherwise are found out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from holopose.cli import trials
from holopose.cli.diagnosis import Report
from holopose.errors import BackendError
from holopose.runtimes.fake import FakeRuntime
from holopose.runtimes.openvino import OpenVinoRuntime

Answer = Callable[[], Any]


def test_the_known_network_is_a_valid_file() -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(trials.known_network())
    onnx.checker.check_model(model, full_check=True)
    reference = pytest.importorskip("onnx.reference")
    [answer] = reference.ReferenceEvaluator(model).run(None, {"x": trials.known_picture()})
    np.testing.assert_allclose(answer, trials.known_answer(), atol=1e-4)


def test_openvino_gives_the_known_answer(tmp_path: Path) -> None:
    (tmp_path / "known.onnx").write_bytes(trials.known_network())
    answer = OpenVinoRuntime(tmp_path / "known.onnx").run({"x": trials.known_picture()})
    np.testing.assert_allclose(answer["y"], trials.known_answer(), atol=1e-4)


def test_every_runtime_is_told() -> None:
    report = Report("1.0", onnxruntime_wheels={"onnxruntime": "1.31.1"} if _has("onnxruntime") else {})
    trials.try_runtimes(report)
    assert [one["name"] for one in report.runtimes] == ["openvino", "onnxruntime", "torch"]
    for one in report.runtimes:
        if one["version"] is not None:
            asked = next(name for name in one["runs"] if name.lower() == "cpu f32")
            assert one["runs"][asked].lower() == "cpu, f32"
        else:
            assert "pip install" in one["install"]
    assert report.problems == []


def _has(name: str) -> bool:
    try:
        __import__(name)
    except ImportError:
        return False
    return True


def tried(answer: Answer, *, precision: str = "f32", needed: bool = True) -> tuple[dict[str, Any], Report]:
    """What is told of a device that gives this answer."""
    report = Report("1.0")
    found: dict[str, Any] = {"name": "made up", "devices": ["gpu"]}

    def open_runtime(device: str, asked: str) -> FakeRuntime:
        if asked != precision:
            raise BackendError("not this one")
        runtime = FakeRuntime(lambda inputs: {"y": answer()}, inputs=("x",), outputs=("y",))
        runtime.precision = asked  # type: ignore[attr-defined]
        return runtime

    trials._try_devices(report, found, open_runtime, needed=["gpu"] if needed else [], mend="do this")
    return found, report


def rounded(bits: int) -> Any:
    """The known answer as an arithmetic with so few bits gives it."""
    answer = trials.known_answer().astype(np.float32)
    noise = np.random.default_rng(0).uniform(-1, 1, answer.shape).astype(np.float32)
    return answer + noise * np.abs(answer).max() * 2.0**-bits


def test_right_numbers_run() -> None:
    found, report = tried(lambda: rounded(20))
    assert found["runs"] == {"gpu f32": "fake, f32"}
    assert found["failed"] == {}
    assert report.problems == []
    found, report = tried(lambda: rounded(8), precision="bf16")
    assert found["runs"] == {"gpu bf16": "fake, bf16"}
    assert list(found["failed"]) == ["gpu f32"], "what every device must have"


@pytest.mark.parametrize(
    "answer",
    [
        lambda: rounded(10),  # TF32
        lambda: np.zeros((1, 8, 14, 14), np.float32),
        lambda: np.full((1, 8, 14, 14), np.nan, np.float32),
        lambda: trials.known_answer()[:, :, :-1],
    ],
)
def test_wrong_numbers_are_a_problem(answer: Answer) -> None:
    found, report = tried(answer)
    assert found["runs"] == {}
    assert "wrong numbers" in found["failed"]["gpu f32"]
    [problem] = report.problems
    assert "made up on gpu" in problem.what
    assert problem.mend == "do this"
    assert tried(answer, needed=False)[1].problems == []
