"""read_coco: results and annotation files, our own and others', there and back; damage in one line."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest

from holopose.errors import InputError
from holopose.io.readers.coco import read_coco
from holopose.io.sinks.coco import CocoSink
from holopose.protocols import Sink
from holopose.skeletons import BLAZEPOSE33, COCO17, HALPE26, LAYOUTS, WHOLEBODY133
from holopose.skeletons.conversions import convert
from holopose.types import Boxes, FrameInfo, Poses

WITHIN = 0.0052


def save(sink: Sink, pairs) -> None:
    for frame, poses in pairs:
        sink.write(frame, poses)
    sink.close(ok=True)


def clip(people, counts, **options) -> list[tuple[FrameInfo, Poses]]:
    return [(FrameInfo(i, i / 25, "walk.mp4", (640, 480)), people(i, n, **options)) for i, n in enumerate(counts)]


def assert_same(read: Poses, written: Poses) -> None:
    np.testing.assert_allclose(read.xy, written.xy, atol=WITHIN)
    np.testing.assert_allclose(read.score, written.score, atol=5.1e-5)
    np.testing.assert_allclose(read.boxes.xyxy, written.boxes.xyxy, atol=0.011)
    np.testing.assert_allclose(read.boxes.score, written.boxes.score, atol=5.1e-5)
    np.testing.assert_array_equal(read.ids, written.ids)


@pytest.mark.parametrize("form", ["parts", "flat133"])
def test_results_there_and_back(tmp_path, people, run_info, form: str) -> None:
    pairs = clip(people, [2, 0, 1, 3])
    pairs.append((FrameInfo(0, None, "beach.jpg", (64, 48)), people(9, 2)))
    save(CocoSink(tmp_path / "r.json", run_info, form=form), pairs)
    results = read_coco(tmp_path / "r.json", (640, 480))
    assert results.skeleton is WHOLEBODY133
    assert [info for info, _ in results] == [
        *(FrameInfo(i, None, "", (640, 480)) for i in (0, 2, 3)),
        FrameInfo(3, None, "beach.jpg", (640, 480)),
    ]
    for (_, read), (_, written) in zip(results, [one for one in pairs if len(one[1])], strict=True):
        assert_same(read, written)
    told = " ".join(results.lost)
    assert "Frames without people" in told
    assert "Times" in told
    assert "Sizes" not in told


def test_body_results_there_and_back(tmp_path, people, run_info) -> None:
    pairs = clip(people, [2])
    save(CocoSink(tmp_path / "r.json", run_info, form="body"), pairs)
    results = read_coco(tmp_path / "r.json")
    assert results.skeleton is COCO17
    assert results.frames[0][0].size_wh == (0, 0)
    assert any("Sizes of the pictures" in sentence for sentence in results.lost)
    assert_same(results.frames[0][1], convert(pairs[0][1], COCO17))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_data_set_there_and_back(tmp_path, people, run_info, layout) -> None:
    pairs = clip(people, [2, 0, 1], skeleton=layout)
    pairs.append((FrameInfo(3, None, "beach.jpg", (64, 48)), people(9, 1, skeleton=layout)))
    save(CocoSink(tmp_path / "r.json", run_info, form="dataset"), pairs)
    results = read_coco(tmp_path / "r.json")
    assert results.skeleton is layout
    assert [info for info, _ in results] == [info for info, _ in pairs]
    for (_, read), (_, written) in zip(results, pairs, strict=True):
        there = ~np.isnan(written.xy[..., 0])
        np.testing.assert_allclose(read.xy, written.xy, atol=WITHIN)
        np.testing.assert_array_equal(read.score, there)
        np.testing.assert_array_equal(read.ids, written.ids)
        np.testing.assert_allclose(read.boxes.score, written.boxes.score, atol=5.1e-5)
        if len(written):
            np.testing.assert_array_equal(read.visible, written.visible & there)


def test_a_layout_of_its_own_comes_back_by_names(tmp_path, people, run_info) -> None:
    arms = COCO17.subset([5, 6, 7, 8, 0], "arms")
    save(CocoSink(tmp_path / "r.json", run_info, form="dataset"), clip(people, [1], skeleton=arms))
    skeleton = read_coco(tmp_path / "r.json").skeleton
    assert (skeleton.keypoints, skeleton.edges, skeleton.swaps) == (arms.keypoints, arms.edges, arms.swaps)


def test_parts_that_are_not_there_are_missing(tmp_path, people, run_info) -> None:
    pairs = clip(people, [2], skeleton=BLAZEPOSE33)
    save(CocoSink(tmp_path / "r.json", run_info), pairs)
    results = read_coco(tmp_path / "r.json")
    assert results.skeleton is WHOLEBODY133
    assert_same(results.frames[0][1], convert(pairs[0][1], WHOLEBODY133))


def test_entries_of_a_picture_may_be_apart(tmp_path, people, run_info) -> None:
    save(CocoSink(tmp_path / "r.json", run_info), clip(people, [2, 1]))
    entries = json.loads((tmp_path / "r.json").read_bytes())
    (tmp_path / "r.json").write_text(json.dumps([entries[0], entries[2], entries[1]]))
    assert [len(poses) for _, poses in read_coco(tmp_path / "r.json")] == [2, 1]


def test_results_of_nobody(tmp_path) -> None:
    (tmp_path / "r.json").write_text("[]")
    assert len(read_coco(tmp_path / "r.json")) == 0


def test_the_dataset_authors_own_files(shared) -> None:
    """COCO-WholeBody's example: labels, and results as mmpose writes them, without boxes."""
    truth = read_coco(shared / "data" / "coco_wholebody" / "example_gt.json")
    found = read_coco(shared / "data" / "coco_wholebody" / "example_pred.json")
    assert truth.skeleton is WHOLEBODY133
    assert found.skeleton is WHOLEBODY133
    assert len(truth) == 5
    assert {info.index for info, _ in found} >= {785}
    raw = json.loads((shared / "data" / "coco_wholebody" / "example_pred.json").read_bytes())
    assert sum(len(poses) for _, poses in found) == len(raw)
    person = found.frames[0][1]
    np.testing.assert_allclose(person.part("left_hand").xy[0].ravel()[:2], raw[0]["lefthand_kpts"][:2], rtol=1e-5)
    assert (person.boxes.xyxy[0, :2] <= np.nanmin(person.xy[0], axis=0)).all()
    assert truth.frames[0][0].name.endswith(".jpg")
    assert truth.frames[0][0].size_wh == (640, 425)


