"""Offline filters: what they keep and remove, at real times, within stretches; gaps filled without invention."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.errors import ConfigError
from holopose.skeletons import COCO17, HAND21
from holopose.smoothing.offline import METHODS, fill_gaps, fill_values, smooth_sequence, smooth_values
from holopose.types import PoseSequence

Array = npt.NDArray[np.float64]


def clip(signal: Array, time_s: Array, score: npt.ArrayLike = 0.8) -> PoseSequence:
    """One hand whose 21 points all do the same in x, and rest in y."""
    xy = np.zeros((len(signal), 1, 21, 2))
    xy[..., 0] = np.asarray(signal)[:, None, None]
    xy[np.isnan(xy[..., 0]), 1] = np.nan
    scores = np.broadcast_to(np.asarray(score, np.float64).reshape(-1, 1, 1), xy.shape[:3])
    return PoseSequence(xy, np.where(np.isnan(xy[..., 0]), 0, scores), np.array([1]), time_s, HAND21)


def x_of(sequence: PoseSequence) -> Array:
    return sequence.xy[:, 0, 5, 0].astype(np.float64)


STEADY = np.arange(100) / 25
UNSTEADY = np.sort(np.random.default_rng(5).uniform(0, 4, 100))


# What they do to signals ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("time_s", [STEADY, UNSTEADY], ids=["steady", "unsteady"])
@pytest.mark.parametrize("method", METHODS)
def test_rest_and_constant_speed_stay_as_they_are(method: str, time_s: Array) -> None:
    for slope in (0.0, 50.0):
        line = 30 + slope * time_s
        inner = slice(8, -8)  # a median is flat at the very ends
        np.testing.assert_allclose(x_of(smooth_sequence(clip(line, time_s), method))[inner], line[inner], atol=0.3)


@pytest.mark.parametrize("method", METHODS)
def test_trembling_goes_and_motion_stays_in_time(method: str) -> None:
    true = 30 * np.sin(2 * np.pi * 0.8 * STEADY)
    found = true + np.random.default_rng(0).normal(0, 2.0, 100)
    smooth = x_of(smooth_sequence(clip(found, STEADY), method))
    inner = slice(8, -8)
    assert np.abs(smooth - true)[inner].mean() < np.abs(found - true)[inner].mean()
    assert np.diff(smooth, n=2).std() < 0.85 * np.diff(found, n=2).std()
    late = [np.abs(smooth[inner] - np.interp(STEADY - lag, STEADY, true)[inner]).mean() for lag in (-0.04, 0, 0.04)]
    assert late[1] == min(late)


def test_butterworth_halves_the_power_at_its_cut_off() -> None:
    time_s = np.arange(500) / 100
    for frequency, kept in ((1.0, (0.99, 1.01)), (6.0, (0.69, 0.72)), (20.0, (0.0, 0.03))):
        wave = np.sin(2 * np.pi * frequency * time_s)
        smooth = x_of(smooth_sequence(clip(wave, time_s), "butterworth", cutoff_hz=6.0))[100:-100]
        assert kept[0] <= smooth.std() / wave[100:-100].std() <= kept[1]


def test_butterworth_filters_irregular_times_as_it_does_regular_ones() -> None:
    wave = 30 * np.sin(2 * np.pi * 0.8 * UNSTEADY)
    found = wave + np.random.default_rng(1).normal(0, 1.0, 100)
    smooth = x_of(smooth_sequence(clip(found, UNSTEADY), "butterworth", cutoff_hz=3.0))
    assert np.abs(smooth - wave)[5:-5].mean() < 0.8 * np.abs(found - wave)[5:-5].mean()


def test_timestamps_rounded_to_milliseconds_are_a_steady_rate() -> None:
    wave = np.sin(2 * np.pi * np.arange(120) / 30)
    exact, rounded = (
        x_of(smooth_sequence(clip(wave, time_s), "butterworth"))
        for time_s in (np.arange(120) / 29.97, np.round(np.arange(120) / 29.97, 3))
    )
    np.testing.assert_allclose(exact, rounded, atol=2e-3)


def test_savgol_is_scipys_on_a_steady_rate() -> None:
    from scipy.signal import savgol_filter

    noise = np.random.default_rng(0).normal(size=100)
    smooth = x_of(smooth_sequence(clip(noise, STEADY), "savgol", window_s=0.36, order=2))
    np.testing.assert_allclose(smooth, savgol_filter(noise, 9, 2), atol=1e-5)


def test_median_removes_single_wild_samples() -> None:
    wild = np.zeros(100)
    wild[[20, 50, 81]] = 300.0
    np.testing.assert_array_equal(x_of(smooth_sequence(clip(wild, STEADY), "median")), 0)


def test_weighted_believes_sure_samples() -> None:
    found = np.zeros(100)
    found[50] = 100.0
    unsure = np.full(100, 0.9)
    unsure[50] = 0.05
    doubted, believed = (x_of(smooth_sequence(clip(found, STEADY, score), "weighted"))[50] for score in (unsure, 0.9))
    assert doubted < 4
    assert 15 < believed < 50
    assert not np.isnan(x_of(smooth_sequence(clip(found, STEADY, 0.0), "weighted"))).any()


# Stretches -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_nothing_passes_over_a_long_gap_and_something_over_a_short_one(method: str) -> None:
    signal = np.where(np.arange(100) < 50, 0.0, 100.0) + np.random.default_rng(0).normal(0, 1, 100)
    for gap, apart in ((slice(47, 53), False), (slice(40, 60), True)):
        gapped = signal.copy()
        gapped[gap] = np.nan
        both = x_of(smooth_sequence(clip(gapped, STEADY), method, max_gap_s=0.3))
        np.testing.assert_array_equal(np.isnan(both), np.isnan(gapped))
        alone = x_of(smooth_sequence(clip(np.where(np.arange(100) < 50, gapped, np.nan), STEADY), method))
        assert np.allclose(both[:40], alone[:40], atol=1e-6) or not apart
        if apart:
            np.testing.assert_allclose(both[:50], alone[:50], atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_frames_far_apart_are_no_gaps_at_a_low_rate(method: str) -> None:
    time_s = np.arange(30) / 4.0
    options = {"cutoff_hz": 1.0} if method == "butterworth" else {"sigma_s": 0.5} if method == "weighted" else {}
    if method in ("savgol", "median"):
        options = {"window_s": 1.5}
    found = np.random.default_rng(0).normal(size=30)
    smooth = x_of(smooth_sequence(clip(found, time_s), method, max_gap_s=0.2, **options))
    assert np.diff(smooth).std() < 0.7 * np.diff(found).std()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5])
def test_short_clips_pass(method: str, count: int) -> None:
    signal = np.arange(count, dtype=np.float64)
    smooth = smooth_sequence(clip(signal, STEADY[:count]), method)
    assert not np.isnan(smooth.xy).any()
    assert np.abs(x_of(smooth) - signal).max(initial=0) < 1.5


@pytest.mark.parametrize("method", METHODS)
def test_frames_of_equal_time_do_no_harm(method: str) -> None:
    time_s = np.repeat(np.arange(50) / 25, 2)
    smooth = smooth_sequence(clip(np.random.default_rng(0).normal(size=100), time_s), method)
    assert not np.isnan(smooth.xy).any()
    same = smooth_sequence(clip(np.ones(4), np.zeros(4)), method)
    np.testing.assert_allclose(x_of(same), 1)


@pytest.mark.parametrize("method", METHODS)
def test_each_track_and_keypoint_by_itself(method: str, walk: Callable[..., PoseSequence]) -> None:
    both = walk(2, people=2, layout=COCO17)
    xy = np.array(both.xy)
    xy[10:30, 0, 9] = np.nan  # a wrist gone for long, so two patterns in one person
    score = np.where(np.isnan(xy[..., 0]), 0, both.score)
    both = PoseSequence(xy, score, both.ids, both.time_s, COCO17)
    together = smooth_sequence(both, method)
    for person in range(2):
        alone = PoseSequence(xy[:, [person]], score[:, [person]], both.ids[[person]], both.time_s, COCO17)
        np.testing.assert_array_equal(together.xy[:, [person]], smooth_sequence(alone, method).xy)
    elbow = np.array(xy)
    elbow[10:30, 0, 9] = 0.0
    whole = smooth_sequence(PoseSequence(elbow, both.score, both.ids, both.time_s, COCO17), method)
    np.testing.assert_allclose(together.xy[:, 0, :9], whole.xy[:, 0, :9], atol=1e-3)
    np.testing.assert_array_equal(together.score, both.score)


def test_values_of_any_depth() -> None:
    random = np.random.default_rng(0)
    world, score = random.normal(size=(60, 2, 21, 3)), np.full((60, 2, 21), 0.5)
    smooth = smooth_values(world, score, np.arange(60) / 25, "savgol")
    flat = smooth_values(world[..., :2], score, np.arange(60) / 25, "savgol")
    np.testing.assert_allclose(smooth[..., :2], flat)


# Gaps ----------------------------------------------------------------------------------------------------------------


def test_short_gaps_are_bridged_by_a_line_with_less_score() -> None:
    signal = 10.0 * np.arange(10)
    signal[3:5] = np.nan
    filled = fill_gaps(clip(signal, STEADY[:10], [0.9] * 5 + [0.6] * 5), 0.2)
    np.testing.assert_allclose(x_of(filled), 10.0 * np.arange(10), atol=1e-4)
    assert filled.score[3:5, 0, 0].tolist() == pytest.approx([0.3, 0.3])
    np.testing.assert_array_equal(filled.score[:3], np.float32(0.9))


def test_lines_follow_time_not_frames() -> None:
    time_s = np.array([0.0, 0.01, 0.1])
    assert x_of(fill_gaps(clip(np.array([0.0, np.nan, 10.0]), time_s), 0.2))[1] == pytest.approx(1.0)


@given(
    gone=st.lists(st.booleans(), min_size=1, max_size=40),
    longest=st.integers(0, 12),
    decay=st.floats(0.05, 1.0),
)
def test_nothing_is_invented(gone: list[bool], longest: int, decay: float) -> None:
    """Filled exactly where both ends are near enough; never surer than either end; the rest untouched."""
    random = np.random.default_rng(len(gone))
    signal = np.where(gone, np.nan, random.normal(size=len(gone)))
    score = np.where(gone, 0, random.uniform(0.01, 1, len(gone)))
    given_clip = clip(signal, STEADY[: len(gone)], score)
    filled = fill_gaps(given_clip, longest / 25, decay=decay)
    seen = np.flatnonzero(~np.isnan(signal))
    for i in range(len(gone)):
        before, after = seen[seen < i], seen[seen > i]
        if not np.isnan(signal[i]):
            assert x_of(filled)[i] == x_of(given_clip)[i]
            assert filled.score[i, 0, 0] == given_clip.score[i, 0, 0]
        elif len(before) and len(after) and after[0] - before[-1] <= longest:
            ends = [before[-1], after[0]]
            assert 0 < filled.score[i, 0, 0] <= decay * given_clip.score[ends, 0, 0].min() + 1e-6
            low, high = sorted(x_of(given_clip)[ends])
            assert low - 1e-6 <= x_of(filled)[i] <= high + 1e-6
        else:
            assert np.isnan(x_of(filled)[i])
            assert filled.score[i, 0, 0] == 0


def test_filled_values_say_where() -> None:
    values = np.array([[0.0], [np.nan], [2.0], [np.nan]])
    filled, lower, where = fill_values(values, np.array([0.4, 0, 0.2, 0]), np.arange(4) / 25, 0.1)
    assert where.tolist() == [False, True, False, False]
    assert filled[1, 0] == 1.0
    assert lower[1] == 0.2
    empty, _, _ = fill_values(np.zeros((0, 2)), np.zeros(0), np.zeros(0), 1.0)
    assert empty.shape == (0, 2)


# Options -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("blur", {}, "method: expected one of savgol, butterworth, median, weighted, got 'blur'"),
        ("savgol", {"cutoff_hz": 3}, "savgol: expected options among window_s, order, got cutoff_hz"),
        ("savgol", {"window_s": 0}, "window_s: expected a number above 0"),
        ("savgol", {"order": -1}, "order: expected 0 or more"),
        (
            "butterworth",
            {"cutoff_hz": 12.5},
            "12.5 Hz needs more than 25 frames per second, got 25; take every frame, or choose savgol",
        ),
        ("butterworth", {"cutoff_hz": -1}, "cutoff_hz"),
        ("butterworth", {"order": 3}, "order: expected an even number"),
        ("median", {"window_s": float("nan")}, "window_s"),
        ("weighted", {"sigma_s": 0}, "sigma_s"),
        ("median", {"max_gap_s": -1}, "max_gap_s"),
    ],
)
def test_options_without_meaning(method: str, options: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        smooth_sequence(clip(np.zeros(50), STEADY[:50]), method, **options)  # type: ignore[arg-type]


def test_gap_options_without_meaning() -> None:
    for options in ({"max_gap_s": -1}, {"max_gap_s": 1, "decay": 0}, {"max_gap_s": 1, "decay": 1.5}):
        with pytest.raises(ConfigError, match="expected"):
            fill_gaps(clip(np.zeros(5), STEADY[:5]), **options)
