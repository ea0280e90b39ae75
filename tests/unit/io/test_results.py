"""Results: what a file told, whatever its form."""

from __future__ import annotations

import numpy as np
import pytest

from holopose.errors import InputError
from holopose.io.results import UNKNOWN_RUN, Results, read_results
from holopose.io.sinks import SINKS, JsonSink
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


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "wide-csv"])
def test_a_file_is_known_by_what_it_holds_not_by_its_name(tmp_path, people, frame, run_info, form: str) -> None:
    sink = SINKS[form](tmp_path / "results", run_info)
    sink.write(frame(time_s=0.5), people())
    sink.close(ok=True)
    [(info, poses)] = read_results(tmp_path / "results")
    assert info == frame(time_s=0.5).info
    np.testing.assert_allclose(poses.xy, people().xy, atol=0.0052)


@pytest.mark.parametrize("content", [b"", b"hello", b"PAR1...", b"PathFileType\t4", b"a,b\n1,2\n", None])
def test_other_files_are_refused(tmp_path, content: bytes | None) -> None:
    path = tmp_path / "r.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_results(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_what_nobody_told_is_called_unknown() -> None:
    results = Results(UNKNOWN_RUN, {"name": "a"}, COCO17, [])
    assert list(results) == []
    assert results.info.model == results.info.version == "unknown"
