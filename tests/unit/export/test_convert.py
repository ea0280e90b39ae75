"""Conversion of a model of the zoo: kept when both forms agree on people, nothing left behind otherwise."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from holopose.errors import ConfigError, InputError, ModelError
from holopose.export import convert
from holopose.export.convert import convert_model
from holopose.models.heatmap import HeatmapModel
from holopose.types import Boxes, Frame
from holopose.zoo.cards import Card
from holopose.zoo.converted import converted_path, find_converted
from holopose.zoo.engines import Engine, choose_converted, open_network

torch = pytest.importorskip("torch", reason="conversion starts from torch")
pytest.importorskip("onnxscript", reason="torch's exporter needs onnxscript")

from tiny_model import TinyNet, tiny_card  # noqa: E402

FRAME = Frame(np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8))
BOXES = Boxes(np.array([[10, 10, 60, 110], [70, 20, 150, 90]], np.float32), np.ones(2, np.float32))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOLOPOSE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def use(card: Card, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert, "find_model", lambda name: (card,))
    monkeypatch.setattr(convert, "locate_all", lambda cards: {"tiny": path})


def leftovers(home: Path) -> list[Path]:
    folder = home / "models" / "converted"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def test_a_model_is_converted_and_runs_without_torch_from_then_on(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, path = tiny_card(tmp_path)
    use(card, path, monkeypatch)
    done = convert_model("tiny", [FRAME], boxes=[BOXES])
    assert (done.people, done.path) == (2, converted_path("tiny"))
    assert [row.part for row in done.rows] == ["body"]
    assert done.rows[0].points == 34
    assert done.rows[0].largest < 0.01
    assert "OpenVINO" in done.runtime
    assert find_converted("tiny", [card]) == done.path
    facts = json.loads(done.path.with_name("facts.json").read_text(encoding="utf-8"))
    assert facts["sources"] == {"tiny": card.sha256}
    assert facts["parity"][0]["part"] == "body"
    runtime = open_network([card], {}, Engine(), converted=choose_converted([card], Engine()), item_shape=(3, 64, 48))
    assert getattr(runtime, "name", "") == "OpenVINO"
    assert leftovers(home) == [done.path.parent]


class Slanted(HeatmapModel):
    """Reads OpenVINO's answers a little aside, as a broken export would give them."""

    def __init__(self, runtime: Any, **settings: Any) -> None:
        if getattr(runtime, "name", "") == "OpenVINO":
            original = runtime.run_batch
            runtime.run_batch = lambda inputs: {n: np.roll(a, 1, axis=3) for n, a in original(inputs).items()}
        super().__init__(runtime, **settings)


def test_forms_that_disagree_are_not_kept(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(*tiny_card(tmp_path, family=lambda: Slanted), monkeypatch)
    with pytest.raises(ModelError, match="answers too far from the original: body") as caught:
        convert_model("tiny", [FRAME], boxes=[BOXES])
    assert "nothing is kept" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert leftovers(home) == []


def test_an_earlier_conversion_survives_one_that_fails(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, path = tiny_card(tmp_path)
    use(card, path, monkeypatch)
    kept = convert_model("tiny", [FRAME], boxes=[BOXES]).path.read_bytes()
    use(*tiny_card(tmp_path, family=lambda: Slanted), monkeypatch)
    with pytest.raises(ModelError):
        convert_model("tiny", [FRAME], boxes=[BOXES])
    assert converted_path("tiny").read_bytes() == kept


class Handed(HeatmapModel):
    """Needs a second network, as OpenPose does for hands."""

    def __init__(self, runtime: Any, *, hand: Any, **settings: Any) -> None:
        assert hand.run_batch({"input": np.zeros((1, 3, 64, 48), np.float32)})["output"].shape == (1, 17, 16, 12)
        super().__init__(runtime, **settings)


def test_of_a_model_of_two_networks_the_main_one_is_converted(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, path = tiny_card(tmp_path, family=lambda: Handed)
    hand = replace(card, name="tiny-hand", task="part", argument="hand")
    monkeypatch.setattr(convert, "find_model", lambda name: (card, hand))
    monkeypatch.setattr(convert, "locate_all", lambda cards: {one.name: path for one in cards})
    done = convert_model("tiny", [FRAME], boxes=[BOXES])
    facts = json.loads(done.path.with_name("facts.json").read_text(encoding="utf-8"))
    assert facts["sources"] == {"tiny": card.sha256}
    assert find_converted("tiny", [card]) == done.path


def test_without_people_nothing_is_proved(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(*tiny_card(tmp_path), monkeypatch)
    with pytest.raises(InputError, match="nobody was found in the pictures"):
        convert_model("tiny", [FRAME], boxes=[Boxes.empty()])
    assert leftovers(home) == []


def test_what_is_a_network_already_is_not_converted(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(*tiny_card(tmp_path, net=None), monkeypatch)
    with pytest.raises(ConfigError, match="is a network already"):
        convert_model("tiny", [FRAME], boxes=[BOXES])
    assert TinyNet.__doc__
