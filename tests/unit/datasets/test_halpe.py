"""Halpe's 136 points, and the first 26 of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from holopose.datasets import open_dataset
from holopose.datasets.halpe import label_26, label_136
from holopose.skeletons import HALPE26, HALPE136
from label_samples import coco_entry, coco_file, flagged, person_points


def test_26_of_136() -> None:
    points = flagged(person_points(136, 0))
    entry = coco_entry(1, 1, points)
    assert label_136([entry]).xy.shape == (1, 136, 2)
    np.testing.assert_array_equal(label_26([entry]).xy[0], points[:26, :2])
    own = coco_entry(1, 1, points[:26])
    np.testing.assert_array_equal(label_26([own]).xy[0], points[:26, :2])
    assert len(label_26([])) == len(label_136([])) == 0


def test_by_content_and_by_name(tmp_path: Path) -> None:
    full, body = coco_file(tmp_path / "136.json", 136), coco_file(tmp_path / "26.json", 26)
    assert open_dataset(full).skeleton == HALPE136
    assert open_dataset(full, kind="halpe26").skeleton == HALPE26
    assert open_dataset(body).skeleton == HALPE26
    assert next(iter(open_dataset(full, kind="halpe26")))[1].xy.shape == (2, 26, 2)
