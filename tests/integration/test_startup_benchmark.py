"""The measurement of starting sees memory and failures, and makes the large picture it says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

Script = Callable[[str], ModuleType]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell the memory of a process that has ended")
def test_peak_memory_is_that_of_the_process(benchmark_script: Script) -> None:
    startup = benchmark_script("startup")
    small = startup.peak_mb([sys.executable, "-c", "pass"])
    large = startup.peak_mb([sys.executable, "-c", "x = bytearray(100_000_000); del x"])
    assert small < 60
    assert 90 < large - small < 120
    within = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {'x = bytearray(100_000_000)'!r}])"
    assert startup.peak_mb([sys.executable, "-c", within]) > small + 90
    with pytest.raises(SystemExit, match="ended with 3"):
        startup.peak_mb([sys.executable, "-c", "raise SystemExit(3)"])


def test_failures_are_told(benchmark_script: Script) -> None:
    startup = benchmark_script("startup")
    with pytest.raises(SystemExit, match="ended with 3"):
        startup.wall_s([sys.executable, "-c", "raise SystemExit(3)"], 2)


def test_mosaic(benchmark_script: Script, tmp_path: Path) -> None:
    startup = benchmark_script("startup")
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    shapes = [(10, 30), (30, 10), (7, 7)]
    for number, (colour, shape) in enumerate(zip(colours, shapes, strict=True)):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((*shape, 3), colour, np.uint8))
    target = tmp_path / "mosaic.png"
    tiles = [str(tmp_path / f"{number}.png") for number in range(3)]
    subprocess.run([sys.executable, "-c", startup.MAKE_PICTURE, str(target), "80", "60", "2", "2", *tiles], check=True)
    image = cv2.imread(str(target))
    assert image.shape == (60, 80, 3)
    assert [image[y, x].tolist() for y, x in ((5, 5), (5, 75), (55, 5), (55, 75))] == [
        list(colour) for colour in (*colours, colours[0])
    ]
