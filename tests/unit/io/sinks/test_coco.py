"""CocoSink: what pycocotools loads, with every part under its own name."""

from __future__ import annotations

import contextlib
import io
import json

import numpy as np
import pytest

from holopose.errors import ConfigError, OutputError
from holopose.io.sinks.coco import COCO_FORMS, PART_KEYS, CocoSink, image_id
from holopose.protocols import Sink
from holopose.skeletons import BLAZEPOSE33, COCO17, HALPE26, WHOLEBODY133
from holopose.skeletons.conversions import convert
from holopose.types import FrameInfo, Poses


def write(path, info, *pairs, **options):
    sink = CocoSink(path, info, overwrite=True, **options)
    for frame, poses in pairs:
        sink.write(frame, poses)
    sink.close(ok=True)
    return json.loads(path.read_text(encoding="utf-8"))


def clip(count: int, size_wh=(640, 480)) -> list[FrameInfo]:
    return [FrameInfo(index, index / 25, "walk.mp4", size_wh) for index in range(count)]


def dataset_of(entries) -> dict:
    """The least that pycocotools calls a data set, with the pictures that the entries name."""
    images = [{"id": one} for one in {entry["image_id"] for entry in entries}]
    return {"info": {}, "images": images, "annotations": [], "categories": [{"id": 1, "name": "person"}]}


def load_results(entries):
    from pycocotools.coco import COCO

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = dataset_of(entries)
        truth.createIndex()
        return truth.loadRes(json.loads(json.dumps(entries)))


@pytest.mark.parametrize("form", COCO_FORMS)
def test_it_is_a_sink(tmp_path, run_info, form: str) -> None:
    sink = CocoSink(tmp_path / "r.coco.json", run_info, form=form)
    assert isinstance(sink, Sink)
    sink.close(ok=False)


def test_each_part_has_its_own_name(tmp_path, run_info, standing) -> None:
    poses = standing(2, ids=True)
    entries = write(tmp_path / "r.json", run_info, (FrameInfo(0, None, "000000000785.jpg", (640, 480)), poses))
    assert [entry["image_id"] for entry in entries] == [785, 785]
    assert [entry["track_id"] for entry in entries] == [0, 3]
    for row, entry in enumerate(entries):
        assert entry["category_id"] == 1
        for part, (points, score) in PART_KEYS.items():
            flat = np.reshape(entry[points], (-1, 3))
            members = list(WHOLEBODY133.parts[part])
            np.testing.assert_allclose(flat[:, :2], poses.xy[row, members], atol=0.0052)
            np.testing.assert_allclose(flat[:, 2], poses.score[row, members], atol=5.1e-5)
            expected = 0.75 * (1 if part == "body" else poses.score[row, members].mean())
            assert entry[score] == pytest.approx(expected, abs=1e-4)
        assert entry["wholebody_score"] == pytest.approx(0.75 * poses.score[row].mean(), abs=1e-4)


def test_bug_3_of_others_boxes_are_flat(tmp_path, run_info, standing) -> None:
    """mmpose's split_instances saved a box as a list in a list."""
    poses = standing(2)
    for form in COCO_FORMS:
        content = write(tmp_path / "r.json", run_info, (clip(1)[0], poses), form=form)
        for entry, box in zip(content["annotations"] if form == "dataset" else content, poses.boxes.xyxy, strict=True):
            left, top, width, height = entry["bbox"]
            np.testing.assert_allclose([left, top, left + width, top + height], box, atol=0.011)


def test_bug_4_of_others_hands_and_face_are_where_they_belong(tmp_path, run_info, standing) -> None:
    """freemocap sliced 133 points in the wrong order, so that its hands were faces."""
    [entry] = write(tmp_path / "r.json", run_info, (clip(1)[0], standing()))
    points = {part: np.reshape(entry[keys[0]], (-1, 3))[:, :2] for part, keys in PART_KEYS.items()}
    nose, left_wrist, right_wrist = (points["body"][COCO17.index(n)] for n in ("nose", "left_wrist", "right_wrist"))
    assert np.linalg.norm(points["left_hand"][0] - left_wrist) < 1
    assert np.linalg.norm(points["right_hand"][0] - right_wrist) < 1
    assert np.linalg.norm(points["face"] - nose, axis=1).max() < 40
    assert {part: len(xy) for part, xy in points.items()} == {part: len(m) for part, m in WHOLEBODY133.parts.items()}


