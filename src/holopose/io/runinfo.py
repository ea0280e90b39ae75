"""Owns RunInfo: what result files say about how they were made, as plain words and numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

__all__ = ["RunInfo", "installed_version"]

Plain = str | int | float | bool | None | list[str] | tuple[str, ...]


@cache
def installed_version() -> str:
    """Version of this holopose; ``unknown`` in a source tree that was never installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("holopose")
    except PackageNotFoundError:
        return "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """How results came about.

    Attributes:
        model: Name of the model family or card that was asked for.
        cards: Name -> SHA-256 (hex) of every weight file used.
        options: The options that change results, such as search, min_score, max_people.
        runtime: Name of the runtime.
        runtime_version: Its version.
        device: What really ran.
        precision: Arithmetic, such as ``f32``.
        score: What a keypoint's score means, in a sentence or two.
        source: More about the source than name and size, such as the rate of a clip; JSON only.
        source_end: Asked when a file is finished: what only the end of the source tells, such as damaged packets.
        version: Version of holopose.
    """

    model: str
    cards: Mapping[str, str]
    options: Mapping[str, Plain]
    runtime: str
    runtime_version: str
    device: str
    precision: str
    score: str
    source: Mapping[str, Plain] = field(default_factory=dict)
    source_end: Callable[[], Mapping[str, Plain]] = dict
    version: str = field(default_factory=installed_version)
