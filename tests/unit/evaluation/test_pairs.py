"""Who stands for whom is decided by boxes, each at most once; distances of what was not found are infinite."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from holopose.evaluation.pairs import measure
from holopose.ops.labels import Found, Labelled
from label_samples import found_people, labelled_people, perfect, person_points


def test_distances() -> None:
    truth = np.array([[[0.0, 0.0], [10.0, 10.0], [np.nan, np.nan]], [[100.0, 100.0], [140.0, 120.0], [120.0, 130.0]]])
    answer = truth[::-1] + np.array([3.0, 4.0])
    answer[0, 1] = np.nan
    found = found_people(answer)
    distances = measure([(labelled_people(truth), found), (Labelled.empty(3), found)])
    np.testing.assert_array_equal(distances.px, [[5, 5, np.nan], [5, np.inf, 5]])
    assert distances.found.tolist() == [True, True]
    assert distances.picture.tolist() == [0, 0]
    assert distances.labelled.tolist() == [[True, True, False], [True, True, True]]


def test_nobody_is_used_twice_and_keypoints_do_not_choose() -> None:
    truth = labelled_people([person_points(5, 0), person_points(5, 1, at=(20.0, 0))])
    one = perfect(truth)[[0]]
    distances = measure([(truth, one)])
    assert distances.found.tolist() == [True, False]
    assert np.isinf(distances.px[1]).all()
    swapped = replace(perfect(truth), xy=truth.xy[::-1])  # the boxes say who is meant, not the points
    assert (measure([(truth, swapped)]).px > 0).any()


def test_boxes_from_the_points_where_there_are_none() -> None:
    truth = labelled_people([person_points(5, 0)])
    found = replace(perfect(truth), boxes_xyxy=np.full((1, 4), np.nan))
    assert measure([(truth, found)]).px.max() == 0


def test_nobody_at_all() -> None:
    assert measure([]).px.shape == (0, 0)
    distances = measure([(Labelled.empty(4), Found.empty(4))])
    assert distances.px.shape == (0, 4)
    truth = labelled_people([person_points(4, 0)])
    assert measure([(truth, Found.empty(4))]).found.tolist() == [False]
    crowd = replace(truth, crowd=np.array([True]))
    assert len(measure([(crowd, perfect(truth))]).px) == 0


def test_several_pictures_are_told_apart() -> None:
    truth = labelled_people([person_points(4, 0), person_points(4, 1, at=(200.0, 0))])
    distances = measure([(truth, perfect(truth)), (truth, perfect(truth)[[1]])])
    assert distances.picture.tolist() == [0, 0, 1, 1]
    assert distances.found.tolist() == [True, True, False, True]
    assert distances.boxes_xyxy[1].tolist() == pytest.approx(truth.boxes_xyxy[1].tolist())
