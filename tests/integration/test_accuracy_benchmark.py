"""The evaluation behind the accuracy figures gives what the dataset authors' own code gives."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

pytest.importorskip("faster_coco_eval")

from holopose.skeletons import COCO17, WHOLEBODY133, Skeleton
from holopose.types import Boxes, Frame, Poses

Script = Callable[[str], ModuleType]


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def labelled_poses(truth: dict[str, Any], image_id: int, *, score: float = 0.9) -> Poses:
    """The labelled people of a picture as if an estimator had found exactly them; unlabelled points are missing."""
    fields = ("keypoints", "foot_kpts", "face_kpts", "lefthand_kpts", "righthand_kpts")
    people = [p for p in truth["annotations"] if p["image_id"] == image_id and p["num_keypoints"]]
    points = np.array([np.reshape([v for f in fields for v in p[f]], (-1, 3)) for p in people], np.float32)
    xy, seen = points[..., :2].copy(), points[..., 2] > 0
    xy[~seen] = np.nan
    xywh = np.array([p["bbox"] for p in people])
    boxes = Boxes(np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1), np.full(len(people), score))
    return Poses(xy, seen.astype(np.float32), boxes, WHOLEBODY133)


class Answering:
    """An estimator that knows its answers by the name of the picture."""

    skeleton: Skeleton = WHOLEBODY133

    def __init__(self, answers: dict[str, Poses]) -> None:
        self.answers = answers

    def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
        return [self.answers.get(Path(frame.name).name, Poses.empty(WHOLEBODY133)) for frame in frames]

    def reset(self) -> None:
        pass


@pytest.fixture
def truth(shared: Path) -> dict[str, Any]:
    return read(shared / "data/coco_wholebody/annotations.json")


def test_known_figures_of_mediapipe(benchmark_script: Script, shared: Path) -> None:
    stats = benchmark_script("accuracy").mediapipe_stats(shared)
    ap = {part: round(figures["AP"], 3) for part, figures in stats.items()}
    assert ap == {"body": 0.134, "foot": 0.045, "face": 0.430, "hand": 0.0, "whole": 0.038}


def test_truth_itself_is_perfect_and_nobody_is_nothing(benchmark_script: Script, truth: dict[str, Any]) -> None:
    evaluation = benchmark_script("coco_wholebody")
    exact = {image["id"]: labelled_poses(truth, image["id"]) for image in truth["images"]}
    for part, stats in evaluation.evaluate_parts(truth, exact).items():
        assert stats["AP"] == pytest.approx(1), part
        assert stats["AR"] == pytest.approx(1), part
    assert all(stats["AP"] == 0 for stats in evaluation.evaluate_parts(truth, {}).values())


def test_a_part_that_nobody_has_leaves_the_others_alone(benchmark_script: Script, truth: dict[str, Any]) -> None:
    evaluation = benchmark_script("coco_wholebody")
    people = {}
    for image in truth["images"]:
        poses = labelled_poses(truth, image["id"])
        xy, score = np.array(poses.xy), np.array(poses.score)
        hands = [*WHOLEBODY133.parts["left_hand"], *WHOLEBODY133.parts["right_hand"]]
        xy[:, hands], score[:, hands] = np.nan, 0
        people[image["id"]] = poses.replace(xy=xy, score=score)
    stats = evaluation.evaluate_parts(truth, people)
    assert stats["hand"]["AP"] == 0
    assert stats["body"]["AP"] == pytest.approx(1)
    assert stats["whole"]["AP"] < 1


def test_other_layouts_are_converted(benchmark_script: Script, truth: dict[str, Any]) -> None:
    evaluation = benchmark_script("coco_wholebody")
    people = {
        image["id"]: labelled_poses(truth, image["id"]).part("body").replace(skeleton=COCO17)
        for image in truth["images"]
    }
    stats = evaluation.evaluate_parts(truth, people)
    assert stats["body"]["AP"] == pytest.approx(1)
    assert stats["face"]["AP"] == 0


def test_similarity_to_truth(benchmark_script: Script, truth: dict[str, Any]) -> None:
    evaluation = benchmark_script("coco_wholebody")
    person = next(p for p in truth["annotations"] if p["num_keypoints"] == 17)
    poses = labelled_poses(truth, person["image_id"])
    own = [p["id"] for p in truth["annotations"] if p["image_id"] == person["image_id"] and p["num_keypoints"]]
    similarity = evaluation.oks_to_truth(poses, person)
    assert similarity[own.index(person["id"])] == pytest.approx(1)
    sigma = np.asarray(COCO17.sigmas, np.float64)
    shifted = poses.replace(xy=poses.xy + np.float32([20, 0]))
    expected = np.exp(-(20**2) / (2 * (2 * sigma) ** 2 * person["area"])).mean()
    assert evaluation.oks_to_truth(shifted, person)[own.index(person["id"])] == pytest.approx(expected, rel=1e-4)
    assert len(evaluation.oks_to_truth(Poses.empty(WHOLEBODY133), person)) == 0


def test_bars_with_truth_as_the_answer(
    benchmark_script: Script, shared: Path, truth: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    accuracy = benchmark_script("accuracy")
    frames = {image["file_name"]: image for image in truth["images"]}
    estimator = Answering({name: labelled_poses(truth, image["id"]) for name, image in frames.items()})
    verdicts = accuracy.judge_truth(estimator, shared)
    assert [verdict.met for verdict in verdicts] == [True, True, True]
    shown = capsys.readouterr().out
    assert "nothing to check by" in shown  # a labelled person without keypoints is listed, not counted
    nobody = accuracy.judge_truth(Answering({}), shared)
    assert [verdict.met for verdict in nobody] == [False, False, False]
    assert nobody[2].came == "12 missed"


def test_invented_people_are_counted(
    benchmark_script: Script, shared: Path, truth: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    accuracy = benchmark_script("accuracy")
    ghost = labelled_poses(truth, truth["images"][0]["id"])[:1]
    cat = accuracy.images_in(shared / "data/no_people")[0].name
    real, made_up = accuracy.judge_nobody(Answering({cat: ghost}), shared)
    assert (real.met, made_up.met) == (False, True)
    assert real.came.startswith("1 people in 5")
    assert cat in capsys.readouterr().out


def test_made_up_pictures_are_the_same_every_time(benchmark_script: Script) -> None:
    pictures = benchmark_script("pictures")
    first, second = (list(pictures.empty_frames(((64, 48), (100, 30)), seeds=2)) for _ in range(2))
    assert [frame.size_wh for frame in first] == [(64, 48)] * (len(first) // 2) + [(100, 30)] * (len(first) // 2)
    assert all(a.allclose(b, atol=0) for a, b in zip(first, second, strict=True))
    assert len({frame.name for frame in first}) == len(first)
