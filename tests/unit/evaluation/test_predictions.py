"""Predictions of any program as arrays, and ours as entries, exact in both directions."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.errors import InputError
from holopose.evaluation.predictions import PART_FIELDS, entries_of, found_of, layout_of
from holopose.ops.labels import Found
from holopose.skeletons import COCO17, CROWDPOSE14, FACE68, HAND21, MPII16, WHOLEBODY133, Skeleton
from label_samples import found_people


def entry(count: int = 17, **changes: Any) -> dict[str, Any]:
    return {"image_id": 1, "category_id": 1, "keypoints": [1.0, 2.0, 0.5] * count, "score": 0.7, **changes}


@pytest.mark.parametrize(
    ("count", "wanted", "layout"),
    [
        (17, WHOLEBODY133, COCO17),
        (133, COCO17, WHOLEBODY133),
        (133, WHOLEBODY133, WHOLEBODY133),
        (14, CROWDPOSE14, CROWDPOSE14),
        (21, HAND21, HAND21),
        (68, FACE68, FACE68),
        (16, MPII16, MPII16),
    ],
)
def test_layouts(count: int, wanted: Skeleton, layout: Skeleton) -> None:
    assert layout_of([entry(count)], wanted) == layout
    assert layout_of([], wanted) == wanted
    assert layout_of([entry(17, face_kpts=[])], COCO17) == WHOLEBODY133


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ([entry(19)], "got 57 numbers"),
        ([entry(keypoints=[1.0, 2.0])], "got 2 numbers"),
        ([entry(), {"image_id": 1}], "entry 1: expected image_id, keypoints and score"),
        ([3], "entry 0: expected"),
    ],
)
def test_files_of_no_known_layout(entries: list[Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        layout_of(entries, COCO17)


def test_parts_and_their_scores() -> None:
    one = entry(foot_kpts=[3.0, 4.0, 0.9] * 6, face_kpts=[0.0] * 204, foot_score=0.3, wholebody_score=0.2)
    other = entry(score=2.5, bbox=[1, 2, 3, 4])
    found = found_of([one, other], WHOLEBODY133)
    assert found.xy[0, 17].tolist() == [3, 4]
    assert np.isnan(found.xy[0, 23:]).all()
    assert found.point_score[0, 16:18].tolist() == [0.5, 0.9]
    assert found.part_scores["feet"].tolist() == [0.3, 2.5]  # who has none falls back to the person's
    assert found.part_scores["whole"].tolist() == [0.2, 2.5]
    assert "face" not in found.part_scores
    assert found.boxes_xyxy.tolist() == [[1, 2, 3, 4], [1, 2, 4, 6]]
    assert len(found_of([], WHOLEBODY133)) == 0


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"score": None}, "expected a number as score"),
        ({"score": float("inf")}, "expected a number as score"),
        ({"keypoints": [1.0] * 48}, "expected 51 numbers as keypoints, got 48"),
        ({"keypoints": ["a"] * 51}, "expected numbers as keypoints"),
        ({"keypoints": [float("nan")] * 51}, "expected finite numbers"),
        ({"bbox": [1, 2]}, "expected a box"),
        ({"foot_score": "high"}, "expected a number as foot_score"),
    ],
)
def test_damaged_entries(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        found_of([entry(**changes)], COCO17)


@given(seed=st.integers(0, 9999), people=st.integers(0, 4), layout=st.sampled_from([WHOLEBODY133, COCO17, HAND21]))
def test_there_and_back_is_exact(seed: int, people: int, layout: Skeleton) -> None:
    rng = np.random.default_rng(seed)
    found = Found.empty(len(layout))
    if people:
        xy = rng.normal(0, 1000, (people, len(layout), 2))
        xy[:, 3] = np.nan
        scores = rng.uniform(0.01, 5, (people, len(layout)))
        scores[:, 3] = 0
        parts = {part: rng.uniform(0, 1, people) for part in PART_FIELDS} if layout == WHOLEBODY133 else {}
        found = found_people(xy, rng.uniform(0, 1, people), scores, part_scores=parts)
    text = json.dumps(list(entries_of(7, found, layout)), allow_nan=False)
    back = found_of(json.loads(text), layout)
    np.testing.assert_array_equal(back.xy, found.xy)
    np.testing.assert_array_equal(back.point_score, found.point_score)
    np.testing.assert_array_equal(back.score, found.score)
    np.testing.assert_allclose(back.boxes_xyxy, found.boxes_xyxy, rtol=1e-12)
    assert {k: v.tolist() for k, v in back.part_scores.items()} == {k: v.tolist() for k, v in found.part_scores.items()}


def test_whole_bodies_are_written_in_parts() -> None:
    [one] = entries_of("a.jpg", found_people([np.ones((133, 2))]), WHOLEBODY133)
    assert {key: len(value) for key, value in one.items() if isinstance(value, list)} == {
        "keypoints": 51,
        "foot_kpts": 18,
        "face_kpts": 204,
        "lefthand_kpts": 63,
        "righthand_kpts": 63,
        "bbox": 4,
    }
    assert (one["image_id"], one["category_id"]) == ("a.jpg", 1)
