"""Many inputs in one run: what is left out when going on, what is kept from harm, what ends the run."""

from __future__ import annotations

import gc
import json
import os
import shutil
import subprocess
import sys
import textwrap
import threading
import time
import weakref
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_scenes import EdgeEstimator, files_in, save
from holopose.build import Summary, parts, run_files
from holopose.build.journal import JOURNAL
from holopose.build.outcomes import NoProgress
from holopose.config import RunConfig
from holopose.errors import InputError, OutputError
from holopose.types import Frame, Poses

TESTS = Path(__file__).resolve().parents[1]
CONFIG = RunConfig(save=("json", "csv"))
RESUME = CONFIG.replace(resume=True)


@pytest.fixture
def trip(tmp_path: Path) -> Path:
    """A folder of four pictures."""
    for number in range(4):
        save(tmp_path / "trip" / f"{number}.png", width=20 + 10 * number)
    return tmp_path / "trip"


def go(*inputs: Path | str, out: Path, config: RunConfig = CONFIG) -> tuple[Summary, list[str]]:
    """What a run gives, and the names of the pictures that were worked on."""
    estimator = EdgeEstimator()
    summary = run_files(inputs, out, config, estimator=estimator)
    return summary, [Path(name).name for name in estimator.seen]


def lines(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / JOURNAL).read_text(encoding="ascii").splitlines()]


# Going on ------------------------------------------------------------------------------------------------------------


