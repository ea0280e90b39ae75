"""A person as strokes: widths by law, every edge once, nothing outside its region."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.draw.figure import _LOOKS, Figure, Plate, _strands, extent_px, limb_width_px
from holopose.draw.palette import STYLES, inks_of
from holopose.skeletons import LAYOUTS, PARTS, WHOLEBODY133

length = st.floats(1, 1e6)


@given(length, length, length)
def test_larger_people_have_wider_limbs(one: float, other: float, picture: float) -> None:
    small, large = sorted((one, other))
    assert limb_width_px(small, picture) <= limb_width_px(large, picture)


@given(length, st.floats(50, 20000))
def test_limbs_suit_person_and_picture(person: float, picture: float) -> None:
    width = limb_width_px(person, picture)
    assert width <= 0.022 * person  # no blob
    assert width <= 0.007 * picture  # no bars across the picture
    if person > 0.2 * picture:
        assert width >= 0.0014 * picture  # no hairlines


def test_extent() -> None:
    assert extent_px(np.zeros((0, 2))) == extent_px(np.ones((1, 2))) == 0
    assert extent_px(np.array([[0.0, 0], [3, 4], [1, 1]])) == 5


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_every_keypoint_and_edge_is_in_one_strand(layout) -> None:
    strands = _strands(layout)
    assert sorted(np.concatenate([strand.keypoints for strand in strands])) == list(range(len(layout)))
    assert sorted(np.concatenate([strand.edges for strand in strands])) == list(range(len(layout.edges)))
    for strand in strands:
        assert strand.part in PARTS
        assert all(strand.kind in looks for looks in _LOOKS.values())
        assert [tuple(ends) for ends in strand.ends] == [layout.edges[e] for e in strand.edges]


def test_feet_bring_the_edges_to_their_ankles_and_the_body_has_none_of_them() -> None:
    strands = {strand.kind: strand for strand in _strands(WHOLEBODY133)}
    feet = {frozenset(WHOLEBODY133.keypoints[k] for k in ends) for ends in strands["feet"].ends}
    assert frozenset(("left_ankle", "left_heel")) in feet
    body = {k for ends in strands["limbs"].ends for k in ends}
    assert body.isdisjoint(WHOLEBODY133.parts["feet"])


def make(poses, style: str = "holopose", **changes) -> Figure:
    options = {"style": style, "parts": PARTS, "line_width": 0.0, "size_wh": (220, 310), **changes}
    xy = poses.xy[0].astype(float)
    return Figure(poses.skeleton, xy, ~np.isnan(xy).any(axis=1), inks_of(poses.skeleton, style, "person", 0), **options)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("line_width", [0.0, 1.0, 9.0])
def test_nothing_is_drawn_outside_the_region(person, style: str, line_width: float) -> None:
    figure = make(person(scale=0.6, at=((40, 60),)), style, line_width=line_width)
    canvas = np.full((310, 220, 3), 128, np.uint8)
    figure.draw(canvas)
    left, top, right, bottom = figure.region
    drawn = (canvas != 128).any(axis=2)
    assert drawn[top:bottom, left:right].sum() > 200
    drawn[top:bottom, left:right] = False
    assert not drawn.any()
    assert (right - left, bottom - top) < (220, 310)


def test_hands_and_faces_are_thinner_and_follow_their_own_size(person) -> None:
    poses = person()
    whole = {strand.kind: marks for strand, marks in zip(_strands(WHOLEBODY133), make(poses)._marks, strict=True)}
    assert whole["face"].line_px < whole["limbs"].line_px
    assert whole["hand"].line_px < whole["limbs"].line_px
    xy = poses.xy.copy()
    hand = list(WHOLEBODY133.parts["right_hand"])
    xy[:, hand] = xy[:, hand[:1]] + (xy[:, hand] - xy[:, hand[:1]]) * 0.3
    smaller = {
        strand.kind: m for strand, m in zip(_strands(WHOLEBODY133), make(poses.replace(xy=xy))._marks, strict=True)
    }
    assert smaller["hand"].line_px < 0.5 * whole["hand"].line_px
    assert smaller["limbs"].line_px == whole["limbs"].line_px


def test_a_given_line_width_is_taken(person) -> None:
    assert make(person(), line_width=7.5).limb_px == 7.5
    assert make(person(scale=0.2), line_width=7.5).limb_px == 7.5


def test_a_lone_keypoint_is_a_dot(person) -> None:
    poses = person()
    xy = np.full_like(poses.xy, np.nan)
    xy[0, WHOLEBODY133.index("left_knee")] = 100, 200
    figure = make(poses.replace(xy=xy, score=np.where(np.isnan(xy[..., 0]), 0, 0.9)))
    canvas = np.zeros((310, 220, 3), np.uint8)
    figure.draw(canvas)
    ys, xs = np.nonzero(canvas.max(axis=2))
    assert (xs.mean(), ys.mean()) == (pytest.approx(100, abs=0.5), pytest.approx(200, abs=0.5))
    assert 4 < len(xs) < 100


def test_a_tiny_mesh_is_no_blob(person) -> None:
    mesh = LAYOUTS["blaze543"]
    xy = np.full((543, 2), np.nan)
    angle = np.linspace(0, 40, 468)
    xy[33:501] = np.stack([50 + angle / 8 * np.cos(angle), 50 + angle / 8 * np.sin(angle)], axis=1)
    shown = ~np.isnan(xy).any(axis=1)
    inks = inks_of(mesh, "holopose", "person", 0)
    small = Figure(mesh, xy, shown, inks, style="holopose", parts=PARTS, line_width=0, size_wh=(640, 480))
    large = Figure(mesh, xy * 40, shown, inks, style="holopose", parts=PARTS, line_width=0, size_wh=(4000, 4000))
    assert len(small._marks[0].dots if len(small._marks) == 1 else small._marks[-3].dots) < 70
    assert sum(len(marks.dots) for marks in large._marks) == 468
    assert sum(len(marks.dots) for marks in small._marks) < 70


def test_a_plate_is_a_border_and_a_label() -> None:
    plate = Plate(np.array([60.0, 80, 160, 280]), "#1  0.90", (255, 226, 60), (220, 310))
    canvas = np.full((310, 220, 3), 128, np.uint8)
    plate.draw(canvas)
    left, top, right, bottom = plate.region
    changed = (canvas != 128).any(axis=2)
    assert changed[180, 60]
    assert changed[180, 160]
    assert not changed[180, 70:150].any()
    assert changed[top + 3 : 76, 62:80].all()
    changed[top:bottom, left:right] = False
    assert not changed.any()
    assert math.isclose(top, 80, abs_tol=25)
