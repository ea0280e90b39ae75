"""A detector and a keypoint model are an estimator: every box once, everybody once, best first."""

from __future__ import annotations

import numpy as np
import pytest

from holopose.errors import ConfigError
from holopose.estimators import TopDown, person_scores
from holopose.protocols import Estimator
from holopose.skeletons import COCO17, WHOLEBODY133
from holopose.types import Boxes, Poses
from pose_parts import Body, FakeDetector, FakeModel, World


def top_down(
    *frames: list[Body], extra: tuple[tuple[float, ...], ...] = (), **options: object
) -> tuple[TopDown, World]:
    world = World(list(frames))
    return TopDown(FakeDetector(world, extra), FakeModel(world), **options), world  # type: ignore[arg-type]


def test_everybody_best_first_in_every_frame() -> None:
    estimator, world = top_down([Body(100, 50, score=0.4), Body(400, 50, score=0.9)], [], [Body(300, 20)])
    assert isinstance(estimator, Estimator)
    found = estimator.estimate([world.frame(i) for i in range(3)])
    assert [len(poses) for poses in found] == [2, 0, 1]
    np.testing.assert_allclose(found[0].boxes.score, [0.81, 0.36], atol=1e-6)  # 0.9 of the detector times the keypoints
    np.testing.assert_allclose(found[0].xy[0], Body(400, 50).xy, atol=1e-4)
    np.testing.assert_allclose(found[0].boxes.xyxy[0], Body(400, 50).box, atol=1e-4)
    assert estimator.estimate([]) == []


def test_found_twice_is_one() -> None:
    box = Body(300, 50).box + np.array([4, -3, 5, 2])
    twice, world = top_down([Body(300, 50)], extra=((*box.tolist(), 0.95),))
    [poses] = twice.estimate([world.frame()])
    np.testing.assert_allclose(poses.boxes.xyxy, [box], atol=1e-4)
    every, world = top_down([Body(300, 50)], extra=((*box.tolist(), 0.95),), pose_nms="none")
    assert len(every.estimate([world.frame()])[0]) == 2
    assert len(every.look([world.frame()], [Boxes([box, box, box], [0.1, 0.2, 0.3])])[0]) == 3


@pytest.mark.parametrize("rule", ["oks", "parametric"])
def test_people_side_by_side_stay_two(rule: str) -> None:
    estimator, world = top_down([Body(300, 50), Body(360, 50)], pose_nms=rule)
    assert len(estimator.estimate([world.frame()])[0]) == 2


def test_scores_of_people() -> None:
    score = np.full((2, 17), 0.1)
    score[0, :4] = (0.2, 0.3, 0.5, 0.7)  # 0.2 does not count
    poses = Poses(np.zeros((2, 17, 2)), score, Boxes(np.zeros((2, 4)), [0.8, 0.6]), COCO17)
    np.testing.assert_allclose(person_scores(poses), [0.4, 0.0], atol=1e-6)
    np.testing.assert_allclose(person_scores(poses, "box"), [0.8, 0.6], atol=1e-6)
    assert person_scores(Poses.empty(WHOLEBODY133)).shape == (0,)


@pytest.mark.parametrize("option", ["score_rule", "pose_nms"])
def test_refuses_rules_it_does_not_know(option: str) -> None:
    with pytest.raises(ConfigError, match=f"{option}: expected .* got 'best'"):
        top_down([], **{option: "best"})
