"""Owns what a run tells: Outcome of one input, Summary of all, Progress, which is told as it happens, and the Tally."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from holopose.errors import HoloposeError
from holopose.protocols import Source
from holopose.types import Frame, FrameInfo, Poses

__all__ = ["NoProgress", "Outcome", "Progress", "Summary", "Tally"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one input.

    Attributes:
        input: What was given: as typed, or a file of the folder or archive that was typed.
        people: How many were found: in pictures all together; in a clip different identities, or, where it has none,
            the most at once. None when it failed.
        time_s: Reading, finding and writing together, without loading the model.
        files: What was written.
        frames: Pictures or frames worked on.
        error: Why it failed, None when it did not.
        kept: Whether it was complete from an earlier run and left as it is.
    """

    input: str
    people: int | None
    time_s: float
    files: tuple[Path, ...] = ()
    frames: int = 0
    error: HoloposeError | None = None
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of all inputs.

    Attributes:
        outcomes: One for each input, in order.
        report: The journal, which holds the same and more.
        time_s: The whole run.
    """

    outcomes: tuple[Outcome, ...]
    report: Path
    time_s: float

    @property
    def failed(self) -> int:
        """How many inputs failed."""
        return sum(outcome.error is not None for outcome in self.outcomes)

    @property
    def kept(self) -> int:
        """How many were complete from an earlier run."""
        return sum(outcome.kept for outcome in self.outcomes)

    @property
    def frames(self) -> int:
        """Pictures and frames worked on in this run."""
        return sum(outcome.frames for outcome in self.outcomes if not outcome.kept)

    @property
    def people(self) -> int:
        """People found in this run, see `Outcome.people`."""
        return sum(outcome.people or 0 for outcome in self.outcomes if not outcome.kept)

    @property
    def exit_code(self) -> int:
        """0 all done, 1 some failed, otherwise that of the first error (2 where the input could not be read)."""
        errors = [outcome.error for outcome in self.outcomes if outcome.error is not None]
        if not errors:
            return 0
        return 1 if len(errors) < len(self.outcomes) else errors[0].exit_code


class Progress(Protocol):
    """Is told what happens in a run, in this order."""

    def note(self, text: str) -> None:
        """Something worth knowing about the inputs, in a line."""

    def begin(self, inputs: int) -> None:
        """The run begins; so many inputs there are."""

    def start(self, name: str, frames: int | None, *, live: bool) -> None:
        """An input begins; so many frames it has, None where nobody knows."""

    def read(self, frame: FrameInfo) -> None:
        """A frame of it is read that will be written later, when all of the clip is known."""

    def advance(self, frame: FrameInfo, people: int, latency_s: float | None) -> None:
        """A frame of it is written; how long ago it was captured, for a live one."""

    def finish(self, outcome: Outcome) -> None:
        """The input is done, failed, or was left as it is."""


class NoProgress:
    """Takes no notice."""

    def note(self, text: str) -> None:
        """Nothing."""

    def begin(self, inputs: int) -> None:
        """Nothing."""

    def start(self, name: str, frames: int | None, *, live: bool) -> None:
        """Nothing."""

    def read(self, frame: FrameInfo) -> None:
        """Nothing."""

    def advance(self, frame: FrameInfo, people: int, latency_s: float | None) -> None:
        """Nothing."""

    def finish(self, outcome: Outcome) -> None:
        """Nothing."""


class Tally:
    """Counts frames and people of one input, and tells of each frame.

    Attributes:
        frames: Pictures or frames so far.
    """

    def __init__(self, progress: Progress, source: Source) -> None:
        self.frames = 0
        self._source = source
        self._progress = progress
        self._ids: set[int] = set()
        self._at_once = self._in_all = 0
        self._timed = False

    def note(self, frame: Frame | FrameInfo, poses: Poses) -> None:
        """Count one frame."""
        self.frames += 1
        self._timed = self._timed or frame.time_s is not None
        self._ids.update(identity for identity in ([] if poses.ids is None else poses.ids.tolist()) if identity >= 0)
        self._at_once, self._in_all = max(self._at_once, len(poses)), self._in_all + len(poses)
        info = frame if isinstance(frame, FrameInfo) else frame.info
        self._progress.advance(info, len(poses), getattr(self._source, "latency_s", None))

    @property
    def people(self) -> int:
        """See `Outcome.people`."""
        return len(self._ids) or (self._at_once if self._timed else self._in_all)
