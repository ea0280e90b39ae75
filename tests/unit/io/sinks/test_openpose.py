"""OpenPoseSink: a file per frame with OpenPose's parts, orders and names."""

from __future__ import annotations

import json

import numpy as np
import pytest

from holopose.errors import OutputError
from holopose.io.sinks.openpose import OpenPoseSink
from holopose.protocols import Sink
from holopose.skeletons import BLAZE543, COCO17, OPENPOSE25, WHOLEBODY133
from holopose.types import FrameInfo, Poses

STILL = FrameInfo(0, None, "photo.jpg", (640, 480))
KEYS_2D = ("pose_keypoints_2d", "face_keypoints_2d", "hand_left_keypoints_2d", "hand_right_keypoints_2d")


def write(path, info, *pairs, **options) -> dict[str, dict]:
    sink = OpenPoseSink(path, info, overwrite=True, **options)
    for frame, poses in pairs:
        sink.write(frame, poses)
    sink.close(ok=True)
    return {one.name: json.loads(one.read_text(encoding="utf-8")) for one in sorted(path.iterdir())}


def points(person: dict, key: str) -> np.ndarray:
    return np.reshape(person[key], (-1, 3))


def test_it_is_a_sink_that_touches_nothing_before_the_first_frame(tmp_path, run_info) -> None:
    sink = OpenPoseSink(tmp_path / "deep" / "r.openpose", run_info)
    assert isinstance(sink, Sink)
    sink.close(ok=False)
    assert list(tmp_path.iterdir()) == []


def test_a_person_has_openpose_s_fields(tmp_path, run_info, standing) -> None:
    files = write(tmp_path / "r", run_info, (STILL, standing(2, ids=True)))
    assert list(files) == ["photo_keypoints.json"]
    [content] = files.values()
    assert content["version"] == 1.3
    for person, identity in zip(content["people"], [0, 3], strict=True):
        assert list(person) == [
            *("person_id", *KEYS_2D),
            *("pose_keypoints_3d", "face_keypoints_3d", "hand_left_keypoints_3d", "hand_right_keypoints_3d"),
        ]
        assert person["person_id"] == [identity]
        assert [len(person[key]) for key in KEYS_2D] == [75, 210, 63, 63]
        assert all(person[key] == [] for key in person if key.endswith("3d"))
    assert write(tmp_path / "r", run_info, (STILL, standing()))["photo_keypoints.json"]["people"][0]["person_id"] == [
        -1
    ]


def test_body_25_goes_by_name(tmp_path, run_info, standing) -> None:
    poses = standing()
    [content] = write(tmp_path / "r", run_info, (STILL, poses)).values()
    body = points(content["people"][0], "pose_keypoints_2d")
    for index, name in enumerate(OPENPOSE25.keypoints):
        if name in WHOLEBODY133:
            np.testing.assert_allclose(body[index], poses[name][0], atol=0.0052)
    for mean, sides in (("neck", "shoulder"), ("mid_hip", "hip")):
        left, right = poses[f"left_{sides}"][0], poses[f"right_{sides}"][0]
        expected = [*(left[:2] + right[:2]) / 2, min(left[2], right[2])]
        np.testing.assert_allclose(body[OPENPOSE25.index(mean)], expected, atol=0.0052)


def test_bug_4_of_others_left_stays_left(tmp_path, run_info, standing) -> None:
    """SDPose's demo calls the person's left hand hand_right, and freemocap's hands held faces."""
    [content] = write(tmp_path / "r", run_info, (STILL, standing())).values()
    [person] = content["people"]
    body, face, left, right = (points(person, key)[:, :2] for key in KEYS_2D)
    assert OPENPOSE25.keypoints[7] == "left_wrist"
    assert OPENPOSE25.keypoints[4] == "right_wrist"
    assert np.linalg.norm(left[0] - body[7]) < 1 < np.linalg.norm(left[0] - body[4])
    assert np.linalg.norm(right[0] - body[4]) < 1 < np.linalg.norm(right[0] - body[7])
    assert np.linalg.norm(face - body[0], axis=1).max() < 40


