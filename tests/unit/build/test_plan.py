from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from edge_scenes import save
from holopose.build.plan import Task, plan_inputs
from holopose.config import RunConfig
from holopose.errors import InputError

TOGETHER = RunConfig(together=True, recursive=True)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: photo.jpg, photo.png, trip/ with three pictures and a clip, trip.zip with two pictures."""
    monkeypatch.chdir(tmp_path)
    for name in ("photo.jpg", "photo.png", "trip/2.png", "trip/10.png", "trip/day/1.png"):
        save(tmp_path / name)
    (tmp_path / "trip" / "clip.mp4").write_bytes(b"\0\0\0\x18ftypisom")
    with zipfile.ZipFile(tmp_path / "trip.zip", "w") as archive:
        for name in ("2.png", "day/1.png"):
            archive.write(tmp_path / "trip" / name, name)
        archive.writestr("notes.txt", "no picture")
    return tmp_path


def plan(*inputs: str | Path, config: RunConfig | None = None) -> list[Task]:
    return plan_inputs(inputs, config or RunConfig(recursive=True), out=Path("out"))


def names(tasks: list[Task]) -> list[tuple[str, str]]:
    return [(task.kind, task.name) for task in tasks]


def test_what_lies_in_a_folder_or_an_archive_keeps_its_place(here: Path) -> None:
    assert names(plan("photo.jpg", "trip")) == [
        ("picture", "photo"),
        ("picture", "trip/2"),
        ("picture", "trip/10"),
        ("video", "trip/clip"),
        ("picture", "trip/day/1"),
    ]
    assert names(plan("trip.zip")) == [("picture", "trip/2"), ("picture", "trip/day/1")]


def test_no_two_inputs_have_one_name(here: Path) -> None:
    tasks = plan("photo.jpg", "photo.png", "trip", "trip.zip")
    assert [task.name for task in tasks] == [
        *("photo.jpg", "photo.png", "trip/2", "trip/10", "trip/clip", "trip/day/1", "trip/2-2", "trip/day/1-2"),
    ]


def test_each_input_counts_once_whatever_it_is_called(here: Path) -> None:
    tasks = plan("photo.jpg", "./photo.jpg", here / "photo.jpg", "trip/2.png", "trip", "trip.zip", "trip.zip")
    labels = [task.label for task in tasks]
    assert labels == [
        *("photo.jpg", "trip/2.png", "trip/10.png", "trip/clip.mp4", "trip/day/1.png"),
        *("trip.zip/2.png", "trip.zip/day/1.png"),
    ]


def test_what_gives_nothing_is_there_in_its_place(here: Path) -> None:
    (here / "empty").mkdir()
    (here / "bad.zip").write_bytes(b"PK\x03\x04 this is no archive")
    with zipfile.ZipFile(here / "texts.zip", "w") as archive:
        archive.writestr("notes.txt", "no picture")
    tasks = plan("none.jpg", "photo.jpg", "empty", "*.webp", "bad.zip", "texts.zip")
    assert [task.error is None for task in tasks] == [False, True, False, False, False, False]
    for task in tasks:
        if task.error is not None:
            assert type(task.error) is InputError
            assert task.error.__traceback__ is None
            assert task.label in str(task.error)
            assert (task.name, task.items) == ("", ())


def test_members_that_are_refused_do_not_stop_the_others(here: Path) -> None:
    with zipfile.ZipFile(here / "trip.zip", "a") as archive:
        archive.writestr("inner.zip", "PK")
    good, also, refused = plan("trip.zip")
    assert (good.error, also.error) == (None, None)
    assert "inner.zip" in str(refused.error)


def test_together_the_pictures_of_an_argument_are_one(here: Path) -> None:
    tasks = plan("trip", "trip.zip", config=TOGETHER)
    assert names(tasks) == [("pictures", "trip"), ("video", "trip/clip"), ("pictures", "trip-2")]
    assert [item.label for item in tasks[0].items] == ["trip/2.png", "trip/10.png", "trip/day/1.png"]
    assert tasks[0].label == "trip"
    assert [item.kind for item in tasks[2].items] == ["archive"]


def test_together_pictures_given_one_by_one_are_one_too(here: Path) -> None:
    tasks = plan("trip/2.png", "none.jpg", "trip/10.png", "trip/clip.mp4", config=TOGETHER)
    assert names([task for task in tasks if task.error is None]) == [("pictures", "trip"), ("video", "clip")]
    assert tasks[0].label == "trip/2.png and 1 more"
    mixed = plan("trip/2.png", "photo.jpg", config=TOGETHER)
    assert names(mixed) == [("pictures", "pictures")]
    assert names(plan("photo.jpg", config=TOGETHER)) == [("picture", "photo")]


def test_together_patterns_and_lists_are_named_after_what_they_are(here: Path) -> None:
    (here / "best.txt").write_text("trip/2.png\nphoto.jpg\n", encoding="utf-8")
    assert names(plan("trip/*.png", "best.txt", config=TOGETHER)) == [("picture", "photo"), ("pictures", "trip")]
    assert names(plan("best.txt", config=TOGETHER)) == [("pictures", "best")]


def test_a_task_says_where_it_lies_without_secrets(here: Path) -> None:
    [picture] = plan("trip/2.png")
    member, _ = plan("trip.zip")
    camera, stream, pipe = plan("0", "rtsp://me:secret@host/live", "-")
    assert picture.location == str(here / "trip" / "2.png")
    assert picture.paths == (Path("trip/2.png"),)
    assert member.location == str(here / "trip.zip" / "2.png")
    assert member.paths == (Path("trip.zip"),)
    assert (camera.kind, camera.location, camera.paths) == ("live", "webcam 0", ())
    assert "secret" not in stream.location
    assert (pipe.kind, pipe.location, pipe.paths) == ("stdin", "<stdin>", ())


def test_results_are_no_inputs_and_notes_are_told(here: Path) -> None:
    save(here / "trip" / "out" / "1.png")
    (here / "trip" / "notes.doc").touch()
    told: list[str] = []
    tasks = plan_inputs(["trip"], RunConfig(recursive=True), out=here / "trip" / "out", on_note=told.append)
    assert not [task for task in tasks if "out" in task.name]
    assert len(told) == 1
    assert ".doc" in told[0]
