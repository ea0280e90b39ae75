"""`holopose render` says what it drew, or in one line why not; it loads no model."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from holopose.io.results import UNKNOWN_RUN
from holopose.io.sinks.json_file import JsonSink
from holopose.skeletons import COCO17
from holopose.types import FrameInfo, Poses

S: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "clip_samples.py"))
Run = Any


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return S["write_clip"](tmp_path / "walk.mp4", 6, sound=S["tone"](0.24))


@pytest.fixture
def results(tmp_path: Path) -> Path:
    sink = JsonSink(tmp_path / "walk.json", UNKNOWN_RUN)
    for index in range(6):
        sink.write(FrameInfo(index, index / 25, "walk.mp4", (64, 48)), Poses.empty(COCO17))
    sink.close(ok=True)
    return tmp_path / "walk.json"


def test_a_clip(holopose: Run, results: Path, clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "o.mp4"
    code, stdout, stderr = holopose("render", results, clip, "-o", out, "--background", "black", "--no-draw-boxes")
    assert (code, stderr) == (0, "")
    assert stdout.startswith(f"{out}: 6 frames, h264, sound copied, ")
    code, stdout, _ = holopose("render", results, clip, "-o", tmp_path / "o.webm", "--no-audio", "--encoder", "av1")
    assert (code, stdout.split(", ")[:2]) == (0, [f"{tmp_path / 'o.webm'}: 6 frames", "av1"])
    assert "sound" not in stdout
    code, stdout, _ = holopose("render", results, clip, "-o", tmp_path / "out", "--overlay-format", "jpg")
    assert (code, stdout.split(", ")[0]) == (0, f"{tmp_path / 'out'}: 6 pictures")
    assert len(list((tmp_path / "out").glob("walk_*.overlay.jpg"))) == 6


def test_no_model_and_no_runtime_is_loaded(results: Path, clip: Path, tmp_path: Path) -> None:
    code = "import sys; from holopose.build.render import render_file; from holopose.config import RunConfig;"
    code += "render_file(*sys.argv[1:], RunConfig()); print(*sys.modules)"
    arguments = [str(results), str(clip), str(tmp_path / "o.mp4")]
    ran = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert "holopose.draw.painter" in loaded
    assert loaded.isdisjoint({"openvino", "holopose.zoo.load", "holopose.runtimes.openvino"})


def test_options_from_a_file(holopose: Run, results: Path, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text('encoder = "vp9"\noverwrite = true\n', encoding="utf-8")
    (tmp_path / "o.webm").touch()
    code, stdout, _ = holopose("render", results, clip, "-o", tmp_path / "o.webm", "--config", tmp_path / "r.toml")
    assert code == 0
    assert ", vp9, sound encoded anew, " in stdout


@pytest.mark.parametrize(
    ("arguments", "outcome"),
    [
        (["--background", "blue"], (2, "background: expected one of picture, black, white, transparent, got 'blue'")),
        (["--search", "whole"], (2, "No such option: --search")),
        (["--background", "transparent"], (5, "a video has no transparency; choose background black or white")),
        (["--config", "none.toml"], (2, "none.toml: expected a readable TOML file")),
    ],
)
def test_wrong_use(holopose: Run, results: Path, clip: Path, arguments: list[str], outcome: tuple[int, str]) -> None:
    out = clip.with_name("o.mp4")
    code, stdout, stderr = holopose("render", results, clip, "-o", out, *arguments)
    assert (code, stdout) == (outcome[0], "")
    assert outcome[1] in stderr
    assert not out.exists()


def test_it_wants_all_three(holopose: Run, results: Path, clip: Path) -> None:
    assert holopose("render", results, clip)[0] == 2
    assert holopose("render", results, "-o", "o.mp4")[0] == 2
