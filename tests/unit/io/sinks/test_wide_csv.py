"""WideCsvSink: a row per person and frame."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from holopose.errors import OutputError
from holopose.io.sinks import WideCsvSink
from holopose.skeletons import COCO17, WHOLEBODY133, Skeleton
from holopose.types import Boxes, Poses

FIRST = "file,frame,time_s,width,height,person,id,person_score,box_left,box_top,box_right,box_bottom"


def write(path, info, *pairs, **options) -> list[dict[str, str]]:
    sink = WideCsvSink(path, info, **options)
    for frame, poses in pairs:
        sink.write(frame, poses)
    sink.close(ok=True)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("options", "more"),
    [
        ({}, ""),
        ({"normalized": True}, ",nose_x_norm,nose_y_norm"),
        ({"raw": True}, ",nose_raw_x,nose_raw_y"),
        ({"raw": True, "normalized": True}, ",nose_x_norm,nose_y_norm,nose_raw_x,nose_raw_y"),
    ],
)
def test_columns_follow_options_and_layout_alone(
    tmp_path, people, frame, run_info, *, options: dict, more: str
) -> None:
    heads = set()
    for number, poses in enumerate((people(), people(everything=False), Poses.empty(WHOLEBODY133))):
        path = tmp_path / f"{number}.wide.csv"
        write(path, run_info, (frame(), poses), **options)
        lines = path.read_bytes().decode("utf-8").split("\n")
        heads.add(lines[0])
        assert {line.count(",") for line in lines if line} == {lines[0].count(",")}
    [head] = heads
    assert head.startswith(f"{FIRST},nose_x,nose_y,nose_score{more},left_eye_x,")
    assert head.count(",") + 1 == 12 + 133 * (3 + more.count(","))


def test_rows_say_what_the_poses_say(tmp_path, people, frame, run_info) -> None:
    poses = people(count=3)
    poses = poses.replace(raw_xy=poses.xy + 1)
    rows = write(tmp_path / "r.csv", run_info, (frame(index=4, time_s=0.16), poses), normalized=True, raw=True)
    assert [(row["person"], row["id"]) for row in rows] == [("0", ""), ("1", "0"), ("2", "1")]
    for n, row in enumerate(rows):
        assert [row[key] for key in ("file", "frame", "time_s", "width", "height")] == [
            *("photo.jpg", "4", "0.160000", "640", "480"),
        ]
        box = [float(row[f"box_{side}"]) for side in ("left", "top", "right", "bottom")]
        np.testing.assert_allclose(box, poses.boxes.xyxy[n], atol=0.0051)
        assert float(row["person_score"]) == pytest.approx(float(poses.boxes.score[n]), abs=5.1e-5)
        for k, name in enumerate(WHOLEBODY133.keypoints):
            told = [row[f"{name}_{measure}"] for measure in ("x", "y", "score", "raw_x", "raw_y", "x_norm", "y_norm")]
            x, y = poses.xy[n, k].tolist()
            if np.isnan(x):
                assert told == [""] * 7
            else:
                expected = [x, y, poses.score[n, k], x + 1, y + 1, (x + 0.5) / 640, (y + 0.5) / 480]
                np.testing.assert_allclose([float(text) for text in told], expected, atol=0.0052)


def test_a_frame_without_people_has_a_row(tmp_path, people, frame, run_info) -> None:
    rows = write(
        tmp_path / "r.csv",
        run_info,
        (frame(index=0, time_s=0.0), Poses.empty(WHOLEBODY133)),
        (frame(index=1, time_s=0.1), people(count=2)),
        (frame(index=2, time_s=0.2), Poses.empty(WHOLEBODY133)),
    )
    assert [row["frame"] for row in rows] == ["0", "1", "1", "2"]
    for row in (rows[0], rows[3]):
        assert {key for key, value in row.items() if value} == {"file", "frame", "time_s", "width", "height"}


def test_another_layout_needs_another_file(tmp_path, people, frame, run_info) -> None:
    sink = WideCsvSink(tmp_path / "r.csv", run_info)
    sink.write(frame(), people())
    with pytest.raises(OutputError, match="expected keypoints of wholebody133, got coco17"):
        sink.write(frame(), people(skeleton=COCO17))
    sink.close(ok=False)


def test_columns_of_one_name_are_refused(tmp_path, frame, run_info) -> None:
    odd = Skeleton("odd", ("a", "a_raw"), (), (0, 1), None, {"body": (0, 1)})
    poses = Poses(np.zeros((1, 2, 2)), np.ones((1, 2)), Boxes([[0, 0, 1, 1]], [1]), odd)
    write(tmp_path / "fine.csv", run_info, (frame(), poses))
    sink = WideCsvSink(tmp_path / "r.csv", run_info, raw=True)
    with pytest.raises(OutputError, match="'a_raw_x'"):
        sink.write(frame(), poses)
    sink.close(ok=False)
    assert [path.name for path in tmp_path.iterdir()] == ["fine.csv"]
