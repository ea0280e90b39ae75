"""AP over OKS: what is perfect, what is ignored, what ranks; the order of the answers does not matter."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("faster_coco_eval")

from holopose.errors import BackendError, InputError
from holopose.evaluation.coco_oks import STATS, evaluate, evaluate_part, evaluator_version
from holopose.ops.labels import Found, Labelled
from holopose.skeletons import COCO17, OPENPOSE18, WHOLEBODY133
from label_samples import found_people, labelled_people, perfect, person_points


def crowd_of(count: int, points: int = 17, seed: int = 0) -> Labelled:
    return labelled_people([person_points(points, seed + n, at=(200.0 * n, 0)) for n in range(count)])


@given(people=st.integers(1, 6), pictures=st.integers(1, 4), seed=st.integers(0, 999))
def test_truth_itself_is_perfect(people: int, pictures: int, seed: int) -> None:
    pairs = [(one, perfect(one)) for n in range(pictures) if len(one := crowd_of(people, seed=seed + 10 * n))]
    table = evaluate(pairs, COCO17)
    assert list(table) == ["body"]
    assert table["body"]["AP"] == pytest.approx(1)
    assert table["body"]["AR"] == pytest.approx(1)


@given(order=st.permutations(range(6)), seed=st.integers(0, 99))
def test_order_of_the_answers_does_not_matter(order: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = crowd_of(4, seed=seed)
    xy = np.concatenate([truth.xy + rng.normal(0, 6, truth.xy.shape), truth.xy[:2] + rng.normal(0, 25, (2, 17, 2))])
    found = found_people(xy, score=rng.permutation(6) / 10 + 0.1)
    expected = evaluate_part([(truth, found)], COCO17, "body")
    np.testing.assert_allclose(evaluate_part([(truth, found[list(order)])], COCO17, "body"), expected, atol=1e-12)
    assert expected[0] < 1


def test_parts_and_the_mean_of_both_hands() -> None:
    truth = crowd_of(3, 133)
    xy = truth.xy.copy()
    xy[:, 91:112] += 500  # every left hand is elsewhere
    table = evaluate([(truth, found_people(xy))], WHOLEBODY133)
    assert list(table) == ["body", "foot", "face", "lefthand", "righthand", "hand", "whole"]
    ap = {row: cells["AP"] for row, cells in table.items()}
    assert ap["body"] == ap["foot"] == ap["face"] == ap["righthand"] == pytest.approx(1)
    assert ap["lefthand"] == pytest.approx(0)
    assert ap["hand"] == pytest.approx(0.5)
    assert 0 < ap["whole"] < 1
    assert list(table["body"]) == list(STATS)


def test_a_part_that_is_not_labelled_is_ignored_and_one_that_is_not_there_is_not() -> None:
    truth = crowd_of(2, 133)
    xy = truth.xy.copy()
    xy[0, 17:23] = np.nan
    half = replace(truth, xy=xy)
    assert evaluate_part([(half, perfect(truth))], WHOLEBODY133, "feet")[0] == pytest.approx(1)
    lost = found_people(xy, point_score=np.where(np.isnan(xy).any(axis=2), 0, 1))
    figures = evaluate_part([(truth, lost)], WHOLEBODY133, "feet")
    assert figures[5] == pytest.approx(0.5)  # AR: one of two feet found


def test_crowds_count_neither_for_nor_against() -> None:
    truth = crowd_of(3)
    crowd = replace(truth, crowd=np.array([False, False, True]))
    assert evaluate_part([(crowd, perfect(crowd))], COCO17, "body")[0] == pytest.approx(1)
    everybody = found_people(truth.xy, score=[0.1, 0.2, 0.9])
    assert evaluate_part([(crowd, everybody)], COCO17, "body")[0] == pytest.approx(1)


def test_nobody_found_and_nobody_there() -> None:
    truth = crowd_of(2)
    nobody = evaluate_part([(truth, Found.empty(17))], COCO17, "body")
    assert nobody[0] == nobody[5] == 0
    assert np.isnan(evaluate_part([(Labelled.empty(17), perfect(truth))], COCO17, "body")).all()
    assert np.isnan(evaluate_part([(Labelled.empty(17), Found.empty(17))], COCO17, "body")).all()


def test_a_known_oks() -> None:
    """All points off by a distance at which OKS is just above 0.75 for sigma 0.079 and just below for 0.072."""
    xy = np.full((17, 2), 50.0) + np.arange(17)[:, None]
    truth = labelled_people([xy], areas=[10000.0])
    only = np.full((17, 2), np.nan)
    only[5:7] = xy[5:7]  # shoulders, sigma 0.079
    truth = replace(truth, xy=only[None])
    shift = np.sqrt(-np.log(0.76) * 2 * (2 * 0.079) ** 2 * 10000)
    figures = evaluate_part([(truth, found_people([xy + np.array([shift, 0])]))], COCO17, "body")
    named = dict(zip(STATS, figures.tolist(), strict=True))
    assert (named["AP50"], named["AP75"]) == (pytest.approx(1), pytest.approx(1))
    assert named["AP"] == pytest.approx(0.6)  # 0.50, 0.55, ... 0.75 of ten
    assert np.isnan(named["APm"])
    assert named["APl"] == pytest.approx(0.6)


def test_part_scores_rank_their_part_only() -> None:
    truth = crowd_of(1, 133)
    wrong = truth.xy + 400
    both = found_people(np.concatenate([truth.xy, wrong]), score=[0.9, 0.1])
    assert evaluate_part([(truth, both)], WHOLEBODY133, "feet")[0] == pytest.approx(1)
    upside = replace(both, part_scores={"feet": np.array([0.1, 0.9])})
    assert evaluate_part([(truth, upside)], WHOLEBODY133, "feet")[0] == pytest.approx(0.5, abs=0.01)
    assert evaluate_part([(truth, upside)], WHOLEBODY133, "face")[0] == pytest.approx(1)


def test_at_most_twenty_per_picture() -> None:
    truth = crowd_of(1)
    others = np.tile(truth.xy + 3000, (20, 1, 1))
    found = found_people(np.concatenate([others, truth.xy]))
    assert evaluate_part([(truth, found)], COCO17, "body")[5] == 0


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = labelled_people([person_points(18, 0)])
    with pytest.raises(InputError, match="openpose18"):
        evaluate([(truth, perfect(truth))], OPENPOSE18)
    assert evaluator_version().startswith("faster-coco-eval ")
    monkeypatch.setitem(sys.modules, "faster_coco_eval", None)
    with pytest.raises(BackendError, match=r'pip install "holopose\[eval\]"'):
        evaluator_version()
