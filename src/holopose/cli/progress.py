"""Owns how a run is shown while it goes on: a bar on a terminal, plain lines elsewhere, JSON lines for programs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any, Protocol

from holopose.build.outcomes import Outcome, Progress, Summary
from holopose.cli.console import complain, one_line, say
from holopose.types import FrameInfo

__all__ = ["JsonLines", "PlainLines", "Quiet", "Shows", "TerminalBar", "choose_progress"]

LINE_EVERY_S = 10.0
"""How often plain lines tell about a long clip."""

EVENT_EVERY_S = 1.0
"""How often JSON lines tell about a clip."""

Clock = Callable[[], float]


class Shows(Progress, Protocol):
    """A `holopose.build.Progress` with an end of its own."""

    def end(self, summary: Summary | None) -> None:
        """The run is over; no summary when it was broken off."""


def choose_progress(*, quiet: bool, log_json: bool) -> Shows:
    """What suits the options and the output."""
    if log_json:
        return JsonLines()
    if quiet:
        return Quiet()
    return TerminalBar() if sys.stdout.isatty() else PlainLines()


class _Pace:
    """How far an input is, and how fast it goes.

    A clip may be sampled, so how far it is says the place of the last frame in it, not how many were worked on.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.name = ""
        self.frames: int | None = None
        self.live = False
        self.count = self.people = self.place = 0
        self._first = 0
        self.latency_s: float | None = None
        self._started_s = self._told_s = clock()

    def start(self, name: str, frames: int | None, *, live: bool) -> None:
        self.name, self.frames, self.live = name, frames, live
        self.count = self.people = self.place = 0
        self.latency_s = None
        self._started_s = self._told_s = self._clock()

    def read(self, frame: FrameInfo) -> None:
        if not self.place:
            self._first = frame.index
        self.place = max(self.place, frame.index + 1)

    def advance(self, frame: FrameInfo, people: int, latency_s: float | None) -> None:
        self.read(frame)
        self.count += 1
        self.people, self.latency_s = people, latency_s

    def is_due(self, every_s: float) -> bool:
        """Whether it is time to tell again."""
        now_s = self._clock()
        due = now_s - self._told_s >= every_s
        if due:
            self._told_s = now_s
        return due

    @property
    def rate(self) -> float:
        """Frames per second since the input began; until any are written, those that are read."""
        return (self.count or self.place - self._first) / max(self._clock() - self._started_s, 1e-6)

    @property
    def share(self) -> float:
        """How much of it is done, 0 to 1; 0 where nobody knows."""
        if not self.frames or self.frames <= self._first:
            return 0.0
        return min((self.place - self._first) / (self.frames - self._first), 1.0)

    @property
    def left_s(self) -> float | None:
        """Seconds that the rest of it will take; None where nobody knows."""
        if self.live or not self.share:
            return None
        return (self._clock() - self._started_s) * (1 / self.share - 1)


class Quiet:
    """Nothing but errors."""

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
        """A line on stderr when it failed."""
        if outcome.error is not None:
            complain(outcome.error)

    def end(self, summary: Summary | None) -> None:
        """Nothing."""


class PlainLines(Quiet):
    """A line per input, a line every ten seconds of a long one, a line at the end; errors on stderr.

    Args:
        clock: Seconds, ever rising.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._pace = _Pace(clock)

    def note(self, text: str) -> None:
        """A line."""
        say(one_line(text))

    def start(self, name: str, frames: int | None, *, live: bool) -> None:
        """Begin to count."""
        self._pace.start(name, frames, live=live)

    def read(self, frame: FrameInfo) -> None:
        """Tell where it is time to."""
        self._pace.read(frame)
        self._tell()

    def advance(self, frame: FrameInfo, people: int, latency_s: float | None) -> None:
        """Count; tell where it is time to."""
        self._pace.advance(frame, people, latency_s)
        self._tell()

    def _tell(self) -> None:
        if self._pace.is_due(LINE_EVERY_S):
            say(one_line(f"{self._pace.name}: {_describe(self._pace)}"))

    def finish(self, outcome: Outcome) -> None:
        """What was found, and where the results are."""
        super().finish(outcome)
        if outcome.error is None and not outcome.kept:
            say(one_line(describe_outcome(outcome)))

    def end(self, summary: Summary | None) -> None:
        """All together, where that is more than the lines above it say."""
        if summary is not None and (len(summary.outcomes) != 1 or summary.failed or summary.kept):
            say(one_line(describe_summary(summary)))


class TerminalBar(PlainLines):
    """The same lines, and beneath them a bar that says how far the run is.

    Args:
        clock: Seconds, ever rising.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        super().__init__(clock)
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("{task.fields[inputs]}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[state]}", markup=False),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[name]}", markup=False),
            console=Console(highlight=False, soft_wrap=True),
            transient=True,
            redirect_stderr=sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("", total=None, inputs="", state="", name="")
        self._inputs = self._done = self._people = 0
        self._all = _Pace(clock)

    def begin(self, inputs: int) -> None:
        """Show the bar."""
        self._inputs = inputs
        self._all.start("", None, live=False)
        self._bar.update(self._task, total=inputs, inputs=f"0/{inputs}")
        self._bar.start()

    def start(self, name: str, frames: int | None, *, live: bool) -> None:
        """Name the input; a live one has no end that the bar could show."""
        super().start(name, frames, live=live)
        name = one_line(name)
        self._bar.update(
            self._task,
            total=None if live else self._inputs,
            name=name if len(name) <= 40 else f"...{name[-37:]}",
        )

    def read(self, frame: FrameInfo) -> None:
        """Move the bar."""
        self._pace.read(frame)
        self._bar.update(self._task, completed=self._done + self._pace.share, state=_describe(self._pace))

    def advance(self, frame: FrameInfo, people: int, latency_s: float | None) -> None:
        """Move the bar."""
        self._pace.advance(frame, people, latency_s)
        self._all.advance(frame, people, None)
        if self._pace.frames == 1:
            state = f"{_people(self._people + people)}, {self._all.rate:.1f} pictures/s"
        else:
            state = _describe(self._pace)
        self._bar.update(self._task, completed=self._done + self._pace.share, state=state)

    def finish(self, outcome: Outcome) -> None:
        """A line above the bar."""
        self._done += 1
        self._people += outcome.people or 0
        self._bar.update(
            self._task, total=self._inputs, completed=self._done, inputs=f"{self._done}/{self._inputs}", name=""
        )
        super().finish(outcome)

    def end(self, summary: Summary | None) -> None:
        """Take the bar away."""
        self._bar.stop()
        super().end(summary)


