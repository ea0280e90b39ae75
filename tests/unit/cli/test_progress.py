from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from holopose.build import Outcome, Summary
from holopose.cli.progress import JsonLines, PlainLines, Quiet, Shows, TerminalBar, choose_progress
from holopose.errors import InputError
from holopose.types import FrameInfo

DONE = Outcome("in/clip.mp4", 2, 10.0, (Path("out/clip.json"), Path("out/clip.csv")), frames=250)
PICTURE = Outcome("a.jpg", 1, 0.25, (Path("out/a.json"),), frames=1)
FAILED = Outcome("b.jpg", None, 0.1, error=InputError("b.jpg: is no\npicture"))
KEPT = Outcome("c.jpg", 3, 0.0, (Path("out/c.json"),), frames=1, kept=True)


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def frame(index: int) -> FrameInfo:
    return FrameInfo(index, index / 25, "clip.mp4", (64, 48))


def play(shown: Shows, clock: Clock, *, frames: int = 256, every: int = 1, live: bool = False) -> None:
    """Three inputs: a clip at 8 frames a second, a picture, one that fails."""
    shown.begin(3)
    shown.start(DONE.input, None if live else frames, live=live)
    for index in range(0, frames, every):
        clock.now_s += 0.125
        shown.advance(frame(index), 2, 0.12 if live else None)
    shown.finish(DONE)
    shown.start(PICTURE.input, 1, live=False)
    shown.advance(frame(0), 1, None)
    shown.finish(PICTURE)
    shown.finish(FAILED)
    shown.end(Summary((DONE, PICTURE, FAILED), Path("out/holopose-run.jsonl"), 75.0))


def test_plain_lines_tell_each_input_long_clips_now_and_then_and_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    play(PlainLines(clock), clock)
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "in/clip.mp4: 80 of 256 frames, 2 people, 8.0 frames/s, 0:22 left",
        "in/clip.mp4: 160 of 256 frames, 2 people, 8.0 frames/s, 0:12 left",
        "in/clip.mp4: 240 of 256 frames, 2 people, 8.0 frames/s, 2.0 s left",
        "in/clip.mp4: 250 frames, 2 people, 10.00 s (25.0 frames/s) -> out/clip.json, out/clip.csv",
        "a.jpg: 1 person, 0.25 s -> out/a.json",
        "3 inputs, 251 frames, 3 people, 1 failed, 1:15; report: out/holopose-run.jsonl",
    ]
    assert err == "holopose: b.jpg: is no picture\n"


