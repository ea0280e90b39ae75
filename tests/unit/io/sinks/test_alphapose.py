"""AlphaPoseSink: its three forms, its orders, its score."""

from __future__ import annotations

import json

import numpy as np
import pytest

from holopose.errors import ConfigError, OutputError
from holopose.io.sinks.alphapose import ALPHAPOSE_FORMS, ALPHAPOSE_LAYOUTS, AlphaPoseSink, person_score
from holopose.protocols import Sink
from holopose.skeletons import BLAZE543, BLAZEPOSE33, COCO17, OPENPOSE18, WHOLEBODY133
from holopose.types import FrameInfo, Poses

STILL = FrameInfo(0, None, "photo.jpg", (640, 480))
_PICKED = [0, 51, 18, 24, 30, 15, 21, 27, 36, 42, 48, 33, 39, 45, 6, 3, 12, 9]
"""AlphaPose's flat indices into 17 keypoints with the neck appended as the 18th."""


def write(path, info, *pairs, **options):
    sink = AlphaPoseSink(path, info, overwrite=True, **options)
    for frame, poses in pairs:
        sink.write(frame, poses)
    sink.close(ok=True)
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("form", ALPHAPOSE_FORMS)
def test_it_is_a_sink(tmp_path, run_info, form: str) -> None:
    sink = AlphaPoseSink(tmp_path / "r.json", run_info, form=form)
    assert isinstance(sink, Sink)
    sink.close(ok=False)


def test_the_list(tmp_path, run_info, standing) -> None:
    poses = standing(2, ids=True)
    entries = write(tmp_path / "r.json", run_info, (STILL, poses))
    for row, entry in enumerate(entries):
        assert list(entry) == ["image_id", "category_id", "keypoints", "score", "box", "idx"]
        assert (entry["image_id"], entry["category_id"], entry["idx"]) == ("photo.jpg", 1, row * 3)
        flat = np.reshape(entry["keypoints"], (-1, 3))
        np.testing.assert_allclose(flat[:, :2], poses.xy[row], atol=0.0052)
        left, top, width, height = entry["box"]
        np.testing.assert_allclose([left, top, left + width, top + height], poses.boxes.xyxy[row], atol=0.011)
        score = poses.score[row]
        assert entry["score"] == pytest.approx(score.mean() + 0.75 + 1.25 * score.max(), abs=1e-4)
    assert "idx" not in write(tmp_path / "r.json", run_info, (STILL, standing()))[0]


def test_the_score_is_alphapose_s() -> None:
    assert person_score(np.ones((1, 17), np.float32), np.ones(1, np.float32)).tolist() == [3.25]
    assert person_score(np.zeros((2, 5), np.float32), np.zeros(2, np.float32)).tolist() == [0, 0]


@pytest.mark.parametrize("layout", [*ALPHAPOSE_LAYOUTS, BLAZE543, BLAZEPOSE33])
def test_layouts_of_the_list(tmp_path, run_info, people, layout) -> None:
    [entry] = write(tmp_path / "r.json", run_info, (STILL, people(count=1, skeleton=layout)))
    expected = {BLAZE543: WHOLEBODY133, BLAZEPOSE33: COCO17}.get(layout, layout)
    assert len(entry["keypoints"]) == 3 * len(expected)


POINTS_18 = {"cmu": ("bodies", "joints"), "open": ("people", "pose_keypoints_2d")}


