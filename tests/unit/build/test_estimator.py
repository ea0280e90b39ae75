"""From the options about people to an estimator: where people are, what runs, and what does not go together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from holopose.build import build_estimator
from holopose.build import estimator as module
from holopose.config import RunConfig
from holopose.errors import ConfigError, InputError
from holopose.models.given import WholePicture
from holopose.types import Frame
from holopose.zoo import load
from holopose.zoo.engines import Engine

FRAME = Frame(np.zeros((90, 120, 3), np.uint8), name="street.jpg")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the zoo was asked to load."""
    calls: list[dict[str, Any]] = []

    def fake(model: str, **options: Any) -> str:
        calls.append({"model": model, **options})
        return "loaded"

    monkeypatch.setattr(load, "load_estimator", fake)
    return calls


def test_options_reach_the_zoo(asked: list[dict[str, Any]]) -> None:
    config = RunConfig(
        model="m", detector="d", runtime="torch", device="cuda", precision="f16", threads=2, flip=True, adjust=("a=1",)
    )
    assert build_estimator(config, max_people=3) == "loaded"  # type: ignore[comparison-overlap]
    [call] = asked
    assert call["engine"] == Engine("torch", "cuda", "f16", 2)
    told = {"model": "m", "detector": "d", "flip": True, "adjust": ("a=1",), "max_people": 3, "layout": "own"}
    assert told.items() <= call.items()
    assert {"world", "box", "boxes", "device"}.isdisjoint(call)


def test_the_zoo_is_asked_for_everything_it_takes(asked: list[dict[str, Any]]) -> None:
    import inspect

    build_estimator()
    assert asked[0].keys() == inspect.signature(module_load_estimator).parameters.keys()


module_load_estimator = load.load_estimator  # before the fixture replaces it


def test_boxes_from_the_command_line(asked: list[dict[str, Any]]) -> None:
    build_estimator(box=((10, 20, 50, 80), (60, 10, 100, 70)))
    [found] = asked[0]["detector"].detect([FRAME])
    assert found.xyxy.tolist() == [[10, 20, 50, 80], [60, 10, 100, 70]]
    assert found.score.tolist() == [1, 1]


def test_boxes_from_a_file(asked: list[dict[str, Any]], tmp_path: Path) -> None:
    path = tmp_path / "detections.json"
    rows = [{"file_name": "street.jpg", "category_id": 1, "bbox": [10, 20, 40, 60], "score": 0.75}]
    path.write_text(json.dumps(rows), encoding="utf-8")
    build_estimator(boxes=str(path))
    [found] = asked[0]["detector"].detect([FRAME])
    assert found.xyxy.tolist() == [[10, 20, 50, 80]]
    assert found.score.tolist() == [0.75]


def test_a_file_of_boxes_that_is_none_is_one_line(asked: list[dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "boxes.json").write_text("{}", encoding="utf-8")
    for name in ("boxes.json", "none.json"):
        with pytest.raises(InputError, match=name) as caught:
            build_estimator(boxes=str(tmp_path / name))
        assert "\n" not in str(caught.value)


def test_a_detector_of_one_s_own(asked: list[dict[str, Any]]) -> None:
    mine = WholePicture()
    build_estimator(RunConfig(), detector=mine)
    build_estimator(detector="yolox-nano")
    assert asked[0]["detector"] is mine
    assert asked[1]["detector"] == "yolox-nano"


@pytest.mark.parametrize(
    "options",
    [
        {"box": ((1, 2, 3, 4),), "boxes": "a.json"},
        {"box": ((1, 2, 3, 4),), "detector": "none"},
        {"boxes": "a.json", "detector": "blaze"},
    ],
)
def test_people_are_in_one_place_only(asked: list[dict[str, Any]], options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="each says where people are"):
        build_estimator(**options)
    assert not asked


def test_it_is_the_one_place_where_estimators_are_built() -> None:
    assert module.build_estimator is build_estimator
