"""Hands: the region from the body by MediaPipe's values, the hand inside it, and when none is looked for."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.models.blaze.hands import Hand, HandFinder, move_hand, roi_from_body
from holopose.ops.crops import Pyramid
from holopose.ops.rois import normalize_angle, unproject

VISIBLE = np.full(33, 0.9)
coordinates = st.floats(-500, 500)
triples = st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=3).map(np.array)


def find(blaze_scenes: ModuleType, person: Any, side: str, **options: Any) -> Hand | None:
    visibility = options.pop("visibility", VISIBLE)
    fake = blaze_scenes.FakeBlaze(blaze_scenes.Scene([person]))
    finder = HandFinder(fake.network("hand_recrop"), fake.network("hand_landmark_full"))
    return finder.find(Pyramid(fake.frame().image), person.xy[:33], visibility, side, **options)


def calls(fake: Any) -> int:
    return len(fake.networks["hand_recrop"].calls) + len(fake.networks["hand_landmark_full"].calls)


# The region ----------------------------------------------------------------------------------------------------------


def test_check_value() -> None:
    """Wrist (100, 200), index (100, 140), pinky (130, 140)."""
    roi = roi_from_body([[100, 200], [130, 140], [100, 140]])
    np.testing.assert_allclose(roi[:2], [112, 128], atol=1e-9)
    np.testing.assert_allclose(roi[2:4], 328.47, atol=5e-3)
    assert roi[4] == pytest.approx(0.165149, abs=5e-7)


@given(triples, st.floats(-np.pi, np.pi), st.floats(0.1, 10))
def test_region_turns_and_grows_with_the_hand(points: npt.NDArray[np.float64], angle: float, factor: float) -> None:
    if np.linalg.norm((2 * points[2] + points[1]) / 3 - points[0]) < 1:
        return
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, sin], [-sin, cos]]) * factor
    still, moved = roi_from_body(points), roi_from_body(points @ turn)
    np.testing.assert_allclose(moved[:2], still[:2] @ turn, atol=1e-6)
    np.testing.assert_allclose(moved[2:4], still[2:4] * factor)
    assert abs(normalize_angle(moved[4] - still[4] - angle)) < 1e-9


@given(triples)
def test_region_holds_the_hand_with_its_fingers_up(points: npt.NDArray[np.float64]) -> None:
    knuckles = (2 * points[2] + points[1]) / 3
    if np.linalg.norm(knuckles - points[0]) < 1:
        return
    wrist, middle = unproject(np.stack([points[0], knuckles])[None], roi_from_body(points)[None])[0]
    assert 0 < middle[1] < wrist[1] < 1
    np.testing.assert_allclose([wrist[0], middle[0]], 0.5, atol=1e-9)


# The hand ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("turn", [0.0, 1.2, -2.5])
@pytest.mark.parametrize("height", [120.0, 250.0])
def test_hand_lies_where_it_is(blaze_scenes: ModuleType, side: str, turn: float, height: float) -> None:
    person = blaze_scenes.Figure((240, 180), height, turn=turn)
    hand = find(blaze_scenes, person, side)
    assert hand is not None
    np.testing.assert_allclose(hand.xy, person.hand(side), atol=0.8)
    np.testing.assert_allclose(hand.z, np.arange(21), atol=0.5)
    assert hand.presence == pytest.approx(person.hand_presence[side == "right"])
    inside = unproject(hand.xy[None], hand.roi[None])[0]
    assert ((inside > 0) & (inside < 1)).all()
    assert (inside[1:, 1] < inside[0, 1]).all(), "fingers up"


def test_presence_is_never_above_one(blaze_scenes: ModuleType) -> None:
    hand = find(blaze_scenes, blaze_scenes.Figure((240, 180), hand_presence=(1.0001, 0.9)), "left")
    assert hand is not None
    assert hand.presence == 1


def test_no_hand_where_the_network_sees_none(blaze_scenes: ModuleType) -> None:
    person = blaze_scenes.Figure((240, 180), hand_presence=(0.4, 0.6))
    assert find(blaze_scenes, person, "left") is None
    assert find(blaze_scenes, person, "right") is not None


@pytest.mark.parametrize(("seen", "found"), [(0.0, False), (0.1, False), (0.11, True), (1.0, True)])
@pytest.mark.parametrize("side", ["left", "right"])
def test_the_wrist_must_be_visible(blaze_scenes: ModuleType, side: str, seen: float, found: bool) -> None:
    """The wrist of that side and nothing else."""
    visibility = np.full(33, 1.0 - found)
    visibility[15 if side == "left" else 16] = seen
    hand = find(blaze_scenes, blaze_scenes.Figure((240, 180)), side, visibility=visibility)
    assert (hand is not None) == found


def test_a_hand_too_small_is_not_looked_at(blaze_scenes: ModuleType) -> None:
    person = blaze_scenes.Figure((240, 180), 150)
    side_px = roi_from_body(person.xy[[15, 17, 19]])[2]
    assert find(blaze_scenes, person, "left", min_px=side_px - 1) is not None
    fake = blaze_scenes.FakeBlaze(blaze_scenes.Scene([person]))
    finder = HandFinder(fake.network("hand_recrop"), fake.network("hand_landmark_full"))
    pyramid = Pyramid(fake.frame().image)
    assert finder.find(pyramid, person.xy[:33], VISIBLE, "left", min_px=side_px + 1) is None
    assert finder.find(pyramid, np.full((33, 2), 100.0), VISIBLE, "left") is None  # all in one point
    assert calls(fake) == 0


@pytest.mark.parametrize("far", [(-400, 180), (900, 180), (240, -500), (240, 900)])
def test_a_hand_outside_the_picture_is_not_looked_at(blaze_scenes: ModuleType, far: tuple[int, int]) -> None:
    person = blaze_scenes.Figure(far)
    fake = blaze_scenes.FakeBlaze(blaze_scenes.Scene([person]))
    finder = HandFinder(fake.network("hand_recrop"), fake.network("hand_landmark_full"))
    assert finder.find(Pyramid(fake.frame().image), person.xy[:33], VISIBLE, "left") is None
    assert calls(fake) == 0


# From frame to frame -------------------------------------------------------------------------------------------------


def test_the_next_region_holds_the_palm_upright(blaze_scenes: ModuleType) -> None:
    person = blaze_scenes.Figure((240, 180), 300, turn=0.3)
    for side in ("left", "right"):
        hand = find(blaze_scenes, person, side)
        assert hand is not None
        inside = unproject(hand.xy[None], hand.next_roi[None])[0]
        assert ((inside > 0) & (inside < 1)).all()
        assert inside[0, 1] > inside[9, 1]  # the wrist is below the knuckles
        assert hand.next_roi[2] == hand.next_roi[3]


def test_check_values_of_the_next_region() -> None:
    """A palm of straight fingers: wrist (100, 200), knuckles 60 px above it, upright."""
    xy = np.zeros((21, 2))
    xy[0] = 100, 200
    for finger, x in enumerate((80, 90, 100, 110, 120)):
        for joint in range(4):
            xy[1 + 4 * finger + joint] = x, 140 - 20 * joint
    hand = Hand(xy, np.zeros(21), 1.0, np.zeros(5))
    roi = hand.next_roi  # palm and middle joints: x 80..120, y 100..200 (thumb tip not counted)
    np.testing.assert_allclose(roi, [100, 150 - 0.1 * 100, 200, 200, 0], atol=1e-9)


def test_the_region_of_the_frame_before_is_used_where_both_agree(blaze_scenes: ModuleType) -> None:
    person = blaze_scenes.Figure((240, 180), 300)
    first = find(blaze_scenes, person, "left")
    again = find(blaze_scenes, person, "left", before=first)
    assert first is not None
    assert again is not None
    np.testing.assert_allclose(again.roi, first.next_roi)
    np.testing.assert_allclose(again.xy, first.xy, atol=0.5)
    elsewhere = find(blaze_scenes, person, "left", before=move_hand(first, "left", person.xy[:33] - 80, person.xy[:33]))
    assert elsewhere is not None
    np.testing.assert_allclose(elsewhere.roi, first.roi)


def test_a_hand_moves_with_its_wrist() -> None:
    hand = Hand(np.arange(42.0).reshape(21, 2), np.zeros(21), 0.4, np.array([10.0, 20, 30, 30, 0.1]))
    body = np.zeros((33, 2))
    moved = move_hand(hand, "right", body, body + np.array([3.0, -2.0]))
    np.testing.assert_allclose(moved.xy, hand.xy + np.array([3, -2]))
    np.testing.assert_allclose(moved.roi, [13, 18, 30, 30, 0.1])
    assert moved.presence == hand.presence