@pytest.mark.parametrize("form", POINTS_18)
def test_the_18_points(tmp_path, run_info, standing, form: str) -> None:
    people_key, points_key = POINTS_18[form]
    poses = standing(2)
    content = write(tmp_path / "r.json", run_info, (STILL, poses), form=form)
    assert list(content) == ["photo.jpg"]
    assert content["photo.jpg"]["version"].startswith("AlphaPose")
    [coco] = [np.reshape(e["keypoints"], (-1, 3))[:17] for e in write(tmp_path / "c.json", run_info, (STILL, poses[1]))]
    shoulders = coco[[5, 6]]
    flat = np.concatenate([coco, [[*shoulders[:, :2].mean(axis=0), shoulders[:, 2].min()]]]).ravel()
    theirs = np.array([flat[i : i + 3] for i in _PICKED])
    ours = np.reshape(content["photo.jpg"][people_key][1][points_key], (-1, 3))
    np.testing.assert_allclose(ours, theirs, atol=0.011)
    assert OPENPOSE18.keypoints[1] == "neck"


def test_bug_4_of_others_18_points_from_133_are_18_body_points(tmp_path, run_info, standing) -> None:
    """AlphaPose takes the neck from place 17 of whatever list, which in 133 keypoints is a toe."""
    poses = standing()
    content = write(tmp_path / "r.json", run_info, (STILL, poses), form="open")
    body = np.reshape(content["photo.jpg"]["people"][0]["pose_keypoints_2d"], (-1, 3))
    np.testing.assert_allclose(body[1, :2], poses["left_shoulder"][0, :2] - [20, 0], atol=0.0052)
    np.testing.assert_allclose(body[7], poses["left_wrist"][0], atol=0.0052)
    np.testing.assert_allclose(body[4], poses["right_wrist"][0], atol=0.0052)


def test_bug_6_of_others_frames_without_people(tmp_path, run_info, people) -> None:
    pairs = [(FrameInfo(i, i / 30, "walk.mp4", (64, 48)), people(i, i % 2)) for i in range(4)]
    assert [one["image_id"] for one in write(tmp_path / "r.json", run_info, *pairs)] == ["1.jpg", "3.jpg"]
    for form, key in (("cmu", "bodies"), ("open", "people")):
        content = write(tmp_path / "r.json", run_info, *pairs, form=form)
        assert {name: len(one[key]) for name, one in content.items()} == {f"{i}.jpg": i % 2 for i in range(4)}
    assert write(tmp_path / "r.json", run_info, pairs[0]) == []


def test_pictures_of_one_name_stay_apart(tmp_path, run_info, standing) -> None:
    pairs = [(FrameInfo(i, None, "a.jpg", (64, 48)), standing(i)) for i in range(3)]
    content = write(tmp_path / "r.json", run_info, *pairs, form="open")
    assert {name: len(one["people"]) for name, one in content.items()} == {"a.jpg": 0, "1_a.jpg": 1, "2_a.jpg": 2}


def test_missing_keypoints_are_zeros_here(tmp_path, run_info, people) -> None:
    poses = people(count=1)
    [entry] = write(tmp_path / "r.json", run_info, (STILL, poses))
    gone = np.isnan(poses.xy[0, :, 0])
    np.testing.assert_array_equal((np.reshape(entry["keypoints"], (-1, 3)) == 0).all(axis=1), gone)


@pytest.mark.parametrize("form", ALPHAPOSE_FORMS)
def test_whole_or_not_at_all(tmp_path, run_info, standing, form: str) -> None:
    with pytest.raises(OutputError, match="there was no frame"):
        AlphaPoseSink(tmp_path / "r.json", run_info, form=form).close(ok=True)
    sink = AlphaPoseSink(tmp_path / "r.json", run_info, form=form)
    sink.write(STILL, standing())
    sink.close(ok=False)
    sink.close(ok=True)
    assert list(tmp_path.iterdir()) == []
    write(tmp_path / "r.json", run_info, (STILL, Poses.empty(COCO17)), form=form)
    with pytest.raises(OutputError, match="overwrite"):
        AlphaPoseSink(tmp_path / "r.json", run_info, form=form)


def test_an_unknown_form(tmp_path, run_info) -> None:
    with pytest.raises(ConfigError, match="expected one of coco, cmu, open, got 'openpose'"):
        AlphaPoseSink(tmp_path / "r.json", run_info, form="openpose")
