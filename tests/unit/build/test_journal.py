from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from holopose.build.contents import Content, measure_result
from holopose.build.journal import JOURNAL, Entry, Journal, digest_options
from holopose.config import RunConfig
from holopose.errors import OutputError

CONTENT = Content(3, "ab" * 32)


def done(folder: Path, name: str = "a", text: str = "{}", **changes: Any) -> Entry:
    """A finished input with one result, which is really there."""
    result = folder / f"{name}.json"
    result.parent.mkdir(parents=True, exist_ok=True)
    result.write_text(text, encoding="utf-8")
    written = measure_result(result, folder)
    assert written is not None
    known = {"name": name, "input": f"/in/{name}.jpg", "content": CONTENT, "options": "o", "files": (written,)}
    return Entry(**{**known, "frames": 1, "people": 2, "seconds": 0.5, **changes})  # type: ignore[arg-type]


def record(folder: Path, *entries: Entry) -> None:
    with closing(Journal(folder)) as journal:
        for entry in entries:
            journal.finish(entry)


def find(folder: Path, name: str) -> Entry | None:
    with closing(Journal(folder)) as journal:
        return journal.find(name)


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / JOURNAL).read_text(encoding="ascii").splitlines()]


def test_the_journal_is_a_report_line_by_line(tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    journal = Journal(out, {"holopose": "1.2", "options": {"search": "whole"}})
    assert not out.exists()
    journal.begin("day/a", "/in/a.jpg", [out / "day" / "a.json", out / "day" / "a.csv"])
    finished = done(out, "day/a", input="/in/a.jpg")
    journal.finish(finished)
    failed = Entry(name="b", input="/in/b\udcff.jpg", content=None, options="o", error="no picture")
    journal.finish(failed)
    journal.close()
    journal.close()
    run, begun, first, second = lines(out)
    assert run == {"event": "run", "holopose": "1.2", "options": {"search": "whole"}}
    assert begun == {"event": "begun", "name": "day/a", "input": "/in/a.jpg", "files": ["day/a.json", "day/a.csv"]}
    assert (first["event"], first["people"], first["files"][0]["name"]) == ("done", 2, "day/a.json")
    assert "error" not in first
    assert (second["event"], second["input"], second["error"]) == ("failed", "/in/b\udcff.jpg", "no picture")
    assert find(out, "day/a") == finished
    assert find(out, "b") is None


def test_lines_are_on_disk_at_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.begin("a", "/in/a.jpg", [tmp_path / "a.json"])
    assert [line["event"] for line in lines(tmp_path)] == ["run", "begun"]
    journal.finish(done(tmp_path))
    assert [line["event"] for line in lines(tmp_path)] == ["run", "begun", "done"]
    journal.close()


def test_complete_means_the_same_content_options_and_files(tmp_path: Path) -> None:
    entry = done(tmp_path)
    record(tmp_path, entry)
    with closing(Journal(tmp_path)) as journal:
        assert journal.completed("a", CONTENT, "o") == entry
        assert journal.completed("b", CONTENT, "o") is None
        assert journal.completed("a", Content(3, "cd" * 32), "o") is None
        assert journal.completed("a", None, "o") is None
        assert journal.completed("a", CONTENT, "other") is None
        (tmp_path / "a.json").write_text("{ ", encoding="utf-8")
        assert journal.completed("a", CONTENT, "o") is None
        (tmp_path / "a.json").unlink()
        assert journal.completed("a", CONTENT, "o") is None


def test_an_input_without_content_is_never_complete(tmp_path: Path) -> None:
    record(tmp_path, done(tmp_path, content=None))
    with closing(Journal(tmp_path)) as journal:
        assert journal.completed("a", None, "o") is None


def test_the_last_line_about_an_input_counts(tmp_path: Path) -> None:
    for text, options in (("1", "o"), ("22", "p")):
        record(tmp_path, done(tmp_path, text=text, options=options))
    with closing(Journal(tmp_path)) as journal:
        assert journal.completed("a", CONTENT, "o") is None
        assert journal.completed("a", CONTENT, "p") is not None


def test_files_belong_to_the_input_that_wrote_or_began_them(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.finish(done(tmp_path, "a"))
    journal.begin("a", "/in/a.jpg", [tmp_path / "a.csv"])
    journal.begin("b", "/in/b.jpg", [tmp_path / "day" / "b.json"])
    journal.begin("c", "/in/c.jpg", [tmp_path / "c.json"])
    journal.begin("d", "/in/d.jpg", [tmp_path / "d.json", tmp_path / "d.csv"])
    journal.finish(Entry(name="c", input="/in/c.jpg", content=None, options="o", error="no"))
    journal.finish(Entry(name="d", input="/in/d.jpg", content=None, options="o", error="full"), left=True)
    journal.close()
    with closing(Journal(tmp_path)) as journal:
        assert journal.owned("a", "/in/a.jpg") == {tmp_path / "a.json", tmp_path / "a.csv"}
        assert journal.owned("a", "/elsewhere/a.jpg") == set()
        assert journal.owned("b", "/in/b.jpg") == {tmp_path / "day" / "b.json"}
        assert journal.owned("c", "/in/c.jpg") == set()
        assert journal.owned("d", "/in/d.jpg") == {tmp_path / "d.json", tmp_path / "d.csv"}
        begun = {path.relative_to(tmp_path).as_posix() for path in journal.broken_off()}
    assert begun == {"a.csv", "day/b.json", "d.json", "d.csv"}


@pytest.mark.parametrize("keep", [1, 20, -1])
def test_a_line_that_was_torn_is_skipped_and_the_next_is_whole(tmp_path: Path, keep: int) -> None:
    record(tmp_path, done(tmp_path, "a"), done(tmp_path, "b"))
    *whole, last = (tmp_path / JOURNAL).read_bytes().splitlines(keepends=True)
    (tmp_path / JOURNAL).write_bytes(b"".join(whole) + last[:keep])
    with closing(Journal(tmp_path)) as journal:
        assert journal.find("a") is not None
        assert (journal.find("b") is not None) is (keep == -1)
        journal.finish(done(tmp_path, "c"))
    assert find(tmp_path, "a") is not None
    assert find(tmp_path, "c") is not None


def test_a_process_killed_in_its_very_first_line_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).write_bytes(b'{"event":"ru')
    record(tmp_path, done(tmp_path))
    assert find(tmp_path, "a") is not None


@pytest.mark.parametrize("text", ["dear diary\n", '{"event":"party"}\n', "[1]\n2\n", '{"event":"done"}\n'])
def test_a_file_that_is_something_else_is_not_written_to(tmp_path: Path, text: str) -> None:
    (tmp_path / JOURNAL).write_text(text, encoding="utf-8")
    with pytest.raises(OutputError, match=r"holopose-run\.jsonl: expected the journal of earlier runs"):
        Journal(tmp_path)
    assert (tmp_path / JOURNAL).read_text(encoding="utf-8") == text


def test_a_line_edited_by_hand_counts_for_nothing(tmp_path: Path) -> None:
    record(tmp_path, done(tmp_path))
    text = (tmp_path / JOURNAL).read_text(encoding="ascii")
    (tmp_path / JOURNAL).write_text(text.replace('"sampled"', '"simple"'), encoding="ascii")
    assert find(tmp_path, "a") is None
    begun = {"event": "begun", "name": "b", "input": "/in/b", "files": ["../../b.json", "/etc/b.json", "b.json"]}
    (tmp_path / JOURNAL).write_text(json.dumps(begun) + "\n", encoding="ascii")
    with closing(Journal(tmp_path)) as journal:
        assert journal.broken_off() == {tmp_path / "b.json"}


def test_a_journal_that_cannot_be_read_or_written_is_named(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).mkdir()
    with pytest.raises(OutputError, match=r"holopose-run\.jsonl: cannot be read: Is a directory"):
        Journal(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"holopose-run\.jsonl: cannot be (read|written): "):
        Journal(tmp_path / "file").begin("a", "/in/a", [])


def test_the_digest_follows_what_changes_results_and_nothing_else() -> None:
    cards = {"net": "ab" * 32}
    base = digest_options(RunConfig(), cards, "1")
    assert digest_options(RunConfig(), dict(cards), "1") == base
    assert digest_options(RunConfig(), {"net": "cd" * 32}, "1") != base
    assert digest_options(RunConfig(), cards, "2") != base
    without_effect = {"recursive": True, "overwrite": True, "resume": True, "threads": 3, "max_megapixels": 7.0}
    for name, value in without_effect.items():
        assert digest_options(RunConfig().replace(**{name: value}), cards, "1") == base
    others: dict[str, Any] = {"search": "whole", "min_score": 0.5, "save": ("json",), "style": "classic", "every": 2}
    for name, value in others.items():
        assert digest_options(RunConfig().replace(**{name: value}), cards, "1") != base