def test_bug_4_of_others_hands_begin_at_their_wrists_in_labels(shared) -> None:
    results = read_coco(shared / "data" / "coco_wholebody" / "annotations.json")
    checked = 0
    for _, poses in results:
        for person in poses:
            size = person.boxes.xyxy[0, 3] - person.boxes.xyxy[0, 1]
            for side in ("left", "right"):
                wrist, root = person[f"{side}_wrist"][0], person[f"{side}_hand_wrist"][0]
                if wrist[2] and root[2]:
                    assert np.linalg.norm(wrist[:2] - root[:2]) < 0.15 * size
                    checked += 1
    assert checked == 10


def test_scores_beyond_one_are_cut_and_told(tmp_path) -> None:
    entry = {"image_id": 1, "keypoints": [5, 6, 3.5] * 17, "score": 2.5}
    (tmp_path / "r.json").write_text(json.dumps([entry]))
    results = read_coco(tmp_path / "r.json")
    assert results.frames[0][1].score.max() == 1
    assert results.frames[0][1].boxes.score.tolist() == [1]
    assert any("cut to 0..1" in sentence for sentence in results.lost)


def test_without_box_and_score_keypoints_stand_in(tmp_path) -> None:
    entry = {"image_id": 1, "keypoints": [5, 6, 0.5, 15, 26, 0.25] + [0] * 45}
    (tmp_path / "r.json").write_text(json.dumps([entry]))
    [(_, poses)] = read_coco(tmp_path / "r.json")
    assert poses.boxes.xyxy.tolist() == [[5, 6, 15, 26]]
    assert poses.boxes.score.tolist() == [0.375]


