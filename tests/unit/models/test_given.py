from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.errors import InputError
from holopose.models.given import GivenBoxes, WholePicture, read_boxes
from holopose.protocols import Detector
from holopose.types import Boxes, Frame

ONE = Boxes([[1, 2, 30, 40]], [0.5])
TWO = Boxes([[1, 2, 30, 40], [5, 5, 15, 15]], [0.5, 0.9])


def frame(name: str = "", index: int = 0, time_s: float | None = None) -> Frame:
    return Frame(np.zeros((50, 60, 3), np.uint8), index=index, time_s=time_s, name=name)


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_the_whole_picture() -> None:
    detector = WholePicture()
    assert isinstance(detector, Detector)
    tall = Frame(np.zeros((90, 20, 3), np.uint8))
    assert [boxes.xyxy.tolist() for boxes in detector.detect([frame(), tall])] == [[[0, 0, 60, 50]], [[0, 0, 20, 90]]]
    assert detector.detect([frame()])[0].score.tolist() == [1]
    assert detector.detect([]) == []


# Boxes of each frame ------------------------------------------------------------------------------------------------


def test_one_set_for_every_frame() -> None:
    detector = GivenBoxes(TWO)
    assert isinstance(detector, Detector)
    for boxes in detector.detect([frame("a.jpg"), frame("b.mp4", 3, 0.1)]):
        assert boxes.xyxy.tolist() == [[5, 5, 15, 15], [1, 2, 30, 40]], "best first"
    beyond = GivenBoxes(Boxes([[-5, -5, 20, 70], [70, 0, 80, 10]], [1, 1]))
    with pytest.raises(InputError, match=r"box 70, 0, 80, 10: is not in the picture a\.jpg \(60 x 50\)"):
        beyond.detect([frame("a.jpg")])


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("street.jpg", "street"),
        ("val2017/street.jpg", "street"),
        ("C:\\pictures\\street.PNG", "street"),
        ("a.b.jpg", "a.b"),
        ("000000000785.jpg", "000000000785"),
        ("000000000785.jpg", 785),
        ("COCO_val2014_000000000192.jpg", 192),
        ("frame7", 7),
    ],
)
def test_pictures_are_found_by_name_or_number(name: str, key: str | int) -> None:
    detector = GivenBoxes({key: TWO, "another": ONE, 12: ONE})
    [found, nobody] = detector.detect([frame(name, index=12), frame("zebra3.jpg", index=12)])
    assert len(found) == 2
    assert len(nobody) == 0


def test_a_name_goes_before_its_number() -> None:
    assert len(GivenBoxes({"p7": TWO, 7: ONE}).detect([frame("p7.jpg")])[0]) == 2


def test_frames_of_a_clip_are_found_by_their_index() -> None:
    clip = [frame("walk1.mp4", index, index / 30) for index in range(3)]
    assert [len(boxes) for boxes in GivenBoxes({0: TWO, 2: ONE}).detect(clip)] == [2, 0, 1]
    with pytest.raises(InputError, match=r"go by file names, walk1\.mp4 is a clip"):
        GivenBoxes({"walk1": ONE}).detect(clip)


def test_pictures_without_a_number_are_not_found_by_number() -> None:
    with pytest.raises(InputError, match=r"go by numbers \(image_id\), and the name of bus\.jpg has none"):
        GivenBoxes({0: ONE}).detect([frame("bus.jpg")])
    assert len(GivenBoxes({0: ONE, "car": ONE}).detect([frame("bus.jpg")])[0]) == 0
    assert len(GivenBoxes({}).detect([frame("bus.jpg"), frame("walk.mp4", 0, 0.0)])[1]) == 0


def test_a_list_goes_by_the_index() -> None:
    found = GivenBoxes([Boxes.empty(), TWO]).detect([frame("same.jpg", 1), frame("same.jpg", 0)])
    assert [len(boxes) for boxes in found] == [2, 0]


def test_pictures_without_boxes_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [{"file_name": "a.jpg", "bbox": [0, 0, 9, 9]}, {"image_id": 2, "bbox": [0, 0, 9, 9]}]
    detector = GivenBoxes(read_boxes(write(tmp_path / "d.json", rows)))
    frames = [frame("a.jpg"), frame("b.jpg"), frame("p2.jpg"), frame(), frame("clip.mp4", 5, 0.2)]
    assert [len(boxes) for boxes in detector.detect(frames)] == [1, 0, 1, 0, 0]
    assert [one.levelname for one in caplog.records] == ["WARNING"] * 2
    assert [one.getMessage() for one in caplog.records] == [
        f"holopose: {name}: no boxes are given for it" for name in ("b.jpg", "a picture without a name")
    ]


