"""Owns a runtime without a network: a function answers. For tests, of holopose and of what is built on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy.typing as npt

__all__ = ["FakeRuntime"]

Arrays = Mapping[str, npt.NDArray[Any]]


class FakeRuntime:
    """Answers with what `answer` returns, and remembers the shapes it was asked about.

    Args:
        answer: Inputs by name -> outputs by name.
        inputs: Names that it says its inputs have.
        outputs: Names that it says its outputs have.

    >>> import numpy as np
    >>> runtime = FakeRuntime(lambda inputs: {"double": inputs["x"] * 2})
    >>> runtime.run({"x": np.array([1.0, 2.0])})["double"].tolist(), runtime.calls
    ([2.0, 4.0], [{'x': (2,)}])
    """

    def __init__(
        self,
        answer: Callable[[Arrays], Mapping[str, npt.NDArray[Any]]],
        *,
        inputs: Sequence[str] = ("input",),
        outputs: Sequence[str] = ("output",),
    ) -> None:
        self._answer = answer
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.calls: list[dict[str, tuple[int, ...]]] = []

    @property
    def device(self) -> str:
        """Always ``fake``."""
        return "fake"

    def run(self, inputs: Arrays) -> dict[str, npt.NDArray[Any]]:
        """The answer to one set of inputs."""
        self.calls.append({name: array.shape for name, array in inputs.items()})
        return dict(self._answer(inputs))

    def run_many(self, inputs: Sequence[Arrays]) -> list[dict[str, npt.NDArray[Any]]]:
        """The answers to several, in order."""
        return [self.run(one) for one in inputs]

    def run_batch(self, inputs: Arrays) -> dict[str, npt.NDArray[Any]]:
        """The answer to all items at once."""
        return self.run(inputs)

    def close(self) -> None:
        """Nothing to let go of."""
