"""Owns reading tables back, long and wide: rows in, frames and Poses out."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.errors import HoloposeError, InputError
from holopose.io.results import UNKNOWN_RUN, Results
from holopose.io.sinks.csv_file import COLUMNS as LONG
from holopose.io.sinks.wide_csv import COLUMNS as WIDE
from holopose.io.sinks.wide_csv import wide_columns
from holopose.io.tables import DIGITS, RAW, WORLD
from holopose.skeletons.layouts import LAYOUTS
from holopose.skeletons.skeleton import PARTS, Skeleton
from holopose.types import Boxes, FrameInfo, Poses

__all__ = ["layout_of", "read_csv"]

Array = npt.NDArray[np.float64]

_NO_RUN = (
    "A table does not say which model made it and what its scores mean, nor the facts about a clip such as its rate."
)
_NO_END = "A table does not say how many frames there were, so that one cut between two frames goes unnoticed."
_NO_BOXES = "The long table has no boxes: they are the extent of the keypoints."
_NO_FLAGS = "The wide table has no `visible`, no `swapped` and no metres."
_NO_LAYOUT = "There is nobody in the table, so its keypoints are not known."


def read_csv(path: Path | str) -> Results:
    """A long or a wide table as frames and Poses; which one it is shows in its header.

    Coordinates equal what was written to within the table's rounding (0.005 px). `lost` says what a table does not
    hold. The layout goes by the names of the keypoints, see `layout_of`.

    Raises:
        InputError: the file cannot be read, is no table of holopose, or is damaged.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            if "keypoint" in header:
                return _read_long(header, reader)
            if "box_left" in header:
                return _read_wide(header, reader)
            raise InputError(
                "expected a table of holopose, with a column 'keypoint' (long) or 'box_left' (wide), "
                f"got {len(header)} columns{': ' + ', '.join(header[:4]) if header else ''}"
            )
    except OSError as error:
        raise InputError(f"{path}: expected a table of holopose: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected a table in UTF-8, got other bytes ({error.reason})") from error
    except (HoloposeError, ValueError, csv.Error) as error:
        raise InputError(f"{path}: {' '.join(str(error).split())}") from error


def layout_of(keypoints: Sequence[str], parts: Sequence[str] | None = None) -> tuple[Skeleton, tuple[str, ...]]:
    """The layout of keypoints whose names are known, and what is lost by not knowing more.

    One that holopose knows where names and order are the same; its part where they are among those of one; else a
    layout of these names with ``left_``/``right_`` as mirror images and without edges.

    Args:
        keypoints: Names, in order.
        parts: The part of each, where that is known.

    >>> layout_of(["left_hip", "left_knee"])[0].name
    'coco17/2'
    """
    names = tuple(keypoints)
    for layout in LAYOUTS.values():
        if layout.keypoints == names:
            return layout, (f"The layout {layout.name} is known by the names of its keypoints.",)
    for layout in LAYOUTS.values():
        if not names or not set(names) <= set(layout.keypoints):
            continue
        keep = [layout.index(name) for name in names]
        whole = [part for part, members in layout.parts.items() if members == tuple(keep)]
        subset = layout.subset(keep, f"{layout.name}/{whole[0] if whole else len(keep)}")
        return subset, (f"These {len(names)} keypoints are taken for those of {layout.name}, by their names.",)
    index = {name: k for k, name in enumerate(names)}
    owners = [part if part in PARTS else "body" for part in parts or ["body"] * len(names)]
    members = {part: tuple(k for k, owner in enumerate(owners) if owner == part) for part in PARTS if part in owners}
    swaps = tuple(index.get(_mirror(name), k) for k, name in enumerate(names))
    skeleton = Skeleton("unknown", names, (), swaps, None, members)
    return skeleton, ("The layout is not known: it has no edges and no OKS constants (sigmas).",)


def _mirror(name: str) -> str:
    for side, other in (("left", "right"), ("right", "left")):
        if name.startswith(f"{side}_"):
            return other + name[len(side) :]
        if name.endswith(f"_{side}"):
            return name[: -len(side)] + other
    return name


# The long table ------------------------------------------------------------------------------------------------------


