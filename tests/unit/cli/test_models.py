"""`holopose models`: what it prints, what it needs no network for, and its exit codes."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from holopose.cli.models import app
from holopose.errors import HoloposeError
from holopose.zoo import cache
from holopose.zoo.catalog import ASSETS, BLAZE, DEFAULTS, MODELS
from holopose.zoo.converted import converted_path
from holopose.zoo.table import HEADINGS, MARKER


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no network."""
    for name in os.environ:
        if name.startswith("HOLOPOSE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOLOPOSE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOLOPOSE_OFFLINE", "1")
    return tmp_path / "home"


REAL_HOME = os.environ.get("HOLOPOSE_HOME", "")


@pytest.fixture
def weights(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own that holds the real files."""
    with monkeypatch.context() as before:
        before.setenv("HOLOPOSE_HOME", REAL_HOME)
        found = {asset.filename: cache.find(asset) for asset in BLAZE}
    for name, path in found.items():
        if path is None:
            pytest.skip("run `holopose models pull` first")
        (home / "models").mkdir(parents=True, exist_ok=True)
        shutil.copy(path, home / "models" / name)
    return home / "models"


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), env={"COLUMNS": "200"})


def fails(*words: str) -> HoloposeError:
    """The error that the command ends with; the caller of the app turns it into a line and an exit code."""
    result = run(*words)
    assert isinstance(result.exception, HoloposeError), result.output
    return result.exception


def test_list_names_every_file_and_where_it_is_not(home):
    result = run("list")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    for asset in ASSETS:
        row = next(line for line in lines if f" {asset.name} " in f" {line}")
        assert " no " in row
    for heading in (*HEADINGS.values(), "Demo pictures"):
        assert heading in lines
    assert not home.exists()


def test_list_shows_some(home):
    names = [row["name"] for row in json.loads(run("list", "--task", "detector", "--json").output)]
    assert names == [name for name, cards in MODELS.items() if cards[0].task == "detector"]
    names = [row["name"] for row in json.loads(run("list", "RTMW", "--json").output)]
    assert names == [name for name in MODELS if name.startswith("rtmw")]
    assert run("list", "--installed").output.strip() == "none"
    (home / "models").mkdir(parents=True)
    (home / "models" / "rtmo-s.onnx").write_bytes(b"weights")
    (home / "models" / "yolox-nano.onnx").write_bytes(b"too short")
    [row] = json.loads(run("list", "--installed", "--json").output)
    assert (row["name"], row["path"]) == ("rtmo-s", str(home / "models" / "rtmo-s.onnx"))
    safe = {row["name"] for row in json.loads(run("list", "--commercial-safe", "--json").output)}
    assert {card.name for card in BLAZE} <= safe
    assert safe.isdisjoint({"bus.jpg", "yolo11n", "dwpose-l-384"})
    assert "none" in run("list", "no such name").output


def test_list_settings_are_what_adjust_takes():
    output = run("list", "rtmpose-m-body17-384", "--settings").output
    assert "input_hw=[384,288]" in output
    assert "bgr=false" in output


def test_list_licence_has_code_weights_and_training_data():
    lines = run("list", "--licence").output.splitlines()
    assert lines[1].split() == ["name", "product", "code", "weights", "training", "data"]
    for asset in ASSETS:
        row = next(line for line in lines if line.startswith(asset.name + " "))
        for term in (asset.licence.code, asset.licence.weights, asset.licence.training_data):
            assert term[:20] in row  # long ones go on in the next line


def test_list_json_says_everything():
    rows = json.loads(run("list", "--json").output)
    assert sorted(row["name"] for row in rows) == sorted(asset.name for asset in ASSETS)
    pose = next(row for row in rows if row["name"] == "pose_landmark_full")
    assert pose["sha256"] == "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f"
    assert pose["skeleton"] == "blazepose33"
    assert pose["input_hwc"] == [256, 256, 3]
    assert pose["path"] is None
    assert pose["licence"].keys() == {"code", "weights", "training_data", "commercial"}
    assert pose["places"] == [
        "mediapipe-0.10.21-cp312-cp312-manylinux_2_28_x86_64.whl:"
        "mediapipe/modules/pose_landmark/pose_landmark_full.tflite"
    ]
    rtmo = next(row for row in rows if row["name"] == "rtmo-s")
    assert rtmo["settings"] == {"input_hw": [640, 640]}
    assert rtmo["places"][0].endswith(".zip#end2end.onnx")


def test_pull_offline_names_file_hash_and_command():
    error = fails("pull", "hand_recrop")
    assert error.exit_code == 3
    assert f"hand_recrop.tflite (sha256 {BLAZE[2].sha256})" in str(error)
    assert "`holopose models pull`" in str(error)
    assert "`holopose models pull --all`" in str(fails("pull", "bus.jpg"))


def test_path_of_a_file_that_is_not_here():
    error = fails("path", "hand_recrop")
    assert error.exit_code == 3
    assert "`holopose models pull hand_recrop`" in str(error)


@pytest.mark.parametrize("command", ["pull", "path"])
def test_unknown_names_are_answered_with_the_nearest(command):
    error = fails(command, "hand_recorp")
    assert error.exit_code == 2
    assert "'hand_recrop'" in str(error)


def test_import_says_what_it_is_not(tmp_path):
    (tmp_path / "a.tflite").write_bytes(b"TFL3")
    assert fails("import", str(tmp_path / "a.tflite")).exit_code == 3
    assert fails("import", str(tmp_path / "absent.whl")).exit_code == 2


def test_verify_misses_the_models_of_an_empty_cache(home):
    result = run("verify")
    assert isinstance(result.exception, HoloposeError)
    assert result.exception.exit_code == 3
    assert result.output.count("missing") == len(DEFAULTS)
    assert "bus.jpg" not in str(result.exception)
    assert not home.exists()


def test_a_published_network_by_hand(home, shared, tmp_path):
    """Carried here, checked against its card, listed, altered, removed."""
    carried = shutil.copy(shared / "data" / "models" / "yolox_nano.onnx", tmp_path / "under another name")
    assert run("import", str(carried)).output.startswith("yolox-nano.onnx: imported from")
    path = run("path", "yolox-nano").output.strip()
    assert path == str(home / "models" / "yolox-nano.onnx")
    assert "yolox-nano" in run("list", "--installed").output
    result = run("verify")
    assert re.search(rf"ok +e8af0749[0-9a-f]{{56}} +{re.escape(path)}", result.output)
    Path(path).write_bytes(b"altered")
    assert f"{path} is altered" in str(fails("verify"))
    assert run("remove", "yolox-nano").output == "yolox-nano: removed yolox-nano.onnx\n"
    assert run("remove", "yolox-nano").output == "yolox-nano: was not in the cache\n"


def test_a_file_without_a_published_hash_by_hand(home, tmp_path):
    (tmp_path / "yolo11n.onnx").write_bytes(b"\x08my own export")
    assert run("import", str(tmp_path / "yolo11n.onnx")).exit_code == 0
    assert run("path", "yolo11n").exit_code == 0
    assert "is altered" not in str(run("verify").exception)
    (tmp_path / "export.onnx").write_bytes(b"\x08another export")
    assert "--as" in str(fails("import", str(tmp_path / "export.onnx")))
    assert "what first came" in str(fails("import", str(tmp_path / "export.onnx"), "--as", "yolo11n"))
    assert run("remove", "yolo11n").exit_code == 0
    assert run("import", str(tmp_path / "export.onnx"), "--as", "yolo11n").exit_code == 0
    assert fails("import", "a", "b", "--as", "yolo11n").exit_code == 2


def test_ones_own_weights(home, shared):
    """Added, listed, found by name, checked, removed."""
    weights = shared / "data" / "models" / "yolox_nano.onnx"
    result = run("add", "mine", "--from", str(weights), "--like", "yolox-nano", "--set", "min_score=0.5")
    assert result.exit_code == 0, result.output
    assert "opens (1 in, 1 out) and answers a made-up picture; run it with --detector mine" in result.output
    [row] = json.loads(run("list", "mine", "--json").output)
    assert (row["name"], row["settings"]["min_score"], row["licence"]["weights"]) == ("mine", 0.5, "yours")
    assert row["path"] == run("path", "mine").output.strip() == run("pull", "mine").output.strip()
    assert "mine.onnx" in run("verify").output
    (home / "models" / "added" / "mine" / "mine.onnx").write_bytes(b"altered")
    assert "mine.onnx is altered" in str(fails("verify"))
    assert fails("add", "yolox-nano", "--from", str(weights), "--like", "yolox-nano").exit_code == 2
    converted = [converted_path(name) for name in ("mine", "yolo11n")]
    for path in converted:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"made of it")
    assert run("remove", "mine").output == "mine: removed\n"
    assert run("remove", "yolo11n").output == "yolo11n: removed its ONNX form\n"
    assert not any(path.parent.exists() for path in converted), "what was made of it is gone too"
    assert "'mine'" in str(fails("path", "mine"))


def test_table_is_markdown(tmp_path):
    assert "| `rtmo-s` |" in run("table").output
    page = tmp_path / "models.md"
    page.write_text(f"# Models\n\n{MARKER}\n")
    assert run("table", "--update", str(page)).exit_code == 0
    assert "| `rtmo-s` |" in page.read_text()


@pytest.mark.weights
def test_with_the_real_files(weights, tmp_path):
    assert run("verify").exit_code == 0
    assert run("pull").output.splitlines() == [str(weights / card.filename) for card in BLAZE]
    assert run("path", "face_landmark").output.strip() == str(weights / "face_landmark.tflite")
    assert len(run("path", "blaze").output.splitlines()) == len(BLAZE)

    assert run("pull", "hand_recrop", "--to", str(tmp_path / "carry")).exit_code == 0
    assert [path.name for path in (tmp_path / "carry").iterdir()] == ["hand_recrop.tflite"]

    altered = weights / "hand_recrop.tflite"
    altered.write_bytes(altered.read_bytes()[:-1])
    assert str(fails("verify")).startswith(f"{altered} is altered")
    assert altered.exists()
    result = run("import", str(tmp_path / "carry" / "hand_recrop.tflite"), str(tmp_path / "absent"))
    assert result.output.startswith("hand_recrop.tflite: imported from")
    assert isinstance(result.exception, HoloposeError)
    assert run("verify").exit_code == 0
