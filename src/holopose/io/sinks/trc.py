"""Owns TrcSink: marker trajectories of each person for OpenSim and other programs of biomechanics."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from holopose.errors import OutputError
from holopose.io.records import METRE_DIGITS, PIXEL_DIGITS, TIME_DIGITS, plain_name
from holopose.io.runinfo import RunInfo
from holopose.io.sinks.staged import StagedFile
from holopose.io.tables import cells
from holopose.skeletons.skeleton import Skeleton
from holopose.types import Frame, FrameInfo, Poses

__all__ = ["TrcSink"]

Markers = npt.NDArray[np.float32]

_FIELDS = (
    *("DataRate", "CameraRate", "NumFrames", "NumMarkers", "Units"),
    *("OrigDataRate", "OrigDataStartFrame", "OrigNumFrames"),
)


@dataclass(slots=True)
class _Trace:
    """When one identity was found, and which record of the spool says where."""

    ordinals: array[int] = field(default_factory=lambda: array("q"))
    records: array[int] = field(default_factory=lambda: array("q"))


class TrcSink:
    """Writes one TRC file per identity: a row per frame, three columns per keypoint, missing ones empty.

    The person found in the most frames goes to `path` itself, with every frame of the clip; each further identity to a
    file beside it, clip.id7.trc beside clip.trc, with every frame from its first to its last. A clip without anybody
    gives one file whose markers are all empty. People without an identity are left out; `notes` counts them.

    Coordinates are metres from the middle of the hips where the poses have them: X to the right of the picture, Y up,
    Z towards the camera (x, -y and -z of `Poses.world`), so that for somebody who walks to the right in the picture
    X is forward and Z to their right, as in OpenSim. Otherwise they are px, X to the right, Y up from the lowest row of
    pixels, Z 0; the unit is then called px, which OpenSim does not know.

    Args:
        path: The file to write.
        info: How the results came about.
        world: Metres where there are any; else px always.
        overwrite: Whether existing files may be replaced.
        inputs: Files that are never replaced.

    Attributes:
        files: What was written, known after `close`; `path` comes last, so that it is there only if all are.
        notes: Sentences about what is not in the files, known after `close`.

    Raises:
        OutputError: a file cannot be written there; also from `write` and `close`.
    """

    def __init__(
        self,
        path: Path | str,
        info: RunInfo,
        *,
        world: bool = True,
        overwrite: bool = False,
        inputs: Iterable[Path | str] = (),
    ) -> None:
        self.info = info
        self.files: tuple[Path, ...] = ()
        self.notes: tuple[str, ...] = ()
        self._path, self._overwrite, self._inputs = Path(path), overwrite, tuple(inputs)
        self._spool = self._stage(self._path)
        if not overwrite and (there := self._of_earlier_runs()):
            raise OutputError(f"{there[0]}: is there already; choose another name, or overwrite=True (--overwrite)")
        self._metres: bool | None = None if world else False
        self._skeleton: Skeleton | None = None
        self._times_s = array("d")
        self._indices = array("q")
        self._traces: dict[int, _Trace] = {}
        self._records = 0
        self._nameless = 0
        self._closed = False

    def write(self, frame: Frame | FrameInfo, poses: Poses) -> None:
        """Take one frame.

        Raises:
            OutputError: it cannot be written, has no time, or its people have another layout than those before.
        """
        if frame.time_s is None:
            raise OutputError(
                f"{self._path}: TRC holds motion: expected frames of a clip with their times, got a picture"
            )
        if self._skeleton is None:
            self._skeleton = poses.skeleton
            self._spool.write(b"")
        if poses.skeleton != self._skeleton:
            raise OutputError(
                f"{self._path}: expected keypoints of {self._skeleton.name}, got {poses.skeleton.name}; "
                "write them to a file of their own"
            )
        ordinal = len(self._times_s)
        self._times_s.append(frame.time_s)
        self._indices.append(frame.index)
        if not len(poses):
            return
        if self._metres is None:
            self._metres = poses.world is not None
        markers = _markers(poses, frame.size_wh[1], metres=self._metres)
        for row, identity in enumerate([-1] * len(poses) if poses.ids is None else poses.ids.tolist()):
            trace = self._traces.setdefault(identity, _Trace()) if identity >= 0 else None
            if trace is None or (trace.ordinals and trace.ordinals[-1] == ordinal):
                self._nameless += 1
                continue
            self._spool.write(markers[row].tobytes())
            trace.ordinals.append(ordinal)
            trace.records.append(self._records)
            self._records += 1

    def close(self, *, ok: bool) -> None:
        """Write the files (`ok`) or leave none behind.

        Raises:
            OutputError: they cannot be finished, no frame ever came, or nobody had an identity.
        """
        if self._closed:
            return
        self._closed = True
        try:
            if ok:
                self._finish()
        finally:
            self._spool.discard()

    def _finish(self) -> None:
        if self._skeleton is None:
            raise OutputError(f"{self._path}: there was no frame, so there is no result to write")
        if self._nameless and not self._traces:
            raise OutputError(
                f"{self._path}: TRC holds one person per file, but nobody has an identity; track people (--track)"
            )
        traces = dict(sorted(self._traces.items(), key=lambda one: (len(one[1].ordinals), -one[0])))
        main = traces.popitem()[1] if traces else _Trace()
        written: list[Path] = []
        try:
            with self._spool.claim().open("rb") as spool:
                for identity, trace in traces.items():
                    path = self._path.with_name(f"{self._path.stem}.id{identity}{self._path.suffix}")
                    self._save(path, spool, trace, range(trace.ordinals[0], trace.ordinals[-1] + 1))
                    written.append(path)
                self._save(self._path, spool, main, range(len(self._times_s)))
        except OSError as error:
            for path in written:
                path.unlink(missing_ok=True)
            if isinstance(error, OutputError):
                raise
            raise OutputError(f"{self._path}: cannot be written: {error.strerror or error}") from error
        self.files = (*written, self._path)
        stale = [path for path in self._of_earlier_runs() if path not in self.files]
        self.notes = (
            *([f"{self._path}: {self._nameless} people without an identity are left out"] * bool(self._nameless)),
            *(f"{path}: is of an earlier run" for path in stale),
        )

    def _save(self, path: Path, spool: IO[bytes], trace: _Trace, ordinals: range) -> None:
        """One person's file, with the frames of `ordinals`."""
        file = self._stage(path)
        try:
            file.write(self._head(path, ordinals))
            for row in self._rows(spool, trace, ordinals):
                file.write(row)
            file.commit()
        finally:
            file.discard()

    def _head(self, path: Path, ordinals: range) -> str:
        skeleton = self._skeleton
        assert skeleton is not None
        rate = f"{self._rate():.10g}"
        unit = "px" if self._metres is False else "m"
        first = self._indices[ordinals[0]] + 1
        values = (rate, rate, len(ordinals), len(skeleton), unit, rate, first, len(ordinals))
        names = "".join("_".join(name.split()) + "\t\t\t" for name in skeleton.keypoints)
        axes = "".join(f"X{k}\tY{k}\tZ{k}\t" for k in range(1, len(skeleton) + 1))
        return (
            f"PathFileType\t4\t(X/Y/Z)\t{' '.join(plain_name(path.name).split())}\n"
            + "\t".join(_FIELDS)
            + "\n"
            + "\t".join(map(str, values))
            + f"\nFrame#\tTime\t{names}\n\t\t{axes}\n\n"
        )

    def _rate(self) -> float:
        """Frames per second as the times say; of a single frame what the source says."""
        span_s = self._times_s[-1] - self._times_s[0]
        if span_s > 0:
            return (len(self._times_s) - 1) / span_s
        told = self.info.source.get("rate")
        return float(told) if isinstance(told, int | float) else 0.0

    def _rows(self, spool: IO[bytes], trace: _Trace, ordinals: range) -> Iterator[str]:
        """A line per frame, with a tab at its end: without, OpenSim misses an empty cell at the end of the line."""
        count = len(self._skeleton or ())
        size = count * 3 * 4
        digits = PIXEL_DIGITS if self._metres is False else METRE_DIGITS
        known = iter(zip(trace.ordinals, trace.records, strict=True))
        following, record = next(known, (-1, -1))
        for ordinal in ordinals:
            texts = [""] * (count * 3)
            if ordinal == following:
                spool.seek(record * size)
                [texts] = cells(np.frombuffer(spool.read(size), np.float32)[None], digits)
                following, record = next(known, (-1, -1))
            time_s = f"{self._times_s[ordinal]:.{TIME_DIGITS}f}"
            yield f"{self._indices[ordinal] + 1}\t{time_s}\t" + "\t".join(texts) + "\t\n"

    def _stage(self, path: Path) -> StagedFile:
        return StagedFile(path, overwrite=self._overwrite, inputs=self._inputs)

    def _of_earlier_runs(self) -> list[Path]:
        """Files beside `path` that are named like those of further identities."""
        before, after = f"{self._path.stem}.id", self._path.suffix
        try:
            names = sorted(path.name for path in self._path.parent.iterdir())
        except OSError:
            return []  # the folder is not there yet, or writing to it will tell
        return [
            self._path.with_name(name)
            for name in names
            if name.startswith(before)
            and name.endswith(after)
            and name[len(before) : len(name) - len(after)].isdecimal()
        ]


def _markers(poses: Poses, height: int, *, metres: bool) -> Markers:
    """(N, K, 3) float32, right-handed with Y up; NaN = missing."""
    if not metres:
        x, y = poses.xy[..., 0], height - 1 - poses.xy[..., 1]
        return np.stack([x, y, np.where(np.isnan(x), np.nan, 0)], axis=-1, dtype=np.float32)
    if poses.world is None:
        return np.full((*poses.score.shape, 3), np.nan, np.float32)
    return np.asarray(poses.world * np.array([1, -1, -1], np.float32))
