"""Owns pairing rows with columns, each at most once, for the largest sum of gains."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["assign"]

Indices = npt.NDArray[np.intp]


def assign(gain: npt.NDArray[np.float64]) -> tuple[Indices, Indices]:
    """The pairs that gain most in sum; a pair that gains nothing is none.

    Because going without a pair costs nothing, nobody is pushed into a poor pair for the sake of one more pair. By the
    Hungarian method (Jonker and Volgenant's variant, scipy).

    Args:
        gain: (N, M) finite; 0 or less where row and column must not be paired.

    Returns:
        Rows (P,), ascending, and their columns (P,).

    >>> rows, columns = assign(np.array([[0.9, 0.3], [0.8, 0.0]]))  # 0.3 + 0.8 is more than 0.9 alone
    >>> rows.tolist(), columns.tolist()
    ([0, 1], [1, 0])
    """
    possible = gain > 0
    if (possible.sum(axis=0) <= 1).all() and (possible.sum(axis=1) <= 1).all():
        rows, columns = np.nonzero(possible)  # nobody competes
        return rows, columns
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(np.maximum(gain, 0), maximize=True)
    paired = possible[rows, columns]
    return rows[paired], columns[paired]
