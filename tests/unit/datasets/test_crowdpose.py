"""CrowdPose: 14 joints, a crowd index, areas from boxes."""

from __future__ import annotations

from pathlib import Path

import pytest

from holopose.datasets import open_dataset
from holopose.datasets.crowdpose import SKELETON, label
from label_samples import coco_entry, coco_file, flagged, person_points


def test_the_area_is_a_share_of_the_box() -> None:
    entry = coco_entry(1, 1, flagged(person_points(14, 0)), area=12345.0)
    width, height = entry["bbox"][2:]
    assert label([entry]).area_px[0] == pytest.approx(0.53 * width * height)


def test_by_content(tmp_path: Path) -> None:
    data = open_dataset(coco_file(tmp_path / "c.json", 14, crowdIndex=0.4))
    assert (data.kind, data.area) == ("crowdpose", "0.53 of the box")
    assert [picture.crowd_index for picture in data.pictures] == [0.4, 0.4]
    assert SKELETON.keypoints[:2] == ("left_shoulder", "right_shoulder")
    assert SKELETON.keypoints[12:] == ("head_top", "neck")
