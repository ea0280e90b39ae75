"""Results: what a file told, read by the ending of its name."""

from __future__ import annotations

import pytest

from holopose.errors import InputError
from holopose.io.readers import READERS
from holopose.io.results import UNKNOWN_RUN, Results, read_results
from holopose.io.sinks import JsonSink
from holopose.skeletons import COCO17, WHOLEBODY133
from holopose.types import FrameInfo, Poses


def test_a_document_is_told_in_full(tmp_path, people, frame, run_info) -> None:
    sink = JsonSink(tmp_path / "r.JSON", run_info)
    sink.write(frame(), people())
    sink.write(frame(index=1), Poses.empty(WHOLEBODY133))
    sink.close(ok=True)
    results = read_results(tmp_path / "r.JSON")
    assert results.skeleton is WHOLEBODY133
    assert results.source == {"name": "photo.jpg", "width": 640, "height": 480}
    assert results.lost == ()
    assert [info for info, _ in results] == [FrameInfo(i, None, "photo.jpg", (640, 480)) for i in (0, 1)]
    assert len(results) == 2
    for field in ("model", "cards", "runtime", "runtime_version", "device", "precision", "score", "version"):
        assert getattr(results.info, field) == getattr(run_info, field)
    assert results.info.options == {**run_info.options, "draw_parts": ["body", "face"]}
    assert (dict(results.info.source), dict(results.info.source_end())) == ({}, {})


@pytest.mark.parametrize("name", ["r.txt", "r", "r.json.gz", ""])
def test_other_endings_are_refused(tmp_path, name: str) -> None:
    with pytest.raises(InputError, match=r"ending in \.json.*, got") as caught:
        read_results(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)


def test_every_reader_maps_a_missing_file(tmp_path) -> None:
    for ending in READERS:
        with pytest.raises(InputError, match="none"):
            read_results(tmp_path / f"none{ending}")


def test_what_nobody_told_is_called_unknown() -> None:
    results = Results(UNKNOWN_RUN, {"name": "a"}, COCO17, [])
    assert list(results) == []
    assert results.info.model == results.info.version == "unknown"
