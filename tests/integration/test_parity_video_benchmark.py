"""The parity of clips: figures and bars come out as they should for answers known beforehand."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from holopose.models.blaze.estimator import BlazeEstimator
from holopose.types import Frame

Script = Callable[[str], ModuleType]
S: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[1] / "clip_samples.py"))

MEDIAPIPE_STAND_IN = {
    "mediapipe/__init__.py": '__version__ = "0.0"',
    "mediapipe/python/__init__.py": "",
    "mediapipe/python/solutions/__init__.py": "from mediapipe.python.solutions import holistic",
    "mediapipe/python/solutions/holistic.py": '_BINARYPB_FILE_PATH = "a graph"',
    "mediapipe/python/solution_base.py": '''
"""Stands for mediapipe: its ROI tells the number of the frame, its landmarks the pixels; nobody in frame 1."""
from types import SimpleNamespace

class SolutionBase:
    def __init__(self, binary_graph_path, side_inputs, calculator_params, outputs):
        print("a library that writes to the standard output")
        assert binary_graph_path == "a graph" and side_inputs["model_complexity"] == 1
        assert side_inputs["use_prev_landmarks"] and all(value == 0.5 for value in calculator_params.values())
        self.outputs, self.count = outputs, 0
    def process(self, image):
        self.count += 1
        assert image.flags.writeable and image.shape == (288, 704, 3)
        roi = SimpleNamespace(x_center=self.count, y_center=0.5, width=0.25, height=0.25, rotation=0.0)
        point = SimpleNamespace(x=float(image[230, 660, 0]), y=float(image[0, 0, 0]))
        pose = None if self.count == 2 else SimpleNamespace(landmark=[point] * 33)
        return SimpleNamespace(**dict(zip(self.outputs, (pose, roi))))
    def close(self):
        pass
''',
}


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Three frames as RGB without loss, so that every decoder gives the same bytes."""
    images = [np.full((288, 704, 3), (90 + 20 * i, 7, 200), np.uint8) for i in range(3)]
    return S["write_clip"](tmp_path / "clip.mkv", images, codec="libx264rgb")


