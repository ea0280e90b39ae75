"""Part affinity fields: scores worked out by hand, and who belongs together."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowd_scenes import crowd, fields, grid, overlaps
from holopose.ops.limbs import Limbs, limbs_of
from holopose.ops.paf import CPP, PORT, POSITIVE, Joints, Rules, assemble, join, score_joints, select_greedily
from holopose.ops.peaks import Peaks
from holopose.skeletons import OPENPOSE18, OPENPOSE25, Skeleton

# Three keypoints in a row, the third also joined to the first by an extra limb; the last keypoint is minor.
LINE = Limbs(
    ends=np.array([[0, 1], [1, 2], [0, 2], [2, 3]]),
    channels=np.array([[0, 1], [2, 3], [4, 5], [6, 7]]),
    extra=np.array([False, False, True, False]),
    minor=np.array([False, False, False, True]),
)


def peaks_at(*places: tuple[int, float, float], score: float = 0.8) -> Peaks:
    """Candidates (keypoint, x, y), in the order of keypoints."""
    keypoint, x, y = zip(*places, strict=True) if places else ((), (), ())
    xy = np.stack([np.array(x, float), np.array(y, float)], axis=1)
    return Peaks(np.array(keypoint, np.intp), xy, np.full(len(places), score))


def joints_of(*rows: tuple[int, int, int, float]) -> Joints:
    limb, first, second, score = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Joints(*(np.array(column, np.intp) for column in (limb, first, second)), np.array(score, float))


def flow(value: tuple[float, float], *, limb: int = 0, size_hw: tuple[int, int] = (100, 200)) -> np.ndarray:
    """Fields that point the same way everywhere for one limb, and nowhere for others."""
    maps = np.zeros((*size_hw, 8), np.float32)
    maps[:, :, LINE.channels[limb]] = value
    return maps


# Line integrals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rules", [CPP, PORT], ids=["cpp", "port"])
def test_the_score_is_the_field_along_the_limb(rules: Rules) -> None:
    pair = peaks_at((0, 10, 10), (1, 40, 50))  # direction (0.6, 0.8), 50 px: no longer than half the height
    joints = score_joints(flow((0.5, 0.25)), pair, LINE, rules)
    assert (joints.limb.tolist(), joints.first.tolist(), joints.second.tolist()) == ([0], [0], [1])
    assert joints.score[0] == pytest.approx(0.5 * 0.6 + 0.25 * 0.8)
    assert len(score_joints(flow((-0.5, -0.25)), pair, LINE, rules)) == 0
    assert len(score_joints(flow((-0.8, 0.6)), pair, LINE, rules)) == 0  # across


def test_ten_samples_are_worth_less_on_long_limbs() -> None:
    pair = peaks_at((0, 10, 10), (1, 110, 10))  # as long as the map is high
    assert score_joints(flow((1, 0)), pair, LINE, PORT).score[0] == pytest.approx(1 + 0.5 * 100 / 100 - 1)
    assert score_joints(flow((1, 0)), pair, LINE, CPP).score[0] == pytest.approx(1)
    assert len(score_joints(flow((0.4, 0)), pair, LINE, PORT)) == 0


@pytest.mark.parametrize(("reach", "samples"), [(4, 5), (20, 10), (45, 15), (80, 20), (125, 25), (180, 25)])
def test_the_number_of_samples_adapts(reach: int, samples: int) -> None:
    """From round(sqrt(5 * the larger of |dx|, |dy|)), 5 to 25: seen by letting one sample after the other disagree."""
    pair = peaks_at((0, 10, 10), (1, 10 + reach, 10))
    maps = flow((1, 0))
    dark = {int(np.floor(10 + reach * k / samples + 0.5)) for k in range(samples)}
    assert len(dark) == samples or reach < samples
    whole = score_joints(maps, pair, LINE, CPP)
    assert whole.score[0] == pytest.approx(1)
    elsewhere = np.setdiff1d(np.arange(200), list(dark))
    maps[:, elsewhere] = -1  # nobody looks there
    assert score_joints(maps, pair, LINE, CPP).score[0] == pytest.approx(1)


def test_the_share_of_samples_that_agree_must_be_exceeded() -> None:
    pair = peaks_at((0, 10, 10), (1, 90, 10))  # 20 samples, every 4 px from 10 on
    maps = flow((1, 0))
    maps[:, 10 + 4 * 7] = 0  # 19 of 20 = 0.95: not exceeded
    assert len(score_joints(maps, pair, LINE, CPP)) == 0
    assert score_joints(maps, pair, LINE, replace(CPP, share=0.94)).score[0] == pytest.approx(1)  # of those that agree
    long = peaks_at((0, 10, 10), (1, 135, 10))  # 25 samples, every 5 px: 24 of 25 = 0.96
    maps = flow((1, 0))
    maps[:, 10 + 5 * 7] = 0
    assert score_joints(maps, long, LINE, CPP).score[0] == pytest.approx(1)


def test_the_far_end_is_left_out_of_adaptive_samples_and_part_of_ten() -> None:
    pair = peaks_at((0, 10, 10), (1, 46, 10))
    maps = flow((1, 0))
    maps[:, 46] = 0.1
    assert score_joints(maps, pair, LINE, CPP).score[0] == pytest.approx(1)
    assert score_joints(maps, pair, LINE, PORT).score[0] == pytest.approx(0.91)


def test_candidates_that_almost_touch_need_no_evidence() -> None:
    near = np.sqrt(100 * 200) / 150  # 0.94 px
    touching = score_joints(flow((0, 0)), peaks_at((0, 10, 10), (1, 10 + 0.9 * near, 10)), LINE, CPP)
    assert touching.score.tolist() == [pytest.approx(CPP.peak + 1e-6)]
    assert len(score_joints(flow((0, 0)), peaks_at((0, 10, 10), (1, 10 + 1.1 * near, 10)), LINE, CPP)) == 0
    assert len(score_joints(flow((1, 0)), peaks_at((0, 10, 10), (1, 10, 10)), LINE, CPP)) == 0  # one and the same place
    assert len(score_joints(flow((1, 0)), peaks_at((0, 10, 10), (1, 10, 10)), LINE, PORT)) == 0


def test_samples_beyond_the_map_are_read_at_its_edge() -> None:
    pair = peaks_at((0, -3.0, 10), (1, 30, -2))
    assert score_joints(flow((1, 0)), pair, LINE, CPP).score[0] == pytest.approx(33 / np.hypot(33, 12))


def test_every_pair_of_the_right_kinds_is_looked_at() -> None:
    peaks = peaks_at((0, 10, 10), (0, 10, 30), (1, 60, 10), (1, 60, 20), (1, 60, 30), (2, 90, 90))
    joints = score_joints(flow((1, 0)), peaks, LINE, CPP)
    assert {tuple(row) for row in zip(joints.first.tolist(), joints.second.tolist(), strict=True)} == {
        (a, b) for a in (0, 1) for b in (2, 3, 4)
    }
    every = np.concatenate([flow((1, 0), limb=k)[:, :, LINE.channels[k]] for k in range(4)], axis=2)
    assert len(score_joints(every, peaks, LINE, replace(CPP, field=-2))) == 2 * 3 + 3 * 1 + 2 * 1


@given(st.integers(0, 2**32 - 1))
def test_many_pairs_at_once_score_as_each_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    maps = rng.uniform(-0.2, 1, (40, 60, 8)).astype(np.float32)
    places = sorted((int(rng.integers(4)), *rng.uniform(0, 40, 2)) for _ in range(12))
    rules = CPP if seed % 2 else PORT
    together = score_joints(maps, peaks_at(*places), LINE, rules)
    for first, second, limb, score in zip(together.first, together.second, together.limb, together.score, strict=True):
        alone = score_joints(maps, peaks_at(places[first], places[second]), LINE, rules)
        assert alone.limb.tolist() == [limb]
        assert alone.score[0] == pytest.approx(score)


def test_more_pairs_than_fit_at_once() -> None:
    rng = np.random.default_rng(0)
    places = [(k, *rng.uniform(0, 90, 2)) for k in (0, 1) for _ in range(140)]
    joints = score_joints(flow((1, 0)), peaks_at(*places), LINE, CPP)
    assert len(joints) > 5000
    last = joints[-1:]
    alone = score_joints(flow((1, 0)), peaks_at(places[last.first[0]], places[last.second[0]]), LINE, CPP)
    assert alone.score.tolist() == pytest.approx(last.score.tolist())


# Choosing and putting together ---------------------------------------------------------------------------------------


def test_the_best_pairs_of_a_limb_win_and_each_candidate_is_used_once() -> None:
    joints = joints_of((0, 0, 2, 0.7), (0, 0, 3, 0.9), (0, 1, 3, 0.8), (0, 1, 2, 0.1), (1, 3, 4, 0.3), (1, 2, 4, 0.5))
    kept = select_greedily(joints)
    assert list(zip(kept.limb, kept.first, kept.second, strict=True)) == [(0, 0, 3), (0, 1, 2), (1, 2, 4)]


FIVE = peaks_at((0, 0, 0), (0, 5, 0), (1, 0, 9), (1, 5, 9), (2, 0, 20), (3, 0, 25), score=0.5)


def test_people_begin_grow_and_become_one() -> None:
    people, sums = assemble(joints_of((0, 0, 2, 1.0), (1, 2, 4, 0.9)), FIVE, LINE)
    assert people.tolist() == [[0, 2, 4, -1]]
    assert sums.tolist() == [pytest.approx(3 * 0.5 + 1.9)]
    # The same, found from both ends: two people until the limb between them.
    apart = joints_of((2, 0, 4, 0.3), (0, 0, 2, 1.0), (3, 4, 5, 0.7), (1, 2, 4, 0.9))
    people, sums = assemble(apart, FIVE, LINE)
    assert people.tolist() == [[0, 2, 4, 5]]
    assert sums.tolist() == [pytest.approx(3 * 0.5 + 1.9)]  # the extra limb came too early, the minor ones do not count


def test_extra_limbs_complete_and_never_begin() -> None:
    assert len(assemble(joints_of((2, 0, 4, 1.0)), FIVE, LINE)[0]) == 0
    people, sums = assemble(joints_of((0, 0, 2, 1.0), (2, 0, 4, 0.4)), FIVE, LINE)
    assert people.tolist() == [[0, 2, 4, -1]]
    assert sums.tolist() == [pytest.approx(1.5 + 1.4)]
    # Both ends taken already: only the score grows.
    assert assemble(joints_of((0, 0, 2, 1.0), (1, 2, 4, 1.0), (2, 0, 4, 0.4)), FIVE, LINE)[1][0] == pytest.approx(3.9)


def test_nobody_has_a_keypoint_twice_and_no_candidate_two_people() -> None:
    rows = joints_of((0, 0, 2, 1.0), (0, 1, 3, 0.9), (1, 2, 4, 0.8), (1, 3, 4, 0.7), (0, 0, 3, 0.6))
    people, sums = assemble(rows, FIVE, LINE)
    assert people.tolist() == [[0, 2, 4, -1], [1, 3, -1, -1]]
    assert sums.tolist() == [pytest.approx(1.5 + 1.8), pytest.approx(1.0 + 0.9)]  # what did not fit adds nothing


@given(st.integers(0, 2**32 - 1))
def test_whatever_the_limbs_people_share_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    peaks = peaks_at(*sorted((int(k), 0.0, 0.0) for k in rng.integers(0, 4, 12)))
    of = [np.flatnonzero(peaks.keypoint == k).tolist() for k in range(4)]
    possible = [(limb, a, b) for limb, (k, m) in enumerate(LINE.ends.tolist()) for a in of[k] for b in of[m]]
    order = rng.permutation(len(possible))
    people, _ = assemble(joints_of(*[(*possible[i], rng.random()) for i in order]), peaks, LINE)
    members = people[people >= 0]
    assert len(set(members.tolist())) == len(members)
    assert all(peaks.keypoint[i] == k for person in people for k, i in enumerate(person) if i >= 0)
    assert ((people >= 0).sum(axis=1) >= 2).all()


def test_who_is_kept() -> None:
    """At least three keypoints, feet not counted, and 0.4 of score for each; fewer and less to maximize positives."""
    along = np.concatenate([flow((0.6, 0), limb=k)[:, :, LINE.channels[k]] for k in range(4)], axis=2)
    three = [(0, 10, 10), (1, 30, 10), (2, 50, 10)]
    assert join(along, peaks_at(*three), LINE, CPP).tolist() == [[0, 1, 2, -1]]
    assert len(join(along, peaks_at(*three[:2]), LINE, CPP)) == 0
    assert len(join(along, peaks_at(three[1], three[2], (3, 70, 10)), LINE, CPP)) == 0  # a foot is no third keypoint
    assert len(join(along, peaks_at(*three[:2]), LINE, POSITIVE)) == 1
    assert len(join(along, peaks_at(*three), LINE, PORT)) == 0  # four keypoints, and here are no more that count
    faint = 0.1 * along / 0.6
    assert len(join(faint, peaks_at(*three, score=0.2), LINE, CPP)) == 0  # (3 * 0.2 + 3 * 0.1) / 3 = 0.3
    assert len(join(faint, peaks_at(*three, score=0.35), LINE, CPP)) == 1  # 0.45


def test_global_ranking_counts_the_peaks_too_and_extra_limbs_last() -> None:
    """Two candidates for one end: the field likes one a little more, the heatmap the other one much more."""
    maps = flow((1, 0))
    maps[15:, :, 0] = 0.9
    third = flow((1, 0), limb=1)
    both = np.maximum(maps, third)
    peaks = peaks_at((0, 10, 12), (1, 60, 12), (1, 60, 19), (2, 90, 15))
    peaks.score[:] = 0.5, 0.1, 0.9, 0.8
    rules = replace(CPP, parts=2)
    assert join(both, peaks, LINE, rules)[0, 1] == 1
    assert join(both, peaks, LINE, rules, ranking="global")[0, 1] == 2
    pair = peaks_at((0, 10, 12), (1, 60, 12), (1, 60, 19))
    pair.score[:] = 0.5, 0.4, 0.6  # a tenth of the difference is less than what the field likes more
    assert join(maps, pair, LINE, rules, ranking="global")[0, 1] == 1


# Crowds --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("skeleton", [OPENPOSE18, OPENPOSE25], ids=lambda s: s.name)
@pytest.mark.parametrize("seed", range(6))
def test_ten_overlapping_people_from_exact_candidates(skeleton: Skeleton, seed: int) -> None:
    """Candidates in shuffled order, so that it cannot help; every rule and ranking."""
    scene = crowd(100 + seed)
    assert overlaps(scene) >= 5
    xy = scene.points(skeleton)
    rng = np.random.default_rng(seed)
    order = np.argsort([k + 0.9 * rng.random() for _ in xy for k in range(len(skeleton))])
    person, keypoint = np.divmod(order, len(skeleton))
    peaks = Peaks(keypoint, (xy[person, keypoint] - 1.5) / 4, np.full(len(order), 0.9))
    maps = np.ascontiguousarray(fields(xy, skeleton, grid(scene.size_wh, 4, 1.5), 8.0).transpose(1, 2, 0))
    for rules, ranking in product((CPP, POSITIVE, PORT), ("limbs", "global")):
        people = join(maps, peaks, limbs_of(skeleton), rules, ranking=ranking)
        assert sorted(person[row].tolist() for row in people) == [[n] * len(skeleton) for n in range(10)], rules


def test_noise_gives_nobody() -> None:
    rng = np.random.default_rng(0)
    limbs = limbs_of(OPENPOSE25)
    places = sorted((int(rng.integers(25)), *rng.uniform(0, 200, 2)) for _ in range(200))
    maps = rng.normal(0, 0.1, (200, 200, 52)).astype(np.float32)
    assert len(join(maps, peaks_at(*places, score=0.06), limbs, CPP)) == 0
    assert join(maps, peaks_at(), limbs, CPP).shape == (0, 25)
