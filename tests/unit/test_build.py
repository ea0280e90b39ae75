from __future__ import annotations

import csv
import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import holopose
from holopose import build
from holopose.build import Outcome, name_results, run_files
from holopose.config import RunConfig
from holopose.errors import BackendError, ConfigError, HoloposeError, InputError, ModelError, OutputError
from holopose.skeletons import WHOLEBODY133, Skeleton
from holopose.types import Boxes, Frame, Poses

CONFIG = RunConfig()


class EdgeEstimator:
    """One person per 10 px of width, keypoints along the diagonal; refuses pictures one pixel high."""

    info = {  # noqa: RUF012
        "name": "edge",
        "cards": [{"name": "edge_net", "sha256": "ab" * 32}],
        "runtime": {"name": "none", "version": "1", "device": "CPU", "precision": "f32", "threads": 1},
    }

    def __init__(self, config: RunConfig = CONFIG) -> None:
        self.config = config
        self.seen: list[str] = []

    @property
    def skeleton(self) -> Skeleton:
        return WHOLEBODY133

    def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
        return [self._one(frame) for frame in frames]

    def _one(self, frame: Frame) -> Poses:
        self.seen.append(frame.name)
        width, height = frame.size_wh
        if height == 1:
            raise BackendError("the device refuses this picture")
        count = width // 10
        line = np.linspace([0, 0], [width - 1, height - 1], 133)
        return Poses(
            np.tile(line, (count, 1, 1)),
            np.full((count, 133), 0.9),
            Boxes(np.tile([0.0, 0, width - 1, height - 1], (count, 1)), np.full(count, 0.8)),
            WHOLEBODY133,
            world=np.zeros((count, 133, 3)),
        )

    def reset(self) -> None:
        pass


def save(path: Path, width: int = 20, height: int = 12) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    done, data = cv2.imencode(path.suffix, np.full((height, width, 3), 90, np.uint8))
    assert done
    path.write_bytes(data.tobytes())
    return path


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


# Names of results ----------------------------------------------------------------------------------------------------

words = st.text("abAB.-2", min_size=1, max_size=4).filter(lambda word: word.strip("."))
some_inputs = st.lists(st.builds(lambda a, b, c: f"{a}/{b}.{c}", words, words, st.sampled_from(["jpg", "png"])))


@given(some_inputs)
def test_every_input_gets_a_name_of_its_own_that_says_which(inputs: list[str]) -> None:
    names = name_results(inputs)
    assert set(names) == {Path(path) for path in inputs}
    assert len({name.casefold() for name in names.values()}) == len(names)
    assert all(name.startswith(path.stem) for path, name in names.items())
    assert all(name == PurePath(name).name for name in names.values())
    assert name_results(inputs) == names


@pytest.mark.parametrize(
    ("inputs", "names"),
    [
        (["photo.jpg"], ["photo"]),
        (["photo.jpg", "photo.png"], ["photo.jpg", "photo.png"]),
        (["a/photo.jpg", "b/photo.jpg", "photo-2.jpg"], ["photo", "photo-3", "photo-2"]),
        (["a/photo.jpg", "b/photo.jpg", "c/photo.png"], ["photo.jpg", "photo.jpg-2", "photo.png"]),
        (["a/Photo.jpg", "b/photo.jpg"], ["Photo", "photo-2"]),
        (["a.jpg", "./a.jpg", "b.jpg"], ["a", "b"]),
    ],
)
def test_results_are_named_after_their_inputs(inputs: list[str], names: list[str]) -> None:
    assert list(name_results(inputs).values()) == names


# Runs ----------------------------------------------------------------------------------------------------------------


def test_a_run_leaves_one_set_of_files_per_picture(tmp_path: Path) -> None:
    inputs = [save(tmp_path / "in" / "one.png"), save(tmp_path / "in" / "two.jpg", width=31)]
    told: list[Outcome] = []
    summary = run_files(inputs, tmp_path / "out", CONFIG, told.append, EdgeEstimator())
    assert summary.exit_code == 0
    assert list(summary.outcomes) == told
    assert [(outcome.path, outcome.people) for outcome in told] == [(inputs[0], 2), (inputs[1], 3)]
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
    monkeypatch.setattr(build, "build_estimator", lambda config: pytest.fail("the model was loaded"))
    assert run_files([tmp_path / "none.jpg"], tmp_path / "out", CONFIG).exit_code == 2


def test_a_model_that_cannot_be_loaded_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(config: RunConfig) -> None:
        raise ModelError("missing weights")

    monkeypatch.setattr(build, "build_estimator", fail)
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


# estimate and paint --------------------------------------------------------------------------------------------------


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[RunConfig]:
    """The configurations for which a model was loaded, with a fake in the place of models."""
    loaded: list[RunConfig] = []

    def fake(config: RunConfig) -> EdgeEstimator:
        loaded.append(config)
        return EdgeEstimator(config)

    monkeypatch.setattr(build, "build_estimator", fake)
    monkeypatch.setattr(build, "_loaded", {})
    return loaded


