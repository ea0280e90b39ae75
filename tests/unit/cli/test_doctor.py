from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from holopose.cli import doctor as module
from holopose.zoo import cache, catalog

Run = Callable[..., tuple[int, str, str]]
REAL_HOME = os.environ.get("HOLOPOSE_HOME")


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache and no other HOLOPOSE_ variable."""
    for name in [name for name in os.environ if name.startswith("HOLOPOSE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOLOPOSE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def models(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache, filled with the real files."""
    with monkeypatch.context() as real:
        real.delenv("HOLOPOSE_HOME") if REAL_HOME is None else real.setenv("HOLOPOSE_HOME", REAL_HOME)
        paths = [cache.find(card) for card in catalog.BLAZE]
    (home / "models").mkdir(parents=True)
    for path in paths:
        if path is None:
            pytest.skip("run `holopose models pull` first")
        shutil.copy(path, home / "models" / path.name)
    return home / "models"


def report(holopose: Run, code: int) -> dict[str, Any]:
    ended, stdout, stderr = holopose("doctor", "--json")
    assert (ended, stderr) == (code, "")
    found: dict[str, Any] = json.loads(stdout)
    return found


@pytest.mark.weights
def test_a_machine_in_order_is_all_fine(holopose: Run, models: Path) -> None:
    found = report(holopose, 0)
    assert found["problems"] == []
    assert found["holopose"] == metadata.version("holopose")
    assert found["python"]["executable"] == sys.executable
    assert found["packages"]["numpy"] == metadata.version("numpy")
    runtime = found["runtimes"][0]
    assert (runtime["name"], runtime["telemetry"]) == ("openvino", "blocked")
    assert "CPU" in runtime["devices"]
    assert runtime["runs"]["CPU f32"] == "CPU, f32"
    [run] = found["runs"]
    assert (run["model"], run["device"], run["precision"], run["check"]) == ("blaze", "CPU", "f32", "ok")
    assert [one["status"] for one in found["models"]] == ["ok"] * len(catalog.BLAZE)
    assert found["cache"] == {"folder": str(models.parent), "writable": True}
    code, stdout, _ = holopose("doctor")
    assert code == 0
    assert stdout.rstrip().endswith("all fine")


@pytest.mark.weights
def test_an_altered_and_a_missing_file_are_named_with_what_to_do(holopose: Run, models: Path) -> None:
    with (models / "face_landmark.tflite").open("r+b") as file:
        file.truncate(1000)
    (models / "hand_recrop.tflite").unlink()
    found = report(holopose, 1)
    status = {one["name"]: one["status"] for one in found["models"]}
    assert (status["face_landmark"], status["hand_recrop"], status["pose_detection"]) == ("altered", "missing", "ok")
    altered, missing = found["problems"]
    assert "face_landmark.tflite" in altered["what"]
    assert "hand_recrop.tflite" in missing["what"]
    assert missing["mend"] == "holopose models pull blaze"
    code, stdout, _ = holopose("doctor")
    assert code == 1
    assert stdout.count("needs mending: ") == 2
    assert "2 to mend" in stdout


def test_what_nobody_offers_for_download_is_mended_otherwise(holopose: Run, home: Path, tmp_path: Path) -> None:
    """One's own weights are added again; a file that one has to bring is imported again."""
    samples = pytest.importorskip("onnx_samples", reason="the onnx package makes the networks of this test")
    samples.answering(tmp_path / "a.onnx", {"rows": (84, 8400)})
    commands = [["add", "mine", "--from", tmp_path / "a.onnx", "--like", "yolo11n"]]
    commands += [["import", tmp_path / "a.onnx", "--as", "yolo11n"]]
    for command in commands:
        assert holopose("models", *command)[0] == 0
    for path in (home / "models" / "added" / "mine" / "mine.onnx", home / "models" / "yolo11n.onnx"):
        path.write_bytes(b"altered")
    found = {one["what"]: one["mend"] for one in report(holopose, 1)["problems"] if "altered" in one["what"]}
    assert len(found) == 2
    [own] = [mend for what, mend in found.items() if "model mine" in what]
    assert own == "holopose models remove mine, then: holopose models add mine --from FILE --like MODEL"
    [brought] = [mend for what, mend in found.items() if "model yolo11n" in what]
    assert brought == "delete it, then: holopose models import FILE --as yolo11n"


