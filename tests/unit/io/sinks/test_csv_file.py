"""CsvSink: a row per person and keypoint that a spreadsheet reads as it is."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from holopose.errors import OutputError
from holopose.io.sinks import CsvSink
from holopose.protocols import Sink
from holopose.skeletons import WHOLEBODY133
from holopose.types import Boxes, Poses

HEADER = "file,frame,time_s,width,height,person,id,person_score,keypoint_index,keypoint,part,x,y,score,visible,swapped"


def rows_of(path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(path, info, *pairs, **options) -> list[dict[str, str]]:
    sink = CsvSink(path, info, **options)
    for frame, poses in pairs:
        sink.write(frame, poses)
    sink.close(ok=True)
    return rows_of(path)


def test_it_is_a_sink(tmp_path, run_info) -> None:
    assert isinstance(CsvSink(tmp_path / "r.csv", run_info), Sink)


@pytest.mark.parametrize(
    ("options", "more"),
    [
        ({"world": False}, ""),
        ({}, ",world_x_m,world_y_m,world_z_m"),
        ({"normalized": True, "world": False}, ",x_norm,y_norm"),
        ({"normalized": True}, ",x_norm,y_norm,world_x_m,world_y_m,world_z_m"),
        ({"raw": True}, ",raw_x,raw_y,world_x_m,world_y_m,world_z_m"),
    ],
)
def test_columns_follow_the_options_alone(tmp_path, people, frame, run_info, *, options: dict, more: str) -> None:
    for number, poses in enumerate((people(), people(everything=False), Poses.empty(WHOLEBODY133))):
        path = tmp_path / f"{number}.csv"
        write(path, run_info, (frame(), poses), **options)
        lines = path.read_bytes().decode("utf-8").split("\n")
        assert lines[0] == HEADER + more
        assert {line.count(",") for line in lines if line} == {lines[0].count(",")}
        assert lines[-1] == ""


def test_rows_say_what_the_poses_say(tmp_path, people, frame, run_info) -> None:
    poses = people(count=3)
    rows = write(tmp_path / "r.csv", run_info, (frame(index=4, time_s=0.16), poses), normalized=True)
    assert len(rows) == 3 * 133
    parts = WHOLEBODY133.part_of()
    for number, row in enumerate(rows):
        n, k = divmod(number, 133)
        assert (row["file"], row["frame"], row["time_s"]) == ("photo.jpg", "4", "0.160000")
        assert (row["person"], row["id"]) == (str(n), ["", "0", "1"][n])
        assert (row["keypoint_index"], row["keypoint"]) == (str(k), WHOLEBODY133.keypoints[k])
        assert row["part"] == parts[k]
        assert float(row["person_score"]) == pytest.approx(float(poses.boxes.score[n]), abs=5.1e-5)
        x, y = poses.xy[n, k]
        if np.isnan(x):
            assert row["x"] == row["y"] == row["score"] == row["visible"] == row["x_norm"] == row["y_norm"] == ""
        else:
            assert float(row["x"]) == pytest.approx(float(x), abs=0.0051)
            assert float(row["y"]) == pytest.approx(float(y), abs=0.0051)
            assert float(row["score"]) == pytest.approx(float(poses.score[n, k]), abs=5.1e-5)
            assert row["visible"] == str(int(poses.visible[n, k]))
            assert float(row["x_norm"]) == pytest.approx((x + 0.5) / 640, abs=1e-6)
            assert float(row["y_norm"]) == pytest.approx((y + 0.5) / 480, abs=1e-6)
        world = poses.world[n, k]
        told = [row[f"world_{axis}_m"] for axis in "xyz"]
        for text, value in zip(told, world, strict=True):
            assert (text == "") == bool(np.isnan(value))
            if text:
                assert float(text) == pytest.approx(float(value), abs=5.1e-5)


def test_what_the_model_does_not_say_is_empty(tmp_path, people, frame, run_info) -> None:
    rows = write(tmp_path / "r.csv", run_info, (frame(), people(everything=False)))
    assert {(row["time_s"], row["id"], row["visible"], row["world_x_m"]) for row in rows} == {("", "", "", "")}


def test_a_frame_without_people_has_a_row(tmp_path, people, frame, run_info) -> None:
    rows = write(
        tmp_path / "r.csv",
        run_info,
        (frame(index=0), people()),
        (frame(index=1), Poses.empty(WHOLEBODY133)),
        (frame(index=2), people()),
    )
    assert sorted({row["frame"] for row in rows}) == ["0", "1", "2"]
    [empty] = [row for row in rows if row["frame"] == "1"]
    assert {key for key, value in empty.items() if value} == {"file", "frame", "width", "height"}


def test_numbers_are_plain(tmp_path, frame, run_info) -> None:
    xy = np.full((1, 133, 2), -0.001)
    poses = Poses(xy, np.full((1, 133), 1e-7), Boxes([[0, 0, 1, 1]], [1]), WHOLEBODY133)
    [row, *_] = write(tmp_path / "r.csv", run_info, (frame(), poses))
    assert (row["x"], row["y"], row["score"], row["person_score"]) == ("0.00", "0.00", "0.0000", "1.0000")


def test_odd_file_names(tmp_path, people, frame, run_info) -> None:
    for number, name in enumerate(('a, "b".jpg', "照片.jpg", "line\nbreak.jpg")):
        [row, *_] = write(tmp_path / f"{number}.csv", run_info, (frame(name=name), people()))
        assert row["file"] == name
    [row, *_] = write(tmp_path / "r.csv", run_info, (frame(name="a\rb.jpg"), people()))
    assert row["file"] == "a\\rb.jpg"


def test_nothing_is_left_of_a_run_that_failed(tmp_path, people, frame, run_info) -> None:
    sink = CsvSink(tmp_path / "r.csv", run_info)
    sink.write(frame(), people())
    sink.close(ok=False)
    assert list(tmp_path.iterdir()) == []


def test_existing_files_and_inputs_are_safe(tmp_path, run_info) -> None:
    path = tmp_path / "r.csv"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="overwrite"):
        CsvSink(path, run_info)
    with pytest.raises(OutputError, match="never replaced"):
        CsvSink(path, run_info, overwrite=True, inputs=[path])
    CsvSink(path, run_info, overwrite=True).close(ok=True)
    assert path.read_text(encoding="utf-8").startswith(HEADER)
