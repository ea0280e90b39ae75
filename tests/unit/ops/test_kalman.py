"""The constant-velocity filter against the textbook's matrices, and what it makes of straight motion."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.ops.kalman import correct, predict, start

steps = st.floats(0, 3)


def matrix(cov: np.ndarray) -> np.ndarray:
    return np.array([[cov[0], cov[1]], [cov[1], cov[2]]])


@given(st.lists(st.tuples(steps, st.floats(-100, 100)), min_size=1, max_size=6), st.floats(0.1, 10), st.floats(0, 5))
def test_as_in_the_textbook(sightings: list[tuple[float, float]], seen_sd: float, wander: float) -> None:
    """One coordinate, with transition, noise and gain written as matrices."""
    mean, cov = start(np.array([3.0]), 2.0, 5.0)
    state, covariance = np.array([3.0, 0.0]), np.diag([4.0, 25.0])
    measures = np.array([[1.0, 0.0]])
    for step, seen in sightings:
        mean, cov = predict(mean, cov, step, wander)
        move = np.array([[1, step], [0, 1]])
        noise = wander * np.array([[step**3 / 3, step**2 / 2], [step**2 / 2, step]])
        state, covariance = move @ state, move @ covariance @ move.T + noise
        np.testing.assert_allclose(matrix(cov), covariance, rtol=1e-9, atol=1e-9)
        mean, cov = correct(mean, cov, np.array([seen]), seen_sd)
        gain = covariance @ measures.T / (covariance[0, 0] + seen_sd**2)
        state = state + gain[:, 0] * (seen - state[0])
        covariance = (np.eye(2) - gain @ measures) @ covariance
        np.testing.assert_allclose(mean[:, 0], state, rtol=1e-7, atol=1e-7)
        np.testing.assert_allclose(matrix(cov), covariance, rtol=1e-7, atol=1e-7)


def test_one_long_step_is_many_short_ones() -> None:
    mean, cov = start(np.array([[1.0, 2.0]]), 0.5, 3.0)
    once = predict(mean, cov, 1.2, 0.7)
    for _ in range(12):
        mean, cov = predict(mean, cov, 0.1, 0.7)
    assert mean == pytest.approx(once[0])
    assert cov == pytest.approx(once[1])


def test_straight_motion_at_an_uneven_rate_is_learnt() -> None:
    """Several points at once, each with its own speed in x and y."""
    rng = np.random.default_rng(0)
    speeds = np.array([[40.0, -10.0], [0.0, 0.0], [-300.0, 120.0]])
    mean, cov = start(np.zeros((3, 2)), 1.0, 200.0)
    now = 0.0
    for step in rng.uniform(0.01, 0.1, 60):
        now += step
        mean, cov = predict(mean, cov, step, np.ones(3))
        mean, cov = correct(mean, cov, speeds * now + rng.normal(0, 0.5, (3, 2)), np.full(3, 0.5))
    ahead, sure = predict(mean, cov, 0.5, np.ones(3))
    np.testing.assert_allclose(ahead[:, 0], speeds * (now + 0.5), atol=1.5)
    assert (sure[:, 0] > cov[:, 0]).all()


def test_nobody() -> None:
    mean, cov = start(np.zeros((0, 2)), np.zeros(0), np.zeros(0))
    assert predict(mean, cov, 0.1, np.zeros(0))[0].shape == (0, 2, 2)
    assert correct(mean, cov, np.zeros((0, 2)), np.zeros(0))[1].shape == (0, 3)
