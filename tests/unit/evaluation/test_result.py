"""A result as JSON and back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from holopose.errors import InputError
from holopose.evaluation.protocol import Protocol
from holopose.evaluation.result import PictureQuality, Result, read_result

RESULT = Result(
    {"body": {"AP": 0.5, "APm": float("nan")}},
    Protocol(
        dataset="v.json",
        dataset_sha256="a" * 64,
        kind="coco",
        pictures=2,
        score_rule="parts",
        area="area",
        evaluator="e",
        holopose="0",
    ),
    [PictureQuality("a.jpg", 0.25, 2, 3), PictureQuality("b.jpg", float("nan"), 0, 1)],
    ["a note"],
    "f" * 64,
)


def test_there_and_back(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(RESULT.to_json(), encoding="utf-8")
    assert json.loads(path.read_bytes())["figures"] == {"body": {"AP": 0.5, "APm": None}}
    back = read_result(path)
    assert back.table["body"]["AP"] == 0.5
    assert np.isnan(back.table["body"]["APm"])
    assert back.protocol == RESULT.protocol
    assert back.pictures[0] == RESULT.pictures[0]
    assert np.isnan(back.pictures[1].quality)
    assert (list(back.notes), back.predictions_sha256) == (["a note"], "f" * 64)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "not JSON"),
        ("[]", r"expected the result of an evaluation \(report\.json"),
        ('{"format": "other"}', "expected the result of an evaluation"),
        ('{"format": "holopose-evaluation/1"}', "expected a protocol"),
    ],
)
def test_files_that_are_none(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "r.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=says):
        read_result(path)


def test_damaged_and_missing(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    content = RESULT.to_dict()
    for key in ("figures", "pictures", "notes", "predictions_sha256"):
        path.write_text(json.dumps({k: v for k, v in content.items() if k != key}), encoding="utf-8")
        with pytest.raises(InputError, match="got a damaged one"):
            read_result(path)
    with pytest.raises(InputError, match="No such file"):
        read_result(tmp_path / "none.json")
    assert replace(RESULT, notes=()).to_dict()["notes"] == []
