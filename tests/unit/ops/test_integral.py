"""Integral decoding against the expectation written out, and on maps whose centre of mass is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.ops.integral import decode_integral, decode_symmetric

Maps = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

DECODERS = (decode_integral, decode_symmetric)
EVERY = pytest.mark.parametrize("decode", DECODERS)


def log_gaussians(centres: npt.ArrayLike, height: int = 64, width: int = 48, sigma: float = 2.0) -> Floats:
    """Logarithm (N, K, H, W) of Gaussians with peak 1 at centres (N, K, 2)."""
    at = np.asarray(centres, np.float64)[..., None, None, :]
    rows, columns = np.indices((height, width))
    return -((columns - at[..., 0]) ** 2 + (rows - at[..., 1]) ** 2) / (2 * sigma**2)


def logits(centres: npt.ArrayLike, decode: Callable[..., object], peak: float = 0.9, **shape: int) -> Maps:
    """What makes Gaussian maps after the decoder's own squashing."""
    logs = log_gaussians(centres, **shape)
    if decode is decode_integral:
        return logs.astype(np.float32)
    height = np.maximum(peak * np.exp(logs), 1e-12)
    return (np.log(height) - np.log1p(-height)).astype(np.float32)


def softmax(hm: Floats) -> Floats:
    mass = np.exp(hm - hm.max())
    return mass / mass.sum()


def sigmoid(hm: Floats) -> Floats:
    return 1 / (1 + np.exp(-hm))


@EVERY
@given(x=st.floats(9, 38), y=st.floats(9, 54))
def test_gaussians_are_found_where_they_are(decode: Callable[..., tuple[Maps, Maps]], x: float, y: float) -> None:
    xy, score = decode(logits([[[x, y]]], decode))
    np.testing.assert_allclose(xy[0, 0], [x, y], atol=2e-3)
    assert (xy.dtype, score.dtype) == (np.float32, np.float32)
    assert 0.7 < score[0, 0] <= 0.901


@given(seed=st.integers(0, 10**6), height=st.integers(1, 30), width=st.integers(1, 30))
def test_the_expectations_written_out(seed: int, height: int, width: int) -> None:
    maps = np.random.default_rng(seed).normal(-1, 3, (2, 3, height, width)).astype(np.float32)
    soft, soft_score = decode_integral(maps)
    symmetric, peak = decode_symmetric(maps)
    for n, k in np.ndindex(2, 3):
        hm = maps[n, k].astype(np.float64)
        p = softmax(hm)
        expected = [p.sum(axis=0) @ np.arange(width), p.sum(axis=1) @ np.arange(height)]
        np.testing.assert_allclose(soft[n, k], expected, atol=1e-3)
        near_x = np.abs(np.arange(width) - soft[n, k, 0]) <= 3.5
        near_y = np.abs(np.arange(height) - soft[n, k, 1]) <= 3.5
        assert soft_score[n, k] == pytest.approx(p[near_y][:, near_x].sum(), abs=1e-4)
        q = sigmoid(hm)
        q /= q.sum()
        expected = [q.sum(axis=0) @ np.arange(width), q.sum(axis=1) @ np.arange(height)]
        np.testing.assert_allclose(symmetric[n, k], expected, atol=1e-3)
        assert peak[n, k] == pytest.approx(sigmoid(hm).max(), abs=1e-6)


def test_the_networks_own_coordinates() -> None:
    """c = x / W − 1/2, taken back by (c + 1/2) · W."""
    maps = logits([[[12.0, 40.0]]], decode_symmetric)
    p = sigmoid(maps[0, 0].astype(np.float64))
    c = np.array([(p.sum(axis=0) @ (np.arange(48) / 48)), (p.sum(axis=1) @ (np.arange(64) / 64))]) / p.sum() - 0.5
    np.testing.assert_allclose(decode_symmetric(maps)[0][0, 0], (c + 0.5) * [48, 64], atol=1e-3)


@EVERY
def test_people_and_keypoints_do_not_mix_and_none_is_fine(decode: Callable[..., tuple[Maps, Maps]]) -> None:
    centres = np.random.default_rng(0).uniform(10, 36, (4, 21, 2))
    maps = logits(centres, decode)
    before = maps.copy()
    xy, score = decode(maps)
    np.testing.assert_array_equal(maps, before)
    np.testing.assert_allclose(xy, centres, atol=2e-3)
    np.testing.assert_allclose(decode(maps[2:3])[0][0], xy[2], atol=1e-5)
    assert (score > 0).all()
    assert decode(maps[:0])[0].shape == (0, 21, 2)
    assert decode(maps[:0])[1].shape == (0, 21)


def test_doubt_lowers_the_score() -> None:
    two = np.logaddexp(log_gaussians([[[10, 20]]]), log_gaussians([[[38, 20]]])).astype(np.float32)
    xy, score = decode_integral(two)
    np.testing.assert_allclose(xy[0, 0], [24, 20], atol=0.01)
    assert score[0, 0] < 0.01, "there is next to nothing at the mean of two peaks"
    sharp, blunt = (decode_integral(log_gaussians([[[24, 30]]], sigma=s).astype(np.float32))[1][0, 0] for s in (1, 6))
    assert sharp > 0.99
    assert blunt < 0.5


@EVERY
def test_extreme_logits(decode: Callable[..., tuple[Maps, Maps]]) -> None:
    maps = np.full((1, 3, 8, 6), -1e4, np.float32)
    maps[0, 0, 5, 2] = 1e4
    maps[0, 2, 1, 1] = np.nan
    xy, score = decode(maps)
    assert xy[0, 0].tolist() == [2, 5]
    assert score[0, 0] == 1
    assert np.isnan(xy[0, 2]).all()
    assert not score[0, 2] > 0
    if decode is decode_symmetric:
        assert np.isnan(xy[0, 1]).all(), "no mass anywhere"
        assert score[0, 1] == 0
    else:
        np.testing.assert_allclose(xy[0, 1], [2.5, 3.5], rtol=1e-5, err_msg="softmax knows differences only")


@EVERY
def test_half_precision(decode: Callable[..., tuple[Maps, Maps]]) -> None:
    maps = logits([[[20.3, 30.7]]], decode)
    xy, score = decode(maps.astype(np.float16))
    np.testing.assert_allclose(xy[0, 0], [20.3, 30.7], atol=0.05)
    assert score.dtype == np.float32
