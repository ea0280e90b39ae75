"""The cards of SimpleBaseline."""

from __future__ import annotations

from holopose.zoo.catalog import MODELS
from holopose.zoo.catalog.simplebaseline import SIMPLEBASELINE


def test_microsofts_weights_take_blue_first_and_mmposes_red():
    blue = {card.name for card in SIMPLEBASELINE if card.settings.get("bgr")}
    assert blue == {card.name for card in SIMPLEBASELINE if card.skeleton.name == "coco17"}
    assert len(blue) == 6


def test_every_depth_and_size_of_mmpose_is_there_with_its_hash():
    files = {card.name: card for card in SIMPLEBASELINE if card.places}
    assert set(files) == {f"simplebaseline-r{d}-wholebody-{s}" for d in (50, 101, 152) for s in (256, 384)}
    for card in files.values():
        height, width, _ = card.input_hwc
        stem = f"res{card.net_settings['depth']}_coco_wholebody_{height}x{width}-{card.sha256}_20201004.pth"
        assert card.urls[0].address == f"https://download.openmmlab.com/mmpose/top_down/resnet/{stem}"
        assert "AP on COCO-WholeBody" in card.published


def test_they_are_models_of_the_zoo():
    assert all(MODELS[card.model] == (card,) for card in SIMPLEBASELINE)
