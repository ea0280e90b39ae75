"""Owns laying stored results back over the frames they were made from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from holopose.errors import InputError
from holopose.io.results import Results
from holopose.protocols import Source
from holopose.types import Frame, FrameInfo, Poses

__all__ = ["replay"]

MOST_APART_S = 0.1
"""How far a frame's time may be from the stored one: a copy in another container has its times rounded anew, counted
from another start, but a clip of another rate or with other cuts is another clip."""

Stored = tuple[FrameInfo, Poses]


def replay(results: Results, source: Source, *, name: str) -> Iterator[tuple[Frame, Poses]]:
    """The frames of `source` that the results know, each with its people, in the order of the source.

    Frames of a clip belong together by their index; pictures by their names: as given, or else without folders, or
    else without their ending, as far as only one fits; one picture belongs to a result of one picture whatever it is
    called. Frames that the results do not hold (a run with ``every``, ``start_s``) are left out.

    Args:
        results: What was stored.
        source: The clip or the pictures it was made from; read only as far as needed.
        name: What messages call the results.

    Raises:
        InputError: there are no results, or the two do not fit: a frame has another size or another time, or one that
            the results hold is not there.
    """
    shown = str(source.info.get("name") or "the pictures")
    if not len(results):
        raise InputError(f"{name}: holds no frame that could be drawn")
    waiting = dict(enumerate(results.frames))
    finder = _Indices(results.frames, name) if source.info.get("kind") == "video" else _Names(results.frames)
    single = source.info.get("count") == 1 and len(results) == 1 and isinstance(finder, _Names)
    for frame in source:
        place = 0 if single else finder.find(frame)
        if place is None or place not in waiting:
            continue
        stored, poses = waiting.pop(place)
        _check_size(stored, frame, name)
        _check_time(stored, frame, name)
        yield frame, poses
        if not waiting:
            return
    if waiting:
        missing = next(iter(waiting.values()))[0]
        which = f"frame {missing.index}" if isinstance(finder, _Indices) else missing.name or f"picture {missing.index}"
        raise InputError(
            f"{name}: holds {len(results)} frames, but {len(waiting)} of them (such as {which}) are not in {shown}; "
            "are these the results of something else?"
        )


class _Indices:
    """Finds stored frames by their index."""

    def __init__(self, frames: Sequence[Stored], name: str) -> None:
        self._places = {stored.index: place for place, (stored, _) in enumerate(frames)}
        if len(self._places) != len(frames):
            raise InputError(f"{name}: holds a frame twice, so it is not the result of one clip")

    def find(self, frame: Frame) -> int | None:
        """Place among the stored frames."""
        return self._places.get(frame.index)


class _Names:
    """Finds stored pictures by their names, the strictest way first."""

    def __init__(self, frames: Sequence[Stored]) -> None:
        self._ways: list[dict[str, int | None]] = [{}, {}, {}]
        for place, (stored, _) in enumerate(frames):
            for way, key in zip(self._ways, _forms(stored.name), strict=True):
                way[key] = None if key in way else place  # None: several are called so

    def find(self, frame: Frame) -> int | None:
        """Place among the stored pictures."""
        found = (way.get(key) for way, key in zip(self._ways, _forms(frame.name), strict=True))
        return next((place for place in found if place is not None), None)


def _forms(name: str) -> tuple[str, str, str]:
    """As given, without folders, without folders and ending.

    >>> _forms("a/b.jpg")
    ('a/b.jpg', 'b.jpg', 'b')
    """
    path = PurePosixPath(name.replace("\\", "/"))
    return name, path.name, path.stem


def _check_size(stored: FrameInfo, frame: Frame, name: str) -> None:
    if min(stored.size_wh) > 0 and stored.size_wh != frame.size_wh:
        sizes = ["x".join(map(str, one.size_wh)) for one in (stored, frame)]
        raise InputError(
            f"{name}: frame {stored.index} was {sizes[0]}, but {frame.name or 'what it is drawn over'} is "
            f"{sizes[1]}; results fit only what they were made from"
        )


def _check_time(stored: FrameInfo, frame: Frame, name: str) -> None:
    if stored.time_s is not None and frame.time_s is not None and abs(stored.time_s - frame.time_s) > MOST_APART_S:
        raise InputError(
            f"{name}: frame {stored.index} was at {stored.time_s:.3f} s, but in {frame.name or 'this clip'} it is "
            f"at {frame.time_s:.3f} s; results fit only what they were made from"
        )
