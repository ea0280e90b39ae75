"""Score rules."""

from __future__ import annotations

import numpy as np
import pytest

from holopose.errors import ConfigError
from holopose.evaluation.ranking import RULES, rank
from holopose.ops.labels import Found
from label_samples import found_people, person_points


def test_rules() -> None:
    found = found_people(
        [person_points(4, 0), person_points(4, 1)],
        score=[0.5, 0.8],
        point_score=[[0.1, 0.2, 0.3, 0.9], [0.1, 0.0, 0.2, 0.1]],
        part_scores={"feet": np.array([3.0, 4.0])},
    )
    assert rank(found, "parts") is found
    assert rank(found, "person").score.tolist() == [0.5, 0.8]
    assert rank(found, "person").part_scores == {}
    mmpose = rank(found, "mmpose")  # of the first two points are above 0.2, of the second none is
    assert mmpose.score.tolist() == pytest.approx([0.5 * 0.6, 0])
    assert mmpose.part_scores == {}
    assert len(rank(Found.empty(4), "mmpose")) == 0
    with pytest.raises(ConfigError, match=f"expected one of {', '.join(RULES)}, got 'best'"):
        rank(found, "best")
