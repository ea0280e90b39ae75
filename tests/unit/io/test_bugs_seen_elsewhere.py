"""Mistakes that other tools made in their files, each held against every file of holopose's own."""

from __future__ import annotations

import csv
import importlib.util
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from holopose.io.results import read_results
from holopose.io.sinks import SINKS
from holopose.skeletons import WHOLEBODY133
from holopose.types import FrameInfo, Poses

FORMS = {"json": "r.json", "jsonl": "r.jsonl", "csv": "r.csv", "wide-csv": "r.wide.csv", "trc": "r.trc"}
if importlib.util.find_spec("polars"):
    FORMS["parquet"] = "r.parquet"
READABLE = ("json", "jsonl", "csv", "wide-csv")
NTSC = 30000 / 1001

every_form = pytest.mark.parametrize("form", FORMS)
every_readable = pytest.mark.parametrize("form", READABLE)


def write(folder: Path, form: str, info, *pairs: tuple[FrameInfo, Poses]) -> Path:
    path = folder / FORMS[form]
    sink = SINKS[form](path, info)
    for frame, poses in pairs:
        sink.write(frame, poses)
    sink.close(ok=True)
    return path


def moment(index: int) -> FrameInfo:
    return FrameInfo(index, index * 1001 / 30000, "clip.mp4", (640, 480))


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of any table, by column."""
    if path.suffix == ".parquet":
        import polars as pl

        yield from pl.read_parquet(path).rows(named=True)
    else:
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)


def records_of(path: Path) -> list[dict[str, Any]]:
    """Frame records of either form of JSON."""
    if path.suffix == ".json":
        return list(json.loads(path.read_bytes())["frames"])
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()[1:-1]]


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_bug_box_wrapped_in_another_list(tmp_path, standing, run_info, form: str) -> None:
    path = write(tmp_path, form, run_info, (moment(0), standing(2, ids=True)))
    for person, box in zip(records_of(path)[0]["people"], standing(2).boxes.xyxy, strict=True):
        assert len(person["box"]) == 4
        assert all(type(side) is float for side in person["box"])
        np.testing.assert_allclose(person["box"], box, atol=0.0051)


@every_readable
def test_bug_hands_and_face_exchanged_when_133_points_are_sliced(tmp_path, standing, run_info, form: str) -> None:
    path = write(tmp_path, form, run_info, (moment(0), standing(2)))
    [(_, poses)] = read_results(path)
    for side in ("left", "right"):
        hand, wrist = poses.part(f"{side}_hand"), poses[f"{side}_wrist"][:, :2]
        assert all(name.startswith(f"{side}_hand") for name in hand.skeleton.keypoints)
        np.testing.assert_allclose(hand[f"{side}_hand_wrist"][:, :2], wrist, atol=0.011)
        assert np.abs(hand.xy - wrist[:, None]).max() < 15
    face = poses.part("face")
    assert len(face.skeleton) == 68
    assert np.abs(face.xy - poses["nose"][:, None, :2]).max() < 35


@pytest.mark.parametrize("form", ["csv", "trc", *(["parquet"] if "parquet" in FORMS else [])])
def test_bug_hands_and_face_exchanged_in_tables_by_name(tmp_path, standing, run_info, form: str) -> None:
    """Hand roots stand beside the wrists of the same name in what is written, read by nothing but names."""
    path = write(tmp_path, form, run_info, (moment(0), standing(1, ids=True)))
    if form == "trc":
        lines = path.read_text(encoding="utf-8").split("\n")
        names = [name for name in lines[3].split("\t")[2:] if name]
        numbers = np.array(lines[6].split("\t")[2:-1], float).reshape(-1, 3)
        found = dict(zip(names, numbers[:, :2], strict=True))
    else:
        found = {row["keypoint"]: np.array([float(row["x"]), float(row["y"])]) for row in rows_of(path)}
        parts = {row["keypoint"]: row["part"] for row in rows_of(path)}
        assert parts == dict(zip(WHOLEBODY133.keypoints, WHOLEBODY133.part_of(), strict=True))
    for side in ("left", "right"):
        np.testing.assert_allclose(found[f"{side}_hand_wrist"], found[f"{side}_wrist"], atol=0.011)
    assert np.abs(found["left_hand_wrist"] - found["right_hand_wrist"]).max() > 50


@every_form
def test_bug_low_scores_move_keypoints_to_zero(tmp_path, standing, run_info, form: str) -> None:
    people = standing(1, ids=True)
    doubtful = people.replace(score=np.zeros_like(people.score))
    path = write(tmp_path, form, run_info, (moment(0), doubtful))
    if form == "trc":
        row = path.read_text(encoding="utf-8").split("\n")[6].split("\t")[2:-1]
        xy = np.array(row, float).reshape(-1, 3)[:, :2] * (1, -1) + (0, 479)
    elif form == "parquet":
        rows = list(rows_of(path))
        xy = np.array([[row["x"], row["y"]] for row in rows])
        assert {row["score"] for row in rows} == {0.0}
    else:
        [(_, read)] = read_results(path)
        xy = read.xy[0]
        assert (read.score == 0).all()
    np.testing.assert_allclose(xy, people.xy[0], atol=0.0052)


@every_form
def test_bug_empty_frames_absent(tmp_path, standing, run_info, form: str) -> None:
    nobody = Poses.empty(WHOLEBODY133)
    here = {2, 3, 7}
    pairs = [(moment(i), standing(1, ids=True) if i in here else nobody) for i in range(10)]
    path = write(tmp_path, form, run_info, *pairs)
    if form in READABLE:
        counts = {info.index: len(poses) for info, poses in read_results(path)}
    elif form == "trc":
        rows = [line.split("\t") for line in path.read_text(encoding="utf-8").split("\n")[6:-1]]
        counts = {int(row[0]) - 1: int(any(row[2:])) for row in rows}
    else:
        counts = {row["frame"]: int(row["person"] is not None) for row in rows_of(path)}
    assert counts == {i: int(i in here) for i in range(10)}


@every_form
def test_bug_rate_rounded_to_a_whole_number(tmp_path, standing, run_info, form: str) -> None:
    info = replace(run_info, source={"rate": NTSC, "rate_exact": "30000/1001"})
    path = write(tmp_path, form, info, *((moment(i), standing(1, ids=True)) for i in range(0, 9000, 1000)))
    if form == "trc":
        values = path.read_text(encoding="utf-8").split("\n")[2].split("\t")
        assert float(values[0]) == pytest.approx(NTSC / 1000, rel=1e-9)  # every thousandth frame was written
        times = [float(line.split("\t")[1]) for line in path.read_text(encoding="utf-8").split("\n")[6:-1]]
    elif form == "parquet":
        import polars as pl

        source = json.loads(pl.read_parquet_metadata(path)["holopose"])["source"]
        assert (source["rate"], source["rate_exact"]) == (NTSC, "30000/1001")
        times = sorted({row["time_s"] for row in rows_of(path)})
    else:
        results = read_results(path)
        if form in ("json", "jsonl"):
            assert (results.source["rate"], results.source["rate_exact"]) == (NTSC, "30000/1001")
        times = [info.time_s for info, _ in results]
    np.testing.assert_allclose(times, np.arange(0, 9000, 1000) * 1001 / 30000, atol=5.1e-7)


@every_readable
def test_bug_width_and_height_exchanged(tmp_path, standing, run_info, form: str) -> None:
    upright = FrameInfo(0, 0.0, "phone.mp4", (360, 640))
    path = write(tmp_path, form, run_info, (upright, standing(1)))
    [(info, poses)] = read_results(path)
    assert info.size_wh == (360, 640)
    np.testing.assert_allclose(poses.xy, standing(1).xy, atol=0.0051)
    if form in ("json", "jsonl"):
        text = path.read_text(encoding="utf-8")
        assert '"width":360,"height":640' in text.replace(" ", "")
    else:
        row = next(rows_of(path))
        assert (row["width"], row["height"]) == ("360", "640")
