from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.ops.boxes import iou
from holopose.ops.nms import nms


def one_by_one(xyxy: np.ndarray, score: np.ndarray, limit: float) -> list[int]:  # type: ignore[type-arg]
    """The definition, spelt out."""
    kept: list[int] = []
    for row in sorted(range(len(xyxy)), key=lambda i: (-score[i], i)):
        if all(iou(xyxy[[row]], xyxy[[other]])[0, 0] <= limit for other in kept):
            kept.append(row)
    return kept


@given(st.integers(0, 30), st.floats(0, 1), st.integers(0, 99))
def test_equals_the_definition(count: int, limit: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    corner = random.integers(0, 20, (count, 2))
    xyxy = np.concatenate([corner, corner + random.integers(0, 20, (count, 2))], axis=1).astype(np.float32)
    score = random.integers(0, 5, count) / 4  # with equals among them
    kept = nms(xyxy, score, limit)
    assert kept.dtype == np.int64
    assert kept.tolist() == one_by_one(xyxy, score, limit)


def test_known() -> None:
    chain = [[0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]]  # neighbours overlap by 6 / 14, the ends by 2 / 18
    assert nms(chain, [0.9, 0.8, 0.7], 0.4).tolist() == [0, 2]
    assert nms(chain, [0.8, 0.9, 0.7], 0.4).tolist() == [1]
    assert nms(chain, [0.9, 0.8, 0.7], 0.43).tolist() == [0, 1, 2]
    assert nms([[3, 3, 3, 3]] * 2, [1, 1], 0.5).tolist() == [0, 1], "without area nothing overlaps"
    assert nms([], [], 0.5).tolist() == []
    assert nms([[0, 0, np.inf, 1], [np.nan] * 4, [0, 0, 1, 1]], [3, 2, 1], 0.5).tolist() == [2]


@pytest.mark.parametrize("count", [3000])
def test_thousands(count: int) -> None:
    corner = np.random.default_rng(0).uniform(0, 2000, (count, 2))
    xyxy = np.concatenate([corner, corner + 40], axis=1)
    kept = nms(xyxy, np.arange(count), 0.5, limit=count)
    overlaps = iou(xyxy[kept], xyxy[kept]) - np.eye(len(kept))
    assert overlaps.max() <= 0.5
    gone = np.setdiff1d(np.arange(count), kept)
    assert (iou(xyxy[gone], xyxy[kept]).max(axis=1) > 0.5).all()


def test_noise_let_through_is_bounded() -> None:
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 1e6, (3000, 2))
    boxes, score = np.concatenate([corners, corners + 1], axis=1), rng.random(3000)
    assert len(nms(boxes, score, 0.5, limit=40)) == 40
    np.testing.assert_array_equal(nms(boxes, score, 0.5, limit=40), np.argsort(-score)[:40])
    assert len(nms(boxes, score, 0.5)) == 1000
