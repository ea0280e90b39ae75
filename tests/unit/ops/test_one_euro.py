"""OneEuro against the published algebra, written again for one signal at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.errors import ConfigError, InputError
from holopose.ops.one_euro import OneEuro

Samples = list[tuple[float, float]]


class Scalar:
    """One signal, as published: Casiez (`raw` False) and MediaPipe (`raw` True)."""

    def __init__(self, min_cutoff: float, beta: float, d_cutoff: float, *, raw: bool) -> None:
        self.min_cutoff, self.beta, self.d_cutoff, self.raw = min_cutoff, beta, d_cutoff, raw
        self.frequency = 30.0
        self.last_time: float | None = None
        self.last_raw = self.last_output = self.last_speed = 0.0

    def alpha(self, cutoff: float) -> float:
        te = 1 / self.frequency
        tau = 1 / (2 * math.pi * cutoff)
        return 1 / (1 + tau / te)

    def __call__(self, value: float, time_s: float, scale: float = 1.0) -> float:
        if self.last_time is not None and time_s <= self.last_time:
            return value
        first = self.last_time is None
        if self.last_time is not None:
            self.frequency = 1 / (time_s - self.last_time)
        self.last_time = time_s
        if first:
            self.last_raw = self.last_output = value
            self.last_speed = 0.0
            return value
        change = value - (self.last_raw if self.raw else self.last_output)
        speed = change * scale * self.frequency
        a = self.alpha(self.d_cutoff)
        self.last_speed = a * speed + (1 - a) * self.last_speed
        a = self.alpha(self.min_cutoff + self.beta * abs(self.last_speed))
        self.last_output = a * value + (1 - a) * self.last_output
        self.last_raw = value
        return self.last_output


def run(smooth: OneEuro, samples: Samples, scale: float = 1.0) -> list[float]:
    return [float(smooth.step([x], t, value_scale=scale)[0]) for t, x in samples]


times = st.lists(st.floats(0.001, 0.5), min_size=1, max_size=25).map(lambda steps: np.cumsum(steps).tolist())
numbers = st.floats(-1e3, 1e3)


@pytest.mark.parametrize("against", ["filtered", "raw"])
@given(data=st.data(), times=times, scale=st.floats(0.001, 2), tuning=st.tuples(st.floats(0.01, 5), st.floats(0, 90)))
def test_each_signal_is_filtered_as_published(
    against: str, data: st.DataObject, times: list[float], scale: float, tuning: tuple[float, float]
) -> None:
    min_cutoff, beta = tuning
    signals = np.array(data.draw(st.lists(st.tuples(numbers, numbers), min_size=len(times), max_size=len(times))))
    smooth = OneEuro(min_cutoff=min_cutoff, beta=beta, d_cutoff=1.3, against=against)
    plain = [Scalar(min_cutoff, beta, 1.3, raw=against == "raw") for _ in range(2)]
    for time_s, values in zip(times, signals, strict=True):
        expected = [one(float(x), time_s, scale) for one, x in zip(plain, values, strict=True)]
        np.testing.assert_allclose(smooth.step(values, time_s, value_scale=scale), expected, rtol=1e-9, atol=1e-9)


def test_the_two_forms_differ() -> None:
    samples = [(0.1 * i, float(i * i)) for i in range(6)]
    casiez, mediapipe = (run(OneEuro(min_cutoff=1, beta=0.5, against=form), samples) for form in ("filtered", "raw"))
    assert casiez[:2] == mediapipe[:2]
    assert not np.allclose(casiez[2:], mediapipe[2:])


def test_the_value_scale_acts_on_the_speed_only() -> None:
    samples = [(0.1 * i, float(i)) for i in range(6)]
    steady = run(OneEuro(min_cutoff=1, beta=0), samples, scale=1e-9)
    assert run(OneEuro(min_cutoff=1, beta=0), samples, scale=5.0) == steady
    slow, quick = (run(OneEuro(min_cutoff=1, beta=1), samples, scale=scale)[-1] for scale in (0.1, 10.0))
    assert slow < quick < 5.0


def test_times_that_do_not_increase_pass_and_change_nothing() -> None:
    smooth, undisturbed = (OneEuro(min_cutoff=1, beta=0.1, against="raw") for _ in range(2))
    usual: Samples = [(1.0, 0.0), (1.1, 1.0)]
    assert run(smooth, usual) == run(undisturbed, usual)
    assert run(smooth, [(1.1, 50.0), (0.4, -70.0)]) == [50.0, -70.0]
    assert run(smooth, [(1.2, 2.0)]) == run(undisturbed, [(1.2, 2.0)])


def test_missing_values_pass_and_start_anew() -> None:
    smooth = OneEuro(min_cutoff=0.5, beta=0.0)
    smooth.step([0.0, 0.0], 0.0)
    smooth.step([1.0, 1.0], 0.1)
    gone = smooth.step([np.nan, 1.0], 0.2)
    assert np.isnan(gone[0])
    assert 0 < gone[1] < 1
    back = smooth.step([40.0, 1.0], 0.3)
    assert back[0] == 40.0
    assert gone[1] < back[1] < 1
    expected = run(OneEuro(min_cutoff=0.5, beta=0.0), [(0.3, 40.0), (0.4, 41.0)])
    assert smooth.step([41.0, 1.0], 0.4)[0] == expected[1]


def test_parameters_per_signal() -> None:
    smooth = OneEuro(min_cutoff=[[0.5], [5.0]], beta=0.0)
    smooth.step(np.zeros((2, 3)), 0.0)
    slow, quick = smooth.step(np.ones((2, 3)), 0.1)
    assert (slow == slow[0]).all()
    assert slow[0] < quick[0] < 1


def test_where_leaves_the_others_as_they_were() -> None:
    smooth, undisturbed = (OneEuro(min_cutoff=1, beta=0.2) for _ in range(2))
    for time_s, value in ((0.0, 0.0), (0.1, 1.0)):
        smooth.step([value, value], time_s)
        undisturbed.step([value, value], time_s)
    halted = smooth.step([9.0, np.nan], 0.2, where=[True, False])
    assert 0 < halted[0] < 9
    assert np.isnan(halted[1])
    assert smooth.step([9.0, 3.0], 0.3)[1] == undisturbed.step([9.0, 3.0], 0.3)[1]


def test_times_per_signal() -> None:
    smooth = OneEuro(min_cutoff=1, beta=0.2)
    for i in range(4):
        both = smooth.step([float(i), float(i)], [0.1 * i, 0.5 * i])
    assert both.tolist() == [
        run(OneEuro(min_cutoff=1, beta=0.2), [(step * i, float(i)) for i in range(4)])[-1] for step in (0.1, 0.5)
    ]


def test_reset_and_reset_where() -> None:
    smooth = OneEuro(min_cutoff=1, beta=0)
    smooth.reset_where([True])  # nothing yet: nothing happens
    smooth.step([[0.0, 0.0], [0.0, 0.0]], 0.0)
    smooth.reset_where([[True], [False]])
    restarted, running = smooth.step([[1.0, 1.0], [1.0, 1.0]], 0.1)
    assert restarted.tolist() == [1.0, 1.0]
    assert (running < 1).all()
    with pytest.raises(InputError, match=r"expected values of shape \(2, 2\)"):
        smooth.step([1.0], 0.2)
    smooth.reset()
    assert smooth.step([7.0], 0.2).tolist() == [7.0]


def test_take_moves_the_state_with_its_rows() -> None:
    smooth = OneEuro(min_cutoff=1, beta=0)
    smooth.take([0, 1])  # nothing yet: nothing happens
    smooth.step([[0.0], [10.0]], 0.0)
    smooth.take([1, -1, 0])
    moved = smooth.step([[11.0], [11.0], [11.0]], 0.1)[:, 0]
    assert moved[1] == 11.0
    assert 0 < moved[2] < moved[0] < 11
    smooth.take(np.zeros(0, np.int64))
    assert smooth.step(np.zeros((0, 1)), 0.2).shape == (0, 1)
    smooth.take([-1])
    assert smooth.step([[3.0]], 0.3).tolist() == [[3.0]]


@pytest.mark.parametrize(
    "options",
    [
        {"min_cutoff": 0, "beta": 0},
        {"min_cutoff": 1, "beta": -1},
        {"min_cutoff": 1, "beta": 0, "d_cutoff": 0},
        {"min_cutoff": [1, np.nan], "beta": 0},
        {"min_cutoff": 1, "beta": 0, "against": "both"},
    ],
)
def test_parameters_without_meaning(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="OneEuro"):
        OneEuro(**options)  # type: ignore[arg-type]
