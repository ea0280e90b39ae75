"""Owns batches in pieces: what a network takes at a time of any number of independent items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["count_items", "cut", "fits", "join", "spell"]

Arrays = Mapping[str, npt.NDArray[Any]]


def count_items(arrays: Arrays) -> int:
    """How many items a batch has: the length of the shortest first axis."""
    return min((len(array) if array.ndim else 0 for array in arrays.values()), default=0)


def cut(
    arrays: Arrays, size: int, *, begin: int = 0, end: int | None = None, pad: bool = False
) -> list[dict[str, npt.NDArray[Any]]]:
    """Items from `begin` to `end` in pieces of at most `size`; where `pad` is set, the last item fills up the last one.

    >>> [piece["x"].tolist() for piece in cut({"x": np.arange(5)}, 2, pad=True)]
    [[0, 1], [2, 3], [4, 4]]
    """
    end = count_items(arrays) if end is None else end
    pieces = [{name: array[i : min(i + size, end)] for name, array in arrays.items()} for i in range(begin, end, size)]
    missing = -(end - begin) % size if pad else 0
    if missing:
        pieces[-1] = {
            name: np.concatenate([array, array[-1:].repeat(missing, axis=0)]) for name, array in pieces[-1].items()
        }
    return pieces


def join(pieces: Sequence[Arrays], count: int) -> dict[str, npt.NDArray[Any]]:
    """The first `count` items of all pieces together."""
    if len(pieces) == 1 and count_items(pieces[0]) <= count:
        return dict(pieces[0])
    return {name: np.concatenate([piece[name] for piece in pieces])[:count] for name in pieces[0]}


def fits(shape: Sequence[object], item: Sequence[int]) -> bool:
    """Whether items of shape `item` suit `shape`, where everything but a number stands for any length.

    >>> fits([3, "height", None], (3, 256, 192)), fits([3, 8], (3, 8, 8))
    (True, False)
    """
    return len(shape) == len(item) and all(
        not isinstance(axis, int) or axis == size for axis, size in zip(shape, item, strict=True)
    )


def spell(shape: Sequence[object]) -> str:
    """A shape in words.

    >>> spell([3, "height", None])
    '3 x any x any'
    """
    return " x ".join(str(axis) if isinstance(axis, int) else "any" for axis in shape)
