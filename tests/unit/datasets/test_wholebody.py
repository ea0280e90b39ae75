"""COCO-WholeBody's five fields make 133 points; its valid flags are not read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from holopose.datasets import open_dataset
from holopose.datasets.wholebody import FIELDS, label
from holopose.skeletons import WHOLEBODY133
from label_samples import wholebody_file


def test_order_of_the_parts(tmp_path: Path) -> None:
    content = json.loads(wholebody_file(tmp_path / "w.json").read_bytes())
    [one, *_] = content["annotations"]
    people = label([one])
    assert people.xy.shape == (1, 133, 2)
    for part, field in zip(WHOLEBODY133.parts, FIELDS, strict=True):
        rows = np.reshape(one[field], (-1, 3))
        assert people.xy[0, list(WHOLEBODY133.parts[part])].tolist() == rows[:, :2].tolist()
    assert not one["face_valid"]  # and yet the face is there


def test_real_annotations(shared: Path) -> None:
    data = open_dataset(shared / "data/coco_wholebody/annotations.json", shared / "data/images")
    assert (data.kind, len(data)) == ("wholebody", 4)
    data.check_pictures()
    people = [labelled for _, labelled in data]
    assert sum(len(one) for one in people) == 14
    assert sum(int(one.pick(range(17)).counted.sum()) for one in people) == 12
