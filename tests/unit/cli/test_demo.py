from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from holopose.config import RunConfig
from holopose.errors import ModelError
from holopose.zoo import catalog, fetch

Run = Callable[..., tuple[int, str, str]]
RESULTS = (f"{name}.{ending}" for name in ("bus", "zidane") for ending in ("csv", "json", "overlay.png"))
FILES = sorted([*RESULTS, "holopose-run.jsonl"])


@pytest.fixture
def located(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, picture: Path) -> list[str]:
    """Names of the files asked for; small grey pictures stand for the photographs."""
    names: list[str] = []

    def locate_all(assets: Any) -> dict[str, Path]:
        names.extend(asset.name for asset in assets)
        paths = {asset.name: tmp_path / "cache" / asset.filename for asset in assets}
        (tmp_path / "cache").mkdir(exist_ok=True)
        for path in paths.values():
            path.write_bytes(picture.read_bytes())
        return paths

    monkeypatch.setattr(fetch, "locate_all", locate_all)
    return names


def test_the_demo_runs_the_defaults_on_its_pictures_and_says_where_to_look(
    holopose: Run, configs: list[RunConfig], located: list[str], tmp_path: Path
) -> None:
    code, stdout, stderr = holopose("demo", "-o", tmp_path / "out")
    assert (code, stderr) == (0, "")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == FILES
    assert set(located) == {asset.name for asset in (*catalog.PICTURES, *catalog.MODELS["blaze"])}
    assert [config.replace(overwrite=False) for config in configs] == [RunConfig()]
    for name in ("bus.jpg", "zidane.jpg"):
        assert re.search(rf"^{name}\s+0\s+\d+\.\d\d\s+{name[:-4]}\.json, ", stdout, re.MULTILINE)
    assert f"Look in {tmp_path / 'out'}" in stdout


def test_the_demo_replaces_its_own_results(
    holopose: Run, configs: list[RunConfig], located: list[str], tmp_path: Path
) -> None:
    for _ in range(2):
        assert holopose("demo", "-o", tmp_path / "out")[0] == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == FILES


def test_without_models_the_demo_says_what_to_do(
    holopose: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOLOPOSE_HOME", str(tmp_path / "empty"))
    monkeypatch.setenv("HOLOPOSE_OFFLINE", "1")
    monkeypatch.delenv("HOLOPOSE_MODEL_DIR", raising=False)
    monkeypatch.setattr("holopose.zoo.fetch.installed", lambda name: None)
    code, _, stderr = holopose("demo", "-o", tmp_path / "out")
    assert code == ModelError.exit_code
    assert stderr.startswith("holopose: missing bus.jpg")
    assert "holopose models pull" in stderr
    assert stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.weights
def test_the_real_demo_finds_everybody(holopose: Run, tmp_path: Path) -> None:
    code, _, stderr = holopose("demo", "-o", tmp_path)
    assert (code, stderr) == (0, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES
    people = {}
    for name in ("bus", "zidane"):
        document = json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))
        people[name] = len(document["frames"][0]["people"])
    assert people["bus"] >= 3
    assert people["zidane"] == 2