def test_pictures_that_a_data_set_does_not_have_are_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    detector = GivenBoxes(read_boxes(write(tmp_path / "d.json", dataset())))
    known = [frame("seven.png"), frame("x/eight.jpg"), frame("nine9.jpg"), frame("clip.mp4", 9, 0.3)]
    assert [len(boxes) for boxes in detector.detect(known)] == [1, 0, 1, 1]
    for name, called in {"other/ten.jpg": "other/ten.jpg", "": "a picture without a name"}.items():
        with pytest.raises(InputError) as caught:
            detector.detect([frame(name)])
        assert str(caught.value) == f"{tmp_path / 'd.json'}: {called} is not among its images"
    assert not caplog.records, "eight.jpg is known to show nobody"


def test_boxes_are_handed_on_as_they_are_unless_they_show_nothing() -> None:
    boxes = Boxes([[-9, -9, 5, 5], [100, 0, 110, 10], [50, 40, 90, 90]], [0.1, 0.9, 0.4])
    [found] = GivenBoxes({"a": boxes}).detect([frame("a.jpg")])
    assert found.xyxy.tolist() == [[50, 40, 90, 90], [-9, -9, 5, 5]]


# Files ---------------------------------------------------------------------------------------------------------------


def test_a_list_of_detections(tmp_path: Path) -> None:
    rows = [
        {"image_id": 785, "bbox": [1, 2, 3, 4], "score": 0.5, "category_id": 1},
        {"image_id": 785, "bbox": [5.5, 6, 3, 4], "score": 0.75},
        {"image_id": 785, "bbox": [0, 0, 9, 9], "score": 0.9, "category_id": 18},
        {"image_id": "folder/b.jpg", "bbox": [0, 0, 9, 9]},
        {"file_name": "c.jpg", "image_id": 3, "bbox": [0, 0, 0, 9], "score": 1},
        {"file_name": "d.jpg", "bbox": [0, 0, 1, 1], "score": 1, "iscrowd": 1},
    ]
    file = read_boxes(write(tmp_path / "d.json", rows))
    assert file.sha256 == hashlib.sha256((tmp_path / "d.json").read_bytes()).hexdigest()
    found = file.by_picture
    assert list(found) == [785, "b", "c"]
    assert found[785].xyxy.tolist() == [[5.5, 6, 8.5, 10], [1, 2, 4, 6]]
    assert found[785].score.tolist() == [0.75, 0.5]
    assert found["b"].score.tolist() == [1]
    assert len(found["c"]) == 0
    assert read_boxes(str(write(tmp_path / "none.json", []))).by_picture == {}


def test_scores_can_be_asked_for(tmp_path: Path) -> None:
    rows = [{"image_id": 1, "bbox": [0, 0, 1, 1], "score": 0.5}, {"image_id": 1, "bbox": [0, 0, 1, 1]}]
    with pytest.raises(InputError, match=r"d\.json: row 2: score: expected a number, got \[None\]"):
        read_boxes(write(tmp_path / "d.json", rows), scored=True)
    labels = read_boxes(write(tmp_path / "d.json", dataset()), scored=True)
    assert labels.by_picture["seven"].score.tolist() == [1]


def dataset(**changes: Any) -> dict[str, Any]:
    return {
        "images": [{"id": 7, "file_name": "val/seven.jpg"}, {"id": 8, "file_name": "eight.jpg"}, {"id": 9}],
        "annotations": [
            {"id": 1, "image_id": 7, "bbox": [1, 2, 3, 4], "category_id": 5, "iscrowd": 0},
            {"id": 2, "image_id": 7, "bbox": [0, 0, 9, 9], "category_id": 1},
            {"id": 3, "image_id": 7, "bbox": [0, 0, 9, 9], "category_id": 5, "iscrowd": 1},
            {"id": 4, "image_id": 9, "bbox": [4, 4, 1, 1], "category_id": 5},
        ],
        "categories": [{"id": 1, "name": "dog"}, {"id": 5, "name": "person"}],
        **changes,
    }


