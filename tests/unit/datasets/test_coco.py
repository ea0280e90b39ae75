"""COCO's fields as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from holopose.datasets.coco import label, label_people, points_of, read_pictures
from holopose.errors import InputError
from label_samples import coco_entry, flagged, person_points


def entry(**changes: Any) -> dict[str, Any]:
    return coco_entry(1, 7, flagged(person_points(17, 0))) | changes


def test_flags_boxes_and_areas() -> None:
    points = flagged(person_points(17, 0))
    points[3] = 0
    points[4, 2] = 1
    people = label([coco_entry(1, 7, points), coco_entry(1, 8, points, iscrowd=1, area=None, bbox=[1, 2, 10, 20])])
    assert np.isnan(people.xy[0, 3]).all()
    assert people.xy[0, 4].tolist() == points[4, :2].tolist()
    assert people.visible[0, 3:6].tolist() == [False, False, True]
    assert people.boxes_xyxy[1].tolist() == [1, 2, 11, 22]
    assert people.area_px[1] == pytest.approx(0.53 * 200)
    assert people.crowd.tolist() == [False, True]
    assert people.ids == (7, 8)
    assert len(label([])) == 0


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"keypoints": [1, 2]}, "annotation 7: expected 51 numbers as keypoints, got 2 values"),
        ({"keypoints": None}, "got none"),
        ({"keypoints": ["x"] * 51}, "expected numbers as keypoints"),
        ({"keypoints": [float("nan")] * 51}, "expected finite numbers"),
        ({"bbox": [1, 2, -3, 4]}, "expected left, top, width, height as bbox"),
        ({"bbox": "box"}, "expected left, top, width, height as bbox"),
        ({"area": "large"}, "expected an area of at least 0"),
        ({"area": -1}, "expected an area of at least 0"),
    ],
)
def test_damaged_annotations(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        label([entry(**changes)])


def test_several_fields_follow_one_another_and_can_be_cut() -> None:
    people = label_people([entry(more=[1, 2, 1, 3, 4, 0])], {"keypoints": 17, "more": 2})
    assert people.xy.shape == (1, 19, 2)
    assert people.xy[0, 17].tolist() == [1, 2]
    assert np.isnan(people.xy[0, 18]).all()
    assert label_people([entry()], {"keypoints": 17}, cut=5).xy.shape == (1, 5, 2)
    assert points_of(entry(), "keypoints", 17).shape == (17, 3)


def test_pictures_by_number() -> None:
    pictures = read_pictures(
        [{"id": 9, "file_name": "b.jpg", "width": 4, "height": 5}, {"id": 2, "file_name": "a.jpg", "crowdIndex": 0.25}]
    )
    assert [(one.id, one.size_wh, one.crowd_index) for one in pictures] == [(2, (0, 0), 0.25), (9, (4, 5), None)]
    named = read_pictures([{"id": "z", "file_name": "z"}, {"id": "a", "file_name": "a"}])
    assert [one.id for one in named] == ["z", "a"]
    for wrong in ([{"id": 1}], [{"file_name": "a"}], ["a"], [{"id": 1, "file_name": "a"}] * 2):
        with pytest.raises(InputError, match="image"):
            read_pictures(wrong)
