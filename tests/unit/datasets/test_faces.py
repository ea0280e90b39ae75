"""Faces of their own, and the faces of whole people."""

from __future__ import annotations

import json
from pathlib import Path

from holopose.datasets import open_dataset
from holopose.datasets.faces import label, label_of_people
from label_samples import coco_file, wholebody_file


def test_faces_in_cocos_form(tmp_path: Path) -> None:
    path = coco_file(tmp_path / "f.json", 68)
    assert open_dataset(path).kind == "face"
    assert label(json.loads(path.read_bytes())["annotations"]).xy.shape == (4, 68, 2)


def test_the_face_of_each_person(tmp_path: Path) -> None:
    path = wholebody_file(tmp_path / "w.json", pictures=1)
    first, second = json.loads(path.read_bytes())["annotations"]
    faces = label_of_people([first, second])
    assert faces.xy[1].ravel().tolist() == [v for i, v in enumerate(second["face_kpts"]) if i % 3 < 2]
    assert faces.area_px.tolist() == [900.0] * 2
    assert faces.boxes_xyxy[0].tolist() == [0, 20, 30, 50]
    assert [len(labelled) for _, labelled in open_dataset(path, kind="face")] == [2]
