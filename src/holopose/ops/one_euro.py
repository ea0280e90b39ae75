"""Owns OneEuro: the One-Euro low-pass filter over an array of signals at once, in its two published forms."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError, InputError

__all__ = ["AGAINST", "OneEuro"]

Array = npt.NDArray[np.float64]
AGAINST = ("filtered", "raw")
"""What the speed is measured against: the previous output (Casiez) or the previous input (MediaPipe)."""

_RAW, _FILTERED, _SPEED, _TIME = range(4)


class OneEuro:
    """A low-pass filter that opens with speed: steady when things rest, quick when they move.

    Per signal: speed = change / time since the last sample, itself low-passed with `d_cutoff`; cut-off frequency
    fc = min_cutoff + beta * |speed|; output = a * input + (1 - a) * last output, a = r / (r + 1), r = 2 pi fc dt.
    (Casiez, Roussel, Vogel: 1 Euro Filter, CHI 2012.) With ``against="raw"`` and a `value_scale` it is the filter of
    MediaPipe's landmark smoothing; its nominal first frequency has no influence here, as the first sample of a
    signal passes unchanged and with speed 0.

    A NaN sample passes and its signal starts anew with its next number. A sample whose time is not later than the
    signal's last one passes unchanged and changes nothing.

    Args:
        min_cutoff: Hz, cut-off at rest; above 0. This and the next two may be arrays that broadcast with the values.
        beta: Hz per unit of speed; 0 or more.
        d_cutoff: Hz, cut-off of the speed; above 0.
        against: ``filtered`` or ``raw``.

    Raises:
        ConfigError: a parameter is outside what it accepts.

    >>> smooth = OneEuro(min_cutoff=1.0, beta=0.0)
    >>> [round(float(smooth.step(np.array([x]), t)[0]), 3) for t, x in ((0.0, 0.0), (0.1, 1.0), (0.2, 1.0))]
    [0.0, 0.386, 0.623]
    """

    def __init__(
        self,
        *,
        min_cutoff: npt.ArrayLike,
        beta: npt.ArrayLike,
        d_cutoff: npt.ArrayLike = 1.0,
        against: str = "filtered",
    ) -> None:
        self._min_cutoff, self._beta, self._d_cutoff = (
            np.asarray(value, np.float64) for value in (min_cutoff, beta, d_cutoff)
        )
        if not ((self._min_cutoff > 0).all() and (self._d_cutoff > 0).all() and (self._beta >= 0).all()):
            raise ConfigError(
                "OneEuro: expected min_cutoff and d_cutoff above 0 and beta of 0 or more, got "
                f"{min_cutoff!r}, {d_cutoff!r} and {beta!r}"
            )
        if against not in AGAINST:
            raise ConfigError(f"OneEuro: against: expected {' or '.join(AGAINST)}, got {against!r}")
        self._reference = _RAW if against == "raw" else _FILTERED
        self._state: Array | None = None  # (4, ...): last input, last output, speed, time in s; NaN = not started

    def step(
        self,
        values: npt.ArrayLike,
        time_s: npt.ArrayLike,
        *,
        value_scale: npt.ArrayLike = 1.0,
        where: npt.ArrayLike | None = None,
    ) -> Array:
        """The next sample of every signal, filtered.

        Args:
            values: One number per signal, any shape, the same at each call; NaN = missing.
            time_s: Seconds, finite; one for all or an array that broadcasts with `values`.
            value_scale: Factor on the change when the speed is measured (1 / size of the object, say); broadcasts.
            where: bool, broadcasts; signals outside it have no sample now: their state stays, their value comes back
                as it is.

        Returns:
            float64, shape of `values`.

        Raises:
            InputError: the shape is another one than before.
        """
        values = np.asarray(values, np.float64)
        if self._state is None:
            self._state = np.full((4, *values.shape), np.nan)
        state = self._state
        if state.shape[1:] != values.shape:
            raise InputError(f"OneEuro: expected values of shape {state.shape[1:]} as before, got {values.shape}")
        asked = np.broadcast_to(True if where is None else np.asarray(where, np.bool_), values.shape)
        elapsed = np.asarray(time_s, np.float64) - state[_TIME]  # NaN where not started
        fresh = asked & np.isnan(elapsed)
        running = asked & (elapsed > 0)
        elapsed = np.where(running, elapsed, 1.0)

        speed = (values - state[self._reference]) * np.asarray(value_scale, np.float64) / elapsed
        keen = _smoothing(self._d_cutoff, elapsed)
        speed = keen * speed + (1 - keen) * state[_SPEED]
        keen = _smoothing(self._min_cutoff + self._beta * np.abs(speed), elapsed)
        filtered = np.where(running, keen * values + (1 - keen) * state[_FILTERED], values)

        moved = fresh | running
        state[_RAW] = np.where(moved, values, state[_RAW])
        state[_FILTERED] = np.where(moved, filtered, state[_FILTERED])
        state[_SPEED] = np.where(fresh, 0.0, np.where(running, speed, state[_SPEED]))
        state[_TIME] = np.where(moved, time_s, state[_TIME])
        state[:, asked & np.isnan(values)] = np.nan
        return filtered

    def reset(self) -> None:
        """Forget everything; the next values may have another shape."""
        self._state = None

    def reset_where(self, mask: npt.ArrayLike) -> None:
        """Start some signals anew.

        Args:
            mask: bool, broadcasts with the values.
        """
        if self._state is not None:
            self._state[:, np.broadcast_to(np.asarray(mask, np.bool_), self._state.shape[1:])] = np.nan

    def take(self, rows: npt.ArrayLike) -> None:
        """Reorder the first axis of the signals: new row i is old row ``rows[i]``, or a fresh one where that is -1.

        Args:
            rows: (M,) integers; the next values have M rows.
        """
        if self._state is None:
            return
        picked = np.asarray(rows, np.int64)
        padded = np.concatenate([self._state, np.full_like(self._state[:, :1], np.nan)], axis=1)
        if self._state.shape[1] == 0:
            padded = np.full((4, 1, *self._state.shape[2:]), np.nan)
        self._state = padded[:, picked]


def _smoothing(cutoff_hz: Array, elapsed_s: Array) -> Array:
    """Weight of the new sample in a first-order low-pass."""
    turn = 2 * np.pi * cutoff_hz * elapsed_s
    weight: Array = turn / (turn + 1)
    return weight
