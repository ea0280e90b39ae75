"""Owns smoothing with the whole clip at hand (Savitzky-Golay, Butterworth, median, by score) and filling gaps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError
from holopose.types import PoseSequence

__all__ = [
    "METHODS",
    "butterworth",
    "fill_gaps",
    "fill_values",
    "median",
    "savgol",
    "smooth_sequence",
    "smooth_values",
    "weighted",
]

Array = npt.NDArray[np.float64]

_REGULAR = 0.05
"""Steps that differ from their median by less than this share are a steady rate with rounded timestamps."""


def savgol(values: Array, score: Array, time_s: Array, *, window_s: float = 0.25, order: int = 3) -> Array:
    """Fit a polynomial around each sample (Savitzky and Golay, 1964): keeps peaks, no lag.

    Args:
        values: (T, C) a stretch without gaps.
        score: (T, C), not used.
        time_s: (T,) seconds, not decreasing.
        window_s: Length of the window; at least 0.
        order: Degree of the polynomial.
    """
    from scipy.signal import savgol_filter

    _check(window_s=window_s)
    if order < 0:
        raise ConfigError(f"order: expected 0 or more, got {order}")

    def smooth(regular: Array, rate_hz: float) -> Array:
        window = min(_odd(window_s * rate_hz), len(regular) - 1 + len(regular) % 2)
        if window <= order:
            return regular
        return np.asarray(savgol_filter(regular, window, order, axis=0, mode="interp"), np.float64)

    return _at_steady_rate(values, time_s, smooth)


def butterworth(values: Array, score: Array, time_s: Array, *, cutoff_hz: float = 6.0, order: int = 4) -> Array:
    """Low-pass forwards and backwards, so without lag; the usual filter of gait analysis.

    Args:
        values: (T, C) a stretch without gaps.
        score: (T, C), not used.
        time_s: (T,) seconds, not decreasing.
        cutoff_hz: Where the amplitude after both passes is down to 0.707; each pass is set higher to that end
            (Winter: Biomechanics and Motor Control of Human Movement, 2.2.4.4). Below half the frame rate.
        order: Even, 2 or more: the order of both passes together.

    Raises:
        ConfigError: the cut-off is not below half the frame rate, or a parameter has no meaning.
    """
    from scipy.signal import butter, sosfiltfilt

    _check(cutoff_hz=cutoff_hz)
    if order < 2 or order % 2:
        raise ConfigError(f"order: expected an even number from 2 on, got {order}")

    def smooth(regular: Array, rate_hz: float) -> Array:
        if cutoff_hz >= rate_hz / 2:
            raise ConfigError(
                f"smooth: butterworth with a cut-off of {cutoff_hz:g} Hz needs more than {2 * cutoff_hz:g} frames per "
                f"second, got {rate_hz:.4g}; take every frame, or choose savgol, median or weighted (in Python, a "
                "lower cutoff_hz)"
            )
        each = (np.sqrt(2) - 1) ** (1 / order)  # 2 passes of order/2
        corrected = np.arctan(np.tan(np.pi * cutoff_hz / rate_hz) / each) / np.pi * rate_hz
        sections = butter(order // 2, corrected, fs=rate_hz, output="sos")
        padding = min(int(3 * rate_hz / cutoff_hz), len(regular) - 1)
        return np.asarray(sosfiltfilt(sections, regular, axis=0, padlen=padding), np.float64)

    return _at_steady_rate(values, time_s, smooth)


def median(values: Array, score: Array, time_s: Array, *, window_s: float = 0.12) -> Array:
    """The middle value of a window: removes single wild samples, leaves slopes.

    Args:
        values: (T, C) a stretch without gaps.
        score: (T, C), not used.
        time_s: (T,) seconds, not decreasing.
        window_s: Length of the window, rounded to an odd number of frames.
    """
    from scipy.ndimage import median_filter

    _check(window_s=window_s)
    frames = _odd(window_s * _rate_hz(time_s))
    return np.asarray(median_filter(values, size=(frames, 1), mode="nearest"), np.float64)


def weighted(values: Array, score: Array, time_s: Array, *, sigma_s: float = 0.04) -> Array:
    """A straight line through the neighbours, weighted by nearness in time and by score.

    Sure samples mend unsure ones beside them; real times are used, so any frame rate will do.

    Args:
        values: (T, C) a stretch without gaps.
        score: (T, C) weight of each sample, in [0, 1].
        time_s: (T,) seconds, not decreasing.
        sigma_s: Standard deviation of the Gaussian window.
    """
    _check(sigma_s=sigma_s)
    reach = max(int(np.ceil(3 * sigma_s * _rate_hz(time_s))), 1)
    trust = np.maximum(score, 1e-3)
    sums = np.zeros((5, *values.shape))  # of 1, t, t^2, x, x t, weighted
    for offset in range(-min(reach, len(values) - 1), min(reach, len(values) - 1) + 1):
        here = slice(max(-offset, 0), len(values) - max(offset, 0))
        there = slice(max(offset, 0), len(values) - max(-offset, 0))
        apart = (time_s[there] - time_s[here])[:, None]
        weight = trust[there] * np.exp(-0.5 * (apart / sigma_s) ** 2)
        for total, term in zip(sums, (1.0, apart, apart**2, values[there], values[there] * apart), strict=True):
            total[here] += weight * term
    ones, times, squares, level, slope = sums
    spread = squares * ones - times**2
    line = (squares * level - times * slope) / np.where(spread > 0, spread, 1.0)
    fitted: Array = np.where(spread > 1e-9 * squares * ones, line, level / ones)
    return fitted


METHODS: Mapping[str, Callable[..., Array]] = {
    "savgol": savgol,
    "butterworth": butterworth,
    "median": median,
    "weighted": weighted,
}
"""What `smooth_sequence` and `smooth_clip` know, by name; each takes its own options."""


def smooth_sequence(
    sequence: PoseSequence, method: str = "butterworth", *, max_gap_s: float = 0.2, **options: Any
) -> PoseSequence:
    """Smooth every keypoint of every track over time; scores stay, what is missing stays missing.

    Never across tracks, nor across a gap longer than `max_gap_s`; shorter gaps are bridged while filtering.

    Args:
        sequence: A clip.
        method: One of `METHODS`.
        max_gap_s: Longest gap that does not end a stretch.
        **options: The method's own.

    Raises:
        ConfigError: the method or an option is unknown or has no meaning.

    >>> from holopose.skeletons import HAND21
    >>> time_s = np.arange(50) / 25
    >>> xy = np.zeros((50, 1, 21, 2)); xy[::2] = 1.0
    >>> clip = PoseSequence(xy, np.ones((50, 1, 21)), np.array([7]), time_s, HAND21)
    >>> round(float(smooth_sequence(clip, "butterworth", cutoff_hz=3).xy[25, 0, 0, 0]), 2)
    0.5
    """
    xy = smooth_values(sequence.xy, sequence.score, sequence.time_s, method, max_gap_s=max_gap_s, **options)
    return PoseSequence(xy.astype(np.float32), sequence.score, sequence.ids, sequence.time_s, sequence.skeleton)


def smooth_values(
    values: npt.NDArray[np.floating],
    score: npt.NDArray[np.floating],
    time_s: npt.NDArray[np.float64],
    method: str = "butterworth",
    *,
    max_gap_s: float = 0.2,
    **options: Any,
) -> Array:
    """`smooth_sequence` for coordinates of any kind, world ones for instance.

    Args:
        values: (T, P, K, D), NaN = missing.
        score: (T, P, K).
        time_s: (T,) seconds, not decreasing.
        method: One of `METHODS`.
        max_gap_s: Longest gap that does not end a stretch.
        **options: The method's own.
    """
    smooth = METHODS.get(method)
    if smooth is None:
        raise ConfigError(f"method: expected one of {', '.join(METHODS)}, got {method!r}")
    accepted = smooth.__kwdefaults__ or {}
    if set(options) - set(accepted):
        raise ConfigError(f"{method}: expected options among {', '.join(accepted)}, got {', '.join(sorted(options))}")
    if not max_gap_s >= 0:
        raise ConfigError(f"max_gap_s: expected 0 or more seconds, got {max_gap_s!r}")
    result = np.array(values, np.float64)
    depth = values.shape[-1]
    for person, columns, rows in _stretches(result, time_s, max_gap_s):
        block = result[rows, person][:, columns].reshape(len(rows), -1)
        weight = np.repeat(np.asarray(score, np.float64)[rows, person][:, columns], depth, axis=1)
        smoothed = smooth(block, weight, time_s[rows], **options).reshape(len(rows), len(columns), depth)
        result[rows[:, None], person, columns] = smoothed
    return result


def fill_gaps(sequence: PoseSequence, max_gap_s: float, *, decay: float = 0.5) -> PoseSequence:
    """Draw a straight line over keypoints that are missing for a moment inside a track.

    Whole people that the detector lost for a moment come back too. What is filled in was not seen: its score is
    `decay` times the lower of the scores at both ends, so never more than either. Nothing is filled before a
    keypoint's first and after its last sight, nor across a longer gap.

    Args:
        sequence: A clip.
        max_gap_s: Longest time between the sights on both sides of a gap.
        decay: Factor on the score, above 0 and at most 1.

    Raises:
        ConfigError: an option has no meaning.
    """
    if not max_gap_s >= 0:
        raise ConfigError(f"max_gap_s: expected 0 or more seconds, got {max_gap_s!r}")
    if not 0 < decay <= 1:
        raise ConfigError(f"decay: expected a number above 0 and at most 1, got {decay!r}")
    xy, lower, filled = fill_values(sequence.xy, sequence.score, sequence.time_s, max_gap_s)
    score = np.where(filled, decay * lower, sequence.score)
    return PoseSequence(xy.astype(np.float32), score, sequence.ids, sequence.time_s, sequence.skeleton)


def fill_values(
    values: npt.NDArray[np.floating],
    score: npt.NDArray[np.floating],
    time_s: npt.NDArray[np.float64],
    max_gap_s: float,
) -> tuple[Array, Array, npt.NDArray[np.bool_]]:
    """Interpolate missing rows linearly in time where both ends of the gap are at most `max_gap_s` apart.

    Args:
        values: (T, ..., D), NaN = missing.
        score: (T, ...).
        time_s: (T,) seconds, not decreasing.
        max_gap_s: Longest gap.

    Returns:
        Values; the lower score of both ends, where filled; which (T, ...) were filled.
    """
    values, score = np.asarray(values, np.float64), np.asarray(score, np.float64)
    missing = np.isnan(values).any(axis=-1)
    count = len(values)
    index = np.arange(count).reshape(-1, *[1] * (missing.ndim - 1))
    before = np.maximum.accumulate(np.where(missing, -1, index), axis=0)
    after = np.minimum.accumulate(np.where(missing, count, index)[::-1], axis=0)[::-1]
    inside = missing & (before >= 0) & (after < count)
    first, last = np.where(inside, before, 0), np.where(inside, after, 0)
    length = time_s[last] - time_s[first]
    filled = inside & (length <= max_gap_s + 1e-9)
    share = np.where(filled, (time_s.reshape(index.shape) - time_s[first]) / np.where(length > 0, length, 1.0), 0.0)
    start, end = (np.take_along_axis(values, rows[..., None], axis=0) for rows in (first, last))
    lower = np.minimum(*(np.take_along_axis(score, rows, axis=0) for rows in (first, last)))
    between = start + (end - start) * share[..., None]
    return np.where(filled[..., None], between, values), lower, filled


def _stretches(
    values: Array, time_s: Array, max_gap_s: float
) -> Iterator[tuple[int, npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Person, keypoints and frames of every stretch between gaps; its short gaps are left out of its frames.

    Keypoints that are there in the same frames (a whole hand, all the body) go together.
    """
    there: npt.NDArray[np.bool_] = ~np.asarray(np.isnan(values).any(axis=-1))
    longest_s = max(max_gap_s, 1.5 / _rate_hz(time_s))  # two frames that follow one another are no gap at a low rate
    for person in range(values.shape[1]):
        patterns, which = np.unique(there[:, person], axis=1, return_inverse=True)
        for number in range(patterns.shape[1]):
            rows = np.flatnonzero(patterns[:, number])
            columns = np.flatnonzero(which.ravel() == number)
            breaks = np.flatnonzero(np.diff(time_s[rows]) > longest_s) + 1
            for part in np.split(rows, breaks):
                if len(part) > 1:
                    yield person, columns, part


