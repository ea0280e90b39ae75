"""Hands of their own, and the hands of whole people."""

from __future__ import annotations

import json
from pathlib import Path

from holopose.datasets import open_dataset
from holopose.datasets.hands import label, label_of_people
from label_samples import coco_file, wholebody_file


def test_hands_in_cocos_form(tmp_path: Path) -> None:
    path = coco_file(tmp_path / "h.json", 21)
    assert open_dataset(path).kind == "hand"
    assert label(json.loads(path.read_bytes())["annotations"]).xy.shape == (4, 21, 2)


def test_both_hands_of_each_person(tmp_path: Path) -> None:
    path = wholebody_file(tmp_path / "w.json", pictures=1)
    first, second = json.loads(path.read_bytes())["annotations"]
    hands = label_of_people([first, second])
    assert hands.ids == ("1 left", "2 left", "1 right", "2 right")
    assert hands.xy[2].ravel().tolist() == [v for i, v in enumerate(first["righthand_kpts"]) if i % 3 < 2]
    assert hands.area_px.tolist() == [900.0] * 4
    assert len(label_of_people([])) == 0
    assert [len(labelled) for _, labelled in open_dataset(path, kind="hand")] == [4]
