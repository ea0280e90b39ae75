"""The side-by-side measurement takes turns, takes medians and tells MediaPipe's process apart from its libraries."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

from holopose.types import Frame

Script = Callable[[str], ModuleType]

MEDIAPIPE_STAND_IN = '''
"""Stands for mediapipe: it prints as that does, and finds somebody in bright pictures."""
from types import SimpleNamespace
__version__ = "0.0"
class Holistic:
    def __init__(self, static_image_mode, model_complexity):
        print("a library that writes to the standard output")
        assert static_image_mode and model_complexity == 1
    def __enter__(self):
        return self
    def __exit__(self, *error):
        pass
    def process(self, image):
        return SimpleNamespace(pose_landmarks=[] if image.mean() > 100 else None)
solutions = SimpleNamespace(holistic=SimpleNamespace(Holistic=Holistic))
'''


def frames(*names: str) -> list[Frame]:
    return [Frame(np.zeros((2, 2, 3), np.uint8), name=name) for name in names]


def test_systems_take_turns_and_the_median_counts(benchmark_script: Script) -> None:
    speed = benchmark_script("speed_still")
    calls: list[tuple[str, str]] = []
    waits = {"A": iter([99.0, 1.0, 5.0, 3.0]), "B": iter([99.0, 20.0, 30.0, 10.0])}

    def run(name: str) -> Callable[[Frame], tuple[float, int]]:
        def one(frame: Frame) -> tuple[float, int]:
            calls.append((frame.name, name))
            return next(waits[name]), 2

        return one

    rows = speed.measure(frames("x.jpg"), {"A": run("A"), "B": run("B")}, rounds=3)
    assert rows == {"x.jpg": {"A": (3.0, 2), "B": (20.0, 2)}}  # without the first round
    assert [name for _, name in calls] == ["B", "A", "A", "B", "B", "A", "A", "B"]


def test_every_picture_is_seen_by_all_before_the_next(benchmark_script: Script) -> None:
    speed = benchmark_script("speed_still")
    seen: list[str] = []
    runs = {name: lambda frame: (seen.append(frame.name) or 1.0, 0) for name in ("A", "B", "C")}
    speed.measure(frames("1", "2"), runs, rounds=1)
    assert seen == ["1", "1", "1", "2", "2", "2"] * 2


def test_ratios_are_of_mean_times(benchmark_script: Script, capsys: pytest.CaptureFixture[str]) -> None:
    speed = benchmark_script("speed_still")
    rows = {
        "a.jpg": {"MediaPipe": (10.0, 1), "whole": (4.0, 1), "all people": (10.0, 3)},
        "b.jpg": {"MediaPipe": (30.0, 0), "whole": (16.0, 0), "all people": (50.0, 0)},
    }
    assert speed.show(rows) == {"whole": 0.5, "all people": 1.5}
    assert "single pictures 0.40 to 0.53" in capsys.readouterr().out


def test_the_child_process(benchmark_script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speed = benchmark_script("speed_still")
    (tmp_path / "mediapipe.py").write_text(MEDIAPIPE_STAND_IN, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    bright, dark = tmp_path / "bright.png", tmp_path / "dark.png"
    cv2.imwrite(str(bright), np.full((8, 8, 3), 200, np.uint8))
    cv2.imwrite(str(dark), np.zeros((8, 8, 3), np.uint8))
    with speed.MediaPipe(sys.executable) as rival:
        assert rival.info["version"] == "0.0"
        assert rival.load(bright)
        assert rival.load(dark)
        assert not rival.load(tmp_path / "missing.png")
        [first, second] = [rival.run(frame) for frame in frames(str(bright), str(dark))]
    assert (first[1], second[1]) == (1, 0)
    assert first[0] >= 0
    with pytest.raises(SystemExit, match="ended with"):
        speed.MediaPipe(_python_without_mediapipe(tmp_path, monkeypatch))


def _python_without_mediapipe(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (folder / "mediapipe.py").write_text("raise ImportError('no mediapipe here')", encoding="utf-8")
    return sys.executable
