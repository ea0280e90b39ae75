from __future__ import annotations

import numpy as np

from holopose.protocols import Runtime
from holopose.runtimes.fake import FakeRuntime


def test_it_is_a_runtime() -> None:
    runtime = FakeRuntime(lambda inputs: {})
    assert isinstance(runtime, Runtime)
    assert runtime.device == "fake"
    runtime.close()
    runtime.close()


def test_answers_in_order_and_remembers_shapes() -> None:
    runtime = FakeRuntime(lambda inputs: {"sum": inputs["a"].sum(keepdims=True), "count": np.array(len(inputs))})
    sets = [{"a": np.full(n, 1.0), "b": np.zeros((2, n))} for n in (3, 1, 2)]
    answers = runtime.run_many(sets)
    assert [float(answer["sum"][0]) for answer in answers] == [3, 1, 2]
    assert runtime.run_many([]) == []
    alone = [runtime.run(one)["sum"].tolist() for one in sets]
    assert alone == [answer["sum"].tolist() for answer in answers]
    assert runtime.calls == [{"a": (n,), "b": (2, n)} for n in (3, 1, 2)] * 2


def test_its_answer_is_the_callers_own() -> None:
    kept = {"y": np.zeros(2)}
    answer = FakeRuntime(lambda inputs: kept).run({})
    answer["z"] = np.ones(1)
    assert list(kept) == ["y"]
