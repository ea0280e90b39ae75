"""Settings of cards: what users may change, read by the kind of what they replace."""

from __future__ import annotations

from typing import Any

import pytest

from holopose.errors import ConfigError
from holopose.protocols import Runtime
from holopose.zoo.cards import Card, Licence
from holopose.zoo.settings import adjusted, settings_of


class Family:
    def __init__(
        self,
        runtime: Any,
        *,
        skeleton: Any = None,
        input_hw: tuple[int, int],
        bgr: bool = False,
        padding: float = 1.25,
        batch: int = 32,
        decoder: str = "dark",
        seed: int | None = None,
        scales: tuple[float, ...] = (1.0,),
        std: tuple[float, float, float] = (58.0, 57.0, 56.0),
        hand: Runtime | None = None,
    ) -> None:
        pass


CARD = Card(
    name="net",
    filename="net.pth",
    places=(),
    licence=Licence(code="x", weights="x", training_data="x"),
    model="net",
    family=lambda: Family,
    task="top-down",
    role="x",
    settings={"input_hw": (256, 192), "decoder": "quarter"},
    net_settings={"latent_seed": None, "depth": 50},
    input_hwc=(256, 192, 3),
    score="x",
)


def test_settings_are_the_family_s_changed_by_the_card() -> None:
    assert settings_of(CARD) == {
        "input_hw": (256, 192),
        "bgr": False,
        "padding": 1.25,
        "batch": 32,
        "decoder": "quarter",
        "seed": None,
        "scales": (1.0,),
        "std": (58.0, 57.0, 56.0),
        "latent_seed": None,
        "depth": 50,
    }


@pytest.mark.parametrize(
    ("change", "name", "value"),
    [
        ("bgr=true", "bgr", True),
        ("bgr=False", "bgr", False),
        ("padding=1", "padding", 1),
        ("padding=1.1", "padding", 1.1),
        ("batch=8", "batch", 8),
        ("decoder=udp", "decoder", "udp"),
        ("input-hw=384,288", "input_hw", (384, 288)),
        ("input_hw = (384, 288)", "input_hw", (384, 288)),
        ("seed=3", "seed", 3),
        ("seed=none", "seed", None),
        ("scales=[0.5,1,2]", "scales", (0.5, 1, 2)),
        ("std=[1,2,3.5]", "std", (1, 2, 3.5)),
    ],
)
def test_values_are_read_by_their_kind(change: str, name: str, value: object) -> None:
    settings, net = adjusted(CARD, [change])
    assert settings[name] == value
    assert net == {}
    assert CARD.settings == {"input_hw": (256, 192), "decoder": "quarter"}, "the card stays as it is"


def test_changes_of_the_network_are_apart() -> None:
    settings, net = adjusted(CARD, ["latent_seed=7", "depth=101"])
    assert net == {"latent_seed": 7, "depth": 101}
    assert settings == dict(CARD.settings)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("bgr", "expected name=value, got 'bgr'"),
        ("brg=true", "net has no setting 'brg'; it has batch, bgr"),
        ("runtime=1", "no setting 'runtime'"),
        ("skeleton=1", "no setting 'skeleton'"),
        ("bgr=maybe", "bgr: expected something like False, got 'maybe'"),
        ("batch=2.5", "batch: expected something like 32"),
        ("batch=true", "batch: expected something like 32"),
        ("padding=__import__('os')", "padding: expected something like 1.25"),
        ("input_hw=7", "input_hw: expected something like"),
        ("input_hw=[256]", "input_hw: expected something like (256, 192), got '[256]'"),
        ("input_hw=[0,192]", "input_hw: expected something like"),
        ("input_hw=100000,100000", "input_hw: expected at most 8192 pixels a side"),
        ("padding=0", "padding: expected something like 1.25, got '0'"),
        ("padding=-1.25", "padding: expected something like"),
        ("input_hw=['a','b']", "input_hw: expected something like"),
        ("std=[0,0,0]", "std: expected something like"),
        ("std=[1]", "std: expected something like"),
        ("scales=[]", "scales: expected something like"),
        ("padding=1e999", "padding: expected something like"),
        ("batch={[]:1}", "batch: expected something like 32"),
        ("seed=abc", "seed: expected something like None"),
        ("hand=3", "no setting 'hand'"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line(change: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        adjusted(CARD, [change])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
