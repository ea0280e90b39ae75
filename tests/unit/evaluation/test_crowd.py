"""CrowdPose: all pictures, and the easy, medium and hard ones by their crowd index."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("faster_coco_eval")

from holopose.errors import InputError
from holopose.evaluation.crowd import evaluate
from holopose.ops.labels import Found, Labelled
from holopose.skeletons import CROWDPOSE14
from label_samples import labelled_people, perfect, person_points


def picture(seed: int, *, found: bool) -> tuple[Labelled, Found]:
    truth = labelled_people([person_points(14, seed + n, at=(300.0 * n, 0)) for n in range(2)])
    return truth, perfect(truth) if found else Found.empty(14)


def test_levels() -> None:
    pictures = [picture(1, found=True), picture(5, found=True), picture(9, found=False), picture(13, found=False)]
    table = evaluate(pictures, [0.0, 0.15, 0.5, 0.8], CROWDPOSE14)
    assert [round(table[row]["AR"], 6) for row in ("all", "easy", "medium", "hard")] == [0.5, 1.0, 0.5, 0.0]
    as_tools = evaluate(pictures, [0.0, 0.15, 0.5, 0.8], CROWDPOSE14, bounds=(0.2, 0.8))
    assert [round(as_tools[row]["AR"], 6) for row in ("easy", "medium", "hard")] == [1.0, 0.0, 0.0]


def test_a_level_without_pictures_is_undefined() -> None:
    table = evaluate([picture(1, found=True)], [0.3], CROWDPOSE14)
    assert table["medium"]["AP"] == pytest.approx(1)
    assert np.isnan(table["easy"]["AP"])
    assert np.isnan(table["hard"]["AR"])


def test_wrong_input() -> None:
    with pytest.raises(InputError, match="expected a crowdIndex for every picture"):
        evaluate([picture(1, found=True)], [None], CROWDPOSE14)
    with pytest.raises(InputError, match="two bounds"):
        evaluate([picture(1, found=True)], [0.2], CROWDPOSE14, bounds=(0.9, 0.1))