def _read_long(header: list[str], reader: Iterator[list[str]]) -> Results:
    _need(header, LONG)
    place = {name: k for k, name in enumerate(header)}
    measures = [name for name in DIGITS if name in place]
    names: list[str] | None = None
    parts: list[str] = []
    found: list[tuple[FrameInfo, dict[str, Any] | None]] = []
    for info, rows in _frames(header, reader):
        if rows[0][place["person"]] == "":
            _single(info, rows)
            found.append((info, None))
            continue
        count, first = _people(info, rows, place)
        if names is None:
            names = [row[place["keypoint"]] for row in rows[:count]]
            parts = [row[place["part"]] for row in rows[:count]]
        if [row[place["keypoint"]] for row in rows] != names * len(first):
            raise InputError(
                f"frame {info.index}: expected each person's {len(names)} keypoints in one order; got others"
            )
        values = {name: _numbers([row[place[name]] for row in rows], info).reshape(-1, count) for name in measures}
        found.append((info, {**values, **_persons(first, place, info)}))
    skeleton, lost = layout_of(names or (), parts)
    if names is None:
        lost = (_NO_LAYOUT,)
    frames = [(info, Poses.empty(skeleton) if one is None else _poses(skeleton, one)) for info, one in found]
    return Results(UNKNOWN_RUN, _source(frames), skeleton, frames, (_NO_RUN, *lost, _NO_BOXES, _NO_END))


def _people(info: FrameInfo, rows: list[list[str]], place: Mapping[str, int]) -> tuple[int, list[list[str]]]:
    """How many keypoints each person of a frame has, and each person's first row."""
    groups = [list(group) for _, group in groupby(rows, key=itemgetter(place["person"]))]
    count = len(groups[0])
    for person, group in enumerate(groups):
        numbers = [row[place["keypoint_index"]] for row in group]
        if group[0][place["person"]] != str(person) or numbers != [str(k) for k in range(count)]:
            raise InputError(
                f"frame {info.index}: expected persons 0, 1, ... with keypoints 0 to {count - 1} each, as they were "
                "written; rows are missing or in another order"
            )
    return count, [group[0] for group in groups]


# The wide table ------------------------------------------------------------------------------------------------------


def _read_wide(header: list[str], reader: Iterator[list[str]]) -> Results:
    _need(header, WIDE)
    keypoints, measures = _wide_layout(header)
    place = {name: k for k, name in enumerate(WIDE)}
    skeleton, lost = layout_of(keypoints)
    frames: list[tuple[FrameInfo, Poses]] = []
    for info, rows in _frames(header, reader):
        if rows[0][place["person"]] == "":
            _single(info, rows)
            frames.append((info, Poses.empty(skeleton)))
            continue
        if [row[place["person"]] for row in rows] != [str(person) for person in range(len(rows))]:
            raise InputError(f"frame {info.index}: expected persons 0, 1, ... in this order; rows are missing")
        cells = _numbers([cell for row in rows for cell in row[len(WIDE) :]], info)
        values = cells.reshape(len(rows), len(keypoints), len(measures))
        boxes = [_numbers(row[place["box_left"] : place["box_bottom"] + 1], info) for row in rows]
        one = {name: values[..., k] for k, name in enumerate(measures)}
        frames.append((info, _poses(skeleton, {**one, **_persons(rows, place, info), "boxes": np.array(boxes)})))
    return Results(UNKNOWN_RUN, _source(frames), skeleton, frames, (_NO_RUN, *lost, _NO_FLAGS, _NO_END))


def _wide_layout(header: list[str]) -> tuple[list[str], list[str]]:
    """Keypoints and what is measured of each, from the header."""
    for normalized in (False, True):
        for raw in (False, True):
            step = len(wide_columns(["one"], normalized=normalized, raw=raw)[0])
            keypoints = [name.removesuffix("_x") for name in header[len(WIDE) :: step]]
            measures, columns = wide_columns(keypoints, normalized=normalized, raw=raw)
            if columns == header:
                return keypoints, measures
    raise InputError("expected the columns of a wide table of holopose in their order; some are missing or were moved")


# Both ----------------------------------------------------------------------------------------------------------------


def _need(header: list[str], columns: Iterable[str]) -> None:
    missing = [name for name in columns if name not in header]
    if missing:
        raise InputError(f"expected a table of holopose, but it has no column {', '.join(missing)}")