def test_pupils_are_the_middle_of_the_eyes(tmp_path, run_info, standing) -> None:
    poses = standing()
    [content] = write(tmp_path / "r", run_info, (STILL, poses)).values()
    face = points(content["people"][0], "face_keypoints_2d")
    np.testing.assert_allclose(face[:68, :2], poses.part("face").xy[0], atol=0.0052)
    for pupil, eye in ((68, slice(36, 42)), (69, slice(42, 48))):
        np.testing.assert_allclose(face[pupil, :2], face[eye, :2].mean(axis=0), atol=0.011)
        assert face[pupil, 2] == face[eye, 2].min() > 0
    xy, score = poses.xy.copy(), poses.score.copy()
    gone = WHOLEBODY133.index("face_37")
    xy[0, gone], score[0, gone] = np.nan, 0
    [content] = write(tmp_path / "r", run_info, (STILL, poses.replace(xy=xy, score=score))).values()
    face = points(content["people"][0], "face_keypoints_2d")
    assert face[68].tolist() == face[37].tolist() == [0, 0, 0]
    assert face[69, 2] > 0


def test_parts_that_the_layout_lacks_are_empty(tmp_path, run_info, people) -> None:
    [content] = write(tmp_path / "r", run_info, (STILL, people(skeleton=COCO17))).values()
    assert [len(content["people"][0][key]) for key in KEYS_2D] == [75, 0, 0, 0]
    [content] = write(tmp_path / "r", run_info, (STILL, people(skeleton=BLAZE543))).values()
    assert [len(content["people"][0][key]) for key in KEYS_2D] == [75, 210, 63, 63]


def test_a_missing_keypoint_is_zeros(tmp_path, run_info, people) -> None:
    poses = people(count=3)
    [content] = write(tmp_path / "r", run_info, (STILL, poses)).values()
    for row, person in enumerate(content["people"]):
        for key, part in zip(KEYS_2D[2:], ("left_hand", "right_hand"), strict=True):
            gone = np.isnan(poses.part(part).xy[row, :, 0])
            np.testing.assert_array_equal((points(person, key) == 0).all(axis=1), gone)


def test_bug_6_of_others_every_frame_has_its_file(tmp_path, run_info, people) -> None:
    pairs = [(FrameInfo(i, i / 30, "a walk.mp4", (64, 48)), people(i, i % 2)) for i in (0, 1, 2, 1_000_000)]
    files = write(tmp_path / "r", run_info, *pairs)
    assert {name: len(content["people"]) for name, content in files.items()} == {
        "a walk_000000000000_keypoints.json": 0,
        "a walk_000000000001_keypoints.json": 1,
        "a walk_000000000002_keypoints.json": 0,
        "a walk_000001000000_keypoints.json": 0,
    }
    assert files["a walk_000000000000_keypoints.json"] == {"version": 1.3, "people": []}


def test_names_of_stills(tmp_path, run_info) -> None:
    names = ["x/a.jpg", "y\\b.tar.png", "z/a.png", "", "été\udcff.jpg"]
    pairs = [(FrameInfo(i, None, name, (64, 48)), Poses.empty(COCO17)) for i, name in enumerate(names)]
    assert sorted(write(tmp_path / "r", run_info, *pairs)) == sorted(
        f"{stem}_keypoints.json" for stem in ("a", "b.tar", "a_000000000002", "frame_000000000003", "été_udcff")
    )


def test_two_frames_of_one_number_are_an_error(tmp_path, run_info) -> None:
    frame = FrameInfo(3, 0.1, "a.mp4", (64, 48))
    with pytest.raises(OutputError, match="File exists"):
        write(tmp_path / "r", run_info, (frame, Poses.empty(COCO17)), (frame, Poses.empty(COCO17)))
    assert list(tmp_path.iterdir()) == []


def test_without_a_frame_there_is_no_result(tmp_path, run_info) -> None:
    with pytest.raises(OutputError, match="there was no frame"):
        write(tmp_path / "r", run_info)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_safe(tmp_path, run_info, standing) -> None:
    write(tmp_path / "r", run_info, (STILL, standing()))
    with pytest.raises(OutputError, match="overwrite"):
        OpenPoseSink(tmp_path / "r", run_info)
    with pytest.raises(OutputError, match="holds an input"):
        OpenPoseSink(tmp_path / "r", run_info, overwrite=True, inputs=[tmp_path / "r"])
    (tmp_path / "r" / "photo.jpg").touch()
    with pytest.raises(OutputError, match=r"photo\.jpg"):
        OpenPoseSink(tmp_path / "r", run_info, overwrite=True)
