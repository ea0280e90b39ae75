"""Owns compositions that are estimators themselves: a detector with a keypoint model, and results made to measure."""

from holopose.estimators.following import TopDownFollower
from holopose.estimators.hybrid import Hybrid
from holopose.estimators.shaped import Shaped
from holopose.estimators.top_down import TopDown, person_scores

__all__ = ["Hybrid", "Shaped", "TopDown", "TopDownFollower", "person_scores"]
