"""The cards of RTMPose, RTMW, DWPose and RTMO: every archive of the projects' tables, with what its name says."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from holopose.zoo.catalog.rtm import RTM

POINTS = {"halpe26": 26, "hand5": 21, "face6": 106, "body7": 17, "ucoco": 133, "cocktail": 133}
"""What a name says of the training -> keypoints; the first that it has counts."""


def test_every_archive_of_the_tables_is_there():
    kinds = Counter(
        re.match(r"[a-z]+(-\w+-(body17|halpe26|hand21|face106))?", card.name)[2] or card.name.split("-")[0]
        for card in RTM
    )
    assert kinds == {"rtmw": 4, "dwpose": 5, "body17": 7, "halpe26": 7, "hand21": 1, "face106": 3, "rtmo": 3}


@pytest.mark.parametrize("card", RTM, ids=lambda card: card.name)
def test_a_card_says_what_the_name_of_its_archive_says(card):
    place = card.urls[0]
    assert place.member == "end2end.onnx"
    name = place.address.rpartition("/")[2]
    height, width = map(int, re.search(r"[-_](\d+)x(\d+)[-_]", name).groups())
    assert card.settings["input_hw"] == (height, width) == card.input_hwc[:2]
    size = re.match(r"(?:rtmpose|rtmo|rtmw(?:-dw-[lx])?)-([tsmlx])_", name)[1]
    assert f"-{size}-" in f"{card.name}-"
    assert len(card.skeleton) == next(points for data, points in POINTS.items() if data in name)


def test_dwpose_has_a_second_place():
    [card] = [card for card in RTM if card.name == "dwpose-l-384"]
    assert [url.address.rpartition("/")[2] for url in card.urls][1:] == ["dw-ll_ucoco_384.onnx"]
    assert ".722/.704/.887/.621/.665" in card.published