def test_crowds_are_left_out(tmp_path, people, run_info) -> None:
    save(CocoSink(tmp_path / "r.json", run_info, form="dataset"), clip(people, [2], skeleton=HALPE26))
    content = json.loads((tmp_path / "r.json").read_bytes())
    content["annotations"][0]["iscrowd"] = 1
    (tmp_path / "r.json").write_text(json.dumps(content))
    results = read_coco(tmp_path / "r.json")
    assert [len(poses) for _, poses in results] == [1]
    assert any("crowds" in sentence for sentence in results.lost)


def assert_refused(path, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read_coco(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not whole JSON"),
        (b"[" * 100_000, "not whole JSON"),
        (b"\xff\xfe", "not whole JSON"),
        (b"3", "JSON of another kind"),
        (b'{"images": []}', "JSON of another kind"),
        (b'{"images": 1, "annotations": 2}', "JSON of another kind"),
        (b"[1]", "entry 0: .* without keypoints"),
        (b'[{"image_id": 1, "bbox": [1, 2, 3, 4], "score": 1}]', "entry 0: .* without keypoints"),
    ],
)
def test_foreign_files_are_refused(tmp_path, content: bytes, said: str) -> None:
    (tmp_path / "r.json").write_bytes(content)
    assert_refused(tmp_path / "r.json", said)


def test_missing_files_are_refused(tmp_path) -> None:
    assert_refused(tmp_path / "none.json", "No such file")
    assert_refused(tmp_path, "Is a directory|Permission")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"keypoints": [1, 2, 3, 4]}, "entry 1: .*numbers"),
        ({"keypoints": [None] * 51}, "entry 1: .*something else"),
        ({"keypoints": [float("nan")] * 51}, "entry 1: .*finite"),
        ({"foot_kpts": [1] * 17}, "entry 1: expected 18 numbers"),
        ({"bbox": [[1, 2, 3, 4]]}, "entry 1: expected a box"),
        ({"bbox": [1, 2, -3, 4]}, "entry 1: expected a box"),
        ({"image_id": None}, "entry 1: expected a number or a name as image_id"),
        ({"image_id": -4}, "entry 1: expected a number or a name as image_id"),
        ({"score": "high"}, "entry 1: expected a number as score"),
    ],
)
def test_damage_in_results(tmp_path, people, run_info, change: dict, said: str) -> None:
    save(CocoSink(tmp_path / "r.json", run_info), clip(people, [2]))
    entries = json.loads((tmp_path / "r.json").read_bytes())
    entries[1].update(change)
    (tmp_path / "r.json").write_text(json.dumps(entries))
    assert_refused(tmp_path / "r.json", said)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda d: d["annotations"][0].update(image_id=99), "annotation 0: expected the id of an image, got 99"),
        (lambda d: d["annotations"][0]["keypoints"].__setitem__(2, 7), "annotation 0: expected 0, 1 or 2"),
        (lambda d: d["images"].append(d["images"][0]), "image 1: expected an id of its own"),
        (lambda d: d["images"].append(5), "image 1: expected an image"),
        (lambda d: d["categories"][0].update(keypoints=["a", "a"]), "categories: .*unique"),
        (lambda d: d["categories"][0].update(keypoints=["a"], skeleton=[]), "annotation 0: expected 3 numbers"),
    ],
)
def test_damage_in_a_data_set(tmp_path, people, run_info, damage, said: str) -> None:
    save(CocoSink(tmp_path / "r.json", run_info, form="dataset"), clip(people, [1]))
    content = copy.deepcopy(json.loads((tmp_path / "r.json").read_bytes()))
    damage(content)
    (tmp_path / "r.json").write_text(json.dumps(content))
    assert_refused(tmp_path / "r.json", said)


def test_a_person_without_keypoints(tmp_path, run_info) -> None:
    nobody = Poses(np.full((1, 17, 2), np.nan), np.zeros((1, 17)), Boxes([[1, 2, 3, 4]], [0.5]), COCO17)
    save(CocoSink(tmp_path / "r.json", run_info), [(FrameInfo(0, None, "a.jpg", (9, 9)), nobody)])
    [(_, read)] = read_coco(tmp_path / "r.json")
    assert_same(read, nobody)
