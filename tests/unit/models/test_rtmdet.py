from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from holopose.errors import ConfigError, ModelError
from holopose.models.rtmdet import RtmDetector
from holopose.protocols import Detector
from holopose.runtimes.fake import FakeRuntime
from holopose.types import Frame

FRAMES = [
    Frame(np.full((h, w, 3), (10 * n, 0, 255), np.uint8), index=n) for n, (w, h) in enumerate(((64, 32), (20, 40)))
]
FOUND = [
    [
        [0, 0, 20, 16, 0.5, 0],
        [4, 2, 12, 14, 0.9, 0],
        [0, 0, 4, 4, 0.99, 1],
        [1, 1, 9, 9, 0.3, 0],
        [0, 20, 9, 30, 0.8, 0],
    ],
    [],
]


def answer(inputs: Any) -> dict[str, Any]:
    [picture] = inputs["input"]
    np.testing.assert_allclose(picture[0, 0, 0], (255 - 103.53) / 57.375, rtol=1e-5)  # blue first
    red = picture[2, 0, 0] * 58.395 + 123.675
    dets = np.array(FOUND[round(float(red)) // 10], np.float32).reshape(1, -1, 6)
    return {"dets": dets[..., :5], "labels": dets[..., 5].astype(np.int64), "masks": np.zeros((1, 1))}


def network() -> FakeRuntime:
    return FakeRuntime(answer, inputs=("input",), outputs=("dets", "labels", "masks"))


def test_people_of_each_picture_best_first() -> None:
    detector = RtmDetector(network(), input_hw=(32, 32))
    assert isinstance(detector, Detector)
    first, second = detector.detect(FRAMES)
    assert first.xyxy.tolist() == [[8, 4, 24, 28], [0, 0, 40, 32]], "the one in the grey below is nobody"
    assert first.score.tolist() == pytest.approx([0.9, 0.5])
    assert len(second) == 0
    assert detector.detect(FRAMES[:1])[0].allclose(first, atol=0)
    assert detector.detect([]) == []


def test_settings() -> None:
    assert len(RtmDetector(network(), input_hw=(32, 32), min_score=0.6).detect(FRAMES)[0]) == 1
    assert RtmDetector(network(), input_hw=(32, 32), person_class=1).detect(FRAMES)[0].xyxy.tolist() == [[0, 0, 8, 8]]


def test_a_network_of_another_kind_is_told() -> None:
    with pytest.raises(ModelError, match="expected the outputs dets and labels, got output"):
        RtmDetector(FakeRuntime(answer))


def test_limits_that_make_no_sense() -> None:
    with pytest.raises(ConfigError, match="min_score: expected 0 to 1, got 30"):
        RtmDetector(FakeRuntime(lambda _: {}, outputs=("dets", "more")), min_score=30)
