"""YOLOX-nano with its real weights finds the people that the reference names, on every runtime that reads ONNX."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from holopose.io.images import read_image
from holopose.models.yolox import YoloxDetector
from holopose.protocols import Runtime
from holopose.types import Frame


def openvino(path: Path) -> Runtime:
    from holopose.runtimes.openvino import OpenVinoRuntime

    return OpenVinoRuntime(path)


def onnxruntime(path: Path) -> Runtime:
    pytest.importorskip("onnxruntime")
    from holopose.runtimes.onnxruntime import OnnxRuntime

    return OnnxRuntime(path)


@pytest.fixture(params=[openvino, onnxruntime], ids=lambda make: make.__name__)
def detector(request: pytest.FixtureRequest, shared: Path) -> YoloxDetector:
    make: Callable[[Path], Runtime] = request.param
    return YoloxDetector(make(shared / "data" / "models" / "yolox_nano.onnx"), input_hw=(416, 416))


def test_the_people_of_the_reference(detector: YoloxDetector, shared: Path) -> None:
    reference = json.loads((shared / "reference" / "yolox_nano_people.json").read_text(encoding="utf-8"))
    frames = [read_image(shared / "data" / "images" / name) for name in reference]
    found = detector.detect(frames)
    assert sum(map(len, reference.values())) > 50
    for boxes, rows in zip(found, reference.values(), strict=True):
        expected = np.array(rows).reshape(-1, 5)
        assert len(boxes) == len(expected)
        np.testing.assert_allclose(boxes.xyxy, expected[:, :4], rtol=0, atol=1)
        np.testing.assert_allclose(boxes.score, expected[:, 4], rtol=0, atol=0.01)
    for frame, boxes in zip(frames[:3], found, strict=False):
        assert detector.detect([frame])[0].allclose(boxes, atol=1e-2), "alone as among others"


def test_nobody_is_an_answer(detector: YoloxDetector, shared: Path) -> None:
    """Sure detections only: weak ones are the network's own mistakes."""
    empty = Frame(np.full((300, 500, 3), 128, np.uint8))
    pictures = [read_image(path) for path in sorted((shared / "data" / "no_people").iterdir())]
    assert len(detector.detect([empty])[0]) == 0
    assert len(pictures) == 5
    assert all((boxes.score < 0.6).all() for boxes in detector.detect(pictures))
