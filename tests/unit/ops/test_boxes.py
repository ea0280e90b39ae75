"""Overlap, middles and sides of rectangles, also of those that are none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.ops.boxes import centres, iou, longer_sides

edges = st.integers(-50, 50)
boxes = st.lists(st.tuples(edges, edges, st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=5).map(
    lambda rows: np.array([[x, y, x + w, y + h] for x, y, w, h in rows], np.float64)
)


@given(boxes, boxes)
def test_iou_counts_pixels(a: np.ndarray, b: np.ndarray) -> None:
    """On whole numbers the overlap is that of the sets of unit squares."""

    def squares(box: np.ndarray) -> set[tuple[int, int]]:
        left, top, right, bottom = box.astype(int).tolist()
        return {(x, y) for x in range(left, right) for y in range(top, bottom)}

    shares = iou(a, b)
    assert shares.shape == (len(a), len(b))
    for i, first in enumerate(map(squares, a)):
        for j, second in enumerate(map(squares, b)):
            union = len(first | second)
            assert shares[i, j] == pytest.approx(len(first & second) / union if union else 0)


def test_nobody() -> None:
    assert iou(np.zeros((0, 4)), np.zeros((3, 4))).shape == (0, 3)
    assert centres(np.zeros((0, 4))).shape == (0, 2)
    assert longer_sides(np.zeros((0, 4))).shape == (0,)


def test_sides_and_middles() -> None:
    rows = [[0, 0, 4, 10], [-5, 2, 5, 2], [3, 3, 3, 3]]
    assert longer_sides(rows).tolist() == [10, 10, 0]
    assert centres(rows).tolist() == [[2, 5], [0, 2], [3, 3]]
