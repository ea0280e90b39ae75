"""The report's files: the worst pictures drawn in them, nothing half-written."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("faster_coco_eval")

from holopose.build.evaluation import Evaluated, evaluate_predictions
from holopose.build.report import ReportFiles, draw_worst
from holopose.datasets import open_dataset
from holopose.errors import OutputError
from holopose.evaluation.predictions import entries_of
from holopose.evaluation.result import read_result
from label_samples import coco_file, perfect, picture_folder, write_json


@pytest.fixture
def evaluated(tmp_path: Path) -> Evaluated:
    """Of three pictures the second went wrong."""
    data = open_dataset(coco_file(tmp_path / "d.json", pictures=3), picture_folder(tmp_path / "images", 3))
    found = [perfect(labelled) for _, labelled in data]
    found[1] = found[1][[0]]
    entries = [e for p, f in zip(data.pictures, found, strict=True) for e in entries_of(p.id, f, data.skeleton)]
    return evaluate_predictions(data, write_json(tmp_path / "p.json", entries))


def test_the_worst_picture_comes_first(evaluated: Evaluated) -> None:
    drawn = draw_worst(evaluated, 2)
    assert [one.picture.name for one in drawn] == ["002.png", "001.png"]
    assert (drawn[0].picture.quality, drawn[0].picture.labelled, drawn[0].picture.found) == (pytest.approx(0.5), 2, 1)
    image = cv2.imdecode(np.frombuffer(drawn[0].jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape == (160, 2 * 320 + 6, 3)
    left, right = image[:, :320].astype(int), image[:, 326:].astype(int)
    assert (np.abs(left - right).max(axis=2) > 60).sum() > 100  # one of two people is not drawn on the right
    same = cv2.imdecode(np.frombuffer(drawn[1].jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert same is not None
    assert np.abs(same[:, :320].astype(int) - same[:, 326:].astype(int)).mean() < 3


def test_what_is_judged_is_drawn_however_unsure(evaluated: Evaluated) -> None:
    unsure = [replace(found, point_score=np.full_like(found.point_score, 0.01)) for found in evaluated.found]
    [surely] = draw_worst(evaluated, 1)
    [unsurely] = draw_worst(replace(evaluated, found=unsure), 1)
    first, second = (cv2.imdecode(np.frombuffer(one.jpeg, np.uint8), 1) for one in (surely, unsurely))
    assert first is not None
    assert second is not None
    assert np.abs(first.astype(int) - second.astype(int)).mean() < 1


def test_files(evaluated: Evaluated, tmp_path: Path) -> None:
    files = ReportFiles(tmp_path / "out")
    assert not (tmp_path / "out").exists()
    files.write(evaluated, pictures=1)
    page = files.page.read_text(encoding="utf-8")
    [data] = re.findall('base64,([^"]+)', page)
    assert base64.b64decode(data)[:2] == b"\xff\xd8"
    assert read_result(files.data).table == evaluated.result.table
    with pytest.raises(OutputError, match="is there already"):
        ReportFiles(tmp_path / "out")
    ReportFiles(tmp_path / "out", overwrite=True).write(evaluated, evaluated.result, pictures=0)
    page = files.page.read_text(encoding="utf-8")
    assert "base64" not in page
    assert "(+0.000)" in page
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["report.html", "report.json"]


def test_without_pictures_there_is_nothing_to_draw(evaluated: Evaluated, tmp_path: Path) -> None:
    bare = Evaluated(evaluated.result, open_dataset(tmp_path / "d.json"), evaluated.found)
    assert draw_worst(bare, 3) == []


def test_large_pictures_are_made_small(evaluated: Evaluated) -> None:
    folder = evaluated.dataset.images
    assert folder is not None
    cv2.imwrite(str(folder / "002.png"), np.zeros((800, 1600, 3), np.uint8))
    [one] = draw_worst(evaluated, 1)
    image = cv2.imdecode(np.frombuffer(one.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape == (280, 2 * 560 + 6, 3)


def test_a_failure_leaves_nothing(evaluated: Evaluated, tmp_path: Path) -> None:
    folder = evaluated.dataset.images
    assert folder is not None
    (folder / "002.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"002\.png"):
        ReportFiles(tmp_path / "out").write(evaluated)
    assert list((tmp_path / "out").glob("*")) == []
