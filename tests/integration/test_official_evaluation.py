"""The evaluation gives what the data set authors' own code gives, and pycocotools agrees."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("faster_coco_eval")

from holopose.build.evaluation import Stated, evaluate_predictions
from holopose.datasets import open_dataset
from holopose.evaluation.coco_oks import STATS

PARTS = ["body", "foot", "face", "lefthand", "righthand", "wholebody"]


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def table(shared: Path) -> Any:
    folder = shared / "data/coco_wholebody"
    done = evaluate_predictions(
        open_dataset(folder / "example_gt.json"), folder / "example_pred.json", Stated(model="x")
    )
    return done.result.table


@pytest.mark.parametrize("part", PARTS)
def test_all_ten_figures_of_the_official_example(table: Any, shared: Path, part: str) -> None:
    official = read(shared / "reference/coco_wholebody_official_eval.json")[part]
    ours = table["whole" if part == "wholebody" else part]
    assert list(ours) == list(STATS)
    assert list(ours.values()) == pytest.approx(official, abs=1e-6)


def test_hand_is_the_mean_of_both(table: Any, shared: Path) -> None:
    official = read(shared / "reference/coco_wholebody_official_eval.json")
    mean = np.mean([official["lefthand"], official["righthand"]], axis=0)
    assert list(table["hand"].values()) == pytest.approx(mean.tolist(), abs=1e-6)


@pytest.mark.parametrize("noise_px", [0.0, 3.0, 12.0])
def test_pycocotools_agrees_on_body(shared: Path, tmp_path: Path, noise_px: float) -> None:
    """Also on other answers than the example's: moved, thinned out, with people who are not there."""
    pytest.importorskip("pycocotools")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    folder = shared / "data/coco_wholebody"
    rng = np.random.default_rng(7)
    people = read(folder / "example_pred.json")
    for one in people:
        points = np.reshape(one["keypoints"], (-1, 3))
        points[:, :2] += rng.normal(0, noise_px, (len(points), 2))
        points[rng.uniform(size=len(points)) < 0.1] = 0
        one["keypoints"] = points.ravel().tolist()
    keep = [one for one in people if rng.uniform() < 0.9]
    answers = [{key: one[key] for key in ("image_id", "category_id", "keypoints", "score")} for one in keep]
    answers += [{**answers[0], "image_id": one["image_id"], "score": 0.5} for one in answers[1:4]]
    path = tmp_path / "p.json"
    path.write_text(json.dumps(answers), encoding="utf-8")
    with contextlib.redirect_stdout(io.StringIO()):  # it narrates
        truth = COCO(str(folder / "example_gt.json"))
        judge = COCOeval(truth, truth.loadRes(str(path)), "keypoints")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    ours = evaluate_predictions(open_dataset(folder / "example_gt.json", kind="coco"), path).result.table["body"]
    assert np.nan_to_num(list(ours.values()), nan=-1).tolist() == pytest.approx(list(judge.stats), abs=1e-9)
