"""Anchors, decoding and weighted suppression: MediaPipe's check values and rules, and a slow version of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holopose.models.blaze.anchors import anchor_centres, decode, merge_layers, sigmoid, suppress

Floats = npt.NDArray[np.float32]

POSE = (224, merge_layers([8, 16, 32, 32, 32]))
PALM = (192, merge_layers([8, 16, 16, 16]))
FACE_SHORT = (128, merge_layers([8, 16, 16, 16]))
FACE_FULL = (192, merge_layers([4], per_layer=1))


# Anchors -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("detector", "count", "index", "x", "y"),
    [
        (POSE, 2254, 0, 0.017857, 0.017857),
        (POSE, 2254, 1, 0.017857, 0.017857),
        (POSE, 2254, 2, 0.053571, 0.017857),
        (POSE, 2254, -1, 0.928571, 0.928571),
        (PALM, 2016, 0, 0.020833, 0.020833),
        (FACE_SHORT, 896, 0, 0.03125, 0.03125),
        (FACE_FULL, 2304, 0, 0.010417, 0.010417),
    ],
)
def test_check_values(
    detector: tuple[int, tuple[tuple[int, int], ...]], count: int, index: int, x: float, y: float
) -> None:
    side, layers = detector
    centres = anchor_centres((side, side), layers)
    assert centres.shape == (count, 2)
    assert centres.dtype == np.float32
    np.testing.assert_allclose(centres[index] / side, [x, y], atol=5e-7)


def test_order_is_rows_then_columns_then_anchors() -> None:
    """Also where the picture is not square, and where the last cell is cut off by its edge."""
    centres = anchor_centres((16, 40), ((8, 2), (32, 1)))
    rows, columns = (4, 12), (4, 12, 20, 28, 36)
    fine = [(x, y) for y in rows for x in columns for _ in range(2)]
    np.testing.assert_allclose(centres, [*fine, (10, 8), (30, 8)])  # 1 x 2 cells of 20 x 16 px


def test_anchors_are_made_once_and_locked() -> None:
    assert anchor_centres((64, 64), ((8, 2),)) is anchor_centres((64, 64), ((8, 2),))
    with pytest.raises(ValueError, match="read-only"):
        anchor_centres((64, 64), ((8, 2),))[0] = 0


def test_layers_of_one_grid_are_one() -> None:
    assert merge_layers([4], 1) == ((4, 1),)
    assert merge_layers([8, 16, 8]) == ((8, 2), (16, 2), (8, 2))  # only consecutive ones
    assert merge_layers([]) == ()


# Scores and boxes ----------------------------------------------------------------------------------------------------


@given(st.floats(-1e30, 1e30))
def test_sigmoid(raw: float) -> None:
    value = sigmoid(np.array([raw, -raw], np.float32))
    assert value.dtype == np.float32
    assert (value >= 0).all()
    assert (value <= 1).all()
    assert value.sum() == pytest.approx(1)
    assert value[0] >= 0.5 if raw >= 0 else value[0] <= 0.5


def raw_rows(*rows: tuple[float, ...]) -> Floats:
    return np.array([rows], np.float32)


def test_decoded_box_and_points_are_relative_to_the_anchor() -> None:
    boxes = raw_rows((1, -2, 10, 20, 3, 4, 5, 6))
    points, scores = decode(boxes, raw_rows((0.0,)), np.array([[100, 50]], np.float32), 0.5)
    assert points.tolist() == [[[96, 38], [106, 58], [103, 54], [105, 56]]]
    assert scores.tolist() == [0.5]


def test_boxes_of_negative_size_are_dropped() -> None:
    boxes = raw_rows((0, 0, -1, 5), (0, 0, 5, -1), (0, 0, 0, 0), (0, 0, 5, 5))
    points, scores = decode(boxes, np.full((1, 4, 1), 3, np.float32), np.zeros((4, 2), np.float32), 0.5)
    assert points[:, 1].tolist() == [[0, 0], [2.5, 2.5]]
    assert len(scores) == 2


@given(st.lists(st.floats(-200, 200, width=32), max_size=30), st.sampled_from([0.01, 0.2, 0.5, 0.6, 0.99]))
def test_what_reaches_the_least_score_is_kept_in_order(raw: list[float], min_score: float) -> None:
    logits = np.array(raw, np.float32)
    boxes = np.zeros((1, len(raw), 4), np.float32)
    boxes[0, :, 0] = np.arange(len(raw))
    boxes[0, :, 2:] = 1
    points, scores = decode(boxes, logits[None, :, None], np.zeros((len(raw), 2), np.float32), min_score)
    exact = 1 / (1 + np.exp(-logits.clip(-100, 100).astype(np.float64)))
    kept = points.mean(axis=1)[:, 0].tolist()
    sure = np.abs(exact - min_score) > 1e-6
    assert [i for i in kept if sure[int(i)]] == np.flatnonzero((exact >= min_score) & sure).tolist()
    assert scores.shape == (len(kept),)
    np.testing.assert_allclose(scores, exact[[int(i) for i in kept]], rtol=1e-5)


def test_a_score_equal_to_the_least_is_kept() -> None:
    boxes, centres = raw_rows((0, 0, 1, 1)), np.zeros((1, 2), np.float32)
    assert len(decode(boxes, raw_rows((0.0,)), centres, 0.5)[1]) == 1
    assert len(decode(boxes, raw_rows((-1e-3,)), centres, 0.5)[1]) == 0


def test_nothing_decoded_is_empty_arrays() -> None:
    points, scores = decode(np.zeros((1, 5, 12), np.float32), np.full((1, 5, 1), -9, np.float32), np.zeros((5, 2)), 0.5)
    assert points.shape == (0, 6, 2)
    assert scores.shape == (0,)
    points, scores, best = suppress(points, scores)
    assert (points.shape, scores.shape, best.shape) == ((0, 6, 2), (0,), (0,))


# Suppression ---------------------------------------------------------------------------------------------------------


def boxed(*boxes: tuple[float, float, float, float]) -> Floats:
    """Detections from x, y, x, y, with one more point in the middle."""
    corners = np.array(boxes, np.float32).reshape(-1, 2, 2)
    return np.concatenate([corners, corners.mean(axis=1, keepdims=True)], axis=1)


def scored(*scores: float) -> Floats:
    return np.array(scores, np.float32)


def test_group_is_the_score_weighted_mean_at_the_best_score() -> None:
    points, scores, best = suppress(boxed((0, 0, 10, 10), (2, 0, 12, 10), (50, 50, 60, 60)), scored(0.3, 0.9, 0.5))
    np.testing.assert_allclose(points[0], [[1.5, 0], [11.5, 10], [6.5, 5]], atol=1e-5)
    np.testing.assert_allclose(points[1], [[50, 50], [60, 60], [55, 55]])
    np.testing.assert_allclose(scores, [0.9, 0.5])
    assert best.tolist() == [1, 2]
    assert points.dtype == scores.dtype == np.float32


def test_boxes_overlap_when_more_than_three_tenths_are_shared() -> None:
    """Of 10 x 10: 3 shared of 10 wide stay two, a little more is one."""
    first = (0.0, 0.0, 6.5, 10.0)
    assert len(suppress(boxed(first, (3.5, 0, 10, 10)), scored(0.9, 0.8))[1]) == 2
    assert len(suppress(boxed(first, (3.45, 0, 9.95, 10)), scored(0.9, 0.8))[1]) == 1
    assert len(suppress(boxed(first, (3.5, 0, 10, 10)), scored(0.9, 0.8), max_overlap=0.29)[1]) == 1
    half = boxed((0, 0, 7.5, 10), (2.5, 0, 10, 10))  # exactly one half, without rounding
    assert len(suppress(half, scored(0.9, 0.8), max_overlap=0.5)[1]) == 2


def test_a_group_gathers_around_its_best_and_not_around_its_members() -> None:
    """The third overlaps the second, which the first takes: the third stays by itself."""
    boxes = boxed((0, 0, 10, 10), (4, 0, 14, 10), (8, 0, 18, 10))
    points, _, best = suppress(boxes, scored(0.9, 0.8, 0.7))
    assert best.tolist() == [0, 2]
    np.testing.assert_allclose(points[1], boxes[2])
    assert suppress(boxes, scored(0.8, 0.9, 0.7))[2].tolist() == [1]  # the middle one takes both


def test_it_stops_where_nothing_is_removed() -> None:
    """A box without area does not overlap even itself; what has a lower score is dropped with it, as MediaPipe does."""
    boxes = boxed((0, 0, 10, 10), (30, 30, 30, 40), (60, 60, 70, 70))
    assert suppress(boxes, scored(0.9, 0.8, 0.7))[2].tolist() == [0]
    assert suppress(boxes, scored(0.7, 0.9, 0.8))[2].tolist() == []


def slow_suppression(points: Floats, scores: Floats) -> list[tuple[Floats, float]]:
    """The rule, one step at a time in float64; boxes have areas and scores differ."""
    remaining, found = list(np.argsort(-scores)), []
    while remaining:
        top, group = remaining[0], []
        for i in remaining:
            (left, high), (right, low) = (
                np.maximum(points[top, 0], points[i, 0]),
                np.minimum(points[top, 1], points[i, 1]),
            )
            shared = max(0.0, float(right - left)) * max(0.0, float(low - high))
            areas = [float(np.prod((points[j, 1] - points[j, 0]).astype(np.float64))) for j in (top, i)]
            if shared / (sum(areas) - shared) > 0.3:
                group.append(i)
        weights = scores[group].astype(np.float64)
        found.append((np.average(points[group], axis=0, weights=weights).astype(np.float32), float(scores[top])))
        remaining = [i for i in remaining if i not in group]
    return found


cells = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(5, 30), st.integers(5, 30))
detections = st.lists(st.tuples(cells, st.integers(1, 1000)), max_size=25, unique_by=lambda one: one[1]).map(
    lambda many: (
        boxed(*[(x, y, x + w + 0.1, y + h + 0.1) for (x, y, w, h), _ in many]),
        scored(*[score / 1000 for _, score in many]),
    )
)


@settings(max_examples=150)
@given(detections)
def test_suppression_is_the_rule(many: tuple[Floats, Floats]) -> None:
    points, scores, best = suppress(*many)
    expected = slow_suppression(*many)
    assert len(points) == len(scores) == len(best) == len(expected)
    for ours, score, (theirs, top) in zip(points, scores, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-3)
        assert score == pytest.approx(top)
    np.testing.assert_array_equal(many[1][best], scores)


@given(detections, st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(many: tuple[Floats, Floats], random: object) -> None:
    points, scores = many
    order = np.array(sorted(range(len(scores)), key=lambda _: random.random()), int)  # type: ignore[attr-defined]
    first, second = suppress(points, scores), suppress(points[order], scores[order])
    np.testing.assert_allclose(first[0], second[0], atol=1e-3)
    np.testing.assert_array_equal(first[1], second[1])
    np.testing.assert_array_equal(first[2], order[second[2]])


@given(detections)
def test_groups_are_best_first_and_within_their_members(many: tuple[Floats, Floats]) -> None:
    points, scores, _ = suppress(*many)
    assert (np.diff(scores) <= 0).all()
    if len(points):
        assert (points.min(axis=0) >= many[0].min(axis=0) - 1e-3).all()
        assert (points.max(axis=0) <= many[0].max(axis=0) + 1e-3).all()
