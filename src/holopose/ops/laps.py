"""Owns laps: how long the stages of a computation take, for whoever wants to know; free for all others.

>>> with measuring() as seconds:
...     with lap("sum"):
...         _ = sum(range(1000))
>>> list(seconds)
['sum']
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["lap", "measuring"]

_seconds: ContextVar[dict[str, float] | None] = ContextVar("holopose_laps", default=None)


@contextmanager
def measuring() -> Iterator[dict[str, float]]:
    """Collect laps of this thread until the block ends: stage -> seconds, summed over all times it was passed."""
    seconds: dict[str, float] = {}
    token = _seconds.set(seconds)
    try:
        yield seconds
    finally:
        _seconds.reset(token)


@contextmanager
def lap(stage: str) -> Iterator[None]:
    """The block is one pass through a stage; stages do not contain each other."""
    seconds = _seconds.get()
    if seconds is None:
        yield
        return
    begun = time.perf_counter()
    try:
        yield
    finally:
        seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - begun
