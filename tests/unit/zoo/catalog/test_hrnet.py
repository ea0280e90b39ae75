"""The cards of HRNet."""

from __future__ import annotations

import re

from holopose.zoo.catalog import MODELS
from holopose.zoo.catalog.hrnet import HRNET

CARDS = {card.name: card for card in HRNET}


def test_published_files_carry_the_digits_of_their_hash():
    files = [card for card in HRNET if card.places]
    assert len(files) == 2
    for card in files:
        assert re.search(rf"/hrnet_w48_coco_wholebody_384x288.*-{card.sha256}_\d+\.pth$", card.urls[0].address)
        assert card.urls[0].address.endswith(f"/{card.filename}")


def test_only_dark_networks_are_decoded_so_and_with_the_kernel_they_were_published_with():
    kernels = {card.name: card.settings["kernel"] for card in HRNET if card.settings["decoder"] == "dark"}
    assert kernels == {
        "hrnet-w48-wholebody-dark": 17,
        "hrnet-w48-wholebody-modelscope": 17,
        "hrnet-w32-wholebody-dark-256": 11,
    }
    assert all(card.settings["shift_flip"] and not card.settings.get("bgr") for card in HRNET)


def test_they_are_models_of_the_zoo():
    assert all(MODELS[card.model] == (card,) for card in HRNET)
    assert {card.input_hwc for card in HRNET} == {(384, 288, 3), (256, 192, 3)}
