"""The examples run as a reader would run them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from holopose.zoo.cache import find
from holopose.zoo.cards import BLAZE, PICTURES

EXAMPLES = Path(__file__).parents[2] / "examples"

pytestmark = [
    pytest.mark.weights,
    pytest.mark.skipif(
        any(find(asset) is None for asset in [*BLAZE, *PICTURES]),
        reason="model files or demo pictures are not here: holopose models pull --all",
    ),
]


def run(script: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / script), *arguments], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def bus() -> str:
    path = find(next(asset for asset in PICTURES if asset.name == "bus.jpg"))
    assert path is not None
    return str(path)


def test_names_coordinates_and_scores_of_everybody(bus: str) -> None:
    printed = run("01_estimate_picture.py", bus)
    assert printed.count("left_wrist") == printed.count("\nperson ") >= 3
    assert "face: " in printed


def test_skeletons_without_the_picture(bus: str, tmp_path: Path) -> None:
    target = tmp_path / "skeletons.png"
    run("02_skeletons_only.py", bus, str(target))
    import cv2

    drawn = cv2.imread(str(target), cv2.IMREAD_UNCHANGED)
    assert drawn.shape[2] == 4
    assert 0.002 < (drawn[:, :, 3] > 0).mean() < 0.5
