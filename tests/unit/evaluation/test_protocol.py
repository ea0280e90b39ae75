"""What may be compared and what may not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from holopose.errors import ConfigError, InputError
from holopose.evaluation.protocol import NOT_STATED, Protocol, differences, refuse_different, unstated

OURS = Protocol(
    dataset="val.json",
    dataset_sha256="a" * 64,
    kind="wholebody",
    pictures=5000,
    boxes="gt",
    flip="yes",
    nms="oks",
    score_rule="mmpose",
    area="area",
    sigmas="wholebody133",
    detections=20,
    evaluator="faster-coco-eval 1.8.0",
    model="one",
    model_files={"one": "b" * 64},
    holopose="0.1.0",
)


def test_the_model_and_names_may_differ() -> None:
    other = replace(OURS, model="two", model_files={}, holopose="0.2.0", dataset="renamed.json", runtime="torch")
    assert differences(OURS, other) == []
    refuse_different(OURS, other)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"boxes": "detector yolox-nano"}, "boxes: gt / detector yolox-nano"),
        ({"boxes_sha256": "c" * 64}, "file of the boxes: none / cccccccccccc"),
        ({"dataset_sha256": "d" * 64}, "annotation file: aaaaaaaaaaaa / dddddddddddd"),
        ({"pictures": 100}, "pictures: 5000 / 100"),
        ({"flip": "no"}, "flip: yes / no"),
        ({"nms": NOT_STATED}, "nms: oks / not stated"),
        ({"score_rule": "parts"}, "score rule: mmpose / parts"),
        ({"sigmas": "coco17"}, "sigmas: wholebody133 / coco17"),
        ({"area": "0.53 of the box"}, "area: area / 0.53 of the box"),
        ({"evaluator": "faster-coco-eval 1.7.0"}, "evaluator: "),
        ({"options": "max_people=1"}, "options: none / max_people=1"),
        ({"bounds": "0.2, 0.8"}, "bounds: none / 0.2, 0.8"),
        ({"kind": "coco"}, "kind: wholebody / coco"),
    ],
)
def test_all_else_is_refused_by_name(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match="different protocols cannot be compared") as raised:
        refuse_different(OURS, replace(OURS, **change))
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_everything_that_differs_is_named() -> None:
    found = differences(OURS, replace(OURS, boxes="detector x", flip="no", pictures=3))
    assert [one.split(":")[0] for one in found] == ["pictures", "boxes", "flip"]


def test_what_nobody_stated() -> None:
    assert unstated(OURS) == []
    assert unstated(replace(OURS, boxes=NOT_STATED, nms=NOT_STATED)) == ["boxes", "nms"]


def test_to_and_from_json() -> None:
    assert Protocol.from_dict(OURS.to_dict()) == OURS
    values = OURS.to_dict()
    for wrong in (None, {**values, "more": 1}, {k: v for k, v in values.items() if k != "flip"}):
        with pytest.raises(InputError, match="expected a protocol"):
            Protocol.from_dict(wrong)
    for name, value in (("pictures", "5000"), ("boxes", 3), ("model_files", "x"), ("detections", True)):
        with pytest.raises(InputError, match=f"as the protocol's {name}"):
            Protocol.from_dict({**values, name: value})
