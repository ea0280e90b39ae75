"""Associative embeddings: grouping by tags, and what is done about keypoints that somebody lacks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.ops.associative import fill_missing, group_tags, read_tags, refine_quarter
from holopose.ops.peaks import Peaks


def peaks_of(keypoints: list[int], scores: list[float] | None = None) -> Peaks:
    score = np.full(len(keypoints), 0.8) if scores is None else np.array(scores, float)
    return Peaks(np.array(keypoints, np.intp), np.zeros((len(keypoints), 2)), score)


def column(*tags: float) -> np.ndarray:
    return np.array(tags, float)[:, None]


# Grouping ------------------------------------------------------------------------------------------------------------


def test_like_tags_are_one_person() -> None:
    peaks = peaks_of([0, 0, 1, 1, 2, 2])
    assert group_tags(peaks, column(1.0, 5.0, 5.2, 0.9, 1.1, 4.9), [0, 1, 2]).tolist() == [[0, 3, 4], [1, 2, 5]]


def test_a_candidate_too_far_from_everybody_begins_a_person() -> None:
    assert group_tags(peaks_of([0, 1]), column(1.0, 2.0), [0, 1]).tolist() == [[0, -1], [-1, 1]]  # 1.0 is too far
    assert group_tags(peaks_of([0, 1]), column(1.0, 1.99), [0, 1]).tolist() == [[0, 1]]
    assert group_tags(peaks_of([0, 1]), column(1.0, 2.0), [0, 1], near=1.5).tolist() == [[0, 1]]


def test_the_unrounded_distance_decides_who_is_near() -> None:
    """1.4 rounds to the cost of 1, and is still too far."""
    assert len(group_tags(peaks_of([0, 1]), column(0.0, 1.4), [0, 1])) == 2


def test_among_equal_tags_the_higher_peak_is_taken() -> None:
    people = group_tags(peaks_of([0, 1, 1], [0.9, 0.3, 0.7]), column(2.0, 2.0, 2.1), [0, 1])
    assert people.tolist() == [[0, 2], [-1, 1]]


def test_pairs_are_chosen_for_the_smallest_sum() -> None:
    """The second candidate is nearer to the first person, who has a candidate that fits nobody else."""
    people = group_tags(peaks_of([0, 0, 1, 1]), column(0.0, 4.0, 0.2, 1.6), [0, 1], near=3.0)
    assert people.tolist() == [[0, 2], [1, 3]]


def test_the_mean_of_a_person_moves_with_its_keypoints() -> None:
    tags = column(0.0, 0.9, 1.3)  # from 0 the last one is too far, from the mean 0.45 it is not
    assert group_tags(peaks_of([0, 1, 2]), tags, [0, 1, 2]).tolist() == [[0, 1, 2]]
    assert len(group_tags(peaks_of([0, 2]), tags[[0, 2]], [0, 1, 2])) == 2


def test_the_order_of_visits_is_as_asked() -> None:
    people = group_tags(peaks_of([0, 1, 1]), column(3.0, 1.0, 3.0), [1, 0])
    assert people.tolist() == [[-1, 1], [0, 2]]  # the people of keypoint 1 come first


def test_both_numbers_of_a_tag_count() -> None:
    tags = np.array([[0.0, 0.0], [0.0, 5.0], [0.1, 5.1], [0.1, 0.1]])
    assert group_tags(peaks_of([0, 0, 1, 1]), tags, [0, 1]).tolist() == [[0, 3], [1, 2]]
    assert len(group_tags(peaks_of([0, 1]), np.array([[0.0, 0.0], [0.8, 0.8]]), [0, 1])) == 2  # 1.13 apart


def test_nobody_without_candidates() -> None:
    assert group_tags(peaks_of([]), np.zeros((0, 1)), [0, 1, 2]).shape == (0, 3)


@given(st.integers(0, 2**32 - 1))
def test_every_candidate_is_at_one_person_whatever_the_tags(seed: int) -> None:
    rng = np.random.default_rng(seed)
    keypoints = sorted(rng.integers(0, 5, rng.integers(0, 30)).tolist())
    peaks = peaks_of(keypoints, rng.random(len(keypoints)).tolist())
    people = group_tags(peaks, rng.uniform(0, 6, (len(keypoints), 2)), rng.permutation(5).tolist())
    assert sorted(people[people >= 0].tolist()) == list(range(len(keypoints)))
    assert all(peaks.keypoint[i] == k for row in people for k, i in enumerate(row) if i >= 0)


@given(st.integers(0, 2**32 - 1), st.integers(1, 30))
def test_any_number_of_people_with_tags_apart_is_told_apart(seed: int, count: int) -> None:
    """Tags 1.5 apart and noisy by up to 0.2, candidates hidden and in any order."""
    rng = np.random.default_rng(seed)
    person, keypoint = np.nonzero(rng.random((count, 17)) < 0.8)
    order = np.lexsort((rng.random(len(person)), keypoint))
    person, keypoint = person[order], keypoint[order]
    tags = person[:, None] * 1.5 + rng.uniform(-0.2, 0.2, (len(person), 1))
    people = group_tags(peaks_of(keypoint.tolist(), rng.random(len(person)).tolist()), tags, range(17))
    owners = [set(person[row[row >= 0]].tolist()) for row in people]
    assert all(len(owner) == 1 for owner in owners)
    assert len(people) == len(set(person.tolist()))


# Reading, refining, filling ------------------------------------------------------------------------------------------


def test_tags_are_read_at_whole_pixels() -> None:
    tags = np.arange(2 * 4 * 5 * 3, dtype=np.float32).reshape(2, 4, 5, 3)
    read = read_tags(tags, np.array([2, 0]), np.array([[3.0, 1.0], [9.0, -2.0]]))
    assert read.tolist() == [tags[:, 1, 3, 2].tolist(), tags[:, 0, 4, 0].tolist()]


def test_a_quarter_towards_the_higher_neighbour() -> None:
    maps = np.zeros((5, 6, 1), np.float32)
    maps[2, 3], maps[2, 4], maps[1, 3] = 1.0, 0.6, 0.5
    keypoint = np.zeros(1, np.intp)
    assert refine_quarter(maps, keypoint, np.array([[3.0, 2.0]])).tolist() == [[3.25, 1.75]]
    assert refine_quarter(maps, keypoint, np.array([[0.0, 4.0]])).tolist() == [[0.0, 4.0]]  # level around
    corner = np.zeros((5, 6, 1), np.float32)
    corner[0, 0] = 1.0
    assert refine_quarter(corner, keypoint, np.array([[0.0, 0.0]])).tolist() == [[-0.25, -0.25]]


def test_a_missing_keypoint_is_where_the_tag_fits_and_there_the_highest() -> None:
    heat = np.zeros((6, 8, 2), np.float32)
    tags = np.full((1, 6, 8, 2), 9.0, np.float32)
    tags[0, :, :4, 1] = 2.0  # the left half is this person's
    heat[1, 6, 1], heat[2, 3, 1], heat[4, 1, 1] = 0.9, 0.05, 0.08  # the highest is somebody else's
    place, score = fill_missing(heat, tags, np.array([[False, True]]), np.array([[2.3]]))
    assert place.tolist() == [[1.0, 4.0]]
    assert score.tolist() == [pytest.approx(0.08)]


def test_filling_several_people_and_keypoints_at_once() -> None:
    rng = np.random.default_rng(0)
    heat = rng.random((12, 15, 4)).astype(np.float32)
    tags = rng.uniform(0, 5, (2, 12, 15, 4)).astype(np.float32)
    missing, means = rng.random((6, 4)) < 0.5, rng.uniform(0, 5, (6, 2))
    place, score = fill_missing(heat, tags, missing, means)
    for row, (person, keypoint) in enumerate(zip(*np.nonzero(missing), strict=True)):
        apart = np.sqrt(((tags[:, :, :, keypoint] - means[person].astype(np.float32)[:, None, None]) ** 2).sum(axis=0))
        y, x = np.unravel_index(np.argmin(np.rint(apart) * 100 - heat[:, :, keypoint]), (12, 15))
        assert place[row].tolist() == [x, y]
        assert score[row] == heat[y, x, keypoint]


def test_nothing_to_fill() -> None:
    place, score = fill_missing(
        np.zeros((2, 2, 1), np.float32), np.zeros((1, 2, 2, 1), np.float32), np.zeros((1, 1), bool), np.zeros((1, 1))
    )
    assert place.shape == (0, 2)
    assert score.shape == (0,)
