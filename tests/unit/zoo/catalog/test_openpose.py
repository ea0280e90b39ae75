"""The cards of OpenPose."""

from __future__ import annotations

from holopose.zoo.catalog import MODELS
from holopose.zoo.catalog.openpose import OPENPOSE


def test_nothing_of_openpose_is_fetched_or_called_free():
    for card in OPENPOSE:
        assert card in MODELS[card.model]
        assert card.places == ()
        assert card.licence.commercial is False
        assert "non-commercial" in card.licence.weights


def test_the_hand_network_is_shown_what_openpose_shows_it():
    hand = next(card for card in OPENPOSE if card.name == "openpose-hand")
    low, high = ((v - hand.settings["mean"][0]) / hand.settings["std"][0] for v in (0, 255))
    assert (low, high) == OPENPOSE[0].input_range == (-0.5, 255 / 256 - 0.5)
    assert hand.settings["bgr"]
    assert hand.settings["cell"] == 3.5 / 8, "the middle of 8 px, as the estimator with hands has it by enlarging maps"
    assert hand.net_settings == {"background": False}


def test_a_body_with_hands_is_two_networks_of_the_same_files():
    for body, whole in (("openpose-body18", "openpose60"), ("openpose-body25", "openpose67")):
        main, hand = MODELS[f"{body}-hands"]
        [alone] = MODELS[body]
        assert (main.filename, hand.filename) == (alone.filename, MODELS["openpose-hand"][0].filename)
        assert (main.argument, hand.argument, hand.task) == ("", "hand", "part")
        assert main.skeleton is not None
        assert main.skeleton.name == whole
        assert hand.net_settings == {"background": True}, "the estimator wants the background's map too"
