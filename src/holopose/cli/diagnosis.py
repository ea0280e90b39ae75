"""Owns what `holopose doctor` finds: a report of plain data, and problems with what mends them."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

__all__ = ["Problem", "Report", "version_of"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that needs mending.

    Attributes:
        what: What is wrong.
        mend: What to do about it.
    """

    what: str
    mend: str


@dataclass(slots=True)
class Report:
    """What was found; every field is plain data, ready for JSON."""

    holopose: str
    python: dict[str, str] = field(default_factory=dict)
    platform: dict[str, Any] = field(default_factory=dict)
    packages: dict[str, str | None] = field(default_factory=dict)
    extras: dict[str, list[str]] = field(default_factory=dict)
    opencv_wheels: dict[str, str] = field(default_factory=dict)
    onnxruntime_wheels: dict[str, str] = field(default_factory=dict)
    runtimes: list[dict[str, Any]] = field(default_factory=list)
    cache: dict[str, Any] = field(default_factory=dict)
    models: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    offline: bool = False
    problems: list[Problem] = field(default_factory=list)


def version_of(distribution: str) -> str | None:
    """Version of an installed distribution, None where it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
