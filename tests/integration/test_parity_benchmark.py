"""The parity bars pass for the same answer and fail for another one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from holopose.skeletons import BLAZE543
from holopose.types import Poses

Script = Callable[[str], ModuleType]


def answer(seed: int, *, face: bool = True, left_hand: bool = True) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    points = {"pose": 33, "face": 468, "left_hand": 21, "right_hand": 21}
    entry: dict[str, Any] = {name: random.uniform(0, 300, (k, 4)).tolist() for name, k in points.items()}
    entry["pose"] = [[x, y, z, 0.9] for x, y, z, _ in entry["pose"]]
    return entry | ({} if face else {"face": None}) | ({} if left_hand else {"left_hand": None})


def moved(poses: Poses, part: str, by_px: float) -> Poses:
    xy = np.array(poses.xy)
    rows = list(range(33)) if part == "landmarks" else list(BLAZE543.parts[part])
    xy[:, rows, 0] += by_px
    return poses.replace(xy=xy)


@pytest.fixture
def bars(benchmark_script: Script) -> Callable[..., dict[str, bool]]:
    """Which bars are met when ten answers of MediaPipe are met by ones made from them."""
    parity, evaluation = benchmark_script("parity"), benchmark_script("coco_wholebody")

    def judge(change: Callable[[int, Poses], Poses], **answers: Any) -> dict[str, bool]:
        rows = {}
        for i in range(10):
            theirs = evaluation.mediapipe_poses(answer(i, **answers))
            rows[f"{i}.jpg"] = parity.compare(theirs, change(i, theirs))
        parity.show(rows)
        return {verdict.asked: verdict.met for verdict in parity.verdicts(rows)}

    return judge


def failed(met: dict[str, bool]) -> list[str]:
    return [asked.split(",")[0].split(" found")[0] for asked, ok in met.items() if not ok]


def test_the_same_answer_meets_every_bar(bars: Callable[..., dict[str, bool]]) -> None:
    met = bars(lambda i, poses: poses)
    assert len(met) == 9
    assert failed(met) == []


@pytest.mark.parametrize(
    ("part", "by_px", "misses"),
    [
        ("landmarks", 0.4, []),
        ("landmarks", 0.6, ["33 landmarks"]),
        ("landmarks", 3.1, ["33 landmarks", "33 landmarks"]),
        ("face", 1.4, []),
        ("face", 1.6, ["face"]),
        ("left_hand", 1.6, ["left_hand"]),
    ],
)
def test_a_shift_in_one_picture_is_seen(
    bars: Callable[..., dict[str, bool]], part: str, by_px: float, misses: list[str]
) -> None:
    assert failed(bars(lambda i, poses: moved(poses, part, by_px) if i == 4 else poses)) == misses


def test_one_landmark_far_off_is_seen(bars: Callable[..., dict[str, bool]]) -> None:
    def change(i: int, poses: Poses) -> Poses:
        xy = np.array(poses.xy)
        xy[0, 20] += 4
        return poses.replace(xy=xy)

    assert failed(bars(change)) == ["33 landmarks"]


def test_nobody_where_mediapipe_found_a_person_is_a_miss(bars: Callable[..., dict[str, bool]]) -> None:
    met = bars(lambda i, poses: Poses.empty(BLAZE543) if i == 3 else poses)
    assert failed(met) == ["33 landmarks", "33 landmarks"]  # 9 of 10 agree


def test_a_part_that_only_one_finds(bars: Callable[..., dict[str, bool]]) -> None:
    def without_face(poses: Poses) -> Poses:
        rows = list(BLAZE543.parts["face"])
        xy, score = np.array(poses.xy), np.array(poses.score)
        xy[:, rows], score[:, rows] = np.nan, 0
        return poses.replace(xy=xy, score=score)

    assert failed(bars(lambda i, poses: without_face(poses) if i < 1 else poses)) == []
    assert failed(bars(lambda i, poses: without_face(poses) if i < 2 else poses)) == ["face"]
    assert failed(bars(lambda i, poses: poses, face=False)) == ["face"]  # nothing to compare: no median


def test_replaying_the_reference_meets_every_bar(
    benchmark_script: Script, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parity, evaluation = benchmark_script("parity"), benchmark_script("coco_wholebody")
    text = (shared / "reference/mediapipe_holistic_images.json").read_text(encoding="utf-8")
    rows = {}
    for name, entry in json.loads(text).items():
        theirs = evaluation.mediapipe_poses(entry)
        assert len(theirs) == (entry["pose"] is not None)
        rows[name] = parity.compare(theirs, theirs)
    parity.show(rows)
    assert "0.00 / 0.00" in capsys.readouterr().out
    assert [verdict.came for verdict in parity.verdicts(rows) if not verdict.met] == []
