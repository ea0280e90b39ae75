from __future__ import annotations

import csv
import io
import json
import os
import runpy
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import cv2
import pytest

from edge_scenes import CONFIG, EdgeEstimator, save
from edge_scenes import files_in as all_files_in
from holopose.build import Outcome, parts, run_files, runs
from holopose.build.outcomes import NoProgress
from holopose.config import RunConfig
from holopose.errors import BackendError, ConfigError, HoloposeError, InputError, ModelError, OutputError
from holopose.models.given import GivenBoxes, read_boxes
from holopose.types import Frame, Poses

JOURNAL = "holopose-run.jsonl"


def files_in(folder: Path) -> list[str]:
    """Results; every run leaves its journal beside them."""
    return [name for name in all_files_in(folder) if name != JOURNAL]


def test_a_run_leaves_one_set_of_files_per_picture(tmp_path: Path) -> None:
    inputs = [save(tmp_path / "in" / "one.png"), save(tmp_path / "in" / "two.jpg", width=31)]
    told: list[Outcome] = []
    summary = run_files(inputs, tmp_path / "out", CONFIG, told.append, EdgeEstimator())
    assert summary.exit_code == 0
    assert list(summary.outcomes) == told
    assert [(outcome.input, outcome.people) for outcome in told] == [(str(inputs[0]), 2), (str(inputs[1]), 3)]
    assert all(outcome.time_s > 0 for outcome in told)
    expected = [f"{name}.{ending}" for name in ("one", "two") for ending in ("csv", "json", "overlay.png")]
    assert files_in(tmp_path / "out") == expected
    assert sorted(file.name for outcome in told for file in outcome.files) == expected

    document = json.loads((tmp_path / "out" / "two.json").read_text(encoding="utf-8"))
    assert document["model"]["name"] == "edge"
    assert document["model"]["cards"] == [{"name": "edge_net", "sha256": "ab" * 32}]
    assert document["model"]["options"]["search"] == CONFIG.search
    assert document["runtime"]["device"] == "CPU"
    assert document["source"]["width"] == 31
    assert len(document["frames"][0]["people"]) == 3
    rows = list(csv.DictReader((tmp_path / "out" / "one.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 2 * 133
    overlay = cv2.imread(str(tmp_path / "out" / "one.overlay.png"))
    assert overlay.shape == (12, 20, 3)
    assert (overlay != 90).any()


def test_options_reach_the_files(tmp_path: Path) -> None:
    picture = save(tmp_path / "p.png")
    config = RunConfig(
        save=("overlay", "json"), overlay_format="webp", background="transparent", normalized=True, world=False
    )
    run_files([picture], tmp_path / "out", config, estimator=EdgeEstimator())
    assert files_in(tmp_path / "out") == ["p.json", "p.overlay.webp"]
    overlay = cv2.imread(str(tmp_path / "out" / "p.overlay.webp"), cv2.IMREAD_UNCHANGED)
    assert overlay.shape == (12, 20, 4)
    text = (tmp_path / "out" / "p.json").read_text(encoding="utf-8")
    assert "normalized" in text
    assert '"world":[' not in text


def test_a_bad_picture_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    bad, missing = tmp_path / "bad.jpg", tmp_path / "missing.jpg"
    bad.write_bytes(b"")
    inputs = [bad, save(tmp_path / "good.png"), missing, save(tmp_path / "thin.png", height=1)]
    summary = run_files(inputs, tmp_path / "out", CONFIG, estimator=EdgeEstimator())
    kinds = [type(outcome.error) for outcome in summary.outcomes]
    assert kinds == [InputError, type(None), InputError, BackendError]
    assert [outcome.people for outcome in summary.outcomes] == [None, 2, None, None]
    assert "bad.jpg" in str(summary.outcomes[0].error)
    assert str(summary.outcomes[3].error) == f"{inputs[3]}: the device refuses this picture"
    assert files_in(tmp_path / "out") == ["good.csv", "good.json", "good.overlay.png"]
    assert summary.exit_code == 1


def test_boxes_of_other_pictures_are_told(tmp_path: Path) -> None:
    notes: list[str] = []

    class Notes(NoProgress):
        def note(self, text: str) -> None:
            notes.append(text)

    class Boxed(EdgeEstimator):
        """Finds somebody where the file of boxes has him."""

        def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
            boxes = GivenBoxes(read_boxes(path)).detect(frames)
            return [poses[: len(some)] for poses, some in zip(super().estimate(frames), boxes, strict=True)]

    path = tmp_path / "boxes.json"
    inputs = [save(tmp_path / "a.png"), save(tmp_path / "b.png")]
    for name, said in {"c": [f"{path}: nobody was found by its boxes in any picture or frame"], "b": []}.items():
        path.write_text(json.dumps([{"file_name": f"{name}.png", "bbox": [0, 0, 5, 5]}]), encoding="utf-8")
        run_files(inputs, tmp_path / name, CONFIG.replace(boxes=str(path)), estimator=Boxed(), progress=Notes())
        assert [note.partition(";")[0] for note in notes] == said
        notes.clear()


@pytest.mark.parametrize(("names", "code"), [(["missing.jpg"], 2), (["missing.jpg", "gone.png"], 2), (["thin.png"], 4)])
def test_when_all_fail_the_exit_code_says_why(tmp_path: Path, names: list[str], code: int) -> None:
    save(tmp_path / "thin.png", height=1)
    inputs = [tmp_path / name for name in names]
    summary = run_files(inputs, tmp_path / "out", CONFIG, estimator=EdgeEstimator())
    assert summary.exit_code == code
    assert files_in(tmp_path / "out") == []


def test_an_unreadable_picture_is_told_before_any_model_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "build_estimator", lambda config: pytest.fail("the model was loaded"))
    assert run_files([tmp_path / "none.jpg"], tmp_path / "out", CONFIG).exit_code == 2


def test_a_model_that_cannot_be_loaded_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(config: RunConfig) -> None:
        raise ModelError("missing weights")

    monkeypatch.setattr(parts, "build_estimator", fail)
    with pytest.raises(ModelError, match="missing weights"):
        run_files([save(tmp_path / "a.png"), save(tmp_path / "b.png")], tmp_path / "out", CONFIG)
    assert files_in(tmp_path / "out") == []


def test_results_are_not_written_over_unless_asked(tmp_path: Path) -> None:
    inputs = [save(tmp_path / "a.png"), save(tmp_path / "b.png")]
    out = tmp_path / "out"
    run_files(inputs[1:], out, CONFIG, estimator=EdgeEstimator())
    before = {name: (out / name).stat().st_mtime_ns for name in files_in(out)}
    estimator = EdgeEstimator()
    with pytest.raises(OutputError, match=r"b\.json and 2 more already there.*overwrite"):
        run_files(inputs, out, CONFIG, estimator=estimator)
    assert estimator.seen == []
    assert {name: (out / name).stat().st_mtime_ns for name in files_in(out)} == before
    summary = run_files(inputs, out, CONFIG.replace(overwrite=True), estimator=estimator)
    assert summary.exit_code == 0
    assert len(files_in(out)) == 6


def test_an_input_is_never_replaced(tmp_path: Path) -> None:
    inputs = [save(tmp_path / "a.png"), save(tmp_path / "a.overlay.png")]
    before = inputs[1].read_bytes()
    with pytest.raises(OutputError, match="would replace one of the inputs"):
        run_files(inputs, tmp_path, CONFIG.replace(overwrite=True), estimator=EdgeEstimator())
    assert inputs[1].read_bytes() == before


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    with pytest.raises(OutputError, match="file"):
        run_files([save(tmp_path / "a.png")], tmp_path / "file", CONFIG, estimator=EdgeEstimator())


def test_results_that_cannot_be_written_stop_only_their_picture(tmp_path: Path) -> None:
    """A file name can be too long for its results."""
    inputs = [save(tmp_path / f"{'x' * 245}.png"), save(tmp_path / "b.png")]
    out = tmp_path / "out"
    summary = run_files(inputs, out, CONFIG, estimator=EdgeEstimator())
    first, second = summary.outcomes
    assert isinstance(first.error, OutputError)
    assert "\n" not in str(first.error)
    assert second.error is None
    assert {"b.json", "b.csv", "b.overlay.png"} <= set(files_in(out))
    assert summary.exit_code == 1


def test_an_interruption_leaves_no_half_file(tmp_path: Path) -> None:
    class Interrupted(EdgeEstimator):
        def _one(self, frame: Frame) -> Poses:
            if self.seen:
                raise KeyboardInterrupt
            return super()._one(frame)

    inputs = [save(tmp_path / "a.png"), save(tmp_path / "b.png"), save(tmp_path / "c.png")]
    with pytest.raises(KeyboardInterrupt):
        run_files(inputs, tmp_path / "out", CONFIG, estimator=Interrupted())
    assert files_in(tmp_path / "out") == ["a.csv", "a.json", "a.overlay.png"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(HoloposeError, match="closed"):
        run_files([save(tmp_path / "a.png")], closed / "out", CONFIG, estimator=EdgeEstimator())


def test_an_option_that_one_input_cannot_have_stops_only_that_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clip from a pipe cannot be read twice; the files after it can."""
    samples = runpy.run_path(str(Path(__file__).parents[2] / "clip_samples.py"))
    clip = samples["write_clip"](tmp_path / "walk.mp4", 12, size_wh=(18, 16))
    piped = samples["write_clip"](tmp_path / "piped.mkv", 12, size_wh=(18, 16))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(piped.read_bytes())))
    config = RunConfig(save=("json",), smooth="median")
    summary = run_files(["-", clip], tmp_path / "out", config, estimator=EdgeEstimator())
    assert [type(outcome.error) for outcome in summary.outcomes] == [ConfigError, type(None)]
    assert "standard input can be read once" in str(summary.outcomes[0].error)
    assert files_in(tmp_path / "out") == ["walk.json"]


# What results depend on ---------------------------------------------------------------------------------------------


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The sha256 of the one file of every model, as far as known; loading makes the detector's known."""
    known = {"blaze": "aa" * 32, "seer": "", "crowds": "cc" * 32}
    monkeypatch.setattr(runs, "find_model", lambda name: [SimpleNamespace(name=name)])
    monkeypatch.setattr(runs, "digest_of", lambda card: known[card.name])

    def load(config: RunConfig) -> EdgeEstimator:
        known["seer"] = known["seer"] or "bb" * 32
        return EdgeEstimator()

    monkeypatch.setattr(parts, "build_estimator", load)
    return known


def test_a_run_that_fetched_its_files_is_gone_on_with(tmp_path: Path, hashes: dict[str, str]) -> None:
    inputs = [tmp_path / "missing.png", save(tmp_path / "a.png")]
    config = CONFIG.replace(detector="seer", bottom_up="crowds")
    run_files(inputs, tmp_path / "out", config)
    lines = [json.loads(line) for line in (tmp_path / "out" / JOURNAL).read_text(encoding="utf-8").splitlines()]
    stated = [line["cards"] for line in lines if line["event"] == "run"]
    assert stated == [{"blaze": "aa" * 32, "seer": sha256, "crowds": "cc" * 32} for sha256 in ("", "bb" * 32)]
    again = run_files(inputs, tmp_path / "out", config.replace(resume=True))
    assert [outcome.kept for outcome in again.outcomes] == [False, True]


@pytest.mark.parametrize("changed", ["blaze", "seer", "crowds"])
def test_results_of_other_weights_are_made_anew(tmp_path: Path, hashes: dict[str, str], changed: str) -> None:
    config = CONFIG.replace(detector="seer", bottom_up="crowds")
    run_files([save(tmp_path / "a.png")], tmp_path / "out", config)
    hashes[changed] = "dd" * 32
    [outcome] = run_files([tmp_path / "a.png"], tmp_path / "out", config.replace(resume=True)).outcomes
    assert not outcome.kept
    assert outcome.people == 2