def _at_steady_rate(values: Array, time_s: Array, smooth: Callable[[Array, float], Array]) -> Array:
    """Apply what needs a steady rate; other clips go onto a regular grid by shape-preserving cubics and back."""
    from scipy.interpolate import PchipInterpolator

    if len(values) < 3:
        return values
    rate_hz = _rate_hz(time_s)
    steps = np.diff(time_s)
    if np.abs(steps * rate_hz - 1).max() <= _REGULAR:
        return smooth(values, rate_hz)
    knots, first = np.unique(time_s, return_index=True)
    if len(knots) < 3:
        return values
    grid = np.linspace(knots[0], knots[-1], max(round((knots[-1] - knots[0]) * rate_hz), 2) + 1)
    regular = np.asarray(PchipInterpolator(knots, values[first], axis=0)(grid), np.float64)
    smoothed = smooth(regular, 1 / (grid[1] - grid[0]))
    return np.asarray(PchipInterpolator(grid, smoothed, axis=0)(time_s), np.float64)


def _rate_hz(time_s: Array) -> float:
    """The usual frame rate of a stretch."""
    steps = np.diff(time_s)
    steps = steps[steps > 0]
    return float(1 / np.median(steps)) if len(steps) else 1.0


def _odd(frames: float) -> int:
    """The nearest odd number, at least 1."""
    return max(2 * round((frames - 1) / 2) + 1, 1)


def _check(**positive: float) -> None:
    for name, value in positive.items():
        if not value > 0:
            raise ConfigError(f"{name}: expected a number above 0, got {value!r}")
