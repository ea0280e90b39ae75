from __future__ import annotations

import runpy
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import holopose
from edge_scenes import EdgeEstimator, save
from holopose import build
from holopose.build import parts
from holopose.config import RunConfig
from holopose.errors import ConfigError, HoloposeError, InputError
from holopose.io.sources.inputs import Input
from holopose.types import Frame, Poses

S: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "clip_samples.py"))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """40 frames, 25 a second, in which EdgeEstimator sees one person."""
    path: Path = S["write_clip"](tmp_path / "walk.mp4", 40, size_wh=(18, 16))
    return path


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the sources that were closed, in order."""
    names: list[str] = []
    build_source = parts.build_source

    def watched(item: Input, config: RunConfig) -> Any:
        source = build_source(item, config)
        close = source.close

        def note() -> None:
            names.append(item.name)
            close()

        monkeypatch.setattr(source, "close", note)
        return source

    monkeypatch.setattr(parts, "build_source", watched)
    return names


def ids_of(poses: Poses) -> list[int]:
    return [] if poses.ids is None else poses.ids.tolist()


def threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("holopose")]


@pytest.mark.parametrize("smooth", ["one-euro", "median"])
def test_every_frame_comes_with_its_time_its_people_and_their_ids(clip: Path, closed: list[str], smooth: str) -> None:
    assert holopose.stream is build.stream
    rows = list(holopose.stream(clip, estimator=EdgeEstimator(), smooth=smooth))
    assert [frame.index for frame, _ in rows] == list(range(40))
    assert [frame.time_s for frame, _ in rows] == pytest.approx(np.arange(40) / 25)
    assert all(frame.image.shape == (16, 18, 3) for frame, _ in rows)
    assert [ids_of(poses) for _, poses in rows] == [[1]] * 40
    assert closed == ["walk"]
    assert threads() == []


def test_options_choose_frames_people_and_how_they_are_followed(clip: Path) -> None:
    model = EdgeEstimator()
    rows = list(holopose.stream(str(clip), estimator=model, start_s=0.4, end_s=1.0, every=5, person="largest"))
    assert [frame.index for frame, _ in rows] == [10, 15, 20]
    assert [ids_of(poses) for _, poses in rows] == [[1]] * 3
    [(_, poses), *_] = holopose.stream(clip, estimator=model, track=False, world=False, max_fps=1)
    assert ids_of(poses) == [-1]
    assert poses.world is None


def test_leaving_early_closes_the_clip_and_ends_the_threads(clip: Path, closed: list[str]) -> None:
    rows = holopose.stream(clip, estimator=EdgeEstimator())
    for frame, _ in rows:
        if frame.index == 3:
            break
    assert len(threads()) > 0
    rows.close()  # type: ignore[attr-defined]
    assert closed == ["walk"]
    assert threads() == []


def test_a_model_is_loaded_for_the_options_about_people(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[RunConfig] = []

    def fake(config: RunConfig) -> EdgeEstimator:
        loaded.append(config)
        return EdgeEstimator(config)

    monkeypatch.setattr(parts, "build_estimator", fake)
    rows = holopose.stream(clip, search="whole", max_people=1)
    assert loaded == []
    next(rows)
    assert [(config.search, config.max_people) for config in loaded] == [("whole", 1)]


def test_webcams_and_addresses_are_live_and_nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    class Camera:
        info = {"kind": "live", "name": "a camera"}  # noqa: RUF012
        end_info: dict[str, object] = {}  # noqa: RUF012
        delivered = 0

        def __iter__(self) -> Iterator[Frame]:
            for index in range(1000):
                self.delivered += 1
                yield Frame(np.zeros((12, 20, 3), np.uint8), index=index, time_s=index / 10)

        def close(self) -> None:
            asked.append(("closed", str(self.delivered)))

    def camera(item: Input, config: RunConfig) -> Camera:
        asked.append((item.kind, item.location))
        return Camera()

    monkeypatch.setattr(parts, "build_source", camera)
    for source in (0, "1", "rtsp://somebody:secret@camera/live"):
        rows = holopose.stream(source, estimator=EdgeEstimator())
        frame, poses = next(rows)
        assert (frame.index, len(poses)) == (0, 2)
        rows.close()  # type: ignore[attr-defined]
    assert [what for what in asked if what[0] == "live"] == [
        ("live", "0"),
        ("live", "1"),
        ("live", "rtsp://somebody:secret@camera/live"),
    ]
    assert asked.count(("closed", "1")) == 3  # no frame was fetched before it was asked for


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("none.mp4", "none.mp4: does not exist"),
        ("a.png", "expected a clip, got a picture; holopose.estimate takes pictures"),
        ("a.zip", "expected a clip, got an archive"),
        ("two", "expected one clip, got 2 inputs"),
        (None, "a webcam's number"),
        (True, "a webcam's number"),
        (-1, "a webcam's number"),
        ("gopher://host/a", "addresses of this kind"),
    ],
)
def test_what_is_no_clip_is_refused_at_once(tmp_path: Path, source: Any, expected: str) -> None:
    save(tmp_path / "a.png")
    (tmp_path / "a.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / "two").mkdir(exist_ok=True)
        S["write_clip"](tmp_path / "two" / name, 2)
    local = isinstance(source, str) and "://" not in source
    with pytest.raises(InputError, match=expected):
        holopose.stream(tmp_path / source if local else source)


def test_options_are_checked_at_once_and_a_broken_clip_when_it_is_read(tmp_path: Path, clip: Path) -> None:
    for options, message in (
        ({"max_peple": 1}, "did you mean 'max_people'"),
        ({"save": "json"}, "has no meaning here"),
        ({"style": "classic"}, "has no meaning here"),
        ({"start_s": 2, "end_s": 1}, "end_s: expected more"),
    ):
        with pytest.raises(ConfigError, match=message):
            holopose.stream(clip, **options)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"\0\0\0\x18ftypisom" + bytes(100))
    rows = holopose.stream(broken, estimator=EdgeEstimator())
    with pytest.raises(HoloposeError, match=r"broken\.mp4"):
        next(rows)


@pytest.mark.weights
def test_the_default_model_follows_the_walker(shared: Path) -> None:
    rows = list(holopose.stream(shared / "data" / "video" / "video.avi", end_s=0.5, search="whole"))
    assert len(rows) >= 12
    assert all(ids_of(poses) == [1] for _, poses in rows[5:])


def test_a_clip_that_is_shorter_when_read_again_is_told(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_source = parts.build_source

    def shrinking(item: Input, config: RunConfig) -> Any:
        source = build_source(item, config)
        read, left = source.__class__.__iter__, [None, 30]
        monkeypatch.setattr(source.__class__, "__iter__", lambda self: islice(read(self), left.pop(0)))
        return source

    monkeypatch.setattr(parts, "build_source", shrinking)
    got: list[int] = []
    with pytest.raises(InputError, match="frame 30: cannot be read again"):
        got.extend(frame.index for frame, _ in holopose.stream(clip, estimator=EdgeEstimator(), smooth="median"))
    assert got == list(range(30))
