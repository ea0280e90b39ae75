"""The schema that is shipped is the one the models give, and real output fits it."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import resources

import numpy as np
import pytest
from pydantic import ValidationError

from holopose.io.schema import ResultDocument, json_schema, schema_text
from holopose.io.sinks import JsonSink

WRITE_IT_ANEW = "write `holopose.io.schema.schema_text()` to src/holopose/io/result-1.schema.json"


@pytest.fixture
def document(tmp_path, people, frame, run_info) -> dict:
    """A document as it is written, with everything in it that can be."""
    path = tmp_path / "full.json"
    info = replace(run_info, source={"rate_exact": "30000/1001"}, source_end=lambda: {"damaged": 2})
    sink = JsonSink(path, info, native=True, normalized=True)
    poses = people(native=True)
    sink.write(frame(), poses.replace(raw_xy=poses.xy - 2, swapped=np.ones(poses.score.shape, bool)))
    sink.write(frame(320, 200, index=1, time_s=0.04, name="other.png"), people(seed=5, count=1, everything=False))
    sink.close(ok=True)
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_shipped_schema_is_the_generated_one() -> None:
    shipped = resources.files("holopose.io").joinpath("result-1.schema.json").read_text(encoding="utf-8")
    assert shipped == schema_text(), WRITE_IT_ANEW
    assert json.loads(shipped) == json_schema()


def test_the_schema_describes_what_cannot_be_guessed() -> None:
    person = json_schema()["$defs"]["PersonRecord"]["properties"]
    assert "centre of the top left pixel" in person["keypoints"]["description"]
    assert "(x + 0.5) / width" in person["keypoints_normalized"]["description"]
    assert "metres" in person["world"]["description"]


def test_real_output_fits_and_holds_nothing_unknown(document: dict) -> None:
    read = ResultDocument.model_validate_json(json.dumps(document))
    assert {"source_end", "tracks", "native_skeleton"} <= set(document)
    assert {"raw", "swapped"} <= set(document["frames"][0]["people"][0])
    again = json.loads(read.model_dump_json(by_alias=True, exclude_unset=True))
    assert again == document


def test_fields_of_later_versions_are_ignored(document: dict) -> None:
    document["later"] = document["frames"][0]["people"][0]["later"] = {"any": "thing"}
    document["source"]["rate_hz"] = 29.97
    read = ResultDocument.model_validate_json(json.dumps(document))
    assert read.source.model_extra == {"rate_exact": "30000/1001", "rate_hz": 29.97}


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("schema",), "holopose/result/2"),
        (("holopose",), None),
        (("source", "width"), 0),
        (("source", "height"), "480"),
        (("frame_count",), -1),
        (("frames", 0, "frame"), -1),
        (("frames", 0, "people"), None),
        (("frames", 0, "people", 0, "score"), 1.01),
        (("frames", 0, "people", 0, "box"), [1, 2, 3]),
        (("frames", 0, "people", 0, "id"), -1),
        (("frames", 0, "people", 0, "keypoints", 0), [1, 2]),
        (("frames", 0, "people", 0, "keypoints", 0), [1, 2, -0.5]),
        (("frames", 0, "people", 0, "keypoints", 0), ["1", 2, 0.5]),
        (("frames", 0, "people", 0, "keypoints", 0), [float("nan"), 2, 0.5]),
        (("frames", 0, "people", 0, "keypoints", 0), [float("inf"), 2, 0.5]),
        (("frames", 0, "people", 0, "visible", 0), 2),
        (("frames", 0, "people", 0, "raw", 0), [1, 2, 3]),
        (("frames", 0, "people", 0, "swapped", 0), -1),
        (("tracks", 0, "quality"), 1.5),
        (("tracks", 0, "frames"), 0),
    ],
)
def test_what_does_not_fit_is_refused(document: dict, where: tuple, value: object) -> None:
    place = document
    for step in where[:-1]:
        place = place[step]
    place[where[-1]] = value
    with pytest.raises(ValidationError):
        ResultDocument.model_validate_json(json.dumps(document))
