"""What the cards say, and that reading them costs nothing."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from holopose.errors import ConfigError
from holopose.zoo.cards import Asset, networks_of
from holopose.zoo.catalog import ASSETS, BLAZE, DEFAULTS, MODELS, PICTURES, choose, find_model

ROOT = Path(__file__).resolve().parents[3]


def test_names_files_and_hashes_are_unique():
    assert len({asset.name for asset in ASSETS}) == len(ASSETS)
    by_file: dict[str, list[Asset]] = {}
    for asset in ASSETS:
        by_file.setdefault(asset.filename, []).append(asset)
    for name, cards in by_file.items():  # one file may serve several models, as the same file
        assert len({(one.sha256, one.size, one.places, one.licence) for one in cards}) == 1, name
    hashes = [asset.sha256 for asset in ASSETS if asset.sha256]
    assert len(set(hashes)) == len(hashes)
    assert len(DEFAULTS) == 10
    assert all(len(asset.sha256) == 64 and asset.size > 0 for asset in DEFAULTS)


def test_every_file_has_a_place_and_licences():
    for asset in ASSETS:
        assert asset.places or f"`holopose models import {asset.filename}`" in asset.notes
        assert all(place.path.endswith("/" + asset.filename) for place in asset.members)
        assert all(place.address.startswith("https://") for place in asset.urls)
        assert "" not in (asset.licence.code, asset.licence.weights, asset.licence.training_data)


def test_cards_describe_networks():
    for model, cards in MODELS.items():
        for card in cards:
            assert card.model == model
            assert card.folder == "models"
            assert "" not in (card.role, card.score)
            assert len(card.input_hwc) == 3
            assert card.input_range[0] < card.input_range[1]
    assert {picture.folder for picture in PICTURES} == {"pictures"}


def test_the_notice_names_every_file():
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    assert [asset.filename for asset in DEFAULTS if asset.filename not in notice] == []
    for wheel in {place.wheel for asset in DEFAULTS for place in asset.members}:
        assert f'"{wheel.project}" {wheel.version}' in notice


def test_reading_the_cards_imports_nothing_heavy():
    code = "import sys, holopose.zoo.catalog, holopose.zoo.fetch; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"cv2", "openvino", "scipy", "torch", "typer", "rich", "pydantic", "pip"}.isdisjoint(done.stdout.split())


def test_every_card_fits_the_class_that_runs_it():
    """What a card says of settings is what the family takes, with the types that it has there."""
    for cards in MODELS.values():
        for card in cards:
            takes = inspect.signature(card.family()).parameters
            assert set(card.settings) <= set(takes) - {"runtime", "skeleton"}, card.name
            if "input_hw" in card.settings:
                assert tuple(card.settings["input_hw"]) == card.input_hwc[:2]
            needs = {name for name, one in takes.items() if one.default is one.empty} - {"runtime", "networks"}
            given = {*card.settings, *(["skeleton"] if card.skeleton else [])}
            assert card.task == "part" or needs <= given, card.name


def test_what_a_product_may_use_is_never_what_its_makers_forbid():
    safe = {asset.name for asset in ASSETS if asset.licence.commercial}
    assert {card.name for card in BLAZE} <= safe
    assert "yolox-nano" in safe
    for asset in ASSETS:
        terms = f"{asset.licence.code} {asset.licence.weights} {asset.licence.training_data}"
        if any(word in terms for word in ("AGPL", "NC", "research only", "non-commercial")):
            assert asset.name not in safe


def test_choose_by_model_name_and_file_name():
    assert choose("blaze") == BLAZE
    assert choose("face_landmark") == choose("face_landmark.tflite")
    assert choose("bus.jpg") == (PICTURES[0],)
    with pytest.raises(ConfigError, match="did you mean 'face_landmark'"):
        choose("face_landmarks")
    with pytest.raises(ConfigError, match="did you mean 'rtmpose-m-body17'"):
        find_model("RTMPose-m_body17")
    with pytest.raises(ConfigError, match="`holopose models list` shows all"):
        choose("?")


@pytest.mark.parametrize(
    "change",
    [{"filename": "../x"}, {"filename": "a/b"}, {"filename": "a\\b"}, {"filename": ".."}, {"filename": ""},
     {"folder": "../models"}, {"folder": "/models"}, {"folder": "models/"}, {"filename": "c:x"},
     {"sha256": "0" * 63}, {"sha256": "G" * 64}, {"size": -1}],
)  # fmt: skip
def test_an_asset_cannot_lead_outside_the_cache(change):
    good = {"name": "x", "filename": "x", "sha256": "0" * 64, "size": 1, "places": (), "licence": BLAZE[0].licence}
    Asset(**good)
    with pytest.raises(ValueError, match="expected"):
        Asset(**{**good, **change})


def test_cards_by_the_network_that_they_make_up():
    body, hand = MODELS["openpose-body25-hands"]
    assert networks_of([hand, body]) == [[body], [hand]]
    assert networks_of(BLAZE) == [list(BLAZE)]
