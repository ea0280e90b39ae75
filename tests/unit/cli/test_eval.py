"""`holopose eval` prints figures with their protocol, writes the report, and refuses in one line."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("faster_coco_eval")

from holopose.datasets import open_dataset
from holopose.evaluation.predictions import entries_of
from holopose.skeletons import COCO17
from holopose.types import Frame, Poses
from holopose.zoo import load
from label_samples import coco_file, perfect, picture_folder, write_json

Run = Any


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    return coco_file(tmp_path / "labels.json", pictures=2)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return picture_folder(tmp_path / "images")


@pytest.fixture
def theirs(labels: Path, tmp_path: Path) -> Path:
    """Perfect predictions."""
    data = open_dataset(labels)
    entries = [one for picture, people in data for one in entries_of(picture.id, perfect(people), data.skeleton)]
    return write_json(tmp_path / "theirs.json", entries)


class Blind:
    """Finds nobody."""

    skeleton = COCO17

    def __init__(self) -> None:
        self.info = {"name": "blind"}

    def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
        return [Poses.empty(COCO17) for _ in frames]

    def reset(self) -> None:
        pass


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What models were loaded with; they find nobody."""
    options: list[dict[str, Any]] = []

    def fake(model: str, **given: Any) -> Blind:
        options.append({"model": model, **given})
        return Blind()

    monkeypatch.setattr(load, "load_estimator", fake)
    return options


def test_predictions_of_another_program(holopose: Run, labels: Path, theirs: Path) -> None:
    code, stdout, stderr = holopose("eval", labels, "--predictions", theirs, "--model", "theirs", "--boxes", "gt")
    assert (code, stderr) == (0, "")
    head, body, *rest = stdout.splitlines()
    assert head.split() == ["AP", "AP50", "AP75", "APm", "APl", "AR", "AR50", "AR75", "ARm", "ARl"]
    assert body.split()[:4] == ["body", "1.000", "1.000", "1.000"]
    shown = "\n".join(rest)
    for line in ("model:        theirs", "boxes:        gt", "flip:         not stated", "score rule:   parts"):
        assert line in shown
    assert "Note: nobody stated flip, nms" in shown


def test_json_and_report(holopose: Run, labels: Path, images: Path, theirs: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    code, stdout, stderr = holopose(
        "eval", labels, "--images", images, "--predictions", theirs, "-o", out, "--json", "--worst", "1"
    )
    assert (code, stderr) == (0, f"holopose: report: {out / 'report.html'}\n")
    assert json.loads(stdout) == json.loads((out / "report.json").read_bytes())
    assert (out / "report.html").read_text(encoding="utf-8").count("<img") == 1
    again = holopose("eval", labels, "--predictions", theirs, "-o", out)
    assert again[0] == 5
    assert "is there already" in again[2]
    assert holopose("eval", labels, "--predictions", theirs, "-o", out, "--overwrite")[0] == 0


def test_comparing(holopose: Run, labels: Path, theirs: Path, tmp_path: Path) -> None:
    first = tmp_path / "first"
    holopose("eval", labels, "--predictions", theirs, "-o", first, "--boxes", "gt")
    like = ["eval", labels, "--predictions", theirs, "--compare", first / "report.json"]
    code, stdout, _ = holopose(*like, "--boxes", "gt")
    assert (code, "1.000 (+0.000)" in stdout) == (0, True)
    code, stdout, stderr = holopose(*like)
    assert (code, stdout) == (2, "")
    assert stderr.startswith("holopose: results made under different protocols cannot be compared: boxes: not stated")
    assert stderr.count("\n") == 1


def test_a_model(holopose: Run, labels: Path, images: Path, asked: list[dict[str, Any]], tmp_path: Path) -> None:
    arguments = ["--images", images, "--model", "some-model", "--limit", "1", "--flip", "--device", "cuda"]
    code, stdout, stderr = holopose("eval", labels, *arguments, "-o", tmp_path / "r")
    assert code == 0, stderr
    assert stdout.splitlines()[1].split()[:3] == ["body", "0.000", "0.000"]
    assert "pictures:     1" in stdout
    assert "flip:         yes" in stdout
    assert (asked[0]["model"], asked[0]["flip"], asked[0]["engine"].device) == ("some-model", True, "cuda")
    assert asked[0]["detector"] == "auto"
    assert json.loads((tmp_path / "r" / "predictions.json").read_bytes()) == []


def test_true_boxes_reach_the_model(holopose: Run, labels: Path, images: Path, asked: list[dict[str, Any]]) -> None:
    code, stdout, _ = holopose("eval", labels, "--images", images, "--boxes", "gt")
    assert (code, "boxes:        gt" in stdout) == (0, True)
    assert hasattr(asked[0]["detector"], "detect")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "expected the folder of the pictures (--images DIR), or --predictions FILE"),
        (["--images", "nowhere"], "expected the folder of the pictures, but there is none"),
        (["--predictions", "none.json"], "none.json: expected predictions"),
        (["--predictions", "labels.json"], "expected predictions as a list of COCO results, got dict"),
        (["--predictions", "theirs.json", "--kind", "mpii"], "expected MPII Human Pose, got COCO keypoints"),
        (["--predictions", "theirs.json", "--kind", "coca"], "kind: expected auto or one of"),
        (["--predictions", "theirs.json", "--score-rule", "best"], "score rule: expected one of"),
        (["--predictions", "theirs.json", "--crowd-bounds", "0.2,0.8"], "only CrowdPose has a crowd index"),
        (["--predictions", "theirs.json", "--search", "thorough"], "search: no model is run"),
        (["--predictions", "theirs.json", "--device", "cuda", "--min-score", "0.5"], "device"),
        (["--predictions", "theirs.json", "--adjust", "a=1"], "adjust: no model is run"),
        (["--predictions", "theirs.json", "--compare", "labels.json"], "expected the result of an evaluation"),
        (["--predictions", "theirs.json", "--layout", "coco17"], "No such option: --layout"),
        (["--predictions", "theirs.json", "--limit", "0"], "--limit"),
    ],
)
def test_wrong_use(holopose: Run, theirs: Path, arguments: list[str], says: str) -> None:
    with contextlib.chdir(theirs.parent):
        code, stdout, stderr = holopose("eval", "labels.json", *arguments)
    assert (code, stdout) == (2, "")
    assert says in stderr


@pytest.mark.parametrize(
    ("bounds", "says"),
    [
        ("a", "crowd bounds: expected two numbers"),
        ("0.9,0.1", "the smaller first"),
    ],
)
def test_bounds_that_are_none(holopose: Run, tmp_path: Path, bounds: str, says: str) -> None:
    labels = coco_file(tmp_path / "labels.json", 14, pictures=1, crowdIndex=0.5)
    code, stdout, stderr = holopose("eval", labels, "--predictions", "none.json", "--crowd-bounds", bounds)
    assert (code, stdout) == (2, "")
    assert says in stderr
