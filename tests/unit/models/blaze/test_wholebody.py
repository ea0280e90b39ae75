"""Putting people together: everything under its own name, scores that say how sure, coordinates that stay."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holopose.models.blaze.face import Face
from holopose.models.blaze.hands import Hand
from holopose.models.blaze.landmarks import BodyLandmarks
from holopose.models.blaze.wholebody import SCORE, Person, assemble, person_score
from holopose.skeletons import BLAZE543, COCO17, LAYOUTS, WHOLEBODY133
from holopose.skeletons.tables import MESH_TO_FACE68

SIZE_WH = (480, 360)
SIDES = ("left", "right")
Floats = npt.NDArray[np.float64]


def full(value: Any) -> Floats:
    return np.broadcast_to(np.asarray(value, np.float64), 33).copy()


def body_of(figure: Any) -> BodyLandmarks:
    """What a perfect landmark network says of a figure."""
    peak = full(figure.peak)
    inside = ((figure.xy[:33] >= 0) & (figure.xy[:33] < SIZE_WH)).all(axis=1)
    return BodyLandmarks(
        roi=np.array([*figure.hip, figure.side, figure.side, figure.turn]),
        xy=np.concatenate([figure.xy, np.zeros((4, 2))]),
        z=figure.z,
        visibility=full(figure.visibility),
        presence=full(figure.presence),
        peak=peak,
        flag=figure.flag,
        world=figure.world,
        quality=float(peak[inside].mean()) if inside.any() else 0.0,
    )


def person_of(figure: Any, *, face: bool = True, left: bool = True, right: bool = True) -> Person:
    """With the parts asked for."""
    nowhere = np.zeros(5)
    hands = [
        Hand(figure.hand(side), np.arange(21.0), figure.hand_presence[i], nowhere) if wanted else None
        for i, (side, wanted) in enumerate(zip(SIDES, (left, right), strict=True))
    ]
    mesh = Face(figure.mesh, np.arange(468.0), figure.mesh_probability, figure.face_score, nowhere) if face else None
    return Person(body_of(figure), mesh, *hands)


def towards_viewer(figure: Any) -> Any:
    """The figure with feet that point to the viewer: toes nearer than heels and ankles."""
    z = figure.z * 0
    z[[31, 32]] = -25
    return replace(figure, z=z)


# Everything under its name -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("native", [False, True])
def test_nobody_is_empty_in_every_layout(layout: Any, native: bool) -> None:
    poses = assemble([], SIZE_WH, layout, native=native)
    assert len(poses) == 0
    assert poses.skeleton == layout
    assert poses.xy.shape == (0, len(layout), 2)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_shared_names_are_the_same_points_in_every_layout(blaze_scenes: ModuleType, layout: Any) -> None:
    person = person_of(blaze_scenes.Figure((240, 180)))
    poses, own = assemble([person], SIZE_WH, layout), assemble([person], SIZE_WH, BLAZE543)
    assert poses.skeleton == layout
    shared = [name for name in layout.keypoints if name in BLAZE543]
    for name in shared:
        np.testing.assert_array_equal(poses[name], own[name])
    np.testing.assert_array_equal(poses.boxes.xyxy, own.boxes.xyxy)
    assert (poses.score[np.isnan(poses.xy[..., 0])] == 0).all()


def test_the_native_layout_holds_what_the_networks_gave(blaze_scenes: ModuleType) -> None:
    figure = blaze_scenes.Figure((240, 180), turn=0.3)
    poses = assemble([person_of(figure)], SIZE_WH, BLAZE543)
    truth = np.concatenate([figure.xy[:33], figure.mesh, figure.hand("left"), figure.hand("right")])
    np.testing.assert_allclose(poses.xy[0], truth, atol=1e-4)
    np.testing.assert_allclose(poses.world[0, :33], figure.world, atol=1e-6)
    assert np.isnan(poses.world[0, 33:]).all()


def test_sides_are_not_swapped(blaze_scenes: ModuleType) -> None:
    figure = blaze_scenes.Figure((240, 180))
    poses = assemble([person_of(figure)], SIZE_WH, WHOLEBODY133)
    for side in SIDES:
        np.testing.assert_allclose(poses.part(f"{side}_hand").xy[0], figure.hand(side), atol=1e-4)
    only_left = assemble([person_of(figure, right=False)], SIZE_WH, BLAZE543)
    assert np.isnan(only_left.part("right_hand").xy).all()
    np.testing.assert_allclose(only_left.part("left_hand").xy[0], figure.hand("left"), atol=1e-4)


def test_the_face_comes_from_the_mesh(blaze_scenes: ModuleType) -> None:
    figure = blaze_scenes.Figure((240, 180))
    face = assemble([person_of(figure)], SIZE_WH, WHOLEBODY133).part("face")
    np.testing.assert_allclose(face.xy[0], figure.mesh[list(MESH_TO_FACE68)], atol=1e-4)
    missing = assemble([person_of(figure, face=False)], SIZE_WH, WHOLEBODY133).part("face")
    assert np.isnan(missing.xy).all()
    assert not missing.score.any()


def test_people_stay_in_order_and_do_not_mix(blaze_scenes: ModuleType) -> None:
    figures = [blaze_scenes.Figure((100 + 120 * i, 180), 150, peak=0.5 + 0.1 * i) for i in range(3)]
    people = [person_of(figure, face=i != 1, left=i != 0) for i, figure in enumerate(figures)]
    together = assemble(people, SIZE_WH, WHOLEBODY133, native=True)
    for i, person in enumerate(people):
        assert together[i].allclose(assemble([person], SIZE_WH, WHOLEBODY133, native=True))


def test_native_beside_another_layout(blaze_scenes: ModuleType) -> None:
    people = [person_of(blaze_scenes.Figure((200, 180)), left=False), person_of(blaze_scenes.Figure((300, 180)))]
    poses = assemble(people, SIZE_WH, COCO17, native=True)
    assert poses.native is not None
    assert poses.native.allclose(assemble(people, SIZE_WH, BLAZE543))
    assert assemble(people, SIZE_WH, COCO17).native is None


def test_boxes_hold_the_keypoints_in_the_picture(blaze_scenes: ModuleType) -> None:
    for hip in ((240, 180), (20, 180), (240, 350), (475, 5)):
        poses = assemble([person_of(blaze_scenes.Figure(hip))], SIZE_WH, BLAZE543)
        left, top, right, bottom = poses.boxes.xyxy[0]
        x, y = poses.xy[0].T
        inside = (x >= 0) & (x <= 479) & (y >= 0) & (y <= 359)
        assert left <= x[inside].min()
        assert right >= x[inside].max()
        assert top <= y[inside].min()
        assert bottom >= y[inside].max()
        assert min(left, top) >= 0
        assert (right, bottom) <= (479, 359)


def test_a_person_wholly_outside_has_an_empty_box(blaze_scenes: ModuleType) -> None:
    poses = assemble([person_of(blaze_scenes.Figure((5000, 180)))], SIZE_WH, WHOLEBODY133)
    left, top, right, bottom = poses.boxes.xyxy[0]
    assert (right - left) * (bottom - top) == 0
    assert poses.visible is not None
    assert not poses.visible.any()


# Scores --------------------------------------------------------------------------------------------------------------

probabilities = st.floats(0, 1)


@given(st.lists(probabilities, min_size=2, max_size=30).map(sorted))
def test_person_scores_grow_with_the_peaks(qualities: list[float]) -> None:
    scores = [person_score(quality) for quality in qualities]
    assert scores == sorted(scores)
    assert all(0 <= score <= 1 for score in scores)
    assert person_score(0.2) == 0
    assert person_score(0.95) > 0.9


evidence = st.fixed_dictionaries(
    {
        "peak": probabilities,
        "visibility": probabilities,
        "presence": probabilities,
        "mesh_probability": st.floats(0.5, 1),  # below one half there is no face, no hand
        "face_score": st.floats(0.5, 1),
        "hand_presence": st.tuples(st.floats(0.5, 1), st.floats(0.5, 1)),
    }
)


@settings(max_examples=50)
@given(evidence=evidence, x=st.floats(-300, 700))
def test_scores_lie_between_0_and_1_and_never_move_a_point(
    blaze_scenes: ModuleType, evidence: dict[str, Any], x: float
) -> None:
    figure = blaze_scenes.Figure((x, 180))
    for layout in (BLAZE543, WHOLEBODY133):
        sure = assemble([person_of(figure)], SIZE_WH, layout)
        poses = assemble([person_of(replace(figure, **evidence))], SIZE_WH, layout)
        np.testing.assert_array_equal(poses.xy, sure.xy)
        np.testing.assert_array_equal(poses.boxes.xyxy, sure.boxes.xyxy)
        assert (poses.score > 0).all(), "found, however unsure"
        assert (poses.score <= 1).all()
        assert 0 <= poses.boxes.score[0] <= 1


@pytest.mark.parametrize("evidence", ["peak", "visibility"])
def test_body_scores_grow_with_the_evidence(blaze_scenes: ModuleType, evidence: str) -> None:
    scores = [
        assemble([person_of(blaze_scenes.Figure((240, 180), **{evidence: value}))], SIZE_WH, BLAZE543).score[0, :33]
        for value in np.linspace(0, 1, 11)
    ]
    assert (np.diff(scores, axis=0) >= 0).all()
    assert (scores[-1] > scores[0]).all()


def test_parts_score_no_higher_than_their_evidence(blaze_scenes: ModuleType) -> None:
    figure = blaze_scenes.Figure((240, 180), hand_presence=(0.9, 0.6), mesh_probability=0.8, face_score=0.9)
    poses = assemble([person_of(figure)], SIZE_WH, WHOLEBODY133)
    left, right, face = (np.unique(poses.part(part).score) for part in ("left_hand", "right_hand", "face"))
    assert len(left) == len(right) == len(face) == 1
    assert right[0] < left[0] <= 0.9
    assert 0 < right[0] <= 0.6
    assert 0 < face[0] <= 0.8


def test_outside_the_picture_scores_are_lower_and_nothing_is_visible(blaze_scenes: ModuleType) -> None:
    figure = blaze_scenes.Figure((240, 300), 200)  # feet below the lower edge
    inside = assemble([person_of(replace(figure, hip=(240, 180)))], SIZE_WH, BLAZE543)
    poses = assemble([person_of(figure)], SIZE_WH, BLAZE543)
    assert poses.visible is not None
    for name in ("left_ankle", "right_foot_index"):
        k = BLAZE543.index(name)
        assert poses.xy[0, k, 1] > 360
        assert poses.score[0, k] < 0.5 * inside.score[0, k]
        assert not poses.visible[0, k]
    assert poses.visible[0, BLAZE543.index("left_shoulder")]


def test_hidden_points_are_not_visible_but_there(blaze_scenes: ModuleType) -> None:
    visibility = np.where(np.arange(33) == 15, 0.2, 0.9)
    poses = assemble([person_of(blaze_scenes.Figure((240, 180), visibility=visibility))], SIZE_WH, WHOLEBODY133)
    assert poses.visible is not None
    assert not poses.visible[0, WHOLEBODY133.index("left_wrist")]
    assert poses.visible[0, WHOLEBODY133.index("right_wrist")]
    assert 0 < poses["left_wrist"][0, 2] < poses["right_wrist"][0, 2]


def test_what_scores_mean_is_said() -> None:
    for word in ("Body", "Face", "Hand", "toes", "Person", "0 to 1"):
        assert word in SCORE


# What geometry adds --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("turn", [0.0, 1.0, -2.5])
def test_a_hand_not_found_is_estimated_from_the_body(blaze_scenes: ModuleType, side: str, turn: float) -> None:
    figure = blaze_scenes.Figure((240, 180), turn=turn)
    person = person_of(figure, **{side: False})
    poses, found = (assemble([one], SIZE_WH, WHOLEBODY133) for one in (person, person_of(figure)))
    hand = poses.part(f"{side}_hand")
    body = assemble([person], SIZE_WH, BLAZE543)
    np.testing.assert_allclose(hand.xy[0, 0], body[f"{side}_wrist"][0, :2], atol=1e-3)
    for name in ("pinky", "index"):
        np.testing.assert_allclose(poses[f"{side}_hand_{name}_1"][0, :2], body[f"{side}_{name}"][0, :2], atol=1e-3)
    lowest = min(body[f"{side}_{name}"][0, 2] for name in ("wrist", "pinky", "index", "thumb"))
    assert (hand.score[0] > 0).all()
    assert (hand.score[0] < lowest).all()
    assert (hand.score[0] < found.part(f"{side}_hand").score[0]).all()
    assert hand.visible is not None
    assert not hand.visible.any()
    palm = np.linalg.norm(body[f"{side}_index"][0, :2] - body[f"{side}_wrist"][0, :2])
    reach = np.linalg.norm(hand.xy[0] - hand.xy[0, 0], axis=1)
    assert (reach < 2.5 * palm).all()
    for finger in ("index", "middle", "ring", "pinky"):  # each joint farther from the wrist than the one before
        along = [np.linalg.norm(poses[f"{side}_hand_{finger}_{i}"][0, :2] - hand.xy[0, 0]) for i in (1, 2, 3, 4)]
        assert along == sorted(along)
    other = "right" if side == "left" else "left"
    np.testing.assert_array_equal(poses.part(f"{other}_hand").xy, found.part(f"{other}_hand").xy)


@pytest.mark.parametrize("change", [{"visibility": 0.3}, {"hip": (-200.0, 180.0)}])
def test_no_hand_is_estimated_where_the_wrist_is_not_in_view(blaze_scenes: ModuleType, change: dict[str, Any]) -> None:
    figure = replace(blaze_scenes.Figure((240, 180)), **change)
    poses = assemble([person_of(figure, left=False, right=False)], SIZE_WH, WHOLEBODY133)
    for side in SIDES:
        assert np.isnan(poses.part(f"{side}_hand").xy).all()
        assert not poses.part(f"{side}_hand").score.any()


def test_estimates_are_no_part_of_what_the_networks_gave(blaze_scenes: ModuleType) -> None:
    person = person_of(blaze_scenes.Figure((240, 180)), left=False)
    poses = assemble([person], SIZE_WH, WHOLEBODY133, native=True)
    assert poses.native is not None
    assert np.isnan(poses.native.part("left_hand").xy).all()
    assert not np.isnan(poses.part("left_hand").xy).any()


def toes(poses: Any, side: str) -> tuple[Floats, Floats, Floats]:
    return tuple(poses[f"{side}_{name}"][0, :2].astype(np.float64) for name in ("heel", "big_toe", "small_toe"))


@pytest.mark.parametrize("turn", [0.0, 0.7, 2.0])
def test_small_toes_lie_outwards(blaze_scenes: ModuleType, turn: float) -> None:
    """Of feet that point to the viewer: away from the other foot, not farther than a foot is long."""
    figure = towards_viewer(blaze_scenes.Figure((240, 160), 200, turn=turn))
    poses = assemble([person_of(figure)], SIZE_WH, WHOLEBODY133)
    left, right = toes(poses, "left"), toes(poses, "right")
    outwards = left[0] - right[0]
    outwards /= np.linalg.norm(outwards)
    assert (left[2] - left[1]) @ outwards > 0
    assert (right[2] - right[1]) @ outwards < 0
    for heel, big, small in (left, right):
        assert 0 < np.linalg.norm(small - big) < 2 * np.hypot(np.linalg.norm(big - heel), 25)


def test_small_toes_of_mirrored_feet_are_mirrored(blaze_scenes: ModuleType) -> None:
    figure = towards_viewer(blaze_scenes.Figure((240, 160), 200))
    poses = assemble([person_of(figure)], SIZE_WH, WHOLEBODY133)
    left, right = toes(poses, "left")[2], toes(poses, "right")[2]
    np.testing.assert_allclose(left - (240, 0), (right - (240, 0)) * (-1, 1), atol=1e-3)


def test_small_toes_are_less_sure_and_not_visible(blaze_scenes: ModuleType) -> None:
    evidence = np.where(np.arange(33) == 29, 0.4, 0.9)  # a poorly seen left heel
    poses = assemble([person_of(blaze_scenes.Figure((240, 150), peak=evidence))], SIZE_WH, WHOLEBODY133)
    assert poses.visible is not None
    for side in SIDES:
        lowest = min(poses[f"{side}_{name}"][0, 2] for name in ("heel", "big_toe"))
        assert 0 < poses[f"{side}_small_toe"][0, 2] < lowest
        assert not poses.visible[0, WHOLEBODY133.index(f"{side}_small_toe")]
    assert poses["left_small_toe"][0, 2] < poses["right_small_toe"][0, 2]


def test_a_foot_without_length_gives_no_nonsense(blaze_scenes: ModuleType) -> None:
    body = body_of(blaze_scenes.Figure((240, 180)))
    body.xy[[27, 29, 31]] = (200, 300)
    body.z[[27, 29, 31]] = 0
    poses = assemble([Person(body)], SIZE_WH, WHOLEBODY133)
    assert poses["left_small_toe"][0, :2].tolist() == [200, 300]
