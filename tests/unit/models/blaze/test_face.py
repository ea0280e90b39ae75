"""Faces: the region from the body, the mesh inside it, and what the face says about the body."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from holopose.models.blaze.face import Face, FaceFinder, roi_from_body
from holopose.ops.crops import Pyramid
from holopose.ops.rois import unproject


def finder(blaze_scenes: ModuleType, *people: Any) -> tuple[FaceFinder, Pyramid, Any]:
    fake = blaze_scenes.FakeBlaze(blaze_scenes.Scene(people))
    return (
        FaceFinder(fake.network("face_detection_short_range"), fake.network("face_landmark")),
        Pyramid(fake.frame().image),
        fake,
    )


def find(blaze_scenes: ModuleType, person: Any) -> Face | None:
    faces, pyramid, _ = finder(blaze_scenes, person)
    return faces.find(pyramid, person.xy[:33])


def test_region_is_three_times_the_face_with_level_eyes() -> None:
    points = np.zeros((11, 2))
    points[:] = [100, 100]
    points[5], points[2] = (80, 100), (120, 100)  # right eye, left eye
    points[0], points[9] = (100, 110), (100, 130)
    assert roi_from_body(points).tolist() == [100, 115, 120, 120, 0]
    turned = points[:, ::-1] * (-1, 1)  # a quarter, clockwise
    np.testing.assert_allclose(roi_from_body(turned), [-115, 100, 120, 120, np.pi / 2], atol=1e-9)


@pytest.mark.parametrize("turn", [0.0, 0.9, -2.2])
@pytest.mark.parametrize("height", [110.0, 300.0])
def test_mesh_lies_where_the_face_is(blaze_scenes: ModuleType, turn: float, height: float) -> None:
    person = blaze_scenes.Figure((240, 200), height, turn=turn)
    face = find(blaze_scenes, person)
    assert face is not None
    np.testing.assert_allclose(face.xy, person.mesh, atol=0.8)
    np.testing.assert_allclose(face.z, np.arange(468), rtol=0.02, atol=0.2)
    assert face.probability == pytest.approx(person.mesh_probability, abs=1e-5)
    assert face.detection == pytest.approx(person.face_score, abs=1e-5)
    inside = unproject(face.xy[None], face.roi[None])[0]
    assert ((inside > 0) & (inside < 1)).all()
    assert face.roi[4] == pytest.approx(turn, abs=0.05)


def test_no_face_where_the_detector_sees_none(blaze_scenes: ModuleType) -> None:
    """The mesh is not even asked."""
    person = blaze_scenes.Figure((240, 200), face_score=0.49)
    faces, pyramid, fake = finder(blaze_scenes, person)
    assert faces.find(pyramid, person.xy[:33]) is None
    assert fake.networks["face_landmark"].calls == []
    assert find(blaze_scenes, blaze_scenes.Figure((240, 200), face_score=0.51)) is not None


@pytest.mark.parametrize(("probability", "found"), [(0.49, False), (0.51, True)])
def test_the_mesh_has_the_last_word(blaze_scenes: ModuleType, probability: float, found: bool) -> None:
    person = blaze_scenes.Figure((240, 200), mesh_probability=probability)
    assert (find(blaze_scenes, person) is not None) == found


def test_no_face_in_a_point_or_outside(blaze_scenes: ModuleType) -> None:
    faces, pyramid, fake = finder(blaze_scenes, blaze_scenes.Figure((240, 200)))
    assert faces.find(pyramid, np.full((33, 2), 100.0)) is None
    assert faces.agreement(pyramid, np.full((33, 2), 100.0)) == (0, np.inf)
    assert fake.networks["face_detection_short_range"].calls == []
    assert faces.find(pyramid, blaze_scenes.Figure((2000, -900)).xy[:33]) is None


def test_each_person_gets_their_own_face(blaze_scenes: ModuleType) -> None:
    """Also where another face shows at the edge of the region, with a higher score."""
    left = blaze_scenes.Figure((200, 200), 200, face_score=0.7)
    right = blaze_scenes.Figure((420, 200), 200, face_score=0.95)
    faces, pyramid, _ = finder(blaze_scenes, left, right)
    for person in (left, right):
        face = faces.find(pyramid, person.xy[:33])
        assert face is not None
        np.testing.assert_allclose(face.xy, person.mesh, atol=0.8)


# What a face says about a body ---------------------------------------------------------------------------------------


def test_agreement_grows_worse_with_the_distance(blaze_scenes: ModuleType) -> None:
    apart = []
    for offset in (0.0, 0.02, 0.04, 0.06):
        person = blaze_scenes.Figure((240, 200), 250, turn=0.4, face_offset=(offset, 0.0))
        faces, pyramid, _ = finder(blaze_scenes, person)
        score, distance = faces.agreement(pyramid, person.xy[:33])
        assert score == pytest.approx(person.face_score, abs=1e-4)
        apart.append(distance)
    assert apart[0] < 0.02
    assert (np.diff(apart) > 0.05).all()


def test_agreement_does_not_depend_on_size(blaze_scenes: ModuleType) -> None:
    distances = []
    for height in (120.0, 240.0):
        person = blaze_scenes.Figure((240, 200), height, face_offset=(0.03, 0.02))
        faces, pyramid, _ = finder(blaze_scenes, person)
        distances.append(faces.agreement(pyramid, person.xy[:33])[1])
    assert distances[0] == pytest.approx(distances[1], rel=0.1)


def test_no_agreement_without_a_face(blaze_scenes: ModuleType) -> None:
    person = blaze_scenes.Figure((240, 200), face_score=0.01)
    faces, pyramid, _ = finder(blaze_scenes, person)
    assert faces.agreement(pyramid, person.xy[:33]) == (0, np.inf)


# From frame to frame -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("turn", [0.0, 0.7])
def test_the_next_region_is_half_as_large_again_as_the_mesh(blaze_scenes: ModuleType, turn: float) -> None:
    face = find(blaze_scenes, blaze_scenes.Figure((240, 200), 300, turn=turn))
    assert face is not None
    roi = face.next_roi
    span = np.ptp(face.xy, axis=0).max()
    np.testing.assert_allclose(roi[2:4], 1.5 * span)
    np.testing.assert_allclose(roi[:2], (face.xy.min(axis=0) + face.xy.max(axis=0)) / 2)
    eyes = face.xy[263] - face.xy[33]
    assert roi[4] == pytest.approx(np.arctan2(eyes[1], eyes[0]), abs=1e-9)


def test_the_region_of_the_frame_before_is_used_where_both_agree(blaze_scenes: ModuleType) -> None:
    person = blaze_scenes.Figure((240, 200), 300)
    faces, pyramid, _ = finder(blaze_scenes, person)
    fresh = faces.find(pyramid, person.xy[:33])
    assert fresh is not None
    turned = replace(fresh, xy=person.mesh[::-1])  # its eyes lie elsewhere: another rotation
    near = replace(fresh, xy=_level(fresh.xy))
    kept = faces.find(pyramid, person.xy[:33], before=near)
    assert kept is not None
    np.testing.assert_allclose(kept.roi, near.next_roi)
    for before in (turned, replace(near, xy=near.xy + 60)):
        again = faces.find(pyramid, person.xy[:33], before=before)
        assert again is not None
        np.testing.assert_allclose(again.roi, fresh.roi)


def _level(mesh: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    """The mesh as large as makes a region like the fresh one, with level outer eye corners."""
    points = (mesh - mesh.mean(axis=0)) * 1.3 + mesh.mean(axis=0)
    points[[33, 263]] = points.mean(axis=0) + np.array([[-10, 0], [10, 0]])
    return points
