"""Results made to measure: whose, how many, in which layout; and following, where there is any."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from holopose.errors import ConfigError
from holopose.estimators import Hybrid, Shaped, TopDown
from holopose.skeletons import COCO17, HAND21, OPENPOSE18, WHOLEBODY133
from holopose.types import Boxes, Frame, Poses
from pose_parts import Body, FakeBottomUp, FakeDetector, FakeModel, World

PEOPLE = [Body(100, 50, score=0.4), Body(300, 50, score=0.9), Body(500, 50, score=0.7)]


def world() -> World:
    return World([list(PEOPLE)] * 4)


def top_down(given: World) -> TopDown:
    return TopDown(FakeDetector(given), FakeModel(given), info={"name": "two parts"}, batch=3)


def test_layout_limits_and_the_models_own() -> None:
    given = world()
    shaped = Shaped(top_down(given), layout=OPENPOSE18, max_people=2, min_score=0.1, native=True)
    [poses] = shaped.estimate([given.frame()])
    assert shaped.skeleton == poses.skeleton == OPENPOSE18
    np.testing.assert_allclose(poses.boxes.score, [0.81, 0.63], atol=1e-6)
    np.testing.assert_allclose(poses["neck"][:, 0], [300, 500], atol=1e-4)
    assert poses.native is not None
    assert poses.native.skeleton == COCO17
    assert (shaped.batch, dict(shaped.info)) == (3, {"name": "two parts"})
    assert [len(one) for one in Shaped(top_down(given), min_score=0.5).estimate([given.frame()])] == [2]
    assert Shaped(top_down(given)).estimate([given.frame()])[0].native is None


def test_what_cannot_be_made_is_refused() -> None:
    with pytest.raises(ConfigError, match="coco17, of which nothing becomes hand21"):
        Shaped(top_down(world()), layout=HAND21)


def test_following_is_handed_on_to_the_same_measure() -> None:
    given = world()
    shaped = Shaped(top_down(given), layout=WHOLEBODY133, max_people=2, native=True, info={"name": "mine"})
    followed = shaped.following(detect_every_s=10.0, smooth_body=False)
    found = [followed.estimate([given.frame(i, i / 25)])[0] for i in range(4)]
    detector = shaped.estimator.detector  # type: ignore[attr-defined]
    assert detector.looks == 1
    assert [len(poses) for poses in found] == [2] * 4
    assert {poses.skeleton.name for poses in found} == {"wholebody133"}
    assert all(poses.native is not None for poses in found)
    assert dict(followed.info) == {"name": "mine"}  # type: ignore[attr-defined]
    assert followed.batch == 1  # type: ignore[attr-defined]
    followed.reset()
    followed.estimate([given.frame(0, 0.0)])
    assert detector.looks == 2


def test_who_cannot_follow_says_so() -> None:
    given = world()
    for estimator in (Hybrid(top_down(given)), FakeBottomUp(given)):
        assert getattr(estimator, "following", None) is None
        assert getattr(Shaped(estimator), "following", None) is None


def test_reset_reaches_the_estimator() -> None:
    bottom_up = FakeBottomUp(world())
    shaped = Shaped(bottom_up)
    shaped.estimate([bottom_up.world.frame()])
    assert bottom_up.shown
    shaped.reset()
    assert not bottom_up.shown


def test_boxes_end_at_the_picture_and_keypoints_need_not() -> None:
    class Edge:
        skeleton = COCO17

        def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
            boxes = Boxes(np.array([[-20, 10, 70, 300], [5, 5, 30, 40]], np.float32), np.array([0.9, 0.8], np.float32))
            return [Poses(np.full((2, 17, 2), -7, np.float32), np.ones((2, 17)), boxes, COCO17) for _ in frames]

        def reset(self) -> None:
            pass

    [poses] = Shaped(Edge()).estimate([Frame(np.zeros((100, 60, 3), np.uint8))])
    assert poses.boxes.xyxy.tolist() == [[0, 10, 60, 100], [5, 5, 30, 40]]
    np.testing.assert_allclose(poses.boxes.score, [0.9, 0.8])
    assert (poses.xy == -7).all()
