"""Networks that give senseless numbers are found out; those that are sound pass."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from holopose.cli.checks import check_numbers, try_models
from holopose.cli.diagnosis import Report
from holopose.errors import ModelError
from holopose.runtimes.fake import FakeRuntime
from holopose.zoo import cache, catalog, engines
from holopose.zoo.cards import Card

SHAPE = (1, 3, 8, 8)


def check(answer: Any) -> None:
    check_numbers(FakeRuntime(lambda inputs: {"output": answer(inputs["input"])}), SHAPE)


def test_sound_numbers_pass() -> None:
    check(lambda x: x.mean(axis=(2, 3)))
    check(lambda x: x[:, :0])  # a detector that finds nobody
    calls = itertools.count()
    check(lambda x: x.mean(axis=(2, 3)) * (1 + 1e-6 * next(calls)))  # rounding differs between threads


def test_senseless_numbers_are_told() -> None:
    calls = itertools.count()
    for answer, words in {
        (lambda x: np.where(x > 0.5, np.nan, x)): "not finite",
        (lambda x: x / 0.0 if x.size else x): "not finite",
        (lambda x: x + next(calls)): "the same question differently",
        (lambda x: x[:, : 1 + next(calls) % 3]): "the same question differently",
        (lambda x: np.ones((1, 4))): "the same answer to different pictures",
    }.items():
        with np.errstate(divide="ignore", invalid="ignore"), pytest.raises(ModelError, match=words):
            check(answer)


def test_only_whole_models_are_tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("HOLOPOSE_HOME", str(tmp_path))
    report = Report("1.0")
    try_models(report)
    assert report.runs == []
    report.models = [{"model": "blaze", "status": "ok"}, {"model": catalog.BLAZE[1].model, "status": "missing"}]
    try_models(report)
    assert report.runs == [], "some of its files are not here"
    assert report.problems == []


def test_each_network_of_a_model_is_tried_by_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """OpenPose's body takes no tensors of its hands."""
    monkeypatch.setenv("HOLOPOSE_HOME", str(tmp_path))
    cards = catalog.find_model("openpose-body25-hands")
    for card in cards:
        cache.target(card).parent.mkdir(parents=True, exist_ok=True)
        cache.target(card).write_bytes(b"tensors")
    opened: list[list[str]] = []

    def open_network(some: Sequence[Card], *_: Any, **__: Any) -> FakeRuntime:
        opened.append([card.name for card in some])
        return FakeRuntime(lambda inputs: {"output": inputs["input"].mean(axis=(2, 3)) * len(opened)})

    monkeypatch.setattr(engines, "open_network", open_network)
    report = Report("1.0", models=[{"model": cards[0].model, "status": "ok"}])
    try_models(report)
    assert report.problems == []
    assert opened == [[cards[1].name], [cards[0].name]]
    assert [run["check"] for run in report.runs] == ["ok"]
