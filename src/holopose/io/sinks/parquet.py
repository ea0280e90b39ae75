"""Owns ParquetSink: the long table as a compressed Parquet file with proper types, for data frames of any length."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from holopose.errors import BackendError, OutputError
from holopose.io.recorder import Recorder, to_json
from holopose.io.records import plain_name
from holopose.io.runinfo import RunInfo
from holopose.io.sinks.leftovers import hold, release, temporary_path
from holopose.io.sinks.staged import StagedFile
from holopose.io.tables import NORMALIZED, RAW, WORLD, measure
from holopose.skeletons.skeleton import PARTS, Skeleton
from holopose.types import Frame, FrameInfo, Poses

if TYPE_CHECKING:
    import polars

__all__ = ["TABLE_SCHEMA", "ParquetSink"]

Columns = dict[str, npt.NDArray[Any]]

TABLE_SCHEMA = "holopose/table/1"
"""Name and version of the table, in the file's metadata under the key ``holopose``."""

_CHUNK_ROWS = 1 << 16
_BOX = ("box_left", "box_top", "box_right", "box_bottom")
_FLAGS = ("visible", "swapped")


class ParquetSink:
    """Writes one row per frame, person and keypoint; what is missing is null.

    A frame without people has one row that holds only file, frame, time and size. Numbers are not rounded. The columns
    depend on the arguments only. The metadata holds what the head and the tail of the JSON hold. Memory is bounded:
    rows go in pieces to a temporary folder and are joined at the end without loading them as a whole.

    Args:
        path: The file to write.
        info: How the results came about.
        normalized: Add x_norm and y_norm, fractions of the picture.
        raw: Add raw_x and raw_y, px before smoothing.
        world: Add world_x_m, world_y_m and world_z_m, metres from the middle of the hips.
        overwrite: Whether an existing file may be replaced.
        inputs: Files that are never replaced.

    Raises:
        BackendError: polars is not installed.
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
        _need_polars(Path(path))
        self._file = StagedFile(path, overwrite=overwrite, inputs=inputs)
        self._recorder = Recorder(self._file.path, TABLE_SCHEMA, info, native=False, world=world, normalized=normalized)
        self._measures = [
            *("x", "y", "score", *_FLAGS),
            *(*(NORMALIZED * normalized), *(RAW * raw), *(WORLD * world)),
        ]
        self._head: dict[str, Any] = {}
        self._skeleton: Skeleton | None = None
        self._waiting: list[Columns] = []
        self._rows = 0
        self._folder: Path | None = None
        self._held: int | None = None
        self._pieces: list[Path] = []
        self._closed = False

    def write(self, frame: Frame | FrameInfo, poses: Poses) -> None:
        """Append one frame's rows.

        Raises:
            OutputError: they cannot be written, or the people have another layout than those before.
        """
        if self._skeleton is None:
            self._head, self._skeleton = self._recorder.head(frame, poses), poses.skeleton
        self._recorder.note(frame, poses)
        columns = _columns(frame, poses, self._measures)
        self._waiting.append(columns)
        self._rows += len(columns["frame"])
        if self._rows >= _CHUNK_ROWS or not self._pieces:  # the first one at once, to see that the place can be written
            self._spool(self._skeleton)

    def close(self, *, ok: bool) -> None:
        """Join the pieces (`ok`) or leave no file behind.

        Raises:
            OutputError: the file cannot be finished, or no frame ever came.
        """
        if self._closed:
            return
        self._closed = True
        try:
            if ok:
                self._join()
        finally:
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
                release(self._held)
            self._file.discard()

    def _spool(self, skeleton: Skeleton) -> None:
        """What waits, as a file of its own in a temporary folder."""
        import polars as pl

        rows = {name: np.concatenate([one[name] for one in self._waiting]) for name in self._waiting[0]}
        self._waiting, self._rows = [], 0
        try:
            if self._folder is None:
                self._file.path.parent.mkdir(parents=True, exist_ok=True)
                folder = temporary_path(self._file.path)
                folder.mkdir()
                self._folder, self._held = folder, hold(folder)
            self._pieces.append(self._folder / f"{len(self._pieces)}.parquet")
            _table(rows, skeleton).write_parquet(self._pieces[-1], compression="zstd")
        except (pl.exceptions.PolarsError, OSError) as error:
            raise _cannot(self._file.path, error) from error

    def _join(self) -> None:
        import polars as pl

        metadata = {"holopose": to_json({**self._head, **self._recorder.tail()})}
        if self._waiting and self._skeleton is not None:
            self._spool(self._skeleton)
        try:
            pl.scan_parquet(self._pieces, glob=False, hive_partitioning=False).sink_parquet(
                self._file.claim(),
                compression="zstd",
                row_group_size=_CHUNK_ROWS,
                maintain_order=True,
                metadata=metadata,
            )
        except (pl.exceptions.PolarsError, OSError) as error:
            raise _cannot(self._file.path, error) from error
        self._file.commit()


def _cannot(path: Path, error: Exception) -> OutputError:
    if isinstance(error, OutputError):
        return error
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return OutputError(f"{path}: cannot be written: {' '.join(reason.split())}")


def _need_polars(path: Path) -> None:
    try:
        import polars  # noqa: F401
    except ImportError as error:
        raise BackendError(
            f'{path}: Parquet needs an optional package; install it with: pip install "holopose[tables]" ({error})'
        ) from error


def _columns(frame: Frame | FrameInfo, poses: Poses, measures: list[str]) -> Columns:
    """The rows of one frame, a value per row; negative or NaN = null."""
    people, keypoints = poses.score.shape
    rows = people * keypoints or 1
    where = {
        "file": np.full(rows, plain_name(frame.name), dtype=object),
        "frame": np.full(rows, frame.index, np.int64),
        "time_s": np.full(rows, np.nan if frame.time_s is None else frame.time_s),
        "width": np.full(rows, frame.size_wh[0], np.int32),
        "height": np.full(rows, frame.size_wh[1], np.int32),
    }
    if not people:
        nothing = np.full(1, np.nan, np.float32)
        numbers: Columns = dict.fromkeys(("person_score", *_BOX, *measures), nothing)
        return {**where, **dict.fromkeys(("person", "id", "keypoint_index"), np.full(1, -1)), **numbers}
    ids = np.full(people, -1) if poses.ids is None else poses.ids
    of_person: Columns = {"person": np.arange(people), "id": ids, "person_score": poses.boxes.score}
    of_person |= zip(_BOX, poses.boxes.xyxy.T, strict=True)
    values = measure(measures, poses, frame.size_wh)
    return {
        **where,
        **{name: np.repeat(column, keypoints) for name, column in of_person.items()},
        "keypoint_index": np.tile(np.arange(keypoints), people),
        **{name: column.ravel().astype(np.float32) for name, column in values.items()},
    }


def _table(columns: Columns, skeleton: Skeleton) -> polars.DataFrame:
    """The rows with their types and nulls; keypoints and parts by name."""
    import polars as pl

    place = pl.Series(columns["keypoint_index"])
    place = place.set(place < 0, None)
    names = pl.Series("keypoint", skeleton.keypoints, dtype=pl.Enum(skeleton.keypoints))
    parts = pl.Series("part", skeleton.part_of(), dtype=pl.Enum(PARTS))
    whole = {"person": pl.Int32, "id": pl.Int64, "keypoint_index": pl.Int16}
    kinds: list[pl.Expr] = [pl.col("file").cast(pl.Categorical)]
    kinds += [pl.when(pl.col(name) >= 0).then(name).cast(kind) for name, kind in whole.items()]
    kinds += [pl.col(name).fill_nan(None) for name, column in columns.items() if column.dtype.kind == "f"]
    table = pl.DataFrame(columns).with_columns(*kinds)
    table = table.with_columns(
        *(pl.col(name).cast(pl.Boolean) for name in _FLAGS), names.gather(place), parts.gather(place)
    )
    first = ("keypoint_index", "keypoint", "part", "x")
    order = [name for name in columns if name not in first]
    at = order.index("y")
    return table.select(*order[:at], *first, *order[at:])
