"""ThreadedSink: the same frames in the same order, errors where they can be seen, no thread left."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from holopose.errors import OutputError
from holopose.io.sinks.json_file import JsonSink
from holopose.io.sinks.threaded import ThreadedSink
from holopose.protocols import Sink
from holopose.skeletons import COCO17
from holopose.types import Frame, FrameInfo, Poses

NOBODY = Poses.empty(COCO17)


class Notes:
    """A sink that notes what it is given and by which thread; waits at a gate, fails at a frame."""

    def __init__(self, *, fails_at: int = -1, gate: threading.Event | None = None) -> None:
        self.frames: list[int] = []
        self.threads: set[str] = set()
        self.ended: list[bool] = []
        self._fails_at = fails_at
        self._gate = gate

    def write(self, frame: Frame | FrameInfo, poses: Poses) -> None:
        assert poses is NOBODY
        if self._gate is not None:
            assert self._gate.wait(10)
        self.threads.add(threading.current_thread().name)
        if frame.index == self._fails_at:
            raise OutputError(f"no room for frame {frame.index}")
        self.frames.append(frame.index)

    def close(self, *, ok: bool) -> None:
        self.ended.append(ok)


def info(index: int) -> FrameInfo:
    return FrameInfo(index, index / 25, "clip.mp4", (64, 48))


def sink_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("holopose-sink")]


def test_it_is_a_sink_and_passes_everything_on_in_order() -> None:
    notes = Notes()
    sink = ThreadedSink(notes, depth=2)
    assert isinstance(sink, Sink)
    for index in range(50):
        sink.write(info(index), NOBODY)
    sink.close(ok=True)
    sink.close(ok=False)
    assert notes.frames == list(range(50))
    assert notes.ended == [True]
    assert notes.threads == {"holopose-sink_0"}
    assert sink_threads() == []


def test_writing_does_not_wait_until_the_queue_is_full() -> None:
    gate = threading.Event()
    notes = Notes(gate=gate)
    sink = ThreadedSink(notes, depth=3)
    for index in range(3):
        sink.write(info(index), NOBODY)
    assert notes.frames == []
    fourth = threading.Thread(target=sink.write, args=(info(3), NOBODY))
    fourth.start()
    fourth.join(0.05)
    assert fourth.is_alive()
    gate.set()
    fourth.join(10)
    sink.close(ok=True)
    assert notes.frames == [0, 1, 2, 3]


def test_an_error_comes_out_of_a_later_write_and_nothing_is_written_after_it() -> None:
    notes = Notes(fails_at=2)
    sink = ThreadedSink(notes, depth=2)
    with pytest.raises(OutputError, match="no room for frame 2"):  # noqa: PT012 - some write after the third
        for index in range(50):
            sink.write(info(index), NOBODY)
    sink.close(ok=False)
    assert notes.frames == [0, 1]
    assert notes.ended == [False]
    assert sink_threads() == []


def test_an_error_in_the_last_frame_comes_out_of_close() -> None:
    notes = Notes(fails_at=1)
    sink = ThreadedSink(notes)
    sink.write(info(0), NOBODY)
    sink.write(info(1), NOBODY)
    with pytest.raises(OutputError, match="no room for frame 1"):
        sink.close(ok=True)
    assert notes.ended == [False]


def test_a_run_that_fails_does_not_wait_for_what_is_queued() -> None:
    gate = threading.Event()
    notes = Notes(gate=gate)
    sink = ThreadedSink(notes, depth=10)
    for index in range(10):
        sink.write(info(index), NOBODY)
    closing = threading.Thread(target=lambda: sink.close(ok=False))
    closing.start()
    closing.join(0.05)
    gate.set()
    closing.join(10)
    assert notes.frames in ([], [0])
    assert notes.ended == [False]


def test_after_the_end_there_are_no_frames() -> None:
    sink = ThreadedSink(Notes())
    sink.close(ok=True)
    with pytest.raises(OutputError, match="frame 7 came after"):
        sink.write(info(7), NOBODY)


def test_a_sink_that_got_nothing_is_closed_and_started_no_thread() -> None:
    notes = Notes()
    sink = ThreadedSink(notes)
    assert sink_threads() == []
    sink.close(ok=True)
    assert notes.ended == [True]


def test_a_real_sink_inside(tmp_path, people, run_info) -> None:
    for name, threaded in (("a.json", False), ("b.json", True)):
        plain = JsonSink(tmp_path / name, run_info)
        sink = ThreadedSink(plain) if threaded else plain
        for index in range(8):
            frame = Frame(np.full((48, 64, 3), index, np.uint8), index=index, time_s=index / 25, name="clip.mp4")
            sink.write(frame, people(index))
        sink.close(ok=True)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
