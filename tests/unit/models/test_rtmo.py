from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from holopose.errors import ConfigError, ModelError
from holopose.models.rtmo import RtmoEstimator
from holopose.ops.laps import measuring
from holopose.protocols import Estimator
from holopose.runtimes.fake import FakeRuntime
from holopose.skeletons import COCO17, HAND21
from holopose.types import Frame

FRAMES = [Frame(np.full((h, w, 3), (n, 0, 255), np.uint8), index=n) for n, (w, h) in enumerate(((128, 64), (64, 64)))]


def person(left: float, top: float, score: float) -> tuple[list[float], Any]:
    """A box of 20 x 30 canvas px whose point k lies k px right of and below its corner."""
    steps = np.arange(17)
    return [left, top, left + 20, top + 30, score], np.stack([left + steps, top + steps, steps / 16], axis=1)


PEOPLE = [[person(5, 1, 0.5), person(30, 2, 0.9), person(31, 2, 0.8), person(6, 20, 0.2)], []]


def answer(inputs: Any) -> dict[str, Any]:
    [picture] = inputs["input"]
    assert picture[0, 0, 0] == 255, "blue comes first, from 0 to 255"
    people = PEOPLE[int(picture[2, 0, 0])]
    dets = np.array([box for box, _ in people], np.float32).reshape(1, -1, 5)
    return {"dets": dets, "keypoints": np.array([points for _, points in people], np.float32).reshape(1, -1, 17, 3)}


def network() -> FakeRuntime:
    return FakeRuntime(answer, inputs=("input",), outputs=("dets", "keypoints"))


def test_everybody_best_first_in_picture_px() -> None:
    estimator = RtmoEstimator(network(), input_hw=(64, 64))
    assert isinstance(estimator, Estimator)
    assert estimator.skeleton is COCO17
    with measuring() as seconds:
        first, second = estimator.estimate(FRAMES)
    assert list(seconds) == ["crop", "network", "decode"]
    assert first.boxes.score.tolist() == pytest.approx([0.9, 0.5])
    assert first.boxes.xyxy.tolist() == [[60, 4, 100, 64], [10, 2, 50, 62]], "cut at the picture's edge"
    assert np.isnan(first.xy[0, 0]).all()
    assert first.xy[0, 1:].tolist() == [[60 + 2 * k, 4 + 2 * k] for k in range(1, 17)]
    np.testing.assert_allclose(first.score[0], np.arange(17) / 16)
    assert len(second) == 0
    assert estimator.estimate(FRAMES[:1])[0].allclose(first, atol=0)
    assert estimator.estimate([]) == []
    estimator.reset()


def test_settings() -> None:
    def count(**settings: Any) -> int:
        return len(RtmoEstimator(network(), input_hw=(64, 64), **settings).estimate(FRAMES[:1])[0])

    assert (count(), count(min_score=0.7), count(min_score=0.1), count(nms_iou=0.99)) == (2, 1, 3, 3)


def test_a_network_of_another_kind_is_told() -> None:
    with pytest.raises(ModelError, match="dets and keypoints"):
        RtmoEstimator(FakeRuntime(answer))
    with pytest.raises(ModelError, match="expected 21 keypoints"):
        RtmoEstimator(network(), skeleton=HAND21, input_hw=(64, 64)).estimate(FRAMES)
    wrong = FakeRuntime(lambda inputs: {"a": np.zeros((1, 3, 5)), "b": np.zeros((1, 2, 17, 3))}, outputs=("a", "b"))
    with pytest.raises(ModelError, match=r"got \(3, 5\) and \(2, 17, 3\)"):
        RtmoEstimator(wrong, input_hw=(64, 64)).estimate(FRAMES)


def test_limits_that_make_no_sense() -> None:
    for settings in ({"min_score": 30}, {"nms_iou": -0.5}):
        with pytest.raises(ConfigError, match=f"{next(iter(settings))}: expected 0 to 1"):
            RtmoEstimator(FakeRuntime(lambda _: {}, outputs=("dets", "more")), **settings)
