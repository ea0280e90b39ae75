"""Decoders against the papers' formulas written out for one map, and on Gaussians whose centres are known."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holopose.errors import ConfigError
from holopose.ops.heatmaps import check_kernel, decode_argmax, decode_dark, decode_quarter, decode_udp, find_peaks

Maps = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Decoder = Callable[[Maps], tuple[Maps, Maps]]

DECODERS: dict[str, Decoder] = {
    "argmax": decode_argmax,
    "quarter": decode_quarter,
    "dark 11": decode_dark,
    "dark 17": partial(decode_dark, kernel=17),
    "udp": decode_udp,
    "udp of transformers": partial(decode_udp, kernel=11, sigma=0.8),
}
EVERY = pytest.mark.parametrize("decode", DECODERS.values(), ids=DECODERS)


def gaussians(centres: npt.ArrayLike, height: int = 64, width: int = 48, sigma: float = 2.0, peak: float = 1.0) -> Maps:
    """(N, K, H, W) with a Gaussian at each of the centres (N, K, 2)."""
    at = np.asarray(centres, np.float64)[..., None, None, :]
    rows, columns = np.indices((height, width))
    squared = (columns - at[..., 0]) ** 2 + (rows - at[..., 1]) ** 2
    return (peak * np.exp(-squared / (2 * sigma**2))).astype(np.float32)


def wild_maps(seed: int, height: int, width: int) -> Maps:
    """Blobs, often on an edge, on noise that goes below 0."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform(-2, np.array([width, height]) + 2, (2, 3, 2))
    maps = gaussians(centres, height, width, sigma=rng.uniform(1, 3), peak=rng.uniform(0.05, 1.2))
    return (maps + rng.normal(0, 0.03, maps.shape)).astype(np.float32)


# The formulas, one map at a time ------------------------------------------------------------------------------------


def blurred_by_hand(hm: Floats, kernel: int, sigma: float) -> Floats:
    """Zeros beyond the edges; the highest value kept. NaN where the blur leaves nothing above 0."""
    if sigma == 0:
        sigma = 0.3 * ((kernel - 1) * 0.5 - 1) + 0.8
    offsets = np.arange(kernel) - kernel // 2
    weights = np.exp(-(offsets**2) / (2 * sigma**2))
    weights /= weights.sum()
    padded = np.pad(hm, kernel // 2)
    across = sum(w * padded[:, i : i + hm.shape[1]] for i, w in enumerate(weights))
    soft = sum(w * across[i : i + hm.shape[0]] for i, w in enumerate(weights))
    return soft * hm.max() / soft.max() if soft.max() > 0 else np.full(hm.shape, np.nan)


def step_by_hand(curvature: npt.ArrayLike, slope: Floats) -> Floats:
    """NaN where rounding decides."""
    if np.isnan(curvature).any() or np.linalg.cond(curvature) > 300:
        return np.full(2, np.nan)
    return -np.linalg.inv(curvature) @ slope


def quarter_by_hand(hm: Floats, x: int, y: int) -> Floats:
    height, width = hm.shape
    if 1 < x < width - 1 and 1 < y < height - 1:
        return 0.25 * np.sign([hm[y, x + 1] - hm[y, x - 1], hm[y + 1, x] - hm[y - 1, x]])
    return np.zeros(2)


def dark_by_hand(hm: Floats, x: int, y: int, kernel: int) -> Floats:
    height, width = hm.shape
    f = np.log(np.maximum(blurred_by_hand(hm, kernel, 0), 1e-10))
    if not (1 < x < width - 2 and 1 < y < height - 2):
        return np.zeros(2)
    slope = np.array([f[y, x + 1] - f[y, x - 1], f[y + 1, x] - f[y - 1, x]]) / 2
    xx = (f[y, x + 2] - 2 * f[y, x] + f[y, x - 2]) / 4
    yy = (f[y + 2, x] - 2 * f[y, x] + f[y - 2, x]) / 4
    xy = (f[y + 1, x + 1] - f[y - 1, x + 1] - f[y + 1, x - 1] + f[y - 1, x - 1]) / 4
    return step_by_hand([[xx, xy], [xy, yy]], slope)


def udp_by_hand(hm: Floats, x: int, y: int, kernel: int, sigma: float) -> Floats:
    f = np.pad(np.log(np.clip(blurred_by_hand(hm, kernel, sigma), 1e-3, 50)), 1, mode="edge")
    x, y = x + 1, y + 1
    slope = np.array([f[y, x + 1] - f[y, x - 1], f[y + 1, x] - f[y - 1, x]]) / 2
    xx = f[y, x + 1] + f[y, x - 1] - 2 * f[y, x]
    yy = f[y + 1, x] + f[y - 1, x] - 2 * f[y, x]
    xy = f[y + 1, x + 1] - f[y, x + 1] - f[y + 1, x] + 2 * f[y, x] - f[y, x - 1] - f[y - 1, x] + f[y - 1, x - 1]
    curvature = np.array([[xx, xy / 2], [xy / 2, yy]]) + np.finfo(np.float32).eps * np.eye(2)
    return step_by_hand(curvature, slope)


BY_HAND: dict[str, Callable[[Floats, int, int], Floats]] = {
    "argmax": lambda hm, x, y: np.zeros(2),
    "quarter": quarter_by_hand,
    "dark 11": partial(dark_by_hand, kernel=11),
    "dark 17": partial(dark_by_hand, kernel=17),
    "udp": partial(udp_by_hand, kernel=11, sigma=0),
    "udp of transformers": partial(udp_by_hand, kernel=11, sigma=0.8),
}


@pytest.mark.parametrize("name", DECODERS)
@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), height=st.integers(3, 40), width=st.integers(3, 40))
def test_decoders_are_the_formulas(name: str, seed: int, height: int, width: int) -> None:
    maps = wild_maps(seed, height, width)
    xy, score = DECODERS[name](maps)
    assert (xy.dtype, score.dtype, xy.shape, score.shape) == (np.float32, np.float32, (2, 3, 2), (2, 3))
    compared = 0
    for n, k in np.ndindex(2, 3):
        hm = maps[n, k].astype(np.float64)
        y, x = np.unravel_index(hm.argmax(), hm.shape)
        assert score[n, k] == maps[n, k].max()
        step = BY_HAND[name](hm, int(x), int(y))
        assert np.abs(xy[n, k] - (x, y)).max() <= 9, "no step leaves what the blur has seen"
        if np.abs(step).max() <= 4:
            np.testing.assert_allclose(xy[n, k], np.add((x, y), step), atol=2e-3 * max(1, np.abs(step).max()))
            compared += 1
    assert compared >= 1


