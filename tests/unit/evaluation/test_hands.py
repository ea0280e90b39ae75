"""AUC and mean error of hands, worked out by hand; whole people split into hands."""

from __future__ import annotations

import numpy as np
import pytest

from holopose.evaluation.hands import auc, evaluate_hands, split_hands
from holopose.evaluation.pairs import measure
from holopose.ops.labels import Found, Labelled
from holopose.skeletons import WHOLEBODY133
from label_samples import found_people, labelled_people, perfect, person_points


def test_by_hand() -> None:
    """A point d px off is near for all bounds above d: 20 bounds, 1.5 px apart, from 0."""
    truth = labelled_people([person_points(21, 0)])
    for off_px, near in ((0.0, 19), (1.4, 19), (1.51, 18), (15.01, 9), (28.4, 1), (28.51, 0), (40.0, 0)):
        answer = found_people(truth.xy + np.array([0, off_px]), boxes_xyxy=truth.boxes_xyxy)
        assert auc(measure([(truth, answer)])) == pytest.approx(near / 20), off_px
    answer = truth.xy + np.array([3, 4])
    answer[0, 20] = np.nan
    row = evaluate_hands(measure([(truth, found_people(answer, boxes_xyxy=truth.boxes_xyxy))]))["hand"]
    assert row["EPE px"] == pytest.approx(5)
    assert row["AUC"] == pytest.approx(16 / 20 * 20 / 21)
    assert row["PCK@0.2"] == pytest.approx(20 / 21)
    assert (row["found"], row["points found"]) == (1, pytest.approx(20 / 21))


def test_points_that_nobody_has_labelled_do_not_count() -> None:
    xy = person_points(21, 0)
    xy[7:] = np.nan
    truth = labelled_people([xy])
    answer = found_people([np.nan_to_num(xy)], boxes_xyxy=truth.boxes_xyxy)
    assert auc(measure([(truth, answer)])) == pytest.approx(19 / 20)


def test_nobody() -> None:
    row = evaluate_hands(measure([(Labelled.empty(21), Found.empty(21))]))["hand"]
    assert np.isnan(list(row.values())).all()
    truth = labelled_people([person_points(21, 0)])
    row = evaluate_hands(measure([(truth, Found.empty(21))]))["hand"]
    assert (row["AUC"], row["PCK@0.2"], row["found"]) == (0, 0, 0)
    assert np.isnan(row["EPE px"])


def test_splitting_whole_people() -> None:
    people = labelled_people([person_points(133, n) for n in range(2)])
    xy = people.xy.copy()
    xy[1, 91:112] = np.nan  # one left hand is missing
    found = found_people(xy, score=[0.8, 0.4], part_scores={"left_hand": np.array([0.7, 0.1])})
    hands = split_hands(found, WHOLEBODY133)
    assert hands.xy.shape == (3, 21, 2)
    np.testing.assert_array_equal(hands.xy[1:], xy[:, 112:])
    assert hands.score.tolist() == [0.7, 0.8, 0.4]
    assert hands.boxes_xyxy[0].tolist() == [*xy[0, 91:112].min(axis=0), *xy[0, 91:112].max(axis=0)]
    assert len(split_hands(perfect(people)[[]], WHOLEBODY133)) == 0
