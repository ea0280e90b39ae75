from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from holopose.errors import BackendError
from holopose.models.blaze.network import SPECS, Network, Spec
from holopose.protocols import Arrays
from holopose.runtimes.fake import FakeRuntime
from holopose.zoo.catalog import BLAZE


def test_calls_by_the_inside_names_and_answers_in_order() -> None:
    spec = Spec("in", ("second", "first"), (1, 0))
    runtime = FakeRuntime(lambda inputs: {"first": inputs["in"] + 1, "second": inputs["in"] * 2, "third": np.zeros(9)})
    network = Network(runtime, spec)
    doubled, more = network(np.full((1, 2, 2, 3), 3, np.float32))
    assert (doubled == 6).all()
    assert (more == 4).all()
    assert runtime.calls == [{"in": (1, 2, 2, 3)}]
    assert network.runtime is runtime


def test_beside_others_a_single_call_is_one_of_many() -> None:
    class Pairs(FakeRuntime):
        many = 0

        def run_many(self, inputs: Sequence[Arrays]) -> list[dict[str, npt.NDArray[Any]]]:
            self.many += 1
            return super().run_many(inputs)

    runtime = Pairs(lambda inputs: {"out": inputs["in"] + 1})
    tensor = np.full((1, 2, 2, 3), 3, np.float32)
    for beside, times in ((False, 0), (True, 1)):
        (out,) = Network(runtime, Spec("in", ("out",), (0,)), beside=beside)(tensor)
        assert (out == 4).all()
        assert runtime.many == times


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_the_device_s_fault(value: float) -> None:
    spec = Spec("in", ("points", "flag"), (0, 1))
    points = np.array([0.0, value, 2.0], np.float32)
    network = Network(FakeRuntime(lambda _: {"points": points, "flag": np.zeros(1)}), spec)
    with pytest.raises(BackendError, match="not finite on fake"):
        network(np.zeros((1, 2, 2, 3), np.float32))


@pytest.mark.parametrize("name", SPECS)
def test_every_network_has_a_card(name: str) -> None:
    assert name in {card.name for card in BLAZE}
    spec = SPECS[name]
    assert len(spec.outputs) == len(spec.positions) == len(set(spec.positions)) > 0