def test_estimate_takes_a_path_bytes_or_a_frame(tmp_path: Path, loads: list[RunConfig]) -> None:
    path = save(tmp_path / "a.png")
    image = np.full((12, 20, 3), 90, np.uint8)
    for source in (path, str(path), path.read_bytes(), Frame.from_rgb(image), Frame.from_bgr(image)):
        poses = holopose.estimate(source)
        assert poses.xy.shape == (2, 133, 2)
        assert poses.world is not None
    assert len(loads) == 1


@pytest.mark.parametrize("source", [np.zeros((4, 4, 3), np.uint8), None, 3, ["a.jpg"]])
def test_estimate_refuses_what_it_cannot_tell(source: Any, loads: list[RunConfig]) -> None:
    with pytest.raises(InputError, match=r"Frame\.from_rgb"):
        holopose.estimate(source)
    assert loads == []


def test_estimate_takes_only_options_that_mean_something_to_it(loads: list[RunConfig]) -> None:
    frame = Frame(np.zeros((12, 20, 3), np.uint8))
    for options, message in (
        ({"max_person": 1}, "did you mean 'max_people'"),
        ({"style": "classic"}, "has no meaning here"),
        ({"save": "json"}, "has no meaning here"),
        ({"search": "everywhere"}, "search: expected one of"),
    ):
        with pytest.raises(ConfigError, match=message):
            holopose.estimate(frame, **options)  # type: ignore[arg-type]
    assert loads == []


def test_the_model_stays_loaded_for_the_same_options(loads: list[RunConfig]) -> None:
    frame = Frame(np.zeros((12, 20, 3), np.uint8))
    for options in ({}, {"max_megapixels": 5}, {"search": "whole"}, {"search": "whole", "min_score": CONFIG.min_score}):
        holopose.estimate(frame, **options)
        holopose.estimate(frame, **options)
    holopose.estimate(frame)
    assert [config.search for config in loads] == ["normal", "whole", "normal"]
    assert holopose.estimate(frame, world=False).world is None


def test_threads_share_one_model(loads: list[RunConfig]) -> None:
    frame = Frame(np.zeros((12, 50, 3), np.uint8))
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(len(holopose.estimate(frame)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [5] * 8
    assert len(loads) == 1


def test_pictures_larger_than_the_limit_are_refused(tmp_path: Path, loads: list[RunConfig]) -> None:
    path = save(tmp_path / "a.png", width=200, height=100)
    assert len(holopose.estimate(path, max_megapixels=0.02)) == 20
    with pytest.raises(InputError, match=r"megapixel|MP|pixel"):
        holopose.estimate(path, max_megapixels=0.0199)
    assert len(loads) == 1


def test_paint_shows_what_estimate_found(tmp_path: Path, loads: list[RunConfig]) -> None:
    path = save(tmp_path / "a.png", width=100, height=100)
    poses = holopose.estimate(path)
    plain = holopose.paint(path, Poses.empty(WHOLEBODY133))
    drawn = holopose.paint(path.read_bytes(), poses, style="classic")
    assert plain.shape == drawn.shape == (100, 100, 3)
    assert (plain == 90).all()
    assert (drawn != plain).any()
    assert holopose.paint(path, poses, background="transparent").shape == (100, 100, 4)
    assert holopose.paint(path, poses, side_by_side=True).shape == (100, 200, 3)
    with pytest.raises(ConfigError, match="has no meaning here"):
        holopose.paint(path, poses, search="whole")


# With the real model -------------------------------------------------------------------------------------------------


@pytest.mark.weights
def test_the_default_model_speaks_the_layout_asked_for(shared: Path) -> None:
    picture = shared / "data" / "images" / "000000000785.jpg"
    poses = holopose.estimate(picture, search="whole")
    assert poses.skeleton == WHOLEBODY133
    assert len(poses) >= 1
    assert poses.native is None
    native = holopose.estimate(picture, search="whole", layout="coco17", native=True)
    assert native.skeleton.name == "coco17"
    assert native.native is not None
    assert len(native.native.skeleton) == 543
    np.testing.assert_allclose(native["left_knee"], poses["left_knee"])


@pytest.mark.weights
def test_an_estimator_tells_what_it_is() -> None:
    estimator: Any = holopose.build_estimator(search="whole")
    assert estimator.skeleton == WHOLEBODY133
    assert estimator.info["name"] == "blaze"
    assert all(len(card["sha256"]) == 64 for card in estimator.info["cards"])
    assert estimator.info["runtime"]["precision"] == "f32"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(HoloposeError, match="closed"):
        run_files([save(tmp_path / "a.png")], closed / "out", CONFIG, estimator=EdgeEstimator())


def test_public_names_survive_the_import_of_every_part() -> None:
    import holopose.draw.painter
    import holopose.io.images

    for name in ("build_estimator", "estimate", "paint"):
        assert getattr(holopose, name) is getattr(build, name)
