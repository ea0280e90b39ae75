"""The OKS constants are those that were published, to the last digit."""

from __future__ import annotations

import numpy as np
import pytest

from holopose.errors import InputError
from holopose.evaluation.sigmas import sigmas_of
from holopose.skeletons import COCO17, CROWDPOSE14, HALPE26, HALPE136, OPENPOSE18, WHOLEBODY133


def test_as_published() -> None:
    name, coco = sigmas_of(COCO17)
    assert name == "coco17"
    assert coco.tolist()[:6] == [0.026, 0.025, 0.025, 0.035, 0.035, 0.079]
    assert sigmas_of(WHOLEBODY133)[1].shape == (133,)
    assert sigmas_of(WHOLEBODY133)[1][17:23].tolist() == [0.068, 0.066, 0.066, 0.092, 0.094, 0.094]


def test_crowdpose_and_halpe() -> None:
    crowd = [0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089, 0.089, 0.079, 0.079]
    assert sigmas_of(CROWDPOSE14)[1].tolist() == crowd
    body = sigmas_of(COCO17)[1]
    for skeleton in (HALPE26, HALPE136):
        name, values = sigmas_of(skeleton)
        assert name == f"{skeleton.name} (halpecocotools)"
        np.testing.assert_array_equal(values[:17], body)
        assert len(values) == len(skeleton)
    assert sigmas_of(HALPE26)[1][17:20].tolist() == [0.026, 0.026, 0.066]
    assert sigmas_of(HALPE26)[1][20:].tolist() == [0.079] * 6
    assert sigmas_of(HALPE136)[1][17:].tolist() == [0.08] * 3 + [0.089] * 6 + [0.015] * 110


def test_layouts_without_any() -> None:
    with pytest.raises(InputError, match="openpose18: expected a layout with OKS constants"):
        sigmas_of(OPENPOSE18)
