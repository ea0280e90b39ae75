"""JsonlSink: a line per frame, on the disk as soon as it is written."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from holopose.errors import OutputError
from holopose.io.sinks import JsonlSink, JsonSink
from holopose.skeletons import COCO17, WHOLEBODY133
from holopose.types import Poses


def test_head_frames_and_tail_are_those_of_the_document(tmp_path, people, frame, run_info) -> None:
    info = replace(run_info, source={"rate_exact": "30000/1001"}, source_end=lambda: {"damaged": 1})
    pairs = [
        (frame(index=0, time_s=0.0), people(native=True)),
        (frame(index=1, time_s=0.5), Poses.empty(WHOLEBODY133)),
        (frame(320, 200, index=2, time_s=1.0, name="b.jpg"), people(count=1)),
    ]
    for sink in (JsonlSink(tmp_path / "r.jsonl", info, native=True), JsonSink(tmp_path / "r.json", info, native=True)):
        for ground, poses in pairs:
            sink.write(ground, poses)
        sink.close(ok=True)
    document = json.loads((tmp_path / "r.json").read_bytes())
    head, *frames, tail = (tmp_path / "r.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(head).pop("schema") == "holopose/lines/1"
    assert {**json.loads(head), "schema": document.pop("schema")}.keys() <= {"schema", *document}
    assert [json.loads(line) for line in frames] == document.pop("frames")
    rebuilt = {**json.loads(head), **json.loads(tail)}
    del rebuilt["schema"]
    assert rebuilt == document
    assert list(json.loads(tail))[-1] == "frame_count"


def test_each_frame_is_on_the_disk_when_it_is_written(tmp_path, people, frame, run_info) -> None:
    sink = JsonlSink(tmp_path / "r.jsonl", run_info)
    for index in range(3):
        sink.write(frame(index=index), people())
        [temporary] = tmp_path.iterdir()
        lines = temporary.read_text(encoding="utf-8").splitlines(keepends=True)
        assert len(lines) == index + 2
        assert lines[-1].endswith("\n")
        assert json.loads(lines[-1])["frame"] == index
    sink.close(ok=True)
    assert [path.name for path in tmp_path.iterdir()] == ["r.jsonl"]


def test_another_layout_needs_another_file(tmp_path, people, frame, run_info) -> None:
    sink = JsonlSink(tmp_path / "r.jsonl", run_info)
    sink.write(frame(), people())
    with pytest.raises(OutputError, match="expected keypoints of wholebody133, got coco17"):
        sink.write(frame(), people(skeleton=COCO17))
    sink.close(ok=False)
    assert list(tmp_path.iterdir()) == []
