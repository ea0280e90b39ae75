"""Columns of tables: what a keypoint measures, and numbers as text."""

from __future__ import annotations

import csv
import io
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from holopose.io.tables import (
    DIGITS,
    NORMALIZED,
    RAW,
    WORLD,
    cell,
    cells,
    cells_by_keypoint,
    join_cells,
    label,
    measure,
)


def test_every_column_says_what_the_poses_say(people) -> None:
    poses = people(count=3)
    poses = poses.replace(raw_xy=poses.xy + 3, swapped=poses.score > 0.5)
    values = measure(list(DIGITS), poses, (640, 480))
    assert list(values) == list(DIGITS)
    there = ~np.isnan(poses.xy[..., 0])
    np.testing.assert_array_equal(np.stack([values["x"], values["y"]], axis=-1), poses.xy)
    np.testing.assert_array_equal(np.stack([values[name] for name in RAW], axis=-1), poses.raw_xy)
    np.testing.assert_array_equal(np.stack([values[name] for name in WORLD], axis=-1), poses.world)
    np.testing.assert_allclose(values["x_norm"][there], (poses.xy[..., 0][there] + 0.5) / 640, rtol=1e-6)
    np.testing.assert_allclose(values["y_norm"][there], (poses.xy[..., 1][there] + 0.5) / 480, rtol=1e-6)
    np.testing.assert_array_equal(values["swapped"], poses.swapped)
    for name, own in (("score", poses.score), ("visible", poses.visible)):
        np.testing.assert_array_equal(np.isnan(values[name]), ~there)
        np.testing.assert_array_equal(values[name][there], own[there])


def test_what_the_poses_do_not_say_is_nan(people) -> None:
    values = measure(["visible", "swapped", *RAW, *WORLD, *NORMALIZED], people(everything=False), (640, 480))
    for name in ("visible", "swapped", *RAW, *WORLD):
        assert values[name].shape == (2, 133)
        assert np.isnan(values[name]).all()
    assert not np.isnan(values["x_norm"]).all()


def test_nobody_is_a_column_without_rows(people) -> None:
    values = measure(list(DIGITS), people()[:0], (640, 480))
    assert {column.shape for column in values.values()} == {(0, 133)}


@given(st.floats(-1e9, 1e9), st.integers(0, 6))
def test_text_is_the_rounded_number(value: float, digits: int) -> None:
    [[text]] = cells(np.array([[value]]), digits)
    one = cell(value, digits)
    assert len(text.partition(".")[2]) == digits
    for written in (text, one):  # they may take a tie, as binary numbers see it, to different sides
        assert abs(Fraction(written) - Fraction(value)) <= Fraction(1, 2 * 10**digits) + Fraction(abs(value)) / 2**51
    assert abs(Fraction(text) - Fraction(one)) <= Fraction(1, 10**digits)
    assert abs(float(text) - value) <= 0.5 * 10**-digits + 1e-6
    assert len(text.partition(".")[2]) == digits
    assert float(text) != 0 or not text.startswith("-")


def test_missing_is_empty() -> None:
    assert cells(np.array([[np.nan, 1.0]]), 1) == [["", "1.0"]]
    assert (cell(None, 3), cell(float("nan"), 3)) == ("", "")


def test_names_never_end_a_line() -> None:
    assert label("照片 \r\n.jpg") == "照片 \\r\n.jpg"
    assert label("a\udcff.jpg") == "a\\udcff.jpg"


def test_the_cells_of_a_keypoint_are_its_measures(people) -> None:
    poses = people(count=3)
    columns = ["x", "score", "visible", "swapped", *WORLD]
    values = measure(columns, poses, (640, 480))
    texts = [cells(values[name], DIGITS[name]) for name in columns]
    told = cells_by_keypoint(columns, poses, (640, 480))
    assert [len(person) for person in told] == [133] * 3
    for n, person in enumerate(told):
        assert [line.split(",") for line in person] == [list(row) for row in zip(*(t[n] for t in texts), strict=True)]
    assert cells_by_keypoint(columns, poses[:0], (640, 480)) == []


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r")) | st.integers(), min_size=2))
def test_joined_cells_come_apart_as_they_were(values: list) -> None:
    [row] = csv.reader(io.StringIO(join_cells(values) + "\n", newline=""), strict=True)
    assert row == [str(value) for value in values]
