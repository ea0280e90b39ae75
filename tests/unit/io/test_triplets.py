"""Flat x, y, score lists: there and back, with what is missing as 0, 0, 0 in the file and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from holopose.errors import InputError
from holopose.io.triplets import boxes_from_xywh, extents, flatten, flatten_points, mean_score, unflatten, xywh
from holopose.skeletons import COCO17
from holopose.types import Boxes, Poses

POINT = st.floats(-(2.0**20), 2.0**20, width=32)


@given(
    xy=arrays.arrays(np.float32, (2, 17, 2), elements=POINT),
    score=arrays.arrays(np.float32, (2, 17), elements=st.floats(np.float32(0.001), 1, width=32)),
    gone=arrays.arrays(np.bool_, (2, 17)),
)
def test_there_and_back(xy, score, gone) -> None:
    xy[gone], score[gone] = np.nan, 0
    flat = flatten(Poses(xy, score, Boxes([[0, 0, 1, 1]] * 2, [0, 1]), COCO17))
    assert flat.shape == (2, 51)
    assert (flat.reshape(2, 17, 3)[gone] == 0).all()
    for row in range(2):
        back_xy, back_score = unflatten(flat[row].tolist(), 17)
        assert (np.isnan(back_xy[:, 0]) == gone[row]).all()
        np.testing.assert_allclose(back_xy, xy[row], rtol=1e-6, atol=0.0052)
        np.testing.assert_allclose(back_score, score[row], atol=5.1e-5)


def test_a_keypoint_at_the_origin_is_there_when_it_has_a_score() -> None:
    xy, score = unflatten([0, 0, 0.5, 0, 0, 0, 3, 0, 0], 3)
    assert np.isnan(xy[:, 0]).tolist() == [False, True, False]
    assert score.tolist() == [0.5, 0, 0]


def test_no_negative_zeros_and_few_digits() -> None:
    flat = flatten_points(np.full((1, 1, 2), -0.001, np.float32), np.full((1, 1), 1 / 3, np.float32))
    assert str(flat.tolist()) == "[[0.0, 0.0, 0.3333]]"


@pytest.mark.parametrize(
    "values", [None, "abc", [1, 2], [1] * 7, [[1, 2, 3], [4, 5]], [1, 2, "3"] * 2, [None] * 6, [{}] * 6, [10**400] * 6]
)
def test_what_is_no_list_of_so_many_numbers(values) -> None:
    with pytest.raises(InputError, match="expected 6 numbers"):
        unflatten(values, 2)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300])
def test_numbers_out_of_all_proportion(value: float) -> None:
    with pytest.raises(InputError, match="finite coordinates"):
        unflatten([value, 1, 1], 1)


@given(arrays.arrays(np.float32, (3, 4), elements=POINT))
def test_boxes_there_and_back(corners) -> None:
    corners = np.concatenate(
        [np.minimum(corners[:, :2], corners[:, 2:]), np.maximum(corners[:, :2], corners[:, 2:])], 1
    )
    flat = xywh(Boxes(corners, [0, 1, 0.5]))
    assert all(isinstance(number, float) for box in flat for number in box)
    for box, corner in zip(flat, corners, strict=True):
        np.testing.assert_allclose(boxes_from_xywh(box), corner, rtol=1e-6, atol=0.011)


@pytest.mark.parametrize("box", [None, [1, 2, 3], [[1, 2, 3, 4]], [1, 2, -3, 4], [1, 2, 3, float("nan")], ["a"] * 4])
def test_what_is_no_box(box) -> None:
    with pytest.raises(InputError, match="expected a box"):
        boxes_from_xywh(box)


def test_extents_and_mean_score_count_what_is_there() -> None:
    xy = np.array([[1, 9], [np.nan, np.nan], [5, 2]])
    assert extents(xy).tolist() == [1, 2, 5, 9]
    assert mean_score(np.array([0.5, 0, 1]), xy) == 0.75
    assert extents(xy[1:2]).tolist() == [0, 0, 0, 0]
    assert mean_score(np.zeros(1), xy[1:2]) == 0
