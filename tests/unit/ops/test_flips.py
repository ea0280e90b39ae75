"""Flip tests on maps whose true answer is known: what the mirrored pass says must land on what the plain one says."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.ops.flips import average_heatmaps, average_simcc, mirror
from holopose.skeletons import COCO17, WHOLEBODY133

Floats = npt.NDArray[np.float64]

INPUT_WH = (48, 64)


def maps_of(xy: Floats, *, udp: bool) -> npt.NDArray[np.float32]:
    """Heatmaps (1, K, 16, 12) of points (K, 2) in input px, at a quarter of the input's size."""
    width, height = INPUT_WH[0] // 4, INPUT_WH[1] // 4
    at = xy * ((width - 1) / (INPUT_WH[0] - 1), (height - 1) / (INPUT_WH[1] - 1)) if udp else xy / 4
    rows, columns = np.indices((height, width))
    squared = (columns - at[:, 0, None, None]) ** 2 + (rows - at[:, 1, None, None]) ** 2
    return np.exp(-squared / 8).astype(np.float32)[None]


def vectors_of(xy: Floats) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """SimCC vectors (1, K, 96) and (1, K, 128), two bins per px."""
    pair = [np.exp(-((np.arange(2 * n) - 2 * xy[:, i, None]) ** 2) / 72)[None] for i, n in enumerate(INPUT_WH)]
    return pair[0].astype(np.float32), pair[1].astype(np.float32)


def mirrored(xy: Floats) -> Floats:
    """Where the points are in the mirrored crop, named as the network names them there."""
    turned = xy[list(COCO17.swaps)].copy()
    turned[:, 0] = INPUT_WH[0] - 1 - turned[:, 0]
    return turned


@pytest.fixture
def xy() -> Floats:
    return np.random.default_rng(0).uniform([12, 12], [36, 52], (17, 2))


def test_crops_are_turned_around() -> None:
    batch = np.random.default_rng(0).random((2, 3, 5, 4)).astype(np.float32)
    turned = mirror(batch)
    assert turned.flags.c_contiguous
    for column in range(4):
        np.testing.assert_array_equal(turned[..., column], batch[..., 3 - column])
    np.testing.assert_array_equal(mirror(turned), batch)


def test_unbiased_maps_meet_without_a_shift(xy: Floats) -> None:
    plain = maps_of(xy, udp=True)
    both = average_heatmaps(plain, maps_of(mirrored(xy), udp=True), COCO17.swaps)
    np.testing.assert_allclose(both, plain, atol=1e-6)


def test_plain_maps_meet_better_with_a_shift(xy: Floats) -> None:
    """Mirroring moves them by 3/4 px to the left; one to the right leaves 1/4, of which the mean has half."""
    columns = np.arange(12)

    def middles(maps: npt.NDArray[np.float32]) -> Floats:
        rows = maps[0].sum(axis=1)
        return (rows @ columns) / rows.sum(axis=1)

    xy[:, 0] = 20 + (xy[:, 0] - 12) / 4  # far from the edges, so that nothing of the Gaussians is cut off
    plain, turned = maps_of(xy, udp=False), maps_of(mirrored(xy), udp=False)
    without = average_heatmaps(plain, turned, COCO17.swaps)
    shifted = average_heatmaps(plain, turned, COCO17.swaps, shift=True)
    np.testing.assert_allclose(middles(without) - middles(plain), -0.375, atol=0.08)
    np.testing.assert_allclose(middles(shifted) - middles(plain), 0.125, atol=0.05)


def test_the_shift_written_out() -> None:
    """Columns 0, 1, 2, 3 turned are 3, 2, 1, 0; moved right they are 3, 3, 2, 1: mmpose's shift_heatmap."""
    plain, turned = np.zeros((1, 1, 1, 4), np.float32), np.arange(4, dtype=np.float32).reshape(1, 1, 1, 4)
    assert average_heatmaps(plain, turned, [0]).ravel().tolist() == [1.5, 1, 0.5, 0]
    assert average_heatmaps(plain, turned, [0], shift=True).ravel().tolist() == [1.5, 1.5, 1, 0.5]
    flat = (plain[:, :, 0], plain[:, :, 0])
    along_x, along_y = average_simcc(flat, (turned[:, :, 0], turned[:, :, 0]), [0])
    assert along_x.ravel().tolist() == [1.5, 1, 0.5, 0]
    assert along_y.ravel().tolist() == [0, 0.5, 1, 1.5]
    along_x, along_y = average_simcc(flat, (turned[:, :, 0], turned[:, :, 0]), [0], shift=1)
    assert along_x.ravel().tolist() == [1, 0.5, 0, 0]
    assert along_y.ravel().tolist() == [0, 0.5, 1, 1.5]


def test_simcc_vectors_meet_with_a_shift(xy: Floats) -> None:
    plain, turned = vectors_of(xy), vectors_of(mirrored(xy))
    along_x, along_y = average_simcc(plain, turned, COCO17.swaps, shift=1)
    np.testing.assert_allclose(along_x[..., :-1], plain[0][..., :-1], atol=1e-6)
    np.testing.assert_allclose(along_y, plain[1], atol=1e-6)
    along_x, along_y = average_simcc(plain, turned, COCO17.swaps)
    np.testing.assert_allclose(along_x, (plain[0] + np.roll(plain[0], 1, axis=-1)) / 2, atol=2e-3)
    np.testing.assert_allclose(along_y, plain[1], atol=1e-6)


@given(seed=st.integers(0, 10**6), shift=st.booleans())
def test_left_and_right_change_places(seed: int, shift: bool) -> None:
    """A network that answers a mirrored crop with its own answer turned and renamed is averaged to itself."""
    maps = np.random.default_rng(seed).random((2, 133, 6, 5)).astype(np.float32)
    turned = np.empty_like(maps)
    for keypoint, other in enumerate(WHOLEBODY133.swaps):
        turned[:, other] = maps[:, keypoint, :, ::-1]
    both = average_heatmaps(maps, turned, WHOLEBODY133.swaps, shift=shift)
    assert both.dtype == np.float32
    expected = np.concatenate([maps[..., :1], maps[..., :-1]], axis=-1) if shift else maps
    np.testing.assert_allclose(both, (maps + expected) / 2, atol=1e-6)
