"""The table of sinks: every format that can be asked for, and what all of them hold to."""

from __future__ import annotations

import pytest

from holopose.errors import OutputError
from holopose.io.sinks import SINKS

OWN = ("json", "jsonl", "csv", "wide-csv", "parquet", "trc")


@pytest.mark.parametrize("name", OWN)
def test_nothing_is_touched_before_the_first_frame_and_nothing_left_of_a_failure(
    tmp_path, people, frame, run_info, name: str
) -> None:
    folder = tmp_path / "deep" / "er"
    sink = SINKS[name](folder / "r.out", run_info)
    assert list(tmp_path.iterdir()) == []
    sink.write(frame(time_s=0.0), people())
    assert not (folder / "r.out").exists()
    assert all(path.name.startswith(".holopose-") for path in folder.iterdir())
    sink.close(ok=False)
    sink.close(ok=False)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", OWN)
def test_closing_twice_is_harmless(tmp_path, people, frame, run_info, name: str) -> None:
    sink = SINKS[name](tmp_path / "r.out", run_info)
    sink.write(frame(time_s=0.0), people())
    sink.close(ok=True)
    whole = (tmp_path / "r.out").read_bytes()
    sink.close(ok=True)
    sink.close(ok=False)
    assert (tmp_path / "r.out").read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == ["r.out"]


@pytest.mark.parametrize("name", OWN)
def test_existing_files_and_inputs_are_safe(tmp_path, people, frame, run_info, name: str) -> None:
    path = tmp_path / "r.out"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="overwrite"):
        SINKS[name](path, run_info)
    with pytest.raises(OutputError, match="never replaced"):
        SINKS[name](path, run_info, overwrite=True, inputs=[path])
    assert path.read_text(encoding="utf-8") == "mine"
    sink = SINKS[name](path, run_info, overwrite=True)
    sink.write(frame(time_s=0.0), people())
    sink.close(ok=True)
    assert path.read_bytes() != b"mine"


@pytest.mark.parametrize("name", [name for name in OWN if name != "csv"])
def test_without_a_frame_there_is_no_result(tmp_path, run_info, name: str) -> None:
    with pytest.raises(OutputError, match="there was no frame"):
        SINKS[name](tmp_path / "r.out", run_info).close(ok=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", OWN)
def test_a_place_that_cannot_be_written_is_one_clear_line(tmp_path, people, frame, run_info, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written") as caught:
        SINKS[name](tmp_path / "file" / "r.out", run_info).write(frame(time_s=0.0), people())
    assert "\n" not in str(caught.value)
