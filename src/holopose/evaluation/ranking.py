"""Owns score rules: by which number found people are ranked before they are judged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from holopose.errors import ConfigError
from holopose.ops.labels import Found

__all__ = ["RULES", "rank"]

RULES: dict[str, str] = {
    "mmpose": "score of the person x mean of its keypoint scores above 0.2, one score for all parts",
    "person": "score of the person, one score for all parts",
    "parts": "score of each part, or of the person where a part has none",
}
"""Score rule -> what it does. ``mmpose`` is `bbox_keypoint` of mmpose's COCO metrics."""

KEYPOINT_THRESHOLD = 0.2


def rank(found: Found, rule: str) -> Found:
    """The same people, ranked by a rule.

    Raises:
        ConfigError: there is no such rule.
    """
    if rule not in RULES:
        raise ConfigError(f"score rule: expected one of {', '.join(RULES)}, got {rule!r}")
    if rule == "parts":
        return found
    if rule == "person":
        return replace(found, part_scores={})
    sure = found.point_score > KEYPOINT_THRESHOLD
    total = np.where(sure, found.point_score, 0).sum(axis=1)
    mean = np.divide(total, sure.sum(axis=1), out=np.zeros(len(found)), where=sure.any(axis=1))
    return replace(found, score=found.score * mean, part_scores={})