def test_the_child_tells_roi_landmarks_and_what_was_decoded(
    benchmark_script: Script, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parity = benchmark_script("parity_video")
    for name, text in MEDIAPIPE_STAND_IN.items():
        (tmp_path / "stand_in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "stand_in" / name).write_text(text, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "stand_in"))
    child = Path(parity.__file__).with_name("mediapipe_steps_child.py")
    with parity.MediaPipe(sys.executable, child) as rival:
        assert rival.info["version"] == "0.0"
        plain, disturbed = rival.ask({"clip": str(clip)})["frames"], rival.ask({"disturbed": str(clip)})["frames"]
    assert [one["roi"] for one in plain] == [[i, 0.5, 0.25, 0.25, 0.0] for i in (1, 2, 3)]
    assert [one["pose"] is None for one in plain] == [False, True, False]
    assert [one["pose"][0] for one in plain if one["pose"]] == [[90, 90], [130, 130]]
    assert [one["pose"][0] for one in disturbed if one["pose"]] == [[91, 90], [130, 130]]  # that patch, first frame
    assert [one["crc32"] for one in plain] == [one["crc32"] for one in disturbed]  # as decoded
    assert parity.count_same_pictures(clip, plain) == 3
    assert parity.count_same_pictures(clip, [{"crc32": 0}] * 3) == 0


def test_frames_come_with_mediapipes_clock(benchmark_script: Script, clip: Path) -> None:
    frames = list(benchmark_script("parity_video").decode(clip))
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert [frame.time_s for frame in frames] == pytest.approx([1 / 30, 2 / 30, 3 / 30])


def verdicts(parity: ModuleType, ours: np.ndarray, theirs: np.ndarray) -> list[bool]:
    return [verdict.met for verdict in parity.judge_free(ours, theirs)]


def test_bars_of_running_free(benchmark_script: Script) -> None:
    parity = benchmark_script("parity_video")
    theirs = np.random.default_rng(0).uniform(0, 700, (10, 33, 2))
    assert verdicts(parity, theirs, theirs) == [True, True]
    assert verdicts(parity, theirs + np.array([0.6, 0.8 - 1e-6]), theirs) == [True, True]
    assert verdicts(parity, theirs + np.array([0.6, 0.81]), theirs) == [False, True]
    one_off = theirs.copy()
    one_off[3] += 500
    assert verdicts(parity, one_off, theirs) == [True, True]
    lost = theirs.copy()
    lost[3] = np.nan
    assert verdicts(parity, lost, theirs) == [True, False]
    assert verdicts(parity, theirs, lost) == [True, False]  # somebody where MediaPipe found nobody
    assert verdicts(parity, lost, lost) == [True, True]
    assert verdicts(parity, np.full_like(theirs, np.nan), theirs) == [False, False]
    assert parity.describe(parity.distances(lost, theirs + np.array([3, 4]))) == "median 5.000 px, 95 % within 5.000 px"
    assert parity.describe(np.full((2, 33), np.nan)) == "no frame to compare"


def test_bars_of_going_step_by_step(benchmark_script: Script) -> None:
    parity = benchmark_script("parity_video")

    def judge(error_px: float, roi_error_px: list[float]) -> list[bool]:
        steps = parity.Steps(np.full((5, 33), error_px), np.tile(roi_error_px, (4, 1)))
        return [verdict.met for verdict in parity.judge_steps(steps)]

    assert judge(0.04, [0.04, -0.04, 0, 0]) == [True, True]
    assert judge(0.06, [0.04, -0.04, 0, 0]) == [False, True]
    assert judge(0.04, [0.04, -0.06, 0, 0]) == [True, False]


def test_step_by_step_looks_where_it_is_told(
    benchmark_script: Script, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parity = benchmark_script("parity_video")
    looked: list[list[float]] = []

    class Landmarker:
        def look(self, pyramid: object, roi: np.ndarray) -> Any:
            looked.append(roi.tolist())
            xy = np.zeros((39, 2))
            xy[34] = [0, -40]
            return SimpleNamespace(xy=xy + 7, roi=roi)

    class Steady:
        def __init__(self, *, landmarks: bool) -> None:
            assert landmarks

        def step(self, body: Any, time_s: float) -> Any:
            return SimpleNamespace(body_xy=body.xy[:33], next_roi=body.roi + np.array([1, 2, 3, 4, 0]))

    estimator = SimpleNamespace(landmarker=Landmarker(), view=lambda frame: frame)
    answers = [{"roi": [0.5, 0.25, 0.1, 0.2, i], "pose": [[0.01, 0.02]] * 33} for i in range(3)]
    monkeypatch.setattr(parity, "BodyFilter", Steady)
    steps = parity.follow_steps(estimator, clip, answers)
    assert looked == [pytest.approx([352, 72, 70.4, 57.6, i]) for i in range(3)]
    assert steps.error_px == pytest.approx(np.full((3, 33), np.hypot(7 - 7.04, 7 - 5.76)))
    assert steps.roi_error_px == pytest.approx(np.tile([1.0, 2, 3, 4], (2, 1)))


def test_the_reference_against_itself(benchmark_script: Script, shared: Path) -> None:
    parity = benchmark_script("parity_video")
    theirs = parity.stored_answers(shared)
    assert theirs.shape == (205, 33, 2)
    assert not np.isnan(theirs).any()
    assert verdicts(parity, theirs, theirs) == [True, True]
    entries = json.loads((shared / "reference/mediapipe_holistic_video.json").read_text(encoding="utf-8"))
    assert np.array_equal(theirs[200, 5], entries[200]["pose"][5][:2])


@pytest.mark.weights
def test_the_first_frames_are_the_same(
    benchmark_script: Script, shared: Path, loaded: Callable[..., BlazeEstimator], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before errors can grow: MediaPipe found the person by its detector in frame 0, and so does holopose."""
    parity = benchmark_script("parity_video")
    decode = parity.decode

    def first(clip: Path) -> list[Frame]:
        frames = decode(clip)
        return [next(frames) for _ in range(3)]

    monkeypatch.setattr(parity, "decode", first)
    estimator = loaded(search="whole", max_people=1, native=True)
    ours = parity.follow(estimator, shared / "data/video/video.avi")
    medians = np.median(parity.distances(ours, parity.stored_answers(shared)[:3]), axis=1)
    assert medians[0] < 0.05
    assert medians[2] < 2
