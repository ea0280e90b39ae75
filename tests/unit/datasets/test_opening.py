"""Which kind a file is, and one line when it is none."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from holopose.datasets import KINDS, open_dataset
from holopose.errors import ConfigError, InputError
from label_samples import coco_entry, coco_file, flagged, image_list, person_points, wholebody_file, write_json


@pytest.mark.parametrize(
    ("count", "kind"), [(17, "coco"), (26, "halpe26"), (136, "halpe136"), (14, "crowdpose"), (21, "hand"), (68, "face")]
)
def test_by_the_number_of_keypoints(tmp_path: Path, count: int, kind: str) -> None:
    path = coco_file(tmp_path / "a.json", count)
    data = open_dataset(path)
    assert data.kind == kind
    assert len(data.skeleton) == count
    assert data.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert KINDS[kind].keypoints == count


def test_wholebody_by_its_fields_also_as_something_smaller(tmp_path: Path) -> None:
    path = wholebody_file(tmp_path / "w.json")
    assert open_dataset(path).kind == "wholebody"
    for kind in ("coco", "hand", "face"):
        assert open_dataset(path, kind=kind).kind == kind
    with pytest.raises(InputError, match="expected CrowdPose, got COCO-WholeBody"):
        open_dataset(path, kind="crowdpose")


def test_the_area_that_counts(tmp_path: Path) -> None:
    assert open_dataset(coco_file(tmp_path / "a.json")).area == "area"
    one = coco_entry(1, 1, flagged(person_points(17, 0)))
    del one["area"]
    path = write_json(tmp_path / "b.json", {"images": image_list(1), "annotations": [one]})
    assert open_dataset(path).area == "0.53 of the box"


GOOD = {"id": 1, "image_id": 1, "keypoints": [1, 2, 2] * 17, "bbox": [0, 0, 1, 1]}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ([{"image_id": 1, "keypoints": []}], "this looks like results, which go to --predictions"),
        ([1], "got a list of something else"),
        ({"images": []}, "got JSON of another kind"),
        ("text", "got JSON of another kind"),
        ({"images": [], "annotations": [GOOD]}, "expected at least one picture"),
        (
            {"images": image_list(1), "annotations": [{"id": 1, "image_id": 1, "bbox": [1, 2, 3, 4]}]},
            "person_keypoints_",
        ),
        ({"images": image_list(1), "annotations": [GOOD | {"keypoints": [1, 2, 2] * 19}]}, "got 57 numbers"),
        ({"images": image_list(1), "annotations": [GOOD | {"image_id": 5}]}, "name the picture 5, which is not among"),
        ({"images": image_list(1), "annotations": [GOOD | {"image_id": None}]}, "annotation 0: expected an image_id"),
        ({"images": [{"id": 1}], "annotations": [GOOD]}, "image 0: expected an id and a file_name"),
    ],
)
def test_files_that_are_none(tmp_path: Path, content: Any, says: str) -> None:
    with pytest.raises(InputError, match=says) as raised:
        open_dataset(write_json(tmp_path / "a.json", content))
    assert str(raised.value).startswith(str(tmp_path / "a.json"))
    assert "\n" not in str(raised.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        open_dataset(tmp_path / "none.json")
    (tmp_path / "cut.json").write_text('{"images": [', encoding="utf-8")
    with pytest.raises(InputError, match="not whole JSON"):
        open_dataset(tmp_path / "cut.json")
    with pytest.raises(InputError, match="expected the folder of the pictures, but there is none"):
        open_dataset(coco_file(tmp_path / "a.json"), tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="kind: expected auto or one of coco"):
        open_dataset(tmp_path / "a.json", kind="coca")
