"""Items made ahead of their use: order, limits, errors and ends; `tests/unit/io/sources/test_ahead.py` has the rest."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.ops.ahead import Ahead, ahead_of


def threads() -> int:
    return sum(thread.name == "holopose-ahead" for thread in threading.enumerate())


@given(st.lists(st.none() | st.integers()), st.integers(1, 5))
def test_all_items_come_in_order_none_too(items: list[int | None], depth: int) -> None:
    assert list(ahead_of(iter(items), depth)) == items
    assert threads() == 0


def test_no_more_than_depth_wait() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for i in range(20):
            made.append(i)
            yield i

    for got in ahead_of(items(), 2):
        time.sleep(0.002)
        assert len(made) <= got + 1 + 2 + 1  # the caller's, two that wait, one being made


def test_what_is_raised_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise KeyError("broken")

    stream = ahead_of(items(), 5)
    assert [next(stream), next(stream)] == [1, 2]
    with pytest.raises(KeyError, match="broken"):
        next(stream)


def test_leaving_early_ends_the_thread_and_the_maker() -> None:
    ended = threading.Event()

    def items() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            ended.set()

    stream = ahead_of(items(), 2)
    assert next(stream) == 0
    stream.close()  # type: ignore[attr-defined]
    assert ended.wait(5)
    assert threads() == 0


def test_the_end_of_the_program_ends_the_thread_and_the_maker() -> None:
    """Whoever still holds the iteration then: a thread inside a network would take the process down."""
    script = """
    import time
    from holopose.ops.ahead import ahead_of

    def items():
        try:
            while True:
                time.sleep(0.01)
                yield 1
        finally:
            print("ended", flush=True)

    kept = [ahead_of(items(), 1000)]
    kept.append(kept)
    next(kept[0])
    raise SystemExit(7)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (7, "ended\n", "")


def test_a_stop_from_elsewhere_ends_the_items() -> None:
    making = Ahead(iter(range(1000)), 2)
    items = making.items()
    assert next(items) == 0
    making.stop()
    assert list(items) == []
    assert making.is_stopped