@pytest.mark.parametrize("form", ["parts", "body", "flat133"])
def test_pycocotools_loads_results(tmp_path, run_info, people, form: str) -> None:
    pairs = [(info, people(info.index, info.index % 4)) for info in clip(6)]
    pairs.append((FrameInfo(0, None, "beach.jpg", (64, 48)), people(9)))
    entries = write(tmp_path / "r.json", run_info, *pairs, form=form)
    assert len(entries) == sum(len(poses) for _, poses in pairs) == 9
    loaded = load_results(entries)
    assert {one["image_id"] for one in loaded.dataset["annotations"]} == {1, 2, 3, 5, "beach.jpg"}
    for entry, one in zip(entries, loaded.loadAnns(loaded.getAnnIds()), strict=True):
        assert one["area"] == pytest.approx(entry["bbox"][2] * entry["bbox"][3])
        assert len(one["keypoints"]) == (399 if form == "flat133" else 51)


def test_pycocotools_judges_results_as_perfect_against_themselves(tmp_path, run_info, standing) -> None:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    pairs = [(info, standing(3)) for info in clip(3)]
    labels = [(info, convert(poses, COCO17)) for info, poses in pairs]
    truth = write(tmp_path / "truth.json", run_info, *labels, form="dataset")
    entries = write(tmp_path / "r.json", run_info, *pairs)
    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO(tmp_path / "truth.json")
        judge = COCOeval(reference, reference.loadRes(entries), "keypoints")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    assert judge.stats[0] == pytest.approx(1)
    assert len(truth["images"]) == 3


def test_missing_keypoints_are_zeros_here(tmp_path, run_info, people) -> None:
    poses = people(count=1)
    [entry] = write(tmp_path / "r.json", run_info, (clip(1)[0], poses), form="flat133")
    gone = np.isnan(poses.xy[0, :, 0])
    assert gone.any()
    np.testing.assert_array_equal((np.reshape(entry["keypoints"], (-1, 3)) == 0).all(axis=1), gone)
    assert "track_id" not in entry


def test_a_body_layout_has_no_fields_for_parts_it_lacks(tmp_path, run_info, people) -> None:
    [entry] = write(tmp_path / "r.json", run_info, (clip(1)[0], people(count=1, skeleton=COCO17)))
    assert {key for key in entry if key.endswith(("kpts", "score"))} == {"score"}
    [entry] = write(tmp_path / "r.json", run_info, (clip(1)[0], people(count=1, skeleton=BLAZEPOSE33)))
    assert {key for key in entry if key.endswith(("kpts", "score"))} == {"score", "foot_kpts", "foot_score"}


def test_frames_without_people(tmp_path, run_info, people) -> None:
    pairs = [(info, people(1, 1 if info.index == 1 else 0)) for info in clip(3)]
    assert [entry["image_id"] for entry in write(tmp_path / "r.json", run_info, *pairs)] == [1]
    assert write(tmp_path / "r.json", run_info, *pairs[2:]) == []
    dataset = write(tmp_path / "r.json", run_info, *pairs, form="dataset")
    assert [image["id"] for image in dataset["images"]] == [0, 1, 2]
    assert [one["image_id"] for one in dataset["annotations"]] == [1]
    assert write(tmp_path / "r.json", run_info, *pairs[2:], form="dataset")["annotations"] == []


def test_a_data_set_names_its_keypoints(tmp_path, run_info, people) -> None:
    poses = people(count=2, skeleton=HALPE26)
    path = tmp_path / "r.json"
    dataset = write(path, run_info, *((info, poses) for info in clip(2)), form="dataset")
    [category] = dataset["categories"]
    assert category["keypoints"] == list(HALPE26.keypoints)
    assert [[a - 1, b - 1] for a, b in category["skeleton"]] == [list(edge) for edge in HALPE26.edges]
    assert dataset["images"][1] == {
        **{"id": 1, "file_name": "frame_000001.png", "width": 640, "height": 480},
        **{"frame": 1, "video": "walk.mp4", "time_s": 0.04},
    }
    assert [one["id"] for one in dataset["annotations"]] == [1, 2, 3, 4]
    assert poses.visible is not None
    for one, row in zip(dataset["annotations"], [0, 1, 0, 1], strict=True):
        labels = one["keypoints"][2::3]
        assert all(isinstance(v, int) for v in labels)
        gone = np.isnan(poses.xy[row, :, 0])
        assert labels == np.where(gone, 0, np.where(poses.visible[row], 2, 1)).tolist()
        assert one["num_keypoints"] == (~gone).sum()
        assert one["iscrowd"] == 0
        assert one["area"] == pytest.approx(one["bbox"][2] * one["bbox"][3], abs=0.01)
    unsure = write(path, run_info, (clip(1)[0], people(everything=False)), form="dataset")
    assert {v for one in unsure["annotations"] for v in one["keypoints"][2::3]} == {0, 2}


