"""Keypoint similarity: COCO's own evaluation agrees, and what weights and spread change."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from holopose.ops.oks import similarity
from holopose.skeletons import COCO17

Floats = npt.NDArray[np.float64]
assert COCO17.sigmas is not None
SIGMAS = COCO17.sigmas.astype(np.float64)


def people(seed: int, count: int) -> Floats:
    return np.random.default_rng(seed).uniform(0, 200, (count, 17, 2))


def test_as_coco_evaluates() -> None:
    """pycocotools' own computeOks, from detections to one labelled person each."""
    cocoeval = pytest.importorskip("pycocotools.cocoeval")
    truth, found = people(0, 1), people(0, 1) + np.random.default_rng(1).normal(0, 8, (3, 17, 2))
    area = 9000.0
    evaluation = cocoeval.COCOeval(iouType="keypoints")
    label = {"keypoints": np.append(truth[0], np.full((17, 1), 2), axis=1).ravel().tolist(), "area": area}
    label |= {"bbox": [0, 0, 200, 200], "num_keypoints": 17}
    evaluation._gts[1, 1] = [label]
    evaluation._dts[1, 1] = [
        {"keypoints": np.append(one, np.ones((17, 1)), axis=1).ravel().tolist(), "score": 0.9 - 0.1 * i}
        for i, one in enumerate(found)
    ]
    expected = evaluation.computeOks(1, 1)[:, 0]
    ours = similarity(found, truth, weight=np.ones((3, 1, 17)), size_px=np.full((3, 1), np.sqrt(area)), sigmas=SIGMAS)
    assert ours[:, 0] == pytest.approx(expected, rel=1e-6)


def test_only_what_both_know_counts() -> None:
    a, b = people(2, 2), people(2, 2)
    b[:, 5:] += 1000
    weight = np.zeros((2, 2, 17))
    size = np.full((2, 2), 100.0)
    assert similarity(a, b, weight=weight, size_px=size, sigmas=SIGMAS).tolist() == [[0, 0], [0, 0]]
    weight[..., :5] = 0.3
    assert np.diag(similarity(a, b, weight=weight, size_px=size, sigmas=SIGMAS)) == pytest.approx(1)
    weight[..., 5:] = 0.1
    assert np.diag(similarity(a, b, weight=weight, size_px=size, sigmas=SIGMAS)) == pytest.approx(1.5 / 2.7)


def test_who_may_be_farther_off_is_still_alike() -> None:
    a = people(3, 2)
    weight, size = np.ones((2, 2, 17)), np.full((2, 2), 60.0)
    near, far = np.diag(
        similarity(a, a + 30, weight=weight, size_px=size, sigmas=SIGMAS, spread_px=np.array([0.0, 60.0]))
    )
    assert near < 0.15
    assert far > 0.75


def test_size_sets_the_scale() -> None:
    a, b = people(4, 3), people(5, 2)
    weight = np.random.default_rng(6).uniform(0, 1, (3, 2, 17))
    size = np.full((3, 2), 80.0)
    once = similarity(a, b, weight=weight, size_px=size, sigmas=SIGMAS)
    assert similarity(7 * a, 7 * b, weight=weight, size_px=7 * size, sigmas=SIGMAS) == pytest.approx(once)
    assert similarity(a[:0], b, weight=weight[:0], size_px=size[:0], sigmas=SIGMAS).shape == (0, 2)