def test_the_blur_is_opencv_s() -> None:
    """Its own zero-padding and sigma, map by map: nothing leaks from one map into the next."""
    maps = wild_maps(5, 21, 17)
    for kernel in (3, 7, 11, 17):
        for hm in maps.reshape(-1, 21, 17):
            border = kernel // 2
            padded = np.pad(hm, border)
            own = cv2.GaussianBlur(padded, (kernel, kernel), 0)[border:-border, border:-border]
            ours = blurred_by_hand(hm.astype(np.float64), kernel, 0)
            if kernel > 7:  # smaller ones are tables in OpenCV
                np.testing.assert_allclose(own * hm.max() / own.max(), ours, atol=1e-5)
        together, _ = decode_udp(maps, kernel=kernel)
        alone = [decode_udp(maps[n : n + 1, k : k + 1], kernel=kernel)[0][0, 0] for n, k in np.ndindex(2, 3)]
        np.testing.assert_allclose(together.reshape(-1, 2), alone, atol=1e-4)


# Known centres -------------------------------------------------------------------------------------------------------


@given(x=st.floats(4, 43), y=st.floats(4, 59), sigma=st.sampled_from([2.0, 3.0]), peak=st.floats(0.1, 1))
def test_gaussians_are_found_where_they_are(x: float, y: float, sigma: float, peak: float) -> None:
    maps = gaussians([[[x, y]]], sigma=sigma, peak=peak)
    for name, most in (("argmax", 0.5), ("quarter", 0.2501), ("dark 11", 0.03), ("dark 17", 0.03), ("udp", 0.03)):
        xy, score = DECODERS[name](maps)
        inside = 8 < x < 39 and 8 < y < 55  # closer to the edge the blur sees zeros that are not the Gaussian's
        assert np.abs(xy[0, 0] - (x, y)).max() <= (most if inside else 0.5) + 1e-5, name
        assert peak * 0.9 < score[0, 0] <= peak * 1.0001


@EVERY
def test_sdpose_s_size_and_sigma(decode: Decoder) -> None:
    centres = np.random.default_rng(0).uniform([30, 30], [160, 220], (1, 4, 2))
    xy, _ = decode(gaussians(centres, 256, 192, sigma=6))
    bar = 0.5 if decode is decode_argmax else 0.2501 if decode is decode_quarter else 0.02
    assert np.abs(xy - centres).max() < bar + 1e-5


