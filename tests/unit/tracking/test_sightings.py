"""What the tracker compares: joints of every layout, people without keypoints or box, doubles."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from holopose.skeletons import BLAZEPOSE33, COCO17, FACE68, HAND21, WHOLEBODY133, Skeleton
from holopose.skeletons.layouts import LAYOUTS
from holopose.tracking.sightings import Sightings, joints_of
from holopose.types import Boxes, FrameInfo, Poses

FRAME = FrameInfo(0, 0.0, "", (1280, 720))


def of(poses: Poses) -> Sightings:
    return Sightings.of(poses, FRAME, appearance=True)


@pytest.mark.parametrize("skeleton", LAYOUTS.values(), ids=lambda one: one.name)
def test_every_layout_can_be_compared(skeleton: Skeleton) -> None:
    joints = joints_of(skeleton)
    assert len(joints.sigmas) == len(joints.torso) == len(joints.used) + 1
    assert (joints.sigmas > 0).all()
    assert (joints.torso > 0).all()


def test_the_body_is_looked_at_and_the_torso_most() -> None:
    joints = joints_of(WHOLEBODY133)
    assert joints.used.tolist() == list(range(17))
    heaviest = [WHOLEBODY133.keypoints[i] for i in joints.used[joints.torso[:-1] == 1]]
    assert heaviest == ["left_shoulder", "right_shoulder", "left_hip", "right_hip"]
    assert joints_of(BLAZEPOSE33).corners is not None
    assert joints_of(HAND21).corners is None
    assert len(joints_of(FACE68).used) == 68


def test_missing_keypoints_weigh_nothing_and_are_finite(scenes: ModuleType) -> None:
    [moment, *_] = scenes.crossing(unknown=0.5)
    seen = of(moment.seen)
    missing = np.isnan(moment.seen.xy[..., 0])
    assert missing.any()
    assert np.isfinite(seen.points).all()
    assert not seen.weights[:, :-1][missing].any()
    assert seen.weights[:, :-1][~missing].min() > 0


def test_people_without_a_box_or_keypoints() -> None:
    """A box without area is that of the keypoints; with neither there is nothing to go by."""
    xy = np.full((3, 17, 2), np.nan, np.float32)
    xy[0, :4] = [[100, 100], [140, 100], [100, 300], [140, 300]]
    score = np.where(np.isnan(xy[..., 0]), 0, 0.9)
    boxes = Boxes([[0, 0, 0, 0], [7, 7, 7, 7], [10, 10, 50, 110]], [0.9, 0.9, 0.9])
    seen = of(Poses(xy, score, boxes, COCO17))
    assert seen.sizes_px.tolist() == [200, 0, 100]
    assert seen.boxes[0].tolist() == [100, 100, 140, 300]


def test_doubles_are_the_same_pose_or_the_same_box(scenes: ModuleType) -> None:
    walker = scenes.Person(scenes.line((300, 380), (0, 0))).pose(0.0)
    beside, shifted = walker + np.array([90, 0]), walker + np.array([8, -6])
    half = walker + 5.0
    half[13:] = half[11:13].mean(axis=0) + np.array([[-10, 40], [10, 40], [-10, 60], [10, 60]])  # legs made up
    seen = of(scenes.to_poses([walker, beside, shifted, half], [0.9] * 4))
    rows = np.arange(4)
    assert seen.doubles(rows[:1], rows).tolist() == [[True, False, True, True]]
    boxes = Boxes([[0, 0, 100, 300], [5, 5, 100, 300], [200, 0, 300, 300]], [0.9] * 3)
    nothing = Poses(np.full((3, 17, 2), np.nan), np.zeros((3, 17)), boxes, COCO17)
    assert of(nothing).doubles(rows[:1], rows[:3]).tolist() == [[True, True, False]]


def test_colours_only_of_people_who_stand_apart(scenes: ModuleType) -> None:
    still = [scenes.Person(scenes.line(at, (0, 0))) for at in ((200, 360), (700, 360), (730, 365))]
    scene = scenes.Scene(tuple(still), (0.0,))
    [moment] = scene
    seen = Sightings.of(moment.truth, scene.paint(moment), appearance=True)
    assert seen.looks.any(axis=1).tolist() == [True, False, False]
    assert not Sightings.of(moment.truth, scene.paint(moment), appearance=False).looks.any()
    assert not Sightings.of(moment.truth, moment.frame, appearance=True).looks.any()