def test_a_data_set(tmp_path: Path) -> None:
    found = read_boxes(write(tmp_path / "d.json", dataset())).by_picture
    assert {key: boxes.xyxy.tolist() for key, boxes in found.items()} == {
        "seven": [[1, 2, 4, 6]],
        "eight": [],
        9: [[4, 4, 5, 5]],
    }
    nameless = read_boxes(write(tmp_path / "d.json", dataset(images=[{"id": 7, "file_name": None}]))).by_picture
    assert [len(nameless[7]), len(nameless[9])] == [1, 1]
    without = read_boxes(write(tmp_path / "d.json", dataset(categories=[]))).by_picture
    assert without["seven"].xyxy.tolist() == [[0, 0, 9, 9]], "then 1 is a person"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "expected a list of detections, or a data set"),
        ("text", "expected a list of detections, or a data set"),
        (dataset(images=None), "expected a list `images`"),
        (dataset(images=[{"file_name": "a.jpg"}]), "expected a list `images`"),
        (dataset(images=[{"id": None, "file_name": "a.jpg"}]), "expected a list `images`"),
        (dataset(images=[{"id": [1], "file_name": "a.jpg"}]), "expected a list `images`"),
        (
            dataset(images=[{"id": 7, "file_name": "a/1.jpg"}, {"id": 8, "file_name": "b/1.jpg"}]),
            r"a/1\.jpg and b/1\.jpg cannot be told apart",
        ),
        (
            [{"file_name": name, "bbox": [0, 0, 1, 1]} for name in ("a/1.jpg", "a/2.jpg", "a/1.png")],
            r"a/1\.jpg and a/1\.png cannot be told apart",
        ),
        (dataset(categories=[{"id": 1, "name": "dog"}]), "none of its categories is called person"),
        ([3], "row 1: expected an object"),
        ([{"bbox": [0, 0, 1, 1]}], "row 1: expected image_id"),
        ([{"image_id": 1.5, "bbox": [0, 0, 1, 1]}], "row 1: expected image_id"),
        ([{"image_id": True, "bbox": [0, 0, 1, 1]}], "row 1: expected image_id"),
        ([{"image_id": 1}], r"row 1: bbox: expected \[x, y, width, height\], got None"),
        ([{"image_id": 1, "bbox": [0, 0, 1]}], "row 1: bbox"),
        ([{"image_id": 1, "bbox": [0, 0, 1, "1"]}], "row 1: bbox"),
        ([{"image_id": 1, "bbox": [0, 0, 1, 1e300]}], "row 1: bbox"),
        ([{"image_id": 1, "bbox": [0, 0, 1, 10**400]}], "row 1: bbox"),
        ([{"image_id": 1, "bbox": [0, 0, 1, float("nan")]}], "row 1: bbox"),
        ([{"image_id": 1, "bbox": [0, 0, -1, 1]}], "got a size of -1 x 1"),
        ([{"image_id": 1, "bbox": [0, 0, 1, 1], "score": 87}], "score: expected 0 to 1, got 87"),
        ([{"image_id": 1, "bbox": [0, 0, 1, 1], "score": None}], "score: expected a number"),
        ([{"image_id": 1, "bbox": [0, 0, 1, 1]}, {"image_id": 1, "bbox": []}], "row 2: bbox"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(tmp_path: Path, content: object, words: str) -> None:
    path = write(tmp_path / "d.json", content)
    with pytest.raises(InputError, match=words) as caught:
        read_boxes(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_files_that_are_no_json_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_bytes(b"\xff\xfe\x00[")
    (tmp_path / "deep.json").write_text("[" * 100_000, encoding="utf-8")
    for name, words in {
        "bad.json": "expected JSON",
        "deep.json": "expected JSON",
        "none.json": "cannot be read",
    }.items():
        with pytest.raises(InputError, match=words):
            read_boxes(tmp_path / name)
    with pytest.raises(InputError, match="cannot be read"):
        read_boxes(tmp_path)


@given(
    st.lists(st.tuples(st.integers(0, 3), *[st.floats(0, 100, width=32)] * 4, st.floats(0, 1, width=32)), max_size=12)
)
def test_what_is_written_comes_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[float, ...]]) -> None:
    content = [{"image_id": int(one), "bbox": [x, y, w, h], "score": s} for one, x, y, w, h, s in rows]
    found = read_boxes(write(tmp_path_factory.getbasetemp() / "written.json", content)).by_picture
    assert set(found) == {row[0] for row in rows}
    assert sum(map(len, found.values())) == sum(row[3] > 0 and row[4] > 0 for row in rows)
    assert all((np.diff(boxes.score) <= 0).all() for boxes in found.values())
