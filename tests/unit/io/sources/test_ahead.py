from __future__ import annotations

import runpy
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.errors import ConfigError, InputError
from holopose.io.sources.ahead import AheadSource
from holopose.io.sources.images import ImageSource
from holopose.io.sources.video import VideoSource
from holopose.ops import ahead as ahead_ops
from holopose.protocols import Source
from holopose.types import Frame

S: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[3] / "clip_samples.py"))


class Count:
    """A source of `number` little frames that notes what is done with it."""

    def __init__(self, number: int, error: BaseException | None = None, wait: Callable[[int], object] = int) -> None:
        self.number = number
        self.error = error
        self.wait = wait
        self.made = 0
        self.begun = self.ended = self.closed = 0
        self.alive: list[Callable[[], object]] = []
        self.threads: set[str] = set()

    @property
    def info(self) -> Mapping[str, object]:
        return {"count": self.number}

    @property
    def end_info(self) -> Mapping[str, object]:
        return {"made": self.made}

    def __iter__(self) -> Iterator[Frame]:
        self.begun += 1
        self.threads.add(threading.current_thread().name)
        try:
            for index in range(self.number):
                self.wait(index)
                frame = Frame(np.full((2, 2, 3), index % 256, np.uint8), index=index)
                self.alive.append(weakref.ref(frame.image))
                self.made += 1
                yield frame
                del frame
            if self.error is not None:
                raise self.error
        finally:
            self.ended += 1

    def close(self) -> None:
        self.closed += 1


def readers() -> int:
    return sum(thread.name == "holopose-ahead" for thread in threading.enumerate())


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    assert readers() == 0
    yield
    assert readers() == 0


def test_it_is_a_source_like_the_one_within() -> None:
    source = Count(5)
    ahead_of = AheadSource(source)
    assert isinstance(ahead_of, Source)
    assert ahead_of.info == {"count": 5}
    assert ahead_of.end_info == {"made": 0}
    frames = list(ahead_of)
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [0, 1, 2, 3, 4]
    assert ahead_of.end_info == {"made": 5}
    assert source.threads == {"holopose-ahead"}
    assert source.ended == 1


@given(st.integers(0, 30), st.integers(1, 8))
def test_the_same_frames_in_the_same_order(number: int, depth: int) -> None:
    assert [frame.index for frame in AheadSource(Count(number), depth)] == list(range(number))


def test_again_and_twice_at_once() -> None:
    source = AheadSource(Count(6))
    assert len(list(source)) == len(list(source)) == 6
    assert [(a.index, b.index) for a, b in zip(source, source, strict=True)] == [(n, n) for n in range(6)]


@pytest.mark.parametrize("error", [InputError("x.mp4: is damaged"), KeyError("x"), KeyboardInterrupt(), SystemExit(3)])
def test_errors_come_after_the_frames_before_them(error: BaseException) -> None:
    seen: list[int] = []
    with pytest.raises(type(error)) as caught:
        seen.extend(frame.index for frame in AheadSource(Count(3, error)))
    assert caught.value is error
    assert seen == [0, 1, 2]


def test_errors_before_the_first_frame(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.mp4: does not exist"):
        list(AheadSource(VideoSource(tmp_path / "none.mp4")))
    with pytest.raises(InputError, match=r"none\.png: does not exist"):
        list(AheadSource(ImageSource([tmp_path / "none.png"])))


def test_it_reads_ahead_and_no_further_than_told() -> None:
    """The thread fills the queue while the caller does nothing, and waits there."""
    enough = threading.Event()
    source = Count(50, wait=lambda index: enough.set() if index == 5 else None)
    frames = iter(AheadSource(source, depth=4))
    next(frames)
    assert enough.wait(10)  # frame 5 is begun: 0 is ours, 1 to 4 wait
    for index in range(1, 20):
        assert next(frames).index == index
        assert source.made <= index + 4 + 2
    frames.close()  # type: ignore[attr-defined]


def test_memory_holds_a_few_frames() -> None:
    source = Count(200)
    most = 0
    for _ in AheadSource(source, depth=3):
        most = max(most, sum(picture() is not None for picture in source.alive[:]))
    assert source.made == 200
    assert 1 <= most <= 3 + 3  # waiting, the caller's, the one offered, the one handed over


@pytest.mark.parametrize("taken", [1, 2, 7])
def test_leaving_early_ends_the_thread(taken: int) -> None:
    source = Count(10**6)
    for number, _ in enumerate(AheadSource(source, depth=2), start=1):
        if number == taken:
            break
    assert readers() == 0
    assert source.ended == 1
    assert source.made <= taken + 2 + 2


def test_an_error_of_the_callers_ends_the_thread() -> None:
    source = Count(10**6)

    def work() -> None:
        for frame in AheadSource(source):
            assert frame.index < 3

    with pytest.raises(AssertionError):
        work()
    assert readers() == 0
    assert source.ended == 1


def test_closing_while_the_queue_is_full() -> None:
    full = threading.Event()
    source = Count(10**6, wait=lambda index: full.set() if index == 3 else None)
    ahead_of = AheadSource(source, depth=2)
    frames = iter(ahead_of)
    next(frames)
    assert full.wait(10)
    ahead_of.close()
    assert readers() == 0
    assert source.ended == source.closed == 1
    with pytest.raises(InputError, match="closed"):
        next(frames)
    ahead_of.close()


def test_closing_from_another_thread_wakes_the_caller() -> None:
    stuck, go = threading.Event(), threading.Event()

    def wait(index: int) -> None:
        if index == 1:
            stuck.set()
            go.wait(10)

    source = AheadSource(Count(5, wait=wait))
    frames = iter(source)
    next(frames)
    helper = threading.Thread(target=lambda: (stuck.wait(10), threading.Timer(0.05, go.set).start(), source.close()))
    helper.start()
    with pytest.raises(InputError, match="closed"):
        next(frames)
    helper.join()


def test_a_read_that_hangs_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead_ops, "_PATIENCE_S", 0.05)
    go = threading.Event()
    source = Count(5, wait=lambda index: go.wait(20) if index == 2 else None)
    ahead_of = AheadSource(source)
    for frame in ahead_of:
        if frame.index == 1:
            break
    assert readers() == 1  # still at its read
    ahead_of.close()
    go.set()
    for thread in threading.enumerate():
        if thread.name == "holopose-ahead":
            assert thread.daemon
            thread.join(10)
    assert source.ended == 1
    assert source.made <= 3  # what it had begun, and no more


@pytest.mark.parametrize("depth", [0, -1, 1.5, True])
def test_depth(depth: Any) -> None:
    with pytest.raises(ConfigError, match="depth: expected 1 or more frames"):
        AheadSource(Count(1), depth)


def test_a_clip(tmp_path: Path) -> None:
    path = S["write_clip"](tmp_path / "a.mp4", 60)
    plain = list(VideoSource(path))
    source = AheadSource(VideoSource(path, threads=2), depth=3)
    for _ in range(2):
        frames = list(source)
        assert [frame.time_s for frame in frames] == [frame.time_s for frame in plain]
        assert all(np.array_equal(a.image, b.image) for a, b in zip(frames, plain, strict=True))
        assert source.end_info["decoded"] == 60
    assert source.info["count"] == 60
    for frame in source:
        if frame.index == 4:
            break
    source.close()
    with pytest.raises(InputError, match="closed"):
        list(source)
