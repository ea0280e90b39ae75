from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import holopose
from edge_scenes import EdgeEstimator, save
from holopose.build import parts, run_files
from holopose.config import RunConfig
from holopose.errors import ConfigError
from holopose.skeletons import WHOLEBODY133


@pytest.mark.weights
def test_an_estimator_tells_what_it_is() -> None:
    estimator: Any = holopose.build_estimator(search="whole")
    assert estimator.skeleton == WHOLEBODY133
    assert estimator.info["name"] == "blaze"
    assert all(len(card["sha256"]) == 64 for card in estimator.info["cards"])
    assert estimator.info["runtime"]["precision"] == "f32"


class Followable(EdgeEstimator):
    """Tells when it is asked to follow."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[dict[str, Any]] = []

    def following(self, **options: Any) -> Any:
        self.asked.append(options)
        return self


@pytest.mark.parametrize(
    ("options", "follows"),
    [({}, True), ({"follow": False}, False), ({"box": ((1, 2, 9, 9),)}, False), ({"boxes": "boxes.json"}, False)],
)
def test_nobody_is_followed_where_every_frame_is_told_its_people(options: dict[str, Any], follows: bool) -> None:
    estimator = Followable()
    parts.build_pipeline(RunConfig(**options), estimator, kind="clip")
    assert bool(estimator.asked) == follows


def test_files_tell_every_option_that_changes_who_is_found(tmp_path: Path) -> None:
    config = RunConfig(save=("json",), box=((1, 2, 9, 9),), adjust=("batch=1",), bottom_up="poses")
    run_files([save(tmp_path / "p.png")], tmp_path / "out", config, estimator=EdgeEstimator())
    told = json.loads((tmp_path / "out" / "p.json").read_text(encoding="utf-8"))["model"]["options"]
    assert told["box"] == [[1, 2, 9, 9]]
    assert (told["adjust"], told["bottom_up"], told["boxes"]) == (["batch=1"], "poses", None)
    elsewhere = {"model", "runtime", "device", "precision", "threads", "native", "world"}
    assert told.keys() == RunConfig().to_options("people").keys() - elsewhere


def test_looking_for_newcomers_now_and_then_needs_somebody_to_follow() -> None:
    class Everywhere:
        skeleton = WHOLEBODY133

        def estimate(self, frames: Any) -> list[Any]:
            return []

        def reset(self) -> None:
            pass

    parts.build_pipeline(RunConfig(), Everywhere(), kind="clip")
    parts.build_pipeline(RunConfig(detect_every_s=2), Everywhere(), kind="picture")
    with pytest.raises(ConfigError, match="detect_every_s: 2 has no meaning here"):
        parts.build_pipeline(RunConfig(detect_every_s=2), Everywhere(), kind="clip")
