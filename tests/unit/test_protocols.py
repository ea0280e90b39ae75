"""The interfaces: anything of the right shape fits, nothing needs to inherit."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from holopose import protocols
from holopose.protocols import Detector, Estimator, Filter, KeypointModel, Runtime, Sink, Source, Tracker
from holopose.skeletons import COCO17, Skeleton
from holopose.types import Boxes, Frame, Poses

PROTOCOLS = (Detector, Estimator, Filter, KeypointModel, Runtime, Sink, Source, Tracker)


class OneRuntime:
    inputs = ("x",)
    outputs = ("y",)
    device = "CPU (test)"

    def run(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return dict(inputs)

    def run_many(self, inputs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [self.run(one) for one in inputs]

    def run_batch(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return self.run(inputs)

    def close(self) -> None:
        pass


class OneDetector:
    def detect(self, frames: Sequence[Frame]) -> list[Boxes]:
        return [Boxes.empty() for _ in frames]


class OneModel:
    skeleton: Skeleton = COCO17

    def locate(self, frames: Sequence[Frame], boxes: Sequence[Boxes]) -> list[Poses]:
        return [Poses.empty(COCO17) for _ in frames]


class OneEstimator:
    skeleton: Skeleton = COCO17

    def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
        return [Poses.empty(COCO17) for _ in frames]

    def reset(self) -> None:
        pass


class OneTracker:
    def update(self, poses: Poses, frame: Frame) -> Poses:
        return poses

    def reset(self) -> None:
        pass


class OneFilter:
    def apply(self, poses: Poses, time_s: float) -> Poses:
        return poses

    def reset(self) -> None:
        pass


class OneSource:
    info: Mapping[str, object] = {"name": "test"}
    end_info: Mapping[str, object] = {}

    def __iter__(self) -> Iterator[Frame]:
        return iter([Frame(np.zeros((1, 1, 3), np.uint8))])

    def close(self) -> None:
        pass


class OneSink:
    def write(self, frame: Frame, poses: Poses) -> None:
        pass

    def close(self, *, ok: bool) -> None:
        pass


FITTING = {
    Runtime: OneRuntime,
    Detector: OneDetector,
    KeypointModel: OneModel,
    Estimator: OneEstimator,
    Tracker: OneTracker,
    Filter: OneFilter,
    Source: OneSource,
    Sink: OneSink,
}


def members(protocol: type) -> set[str]:
    return {name for name, value in vars(protocol).items() if callable(value) or isinstance(value, property)} - {
        "__init__",
        "__subclasshook__",
    }


def test_all_protocols_are_public_and_tried_here() -> None:
    assert sorted(protocols.__all__) == sorted(p.__name__ for p in PROTOCOLS)
    assert set(FITTING) == set(PROTOCOLS)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_fits_without_inheriting(protocol: type) -> None:
    part = FITTING[protocol]()
    assert isinstance(part, protocol)
    assert protocol not in type(part).__mro__


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_part_that_lacks_any_member_does_not_fit(protocol: type) -> None:
    fitting = {name: value for name, value in vars(FITTING[protocol]).items() if name in members(protocol)}
    assert set(fitting) == members(protocol)
    for name in members(protocol):
        lacking = type("Lacking", (), {k: v for k, v in fitting.items() if k != name})()
        assert not isinstance(lacking, protocol), f"{protocol.__name__} without {name}"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_member_says_what_it_gives(protocol: type) -> None:
    for name in members(protocol):
        assert inspect.getdoc(inspect.getattr_static(protocol, name)), f"{protocol.__name__}.{name}"


def test_stateful_parts_are_those_with_reset() -> None:
    assert {p for p in PROTOCOLS if "reset" in members(p)} == {Estimator, Filter, Tracker}


def test_a_sink_must_be_told_how_it_ended() -> None:
    ok = inspect.signature(Sink.close).parameters["ok"]
    assert ok.kind is inspect.Parameter.KEYWORD_ONLY
    assert ok.default is inspect.Parameter.empty
