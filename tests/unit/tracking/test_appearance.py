"""Torso colours: alike for the same clothes, apart for others, unknown where there is nothing to see."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from holopose.tracking.appearance import BINS, likeness, torso_colours

Floats = npt.NDArray[np.float64]

RED, BLUE, GREY = (190, 40, 50), (40, 60, 190), (120, 120, 120)


def picture(*people: tuple[int, tuple[int, int, int]], gain: float = 1.0, noise: float = 6.0) -> npt.NDArray[np.uint8]:
    """Torsos of 40 x 60 px at x, with shading, on a busy ground."""
    rng = np.random.default_rng(0)
    image = rng.uniform(0, 255, (200, 400, 3))
    for x, colour in people:
        shade = np.linspace(0.85, 1.1, 60)[:, None, None]
        image[70:130, x : x + 40] = np.array(colour) * shade + rng.normal(0, noise, (60, 40, 3))
    return np.clip(image * gain, 0, 255).astype(np.uint8)


def corners(x: float, y: float = 70.0) -> Floats:
    """Left and right shoulder and hip of somebody facing the camera."""
    return np.array([[x + 40, y], [x, y], [x + 38, y + 60], [x + 2, y + 60]])


def boxes(*x: float) -> Floats:
    return np.array([[one - 20, 40, one + 60, 200] for one in x], np.float64)


def test_the_same_clothes_are_alike_and_others_are_not() -> None:
    before = torso_colours(picture((50, RED), (250, BLUE)), np.stack([corners(50), corners(250)]), boxes(50, 250))
    after = torso_colours(
        picture((90, BLUE), (300, RED), gain=0.94), np.stack([corners(300), corners(90)]), boxes(300, 90)
    )
    alike = likeness(before, after)
    assert np.diag(alike).min() > 0.95
    assert max(alike[0, 1], alike[1, 0]) < 0.5


def test_shares_of_each_channel_sum_to_one() -> None:
    looks = torso_colours(picture((50, GREY)), corners(50)[None], boxes(50))
    assert looks.shape == (1, BINS)
    assert looks.reshape(3, 8).sum(axis=1) == pytest.approx([1, 1, 1])
    assert likeness(looks, looks)[0, 0] == pytest.approx(1)


def test_without_joints_the_box_says_where_the_torso_is() -> None:
    image = picture((180, RED))
    unknown = np.full((1, 4, 2), np.nan)
    by_box = torso_colours(image, unknown, np.array([[160.0, 40, 240, 200]]))
    by_joints = torso_colours(image, corners(180)[None], boxes(180))
    assert likeness(by_box, by_joints)[0, 0] > 0.95


def test_outside_the_picture_nothing_is_known() -> None:
    looks = torso_colours(picture((50, RED)), np.stack([corners(900), corners(50)]), boxes(900, 50))
    assert not looks[0].any()
    assert np.isnan(likeness(looks, looks)).tolist() == [[True, True], [True, False]]
    partly = torso_colours(picture((360, RED)), corners(375)[None], boxes(375))  # three fifths are in
    assert likeness(partly, torso_colours(picture((360, RED)), corners(360)[None], boxes(360)))[0, 0] > 0.9


def test_nobody() -> None:
    looks = torso_colours(picture(), np.zeros((0, 4, 2)), np.zeros((0, 4)))
    assert looks.shape == (0, BINS)
    assert likeness(looks, looks).shape == (0, 0)
