"""How well a picture went: by OKS, by distance; the worst first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from holopose.evaluation.pairs import measure
from holopose.evaluation.quality import by_distance, by_oks, oks, worst
from holopose.evaluation.sigmas import sigmas_of
from holopose.ops.labels import Found, Labelled
from holopose.skeletons import COCO17
from label_samples import found_people, labelled_people, perfect, person_points

SIGMAS = sigmas_of(COCO17)[1]


def test_oks_by_hand() -> None:
    truth = labelled_people([person_points(17, 0)], areas=[4900.0])
    expected = np.exp(-(20**2) / (2 * (2 * SIGMAS) ** 2 * 4900))
    moved = truth.xy + np.array([0, 20])
    assert oks(truth, found_people(moved), SIGMAS)[0, 0] == pytest.approx(expected.mean())
    moved[0, 4] = np.nan
    expected[4] = 0
    assert oks(truth, found_people(moved), SIGMAS)[0, 0] == pytest.approx(expected.mean())
    xy = truth.xy.copy()
    xy[0, 10] = np.nan
    assert oks(replace(truth, xy=xy), found_people(moved), SIGMAS)[0, 0] == pytest.approx(
        np.delete(expected, 10).mean()
    )


def test_each_answer_stands_for_one_person() -> None:
    truth = labelled_people([person_points(17, 0), person_points(17, 1, at=(500.0, 0))])
    assert by_oks(truth, perfect(truth), SIGMAS) == pytest.approx(1)
    twice = found_people(np.stack([truth.xy[0], truth.xy[0]]))
    assert by_oks(truth, twice, SIGMAS) == pytest.approx(0.5)
    assert by_oks(truth, Found.empty(17), SIGMAS) == 0
    assert np.isnan(by_oks(Labelled.empty(17), twice, SIGMAS))
    assert np.isnan(by_oks(replace(truth, crowd=np.array([True, True])), twice, SIGMAS))


def test_by_distance() -> None:
    truth = labelled_people([person_points(4, 0)])
    half = found_people(truth.xy + np.array([0, 50]), boxes_xyxy=truth.boxes_xyxy)
    pairs = [(truth, perfect(truth)), (Labelled.empty(4), Found.empty(4)), (truth, half), (truth, Found.empty(4))]
    values = by_distance(measure(pairs), np.full(3, 100.0), 4)
    assert values[[0, 2, 3]].tolist() == pytest.approx([1, 0.5, 0])
    assert np.isnan(values[1])


def test_worst() -> None:
    assert worst([0.5, float("nan"), 0.1, 0.9, 0.1], 3) == [2, 4, 0]
    assert worst([float("nan")], 3) == []
    assert worst([0.1], 0) == []
