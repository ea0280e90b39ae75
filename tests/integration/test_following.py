"""People in a real clip, by the real networks: the walker keeps one identity, nobody is made up, limits hold."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from holopose.build import parts
from holopose.config import RunConfig
from holopose.io.images import read_image
from holopose.io.sources.video import VideoSource
from holopose.models.blaze.estimator import BlazeEstimator
from holopose.types import FrameInfo, Poses

pytestmark = pytest.mark.weights

S: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[1] / "clip_samples.py"))
Rows = list[tuple[FrameInfo, Poses]]
Follow = Callable[..., Rows]

SAME_PERSON_PX = 60.0
EVERY = 3


@pytest.fixture(scope="module")
def follow(loaded: Callable[..., BlazeEstimator]) -> Follow:
    """Everybody in a clip as `holopose run` finds them, with the options given."""

    def run(clip: Path, **options: Any) -> Rows:
        config = RunConfig(**options)
        pipeline = parts.build_pipeline(config, loaded(max_people=config.max_people), kind="clip")
        source = VideoSource(clip, end_s=config.end_s, every=config.every)
        return [(frame.info, poses) for frame, poses in pipeline.stream(source)]

    return run


@pytest.fixture(scope="module")
def street(shared: Path, follow: Follow) -> Rows:
    """Every third frame of the street with the walker."""
    return follow(shared / "data/video/video.avi", every=EVERY)


@pytest.fixture(scope="module")
def walker_xy(shared: Path) -> npt.NDArray[np.float64]:
    """(205, 2) px: between the walker's hips, as MediaPipe followed her."""
    answers = json.loads((shared / "reference/mediapipe_holistic_video.json").read_text(encoding="utf-8"))
    return np.array([np.mean(np.array(answer["pose"])[[23, 24], :2], axis=0) for answer in answers])


def hips_xy(poses: Poses) -> npt.NDArray[np.float64]:
    """(N, 2) px."""
    return np.mean([poses["left_hip"][:, :2], poses["right_hip"][:, :2]], axis=0)


def test_every_frame_is_delivered_once(street: Rows) -> None:
    assert [frame.index for frame, _ in street] == list(range(0, 205, EVERY))
    assert [frame.time_s for frame, _ in street] == pytest.approx([i / 50 for i in range(0, 205, EVERY)])


def test_the_walker_keeps_one_identity(street: Rows, walker_xy: npt.NDArray[np.float64]) -> None:
    nearest: dict[int, int] = {}  # frame -> who stands where the walker is
    for frame, poses in street:
        apart = np.linalg.norm(hips_xy(poses) - walker_xy[frame.index], axis=1)
        if len(poses) and apart.min() < SAME_PERSON_PX:
            nearest[frame.index] = int(poses.ids[apart.argmin()])
    assert set(nearest.values()) == {next(iter(nearest.values()))}
    assert min(nearest) <= 25  # half a second
    assert max(nearest) == 204
    span = range(min(nearest), 205, EVERY)
    assert len(nearest) >= 0.9 * len(span)

    walker = next(iter(nearest.values()))
    for frame, poses in street:  # nor does anybody else get her identity meanwhile
        elsewhere = np.linalg.norm(hips_xy(poses[poses.ids == walker]) - walker_xy[frame.index], axis=1)
        assert (elsewhere < 2 * SAME_PERSON_PX).all(), frame.index


def test_nobody_is_there_twice(street: Rows) -> None:
    assert max(len(poses) for _, poses in street) >= 3
    everybody = np.concatenate([poses.ids for _, poses in street])
    assert (everybody > 0).mean() >= 0.9  # somebody seen for a moment only has no identity
    for _, poses in street:
        ids = poses.ids[poses.ids >= 0].tolist()
        assert len(set(ids)) == len(ids)
        hips = hips_xy(poses)
        apart = np.linalg.norm(hips[:, None] - hips, axis=2) + np.diag(np.full(len(hips), np.inf))
        assert apart.min(initial=np.inf) > 8


def test_nobody_is_found_where_nobody_is(shared: Path, tmp_path: Path, follow: Follow) -> None:
    frames = []
    for path in sorted((shared / "data/no_people").iterdir()):
        image = read_image(path).image
        scale = min(960 / image.shape[1], 540 / image.shape[0])
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[:540, :960]
        canvas = np.zeros((540, 960, 3), np.uint8)
        canvas[: small.shape[0], : small.shape[1]] = small
        frames += [np.roll(canvas, (2 * step, 3 * step), (0, 1)) for step in range(3)]  # as a shaky hand holds it
    assert len(frames) == 15
    rows = follow(S["write_clip"](tmp_path / "nobody.mp4", frames, rate=10))
    assert [frame.index for frame, poses in rows if len(poses)] == []
    assert len(rows) == 15


def test_at_most_one_person(shared: Path, follow: Follow) -> None:
    rows = follow(shared / "data/video/video.avi", every=EVERY, end_s=1.2, max_people=1)
    counts = [len(poses) for _, poses in rows]
    assert len(counts) == 20
    assert max(counts) == 1
    assert sum(counts) >= 11  # from half a second on
    assert len({int(poses.ids[0]) for _, poses in rows if len(poses)}) == 1