class JsonLines:
    """One JSON object per line on stdout, with an ``event``: note, started, progress, done, kept, failed, ended.

    Args:
        clock: Seconds, ever rising.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._pace = _Pace(clock)

    def note(self, text: str) -> None:
        """``note``."""
        _emit("note", text=text)

    def begin(self, inputs: int) -> None:
        """``started``."""
        _emit("started", inputs=inputs)

    def start(self, name: str, frames: int | None, *, live: bool) -> None:
        """Nothing yet."""
        self._pace.start(name, frames, live=live)

    def read(self, frame: FrameInfo) -> None:
        """``progress``, at most once a second."""
        self._pace.read(frame)
        self._tell(frame)

    def advance(self, frame: FrameInfo, people: int, latency_s: float | None) -> None:
        """``progress``, at most once a second."""
        self._pace.advance(frame, people, latency_s)
        self._tell(frame)

    def _tell(self, frame: FrameInfo) -> None:
        pace = self._pace
        if pace.is_due(EVENT_EVERY_S):
            _emit(
                "progress",
                input=pace.name,
                frame=frame.index,
                written=pace.count,
                of=pace.frames,
                people=pace.people,
                fps=round(pace.rate, 2),
                left_s=None if pace.left_s is None else round(pace.left_s, 1),
                latency_s=None if pace.latency_s is None else round(pace.latency_s, 3),
            )

    def finish(self, outcome: Outcome) -> None:
        """``done``, ``kept`` or ``failed``."""
        facts: dict[str, Any] = {"input": outcome.input, "frames": outcome.frames, "people": outcome.people}
        facts |= {"seconds": round(outcome.time_s, 3), "files": [str(file) for file in outcome.files]}
        if outcome.error is not None:
            _emit("failed", **facts, kind=type(outcome.error).__name__, error=one_line(outcome.error))
        else:
            _emit("kept" if outcome.kept else "done", **facts)

    def end(self, summary: Summary | None) -> None:
        """``ended``, unless the run was broken off."""
        if summary is not None:
            _emit(
                "ended",
                inputs=len(summary.outcomes),
                failed=summary.failed,
                kept=summary.kept,
                frames=summary.frames,
                people=summary.people,
                seconds=round(summary.time_s, 3),
                report=str(summary.report),
                exit_code=summary.exit_code,
            )


def _emit(event: str, **facts: Any) -> None:
    say(json.dumps({"event": event, **facts}))


def describe_outcome(outcome: Outcome) -> str:
    """One input in a line.

    >>> from pathlib import Path
    >>> describe_outcome(Outcome("a.jpg", 2, 0.5, (Path("out/a.json"),), frames=1))
    'a.jpg: 2 people, 0.50 s -> out/a.json'
    """
    frames = f"{_count(outcome.frames, 'frame')}, " if outcome.frames > 1 else ""
    rate = f" ({outcome.frames / outcome.time_s:.1f} frames/s)" if outcome.frames > 1 and outcome.time_s > 0 else ""
    files = ", ".join(map(str, outcome.files))
    return f"{outcome.input}: {frames}{_people(outcome.people or 0)}, {outcome.time_s:.2f} s{rate} -> {files}"


def describe_summary(summary: Summary) -> str:
    """The whole run in a line."""
    words = [_count(len(summary.outcomes), "input")]
    if summary.frames != len(summary.outcomes) - summary.failed - summary.kept:
        words.append(_count(summary.frames, "frame"))
    words.append(_people(summary.people))
    if summary.kept:
        words.append(f"{summary.kept} complete already")
    if summary.failed:
        words.append(f"{summary.failed} failed")
    return f"{', '.join(words)}, {_duration(summary.time_s)}; report: {summary.report}"


def _describe(pace: _Pace) -> str:
    frames = f"{pace.place} of {pace.frames} frames" if pace.frames else _count(pace.count, "frame")
    words = [frames, *([_people(pace.people)] if pace.count else ["read"]), f"{pace.rate:.1f} frames/s"]
    if pace.live and pace.latency_s is not None:
        words.append(f"{pace.latency_s * 1e3:.0f} ms late")
    if pace.left_s is not None:
        words.append(f"{_duration(pace.left_s)} left")
    return ", ".join(words)


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _duration(seconds: float) -> str:
    """Minutes and seconds as people read them.

    >>> _duration(0.25), _duration(75), _duration(3725)
    ('0.2 s', '1:15', '1:02:05')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
