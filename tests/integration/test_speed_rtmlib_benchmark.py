"""The measurement against rtmlib takes turns, judges agreement by people and keypoints, and drives rtmlib's process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

from holopose.types import Boxes, Frame

Script = Callable[[str], ModuleType]

RTMLIB_STAND_IN = '''
"""Stands for rtmlib: it prints as that does, and finds one person in the left half, one in the right, and a chair."""
import numpy as np
import onnxruntime
class YOLOX:
    def __init__(self, path, model_input_size, det_mode, score_thr, backend, device):
        print("a library that writes to the standard output")
        assert (model_input_size, det_mode, backend, device) == ((416, 416), "multiclass", "onnxruntime", "cpu")
        self.onnx_model, self.session = path, onnxruntime.InferenceSession(path, None, ["CPUExecutionProvider"])
    def __call__(self, image):
        height, width = image.shape[:2]
        people = np.array([[0, 0, width / 2, height], [1, 1, 5, 5], [width / 2, 0, width, height]])
        return people[: 3 * bool(image.any())], np.array([0, 56, 0])[: 3 * bool(image.any())]
class RTMPose:
    def __init__(self, path, model_input_size, backend, device):
        assert model_input_size == (192, 256)
        self.onnx_model, self.session = path, onnxruntime.InferenceSession(path, None, ["CPUExecutionProvider"])
    def __call__(self, image, bboxes):
        assert len(bboxes), "else the whole picture is a person"
        return np.array([[box[:2], box[2:]] for box in bboxes]), np.full((len(bboxes), 2), self.session.threads / 10)
'''
ONNXRUNTIME_STAND_IN = """
import os
assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
__version__ = "0.1"
class SessionOptions:
    intra_op_num_threads = 0
class InferenceSession:
    def __init__(self, path, options, providers):
        self.threads = options.intra_op_num_threads if options else 0
        self.providers = providers
    def get_providers(self):
        return self.providers
"""


@pytest.fixture
def speed(benchmark_script: Script) -> ModuleType:
    return benchmark_script("speed_rtmlib")


def test_systems_take_turns(speed: ModuleType) -> None:
    calls: list[str] = []

    def run(name: str, ms: list[float]) -> Callable[[], float]:
        return lambda: calls.append(name) or ms.pop(0)  # type: ignore[func-returns-value]

    times = speed.measure({"A": run("A", [99, 98, 1, 2, 3]), "B": run("B", [97, 96, 4, 5, 6])}, 3, pause_s=0)
    assert times == {"A": [1, 2, 3], "B": [4, 5, 6]}
    assert "".join(calls) == "AB" + "BA" + "AB" + "BA" + "AB"


def test_ratios_are_of_medians(speed: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    ratios = speed.show({"rtmlib": [30.0, 31.0, 90.0], "onnxruntime": [10.0, 20.0, 15.5]})
    assert ratios == {"rtmlib": 1, "onnxruntime": 2}
    assert "64.52" in capsys.readouterr().out  # pictures per second


def answer(speed: ModuleType, boxes: Sequence[Sequence[float]], xy: object, score: object) -> object:
    return speed.Answer(np.array(boxes, float), np.array(xy, float), np.array(score, float))


def test_agreement_is_between_the_same_people(speed: ModuleType) -> None:
    boxes, xy, score = [[0, 0, 9, 9], [50, 0, 59, 9]], [[[1, 1], [2, 2]], [[51, 1], [52, 2]]], [[0.5, 0.6], [0.7, 0.8]]
    theirs = answer(speed, boxes, xy, score)
    turned = answer(speed, boxes[::-1], xy[::-1], score[::-1])
    assert speed.agreement(turned, theirs) == (1, 0, 0)
    moved = answer(speed, boxes, [[[1.5, 1], [5, 2]], [[51, 1], [52, 2]]], [[0.4, 0.6], [0.7, 0.8]])
    share, median_px, off = speed.agreement(moved, theirs)
    assert (share, median_px, round(off, 6)) == (0.75, 0.25, 0.1)
    missing = answer(speed, boxes, [[[np.nan, np.nan], [2, 2]], [[51, 1], [52, 2]]], [[0, 0.6], [0.7, 0.8]])
    assert speed.agreement(missing, theirs) == (1, 0, 0)
    cut = answer(speed, boxes, xy, [[0.5, 0.6], [0.7, 1.0]])
    assert speed.agreement(cut, answer(speed, boxes, xy, [[0.5, 0.6], [0.7, 3.0]])) == (1, 0, 0)
    assert speed.agreement(answer(speed, boxes[:1], xy[:1], score[:1]), theirs)[0] == 0


def test_numbers_by_name(speed: ModuleType) -> None:
    numbers = speed.named_numbers("stage.conv.weight", (8, 4, 3, 3))
    assert (numbers.shape, numbers.dtype) == ((8, 4, 3, 3), np.float32)
    assert numbers.std() == pytest.approx(1 / 6, rel=0.2)
    np.testing.assert_array_equal(numbers, speed.named_numbers("stage.conv.weight", (8, 4, 3, 3)))
    assert not np.array_equal(numbers, speed.named_numbers("stage.other.weight", (8, 4, 3, 3)))
    assert (speed.named_numbers("bn.running_var", (50,)) >= 1).all()
    assert speed.named_numbers("bn.num_batches_tracked", ()) == 0


def test_a_picture_of_exactly_eight(speed: ModuleType, tmp_path: Path) -> None:
    for number in range(5):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((20, 30, 3), number, np.uint8))

    class Counting:
        """Finds as many people as the tiles' shades add up to."""

        def detect(self, frames: Sequence[Frame]) -> list[Boxes]:
            count = int(frames[0].image[::480, ::640, 0].sum())
            return [Boxes(np.tile([0, 0, 1, 1], (count, 1)), np.ones(count))]

    frame, names = speed.compose(tmp_path, Counting())
    assert frame.size_wh == (1280, 960)
    assert names == ("0.png", "1.png", "3.png", "4.png")
    with pytest.raises(SystemExit, match="exactly 8"):
        speed.compose(shared_none(tmp_path), Counting())


