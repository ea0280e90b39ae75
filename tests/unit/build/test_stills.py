from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import holopose
from edge_scenes import CONFIG, EdgeEstimator, save
from holopose import build
from holopose.build import parts, stills
from holopose.config import RunConfig
from holopose.errors import ConfigError, InputError
from holopose.skeletons import WHOLEBODY133
from holopose.types import Frame, Poses


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[RunConfig]:
    """The configurations for which a model was loaded, with a fake in the place of models."""
    loaded: list[RunConfig] = []

    def fake(config: RunConfig) -> EdgeEstimator:
        loaded.append(config)
        return EdgeEstimator(config)

    monkeypatch.setattr(parts, "build_estimator", fake)
    monkeypatch.setattr(stills, "_loaded", {})
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


def test_a_file_of_boxes_that_changed_is_read_again(tmp_path: Path, loads: list[RunConfig]) -> None:
    frame, path = Frame(np.zeros((12, 20, 3), np.uint8)), tmp_path / "boxes.json"
    for content in ("[]", "[]", "[ ]"):
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            path.write_text(content, encoding="utf-8")
        holopose.estimate(frame, boxes=str(path))
    assert len(loads) == 2


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


def test_public_names_survive_the_import_of_every_part() -> None:
    import holopose.draw.painter
    import holopose.io.images

    for name in ("build_estimator", "estimate", "paint"):
        assert getattr(holopose, name) is getattr(build, name)
