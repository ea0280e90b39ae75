"""The cards of detectors, and of YOLO's pose networks."""

from __future__ import annotations

import re

import numpy as np

from holopose.runtimes.openvino import OpenVinoRuntime
from holopose.zoo import cache
from holopose.zoo.catalog.detectors import DETECTORS

CARDS = {card.name: card for card in DETECTORS}


def test_yolox_nano_is_the_file_of_its_card(shared):
    path = shared / "data" / "models" / "yolox_nano.onnx"
    card = CARDS["yolox-nano"]
    assert (path.stat().st_size, cache.sha256_of(path)) == (card.size, card.sha256)
    runtime = OpenVinoRuntime(path, threads=1)
    side = card.input_hwc[0]
    answer = runtime.run({runtime.inputs[0]: np.zeros((1, 3, side, side), np.float32)})
    assert answer[runtime.outputs[0]].shape == (1, 3549, 85)
    runtime.close()


def test_every_size_of_yolox_is_there_in_both_trainings():
    for size, side_px in {"nano": 416, "tiny": 416, "s": 640, "m": 640, "l": 640, "x": 640}.items():
        raw, human_art = CARDS[f"yolox-{size}"], CARDS[f"yolox-{size}-humanart"]
        assert raw.settings["input_hw"] == human_art.settings["input_hw"] == (side_px, side_px)
        assert raw.urls[0].address.endswith(f"/0.1.1rc0/yolox_{size}.onnx")
        assert re.search(rf"/yolox_{size}_8xb8-300e_humanart-[0-9a-f]{{8}}\.zip$", human_art.urls[0].address)
        assert human_art.urls[0].member == "end2end.onnx"


def test_weights_under_agpl_have_no_address():
    """Nothing of them is fetched: people who have them export and import them."""
    ours = [card for card in DETECTORS if card.name.startswith("yolo") and not card.name.startswith("yolox")]
    assert len(ours) == 20
    for card in ours:
        assert card.places == ()
        assert card.licence.commercial is False
        assert (card.task, card.skeleton is None) == (
            ("estimator", False) if "pose" in card.name else ("detector", True)
        )
