"""The table of people: how they are moved on, fitted and updated."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from holopose.tracking.sightings import Sightings
from holopose.tracking.tracks import Tracks
from holopose.types import FrameInfo, Poses

SIZE_WH = (1280, 720)


def of(poses: Poses) -> Sightings:
    return Sightings.of(poses, FrameInfo(0, 0.0, "", SIZE_WH), appearance=False)


def begun(poses: Poses) -> Tracks:
    tracks = Tracks.none()
    seen = of(poses)
    tracks.join(Tracks.begin(seen, np.arange(len(seen)), np.arange(len(seen)) + 1, 0.0))
    return tracks


@pytest.fixture
def standing(scenes: ModuleType) -> Poses:
    """Two people 300 px apart."""
    return scenes.to_poses([scenes.Person(scenes.line((x, 360), (0, 0))).pose(0.0) for x in (400, 700)], [0.9, 0.9])


def moved(poses: Poses, by_px: tuple[float, float]) -> Poses:
    xyxy = poses.boxes.xyxy + np.array([*by_px, *by_px])
    return poses.replace(xy=poses.xy + np.array(by_px), boxes=type(poses.boxes)(xyxy, poses.boxes.score))


def walk(tracks: Tracks, poses: Poses, speed_px: float, frames: int) -> Poses:
    """Everybody walks to the right, seen at 20 frames per second; returns where they end."""
    for frame in range(1, frames + 1):
        now = moved(poses, (speed_px * frame / 20, 0))
        tracks.advance(0.05, SIZE_WH)
        tracks.see(np.arange(2), of(now), np.arange(2), frame / 20)
    return now


def test_who_walks_is_expected_farther_on(standing: Poses) -> None:
    tracks = begun(standing)
    last = walk(tracks, standing, 120.0, 20)
    tracks.advance(0.5, SIZE_WH)
    assert tracks.moved == pytest.approx(np.array([[60, 0], [60, 0]]), abs=3)
    assert tracks.missed.tolist() == [1, 1]
    right, wrong = tracks.fit(of(moved(last, (60, 0)))), tracks.fit(of(last))
    assert np.diag(right.near).min() > 0.9
    assert np.diag(wrong.near).max() < 0.75
    assert right.near[0, 1] < 0.01


def test_uncertainty_grows_while_nobody_is_seen(standing: Poses) -> None:
    tracks = begun(standing)
    last = walk(tracks, standing, 0.0, 10)
    aside = of(moved(last, (80, 0)))
    near, sure = [], []
    for _ in range(4):
        tracks.advance(0.4, SIZE_WH)
        fit = tracks.fit(aside)
        near.append(fit.near[0, 0])
        sure.append(fit.sure[0, 0])
    assert near[0] < near[1] < near[2]
    assert sure == sorted(sure, reverse=True)


def test_who_would_have_left_waits_at_the_border(standing: Poses) -> None:
    tracks = begun(standing)
    last = walk(tracks, standing, 400.0, 20)  # at 800 and 1100
    for _ in range(10):
        tracks.advance(0.2, SIZE_WH)
    middle = (last.boxes.xyxy[:, 0] + last.boxes.xyxy[:, 2]) / 2 + tracks.moved[:, 0]
    assert middle == pytest.approx([SIZE_WH[0] - 1] * 2)
    assert not tracks.mean[:, 1, 0].any()


def test_size_and_colours_speak_where_the_place_is_vague(standing: Poses) -> None:
    tracks = begun(standing)
    child = standing.xy * 0.5 + standing.xy.mean(axis=1, keepdims=True) * 0.5
    low, high = child.min(axis=1), child.max(axis=1)
    small = standing.replace(xy=child, boxes=type(standing.boxes)(np.hstack([low, high]), [0.9, 0.9]))
    tracks.advance(0.03, SIZE_WH)
    assert tracks.fit(of(small)).alike.max() < 0.5
    assert tracks.fit(of(standing)).alike.min() > 0.95
    seen = of(standing)
    red, blue = np.zeros(24), np.zeros(24)
    red[[0, 8, 16]], blue[[1, 9, 17]] = 1, 1
    tracks.looks[:] = [red, blue]
    seen.looks[:] = [red, 0.5 * red + 0.5 * blue]
    alike = tracks.fit(seen).alike
    assert alike[0, 0] > alike[0, 1] > alike[1, 0]


def test_missing_keypoints_are_remembered(standing: Poses) -> None:
    tracks = begun(standing)
    xy, score = moved(standing, (30, 0)).xy.copy(), standing.score.copy()
    xy[:, 11:], score[:, 11:] = np.nan, 0  # nothing below the hips any more
    half = moved(standing, (30, 0)).replace(xy=xy, score=score)
    tracks.advance(0.05, SIZE_WH)
    tracks.see(np.arange(2), of(half), np.arange(2), 0.05)
    assert np.isfinite(tracks.points).all()
    assert 0 < tracks.weights[0, 12] < tracks.weights[0, 5]
    assert tracks.origin[:, 0] - standing.boxes.xyxy[:, [0, 2]].mean(axis=1) == pytest.approx([30, 30], abs=0.5)


def test_keep_and_join(standing: Poses) -> None:
    tracks = begun(standing)
    tracks.keep(np.array([False, True]))
    tracks.join(Tracks.begin(of(standing), np.array([0]), np.array([9]), 1.0))
    assert tracks.keys.tolist() == [2, 9]
    assert tracks.seen_s.tolist() == [0, 1]
    assert len(tracks) == len(tracks.points) == len(tracks.cov) == 2
    tracks.keep(np.zeros(2, np.bool_))
    assert len(tracks) == 0
