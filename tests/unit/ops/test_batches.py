"""Batches of pictures of several sizes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from holopose.ops.batches import run_sizes
from holopose.runtimes.fake import FakeRuntime


def summing() -> FakeRuntime:
    def answer(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        batch = inputs["picture"]
        return {"maps": batch[:, :, ::2, ::2], "sum": batch.sum(axis=(1, 2, 3))}

    return FakeRuntime(answer, inputs=["picture"], outputs=["sum", "maps"])


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), max_size=9), st.integers(1, 4))
def test_each_gets_its_own_answer_in_order(sizes: list[tuple[int, int]], batch: int) -> None:
    runtime = summing()
    tensors = [np.full((2, *size), i, np.float32) for i, size in enumerate(sizes)]
    answers = run_sizes(runtime, tensors, batch=batch)
    assert len(answers) == len(tensors)
    for i, ((total, maps), size) in enumerate(zip(answers, sizes, strict=True)):
        assert total == i * 2 * size[0] * size[1]
        np.testing.assert_array_equal(maps, tensors[i][:, ::2, ::2])
    shapes = [call["picture"] for call in runtime.calls]
    assert max((shape[0] for shape in shapes), default=1) <= batch
    assert len(shapes) == sum(-(-sizes.count(size) // batch) for size in set(sizes))


def test_nothing_to_run() -> None:
    runtime = summing()
    assert run_sizes(runtime, []) == []
    assert runtime.calls == []


def test_the_network_gets_a_batch_of_its_own() -> None:
    """A runtime may hand back views of its input; the tensors given are not touched."""
    tensor = np.ones((1, 2, 2), np.float32)
    ((_, maps),) = run_sizes(summing(), [tensor])
    maps[:] = 7
    assert (tensor == 1).all()
