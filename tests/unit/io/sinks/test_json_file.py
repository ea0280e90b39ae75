"""JsonSink: one document, frame by frame, whole or not at all."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from holopose.errors import OutputError
from holopose.io.sinks import JsonSink
from holopose.protocols import Sink
from holopose.skeletons import COCO17, WHOLEBODY133
from holopose.types import Poses


def test_it_is_a_sink(tmp_path, run_info) -> None:
    assert isinstance(JsonSink(tmp_path / "r.json", run_info), Sink)


def test_a_picture(tmp_path, people, frame, run_info) -> None:
    path = tmp_path / "r.json"
    sink = JsonSink(path, run_info)
    sink.write(frame(), people())
    assert not path.exists()
    sink.close(ok=True)
    sink.close(ok=True)
    text = path.read_text(encoding="utf-8")
    document = json.loads(text)
    assert list(document) == [
        *("schema", "holopose", "source", "model", "runtime", "skeleton", "score", "frames", "tracks", "frame_count"),
    ]
    assert document["schema"] == "holopose/result/1"
    assert document["source"] == {"name": "photo.jpg", "width": 640, "height": 480}
    assert document["skeleton"]["keypoints"][0] == "nose"
    assert document["frame_count"] == len(document["frames"]) == 1
    assert set(document["frames"][0]) == {"frame", "time_s", "people"}
    assert "NaN" not in text
    assert "Infinity" not in text


def test_every_frame_is_a_line_and_empty_ones_are_there(tmp_path, people, frame, run_info) -> None:
    path = tmp_path / "r.json"
    sink = JsonSink(path, run_info)
    for index in range(5):
        sink.write(frame(index=index, time_s=index / 25), people(index, index % 2))
    sink.close(ok=True)
    document = json.loads(path.read_text(encoding="utf-8"))
    assert [(record["frame"], len(record["people"])) for record in document["frames"]] == [
        *((0, 0), (1, 1), (2, 0), (3, 1), (4, 0)),
    ]
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith('{"frame"')]
    assert [json.loads(line.rstrip(","))["time_s"] for line in lines] == [0.0, 0.04, 0.08, 0.12, 0.16]


def test_frames_are_written_as_they_come(tmp_path, people, frame, run_info) -> None:
    sink = JsonSink(tmp_path / "r.json", run_info)
    sizes = []
    for index in range(40):
        sink.write(frame(index=index), people(index, 3))
        sizes.append(sum(path.stat().st_size for path in tmp_path.iterdir()))
    assert sizes[-1] > 100_000
    assert sizes[-1] > sizes[20] > sizes[2]
    sink.close(ok=False)
    assert list(tmp_path.iterdir()) == []


def test_native_keypoints_come_with_their_layout(tmp_path, people, frame, run_info) -> None:
    for native, named in ((True, "blazepose33"), (False, None)):
        path = tmp_path / f"{native}.json"
        sink = JsonSink(path, run_info, native=native)
        sink.write(frame(), Poses.empty(WHOLEBODY133))
        sink.write(frame(index=1), people(native=True))
        sink.close(ok=True)
        document = json.loads(path.read_text(encoding="utf-8"))
        assert document.get("native_skeleton", {}).get("name") == named
        assert ("native" in document["frames"][1]["people"][0]) is native


def test_facts_about_a_clip_join_the_source(tmp_path, people, frame, run_info) -> None:
    info = replace(run_info, source={"rate_hz": 29.97, "width": 1})
    sink = JsonSink(tmp_path / "r.json", info)
    sink.write(frame(name="照片.jpg"), people())
    sink.close(ok=True)
    document = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert document["source"] == {"name": "照片.jpg", "width": 640, "height": 480, "rate_hz": 29.97}


def test_what_the_end_tells_stands_at_the_end(tmp_path, people, frame, run_info) -> None:
    facts = {}
    info = replace(run_info, source={"rate_exact": "30000/1001"}, source_end=lambda: facts)
    sink = JsonSink(tmp_path / "r.json", info)
    for index in range(4):
        poses = people(count=2) if index % 2 else Poses.empty(WHOLEBODY133)
        sink.write(frame(index=index, time_s=index / 8), poses)
    facts |= {"decoded": 4, "damaged": 1, "cut_short": True}
    sink.close(ok=True)
    document = json.loads((tmp_path / "r.json").read_bytes())
    assert list(document)[-3:] == ["source_end", "tracks", "frame_count"]
    assert document["source_end"] == facts
    [track] = document["tracks"]
    score = people(count=2).boxes.score[1]
    assert track.pop("quality") == pytest.approx(2 / 3 * float(score), abs=5.1e-5)
    assert track == {
        **{"id": 0, "first_frame": 1, "last_frame": 3, "first_time_s": 0.125, "last_time_s": 0.375, "frames": 2},
    }


def test_without_identities_and_facts_the_tail_is_short(tmp_path, people, frame, run_info) -> None:
    sink = JsonSink(tmp_path / "r.json", run_info)
    sink.write(frame(), people(everything=False))
    sink.close(ok=True)
    assert list(json.loads((tmp_path / "r.json").read_bytes()))[-2:] == ["frames", "frame_count"]


def test_another_layout_needs_another_file(tmp_path, people, frame, run_info) -> None:
    sink = JsonSink(tmp_path / "r.json", run_info)
    sink.write(frame(), people())
    with pytest.raises(OutputError, match="expected keypoints of wholebody133, got coco17"):
        sink.write(frame(), people(skeleton=COCO17))
    sink.close(ok=False)
    assert list(tmp_path.iterdir()) == []


def test_without_a_frame_there_is_no_result(tmp_path, run_info) -> None:
    with pytest.raises(OutputError, match="there was no frame"):
        JsonSink(tmp_path / "r.json", run_info).close(ok=True)
    assert list(tmp_path.iterdir()) == []


def test_existing_files_and_inputs_are_safe(tmp_path, people, frame, run_info) -> None:
    path = tmp_path / "r.json"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="overwrite"):
        JsonSink(path, run_info)
    with pytest.raises(OutputError, match="never replaced"):
        JsonSink(path, run_info, overwrite=True, inputs=[path])
    sink = JsonSink(path, run_info, overwrite=True)
    sink.write(frame(), people())
    sink.close(ok=True)
    assert json.loads(path.read_text(encoding="utf-8"))["frame_count"] == 1


def test_names_that_are_no_unicode(tmp_path, people, frame, run_info) -> None:
    sink = JsonSink(tmp_path / "r.json", run_info)
    sink.write(frame(name="a\udcff.jpg"), people())
    sink.close(ok=True)
    assert json.loads((tmp_path / "r.json").read_bytes())["source"]["name"] == "a\\udcff.jpg"


def test_pixels_have_two_decimals(tmp_path, people, frame, run_info) -> None:
    sink = JsonSink(tmp_path / "r.json", run_info, normalized=True)
    sink.write(frame(), people())
    sink.close(ok=True)
    [record] = json.loads((tmp_path / "r.json").read_bytes())["frames"]
    points = [point for person in record["people"] for point in person["keypoints"] if point]
    xy = np.array(points)[:, :2]
    assert (np.abs(xy * 100 - np.round(xy * 100)) < 1e-6).all()
    assert (tmp_path / "r.json").stat().st_size < 30_000
