"""Owns reading SimCC: two vectors per keypoint, one along x and one along y, instead of a map.

Li, Yang, Liu, Zhang, Wang, Wang, Yang, Xia: SimCC: a Simple Coordinate Classification Perspective for Human Pose
Estimation (ECCV 2022); RTMPose, RTMW and DWPose are built on it.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError

__all__ = ["ScoreRule", "check_score_rule", "decode_simcc"]

Vectors = npt.NDArray[np.floating]
Float32s = npt.NDArray[np.float32]
ScoreRule = Literal["min", "mean"]


def check_score_rule(rule: str) -> None:
    """Refuse a rule that nobody has.

    Raises:
        ConfigError: neither ``min`` nor ``mean``.
    """
    if rule not in get_args(ScoreRule):
        raise ConfigError(f"score_rule: expected min or mean, got {rule!r}")


def decode_simcc(
    simcc_x: Vectors, simcc_y: Vectors, *, split_ratio: float = 2.0, score_rule: ScoreRule = "min"
) -> tuple[Float32s, Float32s]:
    """The highest bin along each axis.

    Args:
        simcc_x: (N, K, network-input width · `split_ratio`).
        simcc_y: (N, K, network-input height · `split_ratio`).
        split_ratio: Bins per network-input px.
        score_rule: Of the two highest values take the lower (``min``: mmpose, DWPose) or the mean (rtmlib).

    Returns:
        Places (N, K, 2) float32 in network-input px, NaN where the score is not above 0; scores (N, K) float32, which
        are no probabilities: they may exceed 1.

    Raises:
        ConfigError: another score rule.

    >>> x, y = np.zeros((1, 1, 8)), np.zeros((1, 1, 6))
    >>> x[0, 0, 5], y[0, 0, 2] = 0.75, 0.25
    >>> decode_simcc(x, y)[0].tolist(), decode_simcc(x, y)[1].tolist()
    ([[[2.5, 1.0]]], [[0.25]])
    """
    check_score_rule(score_rule)
    bins = np.stack([simcc_x.argmax(axis=2), simcc_y.argmax(axis=2)], axis=2)
    highest = [
        np.take_along_axis(vectors, bins[..., axis, None], axis=2)[..., 0].astype(np.float32)
        for axis, vectors in enumerate((simcc_x, simcc_y))
    ]
    score = np.minimum(*highest) if score_rule == "min" else (highest[0] + highest[1]) * np.float32(0.5)
    xy = (bins / split_ratio).astype(np.float32)
    return np.where((score > 0)[..., None], xy, np.float32(np.nan)), score
