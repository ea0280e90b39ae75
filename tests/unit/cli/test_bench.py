from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from holopose.config import RunConfig

Run = Callable[..., tuple[int, str, str]]


def test_bench_measures_every_search_by_default(
    holopose: Run, configs: list[RunConfig], picture: Path, tmp_path: Path
) -> None:
    before = sorted(tmp_path.iterdir())
    code, stdout, _ = holopose("bench", picture, "--repeat", 3, "--json")
    assert code == 0
    rows = json.loads(stdout)
    assert [row["search"] for row in rows] == ["thorough", "normal", "whole"] == [config.search for config in configs]
    for row in rows:
        assert (row["picture"], row["people"], row["repeat"]) == (str(picture), 0, 3)
        assert row["size_wh"] == [40, 30]
        assert set(row["ms"]) == {"decode", "estimate", "draw", "write", "total", "estimate/search"}
        assert row["ms"]["estimate/search"] <= row["ms"]["estimate"]
        assert 0 < row["ms"]["decode"] <= row["ms"]["total"]
        assert 0 < row["ms"]["write"] <= row["ms"]["total"]
        assert row["runtime"] == {"name": "none", "device": "CPU"}
    assert sorted(tmp_path.iterdir()) == before


def test_bench_takes_the_options_that_change_the_speed(holopose: Run, configs: list[RunConfig], picture: Path) -> None:
    arguments = ("--search", "whole,normal", "--precision", "bf16", "--threads", 2, "--repeat", 1)
    code, stdout, _ = holopose("bench", picture, *arguments)
    assert code == 0
    assert [(c.search, c.precision, c.threads) for c in configs] == [("whole", "bf16", 2), ("normal", "bf16", 2)]
    for word in ("a picture.png 40x30", "whole", "normal", "total ms", "median of 1 run"):
        assert word in stdout


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["none.jpg", "--search", "whole"], "none.jpg: does not exist"),
        (["none.jpg", "--search", "hole"], "search: expected one of"),
        (["none.jpg", "--precision", "int8"], "precision: expected one of f32, bf16, f16, got 'int8'"),
    ],
)
def test_wrong_use_is_one_line(holopose: Run, configs: list[RunConfig], arguments: list[str], line: str) -> None:
    code, stdout, stderr = holopose("bench", *arguments)
    assert (code, stdout, stderr.count("\n")) == (2, "", 1)
    assert line in stderr


@pytest.mark.weights
def test_the_real_model_is_measured(holopose: Run, shared: Path) -> None:
    picture = shared / "data" / "images" / "000000000785.jpg"
    code, stdout, _ = holopose("bench", picture, "--search", "whole", "--repeat", 1, "--json")
    assert code == 0
    [row] = json.loads(stdout)
    assert row["people"] >= 1
    assert row["ms"]["estimate"] > 1
    assert "f32" in json.dumps(row["runtime"])


def test_blaze_on_boxes_has_one_way_to_look(holopose: Run, configs: list[RunConfig], picture: Path) -> None:
    assert holopose("bench", picture, "--box", "1,2,30,20", "--repeat", 1)[0] == 0
    assert [config.search for config in configs] == ["normal"]
