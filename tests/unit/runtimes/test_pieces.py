from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.runtimes.pieces import count_items, cut, fits, join, spell


@given(st.integers(1, 40), st.integers(1, 9), st.booleans())
def test_pieces_together_are_the_whole(count: int, size: int, pad: bool) -> None:
    batch = {"x": np.arange(count * 2).reshape(count, 2), "y": np.arange(count)}
    pieces = cut(batch, size, pad=pad)
    lengths = [count_items(piece) for piece in pieces]
    assert lengths[:-1] == [size] * (len(pieces) - 1)
    assert lengths[-1] == size if pad else 1 <= lengths[-1] <= size
    whole = join(pieces, count)
    for name, array in batch.items():
        np.testing.assert_array_equal(whole[name], array)


@given(st.integers(0, 20), st.integers(0, 20), st.integers(1, 6))
def test_a_part_of_the_items(begin: int, length: int, size: int) -> None:
    pieces = cut({"x": np.arange(50)}, size, begin=begin, end=begin + length)
    assert [int(i) for piece in pieces for i in piece["x"]] == list(range(begin, begin + length))


def test_counts_and_shapes() -> None:
    assert count_items({}) == count_items({"x": np.zeros((0, 3))}) == count_items({"x": np.array(1)}) == 0
    assert count_items({"x": np.zeros((4, 3)), "y": np.zeros(3)}) == 3
    assert fits([3, None, "w"], (3, 4, 5))
    assert not fits([3, None], (3, 4, 5))
    assert not fits([3, 5], (3, 4))
    assert spell((3, 4)) == "3 x 4"


def test_pieces_of_one_are_not_copied() -> None:
    batch = {"x": np.zeros((4, 2))}
    [piece] = cut(batch, 8)
    assert np.shares_memory(join([piece], 4)["x"], batch["x"])
    with pytest.raises(IndexError):
        join([], 0)