def test_a_sampled_clip_is_as_far_as_its_last_frame(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    play(PlainLines(clock), clock, frames=300, every=2)
    first = capsys.readouterr().out.splitlines()[0]
    assert first == "in/clip.mp4: 159 of 300 frames, 2 people, 8.0 frames/s, 8.9 s left"


def test_reading_ahead_of_writing_is_told_too(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    shown = PlainLines(clock)
    shown.start("clip.mp4", 400, live=False)
    for index in range(100):
        clock.now_s += 0.125
        shown.read(frame(index))
    assert capsys.readouterr().out == "clip.mp4: 80 of 400 frames, read, 8.0 frames/s, 0:40 left\n"


def test_a_live_input_has_latency_and_no_end(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    play(PlainLines(clock), clock, live=True)
    line = capsys.readouterr().out.splitlines()[0]
    assert line == "in/clip.mp4: 80 frames, 2 people, 8.0 frames/s, 120 ms late"


def test_one_input_that_went_well_needs_no_summary(capsys: pytest.CaptureFixture[str]) -> None:
    shown = PlainLines(Clock())
    shown.begin(1)
    shown.finish(PICTURE)
    shown.end(Summary((PICTURE,), Path("out/holopose-run.jsonl"), 1.0))
    assert capsys.readouterr().out == "a.jpg: 1 person, 0.25 s -> out/a.json\n"


def test_what_was_complete_already_is_counted_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    shown = PlainLines(Clock())
    shown.begin(2)
    shown.finish(KEPT)
    shown.finish(PICTURE)
    shown.end(Summary((KEPT, PICTURE), Path("out/r.jsonl"), 5.0))
    assert capsys.readouterr().out.splitlines()[1:] == [
        "2 inputs, 1 person, 1 complete already, 5.0 s; report: out/r.jsonl"
    ]


def test_quiet_says_nothing_but_errors(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    shown = Quiet()
    shown.note("left out 3 files")
    play(shown, clock)
    assert capsys.readouterr() == ("", "holopose: b.jpg: is no picture\n")


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_json_lines_are_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    shown = JsonLines(clock)
    shown.note("left out 3 files")
    play(shown, clock)
    shown.finish(KEPT)
    out, err = capsys.readouterr()
    told = events(out)
    assert err == ""
    names = [event["event"] for event in told]
    assert [name for name in names if name != "progress"] == [
        "note",
        "started",
        "done",
        "done",
        "failed",
        "ended",
        "kept",
    ]
    assert names.count("progress") == 32
    progress = told[names.index("progress")]
    assert progress["input"] == "in/clip.mp4"
    assert (progress["written"], progress["of"], progress["people"]) == (progress["frame"] + 1, 256, 2)
    assert (progress["fps"], progress["latency_s"]) == (8.0, None)
    assert told[names.index("done")]["files"] == ["out/clip.json", "out/clip.csv"]
    failed = told[names.index("failed")]
    assert (failed["kind"], failed["error"]) == ("InputError", "b.jpg: is no picture")
    ended = told[names.index("ended")]
    assert (ended["inputs"], ended["failed"], ended["exit_code"]) == (3, 1, 1)
    assert ended["report"] == "out/holopose-run.jsonl"


def test_a_run_that_was_broken_off_has_no_summary(capsys: pytest.CaptureFixture[str]) -> None:
    for shown in (Quiet(), PlainLines(Clock()), JsonLines(Clock())):
        shown.end(None)
    assert capsys.readouterr() == ("", "")


class Terminal(io.StringIO):
    """What looks like a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


def test_a_terminal_has_a_bar_beneath_the_lines(terminal: Terminal) -> None:
    clock = Clock()
    with contextlib.redirect_stdout(terminal):
        shown = TerminalBar(clock)
        shown.begin(3)
        shown.start("in/[red]clip.mp4", 250, live=False)
        for index in range(100):
            clock.now_s += 0.0625
            shown.advance(frame(index), 2, None)
        shown._bar.refresh()
        drawn = terminal.getvalue()
        shown.finish(DONE)
        shown.start("a.jpg", 1, live=False)
        shown.advance(frame(0), 1, None)
        shown._bar.refresh()
        shown.finish(PICTURE)
        shown.end(Summary((DONE, PICTURE), Path("out/report.jsonl"), 75.0))
        assert sys.stdout is terminal
    for words in ("0/3", "100 of 250 frames", "2 people", "16.0 frames/s", "9.4 s left", "in/[red]clip.mp4"):
        assert words in drawn
    drawn = terminal.getvalue()
    assert "3 people, 16.2 pictures/s" in drawn
    assert "1/3" in drawn
    assert "250 frames, 2 people, 10.00 s (25.0 frames/s) -> out/clip.json, out/clip.csv" in drawn
    assert drawn.rstrip().endswith("report: out/report.jsonl")


def test_a_live_bar_shows_latency(terminal: Terminal) -> None:
    clock = Clock()
    with contextlib.redirect_stdout(terminal):
        shown = TerminalBar(clock)
        shown.begin(1)
        shown.start("webcam 0", None, live=True)
        clock.now_s += 1
        shown.advance(frame(0), 0, 0.085)
        shown._bar.refresh()
        shown.end(None)
    assert "1 frame, 0 people, 1.0 frames/s, 85 ms late" in terminal.getvalue()


@pytest.mark.parametrize(
    ("options", "made"),
    [
        ({"quiet": False, "log_json": False}, PlainLines),
        ({"quiet": True, "log_json": False}, Quiet),
        ({"quiet": False, "log_json": True}, JsonLines),
    ],
)
def test_the_options_choose(options: dict[str, bool], made: Callable[..., Shows]) -> None:
    assert type(choose_progress(**options)) is made


def test_a_terminal_gets_the_bar(terminal: Terminal) -> None:
    with contextlib.redirect_stdout(terminal):
        assert type(choose_progress(quiet=False, log_json=False)) is TerminalBar
        assert type(choose_progress(quiet=True, log_json=False)) is Quiet
