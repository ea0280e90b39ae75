"""A data set: lazy per picture, pictures found or named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from holopose.datasets import open_dataset
from holopose.errors import InputError
from holopose.types import Frame
from label_samples import coco_file, picture_folder


def test_annotations_are_parsed_when_they_are_asked_for(tmp_path: Path) -> None:
    path = coco_file(tmp_path / "a.json", pictures=3)
    text = path.read_text(encoding="utf-8").replace('"image_id": 3, "category_id": 1', '"image_id": 3, "bbox_": 1')
    path.write_text(text.replace('"bbox"', '"box"', 1), encoding="utf-8")  # of the first picture
    data = open_dataset(path)
    assert (len(data), data.kind) == (3, "coco")
    assert len(data.labelled(data.pictures[1])) == 2
    with pytest.raises(InputError, match=r"a\.json: picture 001\.png: annotation 1: expected left, top, width, height"):
        data.labelled(data.pictures[0])


def test_limited(tmp_path: Path) -> None:
    data = open_dataset(coco_file(tmp_path / "a.json", pictures=3))
    assert [picture.name for picture, _ in data.limited(2)] == ["001.png", "002.png"]
    assert data.limited(None) is data
    assert len(data.limited(9)) == 3


def test_pictures_are_found_or_named(tmp_path: Path) -> None:
    path, folder = coco_file(tmp_path / "a.json", pictures=3), picture_folder(tmp_path / "images", 3)
    data = open_dataset(path, folder)
    data.check_pictures()
    assert data.path_of(data.pictures[0]) == folder / "001.png"
    (folder / "002.png").unlink()
    (folder / "003.png").unlink()
    with pytest.raises(InputError, match=r"images: 002\.png of a\.json is not there \(and 1 more of 3\)"):
        data.check_pictures()
    with pytest.raises(InputError, match="give it"):
        open_dataset(path).check_pictures()


def test_names_with_folders(tmp_path: Path) -> None:
    folder = picture_folder(tmp_path / "images", 1)
    path = coco_file(tmp_path / "a.json", pictures=1, file_name="val2017/001.png")
    data = open_dataset(path, folder)
    assert data.path_of(data.pictures[0]) == folder / "001.png"
    (folder / "val2017").mkdir()
    (folder / "001.png").rename(folder / "val2017" / "001.png")
    assert data.path_of(data.pictures[0]) == folder / "val2017" / "001.png"


def test_a_picture_without_annotations_has_nobody(tmp_path: Path) -> None:
    data = open_dataset(coco_file(tmp_path / "a.json", pictures=2, people=1))
    bare = type(data)(**{name: getattr(data, name) for name in data.__dataclass_fields__} | {"entries": {}})
    assert [len(labelled) for _, labelled in bare] == [0, 0]


def test_a_sample(tmp_path: Path) -> None:
    data = open_dataset(coco_file(tmp_path / "a.json"))
    sample = data.sample(data.pictures[0], Frame(np.zeros((160, 320, 3), np.uint8)))
    assert len(sample.truth) == 2
    assert sample.truth.skeleton == data.skeleton
