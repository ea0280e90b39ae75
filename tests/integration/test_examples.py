"""The examples run as a reader would run them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import cv2
import pytest

from holopose.io.results import read_results
from holopose.zoo.cache import find
from holopose.zoo.catalog import BLAZE, PICTURES

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


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A camera that moves over the demo picture: a second, two people."""
    path = tmp_path_factory.mktemp("clip") / "walk.mp4"
    found = find(next(asset for asset in PICTURES if asset.name == "bus.jpg"))
    picture = cv2.imread(str(found))
    assert picture is not None
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=15, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 800, 1000, "yuv420p"
        for number in range(15):
            frame = av.VideoFrame.from_ndarray(picture[2 * number : 2 * number + 1000, :800].copy(), format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, 15)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def test_names_coordinates_and_scores_of_everybody(bus: str) -> None:
    printed = run("01_estimate_picture.py", bus)
    assert printed.count("left_wrist") == printed.count("\nperson ") >= 3
    assert "face: " in printed


def test_skeletons_without_the_picture(bus: str, tmp_path: Path) -> None:
    target = tmp_path / "skeletons.png"
    run("02_skeletons_only.py", bus, str(target))
    drawn = cv2.imread(str(target), cv2.IMREAD_UNCHANGED)
    assert drawn.shape[2] == 4
    assert 0.002 < (drawn[:, :, 3] > 0).mean() < 0.5


def test_who_is_seen_when_in_a_clip(clip: Path) -> None:
    printed = run("03_clip.py", str(clip))
    people = re.findall(r"^person (\d+): (\d+) frames from [\d.]+ s to ([\d.]+) s, right wrist", printed, re.MULTILINE)
    assert [int(number) for number, _, _ in people] == list(range(1, len(people) + 1))
    assert sum(int(frames) == 15 and float(last_s) == 0.93 for _, frames, last_s in people) >= 2


def test_a_folder_is_worked_through_once(clip: Path, bus: str, tmp_path: Path) -> None:
    folder = tmp_path / "in" / "day1"
    folder.mkdir(parents=True)
    shutil.copy(bus, folder)
    shutil.copy(clip, folder)
    (folder / "broken.jpg").write_bytes(b"no picture")
    first, second = (run("04_batch.py", str(tmp_path / "in"), str(tmp_path / "out")) for _ in range(2))
    assert first.count("took ") == second.count("complete already") == 2
    assert first.count("failed: ") == second.count("failed: ") == 1
    assert re.search(r"walk\.mp4: 15 frames, at most [2-9] people", first)
    assert (tmp_path / "out" / "in" / "day1" / "walk.json").is_file()


def test_stored_motion_is_smoothed_later(clip: Path, tmp_path: Path) -> None:
    options = ["--smooth", "none", "--save", "json", "-o", str(tmp_path)]
    command = [sys.executable, "-c", "from holopose.cli import main; main()", "run", str(clip), *options]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    printed = run("05_smooth_later.py", str(tmp_path / "walk.json"), str(tmp_path / "smoothed.json"))
    jitter_px = re.findall(r"jitter ([\d.]+) px before, ([\d.]+) px after", printed)
    assert len(jitter_px) >= 2
    assert all(float(after) < float(before) for before, after in jitter_px)
    before, after = read_results(tmp_path / "walk.json"), read_results(tmp_path / "smoothed.json")
    assert after.info.options["smooth"] == "butterworth"
    raw_xy = after.frames[7][1].raw_xy
    assert raw_xy is not None
    assert raw_xy == pytest.approx(before.frames[7][1].xy, abs=0.01, nan_ok=True)
