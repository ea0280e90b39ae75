"""What every card of the zoo keeps: its class is there and takes what the card says, its network answers for it."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

import numpy as np
import pytest

from holopose.errors import ModelError
from holopose.models.blaze.network import SPECS
from holopose.models.heatmap import HeatmapModel
from holopose.protocols import Detector, Estimator, KeypointModel
from holopose.runtimes.fake import FakeRuntime
from holopose.skeletons import LAYOUTS
from holopose.types import Boxes, Frame
from holopose.zoo import catalog
from holopose.zoo.cards import Card
from holopose.zoo.catalog import MODELS

CARDS = {card.name: card for cards in MODELS.values() for card in cards}
MAIN = {model: cards[0] for model, cards in MODELS.items()}
BUILT = {name: card for name, card in MAIN.items() if card.net is not None}
KINDS = {"detector": (Detector, "detect"), "top-down": (KeypointModel, "locate"), "estimator": (Estimator, "estimate")}


def silent(card: Card) -> FakeRuntime:
    """A network with as many outputs as the card's, which is only asked what they are called."""
    outputs = card.outputs if card.net is not None else ("first", "second")
    return FakeRuntime(lambda inputs: {}, inputs=("input",), outputs=outputs)


def build(card: Card) -> Any:
    """The model around a network, as loading does it."""
    if card.model == "blaze":
        return card.family()({name: silent(card) for name in SPECS})
    settings: dict[str, Any] = {} if card.skeleton is None else {"skeleton": card.skeleton}
    others = {one.argument: silent(one) for one in MODELS[card.model] if one.argument}
    return card.family()(silent(card), **settings, **others, **card.settings)


def test_every_table_of_the_catalog_is_listed() -> None:
    """A table that is written but not in MODELS would be known to nobody."""
    listed = {id(card) for card in CARDS.values()}
    for module in pkgutil.iter_modules(catalog.__path__):
        table = importlib.import_module(f"{catalog.__name__}.{module.name}")
        for name in table.__all__:
            cards = [one for one in getattr(table, name) if isinstance(one, Card)]
            assert all(id(card) in listed for card in cards), f"{module.name}.{name} is not in MODELS"


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)
def test_what_may_be_done_with_it_is_said(card: Card) -> None:
    for words in (card.licence.code, card.licence.weights, card.licence.training_data, card.role, card.score):
        assert words.strip() == words != ""
        assert "\n" not in words
    assert card.places or card.notes, "where to get it"


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)
def test_sizes_agree(card: Card) -> None:
    height, width, channels = card.input_hwc
    assert channels == 3
    assert 32 <= min(height, width) <= max(height, width) <= 2048
    assert tuple(card.settings.get("input_hw", (height, width))) == (height, width)
    assert card.skeleton is None or card.skeleton in LAYOUTS.values()


@pytest.mark.parametrize("card", MAIN.values(), ids=MAIN)
def test_its_class_is_what_it_says_and_takes_its_settings(card: Card) -> None:
    model = build(card)
    assert isinstance(model, card.family())
    task = "estimator" if card.model == "blaze" else card.task
    kind, method = KINDS[task]
    assert isinstance(model, kind)
    assert callable(getattr(model, method))
    if task != "detector" and card.model != "blaze":
        assert model.skeleton is card.skeleton


@pytest.mark.parametrize("card", MAIN.values(), ids=MAIN)
def test_nobody_and_nothing_need_no_network(card: Card) -> None:
    model = build(card)
    frame = Frame(np.zeros((40, 60, 3), np.uint8))
    if card.task == "top-down":
        [poses] = model.locate([frame], [Boxes.empty()])
        assert poses.xy.shape == (0, len(model.skeleton), 2)
    else:
        assert list(model.detect([]) if card.task == "detector" else model.estimate([])) == []


@pytest.mark.parametrize(
    "card", [card for card in MAIN.values() if card.family() is HeatmapModel], ids=lambda c: c.name
)
def test_a_network_of_other_keypoints_is_refused(card: Card) -> None:
    """By what it answers, before a wrong skeleton is drawn."""
    assert card.skeleton is not None
    count = len(card.skeleton) + 1
    network = FakeRuntime(lambda inputs: {"maps": np.zeros((1, count, 8, 6), np.float32)}, outputs=("maps",))
    model = card.family()(network, skeleton=card.skeleton, **card.settings)
    with pytest.raises(ModelError, match=rf"expected 1 times {count - 1} heatmaps, the keypoints of"):
        model.locate([Frame(np.zeros((40, 60, 3), np.uint8))], [Boxes([[5, 5, 30, 35]], [1])])


# Networks ------------------------------------------------------------------------------------------------------------


def network(card: Card) -> Any:
    """The card's torch module without memory for its tensors; skips where a package that it needs is not here."""
    torch = pytest.importorskip("torch", reason="networks are torch modules")
    settings = tuple(sorted(card.net_settings.items(), key=lambda pair: pair[0]))
    return _network(torch, card.net, settings)


@cache
def _network(torch: Any, net: Any, settings: tuple[tuple[str, Any], ...]) -> Any:
    """Cards whose files differ and whose networks do not share one."""
    from holopose.errors import BackendError

    try:
        with torch.device("meta"):
            return net(**dict(settings)).eval()
    except BackendError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("card", BUILT.values(), ids=BUILT)
def test_its_network_is_built_with_tensors_for_every_file(card: Card) -> None:
    for one in MODELS[card.model]:
        module = network(one if one.argument else card)
        held = [name for name in module.state_dict() if name.startswith(one.prefix)]
        assert held or hasattr(module, "take"), f"{one.name}: no tensor begins with {one.prefix!r}"


@pytest.mark.parametrize("card", [card for card in BUILT.values() if card.task == "top-down"], ids=lambda c: c.name)
def test_its_network_gives_a_map_per_keypoint(card: Card) -> None:
    """Of one input as large as the card says."""
    module = network(card)
    torch = pytest.importorskip("torch")
    if hasattr(module, "text_embedding"):  # comes from a file of its own
        module.text_embedding = torch.zeros(1, 2, module.unet.config.cross_attention_dim, device="meta")
    height, width, channels = card.input_hwc
    with torch.device("meta"), torch.inference_mode():
        answer = module(torch.zeros(1, channels, height, width))
    answers = answer if isinstance(answer, tuple) else (answer,)
    assert len(answers) == len(card.outputs)
    assert card.skeleton is not None
    assert all(one.shape[:2] == (1, len(card.skeleton)) for one in answers)
    assert len({one.ndim for one in answers}) == 1
