from __future__ import annotations

from typing import Any

import pytest

import holopose
from holopose.skeletons import WHOLEBODY133


@pytest.mark.weights
def test_an_estimator_tells_what_it_is() -> None:
    estimator: Any = holopose.build_estimator(search="whole")
    assert estimator.skeleton == WHOLEBODY133
    assert estimator.info["name"] == "blaze"
    assert all(len(card["sha256"]) == 64 for card in estimator.info["cards"])
    assert estimator.info["runtime"]["precision"] == "f32"
