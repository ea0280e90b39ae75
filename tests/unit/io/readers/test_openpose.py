"""read_openpose: folders and files, our own and OpenPose's, there and back; damage in one line."""

from __future__ import annotations

import json

import numpy as np
import pytest

from holopose.errors import InputError
from holopose.io.readers.openpose import read_openpose
from holopose.io.sinks.openpose import OpenPoseSink
from holopose.skeletons import COCO17, OPENPOSE18, OPENPOSE25, WHOLEBODY133
from holopose.skeletons.conversions import convert
from holopose.types import FrameInfo, Poses

WITHIN = 0.0052
KEYS = ("pose_keypoints_2d", "face_keypoints_2d", "hand_left_keypoints_2d", "hand_right_keypoints_2d")


def save(path, info, pairs) -> None:
    sink = OpenPoseSink(path, info)
    for frame, poses in pairs:
        sink.write(frame, poses)
    sink.close(ok=True)


def clip(people, counts, **options) -> list[tuple[FrameInfo, Poses]]:
    return [(FrameInfo(i, i / 25, "walk.mp4", (640, 480)), people(i, n, **options)) for i, n in enumerate(counts)]


def person(**groups: list) -> dict:
    return {"person_id": [-1], **{key: groups.get(key, []) for key in KEYS}}


def put(folder, **files: list) -> None:
    folder.mkdir(exist_ok=True)
    for name, people in files.items():
        (folder / f"{name}_keypoints.json").write_text(json.dumps({"version": 1.3, "people": people}))


def test_whole_bodies_there_and_back(tmp_path, people, run_info) -> None:
    pairs = clip(people, [2, 0, 3, 1])
    save(tmp_path / "r", run_info, pairs)
    results = read_openpose(tmp_path / "r", (640, 480))
    assert results.skeleton is WHOLEBODY133
    assert [info for info, _ in results] == [
        FrameInfo(i, None, f"walk_{i:012d}", (640, 480)) for i in range(len(pairs))
    ]
    for (_, read), (_, written) in zip(results, pairs, strict=True):
        assert len(read) == len(written)
        np.testing.assert_allclose(read.xy, written.xy, atol=WITHIN)
        np.testing.assert_allclose(read.score, written.score, atol=5.1e-5)
        np.testing.assert_array_equal(read.ids, written.ids)
    assert any("Boxes and scores" in sentence for sentence in results.lost)
    assert not any("Sizes" in sentence for sentence in results.lost)


def test_bug_4_of_others_left_is_read_as_left(tmp_path, standing, run_info) -> None:
    save(tmp_path / "r", run_info, [(FrameInfo(0, None, "a.jpg", (9, 9)), standing())])
    [(info, poses)] = read_openpose(tmp_path / "r" / "a_keypoints.json")
    assert info == FrameInfo(0, None, "a", (0, 0))
    for side in ("left", "right"):
        assert np.linalg.norm(poses[f"{side}_wrist"][0, :2] - poses[f"{side}_hand_wrist"][0, :2]) < 1
        np.testing.assert_allclose(poses[f"{side}_wrist"], standing()[f"{side}_wrist"], atol=WITHIN)


def test_bodies_alone_keep_openpose_s_layout(tmp_path, people, run_info) -> None:
    pairs = clip(people, [2, 0], skeleton=COCO17)
    save(tmp_path / "r", run_info, pairs)
    results = read_openpose(tmp_path / "r")
    assert results.skeleton is OPENPOSE25
    np.testing.assert_allclose(results.frames[0][1].xy, convert(pairs[0][1], OPENPOSE25).xy, atol=WITHIN)
    assert any("Sizes of the pictures" in sentence for sentence in results.lost)
    put(tmp_path / "18", a=[person(pose_keypoints_2d=[1, 2, 0.5] * 18)], b=[])
    results = read_openpose(tmp_path / "18")
    assert results.skeleton is OPENPOSE18
    assert [len(poses) for _, poses in results] == [1, 0]