def test_find_peaks_takes_the_first_of_equals() -> None:
    maps = np.zeros((1, 2, 5, 7), np.float32)
    maps[0, 0, 2, 3] = maps[0, 0, 4, 1] = 0.5
    at, score = find_peaks(maps)
    assert at.tolist() == [[[3, 2], [0, 0]]]
    assert score.tolist() == [[0.5, 0]]


@EVERY
def test_no_peak_no_point(decode: Decoder) -> None:
    maps = np.full((1, 5, 12, 10), -0.25, np.float32)
    maps[0, 0] = 0
    maps[0, 1] = gaussians([[[5, 6]]], 12, 10)[0, 0]
    maps[0, 2, 3, 3] = np.nan
    maps[0, 3, 4, 4] = 1e-30
    xy, score = decode(maps)
    assert np.isnan(xy[0, [0, 2, 4]]).all()
    assert np.isfinite(xy[0, [1, 3]]).all()
    assert (score[0, [1, 3]] > 0).all()
    assert not (score[0, [0, 2, 4]] > 0).any()


@EVERY
@pytest.mark.parametrize("size_hw", [(1, 1), (1, 9), (9, 1), (2, 2), (4, 5)])
def test_tiny_and_flat_maps(decode: Decoder, size_hw: tuple[int, int]) -> None:
    xy, score = decode(np.full((2, 3, *size_hw), 0.4, np.float32))
    bound = 8 if isinstance(decode, partial) or decode is decode_udp else 0  # a blurred edge pulls UDP inwards
    assert (np.abs(xy) <= bound).all()
    assert (score == np.float32(0.4)).all()


@EVERY
@given(seed=st.integers(0, 10**6), offset=st.sampled_from([0.0, 1e-3, 0.5]))
@settings(max_examples=20)
def test_noise_never_throws_points_far_away(decode: Decoder, seed: int, offset: float) -> None:
    noise = np.random.default_rng(seed).normal(offset, 0.05, (1, 40, 20, 16)).astype(np.float32)
    at, score = find_peaks(noise)
    xy, _ = decode(noise)
    assert np.abs(xy - at)[score > 0].max() <= 8


@EVERY
def test_infinite_heights_are_survived(decode: Decoder) -> None:
    maps = gaussians([[[5, 6]]], 12, 10)
    maps[0, 0, 6, 5] = np.inf
    with np.errstate(invalid="ignore"):
        xy, score = decode(maps)
    assert np.abs(xy[0, 0] - (5, 6)).max() <= 8
    assert score[0, 0] == np.inf


@EVERY
def test_people_and_keypoints_do_not_mix_and_none_is_fine(decode: Decoder) -> None:
    """Enough maps for several pieces of the blur."""
    rng = np.random.default_rng(3)
    maps = gaussians(rng.uniform(5, 40, (6, 133, 2)), sigma=2) * rng.uniform(0.1, 1, (6, 133, 1, 1)).astype(np.float32)
    before = maps.copy()
    xy, score = decode(maps)
    np.testing.assert_array_equal(maps, before, "the maps are left as they were")
    for n in range(6):
        one_xy, one_score = decode(maps[n : n + 1])
        np.testing.assert_allclose(one_xy[0], xy[n], atol=1e-5)
        np.testing.assert_array_equal(one_score[0], score[n])
    empty_xy, empty_score = decode(maps[:0])
    assert (empty_xy.shape, empty_score.shape) == ((0, 133, 2), (0, 133))


@EVERY
def test_half_precision_and_strides_are_taken(decode: Decoder) -> None:
    maps = gaussians([[[20.3, 30.7], [11.2, 9.9]]])
    exact, _ = decode(maps)
    half, score = decode(maps.astype(np.float16))  # type: ignore[arg-type]
    assert score.dtype == np.float32
    np.testing.assert_allclose(half, exact, atol=0.25 if decode is decode_quarter else 0.03)
    np.testing.assert_array_equal(decode(np.asfortranarray(maps))[0], exact)


@pytest.mark.parametrize("kernel", [0, -3, 4, 10])
def test_a_kernel_has_a_middle(kernel: int) -> None:
    with pytest.raises(ConfigError, match=f"odd.*got {kernel}"):
        check_kernel(kernel)
    with pytest.raises(ConfigError, match="odd"):
        decode_dark(np.ones((1, 1, 9, 9), np.float32), kernel=kernel)