def test_what_is_complete_is_left_as_it_is(trip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first, seen = go(trip, out=out)
    assert seen == ["0.png", "1.png", "2.png", "3.png"]
    before = {name: (out / name).stat().st_mtime_ns for name in files_in(out) if name != JOURNAL}
    assert len(before) == 8
    second, seen = go(trip, out=out, config=RESUME)
    assert seen == []
    assert (second.kept, second.failed, second.exit_code) == (4, 0, 0)
    assert [outcome.people for outcome in second.outcomes] == [outcome.people for outcome in first.outcomes]
    assert [outcome.files for outcome in second.outcomes] == [outcome.files for outcome in first.outcomes]
    assert {name: (out / name).stat().st_mtime_ns for name in before} == before


def _other_picture(trip: Path, out: Path) -> None:
    before = (trip / "2.png").stat()
    save(trip / "2.png", width=40, height=13)
    os.utime(trip / "2.png", ns=(before.st_atime_ns, before.st_mtime_ns))


def _truncated_result(trip: Path, out: Path) -> None:
    data = (out / "trip" / "2.json").read_bytes()
    (out / "trip" / "2.json").write_bytes(data[:-7])


def _altered_result(trip: Path, out: Path) -> None:
    data = bytearray((out / "trip" / "2.csv").read_bytes())
    data[-5] ^= 1
    (out / "trip" / "2.csv").write_bytes(data)


def _deleted_result(trip: Path, out: Path) -> None:
    (out / "trip" / "2.csv").unlink()


@pytest.mark.parametrize("change", [_other_picture, _truncated_result, _altered_result, _deleted_result])
def test_content_decides_and_not_presence(trip: Path, tmp_path: Path, change: Callable[[Path, Path], None]) -> None:
    out = tmp_path / "out"
    go(trip, out=out)
    change(trip, out)
    summary, seen = go(trip, out=out, config=RESUME)
    assert seen == ["2.png"]
    assert (summary.kept, summary.failed) == (3, 0)
    assert go(trip, out=out, config=RESUME)[1] == []
    assert json.loads((out / "trip" / "2.json").read_text(encoding="utf-8"))["frame_count"] == 1


def test_other_options_do_everything_again(trip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    go(trip, out=out)
    assert go(trip, out=out, config=RESUME.replace(threads=1))[1] == []
    assert len(go(trip, out=out, config=RESUME.replace(min_score=0.1))[1]) == 4
    assert go(trip, out=out, config=RESUME.replace(min_score=0.1))[1] == []


def test_other_weights_do_everything_again(trip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    go(trip, out=out)
    other = EdgeEstimator()
    other.info = {**EdgeEstimator.info, "cards": [{"name": "edge_net", "sha256": "cd" * 32}]}
    run_files([trip], out, RESUME, estimator=other)
    assert len(other.seen) == 4


def test_a_folder_that_was_moved_is_complete_still(trip: Path, tmp_path: Path) -> None:
    go(trip, out=tmp_path / "out")
    moved = tmp_path / "elsewhere" / "trip"
    moved.parent.mkdir()
    trip.rename(moved)
    summary, seen = go(moved, out=tmp_path / "out", config=RESUME)
    assert (seen, summary.kept) == ([], 4)


def test_results_of_another_input_are_not_replaced(trip: Path, tmp_path: Path) -> None:
    """Two cards of one camera hold files of the same names."""
    other = tmp_path / "card" / "trip"
    save(other / "0.png", width=77)
    go(trip, out=tmp_path / "out")
    before = (tmp_path / "out" / "trip" / "0.json").read_bytes()
    with pytest.raises(OutputError, match=r"trip/0\.json and 1 more already there"):
        go(other, out=tmp_path / "out", config=RESUME)
    assert (tmp_path / "out" / "trip" / "0.json").read_bytes() == before


def test_files_that_the_run_did_not_write_are_not_replaced(trip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    go(trip / "0.png", out=out)
    (out / "1.json").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match=r"1\.json already there"):
        go(trip / "0.png", trip / "1.png", out=out, config=RESUME)
    assert (out / "1.json").read_text(encoding="utf-8") == "mine"


def test_failures_are_tried_again(trip: Path, tmp_path: Path) -> None:
    good = (trip / "1.png").read_bytes()
    (trip / "1.png").write_bytes(b"not yet copied")
    first, _ = go(trip, out=tmp_path / "out")
    assert (first.failed, first.exit_code) == (1, 1)
    (trip / "1.png").write_bytes(good)
    second, seen = go(trip, out=tmp_path / "out", config=RESUME)
    assert (seen, second.kept, second.exit_code) == (["1.png"], 3, 0)


def test_an_input_that_changes_while_it_is_read_is_done_again(trip: Path, tmp_path: Path) -> None:
    class Meddling(EdgeEstimator):
        def _one(self, frame: Frame) -> Poses:
            if frame.name.endswith("1.png"):
                save(Path(frame.name), width=90)
            return super()._one(frame)

    run_files([trip], tmp_path / "out", CONFIG, estimator=Meddling())
    assert go(trip, out=tmp_path / "out", config=RESUME)[1] == ["1.png"]


# Archives and pictures together --------------------------------------------------------------------------------------


@pytest.fixture
def packed(trip: Path) -> Path:
    """The folder as a ZIP, with something in it that is no picture."""
    path = trip.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(trip.iterdir()):
            archive.write(file, f"day/{file.name}")
        archive.writestr("day/1.5.png", b"no picture")
    return path


def test_pictures_of_an_archive_have_results_of_their_own(packed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    summary, seen = go(packed, out=out)
    assert seen == ["0.png", "1.png", "2.png", "3.png"]
    assert (summary.failed, summary.exit_code) == (1, 1)
    [failed] = [outcome for outcome in summary.outcomes if outcome.error is not None]
    assert failed.input == f"{packed}/day/1.5.png"
    expected = [f"trip/day/{number}.{ending}" for number in range(4) for ending in ("csv", "json")]
    assert [name for name in files_in(out) if name != JOURNAL] == expected
    (out / "trip" / "day" / "2.csv").unlink()
    assert go(packed, out=out, config=RESUME)[1] == ["2.png"]


def test_together_an_archive_has_one_set_of_results(packed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    config = CONFIG.replace(together=True, save=("json", "coco", "overlay"))
    summary, _ = go(packed, out=out, config=config)
    assert [outcome.input for outcome in summary.outcomes] == [f"{packed}/day/1.5.png", str(packed)]
    assert (summary.outcomes[1].frames, summary.outcomes[1].people, summary.exit_code) == (4, 14, 1)
    document = json.loads((out / "trip.json").read_text(encoding="utf-8"))
    assert [frame.get("name", document["source"]["name"])[-5:] for frame in document["frames"]] == [
        f"{number}.png" for number in range(4)
    ]
    drawn = [name for name in files_in(out) if name.startswith("trip.overlay/")]
    assert len(drawn) == 4
    assert [line["event"] for line in lines(out)] == ["run", "begun", "failed", "done"]


def test_a_folder_together_is_complete_or_done_again_as_a_whole(trip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    config = RESUME.replace(together=True, save=("json", "overlay"))
    assert len(go(trip, out=out, config=config)[1]) == 4
    assert go(trip, out=out, config=config)[1] == []
    next((out / "trip.overlay").iterdir()).unlink()
    assert len(go(trip, out=out, config=config)[1]) == 4
    save(trip / "4.png")
    assert len(go(trip, out=out, config=config)[1]) == 5


def test_with_one_bad_picture_a_folder_together_is_never_complete(trip: Path, tmp_path: Path) -> None:
    (trip / "1.png").write_bytes(b"no picture")
    config = RESUME.replace(together=True)
    for _ in range(2):
        summary, seen = go(trip, out=tmp_path / "out", config=config)
        assert len(seen) == 3
        assert (summary.failed, summary.kept, summary.exit_code) == (1, 0, 1)


# Live ----------------------------------------------------------------------------------------------------------------


class Camera:
    """Frames without end; tells when the fifth has come."""

    def __init__(self) -> None:
        self.info: Mapping[str, Any] = {"kind": "live", "name": "webcam 0", "width": 20, "height": 12, "rate": None}
        self.end_info: Mapping[str, Any] = {}
        self.fifth = threading.Event()

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        while True:
            if index == 5:
                self.fifth.set()
            time.sleep(0.005)
            yield Frame(np.full((12, 20, 3), 90, np.uint8), index, index / 10, "webcam 0")
            index += 1

    def close(self) -> None:
        pass


LIVE_RUN = """
    import signal, sys, threading
    sys.path.insert(0, sys.argv[1])
    from edge_scenes import EdgeEstimator
    from integration.test_batch import Camera
    from holopose.build import parts
    from holopose.cli import main

    camera = Camera()
    parts.build_estimator = EdgeEstimator
    parts.build_source = lambda *_: camera

    def interrupt():
        camera.fifth.wait()
        signal.raise_signal(signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    main(["run", "0", "-o", sys.argv[2], "--save", "json,csv"])
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_ends_a_live_run_well(tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-c", textwrap.dedent(LIVE_RUN), str(TESTS), str(out)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert files_in(out) == [JOURNAL, "webcam-0.csv", "webcam-0.json"]
    document = json.loads((out / "webcam-0.json").read_text(encoding="utf-8"))
    assert document["frame_count"] == len(document["frames"]) >= 5
    assert lines(out)[-1]["event"] == "done"


def test_what_was_live_is_never_replaced_nor_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Short(Camera):
        def __iter__(self) -> Iterator[Frame]:
            return (frame for frame, _ in zip(super().__iter__(), range(3), strict=False))

    monkeypatch.setattr(parts, "build_source", lambda *_: Short())
    summary, seen = go("0", out=tmp_path)
    assert (len(seen), summary.outcomes[0].frames) == (3, 3)
    with pytest.raises(OutputError, match=r"webcam-0\.json and 1 more already there"):
        go("0", out=tmp_path, config=RESUME)


# Harm ----------------------------------------------------------------------------------------------------------------


def test_failures_hold_on_to_no_picture(tmp_path: Path) -> None:
    """An exception that is kept holds the frames of the stack it came through, and with them pictures."""
    pictures: list[weakref.ref[Any]] = []

    class Refusing(EdgeEstimator):
        def _one(self, frame: Frame) -> Poses:
            pictures.append(weakref.ref(frame.image.base if frame.image.base is not None else frame.image))
            raise InputError("not this one")

    inputs = [save(tmp_path / f"{number}.png") for number in range(3)]
    summary = run_files(inputs, tmp_path / "out", CONFIG, estimator=Refusing())
    gc.collect()
    assert summary.failed == 3
    assert [picture() is None for picture in pictures] == [True] * 3


def test_a_result_that_cannot_be_finished_leaves_its_input_ours(trip: Path, tmp_path: Path) -> None:
    """The JSON has its name already when the CSV finds a folder in its place: going on replaces what is ours."""

    class Blocking(EdgeEstimator):
        def _one(self, frame: Frame) -> Poses:
            (tmp_path / "out" / "0.csv").mkdir(parents=True)
            (tmp_path / "out" / "0.csv" / "file").touch()
            return super()._one(frame)

    summary = run_files([trip / "0.png"], tmp_path / "out", CONFIG, estimator=Blocking())
    assert isinstance(summary.outcomes[0].error, OutputError)
    assert lines(tmp_path / "out")[-1]["left"] is True
    shutil.rmtree(tmp_path / "out" / "0.csv")
    summary, seen = go(trip / "0.png", out=tmp_path / "out", config=RESUME)
    assert (seen, summary.exit_code) == (["0.png"], 0)


def test_half_a_thousand_pictures_are_no_trouble(tmp_path: Path) -> None:
    data = save(tmp_path / "one.png").read_bytes()
    (tmp_path / "many").mkdir()
    for number in range(500):
        (tmp_path / "many" / f"{number}.png").write_bytes(data)
    summary, seen = go(tmp_path / "many", out=tmp_path / "out")
    assert seen == [f"{number}.png" for number in range(500)]
    assert summary.people == 1000
    assert len(lines(tmp_path / "out")) == 1001
    assert go(tmp_path / "many", out=tmp_path / "out", config=RESUME)[0].kept == 500


def test_a_result_corrected_by_hand_is_kept_when_its_input_is_done_again(tmp_path: Path) -> None:
    picture = save(tmp_path / "in" / "a.png")
    out = tmp_path / "out"
    go(picture, out=out)
    corrected = (out / "a.json").read_text(encoding="utf-8").replace('"edge"', '"me"')
    (out / "a.json").write_text(corrected, encoding="utf-8")
    notes: list[str] = []

    class Told(NoProgress):
        def note(self, text: str) -> None:
            notes.append(text)

    for number in ("", "-2"):
        summary = run_files([picture], out, RESUME, estimator=EdgeEstimator(), progress=Told())
        assert summary.exit_code == 0
        assert (out / f"a.json.before-resume{number}").read_text(encoding="utf-8") == corrected
        assert '"edge"' in (out / "a.json").read_text(encoding="utf-8")
        (out / "a.json").write_text(corrected, encoding="utf-8")
    assert len(notes) == 2
    assert "a.json.before-resume" in notes[0]


def test_marker_trajectories_are_left_out_for_pictures(tmp_path: Path) -> None:
    picture = save(tmp_path / "in" / "a.png")
    summary, _ = go(picture, out=tmp_path / "out", config=CONFIG.replace(save=("json", "trc")))
    assert summary.exit_code == 0
    assert (tmp_path / "out" / "a.json").is_file()
    assert not (tmp_path / "out" / "a.trc").exists()
    summary, _ = go(picture, out=tmp_path / "none", config=CONFIG.replace(save=("trc",)))
    assert summary.exit_code == 2
    assert "trc is for clips" in str(summary.outcomes[0].error)


def test_skeletons_of_pictures_together_are_called_so(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(tmp_path / "pics" / f"{name}.png")
    config = CONFIG.replace(save=("skeleton",), together=True)
    go(tmp_path / "pics", out=tmp_path / "out", config=config)
    names = sorted(path.name for path in (tmp_path / "out" / "pics.skeleton").iterdir())
    assert names == ["a.skeleton.png", "b.skeleton.png"]
