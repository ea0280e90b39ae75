"""One person found twice is told by the pose; two people side by side stay two."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.ops.oks import similarity
from holopose.ops.pose_nms import is_comparable, keep_by_oks, likeness, merge_parametric, suppress, survivors
from holopose.skeletons import (
    COCO17,
    FACE68,
    HALPE26,
    HALPE136,
    HAND21,
    LAYOUTS,
    OPENPOSE18,
    OPENPOSE25,
    WHOLEBODY133,
    Skeleton,
)
from holopose.skeletons.conversions import convert
from holopose.types import Boxes, Poses


def crowd(
    places: list[tuple[float, float]], scores: list[float], layout: Skeleton = COCO17, *, side: float = 200
) -> Poses:
    """The same made-up body at several places, in boxes of 0.5 x 1 `side`, keypoints of the person's score."""
    body = np.random.default_rng(5).uniform((0, 0), (0.5 * side, side), (len(layout), 2))
    at = np.array(places, float).reshape(-1, 2)
    xy = body + at[:, None]
    boxes = np.hstack([at, at + np.array([0.5 * side, side])])
    score = np.repeat(np.array(scores)[:, None], len(layout), axis=1)
    return Poses(xy, score, Boxes(boxes, scores), layout)


# By similarity -------------------------------------------------------------------------------------------------------


def test_the_best_of_alike_poses_stays() -> None:
    poses = crowd([(0, 0), (300, 0), (2, 1), (301, 2)], [0.5, 0.9, 0.8, 0.4])
    assert survivors(poses)[0] == [1, 2]
    np.testing.assert_array_equal(suppress(poses).boxes.score, np.float32([0.9, 0.8]))


