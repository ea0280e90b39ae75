"""Owns reading JSON results back: a document in, frames and Poses out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from holopose.errors import HoloposeError, InputError
from holopose.io.records import SCHEMA
from holopose.io.results import Results
from holopose.io.runinfo import RunInfo
from holopose.skeletons.layouts import LAYOUTS
from holopose.skeletons.skeleton import Skeleton
from holopose.types import Boxes, FrameInfo, Poses

if TYPE_CHECKING:
    from pydantic import ValidationError

    from holopose.io.schema import FrameRecord, HeadRecord, NativeRecord, PersonRecord, ResultDocument, SkeletonRecord

__all__ = ["describe_fault", "read_document", "read_json", "restore_frame", "restore_run", "restore_skeleton"]

Array = npt.NDArray[Any]

_FRAMES, _FRAME, _END = b'"frames": [\n', b'{"frame":', b"],\n"


def read_document(path: Path | str) -> ResultDocument:
    """A JSON result as it stands: how it was made, and every frame.

    Raises:
        InputError: the file cannot be read, is no holopose result, or is damaged.
    """
    from pydantic import ValidationError

    from holopose.io.schema import ResultDocument

    try:
        document = ResultDocument.model_validate_json(Path(path).read_bytes())
    except OSError as error:
        raise InputError(f"{path}: expected a holopose result: {error.strerror or error}") from error
    except ValidationError as error:
        raise InputError(f"{path}: {describe_fault(error, SCHEMA)}") from error
    if document.frame_count != len(document.frames):
        raise InputError(f"{path}: expected {document.frame_count} frames, got {len(document.frames)}; it is damaged")
    return document


def read_json(path: Path | str) -> Results:
    """A JSON result as frames and Poses.

    What comes back equals what was written to within the file's rounding (0.005 px). A layout that holopose knows
    comes back as that layout; another one as the file describes it, without sigmas. A file as holopose wrote it is read
    line by line; one that was laid out anew takes several times the memory.

    Raises:
        InputError: the file cannot be read, is no holopose result, or is damaged.
    """
    parted = _part(path)
    document, records = parted or ((whole := read_document(path)), whole.frames)
    try:
        skeleton = restore_skeleton(document.skeleton)
        native = None if document.native_skeleton is None else restore_skeleton(document.native_skeleton)
        frames = [restore_frame(record, document, skeleton, native) for record in records]
    except (HoloposeError, ValueError) as error:
        raise InputError(f"{path}: expected a whole holopose result: {error}") from error
    if document.frame_count != len(frames):
        raise InputError(f"{path}: expected {document.frame_count} frames, got {len(frames)}; it is damaged")
    source = document.source.model_dump()
    return Results(restore_run(document, document.source_end), source, skeleton, frames, list_lost(skeleton))


def _part(path: Path | str) -> tuple[ResultDocument, Iterator[FrameRecord]] | None:
    """A document without its frames, and its frames one after another.

    None where it is not laid out as `JsonSink` does, or where what is around the frames is damaged.
    """
    from pydantic import ValidationError

    from holopose.io.schema import ResultDocument

    try:
        with Path(path).open("rb") as file:
            around = list(takewhile(lambda line: line != _FRAMES, file))
            start = file.tell()
            end = next((line for line in file if not line.startswith(_FRAME)), b"")
            if end != _END:
                return None
            document = ResultDocument.model_validate_json(b"".join([*around, _FRAMES, end, *file]))
    except (OSError, ValidationError):
        return None
    return document, _frames(Path(path), start)


def _frames(path: Path, start: int) -> Iterator[FrameRecord]:
    """The frames of a document as `JsonSink` lays it out, from byte `start` on."""
    from pydantic import ValidationError

    from holopose.io.schema import FrameRecord

    with path.open("rb") as file:
        file.seek(start)
        for number, line in enumerate(takewhile(lambda line: line.startswith(_FRAME), file)):
            try:
                yield FrameRecord.model_validate_json(line.rstrip(b",\n"))
            except ValidationError as error:
                raise InputError(f"line {number} of the frames: {describe_fault(error, SCHEMA)}") from error


def describe_fault(error: ValidationError, schema: str) -> str:
    """The first thing that is wrong, in words."""
    faults = error.errors(include_url=False, include_context=False)
    fault = next((one for one in faults if one["loc"] == ("schema",)), faults[0])
    place = ".".join(str(step) for step in fault["loc"])
    if fault["type"] == "json_invalid":
        return f"expected a holopose result, got something that is not whole JSON ({fault['msg']})"
    if place == "schema" and fault["type"] == "literal_error":
        return f"expected a result of schema {schema!r}, got {fault['input']!r}"
    if place in ("", "schema"):
        return f"expected a holopose result (schema {schema!r}), got JSON of another kind"
    return f"expected a whole holopose result, but at {place}: {fault['msg']}"


def restore_run(head: HeadRecord, source_end: Mapping[str, Any] | None) -> RunInfo:
    """How results came about, as the head of their file says."""
    return RunInfo(
        model=head.model.name,
        cards={card.name: card.sha256 for card in head.model.cards},
        options=head.model.options,
        runtime=head.runtime.name,
        runtime_version=head.runtime.version,
        device=head.runtime.device,
        precision=head.runtime.precision,
        score=head.score,
        source=dict(head.source.model_extra or {}),
        source_end=partial(dict, source_end or {}),
        version=head.holopose,
    )


def restore_skeleton(record: SkeletonRecord) -> Skeleton:
    """The layout that a file describes; the known one where it is one.

    Raises:
        InputError, ValueError: the description does not hold together.
    """
    known = LAYOUTS.get(record.name)
    if known is not None and list(known.keypoints) == record.keypoints:
        return known
    if any(not 0 <= k < len(record.keypoints) for k in record.swaps):
        raise InputError(f"{record.name}: swaps name a keypoint that is not there")
    parts = {part: tuple(members) for part, members in record.parts.items()}
    return Skeleton(record.name, tuple(record.keypoints), tuple(record.edges), tuple(record.swaps), None, parts)


def list_lost(skeleton: Skeleton) -> tuple[str, ...]:
    """What a description of a layout leaves out."""
    if skeleton.name in LAYOUTS:
        return ()
    return (f"The layout {skeleton.name} has no OKS constants (sigmas): result files do not hold them.",)


def restore_frame(
    record: FrameRecord, head: HeadRecord, skeleton: Skeleton, native: Skeleton | None
) -> tuple[FrameInfo, Poses]:
    """One frame and its people.

    Args:
        record: The frame as a file holds it.
        head: The head of that file: name and size of frames that do not say.
        skeleton: Layout of the keypoints.
        native: Layout of the native keypoints, None where there are none.

    Raises:
        InputError: the record does not hold together.
    """
    source = head.source
    name = source.name if record.name is None else record.name
    size_wh = record.width or source.width, record.height or source.height
    return FrameInfo(record.frame, record.time_s, name, size_wh), _poses(record, skeleton, native)


def _poses(record: FrameRecord, skeleton: Skeleton, native: Skeleton | None) -> Poses:
    people = record.people
    if not people:
        return Poses.empty(skeleton)
    count = len(skeleton)
    boxes = Boxes(
        _filled([[person.box] for person in people], 1, 4)[:, 0], np.array([person.score for person in people])
    )
    own = [person.native for person in people if person.native is not None]
    if own and (native is None or len(own) != len(people) or any(one.skeleton != native.name for one in own)):
        raise InputError(f"frame {record.frame}: native keypoints without the layout they are in")
    raw = [person.raw for person in people if person.raw is not None]
    return Poses(
        **_columns(people, skeleton),
        boxes=boxes,
        ids=np.array([-1 if person.id is None else person.id for person in people]),
        native=Poses(**_columns(own, native), boxes=boxes) if own and native is not None else None,
        raw_xy=_filled(raw, count, 2) if len(raw) == len(people) else None,
        swapped=_flags([person.swapped for person in people], count),
    )


def _columns(people: Sequence[PersonRecord] | Sequence[NativeRecord], skeleton: Skeleton) -> dict[str, Any]:
    """The arrays of Poses that hold keypoints."""
    count = len(skeleton)
    xys = _filled([person.keypoints for person in people], count, 3)
    visible = [person.visible for person in people if person.visible is not None]
    world = [person.world for person in people if person.world is not None]
    if any(len(flags) != count for flags in visible):
        raise InputError(f"expected {count} values in visible, got {sorted({len(flags) for flags in visible})}")
    return {
        "xy": xys[..., :2],
        "score": np.nan_to_num(xys[..., 2]),
        "skeleton": skeleton,
        "visible": np.array(visible) if len(visible) == len(people) else None,
        "world": _filled(world, count, 3) if len(world) == len(people) else None,
    }


def _flags(rows: Sequence[Sequence[int] | None], count: int) -> Array | None:
    """(N, count) bool from the indices that are flagged; None where there are no flags at all."""
    if all(row is None for row in rows):
        return None
    flags = np.zeros((len(rows), count), np.bool_)
    for row, indices in enumerate(rows):
        if any(k >= count for k in indices or ()):
            raise InputError(f"expected indices below {count} in swapped, got {max(indices or ())}")
        flags[row, list(indices or ())] = True
    return flags


def _filled(rows: Sequence[Sequence[tuple[float, ...] | None]], count: int, width: int) -> Array:
    """(N, count, width) float64, NaN where a point is None."""
    if any(len(points) != count for points in rows):
        raise InputError(f"expected {count} keypoints per person, got {sorted({len(points) for points in rows})}")
    hole = (np.nan,) * width
    filled = np.array([[hole if point is None else point for point in points] for points in rows], np.float64)
    if (np.abs(filled) > np.finfo(np.float32).max).any():
        raise InputError("expected coordinates that a 32-bit number can hold, got larger ones")
    return filled
