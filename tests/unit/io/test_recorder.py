"""Recorder: head, frames and tail as records."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from holopose.errors import OutputError
from holopose.io.recorder import Recorder, to_json
from holopose.skeletons import COCO17, WHOLEBODY133
from holopose.types import Poses


@pytest.fixture
def recorder(run_info) -> Recorder:
    info = replace(run_info, source={"rate_exact": "30000/1001"}, source_end=lambda: {"damaged": 1})
    return Recorder(Path("r.json"), "mine/1", info, native=True, world=True, normalized=False)


def test_the_head_stands_for_name_and_size_of_frames_like_the_first(recorder: Recorder, people, frame) -> None:
    head = recorder.head(frame(), people())
    assert list(head) == ["schema", "holopose", "source", "model", "runtime", "skeleton", "score"]
    assert head["schema"] == "mine/1"
    assert head["source"] == {"name": "photo.jpg", "width": 640, "height": 480, "rate_exact": "30000/1001"}
    assert set(recorder.record(frame(), people())) == {"frame", "time_s", "people"}
    other = recorder.record(frame(320, 480, index=1, name="b.jpg"), people())
    assert {key: other[key] for key in other.keys() - {"frame", "time_s", "people"}} == {"name": "b.jpg", "width": 320}


def test_the_tail_counts_frames_and_identities(recorder: Recorder, people, frame) -> None:
    recorder.head(frame(), people())
    recorder.record(frame(index=3), people(native=True))
    recorder.note(frame(index=4), Poses.empty(WHOLEBODY133))
    recorder.note(frame(index=5), people())
    tail = recorder.tail()
    assert list(tail) == ["native_skeleton", "source_end", "tracks", "frame_count"]
    assert tail["native_skeleton"]["name"] == "blazepose33"
    assert tail["source_end"] == {"damaged": 1}
    assert [(one["id"], one["first_frame"], one["last_frame"], one["frames"]) for one in tail["tracks"]] == [
        (0, 3, 5, 2)
    ]
    assert tail["frame_count"] == recorder.count == 3


def test_no_frame_and_another_layout_are_refused(recorder: Recorder, people, frame) -> None:
    with pytest.raises(OutputError, match=r"r\.json: there was no frame"):
        recorder.tail()
    recorder.head(frame(), people())
    for take in (recorder.record, recorder.note):
        with pytest.raises(OutputError, match="expected keypoints of wholebody133, got coco17"):
            take(frame(), people(skeleton=COCO17))
    assert recorder.count == 0


def test_json_is_one_strict_line() -> None:
    assert to_json({"a": ["é\n", None, 0.5]}) == '{"a":["é\\n",null,0.5]}'
    assert json.loads(to_json("照片")) == "照片"
    with pytest.raises(ValueError, match="JSON"):
        to_json(float("nan"))
