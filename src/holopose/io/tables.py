"""Owns the columns of tables: what each keypoint of a person measures, by column name, and numbers as text."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.io.records import (
    FRACTION_DIGITS,
    METRE_DIGITS,
    PIXEL_DIGITS,
    SCORE_DIGITS,
    normalize,
    plain_name,
    rounded,
)
from holopose.types import Poses

__all__ = [
    "DIGITS",
    "NORMALIZED",
    "RAW",
    "WORLD",
    "cell",
    "cells",
    "cells_by_keypoint",
    "join_cells",
    "label",
    "measure",
]

NORMALIZED = ("x_norm", "y_norm")
"""Fractions of the picture."""
RAW = ("raw_x", "raw_y")
"""Pixels before smoothing."""
WORLD = ("world_x_m", "world_y_m", "world_z_m")
"""Metres from the middle of the hips."""

DIGITS: dict[str, int] = {
    **dict.fromkeys(("x", "y", *RAW), PIXEL_DIGITS),
    "score": SCORE_DIGITS,
    **dict.fromkeys(("visible", "swapped"), 0),
    **dict.fromkeys(NORMALIZED, FRACTION_DIGITS),
    **dict.fromkeys(WORLD, METRE_DIGITS),
}
"""Every column that a keypoint can have, and its decimal places."""


def measure(columns: Sequence[str], poses: Poses, size_wh: tuple[int, int]) -> dict[str, npt.NDArray[np.float64]]:
    """Columns of all keypoints of all people.

    Args:
        columns: Which of `DIGITS`, in their order.
        poses: N people of K keypoints.
        size_wh: Width and height of the picture in px.

    Returns:
        By column (N, K) float64; NaN = there is nothing to say. A missing keypoint has neither score nor `visible`.
    """
    there = ~np.isnan(poses.xy).any(axis=2)
    found: dict[str, npt.NDArray[Any]] = {
        "x": poses.xy[..., 0],
        "y": poses.xy[..., 1],
        "score": np.where(there, poses.score, np.nan),
    }
    if poses.visible is not None:
        found["visible"] = np.where(there, poses.visible, np.nan)
    if poses.swapped is not None:
        found["swapped"] = poses.swapped
    if poses.raw_xy is not None:
        found |= zip(RAW, np.moveaxis(poses.raw_xy, 2, 0), strict=True)
    if poses.world is not None:
        found |= zip(WORLD, np.moveaxis(poses.world, 2, 0), strict=True)
    if set(columns) & set(NORMALIZED):
        found |= zip(NORMALIZED, np.moveaxis(normalize(poses.xy, size_wh), 2, 0), strict=True)
    blank = np.full(there.shape, np.nan)
    return {name: np.asarray(found.get(name, blank), np.float64) for name in columns}


def cells(values: npt.NDArray[np.floating[Any]], digits: int) -> list[list[str]]:
    """(N, K) numbers as text with a fixed number of decimal places; empty for NaN, and never a negative zero."""
    rows = rounded(values, digits).tolist()
    return [["" if math.isnan(value) else f"{value:.{digits}f}" for value in row] for row in rows]


def cells_by_keypoint(columns: Sequence[str], poses: Poses, size_wh: tuple[int, int]) -> list[list[str]]:
    """What `measure` gives as CSV: for each of N people K texts, the cells of one keypoint with commas between them."""
    if not len(poses):
        return []
    values = measure(columns, poses, size_wh)
    table = np.stack([rounded(column, DIGITS[name]) for name, column in values.items()], axis=-1)
    line = ",".join(f"%.{DIGITS[name]}f" for name in columns)
    form = "\n".join([line] * len(poses.skeleton))  # one formatting for a whole person: these are the most of a table
    return [(form % tuple(person)).replace("nan", "").split("\n") for person in table.reshape(len(poses), -1).tolist()]


def join_cells(values: Iterable[object]) -> str:
    r"""Anything as one line of CSV, without its end, quoted where it must be.

    >>> join_cells(["a, b", 3, ""])
    '"a, b",3,'
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()[:-1]


def cell(value: float | None, digits: int) -> str:
    """One number as text; empty for None and NaN.

    >>> cell(-0.0001, 2), cell(None, 2)
    ('0.00', '')
    """
    return "" if value is None or math.isnan(value) else f"{round(value, digits) + 0.0:.{digits}f}"


def label(name: str) -> str:
    r"""A name as a cell of CSV: a carriage return, which `csv` would write as the end of a line, becomes ``\r``."""
    return plain_name(name).replace("\r", "\\r")
