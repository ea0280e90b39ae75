"""The cards of FastPose."""

from __future__ import annotations

import pytest

from holopose.zoo.catalog import MODELS
from holopose.zoo.catalog.fastpose import FASTPOSE


def test_nothing_of_alphapose_is_fetched_or_called_free():
    for card in FASTPOSE:
        assert MODELS[card.model] == (card,)
        assert card.places == ()
        assert card.licence.commercial is False
        assert "non-commercial" in card.licence.weights


def test_colours_are_red_first_with_a_mean_and_no_deviation():
    for card in FASTPOSE:
        assert card.settings["mean"] == pytest.approx([255 * share for share in (0.406, 0.457, 0.480)])
        assert card.settings["std"] == (255, 255, 255)
        assert not card.settings.get("bgr")


def test_mirrored_maps_of_a_plain_warp_are_moved_before_they_are_averaged():
    for card in FASTPOSE:
        assert not card.settings.get("udp")
        assert card.settings["shift_flip"]


def test_only_whole_bodies_are_decoded_by_integrals():
    for card in FASTPOSE:
        assert card.settings["decoder"] in ("quarter", "symmetric-integral", "combined")
        assert card.settings["decoder"] == "quarter" or len(card.skeleton.keypoints) in (133, 136)