def test_threshold_of_similarity_by_hand() -> None:
    """exp(-d² / (2 (2 s k)²)) with d = 6 px, s² = 1.25² · 10000 and one keypoint of sigma 0.025."""
    xy = np.array([[[0.0, 0.0]], [[6.0, 0.0]]])
    area, sigmas = np.full(2, 1.25**2 * 100 * 100), np.array([0.025])
    alike = np.exp(-36 / (2 * (2 * 125 * 0.025) ** 2))
    score = np.array([0.3, 0.7])
    assert keep_by_oks(xy, score, area, sigmas, alike + 1e-6) == [1, 0]
    assert keep_by_oks(xy, score, area, sigmas, alike - 1e-6) == [1]


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 12))
def test_kept_are_those_not_like_anybody_better(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    xy = random.integers(0, 2, (count, 1, 2)) * 40 + random.uniform(0, 12, (count, 17, 2))
    xy[random.random((count, 17)) < 0.2] = np.nan
    score, area = random.integers(0, 3, count) / 2, random.uniform(1e3, 1e4, count)
    sigmas = np.array(COCO17.sigmas, float)
    known = np.isfinite(xy).all(axis=2)
    filled = np.nan_to_num(xy)
    alike = similarity(
        filled,
        filled,
        weight=(known[:, None] & known[None]).astype(float),
        size_px=np.sqrt((area[:, None] + area[None]) / 2),
        sigmas=sigmas,
    )
    kept: list[int] = []
    for one in sorted(range(count), key=lambda row: (-score[row], row)):
        if all(alike[one, better] <= 0.7 for better in kept):
            kept.append(one)
    assert keep_by_oks(xy, score, area, sigmas, 0.7) == kept


def test_a_crowd_of_whole_bodies_takes_little_memory() -> None:
    """All pairs with all keypoints at once would be 100 MB."""
    random = np.random.default_rng(0)
    xy, sigmas = random.uniform(0, 1000, (200, 133, 2)), np.array(WHOLEBODY133.sigmas, float)
    tracemalloc.start()
    try:
        kept = keep_by_oks(xy, random.uniform(0, 1, 200), np.full(200, 1e4), sigmas, 0.9)
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(kept) == 200
    assert most_bytes < 20e6


def test_missing_keypoints_do_not_count() -> None:
    poses = crowd([(0, 0), (0, 0)], [0.9, 0.8])
    xy, score = poses.xy.copy(), poses.score.copy()
    xy[1, 3:], score[1, 3:] = np.nan, 0
    assert len(suppress(poses.replace(xy=xy, score=score))) == 1


def test_none_only_sorts() -> None:
    poses = crowd([(0, 0), (0, 0), (0, 0)], [0.5, 0.9, 0.7])
    assert suppress(poses, "none").boxes.score.tolist() == pytest.approx([0.9, 0.7, 0.5])
    assert len(suppress(poses, "oks")) == 1


@pytest.mark.parametrize("layout", [HALPE26, HALPE136, OPENPOSE25], ids=lambda layout: layout.name)
def test_without_sigmas_the_body_tells(layout: Skeleton) -> None:
    poses = crowd([(0, 0), (300, 0), (2, 1)], [0.5, 0.9, 0.8], layout)
    assert survivors(poses)[0] == [1, 2]


@pytest.mark.parametrize("rule", ["oks", "parametric", "none"])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_nobody_and_one_stay_as_they_are(rule: str, layout: Skeleton) -> None:
    assert suppress(Poses.empty(layout), rule).allclose(Poses.empty(layout))  # type: ignore[arg-type]
    one = crowd([(5, 5)], [0.9], layout)
    assert suppress(one, rule).allclose(one)  # type: ignore[arg-type]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(1, 99)), max_size=8), st.randoms())
@pytest.mark.parametrize("rule", ["oks", "parametric", "none"])
def test_the_result_is_sorted_and_whatever_order_people_come_in(
    rule: str, people: list[tuple[int, int, int]], random: object
) -> None:
    people = list({score: (10.0 * x, 10.0 * y, score) for x, y, score in people}.values())  # scores all different
    poses = crowd([(x, y) for x, y, _ in people], [score / 100 for *_, score in people])
    kept, result = survivors(poses, rule)  # type: ignore[arg-type]
    assert (np.diff(result.boxes.score) <= 0).all()
    np.testing.assert_array_equal(result.boxes.score, poses.boxes.score[kept])
    order = list(range(len(people)))
    random.shuffle(order)  # type: ignore[attr-defined]
    assert suppress(poses[np.array(order, int)], rule).allclose(result)  # type: ignore[arg-type]


# Likeness between layouts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", [WHOLEBODY133, HALPE26, OPENPOSE18, OPENPOSE25], ids=lambda layout: layout.name)
def test_likeness_compares_any_two_layouts(layout: Skeleton) -> None:
    poses = crowd([(0, 0), (300, 0)], [0.9, 0.8], WHOLEBODY133)
    alike = likeness(poses, convert(poses, layout))
    assert alike.shape == (2, 2)
    np.testing.assert_allclose(alike, np.eye(2), atol=1e-3)


def test_likeness_hardly_counts_what_one_only_guesses() -> None:
    poses = crowd([(0, 0)], [0.9])
    xy, score = poses.xy.copy(), poses.score.copy()
    xy[0, 11:] += 500  # legs guessed elsewhere
    assert likeness(poses, poses.replace(xy=xy))[0, 0] == pytest.approx(11 / 17, abs=1e-3)
    score[0, 11:] = 0.02
    assert likeness(poses, poses.replace(xy=xy, score=score))[0, 0] > 0.95


def test_likeness_needs_something_in_common() -> None:
    poses = crowd([(0, 0)], [0.9])
    xy, score = poses.xy.copy(), poses.score.copy()
    xy[0, 2:], score[0, 2:] = np.nan, 0
    assert likeness(poses, poses.replace(xy=xy, score=score))[0, 0] == 0
    assert likeness(Poses.empty(COCO17), poses).shape == (0, 1)
    assert likeness(poses, Poses.empty(WHOLEBODY133)).shape == (1, 0)


def test_layouts_without_bodies_cannot_be_compared() -> None:
    assert is_comparable(WHOLEBODY133)
    assert is_comparable(OPENPOSE18)
    assert not is_comparable(HAND21)
    assert not is_comparable(FACE68)


# Parametric ----------------------------------------------------------------------------------------------------------


def formula(near: float, s: float, other: float, count: int) -> float:
    """Similarity of `count` keypoints all `near` reaches apart, heatmap constants."""
    agreement = np.tanh(s) * np.tanh(other) if near <= 1 else 0.0
    return float(count * (agreement + 1.7 * np.exp(-near / 2.65)))


@pytest.mark.parametrize("shift_px", [7.5, 9.0, 11.0, 12.0, 12.4, 12.6, 13.0, 14.0, 20.0])
def test_similarity_of_bodies_by_hand(shift_px: float) -> None:
    """Beyond the 7 px of the reach no keypoint matches, so the similarity alone decides: 26 keypoints, gamma 22.48."""
    poses = crowd([(0, 0), (shift_px, 0)], [0.9, 0.8], HALPE26)
    same = formula(shift_px / 7, 0.9, 0.8, 26) > 22.48
    assert len(suppress(poses, "parametric")) == (1 if same else 2)
    assert [formula(px / 7, 0.9, 0.8, 26) > 22.48 for px in (12.4, 12.6)] == [True, False]  # both sides are tried


@pytest.mark.parametrize("matching", range(8))
def test_five_matching_keypoints_of_a_body_are_enough(matching: int) -> None:
    poses = crowd([(0, 0), (100, 0)], [0.9, 0.8])
    xy = poses.xy.copy()
    xy[1, :matching] = xy[0, :matching] + (4, 4)  # 5.7 px
    assert len(suppress(poses.replace(xy=xy), "parametric")) == (1 if matching >= 5 else 2)


def test_reach_follows_the_box_of_small_people() -> None:
    """A tenth of a box of 40 px is 4 px: keypoints 5 px apart do not match, and 5/4 reaches are too far to be alike."""
    assert len(suppress(crowd([(0, 0), (5, 0)], [0.9, 0.8], side=40), "parametric")) == 2
    assert len(suppress(crowd([(0, 0), (3, 0)], [0.9, 0.8], side=40), "parametric")) == 1


@pytest.mark.parametrize("layout", [WHOLEBODY133, HALPE136], ids=lambda layout: layout.name)
@pytest.mark.parametrize("shift_px", [10.0, 25.0, 29.0, 31.0, 40.0, 100.0])
def test_similarity_of_whole_bodies_by_hand(layout: Skeleton, shift_px: float) -> None:
    """Means over body, face and hands with weights 1, 1.9 and 0.55 * 1.5: 1.65 * 3.725 * exp(-d / 8) against 3.6."""
    poses = crowd([(0, 0), (shift_px, 0)], [0.9, 0.8], layout)
    same = 1.65 * (1 + 1.9 + 0.55 * 1.5) * np.exp(-shift_px / 7 / 8) > 3.6
    assert len(suppress(poses, "parametric")) == (1 if same else 2)


@pytest.mark.parametrize("matching", range(5))
def test_three_matching_keypoints_of_a_whole_body_are_enough(matching: int) -> None:
    poses = crowd([(0, 0), (400, 0)], [0.9, 0.8], WHOLEBODY133)
    xy = poses.xy.copy()
    xy[1, :matching] = xy[0, :matching] + (4, 4)
    assert len(suppress(poses.replace(xy=xy), "parametric")) == (1 if matching >= 3 else 2)


def test_merged_by_score_where_near() -> None:
    poses = crowd([(0, 0), (6, 0), (0, 3)], [0.9, 0.6, 0.3])
    xy, score = poses.xy.copy(), poses.score.copy()
    xy[2, 0] += 50  # beyond the 15 px: not averaged
    xy[1, 1], score[1, 1] = np.nan, 0
    rows, merged = merge_parametric(poses.replace(xy=xy, score=score))
    assert rows == [0]
    weights = np.array([0.9, 0.6, 0.3])
    mean = (weights[:, None] * poses.xy[:, 5]).sum(axis=0) / 1.8
    np.testing.assert_allclose(merged.xy[0, 5], mean, atol=1e-4)
    assert merged.score[0, 5] == pytest.approx((weights**2).sum() / 1.8)
    np.testing.assert_allclose(merged.xy[0, 0], (0.9 * xy[0, 0] + 0.6 * xy[1, 0]) / 1.5, atol=1e-4)
    np.testing.assert_allclose(merged.xy[0, 1], (0.9 * xy[0, 1] + 0.3 * xy[2, 1]) / 1.2, atol=1e-4)
    np.testing.assert_array_equal(merged.boxes.xyxy, poses.boxes.xyxy[:1])


@pytest.mark.parametrize(("apart_px", "side", "averaged"), [(14, 200, True), (16, 200, False), (5, 40, False)])
def test_merged_within_a_tenth_of_the_box_and_15_px(apart_px: float, side: float, averaged: bool) -> None:
    poses = crowd([(0, 0), (0, 0)], [0.8, 0.8], side=side)
    xy = poses.xy.copy()
    xy[1, 3, 0] += apart_px
    merged = suppress(poses.replace(xy=xy), "parametric")
    assert len(merged) == 1
    assert merged.xy[0, 3, 0] - xy[0, 3, 0] == pytest.approx(apart_px / 2 * averaged, abs=1e-4)


def test_what_the_best_lacks_stays_missing() -> None:
    poses = crowd([(0, 0), (1, 0)], [0.9, 0.6])
    xy, score = poses.xy.copy(), poses.score.copy()
    xy[0, 4], score[0, 4] = np.nan, 0
    merged = suppress(poses.replace(xy=xy, score=score), "parametric")
    assert len(merged) == 1
    assert np.isnan(merged.xy[0, 4]).all()
    assert merged.score[0, 4] == 0


def test_nobody_without_any_keypoint_of_some_score() -> None:
    assert len(suppress(crowd([(0, 0)], [0.29]), "parametric")) == 0
    assert len(suppress(crowd([(0, 0)], [0.31]), "parametric")) == 1
    assert len(suppress(crowd([(0, 0)], [0.29], WHOLEBODY133), "parametric")) == 1  # there 0.01 does


def test_a_crowd_found_three_times_over() -> None:
    """Thirty people in a grid; the order of their scores is that of the rows."""
    places = [(220.0 * (i % 6), 220.0 * (i // 6)) for i in range(30)]
    jitter = np.random.default_rng(1).uniform(-1, 1, (90, 2))
    found = [(x + dx, y + dy) for (x, y), (dx, dy) in zip(places * 3, jitter, strict=True)]
    scores = np.linspace(0.9, 0.5, 90).tolist()
    for layout in (COCO17, WHOLEBODY133):
        for rule in ("oks", "parametric"):
            assert survivors(crowd(found, scores, layout), rule)[0] == list(range(30))  # type: ignore[arg-type]