def test_an_empty_cache_names_every_file_once(holopose: Run, home: Path) -> None:
    found = report(holopose, 1)
    [problem] = found["problems"]
    assert all(card.filename in problem["what"] for card in catalog.BLAZE)
    assert found["runs"] == []
    assert not home.exists()


def test_variables_and_offline_are_shown(holopose: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert report(holopose, 1)["offline"] is False
    monkeypatch.setenv("HOLOPOSE_OFFLINE", "1")
    found = report(holopose, 1)
    assert found["offline"] is True
    assert found["environment"]["HOLOPOSE_OFFLINE"] == "1"
    assert "HOLOPOSE_OFFLINE=1" in holopose("doctor")[1]


def test_a_cache_that_cannot_be_written_is_a_problem(
    holopose: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("HOLOPOSE_HOME", str(tmp_path / "file"))
    found = report(holopose, 1)
    assert found["cache"]["writable"] is False
    assert any("cannot be written" in one["what"] and "HOLOPOSE_HOME" in one["mend"] for one in found["problems"])


def test_clashing_opencv_wheels_are_a_problem(holopose: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    real = module.metadata.version
    others = {"opencv-python": "4.12.0", "opencv-contrib-python": "4.11.0"}
    monkeypatch.setattr(module.metadata, "version", lambda name: others.get(name) or real(name))
    found = report(holopose, 1)
    assert set(found["opencv_wheels"]) == {*others, "opencv-python-headless"}
    problem = next(one for one in found["problems"] if "overwrite each other" in one["what"])
    assert all(name in problem["mend"] for name in others)
    assert problem["mend"].endswith("install opencv-python-headless")


def test_clashing_builds_of_onnxruntime_are_a_problem(holopose: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    real = module.metadata.version
    others = {"onnxruntime": "1.31.1", "onnxruntime-gpu": "1.30.0"}
    monkeypatch.setattr(module.metadata, "version", lambda name: others.get(name) or real(name))
    found = report(holopose, 1)
    assert found["onnxruntime_wheels"] == others
    [mend] = [one["mend"] for one in found["problems"] if "builds of ONNX Runtime" in one["what"]]
    assert mend == ('python -m pip uninstall -y onnxruntime onnxruntime-gpu && python -m pip install "holopose[cuda]"')


def test_other_models_need_not_be_here_but_must_be_whole(holopose: Run, home: Path, shared: Path) -> None:
    (home / "models").mkdir(parents=True)
    path = home / "models" / "yolox-nano.onnx"
    shutil.copy(shared / "data" / "models" / "yolox_nano.onnx", path)
    found = report(holopose, 1)
    assert [one["what"].split(" lacks")[0] for one in found["problems"]] == ["model blaze"]
    [run] = found["runs"]
    assert (run["model"], run["runtime"], run["device"], run["check"]) == ("yolox-nano", "OpenVINO", "CPU", "ok")
    assert "yolox-nano" in holopose("doctor")[1]
    with path.open("r+b") as file:
        file.truncate(100_000)
    found = report(holopose, 1)
    assert found["runs"] == [] or "does not run" in found["runs"][0]["check"]
    assert any("yolox-nano" in one["what"] for one in found["problems"])


def test_runtimes_of_extras_are_optional(holopose: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    real = module.metadata.version

    def version(name: str) -> str:
        if name.startswith(("onnxruntime", "torch")):
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(module.metadata, "version", version)
    found = report(holopose, 1)
    versions = {one["name"]: one["version"] for one in found["runtimes"]}
    assert versions["onnxruntime"] is None
    assert versions["torch"] is None
    assert not any("onnxruntime" in one["what"] or "torch" in one["what"] for one in found["problems"])
    shown = holopose("doctor")[1]
    assert 'not installed (optional): python -m pip install "holopose[torch]"' in shown


def test_a_missing_dependency_is_a_problem_and_a_missing_extra_is_not(
    holopose: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = module.metadata.version

    def version(name: str) -> str:
        if name in ("scipy", "pi-heif"):
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(module.metadata, "version", version)
    found = report(holopose, 1)
    assert found["packages"]["scipy"] is None
    assert found["packages"]["pi-heif"] is None
    assert "pi-heif" in found["extras"]["heic"]
    assert "pytest" not in found["packages"]
    assert 'python -m pip install "holopose[heic]"' in holopose("doctor")[1]
    wrong = [one["what"] for one in found["problems"]]
    assert "scipy is not installed" in wrong
    assert not any("pi-heif" in one for one in wrong)
