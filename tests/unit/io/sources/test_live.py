from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.errors import ConfigError, InputError
from holopose.io.sources import live
from holopose.io.sources.captures import Shot
from holopose.io.sources.live import LiveSource, _Timeline
from holopose.protocols import Source

Make = Callable[..., LiveSource]


class Camera:
    """Gives what is put into it; `None` is its end."""

    def __init__(self, *given: Shot | BaseException | None, finite: bool = False, waits: bool = False) -> None:
        self.finite, self.waits = finite, waits or finite
        self.facts = {"width": 4, "height": 3, "rate": None}
        self.feed: queue.Queue[Shot | BaseException | None] = queue.Queue()
        self.closed = False
        for one in given:
            self.feed.put(one)

    def grab(self) -> Shot | None:
        one = self.feed.get(timeout=10)
        if isinstance(one, BaseException):
            raise one
        return one

    def close(self) -> None:
        self.closed = True


def shot(at_s: float, pts_s: float | None = None, missed: int = 0) -> Shot:
    return Shot(at_s, pts_s, missed, lambda: np.full((3, 4, 3), int(at_s * 10) % 256, np.uint8))


def until(happened: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < end_s, "it never happened"
        time.sleep(0.001)


def captured(source: LiveSource, count: int) -> None:
    until(lambda: source.end_info["captured"] == count)


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes sources that are closed at the end; `cameras` are what one attempt after the other connects to."""
    with ExitStack() as stack:

        def build(*cameras: Camera | BaseException, target: int | str = 0, **options: Any) -> LiveSource:
            waiting = list(cameras)

            def connect() -> Camera:
                one = waiting.pop(0)
                if isinstance(one, BaseException):
                    raise one
                return one

            source = LiveSource(target, open_capture=connect, **{"retry_s": (0.001, 0.004), **options})
            stack.enter_context(closing(source))
            for camera in cameras:
                if isinstance(camera, Camera):
                    stack.callback(camera.feed.put, InputError("test is over"))  # before it is closed
            stack.callback(source.stop)
            return source

        yield build


def test_it_is_a_source(make: Make) -> None:
    source = make(Camera(shot(1.0)))
    assert isinstance(source, Source)
    assert dict(source.info) == {"kind": "live", "name": "webcam 0", "width": 4, "height": 3, "rate": None}
    frame = next(iter(source))
    assert (frame.index, frame.time_s, frame.name, frame.size_wh) == (0, 0.0, "webcam 0", (4, 3))


def test_nothing_is_connected_before_it_is_asked_for(make: Make) -> None:
    source = make()  # connecting would raise IndexError
    assert source.latency_s is None
    assert source.end_info["captured"] == 0
    source.close()


def test_the_newest_frame_wins(make: Make) -> None:
    camera = Camera(shot(10.0))
    source = make(camera)
    frames = iter(source)
    assert next(frames).index == 0
    for k in range(1, 6):
        camera.feed.put(shot(10.0 + k))
    captured(source, 6)
    frame = next(frames)
    assert (frame.index, frame.time_s) == (5, 5.0)
    assert frame.image[0, 0, 0] == 150
    camera.feed.put(shot(16.0, missed=3))
    frame = next(frames)
    assert (frame.index, frame.time_s) == (9, 6.0)
    camera.feed.put(shot(17.0))
    captured(source, 11)
    assert source.end_info["captured"] == 11
    assert source.end_info["dropped"] == 4 + 3  # the one that is waiting is not lost yet


def test_nobody_sees_no_picture_is_made(make: Make) -> None:
    made: list[int] = []

    def numbered(k: int) -> Shot:
        return Shot(float(k), None, 0, lambda: made.append(k) or np.zeros((3, 4, 3), np.uint8))  # type: ignore[func-returns-value]

    camera = Camera(numbered(0))
    source = make(camera)
    frames = iter(source)
    next(frames)
    for k in range(1, 100):
        camera.feed.put(numbered(k))
    captured(source, 100)
    next(frames)
    assert made == [0, 99]


def test_nothing_is_read_before_the_first_frame_is_asked_for(make: Make) -> None:
    camera = Camera(shot(1.0), shot(2.0))
    source = make(camera)
    _ = source.info
    assert camera.feed.qsize() == 2
    next(iter(source))


def test_a_file_is_read_whole(make: Make) -> None:
    camera = Camera(*(shot(0.0, 100 + k / 10) for k in range(50)), None, finite=True)
    source = make(camera)
    frames = list(source)
    assert [frame.index for frame in frames] == list(range(50))
    assert [frame.time_s for frame in frames] == pytest.approx([k / 10 for k in range(50)])
    told = source.end_info
    assert (told["captured"], told["dropped"], told["reconnects"], told["cut_short"]) == (50, 0, 0, False)
    assert camera.closed
    assert list(source) == []  # it has ended


def test_a_file_that_breaks_off(make: Make) -> None:
    source = make(Camera(shot(0.0), shot(0.0), InputError("x: lost"), finite=True))
    assert len(list(source)) == 2
    assert source.end_info["cut_short"] is True
    assert source.end_info["reason"] == "x: lost"


def test_reconnection(make: Make) -> None:
    told: list[str] = []
    first = Camera(shot(1.0, 500.0))
    second = Camera(shot(10.0, 3.0))
    third = Camera(shot(20.0, 9.0))
    source = make(first, *(InputError(f"x: no {k}") for k in range(4)), second, third, on_message=told.append)
    frames = iter(source)
    next(frames)
    first.feed.put(shot(2.0, 501.0))
    assert next(frames).time_s == 1.0
    first.feed.put(InputError("x: lost"))
    frame = next(frames)
    assert (frame.index, frame.time_s) == (2, 9.0)  # by the clock; the new stream's stamps begin anew
    second.feed.put(shot(10.6, 3.5))
    assert next(frames).time_s == 9.5  # by the stamps again
    second.feed.put(None)
    assert next(frames).time_s == pytest.approx(9.5 + 20 - 10.6)
    assert source.end_info["reconnects"] == 2
    assert told == [
        "x: lost; trying again in 0.001 s",
        "x: no 0; trying again in 0.002 s",
        "x: no 1; trying again in 0.004 s",
        "x: no 2; trying again in 0.004 s",
        "x: no 3; trying again in 0.004 s",
        "webcam 0: connected again",
        "webcam 0: the stream ended; trying again in 0.001 s",
        "webcam 0: connected again",
    ]
    assert first.closed
    assert second.closed


def test_a_first_connection_that_fails(make: Make) -> None:
    for camera, problem in ((InputError("x: not there"), "x: not there"), (Camera(None), "the stream ended")):
        source = make(camera)
        with pytest.raises(InputError, match=problem):
            next(iter(source))
        with pytest.raises(InputError, match=problem):
            next(iter(source))
    with pytest.raises(InputError, match="x: not there"):
        _ = make(InputError("x: not there")).info


def test_without_reconnection(make: Make) -> None:
    source = make(Camera(shot(0.0), InputError("x: lost")), reconnect=False)
    frames = iter(source)
    next(frames)
    with pytest.raises(InputError, match="x: lost"):
        next(frames)


def test_what_goes_wrong_in_the_thread_is_not_lost(make: Make) -> None:
    for wrong in (RuntimeError("a mistake"), MemoryError()):
        source = make(Camera(wrong))
        with pytest.raises(type(wrong)):
            next(iter(source))

    def complain(message: str) -> None:
        raise RuntimeError(message)

    source = make(Camera(shot(0.0), InputError("x: lost")), on_message=complain)
    frames = iter(source)
    next(frames)
    with pytest.raises(RuntimeError, match="x: lost; trying again"):
        next(frames)


def test_latency(make: Make) -> None:
    now = [100.0]
    camera = Camera(shot(99.5))
    source = make(camera, clock=lambda: now[0])
    frames = iter(source)
    next(frames)
    assert source.latency_s == 0.5
    now[0] = 101.5
    assert source.latency_s == 2.0
    camera.feed.put(shot(101.0))
    next(frames)
    assert source.latency_s == 0.5
    now[0] = 102.0
    frames.close()  # type: ignore[attr-defined]
    assert source.end_info["mean_latency_s"] == (2.0 + 1.0) / 2


def test_stopping_from_another_thread(make: Make) -> None:
    for end in ("stop", "close"):
        camera = Camera(shot(0.0))
        source = make(camera)
        frames = iter(source)
        next(frames)
        threading.Timer(0.02, getattr(source, end)).start()
        threading.Timer(0.04, camera.feed.put, [None]).start()
        assert list(frames) == []
        source.close()
        with pytest.raises(InputError, match="closed"):
            next(iter(source))
        until(lambda: camera.closed)  # noqa: B023


@pytest.mark.skipif(sys.platform == "win32", reason="sends itself a signal")
def test_stopping_from_a_signal_handler(make: Make) -> None:
    source = make(Camera(shot(0.0)))
    frames = iter(source)
    next(frames)
    before = signal.signal(signal.SIGUSR1, lambda *_: source.stop())
    try:
        threading.Timer(0.02, os.kill, [os.getpid(), signal.SIGUSR1]).start()
        assert list(frames) == []
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_closing_while_nothing_comes(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_PATIENCE_S", 0.01)
    camera = Camera()
    source = make(camera)
    _ = source.info
    threading.Timer(0.02, source.close).start()
    assert list(source) == []
    assert not camera.closed  # its read hangs; the thread is left to it
    camera.feed.put(None)
    until(lambda: camera.closed)
    closed = make(Camera())
    closed.close()
    with pytest.raises(InputError, match="closed"):
        _ = closed.info


def test_closing_during_a_pause(make: Make) -> None:
    source = make(Camera(shot(0.0), InputError("x: lost")), retry_s=(1000.0, 1000.0))
    frames = iter(source)
    next(frames)
    threading.Timer(0.02, source.close).start()
    assert list(frames) == []
    thread = source._thread
    assert thread is not None
    until(lambda: not thread.is_alive())


def test_reading_goes_on_after_a_break(make: Make) -> None:
    camera = Camera(shot(0.0))
    source = make(camera)
    for frame in source:
        assert frame.index == 0
        break
    camera.feed.put(shot(1.0))
    captured(source, 2)
    assert next(iter(source)).index == 1


def test_no_secret_is_shown() -> None:
    source = LiveSource("rtsp://me:secret@127.0.0.1:1/live?key=secret")
    with pytest.raises(InputError) as caught:
        _ = source.info
    assert str(caught.value).startswith("rtsp://127.0.0.1:1/live: ")
    assert "secret" not in str(caught.value)
    assert LiveSource("rtsp://h/x", name="door")._name == "door"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"timeout_s": 0}, "timeout_s"),
        ({"max_latency_s": float("nan")}, "max_latency_s"),
        ({"max_megapixels": True}, "max_megapixels"),
        ({"retry_s": (0.5, float("inf"))}, "retry_s"),
    ],
)
def test_options(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError, match=f"{problem}: expected a number above 0"):
        LiveSource(0, **options)


@pytest.mark.parametrize("target", [-1, "clip.mp4", "", True])
def test_what_is_no_live_source(target: Any) -> None:
    with pytest.raises(InputError, match="expected the number of a webcam or the address of a stream"):
        LiveSource(target)


@pytest.mark.parametrize(("target", "name"), [(3, "webcam 3"), ("12", "webcam 12"), ("/dev/video2", "webcam 2")])
def test_webcams(target: int | str, name: str) -> None:
    assert LiveSource(target)._name == name


# Times ---------------------------------------------------------------------------------------------------------------

SECONDS = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.lists(st.tuples(SECONDS, st.none() | SECONDS, st.booleans()), min_size=1))
def test_times_never_decrease(shots: list[tuple[float, float | None, bool]]) -> None:
    timeline = _Timeline()
    times = []
    for at_s, pts_s, lost in shots:
        if lost:
            timeline.bridge()
        times.append(timeline.read(at_s, pts_s))
    assert times[0] == 0
    assert times == sorted(times)


@given(SECONDS, st.lists(st.floats(0, 9), min_size=1), st.integers(0, 2**32))
def test_times_are_those_of_the_stamps(start_s: float, steps_s: list[float], seed: int) -> None:
    """Whenever frames arrive: a variable rate stays variable, and jitter of the network does not show."""
    timeline = _Timeline()
    stamps = start_s + np.cumsum([0.0, *steps_s])
    arrivals = np.sort(np.random.default_rng(seed).uniform(0, 100, len(stamps)))
    times = [timeline.read(float(at_s), float(pts_s)) for at_s, pts_s in zip(arrivals, stamps, strict=True)]
    assert times == pytest.approx((stamps - start_s).tolist(), abs=1e-6)


def test_stamps_that_leap_are_bridged() -> None:
    timeline = _Timeline()
    given_ = [(0.0, 50.0), (1.0, 51.0), (2.0, 9000.0), (3.0, 9001.5), (4.0, 7.0), (5.0, None), (6.0, 9.5)]
    assert [timeline.read(at_s, pts_s) for at_s, pts_s in given_] == [0.0, 1.0, 2.0, 3.5, 4.5, 5.5, 7.0]
