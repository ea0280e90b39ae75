"""The cards of OpenPose."""

from __future__ import annotations

from holopose.zoo.catalog import MODELS
from holopose.zoo.catalog.openpose import OPENPOSE


def test_nothing_of_openpose_is_fetched_or_called_free():
    for card in OPENPOSE:
        assert MODELS[card.model] == (card,)
        assert card.places == ()
        assert card.licence.commercial is False
        assert "non-commercial" in card.licence.weights


def test_the_hand_network_is_shown_what_openpose_shows_it():
    hand = next(card for card in OPENPOSE if card.name == "openpose-hand")
    low, high = ((v - hand.settings["mean"][0]) / hand.settings["std"][0] for v in (0, 255))
    assert (low, high) == OPENPOSE[0].input_range == (-0.5, 255 / 256 - 0.5)
    assert hand.settings["bgr"]
    assert hand.net_settings == {"background": False}
