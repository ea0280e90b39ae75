"""Owns CsvSink: a row per person and keypoint, with names, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.io.records import (
    FRACTION_DIGITS,
    METRE_DIGITS,
    PIXEL_DIGITS,
    SCORE_DIGITS,
    TIME_DIGITS,
    normalize,
    plain_name,
)
from holopose.io.runinfo import RunInfo
from holopose.io.sinks.staged import StagedFile
from holopose.types import Frame, FrameInfo, Poses

__all__ = ["CsvSink"]

_COLUMNS = (
    *("file", "frame", "time_s", "person", "id", "person_score"),
    *("keypoint_index", "keypoint", "part", "x", "y", "score", "visible"),
)
_NORMALIZED = ("x_norm", "y_norm")
_WORLD = ("world_x_m", "world_y_m", "world_z_m")


class CsvSink:
    """Writes one row per frame, person and keypoint; what is missing is an empty cell.

    A frame without people has one row that holds only file, frame and time, so that every frame is there. The columns
    depend on the arguments only, never on what is found.

    Args:
        path: The file to write.
        info: How the results came about (the JSON says it; a table has no room for it).
        normalized: Add x_norm and y_norm, fractions of the picture.
        world: Add world_x_m, world_y_m and world_z_m, metres from the middle of the hips.
        overwrite: Whether an existing file may be replaced.
        inputs: Files that are never replaced.

    Raises:
        OutputError: the file cannot be written there; also from `write` and `close`.
    """

    def __init__(
        self,
        path: Path | str,
        info: RunInfo,
        *,
        normalized: bool = False,
        world: bool = True,
        overwrite: bool = False,
        inputs: Iterable[Path | str] = (),
    ) -> None:
        self.info = info
        self._file = StagedFile(path, overwrite=overwrite, inputs=inputs)
        self._rows = csv.writer(self._file, lineterminator="\n")
        self._normalized, self._world = normalized, world
        self._columns = (*_COLUMNS, *(_NORMALIZED if normalized else ()), *(_WORLD if world else ()))
        self._headed = False

    def write(self, frame: Frame | FrameInfo, poses: Poses) -> None:
        """Append one frame's rows."""
        self._head()
        where = [plain_name(frame.name), frame.index, _cell(frame.time_s, TIME_DIGITS)]
        if not len(poses):
            self._rows.writerow([*where, *[""] * (len(self._columns) - len(where))])
            return
        parts = poses.skeleton.part_of()
        ids = [-1] * len(poses) if poses.ids is None else poses.ids.tolist()
        for row, (identity, score) in enumerate(zip(ids, poses.boxes.score.tolist(), strict=True)):
            who = [*where, row, identity if identity >= 0 else "", _cell(score, SCORE_DIGITS)]
            columns = self._measures(frame, poses, row)
            names = enumerate(zip(poses.skeleton.keypoints, parts, strict=True))
            self._rows.writerows(
                [*who, index, name, part, *cells] for (index, (name, part)), *cells in zip(names, *columns, strict=True)
            )

    def close(self, *, ok: bool) -> None:
        """Finish the table (`ok`) or leave no file behind."""
        if not ok:
            self._file.discard()
            return
        self._head()
        self._file.commit()

    def _head(self) -> None:
        if not self._headed:
            self._headed = True
            self._rows.writerow(self._columns)

    def _measures(self, frame: Frame | FrameInfo, poses: Poses, row: int) -> list[list[str]]:
        """The columns from x on for one person, a cell per keypoint."""
        count = len(poses.skeleton)
        blank = [""] * count
        xy = poses.xy[row]
        there = ~np.isnan(xy).any(axis=1)
        columns = [*_cells(xy, PIXEL_DIGITS), *_cells(np.where(there, poses.score[row], np.nan)[:, None], SCORE_DIGITS)]
        if poses.visible is None:
            columns.append(blank)
        else:
            seen = zip(poses.visible[row].tolist(), there.tolist(), strict=True)
            columns.append([str(int(visible)) if known else "" for visible, known in seen])
        if self._normalized:
            columns += _cells(normalize(xy, frame.size_wh), FRACTION_DIGITS)
        if self._world:
            columns += [blank] * 3 if poses.world is None else _cells(poses.world[row], METRE_DIGITS)
        return columns


def _cells(values: npt.NDArray[np.floating[Any]], digits: int) -> list[list[str]]:
    """(K, C) numbers as C columns of text."""
    return [[_cell(value, digits) for value in column] for column in values.T.tolist()]


def _cell(value: float | None, digits: int) -> str:
    """A number with a fixed number of decimal places; empty for None and NaN."""
    if value is None or math.isnan(value):
        return ""
    text = f"{value:.{digits}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text
