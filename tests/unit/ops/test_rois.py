"""Check values of MediaPipe's rect algebra, and the laws that make it an algebra."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.ops.rois import (
    align,
    around,
    may_keep,
    normalize_angle,
    project,
    rotation_between,
    transform,
    unproject,
)

Floats = npt.NDArray[np.float64]

coordinates = st.floats(-2000, 2000)
angles = st.floats(-np.pi, np.pi)
points = st.tuples(coordinates, coordinates)
clouds = st.lists(points, min_size=2, max_size=12).map(np.array)
rois = st.tuples(coordinates, coordinates, st.floats(1, 3000), st.floats(1, 3000), angles).map(lambda r: np.array([r]))


def turned(xy: npt.ArrayLike, angle: float) -> Floats:
    """Points turned clockwise on screen about (0, 0)."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.asarray(xy, np.float64) @ np.array([[cos, sin], [-sin, cos]])


def assert_same_rois(ours: Floats, expected: Floats) -> None:
    np.testing.assert_allclose(ours[:, :4], expected[:, :4], rtol=1e-9, atol=1e-6)
    assert (np.abs(normalize_angle(ours[:, 4] - expected[:, 4])) < 1e-9).all()


# Check values --------------------------------------------------------------------------------------------------------


def test_pose_roi() -> None:
    """1000 x 500 px, hips at (500, 300), full-body point at (500, 150)."""
    raw = align([[500, 300]], [[500, 150]], np.pi / 2)
    assert raw.tolist() == [[500, 300, 300, 300, 0]]
    [roi] = transform(raw, scale=1.25)
    assert roi.tolist() == [500, 300, 375, 375, 0]
    assert (roi[:4] / [1000, 500, 1000, 500]).tolist() == [0.5, 0.6, 0.375, 0.75]


def test_recrop_points_downwards() -> None:
    """The second point lies below the first in an upright hand."""
    raw = align([[50, 50]], [[50, 80]], -np.pi / 2)
    assert raw.tolist() == [[50, 50, 60, 60, 0]]
    assert transform(raw, shift_y=-0.1).tolist() == [[50, 44, 60, 60, 0]]


def test_letterbox() -> None:
    """640 x 480 px in a square: an eighth of it stays free above and below."""
    square = np.array([[320.0, 240.0, 640.0, 640.0, 0.0]])
    y = np.array([0.0, 123.0, 480.0])
    fraction = unproject(np.stack([[0.0, 320.0, 640.0], y], axis=1)[None], square)[0]
    np.testing.assert_allclose(fraction[:, 0], [0, 0.5, 1])
    np.testing.assert_allclose(fraction[[0, 2], 1], [0.125, 0.875])
    np.testing.assert_allclose((fraction[:, 1] - 0.125) / 0.75, y / 480)


def test_projection_of_corners_and_centre() -> None:
    roi = np.array([[112.0, 128.0, 328.0, 200.0, 0.7]])
    centre, corner = project(np.array([[[0.5, 0.5], [0.0, 0.0]]]), roi)[0]
    assert centre.tolist() == [112, 128]
    np.testing.assert_allclose(corner, np.array([112, 128]) + turned([-164.0, -100.0], 0.7))


@pytest.mark.parametrize(
    ("end", "direction"), [((1, 0), 0.0), ((0, -1), np.pi / 2), ((-1, 0), np.pi), ((0, 1), -np.pi / 2)]
)
def test_no_rotation_where_the_end_lies_towards_the_target(end: tuple[int, int], direction: float) -> None:
    assert abs(rotation_between([0, 0], end, direction)) < 1e-12


def test_rotation_is_clockwise_on_screen() -> None:
    assert rotation_between([0, 0], [1, -1], np.pi / 2) == pytest.approx(np.pi / 4)  # up, leaning right


def test_plain_form_turns_the_upright_box() -> None:
    points = np.array([[[10.0, 20.0], [50.0, 30.0], [20.0, 90.0]]])
    assert around(points, [0.4]).tolist() == [[30, 55, 40, 70, 0.4]]


