"""Owns reading JSON Lines back, also what a killed run left."""

from __future__ import annotations

from collections import deque
from itertools import chain, pairwise
from pathlib import Path
from typing import IO, TYPE_CHECKING

from holopose.errors import HoloposeError, InputError
from holopose.io.readers.json_file import describe_fault, list_lost, restore_frame, restore_run, restore_skeleton
from holopose.io.records import LINES_SCHEMA
from holopose.io.results import Results
from holopose.skeletons.layouts import LAYOUTS
from holopose.skeletons.skeleton import Skeleton
from holopose.types import FrameInfo, Poses

if TYPE_CHECKING:
    from holopose.io.schema import FrameRecord, LinesHead, TailRecord

__all__ = ["read_jsonl"]


def read_jsonl(path: Path | str, *, allow_cut: bool = False) -> Results:
    """JSON Lines as frames and Poses, equal to what was written to within the file's rounding (0.005 px).

    Args:
        path: The file.
        allow_cut: Take a file that ends before its tail, as the temporary file of a killed run does, up to its last
            whole line.

    Raises:
        InputError: the file cannot be read, is no holopose result, is damaged, or is cut and `allow_cut` is not set.
    """
    try:
        with Path(path).open("rb") as file:
            return _read(file, allow_cut=allow_cut)
    except OSError as error:
        raise InputError(f"{path}: expected a holopose result: {error.strerror or error}") from error
    except (HoloposeError, ValueError) as error:
        raise InputError(f"{path}: {error}") from error


def _read(file: IO[bytes], *, allow_cut: bool) -> Results:
    head = _head(file.readline())
    skeleton = restore_skeleton(head.skeleton)
    tail = _tail(file)
    if tail is None and not allow_cut:
        raise InputError(
            "this file ends before its last line, so the run that wrote it was broken off; "
            "allow_cut=True takes the frames that are there"
        )
    native = None if tail is None or tail.native_skeleton is None else restore_skeleton(tail.native_skeleton)
    frames = _frames(file, head, skeleton, native, cut=tail is None)
    if tail is not None and tail.frame_count != len(frames):
        raise InputError(f"expected {tail.frame_count} frames, got {len(frames)}; it is damaged")
    lost = list_lost(skeleton)
    if tail is None:
        lost += (f"The run was broken off: {len(frames)} frames are there, how many there should be is not known.",)
    end = None if tail is None else tail.source_end
    return Results(restore_run(head, end), head.source.model_dump(), skeleton, frames, lost)


def _head(line: bytes) -> LinesHead:
    from pydantic import ValidationError

    from holopose.io.schema import LinesHead

    try:
        return LinesHead.model_validate_json(line)
    except ValidationError as error:
        raise InputError(describe_fault(error, LINES_SCHEMA)) from error


def _tail(file: IO[bytes]) -> TailRecord | None:
    """The last line when it is a tail; None where the file is cut. The file is read to its end, then set back."""
    from pydantic import ValidationError

    from holopose.io.schema import TailRecord

    start = file.tell()
    last = deque(file, maxlen=1)
    file.seek(start)
    if not last or not last[0].endswith(b"\n"):
        return None
    try:
        return TailRecord.model_validate_json(last[0])
    except ValidationError:
        return None


def _frames(
    file: IO[bytes], head: LinesHead, skeleton: Skeleton, native: Skeleton | None, *, cut: bool
) -> list[tuple[FrameInfo, Poses]]:
    """Every frame between head and tail; of a cut file those whose line is whole."""
    from pydantic import ValidationError

    from holopose.io.schema import FrameRecord

    frames = []
    for number, (line, following) in enumerate(pairwise(chain(file, [b""])), start=2):
        if not following and not (cut and line.endswith(b"\n")):
            break  # the tail, or what is left of a line
        try:
            record = FrameRecord.model_validate_json(line)
        except ValidationError as error:
            raise InputError(f"line {number}: {describe_fault(error, LINES_SCHEMA)}") from error
        if cut and native is None:
            native = _native_of(record)
        frames.append(restore_frame(record, head, skeleton, native))
    return frames


def _native_of(record: FrameRecord) -> Skeleton | None:
    """The known layout that native keypoints name; a cut file no longer describes it."""
    names = {person.native.skeleton for person in record.people if person.native is not None}
    return LAYOUTS.get(names.pop()) if len(names) == 1 else None
