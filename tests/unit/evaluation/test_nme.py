"""Normalised mean error of faces, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from holopose.errors import InputError
from holopose.evaluation.nme import evaluate_nme
from holopose.evaluation.pairs import measure
from holopose.ops.labels import Found, Labelled
from label_samples import found_people, labelled_people, person_points


def face(seed: int, left_px: float, *, eyes_px: float = 50.0) -> np.ndarray:
    xy = person_points(68, seed, at=(left_px, 0))
    xy[36], xy[45] = (left_px + 20, 30), (left_px + 20 + eyes_px, 30)
    xy[0], xy[1] = (left_px, 0), (left_px + 100, 100)  # so that the box is 100 x 100
    return xy


def test_by_hand() -> None:
    people = [face(0, 0), face(1, 300), face(2, 600)]
    answers = np.array([people[0] + [3, 4], people[1] + [0, 2], np.full((68, 2), 5000.0)])
    answers[1, 5:] = np.nan  # of this face five points were found
    answers[2] += person_points(68, 9)  # and the third face was not
    row = evaluate_nme(measure([(labelled_people(people), found_people(answers))]))["face"]
    assert row["NME eyes"] == pytest.approx((5 / 50 + 2 / 50) / 2)
    assert row["NME box"] == pytest.approx((5 / 100 + 2 / 100) / 2)
    assert row["failures@0.1"] == pytest.approx(2 / 3)  # 0.1 itself and the face that was not found
    assert row["found"] == pytest.approx(2 / 3)
    assert row["points found"] == pytest.approx(73 / 204)


def test_faces_without_eyes_count_by_their_box_alone() -> None:
    people = [face(0, 0), face(1, 300)]
    people[0][36] = np.nan
    answers = np.nan_to_num(np.array(people)) + np.array([0, 5])
    labelled = labelled_people(people)
    row = evaluate_nme(measure([(labelled, found_people(answers, boxes_xyxy=labelled.boxes_xyxy))]))["face"]
    assert row["NME eyes"] == pytest.approx(0.1)
    assert row["NME box"] == pytest.approx(0.05)


def test_nobody_and_something_else() -> None:
    row = evaluate_nme(measure([(Labelled.empty(68), Found.empty(68))]))["face"]
    assert np.isnan(list(row.values())).all()
    row = evaluate_nme(measure([(labelled_people([face(0, 0)]), Found.empty(68))]))["face"]
    assert (row["failures@0.1"], row["found"]) == (1, 0)
    assert np.isnan(row["NME eyes"])
    with pytest.raises(InputError, match="expected 68 points per face, got 17"):
        evaluate_nme(measure([(Labelled.empty(17), Found.empty(17))]))
