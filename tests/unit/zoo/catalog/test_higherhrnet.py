"""The cards of HigherHRNet."""

from __future__ import annotations

from holopose.zoo.catalog import MODELS
from holopose.zoo.catalog.higherhrnet import HIGHERHRNET


def test_sizes_are_those_of_the_file_names():
    for card in HIGHERHRNET:
        assert MODELS[card.model] == (card,)
        size, width = card.settings["input_size"], card.net_settings["width"]
        assert card.filename == f"pose_higher_hrnet_w{width}_{size}.pth"
        assert card.input_hwc == (size, size, 3)
        assert card.places == ()