# Laws ----------------------------------------------------------------------------------------------------------------


@given(st.floats(-50, 50))
def test_normalized_angles(angle: float) -> None:
    normal = float(normalize_angle(np.array(angle)))
    assert -np.pi <= normal <= np.pi
    turns = (angle - normal) / (2 * np.pi)
    assert abs(turns - round(turns)) < 1e-9


def test_half_a_turn_is_negative() -> None:
    assert normalize_angle(np.array([np.pi, -np.pi, 3 * np.pi])).tolist() == [-np.pi] * 3


@given(clouds, rois)
def test_project_and_unproject_are_inverse(xy: Floats, roi: Floats) -> None:
    there = unproject(xy[None], roi)
    np.testing.assert_allclose(project(there, roi)[0], xy, atol=1e-6)
    fractions = xy / 1000
    np.testing.assert_allclose(unproject(project(fractions[None], roi), roi)[0], fractions, atol=1e-6)


@given(points, points, angles)
def test_aligned_end_lies_towards_the_target(
    start: tuple[float, float], end: tuple[float, float], target: float
) -> None:
    distance = np.hypot(end[0] - start[0], end[1] - start[1])
    if distance < 1e-3:
        return
    roi = align([start], [end], target)
    [fraction] = unproject(np.array([[end]]), roi)[0]
    expected = [0.5 + 0.5 * np.cos(target), 0.5 - 0.5 * np.sin(target)]  # on the circle inside the square
    np.testing.assert_allclose(fraction, expected, atol=1e-6)


@given(points, points, angles, angles)
def test_align_turns_with_its_points(
    start: tuple[float, float], end: tuple[float, float], target: float, angle: float
) -> None:
    if np.hypot(end[0] - start[0], end[1] - start[1]) < 1e-3:
        return
    still, moved = align([start], [end], target), align(turned([start], angle), turned([end], angle), target)
    still[:, :2] = turned(still[:, :2], angle)
    still[:, 4] += angle
    assert_same_rois(moved, still)


@given(clouds, angles, angles)
def test_tight_form_turns_with_its_points(xy: Floats, rotation: float, angle: float) -> None:
    still = around(xy[None], [rotation], tight=True)
    moved = around(turned(xy, angle)[None], [rotation + angle], tight=True)
    still[:, :2] = turned(still[:, :2], angle)
    still[:, 4] += angle
    assert_same_rois(moved, still)


@given(clouds, angles)
def test_tight_form_holds_its_points_and_touches_them(xy: Floats, rotation: float) -> None:
    roi = around(xy[None], [rotation], tight=True)
    roi[:, 2:4] += 1e-3
    fractions = unproject(xy[None], roi)[0]
    assert (fractions >= 0).all()
    assert (fractions <= 1).all()
    spans = np.ptp(fractions, axis=0) * roi[0, 2:4]
    np.testing.assert_allclose(spans, roi[0, 2:4] - 1e-3, atol=1e-6)


@given(clouds)
def test_both_forms_agree_when_upright(xy: Floats) -> None:
    assert_same_rois(around(xy[None], [0.0], tight=True), around(xy[None], [0.0]))


@given(rois, st.floats(0.1, 5), st.floats(-1, 1), st.floats(-1, 1), angles)
def test_transform_turns_with_its_roi(roi: Floats, scale: float, shift_x: float, shift_y: float, angle: float) -> None:
    moved = roi.copy()
    moved[:, :2], moved[:, 4] = turned(roi[:, :2], angle), roi[:, 4] + angle
    still = transform(roi, scale=scale, shift_x=shift_x, shift_y=shift_y)
    still[:, :2] = turned(still[:, :2], angle)
    still[:, 4] += angle
    assert_same_rois(transform(moved, scale=scale, shift_x=shift_x, shift_y=shift_y), still)


