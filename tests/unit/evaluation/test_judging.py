"""Each kind of data set is judged by its own measure."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("faster_coco_eval")

from holopose.evaluation.judging import Terms, judge, measure_of, terms_of
from holopose.ops.labels import Found
from holopose.skeletons import COCO17, CROWDPOSE14, FACE68, HALPE26, HALPE136, HAND21, MPII16, WHOLEBODY133, Skeleton
from label_samples import labelled_people, perfect, person_points

CASES = [
    ("coco", COCO17, "oks", "body", "AP"),
    ("wholebody", WHOLEBODY133, "oks", "whole", "AP"),
    ("halpe26", HALPE26, "oks", "whole", "AP"),
    ("halpe136", HALPE136, "oks", "hand", "AP"),
    ("crowdpose", CROWDPOSE14, "crowd", "medium", "AP"),
    ("mpii", MPII16, "pckh", "all", "PCKh@0.5"),
    ("hand", HAND21, "hand", "hand", "PCK@0.2"),
    ("face", FACE68, "face", "face", "found"),
]


@pytest.mark.parametrize(("kind", "skeleton", "measure", "row", "column"), CASES)
def test_perfect_and_nobody(kind: str, skeleton: Skeleton, measure: str, row: str, column: str) -> None:
    truth = labelled_people([person_points(len(skeleton), 1)], head_px=np.array([20.0]))
    assert measure_of(kind) == measure
    table, quality = judge(kind, [(truth, perfect(truth))], skeleton, [0.5])
    assert table[row][column] == pytest.approx(1)
    assert quality == [pytest.approx(1)]
    table, quality = judge(kind, [(truth, Found.empty(len(skeleton)))], skeleton, [0.5])
    assert table[row][column] == 0
    assert quality == [0]


def test_terms() -> None:
    terms = terms_of("halpe26", HALPE26)
    assert (terms.sigmas, terms.detections) == ("halpe26 (halpecocotools)", 20)
    assert terms.evaluator.startswith("faster-coco-eval ")
    assert terms_of("mpii", MPII16) == terms_of("hand", HAND21) == Terms("none", 0, "")