def test_groups_that_only_some_people_have(tmp_path) -> None:
    body, hand = [1, 2, 0.5] * 25, [3, 4, 0.25] * 21
    put(
        tmp_path / "r",
        a=[person(pose_keypoints_2d=body)],
        b=[person(pose_keypoints_2d=body, hand_right_keypoints_2d=hand)],
    )
    results = read_openpose(tmp_path / "r")
    first, second = (poses for _, poses in results)
    assert results.skeleton is WHOLEBODY133
    assert np.isnan(first.part("right_hand").xy).all()
    assert (second.part("right_hand").xy == [3, 4]).all()
    assert np.isnan(second.part("left_hand").xy).all()
    assert second.boxes.xyxy.tolist() == [[1, 2, 3, 4]]
    assert second.boxes.score.tolist() == [0.5]
    assert any("pupils" in sentence for sentence in results.lost)


def test_the_neck_counts_for_the_box_though_the_layout_has_none(tmp_path) -> None:
    body = [0.0] * 75
    body[:6] = [10, 20, 0.5, 12, 50, 0.7]
    put(tmp_path / "r", a=[person(pose_keypoints_2d=body, hand_left_keypoints_2d=[0] * 63)])
    [(_, poses)] = read_openpose(tmp_path / "r")
    assert poses.boxes.xyxy.tolist() == [[10, 20, 12, 50]]


def test_frames_go_by_their_numbers_and_stills_by_their_names(tmp_path) -> None:
    put(tmp_path / "r", **{"v_000000000007": [], "v_000000000010": [], "000000000003": []})
    assert [(info.index, info.name) for info, _ in read_openpose(tmp_path / "r")] == [
        *((3, "000000000003"), (7, "v_000000000007"), (10, "v_000000000010")),
    ]
    put(tmp_path / "stills", beach=[], IMG_0012=[])
    (tmp_path / "stills" / "notes.txt").touch()
    assert [(info.index, info.name) for info, _ in read_openpose(tmp_path / "stills")] == [
        (0, "IMG_0012"),
        (1, "beach"),
    ]


def test_scores_beyond_one_are_cut_and_told(tmp_path) -> None:
    put(tmp_path / "r", a=[person(pose_keypoints_2d=[1, 2, 1.5] * 25)])
    results = read_openpose(tmp_path / "r")
    assert results.frames[0][1].score.max() == 1
    assert any("cut to 0..1" in sentence for sentence in results.lost)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "not whole JSON"),
        ("[]", "JSON of another kind"),
        ('{"version": 1.3}', "JSON of another kind"),
        ('{"people": [1]}', "JSON of another kind"),
        ('{"people": [{}]}', "75 numbers"),
        (json.dumps({"people": [person(pose_keypoints_2d=[1] * 45)]}), "75 numbers"),
        (json.dumps({"people": [person(pose_keypoints_2d=["x"] * 75)]}), "something else"),
        (json.dumps({"people": [person(pose_keypoints_2d=[1] * 75, face_keypoints_2d=[1] * 204)]}), "210 numbers"),
    ],
)
def test_damage_is_refused(tmp_path, content: str, said: str) -> None:
    put(tmp_path / "r", a=[])
    (tmp_path / "r" / "b_keypoints.json").write_text(content)
    with pytest.raises(InputError, match=said) as caught:
        read_openpose(tmp_path / "r")
    assert str(caught.value).count(str(tmp_path / "r" / "b_keypoints.json")) == 1
    assert "\n" not in str(caught.value)


def test_bodies_of_two_kinds_are_refused(tmp_path) -> None:
    put(
        tmp_path / "r",
        a=[person(pose_keypoints_2d=[1, 2, 0.5] * 25)],
        b=[person(pose_keypoints_2d=[1, 2, 0.5] * 18)],
    )
    with pytest.raises(InputError, match=r"b_keypoints\.json: expected 25 body keypoints as before, got 18"):
        read_openpose(tmp_path / "r")


def test_folders_without_such_files_are_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="no such file in it"):
        read_openpose(tmp_path)
    with pytest.raises(InputError, match="No such file"):
        read_openpose(tmp_path / "gone")