def _frames(header: list[str], reader: Iterator[list[str]]) -> Iterator[tuple[FrameInfo, list[list[str]]]]:
    """The rows of each frame; a frame's rows stand together."""
    place = itemgetter(*(header.index(name) for name in ("file", "frame", "time_s", "width", "height")))
    seen: set[tuple[str, int]] = set()
    for key, group in groupby(_checked(header, reader), key=place):
        name, index, time_s, width, height = key
        try:
            info = FrameInfo(int(index), float(time_s) if time_s else None, name, (int(width), int(height)))
        except ValueError as error:
            raise InputError(f"expected numbers for frame, time_s, width and height, got {key[1:]}") from error
        if info.index < 0 or min(info.size_wh) < 1:
            raise InputError(f"expected a frame from 0 on and a size of at least 1x1, got {key[1:]}")
        if (name, info.index) in seen:
            raise InputError(f"frame {index}: expected all its rows together, got some more further down")
        seen.add((name, info.index))
        yield info, list(group)


def _checked(header: list[str], reader: Iterator[list[str]]) -> Iterator[list[str]]:
    for number, row in enumerate(reader, start=1):
        if len(row) != len(header):
            raise InputError(f"row {number}: expected {len(header)} cells, got {len(row)}; it is cut or damaged")
        yield row


def _single(info: FrameInfo, rows: list[list[str]]) -> None:
    if len(rows) > 1:
        raise InputError(f"frame {info.index}: expected one row for a frame without people, got {len(rows)}")


def _numbers(cells: Sequence[str], info: FrameInfo) -> Array:
    try:
        values = np.array([cell or "nan" for cell in cells], np.float64)
    except ValueError as error:
        raise InputError(f"frame {info.index}: expected numbers or empty cells, but {error}") from error
    if (np.abs(values) > np.finfo(np.float32).max).any():
        raise InputError(f"frame {info.index}: expected coordinates that a 32-bit number can hold, got larger ones")
    return values


def _persons(rows: list[list[str]], place: Mapping[str, int], info: FrameInfo) -> dict[str, Any]:
    """Identity and score of each person, from one row of each."""
    try:
        ids = np.array([int(row[place["id"]] or -1) for row in rows], np.int64)
    except (ValueError, OverflowError) as error:
        raise InputError(f"frame {info.index}: expected whole numbers or empty cells as id, but {error}") from error
    return {"ids": ids, "person_score": _numbers([row[place["person_score"]] for row in rows], info)}


def _poses(skeleton: Skeleton, found: Mapping[str, Any]) -> Poses:
    xy = np.stack([found["x"], found["y"]], axis=-1)
    boxes = found.get("boxes", _extent(xy))

    def stacked(names: tuple[str, ...]) -> npt.NDArray[np.float32] | None:
        if not all(name in found for name in names) or np.isnan(found[names[0]]).all():
            return None
        return np.stack([found[name] for name in names], axis=-1, dtype=np.float32)

    def flags(name: str) -> npt.NDArray[np.bool_] | None:
        return None if name not in found or np.isnan(found[name]).all() else np.asarray(found[name] == 1)

    return Poses(
        xy,
        np.nan_to_num(found["score"]),
        Boxes(boxes, found["person_score"]),
        skeleton,
        ids=found["ids"],
        visible=flags("visible"),
        world=stacked(WORLD),
        raw_xy=stacked(RAW),
        swapped=flags("swapped"),
    )


def _extent(xy: Array) -> Array:
    """(N, 4) smallest boxes around (N, K, 2) keypoints; nothing but zeros where a person has none."""
    there = ~np.isnan(xy)
    low = np.min(xy, axis=1, where=there, initial=np.inf)
    high = np.max(xy, axis=1, where=there, initial=-np.inf)
    box = np.concatenate([low, high], axis=1)
    return np.where(np.isfinite(box), box, 0.0)


def _source(frames: Sequence[tuple[FrameInfo, Poses]]) -> dict[str, Any]:
    if not frames:
        raise InputError("expected at least one frame, got a header alone")
    first = frames[0][0]
    return {"name": first.name, "width": first.size_wh[0], "height": first.size_wh[1]}