@given(rois, st.floats(0.1, 5), st.floats(-1, 1), st.floats(-1, 1), st.booleans())
def test_shift_comes_first_then_the_square_then_the_scale(
    roi: Floats, scale: float, shift_x: float, shift_y: float, square: bool
) -> None:
    shifted = transform(roi, shift_x=shift_x, shift_y=shift_y, square=False)
    assert_same_rois(
        transform(roi, scale=scale, shift_x=shift_x, shift_y=shift_y, square=square),
        transform(transform(shifted, square=square), scale=scale, square=False),
    )


def test_shift_is_a_fraction_of_the_old_size() -> None:
    roi = np.array([[0.0, 0.0, 100.0, 50.0, 0.0]])
    assert transform(roi, scale=2, shift_x=0.1, shift_y=0.1).tolist() == [[10, 5, 200, 200, 0]]
    quarter = np.array([[0.0, 0.0, 100.0, 50.0, np.pi / 2]])  # its own x points down
    np.testing.assert_allclose(transform(quarter, scale=2, shift_x=0.1)[0, :2], [0, 10], atol=1e-12)


@given(rois, st.floats(0.1, 5))
def test_a_square_is_as_long_as_the_longer_side(roi: Floats, scale: float) -> None:
    [(x, y, width, height, angle)] = transform(roi, scale=scale)
    assert width == height == pytest.approx(scale * max(roi[0, 2:4]))
    assert (x, y, angle) == tuple(roi[0, [0, 1, 4]])


@given(st.lists(rois, min_size=0, max_size=4))
def test_several_at_once_are_as_one_by_one(many: list[Floats]) -> None:
    stacked = np.concatenate([np.zeros((0, 5)), *many])
    fractions = np.tile([[0.1, 0.9], [0.3, 0.2]], (len(many), 1, 1))
    assert project(fractions, stacked).shape == (len(many), 2, 2)
    for i, roi in enumerate(many):
        np.testing.assert_array_equal(project(fractions, stacked)[i], project(fractions[i : i + 1], roi)[0])
        np.testing.assert_array_equal(transform(stacked, scale=1.5)[i], transform(roi, scale=1.5)[0])


# Which region to use -------------------------------------------------------------------------------------------------

LIMITS = {"turn": np.radians(40), "shift": 0.2, "scale": 0.4, "margin": -0.1}


@given(rois, angles)
def test_a_region_may_stay_for_itself_wherever_it_lies(roi: Floats, angle: float) -> None:
    roi = roi.copy()
    roi[0, 4] = angle
    inside = project(np.array([[[0.1, 0.1], [0.9, 0.9], [0.5, 0.5]]]), roi)[0]
    assert may_keep(roi[0], inside, roi[0], **LIMITS)


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ((19, 0, 0, 0, 0), True),
        ((21, 0, 0, 0, 0), False),
        ((0, -21, 0, 0, 0), False),
        ((0, 0, 39, 39, 0), True),
        ((0, 0, 41, 0, 0), False),
        ((0, 0, 0, -41, 0), False),
        ((0, 0, 0, 0, np.radians(39)), True),
        ((0, 0, 0, 0, np.radians(-41)), False),
        ((0, 0, 0, 0, 2 * np.pi), True),
    ],
)
def test_limits_are_those_of_the_fresh_region(change: tuple[float, ...], kept: bool) -> None:
    fresh = np.array([300.0, 200, 100, 100, 0.0])
    assert may_keep(fresh + change, [[300, 200]], fresh, **LIMITS) is kept


def test_shifts_are_measured_along_the_turned_sides() -> None:
    fresh = np.array([0.0, 0, 100, 300, np.pi / 2])  # its long side lies across the picture
    assert may_keep(fresh + np.array([50.0, 0, 0, 0, 0]), [[0, 0]], fresh, **LIMITS)
    assert not may_keep(fresh + np.array([0, 50.0, 0, 0, 0]), [[0, 0]], fresh, **LIMITS)


@pytest.mark.parametrize(("x", "kept"), [(144, True), (146, False)])
def test_what_was_seen_must_lie_well_inside(x: float, kept: bool) -> None:
    fresh = np.array([100.0, 100, 100, 100, 0.0])
    assert may_keep(fresh, [[100, 100], [x, 100]], fresh, **LIMITS) is kept
