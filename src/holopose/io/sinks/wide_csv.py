"""Owns WideCsvSink: a row per person and frame, the keypoints side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from holopose.errors import OutputError
from holopose.io.records import PIXEL_DIGITS, SCORE_DIGITS, TIME_DIGITS
from holopose.io.runinfo import RunInfo
from holopose.io.sinks.staged import StagedFile
from holopose.io.tables import NORMALIZED, RAW, cell, cells, cells_by_keypoint, join_cells, label
from holopose.skeletons.skeleton import Skeleton
from holopose.types import Frame, FrameInfo, Poses

__all__ = ["COLUMNS", "WideCsvSink", "wide_columns"]

COLUMNS = (
    *("file", "frame", "time_s", "width", "height", "person", "id", "person_score"),
    *("box_left", "box_top", "box_right", "box_bottom"),
)
"""Columns before those of the keypoints."""


def wide_columns(keypoints: Sequence[str], *, normalized: bool, raw: bool) -> tuple[list[str], list[str]]:
    """What each keypoint measures, and all columns of the table.

    >>> wide_columns(["nose"], normalized=False, raw=True)[1][len(COLUMNS):]
    ['nose_x', 'nose_y', 'nose_score', 'nose_raw_x', 'nose_raw_y']
    """
    measures = ["x", "y", "score", *(NORMALIZED * normalized), *(RAW * raw)]
    return measures, [*COLUMNS, *(f"{keypoint}_{measure}" for keypoint in keypoints for measure in measures)]


class WideCsvSink:
    """Writes one row per frame and person; what is missing is an empty cell.

    A frame without people has one row that holds only file, frame, time and size, so that every frame is there. The
    columns depend on the arguments and the layout only, never on what is found.

    Args:
        path: The file to write.
        info: How the results came about (the JSON says it; a table has no room for it).
        normalized: Add <keypoint>_x_norm and _y_norm, fractions of the picture.
        raw: Add <keypoint>_raw_x and _raw_y, px before smoothing.
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
        overwrite: bool = False,
        inputs: Iterable[Path | str] = (),
    ) -> None:
        self.info = info
        self._file = StagedFile(path, overwrite=overwrite, inputs=inputs)
        self._options = {"normalized": normalized, "raw": raw}
        self._skeleton: Skeleton | None = None
        self._measures: list[str] = []
        self._width = 0

    def write(self, frame: Frame | FrameInfo, poses: Poses) -> None:
        """Append one frame's rows.

        Raises:
            OutputError: they cannot be written, or the people have another layout than those before.
        """
        if self._skeleton is None:
            self._head(poses.skeleton)
        elif poses.skeleton != self._skeleton:
            raise OutputError(
                f"{self._file.path}: expected keypoints of {self._skeleton.name}, got {poses.skeleton.name}; "
                "write them to a file of their own"
            )
        where = [label(frame.name), frame.index, cell(frame.time_s, TIME_DIGITS), *frame.size_wh]
        if not len(poses):
            self._file.write(join_cells([*where, *[""] * (self._width - len(where))]) + "\n")
            return
        ids = [-1] * len(poses) if poses.ids is None else poses.ids.tolist()
        [scores] = cells(poses.boxes.score[None], SCORE_DIGITS)
        boxes = cells(poses.boxes.xyxy, PIXEL_DIGITS)
        measures = cells_by_keypoint(self._measures, poses, frame.size_wh)
        for person, (identity, score, box, own) in enumerate(zip(ids, scores, boxes, measures, strict=True)):
            who = join_cells([*where, person, identity if identity >= 0 else "", score, *box])
            self._file.write(",".join([who, *own]) + "\n")

    def close(self, *, ok: bool) -> None:
        """Finish the table (`ok`) or leave no file behind.

        Raises:
            OutputError: it cannot be finished, or no frame ever came.
        """
        if ok and self._skeleton is None:
            self._file.discard()
            raise OutputError(f"{self._file.path}: there was no frame, so there is no result to write")
        if ok:
            self._file.commit()
        else:
            self._file.discard()

    def _head(self, skeleton: Skeleton) -> None:
        measures, columns = wide_columns(skeleton.keypoints, **self._options)
        if len(set(columns)) < len(columns):
            twice = next(name for name in columns if columns.count(name) > 1)
            raise OutputError(f"{self._file.path}: two columns of {skeleton.name} would be called {twice!r}; write csv")
        self._skeleton, self._measures, self._width = skeleton, measures, len(columns)
        self._file.write(join_cells(map(label, columns)) + "\n")
