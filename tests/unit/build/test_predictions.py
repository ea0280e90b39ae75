"""Files of predictions and of boxes; people of a model's layout made into those of a data set."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from holopose.build.predictions import PredictionsFile, boxes_for, fitting, read_predictions
from holopose.datasets import Dataset, open_dataset
from holopose.errors import ConfigError, InputError, OutputError
from holopose.models.given import read_boxes
from holopose.ops.labels import Found
from holopose.skeletons import COCO17, HAND21, WHOLEBODY133
from label_samples import coco_file, found_people, perfect, person_points, wholebody_file, write_json


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    return open_dataset(coco_file(tmp_path / "d.json", pictures=3))


def result(image_id: int | str, **more: Any) -> dict[str, Any]:
    return {"image_id": image_id, "keypoints": [1.0, 2.0, 0.5] * 17, "score": 0.5, **more}


def test_written_and_read_again(data: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "out" / "p.json"
    file = PredictionsFile(path, data, overwrite=False)
    people = [perfect(labelled) for _, labelled in data]
    people[1] = Found.empty(17)
    for picture, found in zip(data.pictures, people, strict=True):
        file.write(picture, found)
    assert not path.exists()
    sha256 = file.close(ok=True)
    assert sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    read = read_predictions(path, data)
    assert read.sha256 == sha256
    for picture, found in zip(data.pictures, people, strict=True):
        np.testing.assert_array_equal(read.people(picture).xy, found.xy)
        np.testing.assert_array_equal(read.people(picture).score, found.score)


def test_nobody_is_an_empty_list_and_failure_leaves_nothing(data: Dataset, tmp_path: Path) -> None:
    file = PredictionsFile(tmp_path / "p.json", data, overwrite=False)
    file.write(data.pictures[0], Found.empty(17))
    file.close(ok=True)
    assert json.loads((tmp_path / "p.json").read_bytes()) == []
    with pytest.raises(OutputError, match="is there already"):
        PredictionsFile(tmp_path / "p.json", data, overwrite=False)
    failed = PredictionsFile(tmp_path / "q.json", data, overwrite=False)
    failed.write(data.pictures[0], perfect(data.labelled(data.pictures[0])))
    assert failed.close(ok=False) == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.json", "p.json"]


def test_pictures_by_id_or_by_name(data: Dataset, tmp_path: Path) -> None:
    path = write_json(tmp_path / "p.json", [result(1), result("002.png"), result("elsewhere.png"), result(99)])
    read = read_predictions(path, data)
    assert [len(read.people(picture)) for picture in data.pictures] == [1, 1, 0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"a": 1}, "expected predictions as a list of COCO results, got dict"),
        ([result(77)], r"expected entries for the pictures of d\.json, got none for any of them"),
        ([{"image_id": 1}], "something without keypoints"),
        ([result(True)], "entry 0: expected an image_id"),
    ],
)
def test_wrong_files(data: Dataset, tmp_path: Path, content: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_predictions(write_json(tmp_path / "p.json", content), data)
    with pytest.raises(InputError, match="No such file"):
        read_predictions(tmp_path / "none.json", data)


def test_a_damaged_entry_names_its_picture(data: Dataset, tmp_path: Path) -> None:
    read = read_predictions(write_json(tmp_path / "p.json", [result(2, score="high")]), data)
    with pytest.raises(InputError, match=r"p\.json: picture 002\.png: expected a number as score"):
        read.people(data.pictures[1])


def test_missing_part_scores_are_told(tmp_path: Path) -> None:
    data = open_dataset(wholebody_file(tmp_path / "w.json"))
    bare = result(1, foot_kpts=[1.0, 2.0, 0.5] * 6)
    [note] = read_predictions(write_json(tmp_path / "p.json", [bare]), data).notes("parts")
    assert note == "p.json has no scores of parts: the score of the person ranks all parts"
    scored = read_predictions(write_json(tmp_path / "q.json", [bare | {"face_score": 0.5}]), data)
    assert scored.notes("parts") == []
    assert read_predictions(tmp_path / "p.json", data).notes("person") == []


def test_boxes_by_picture(data: Dataset, tmp_path: Path) -> None:
    entries = [
        {"image_id": 1, "category_id": 1, "bbox": [1, 2, 10, 20], "score": 0.25},
        {"image_id": 1, "category_id": 3, "bbox": [1, 2, 10, 20], "score": 0.99},
        {"image_id": 1, "bbox": [5, 5, 5, 5], "score": 0.75},
        {"image_id": "elsewhere/003.png", "category_id": 1, "bbox": [0, 0, 1, 1], "score": 1},
        {"image_id": 99, "bbox": [0, 0, 1, 1], "score": 1},
    ]
    boxes = boxes_for(data, read_boxes(write_json(tmp_path / "b.json", entries)))
    assert [len(one) for one in boxes] == [2, 0, 1]
    assert boxes[0].xyxy.tolist() == [[5, 5, 10, 10], [1, 2, 11, 22]]
    assert boxes[0].score.tolist() == [0.75, 0.25]
    nobody = boxes_for(data, read_boxes(write_json(tmp_path / "b.json", [])))
    assert [len(one) for one in nobody] == [0, 0, 0]
    with pytest.raises(InputError, match=r"b\.json: expected boxes for the pictures of d\.json, got none for any"):
        boxes_for(data, read_boxes(write_json(tmp_path / "b.json", entries[-1:])))


def test_boxes_of_a_data_set(data: Dataset, tmp_path: Path) -> None:
    boxes = boxes_for(data, read_boxes(data.path))
    assert [len(one) for one in boxes] == [len(labelled.to_boxes()) for _, labelled in data]
    assert sum(map(len, boxes)) > 0
    smaller = read_boxes(coco_file(tmp_path / "smaller.json", pictures=2))
    assert len(boxes_for(data.limited(2), smaller)) == 2
    with pytest.raises(InputError, match=r"smaller\.json: 003\.png is not among its images"):
        boxes_for(data, smaller)


def test_a_name_that_could_be_two_pictures(data: Dataset, tmp_path: Path) -> None:
    pictures = [replace(data.pictures[0], name="a/1.png"), replace(data.pictures[1], name="b/1.png")]
    alike = replace(data, pictures=pictures)
    box = {"bbox": [0, 0, 1, 1], "score": 1}
    with pytest.raises(InputError, match=r"b\.json: 1 could be a/1\.png and b/1\.png of d\.json"):
        boxes_for(alike, read_boxes(write_json(tmp_path / "b.json", [{"image_id": "1.png", **box}])))
    found = boxes_for(alike, read_boxes(write_json(tmp_path / "b.json", [{"image_id": 2, **box}])))
    assert [len(one) for one in found] == [0, 1]


def test_layouts_are_made_to_fit(data: Dataset, tmp_path: Path) -> None:
    people = found_people([person_points(133, 0)])
    assert fitting(WHOLEBODY133, data)(people).xy.shape == (1, 17, 2)
    same = found_people([person_points(17, 0)])
    assert fitting(COCO17, data)(same) is same
    whole = wholebody_file(tmp_path / "w.json")
    assert fitting(WHOLEBODY133, open_dataset(whole, kind="hand"))(people).xy.shape == (2, 21, 2)
    faces = fitting(WHOLEBODY133, open_dataset(whole, kind="face"))(people)
    assert faces.boxes_xyxy[0].tolist() == [*people.xy[0, 23:91].min(axis=0), *people.xy[0, 23:91].max(axis=0)]
    nobody = people.xy.copy()
    nobody[:, 23:91] = np.nan
    assert len(fitting(WHOLEBODY133, open_dataset(whole, kind="face"))(found_people(nobody))) == 0
    with pytest.raises(ConfigError, match="the model gives hand21, of which nothing becomes coco17"):
        fitting(HAND21, data)
