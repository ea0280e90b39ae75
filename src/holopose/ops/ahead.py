"""Owns doing things ahead: the next items of an iteration are made by a thread while the last one is worked on."""

from __future__ import annotations

import atexit
import threading
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Generic, TypeVar

__all__ = ["Ahead", "ahead_of"]

T = TypeVar("T")

_PATIENCE_S = 5.0
"""How long an ending waits for an item that hangs (a pipe in which nothing comes); the thread is a daemon and can be
left behind then."""

_LAST_PATIENCE_S = 1.0
"""How long the program's end waits once more for a thread that was left behind."""


def ahead_of(items: Iterable[T], depth: int) -> Iterator[T]:
    """The same items in the same order, up to `depth` of them made before they are asked for.

    What the items' maker raises is raised after the items before it. The thread lives from the first item that is asked
    for until the iteration ends, or the program.

    >>> list(ahead_of(range(3), 2))
    [0, 1, 2]
    """
    making = Ahead(items, depth)
    try:
        yield from making.items()
    finally:
        making.stop()


class Ahead(Generic[T]):
    """One pass of a thread through an iteration.

    The thread waits while `depth` items wait, the caller while none does; all fields are changed under `_state`, whose
    waiters wake up at every change.
    """

    def __init__(self, items: Iterable[T], depth: int) -> None:
        self._items = items
        self._depth = depth
        self._state = threading.Condition()
        self._waiting: deque[T] = deque()
        self._ended = False  # the thread brings no more
        self._stopped = False  # nobody wants more
        self._outcome = _Outcome()
        self._thread = threading.Thread(target=self._run, name="holopose-ahead", daemon=True)

    @property
    def is_stopped(self) -> bool:
        """Whether somebody ended it before its end."""
        return self._stopped

    def items(self) -> Iterator[T]:
        """The items as they come; then what was raised, if anything was. Ends early when stopped."""
        _end_with_program(self)
        self._thread.start()
        while True:
            with self._state:
                self._state.wait_for(lambda: self._waiting or self._ended or self._stopped)
                if self._stopped or not self._waiting:
                    break
                self._state.notify_all()
                item = self._waiting.popleft()
            yield item
            del item
        if self._outcome.error is not None and not self._stopped:
            raise self._outcome.error

    def stop(self, patience_s: float = _PATIENCE_S) -> None:
        """End the thread once it has made the item it is at, and wait so long for it."""
        with self._state:
            self._stopped = True
            self._waiting.clear()
            self._state.notify_all()
        if self._thread.is_alive():
            self._thread.join(patience_s)
        if not self._thread.is_alive():
            _living.discard(self)

    def _offer(self, item: T) -> bool:
        """Let `item` wait its turn; whether more are wanted."""
        with self._state:
            self._state.wait_for(lambda: len(self._waiting) < self._depth or self._stopped)
            if not self._stopped:
                self._waiting.append(item)
                self._state.notify_all()
            return not self._stopped

    def _run(self) -> None:
        """What the thread does."""
        with self._outcome:
            items: Any = iter(self._items)
            try:
                for item in items:
                    if not self._offer(item):
                        break
                    del item  # it waits, or is the caller's: not ours while the next one is made
            finally:
                if hasattr(items, "close"):
                    items.close()
        with self._state:
            self._ended = True
            self._state.notify_all()


_living: weakref.WeakSet[Ahead[Any]] = weakref.WeakSet()


def _end_with_program(making: Ahead[Any]) -> None:
    """Stop it before the interpreter ends: a thread that is inside a network then would take the process down."""
    if not _living:
        atexit.unregister(_stop_living)
        atexit.register(_stop_living)
    _living.add(making)


def _stop_living() -> None:
    for making in list(_living):
        making.stop(_LAST_PATIENCE_S if making.is_stopped else _PATIENCE_S)


class _Outcome:
    """Keeps what is raised inside it, so that another thread raises it again."""

    error: BaseException | None = None

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        self.error = error
        return True
