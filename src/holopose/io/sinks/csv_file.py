"""Owns CsvSink: a row per person and keypoint, with names, for spreadsheets and data frames."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from holopose.io.records import SCORE_DIGITS, TIME_DIGITS
from holopose.io.runinfo import RunInfo
from holopose.io.sinks.staged import StagedFile
from holopose.io.tables import DIGITS, NORMALIZED, RAW, WORLD, cell, cells, label, measure
from holopose.types import Frame, FrameInfo, Poses

__all__ = ["COLUMNS", "CsvSink"]

COLUMNS = (
    *("file", "frame", "time_s", "width", "height", "person", "id", "person_score"),
    *("keypoint_index", "keypoint", "part", "x", "y", "score", "visible", "swapped"),
)
"""Columns that every such table has."""


class CsvSink:
    """Writes one row per frame, person and keypoint; what is missing is an empty cell.

    A frame without people has one row that holds only file, frame, time and size, so that every frame is there. The
    columns depend on the arguments only, never on what is found.

    Args:
        path: The file to write.
        info: How the results came about (the JSON says it; a table has no room for it).
        normalized: Add x_norm and y_norm, fractions of the picture.
        raw: Add raw_x and raw_y, px before smoothing.
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
        raw: bool = False,
        world: bool = True,
        overwrite: bool = False,
        inputs: Iterable[Path | str] = (),
    ) -> None:
        self.info = info
        self._file = StagedFile(path, overwrite=overwrite, inputs=inputs)
        self._rows = csv.writer(self._file, lineterminator="\n")
        self._columns = (*COLUMNS, *(NORMALIZED * normalized), *(RAW * raw), *(WORLD * world))
        self._measures = [name for name in self._columns if name in DIGITS]
        self._headed = False

    def write(self, frame: Frame | FrameInfo, poses: Poses) -> None:
        """Append one frame's rows."""
        self._head()
        where = [label(frame.name), frame.index, cell(frame.time_s, TIME_DIGITS), *frame.size_wh]
        if not len(poses):
            self._rows.writerow([*where, *[""] * (len(self._columns) - len(where))])
            return
        names = [
            (k, *pair)
            for k, pair in enumerate(zip(map(label, poses.skeleton.keypoints), poses.skeleton.part_of(), strict=True))
        ]
        ids = [-1] * len(poses) if poses.ids is None else poses.ids.tolist()
        [scores] = cells(poses.boxes.score[None], SCORE_DIGITS)
        values = measure(self._measures, poses, frame.size_wh)
        texts = [cells(column, DIGITS[name]) for name, column in values.items()]
        for person, (identity, score, *columns) in enumerate(zip(ids, scores, *texts, strict=True)):
            who = [*where, person, identity if identity >= 0 else "", score]
            self._rows.writerows([*who, *name, *row] for name, *row in zip(names, *columns, strict=True))

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
