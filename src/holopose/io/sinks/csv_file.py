"""Owns CsvSink: a row per person and keypoint, with names, for spreadsheets and data frames."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from holopose.io.records import SCORE_DIGITS, TIME_DIGITS
from holopose.io.runinfo import RunInfo
from holopose.io.sinks.staged import StagedFile
from holopose.io.tables import DIGITS, NORMALIZED, RAW, WORLD, cell, cells, cells_by_keypoint, join_cells, label
from holopose.skeletons.skeleton import Skeleton
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
        self._columns = (*COLUMNS, *(NORMALIZED * normalized), *(RAW * raw), *(WORLD * world))
        self._measures = [name for name in self._columns if name in DIGITS]
        self._named: dict[Skeleton, list[str]] = {}
        self._headed = False

    def write(self, frame: Frame | FrameInfo, poses: Poses) -> None:
        """Append one frame's rows."""
        self._head()
        where = [label(frame.name), frame.index, cell(frame.time_s, TIME_DIGITS), *frame.size_wh]
        if not len(poses):
            self._file.write(join_cells([*where, *[""] * (len(self._columns) - len(where))]) + "\n")
            return
        ids = [-1] * len(poses) if poses.ids is None else poses.ids.tolist()
        [scores] = cells(poses.boxes.score[None], SCORE_DIGITS)
        measures = cells_by_keypoint(self._measures, poses, frame.size_wh)
        names = self._names(poses.skeleton)
        lines = []
        for person, (identity, score, own) in enumerate(zip(ids, scores, measures, strict=True)):
            who = join_cells([*where, person, identity if identity >= 0 else "", score])
            lines += [f"{who},{name},{values}\n" for name, values in zip(names, own, strict=True)]
        self._file.write("".join(lines))

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
            self._file.write(join_cells(self._columns) + "\n")

    def _names(self, skeleton: Skeleton) -> list[str]:
        """Index, name and part of each keypoint, as text; made once per layout."""
        if skeleton not in self._named:
            rows = enumerate(zip(map(label, skeleton.keypoints), skeleton.part_of(), strict=True))
            self._named[skeleton] = [join_cells([k, name, part]) for k, (name, part) in rows]
        return self._named[skeleton]
