"""Owns the constant-velocity Kalman filter, for many points at once whose coordinates are equally uncertain.

State `mean` (..., 2, D): position and velocity in D coordinates. Its covariance `cov` (..., 3) is the same for each of
the coordinates: of position, of position with velocity, of velocity. Functions return new arrays. The model is
"continuous white noise acceleration" of Bar-Shalom, Li and Kirubarajan, Estimation with Applications to Tracking and
Navigation (2001), section 6.2.2: the velocity wanders with spectral density `wander`, so that time steps may differ.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["correct", "predict", "start"]

Array = npt.NDArray[np.float64]


def start(position: Array, position_sd: npt.ArrayLike, velocity_sd: npt.ArrayLike) -> tuple[Array, Array]:
    """State and covariance of points (..., D) just seen, standing still as far as anybody knows.

    Args:
        position: (..., D).
        position_sd: (...), standard deviation in each coordinate, in units of the position.
        velocity_sd: (...), the same per second.
    """
    mean = np.stack([position, np.zeros_like(position)], axis=-2)
    sd = np.broadcast_arrays(np.asarray(position_sd, np.float64), np.asarray(velocity_sd, np.float64), mean[..., 0, 0])
    return mean, np.stack([sd[0] ** 2, np.zeros_like(sd[0]), sd[1] ** 2], axis=-1)


def predict(mean: Array, cov: Array, step_s: npt.ArrayLike, wander: npt.ArrayLike) -> tuple[Array, Array]:
    """Where the points will be, and how sure that is.

    Args:
        mean: (..., 2, D).
        cov: (..., 3).
        step_s: (...) seconds ahead, 0 or more.
        wander: (...) spectral density of the acceleration: after 1 s the velocity's variance has grown by this.
    """
    step, noise = np.asarray(step_s, np.float64), np.asarray(wander, np.float64)
    position, velocity = mean[..., 0, :], mean[..., 1, :]
    ahead = np.stack([position + velocity * step[..., None], velocity], axis=-2)
    pp, pv, vv = cov[..., 0], cov[..., 1], cov[..., 2]
    grown = [
        pp + step * (2 * pv + step * vv) + noise * step**3 / 3,
        pv + step * vv + noise * step**2 / 2,
        vv + noise * step,
    ]
    return ahead, np.stack(np.broadcast_arrays(*grown), axis=-1)


def correct(mean: Array, cov: Array, seen: Array, seen_sd: npt.ArrayLike) -> tuple[Array, Array]:
    """State and covariance after seeing the points at `seen` (..., D), each coordinate within `seen_sd` (...)."""
    pp, pv, vv = cov[..., 0], cov[..., 1], cov[..., 2]
    total = pp + np.asarray(seen_sd, np.float64) ** 2
    gain = np.stack([pp / total, pv / total], axis=-1)
    off = seen - mean[..., 0, :]
    corrected = mean + gain[..., :, None] * off[..., None, :]
    left = 1 - gain[..., 0]
    return corrected, np.stack([left * pp, left * pv, vv - gain[..., 1] * pv], axis=-1)
