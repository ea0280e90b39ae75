"""Who is reported and who is not: rules of the search, whatever its thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from holopose.models.blaze.detector import Level, PoseDetector
from holopose.models.blaze.face import FaceFinder
from holopose.models.blaze.landmarks import BodyLandmarks, PoseLandmarker
from holopose.models.blaze.search import PLANS, Plan, find_again, find_everybody, find_one, is_same_person
from holopose.ops.crops import Pyramid

PLAN = pytest.mark.parametrize("plan", PLANS)


def everybody(blaze_scenes: ModuleType, people: list[Any], plan: str = "normal", **scene: Any) -> list[BodyLandmarks]:
    return search(blaze_scenes.FakeBlaze(blaze_scenes.Scene(people, **scene)), PLANS[plan])


def search(fake: Any, plan: Plan, known: Sequence[BodyLandmarks] = ()) -> list[BodyLandmarks]:
    return find_everybody(
        Pyramid(fake.frame().image),
        PoseDetector(fake.network("pose_detection")),
        PoseLandmarker(fake.network("pose_landmark_full")),
        FaceFinder(fake.network("face_detection_short_range"), fake.network("face_landmark")),
        plan,
        known=known,
    )


def assert_are(bodies: list[BodyLandmarks], people: list[Any], tolerance: float = 1.5) -> None:
    """One body per person, in that order, where the person is; tolerance in px."""
    assert len(bodies) == len(people)
    for body, person in zip(bodies, people, strict=True):
        np.testing.assert_allclose(body.body_xy, person.xy[:33], atol=tolerance)


# Nobody --------------------------------------------------------------------------------------------------------------


@PLAN
def test_nobody_where_the_detector_is_silent(blaze_scenes: ModuleType, plan: str) -> None:
    assert everybody(blaze_scenes, [], plan) == []
    assert everybody(blaze_scenes, [blaze_scenes.Figure((240, 180), detection=0.01)], plan) == []


@PLAN
@pytest.mark.parametrize("drift", [0.0, 1.0])
def test_nobody_where_the_heatmaps_do_not_peak(blaze_scenes: ModuleType, plan: str, drift: float) -> None:
    """Detector, pose flag, visibility and even a face may say what they want."""
    ghost = blaze_scenes.Figure((240, 180), peak=0.2, detection=0.99, flag=1.0, visibility=1.0, drift=drift)
    assert everybody(blaze_scenes, [ghost], plan) == []


@PLAN
def test_ghosts_beside_people(blaze_scenes: ModuleType, plan: str) -> None:
    person = blaze_scenes.Figure((130, 180), 180)
    ghost = blaze_scenes.Figure((350, 180), 200, peak=0.25, detection=0.98, flag=1.0)
    assert_are(everybody(blaze_scenes, [ghost, person], plan), [person])


def least_peak(blaze_scenes: ModuleType, **signs: Any) -> float:
    """The height of the peaks from which a person is reported, to 0.01."""

    def reported(peak: float) -> bool:
        fake = blaze_scenes.FakeBlaze(blaze_scenes.Scene([blaze_scenes.Figure((240, 190), 220, peak=peak, **signs)]))
        return len(search(fake, replace(PLANS["normal"], waves=((Level(224),),)))) == 1

    low, high = 0.2, 0.95
    assert not reported(low), "ghosts are ghosts, whatever else speaks for them"
    assert reported(high), "the best seen are not doubted, whatever speaks against them"
    while high - low > 0.01:
        middle = (low + high) / 2
        low, high = (low, middle) if reported(middle) else (middle, high)
    return high


def test_the_doubtful_need_a_face_or_stand_still(blaze_scenes: ModuleType) -> None:
    """The less there is to see the more it takes."""
    drifts, faceless, near = {"drift": 0.9}, {"face_score": 0.01}, 0.015
    best = least_peak(blaze_scenes)
    assert least_peak(blaze_scenes, **drifts) == pytest.approx(best, abs=near)  # a face where it belongs is enough
    still = least_peak(blaze_scenes, **faceless)
    neither = least_peak(blaze_scenes, **faceless, **drifts)
    assert best < still + near
    assert still + near < neither
    assert least_peak(blaze_scenes, **drifts, face_offset=(0.15, 0.1)) == pytest.approx(neither, abs=near)
    assert least_peak(blaze_scenes, presence=0.05) > best + near


# One person ----------------------------------------------------------------------------------------------------------


@PLAN
@pytest.mark.parametrize("wander", [0.0, 0.03, 0.1])
@pytest.mark.parametrize("turn", [0.0, 1.5, 3.0])
def test_all_looks_at_a_person_are_one_person(blaze_scenes: ModuleType, plan: str, wander: float, turn: float) -> None:
    """Looks of all sizes see them, each a bit elsewhere."""
    person = blaze_scenes.Figure((240, 185), 170, turn=turn, wander=wander)
    assert_are(everybody(blaze_scenes, [person], plan), [person])


@PLAN
def test_half_a_person_and_the_whole_are_one(blaze_scenes: ModuleType, plan: str) -> None:
    """A detection that takes chest and head for a whole small body leads to a look at the same face and shoulders."""
    person = blaze_scenes.Figure((240, 200), 220)
    small = replace(person, hip=(240.0, 200.0 - 0.15 * 220), height=150, detection=0.8, peak=0.001)
    assert_are(everybody(blaze_scenes, [person, small], plan), [person], tolerance=4)


@PLAN
@pytest.mark.parametrize("height", [90.0, 200.0, 330.0])
def test_people_of_all_sizes(blaze_scenes: ModuleType, plan: str, height: float) -> None:
    person = blaze_scenes.Figure((240, 185), height)
    assert_are(everybody(blaze_scenes, [person], plan), [person])


@PLAN
def test_a_portrait_with_hips_below_the_picture(blaze_scenes: ModuleType, plan: str) -> None:
    peak = np.where(np.arange(33) < 15, 0.85, 0.1)
    portrait = blaze_scenes.Figure((240, 390), 460, peak=peak)
    [body] = everybody(blaze_scenes, [portrait], plan)
    np.testing.assert_allclose(body.body_xy[:13], portrait.xy[:13], atol=2)


def test_whoever_is_sought_in_tiny_pictures_is_not_there(blaze_scenes: ModuleType) -> None:
    for size_wh in ((1, 1), (1, 1000), (1000, 1), (2, 3), (40, 7)):
        assert everybody(blaze_scenes, [], size_wh=size_wh) == []


# Several -------------------------------------------------------------------------------------------------------------


@PLAN
def test_best_first(blaze_scenes: ModuleType, plan: str) -> None:
    """By how well they are seen, not by what the detector thinks."""
    people = [
        blaze_scenes.Figure((90, 180), 160, peak=0.74, detection=0.95),
        blaze_scenes.Figure((240, 180), 170, peak=0.95, detection=0.7),
        blaze_scenes.Figure((390, 180), 150, peak=0.84, detection=0.8),
    ]
    bodies = everybody(blaze_scenes, people, plan)
    assert_are(bodies, [people[1], people[2], people[0]])
    assert [body.quality for body in bodies] == sorted((body.quality for body in bodies), reverse=True)


@PLAN
@pytest.mark.parametrize("apart", [0.35, 0.5])
def test_neighbours_stay_two(blaze_scenes: ModuleType, plan: str, apart: float) -> None:
    """Shoulder to shoulder."""
    first = blaze_scenes.Figure((200, 190), 200, peak=0.9)
    second = blaze_scenes.Figure((200 + apart * 200, 190), 200, peak=0.85)
    assert_are(everybody(blaze_scenes, [second, first], plan), [first, second])


@PLAN
def test_a_child_before_its_parent(blaze_scenes: ModuleType, plan: str) -> None:
    parent = blaze_scenes.Figure((220, 190), 300, peak=0.9)
    child = blaze_scenes.Figure((245, 260), 120, peak=0.85)
    assert_are(everybody(blaze_scenes, [child, parent], plan), [parent, child])


# Coarse and fine looks -----------------------------------------------------------------------------------------------


def sought(blaze_scenes: ModuleType, plan: str, faint: float) -> tuple[int, int]:
    """People found, and looks taken, with a large person and a small one that only the finest looks show well."""
    people = [blaze_scenes.Figure((140, 190), 200), blaze_scenes.Figure((400, 180), 60, faint=(faint, 60.0))]
    fake = blaze_scenes.FakeBlaze(blaze_scenes.Scene(people))
    return len(search(fake, PLANS[plan])), len(fake.networks["pose_detection"].calls)


def test_finer_looks_are_taken_where_coarse_ones_give_a_hint(blaze_scenes: ModuleType) -> None:
    """What is a hint is too weak to be tried by itself."""
    waves, hint = PLANS["normal"].waves, PLANS["normal"].min_detection - 0.02
    assert len(waves) > 1
    assert sought(blaze_scenes, "normal", faint=hint) == (2, sum(map(len, waves)))
    assert sought(blaze_scenes, "normal", faint=0.0005) == (1, len(waves[0]))


def test_a_thorough_search_takes_every_look(blaze_scenes: ModuleType) -> None:
    assert sought(blaze_scenes, "thorough", faint=0.0005) == (2, sum(map(len, PLANS["thorough"].waves)))


# The single view -----------------------------------------------------------------------------------------------------


def one(blaze_scenes: ModuleType, people: list[Any]) -> tuple[list[BodyLandmarks], Any]:
    fake = blaze_scenes.FakeBlaze(blaze_scenes.Scene(people))
    detector = PoseDetector(fake.network("pose_detection"))
    landmarker = PoseLandmarker(fake.network("pose_landmark_full"))
    return find_one(Pyramid(fake.frame().image, levels=0), detector, landmarker), fake


def test_the_single_view_takes_the_best_detection_and_one_look(blaze_scenes: ModuleType) -> None:
    people = [
        blaze_scenes.Figure((120, 180), 180, detection=0.7, peak=0.95),
        blaze_scenes.Figure((350, 180), 180, detection=0.9, peak=0.2),  # heatmaps are not asked
    ]
    bodies, fake = one(blaze_scenes, people)
    assert_are(bodies, [people[1]])
    assert len(fake.networks["pose_detection"].calls) == len(fake.networks["pose_landmark_full"].calls) == 1


def test_the_single_view_heeds_the_flag_and_tries_nobody_else(blaze_scenes: ModuleType) -> None:
    people = [
        blaze_scenes.Figure((120, 180), 180, detection=0.7),
        blaze_scenes.Figure((350, 180), 180, detection=0.9, flag=0.5),
    ]
    assert one(blaze_scenes, people)[0] == []
    assert one(blaze_scenes, [replace(person, flag=0.51) for person in people])[0]


def test_the_single_view_of_nobody(blaze_scenes: ModuleType) -> None:
    for people in ([], [blaze_scenes.Figure((240, 180), detection=0.49)]):
        bodies, fake = one(blaze_scenes, people)
        assert bodies == []
        assert fake.networks["pose_landmark_full"].calls == []


# The same person -----------------------------------------------------------------------------------------------------


def body_of(blaze_scenes: ModuleType, person: Any) -> BodyLandmarks:
    fake = blaze_scenes.FakeBlaze(blaze_scenes.Scene([person]))
    landmarker = PoseLandmarker(fake.network("pose_landmark_full"))
    return landmarker.look(Pyramid(fake.frame().image), np.array([*person.hip, person.side, person.side, person.turn]))


def test_the_same_person(blaze_scenes: ModuleType) -> None:
    bodies = [
        body_of(blaze_scenes, blaze_scenes.Figure(hip, height, turn=turn))
        for hip, height, turn in [
            ((200, 180), 150, 0),
            ((204, 181), 152, 0.02),
            ((290, 180), 150, 0),
            ((200, 180), 150, 3),
        ]
    ]
    same = [[is_same_person(a, b) for b in bodies] for a in bodies]
    assert same == np.transpose(same).tolist()
    assert all(same[i][i] for i in range(4))
    assert same[0] == [True, True, False, False]


# Those known already -------------------------------------------------------------------------------------------------


@PLAN
def test_people_known_already_are_left_out_and_cost_no_look(blaze_scenes: ModuleType, plan: str) -> None:
    people = [blaze_scenes.Figure((120, 180), 150, peak=0.8), blaze_scenes.Figure((360, 180), 150, peak=0.7)]
    fake = blaze_scenes.FakeBlaze(blaze_scenes.Scene(people))
    left, right = search(fake, PLANS[plan])
    looks = fake.networks["pose_landmark_full"].calls
    looks.clear()
    assert_are(search(fake, PLANS[plan], known=[left]), [people[1]])
    assert len(looks) > 0
    looks.clear()
    assert search(fake, PLANS[plan], known=[left, right]) == []
    assert len(looks) == 0


def again(fake: Any, roi: np.ndarray, known: Sequence[BodyLandmarks] = ()) -> BodyLandmarks | None:  # type: ignore[type-arg]
    pyramid = Pyramid(fake.frame().image)
    landmarker = PoseLandmarker(fake.network("pose_landmark_full"))
    return find_again(pyramid, PoseDetector(fake.network("pose_detection")), landmarker, roi, known)


@pytest.mark.parametrize("shift", [0.0, 30.0, 70.0])
def test_somebody_lost_is_found_near_where_they_were(blaze_scenes: ModuleType, shift: float) -> None:
    person = blaze_scenes.Figure((200, 180), 150, peak=0.8)
    fake = blaze_scenes.FakeBlaze(blaze_scenes.Scene([person]))
    body = again(fake, np.array([200 + shift, 180, person.side, person.side, 0.0]))
    assert body is not None
    np.testing.assert_allclose(body.body_xy, person.xy[:33], atol=1.5)


def test_nobody_is_found_again_where_there_is_nobody_or_only_somebody_known(blaze_scenes: ModuleType) -> None:
    person = blaze_scenes.Figure((200, 180), 150, peak=0.8)
    fake = blaze_scenes.FakeBlaze(blaze_scenes.Scene([person]))
    roi = np.array([210, 180, person.side, person.side, 0.0])
    known = again(fake, roi)
    assert known is not None
    assert again(fake, roi, [known]) is None
    ghost = blaze_scenes.Figure((200, 180), 150, peak=0.3)
    assert again(blaze_scenes.FakeBlaze(blaze_scenes.Scene([ghost])), roi) is None
    assert again(blaze_scenes.FakeBlaze(blaze_scenes.Scene()), roi) is None
