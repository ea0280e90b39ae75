"""Colours: apart for every kind of eye, left from right, and the palettes that others published."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from holopose.draw import palette
from holopose.draw.palette import COLOR_BYS, PEOPLE, STYLES, inks_of, person_colour, side_of
from holopose.skeletons import LAYOUTS, OPENPOSE18, WHOLEBODY133

# Ottosson's OKLab; full protanopia and deuteranopia in linear RGB after Machado, Oliveira and Fernandes (2009).
LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
EYES = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}


def closest(colours: list[tuple[int, int, int]], eye: str) -> float:
    """Smallest OKLab distance between two of the colours as that eye sees them."""
    share = np.array(colours) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    lab = np.cbrt(np.clip(linear @ EYES[eye].T, 0, 1) @ LMS.T) @ LAB.T
    return min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(lab, 2))


@pytest.mark.parametrize("eye", EYES)
def test_hues_of_one_set_stay_apart(eye: str) -> None:
    assert closest(list(PEOPLE), eye) > 0.09
    assert closest(list(PEOPLE[:6]), eye) > 0.12
    assert closest(list(palette._FINGERS.values()), eye) > 0.12
    assert closest(list(palette._PARTS.values()), eye) > 0.12
    assert closest(list(palette._SIDES.values()), eye) > 0.2


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("color_by", COLOR_BYS)
def test_left_and_right_limbs_are_apart_for_everybody(eye: str, color_by: str) -> None:
    for number in range(len(PEOPLE)):
        dots = inks_of(WHOLEBODY133, "holopose", color_by, number).dots
        pair = [dots[WHOLEBODY133.index(f"{side}_elbow")] for side in ("left", "right")]
        assert closest(pair, eye) > 0.12


def test_people_repeat_after_ten() -> None:
    assert len({person_colour(number) for number in range(10)}) == 10
    assert person_colour(3) == person_colour(13) != person_colour(4)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("color_by", COLOR_BYS)
def test_every_edge_and_dot_of_every_layout_has_a_colour(layout, style: str, color_by: str) -> None:
    inks = inks_of(layout, style, color_by, 2)
    assert len(inks.edges) == len(layout.edges)
    assert len(inks.dots) == len(layout)
    for colour in (*inks.edges, *inks.dots, inks.box):
        assert len(colour) == 3
        assert all(isinstance(channel, int) and 0 <= channel <= 255 for channel in colour)


def test_sides_come_from_names_and_hands() -> None:
    assert side_of("left_knee", "body") == "left"
    assert side_of("hand_index_1", "left_hand") == "left"
    assert side_of("right_hand_wrist", "right_hand") == "right"
    assert side_of("nose", "body") == side_of("face_3", "face") == "middle"


def test_edges_across_the_body_have_the_middle_colour() -> None:
    for color_by, middle in (("person", PEOPLE[1]), ("side", palette._SIDES["middle"])):
        inks = inks_of(WHOLEBODY133, "holopose", color_by, 1)
        pairs = [{WHOLEBODY133.keypoints[k] for k in edge} for edge in WHOLEBODY133.edges]
        assert inks.edges[pairs.index({"left_hip", "right_hip"})] == middle
        assert inks.edges[pairs.index({"left_hip", "left_knee"})] != middle


def test_side_mode_has_a_hue_per_finger() -> None:
    dots = inks_of(WHOLEBODY133, "holopose", "side", 0).dots
    tips = [dots[WHOLEBODY133.index(f"left_hand_{finger}_4")] for finger in palette._FINGERS]
    assert len(set(tips)) == 5


def test_classic_is_red_on_white() -> None:
    inks = inks_of(WHOLEBODY133, "classic", "side", 5)
    assert set(inks.edges) == {(255, 255, 255)}
    [(red, green, blue)] = set(inks.dots)
    assert red > 200
    assert max(green, blue) < 60


def test_openpose_has_its_published_colours() -> None:
    inks = inks_of(OPENPOSE18, "openpose", "person", 4)
    joints = dict(zip(OPENPOSE18.keypoints, inks.dots, strict=True))
    assert joints["nose"] == (255, 0, 0)
    assert joints["right_elbow"] == (255, 255, 0)
    assert joints["left_hip"] == (0, 85, 255)
    assert joints["left_ear"] == (255, 0, 85)
    names = {
        frozenset(OPENPOSE18.keypoints[k] for k in edge): ink
        for edge, ink in zip(OPENPOSE18.edges, inks.edges, strict=True)
    }
    assert names[frozenset(("neck", "right_shoulder"))] == (153, 0, 0)  # 0.6 of (255, 0, 0)
    assert names[frozenset(("neck", "nose"))] == (0, 0, 153)
    assert names[frozenset(("left_eye", "left_ear"))] == (153, 0, 102)
    assert len(set(inks.edges)) == 17