def shared_none(folder: Path) -> Path:
    (folder / "none").mkdir()
    return folder / "none"


@pytest.mark.parametrize("threads", [0, 2])
def test_the_child_process(speed: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    (tmp_path / "rtmlib.py").write_text(RTMLIB_STAND_IN, encoding="utf-8")
    (tmp_path / "rtmlib-0.0.dist-info").mkdir()
    (tmp_path / "rtmlib-0.0.dist-info" / "METADATA").write_text("Name: rtmlib\nVersion: 0.0\n", encoding="utf-8")
    (tmp_path / "onnxruntime.py").write_text(ONNXRUNTIME_STAND_IN, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    bright, black = tmp_path / "bright.png", tmp_path / "black.png"
    cv2.imwrite(str(bright), np.full((8, 20, 3), 200, np.uint8))
    cv2.imwrite(str(black), np.zeros((8, 20, 3), np.uint8))
    files = {"detector": "d.onnx", "detector_hw": [416, 416], "model": "m.onnx", "model_hw": [256, 192]}
    with speed.Rtmlib(sys.executable) as rival:
        assert (rival.versions["rtmlib"], rival.versions["onnxruntime"]) == ("0.0", "0.1")
        opened = rival.ask(open=files | {"threads": threads, "device": "cpu", "min_score": 0.3})
        assert opened == {"device": "CPUExecutionProvider"}
        assert rival.ask(load=str(bright)) == rival.ask(load=str(black)) == {"loaded": True}
        assert rival.ask(load=str(tmp_path / "missing.png")) == {"loaded": False}
        found = rival.ask(run=str(bright))
        assert rival.ask(run=str(black))["boxes"] == []
    assert found["boxes"] == [[0, 0, 10, 8], [10, 0, 20, 8]], "people only"
    assert found["xy"] == [[[0, 0], [10, 8]], [[10, 0], [20, 8]]]
    assert found["score"] == [[threads / 10] * 2] * 2
    assert found["ms"] >= 0
    (tmp_path / "onnxruntime.py").write_text("raise ImportError('not here')", encoding="utf-8")
    with pytest.raises(SystemExit, match="ended with 1"):
        speed.Rtmlib(sys.executable)


def test_the_smallest_measurement(speed: ModuleType, shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the real rtmlib: whoever is quicker, both say the same."""
    for name in ("onnxruntime", "onnxscript", "torch"):
        pytest.importorskip(name)
    named = os.environ.get("HOLOPOSE_RTMLIB_PYTHON")
    python = Path(named) if named else speed.ROOT / ".cache" / "rtmlib" / "bin" / "python"
    if not python.is_file():
        pytest.skip("no Python with rtmlib: run benchmarks/speed_rtmlib.py, or name one in HOLOPOSE_RTMLIB_PYTHON")
    code = speed.main(["--size", "t", "--rounds", "1", "--rtmlib-python", str(python)])
    told = capsys.readouterr().out
    assert code in (0, 1)
    assert told.count("of the keypoints within") == 2
    assert told.count("100.0%, median 0.000 px") == 2, told
