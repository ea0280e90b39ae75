"""The pairing that gains most, found by trying all of them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.ops.assignment import assign

sizes = st.integers(0, 4)


def most(gain: np.ndarray) -> float:
    """The largest sum over all pairings, of any number of pairs."""
    rows, columns = gain.shape
    if rows > columns:
        return most(gain.T)
    return max(
        sum(max(gain[row, column], 0.0) for row, column in enumerate(order))
        for order in itertools.permutations(range(columns), rows)
    )


@given(st.data(), sizes, sizes)
def test_nothing_gains_more(data: st.DataObject, rows: int, columns: int) -> None:
    values = st.lists(st.floats(-1, 1), min_size=rows * columns, max_size=rows * columns)
    gain = np.array(data.draw(values)).reshape(rows, columns)
    first, second = assign(gain)
    assert len(set(first.tolist())) == len(first) == len(set(second.tolist()))
    assert (gain[first, second] > 0).all()
    assert first.tolist() == sorted(first.tolist())
    assert gain[first, second].sum() == pytest.approx(most(gain))


def test_nobody_is_pushed_aside_for_one_pair_more() -> None:
    """The first row keeps what is its own, though leaving it would let both rows have something."""
    first, second = assign(np.array([[0.9, 0.05], [0.1, 0.0]]))
    assert (first.tolist(), second.tolist()) == ([0], [0])
