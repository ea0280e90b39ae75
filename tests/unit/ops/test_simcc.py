"""SimCC against its definition: the highest bin of each axis, divided by the bins per pixel."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.errors import ConfigError
from holopose.ops.simcc import check_score_rule, decode_simcc

Vectors = npt.NDArray[np.float32]


def peaked(bins: npt.ArrayLike, length: int, height: npt.ArrayLike) -> Vectors:
    """(N, K, length) with a bell of a height at each bin (N, K)."""
    apart = np.arange(length) - np.asarray(bins)[..., None]
    return (np.asarray(height)[..., None] * np.exp(-(apart**2) / 72)).astype(np.float32)


@given(
    x=st.integers(0, 383),
    y=st.integers(0, 511),
    heights=st.tuples(st.floats(0.01, 3), st.floats(0.01, 3)),
    split=st.sampled_from([1.0, 2.0, 3.0]),
)
def test_bins_become_pixels(x: int, y: int, heights: tuple[float, float], split: float) -> None:
    along_x, along_y = peaked([[x]], 384, [[heights[0]]]), peaked([[y]], 512, [[heights[1]]])
    lower, score = decode_simcc(along_x, along_y, split_ratio=split)
    mean, mean_score = decode_simcc(along_x, along_y, split_ratio=split, score_rule="mean")
    np.testing.assert_allclose(lower[0, 0], [x / split, y / split], rtol=1e-6)
    np.testing.assert_array_equal(lower, mean)
    assert score[0, 0] == pytest.approx(min(heights), rel=1e-6)
    assert mean_score[0, 0] == pytest.approx(sum(heights) / 2, rel=1e-6)
    assert (lower.dtype, score.dtype) == (np.float32, np.float32)


def test_everybody_at_once_equals_one_by_one() -> None:
    rng = np.random.default_rng(0)
    along_x, along_y = rng.normal(0, 1, (3, 133, 96)).astype(np.float32), rng.normal(0, 1, (3, 133, 128))
    xy, score = decode_simcc(along_x, along_y.astype(np.float32))
    for n, k in np.ndindex(3, 133):
        assert xy[n, k].tolist() == [along_x[n, k].argmax() / 2, along_y[n, k].argmax() / 2]
        assert score[n, k] == min(along_x[n, k].max(), along_y[n, k].astype(np.float32).max())
    assert decode_simcc(along_x[:0], along_y[:0])[0].shape == (0, 133, 2)


def test_nothing_above_zero_is_missing() -> None:
    along_x = peaked([[5, 5, 5, 5]], 16, [[0.5, -0.5, 0.5, 0.2]])
    along_x[0, 1] = -0.5
    along_y = peaked([[7, 7, 7, 7]], 16, [[0.5, 0.5, 0.5, 0.3]])
    along_y[0, 2] = -0.75
    along_x[0, 3, 2] = np.nan
    xy, score = decode_simcc(along_x, along_y)
    assert np.isnan(xy[0, :, 0]).tolist() == [False, True, True, True]
    assert score[0, 2] == np.float32(-0.75)
    xy, _ = decode_simcc(along_x, along_y, score_rule="mean")
    assert np.isnan(xy[0, :, 1]).tolist() == [False, True, True, True], "means are 0, -0.125 and NaN"


def test_half_precision() -> None:
    along_x, along_y = (peaked([[9, 30]], 64, [[0.5, 0.25]]).astype(np.float16) for _ in range(2))
    xy, score = decode_simcc(along_x, along_y)
    assert xy.tolist() == [[[4.5, 4.5], [15, 15]]]
    assert score.dtype == np.float32


def test_rules_are_known() -> None:
    check_score_rule("min")
    check_score_rule("mean")
    with pytest.raises(ConfigError, match="min or mean, got 'max'"):
        check_score_rule("max")
    with pytest.raises(ConfigError, match="min or mean"):
        decode_simcc(np.ones((1, 1, 4)), np.ones((1, 1, 4)), score_rule="max")  # type: ignore[arg-type]
