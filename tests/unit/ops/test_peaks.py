"""Peaks of maps with many people: which pixels count, how near to the truth, how many."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from crowd_scenes import grid, heatmaps
from holopose.ops.peaks import Peaks, find_centroids, find_smoothed, find_suppressed


def maps_of(*rows: list[list[float]]) -> np.ndarray:
    """(H, W, K) from K pictures of numbers."""
    return np.ascontiguousarray(np.array(rows, np.float32).transpose(1, 2, 0))


def blank(height: int = 12, width: int = 14, count: int = 1) -> np.ndarray:
    return np.zeros((height, width, count), np.float32)


def found(peaks: Peaks) -> list[tuple[int, float, float]]:
    return [(int(k), *map(float, xy)) for k, xy in zip(peaks.keypoint, peaks.xy.round(3), strict=True)]


FINDERS = [find_centroids, find_smoothed, find_suppressed]


@pytest.mark.parametrize("find", FINDERS)
def test_nothing_in_empty_maps(find) -> None:
    peaks = find(blank(count=3), threshold=0.05)
    assert len(peaks) == 0
    assert peaks.xy.shape == (0, 2)


@pytest.mark.parametrize("find", FINDERS)
@pytest.mark.parametrize("seed", range(5))
def test_everybody_is_found_where_they_are(find, seed: int) -> None:
    """Gaussians of sigma 7 px seen at every eighth pixel, enlarged as a network's maps are."""
    rng = np.random.default_rng(seed)
    columns, rows = np.meshgrid(np.arange(24, 300, 40), np.arange(24, 200, 40))
    places = np.stack([columns.ravel(), rows.ravel()], axis=1) + rng.uniform(-8, 8, (columns.size, 2))
    small = heatmaps(places[:, None], grid((320, 224), 8, 3.5), 7.0)
    large = cv2.resize(small[0], (320, 224), interpolation=cv2.INTER_CUBIC)[:, :, None]
    peaks = find(large, threshold=0.1, limit=100)
    apart = np.linalg.norm(peaks.xy[:, None] - places[None], axis=2)
    assert len(peaks) == len(places)
    assert len(set(apart.argmin(axis=1))) == len(places)
    assert apart.min(axis=1).max() < 1.5


def test_a_centroid_is_nearer_than_the_pixel() -> None:
    x, y = np.meshgrid(np.arange(60), np.arange(40))
    true = np.array([30.4, 19.7])
    hill = np.exp(-((x - true[0]) ** 2 + (y - true[1]) ** 2) / (2 * 3.0**2)).astype(np.float32)[:, :, None]
    centre, pixel = find_centroids(hill, threshold=0.1), find_suppressed(hill, threshold=0.1)
    assert found(pixel) == [(0, 30, 20)]
    off = np.linalg.norm(centre.xy[0] - true), np.linalg.norm(pixel.xy[0] - true)
    assert off[0] < 0.7 * off[1]  # a window of 7 px sees a part of the hill only
    assert centre.score[0] == pytest.approx(hill.max())


def test_a_centroid_is_the_mean_weighted_by_height_without_what_is_negative() -> None:
    maps = blank()
    maps[5, 6], maps[5, 8], maps[5, 4] = 0.8, 0.4, -5.0
    assert found(find_centroids(maps, threshold=0.1))[0] == (0, pytest.approx((6 * 0.8 + 8 * 0.4) / 1.2, abs=1e-3), 5)


def test_plateaus_and_edges_are_no_strict_maxima() -> None:
    flat = blank()
    flat[5, 6] = flat[5, 7] = 0.9
    assert len(find_centroids(flat, threshold=0.1)) == 0
    edge = blank()
    edge[0, 6] = edge[6, 13] = 0.9
    edge[1, 1] = 0.7
    assert found(find_centroids(edge, threshold=0.1)) == [(0, 1, 1)]


def test_the_threshold_is_exceeded_not_met() -> None:
    maps = blank()
    maps[5, 6] = 0.25
    assert len(find_centroids(maps, threshold=0.25)) == len(find_suppressed(maps, threshold=0.25)) == 0
    assert len(find_centroids(maps, threshold=0.2499)) == len(find_suppressed(maps, threshold=0.2499)) == 1


def test_suppression_keeps_one_per_square() -> None:
    maps = blank()
    maps[5, 4], maps[5, 6], maps[5, 9] = 0.5, 0.6, 0.4  # the first is within two pixels of a higher one
    assert found(find_suppressed(maps, threshold=0.1)) == [(0, 6, 5), (0, 9, 5)]
    assert found(find_suppressed(maps, threshold=0.1, side=3)) == [(0, 6, 5), (0, 4, 5), (0, 9, 5)]


def test_smoothing_forgets_a_lone_pixel_and_reads_the_height_where_it_was() -> None:
    maps = blank(60, 60)
    maps[30, 20] = 1.0  # 1 / (2 pi 9) = 0.018 once smoothed
    x, y = np.meshgrid(np.arange(60), np.arange(60))
    maps[:, :, 0] += 0.6 * np.exp(-((x - 41) ** 2 + (y - 31) ** 2) / (2 * 5.0**2)).astype(np.float32)
    peaks = find_smoothed(maps, threshold=0.1)
    assert found(peaks) == [(0, 41, 31)]
    assert peaks.score[0] == pytest.approx(0.6)


@pytest.mark.parametrize("shape", [(3, 5), (1, 1), (30, 2)])
def test_maps_smaller_than_the_blur(shape: tuple[int, int]) -> None:
    maps = blank(*shape)
    maps[0, 0] = 5.0
    assert all(0 <= x < shape[1] and 0 <= y < shape[0] for _, x, y in found(find_smoothed(maps, threshold=0.01)))


@pytest.mark.parametrize("find", FINDERS)
def test_at_most_so_many_the_highest_each_keypoint_apart(find) -> None:
    x, y = np.meshgrid(np.arange(180), np.arange(40))
    heights = [0.3, 0.9, 0.5, 0.7, 0.4]
    hills = sum(h * np.exp(-((x - 20 - 35 * i) ** 2 + (y - 20) ** 2) / 18) for i, h in enumerate(heights))
    maps = np.stack([hills, np.zeros_like(hills), 0.5 * hills], axis=2).astype(np.float32)
    peaks = find(maps, threshold=0.05, limit=2)
    assert peaks.keypoint.tolist() == [0, 0, 2, 2]
    assert peaks.score.tolist() == pytest.approx([0.9, 0.7, 0.45, 0.35], abs=0.01)
    assert peaks.xy[:, 0].round().tolist() == [55, 125, 55, 125]


@pytest.mark.parametrize("find", FINDERS)
@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 3)),
        elements=st.floats(-1, 1, width=32),
    )
)
def test_any_map_gives_sorted_peaks_inside_it_above_the_threshold(find, maps: np.ndarray) -> None:
    peaks = find(maps, threshold=0.1, limit=4)
    assert (np.diff(peaks.keypoint) >= 0).all()
    assert (np.bincount(peaks.keypoint, minlength=1) <= 4).all()
    assert ((peaks.xy >= 0) & (peaks.xy <= [maps.shape[1] - 1, maps.shape[0] - 1])).all()
    if find is not find_smoothed:
        assert (peaks.score > 0.1).all()