def test_every_picture_of_a_data_set_has_a_number_of_its_own(tmp_path, run_info, people) -> None:
    names = ["beach.jpg", "000000000785.jpg", "7.png", "7.jpg", "COCO_val2014_000000000544.jpg", "sea.jpg"]
    pairs = [(FrameInfo(0, None, name, (64, 48)), people(i, 1)) for i, name in enumerate(names)]
    dataset = write(tmp_path / "r.json", run_info, *pairs, form="dataset")
    numbers = {image["file_name"]: image["id"] for image in dataset["images"]}
    assert len(set(numbers.values())) == len(names)
    assert (numbers["000000000785.jpg"], numbers["7.png"], numbers["COCO_val2014_000000000544.jpg"]) == (785, 7, 544)
    assert [one["image_id"] for one in dataset["annotations"]] == list(numbers.values())


def test_a_long_data_set_spills_its_pictures(tmp_path, run_info) -> None:
    pairs = [(info, Poses.empty(COCO17)) for info in clip(12_000)]
    dataset = write(tmp_path / "r.json", run_info, *pairs, form="dataset")
    assert [image["frame"] for image in dataset["images"]] == list(range(12_000))
    assert list(tmp_path.iterdir()) == [tmp_path / "r.json"]


def test_what_pictures_are_called() -> None:
    def of(name: str, time_s: float | None = None) -> int | str:
        return image_id(FrameInfo(4, time_s, name, (1, 1)))

    assert of("000000000785.jpg") == of("785.png") == of("a/b/785.png") == of("a\\785.png") == 785
    assert of("COCO_train2014_000000000192.jpg") == 192
    assert of("IMG_0001.jpg") == "IMG_0001.jpg"
    assert of("7.mp4", 0.0) == of("") == 4
    assert of("9" * 400 + ".jpg") == "9" * 400 + ".jpg"
    assert of("a\udcff.jpg") == "a\\udcff.jpg"


def test_results_are_written_as_they_come(tmp_path, run_info, people) -> None:
    sink = CocoSink(tmp_path / "r.json", run_info)
    sizes = []
    for info in clip(30):
        sink.write(info, people(info.index, 3))
        sizes.append(sum(path.stat().st_size for path in tmp_path.iterdir()))
    assert sizes[-1] > sizes[15] > sizes[2]
    sink.close(ok=False)
    sink.close(ok=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", COCO_FORMS)
def test_without_a_frame_there_is_no_result(tmp_path, run_info, form: str) -> None:
    with pytest.raises(OutputError, match="there was no frame"):
        CocoSink(tmp_path / "r.json", run_info, form=form).close(ok=True)
    assert list(tmp_path.iterdir()) == []


def test_wrong_use(tmp_path, run_info, people) -> None:
    with pytest.raises(ConfigError, match="expected one of parts, body, flat133, dataset, got 'whole'"):
        CocoSink(tmp_path / "r.json", run_info, form="whole")
    sink = CocoSink(tmp_path / "r.json", run_info, form="dataset")
    sink.write(clip(1)[0], people())
    with pytest.raises(OutputError, match="expected keypoints of wholebody133, got coco17"):
        sink.write(clip(2)[1], people(skeleton=COCO17))
    sink.close(ok=False)
    (tmp_path / "r.json").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="overwrite"):
        CocoSink(tmp_path / "r.json", run_info)
    with pytest.raises(OutputError, match="never replaced"):
        CocoSink(tmp_path / "r.json", run_info, overwrite=True, inputs=[tmp_path / "r.json"])
