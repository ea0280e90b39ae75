"""Owns bars: what is asked, what came, whether it is met, and how a script ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Verdict", "conclude"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One bar."""

    asked: str
    came: str
    met: bool

    def __str__(self) -> str:
        return f"{'met   ' if self.met else 'MISSED'}  {self.asked}: {self.came}"


def conclude(verdicts: Iterable[Verdict]) -> int:
    """Print the bars; the exit status: 0 when every one is met, 1 otherwise."""
    verdicts = list(verdicts)
    print("", *verdicts, sep="\n")
    return 0 if all(verdict.met for verdict in verdicts) else 1
