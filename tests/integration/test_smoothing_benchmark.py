"""The steadiness benchmark measures what it says: known trembling, known shifts, known delays; its bars can fail."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from holopose.skeletons import WHOLEBODY133
from holopose.types import Frame

Script = Callable[[str], ModuleType]


@pytest.fixture
def smoothing(benchmark_script: Script) -> ModuleType:
    return benchmark_script("smoothing")


def test_known_trembling_is_measured(smoothing: ModuleType) -> None:
    random, time_s = np.random.default_rng(0), np.arange(400) / 25
    shape = random.uniform(0, 1, (133, 2)) * [100, 380]
    shape[0], shape[15] = (0, 0), (0, 400)
    body = list(WHOLEBODY133.parts["body"])
    found = shape + random.normal(0, 1.0, (400, 133, 2))
    [measured] = [smoothing.jitter([smoothing.clip_of(found, time_s)])]
    size = smoothing.size_of(found, WHOLEBODY133)
    assert 399 < size < 406
    for part in ("body", "face", "hands"):
        assert measured[part][0] == pytest.approx(np.sqrt(6), rel=0.05)  # 1 px in each of three independent frames
        assert measured[part][1] == pytest.approx(100 * np.sqrt(6) / size, rel=0.05)
    assert len(body) == 17


def test_people_seen_briefly_and_unsure_points_do_not_count(smoothing: ModuleType) -> None:
    clip = smoothing.clip_of(np.zeros((40, 133, 2)) + np.arange(133)[:, None], np.arange(40) / 25)
    brief = [(info, poses if i < 15 else poses[:0]) for i, (info, poses) in enumerate(clip)]
    assert smoothing.jitter([brief]) == {}
    unsure = [(info, poses.replace(score=np.full((1, 133), 0.1))) for info, poses in clip]
    assert smoothing.jitter([unsure]) == {}
    assert set(smoothing.jitter([clip])) == {"body", "face", "hands"}


def test_shifts_are_laid_on_and_taken_back(smoothing: ModuleType) -> None:
    image = np.zeros((60, 80, 3), np.uint8)
    image[28:33, 38:43] = 250
    frames = list(smoothing.shaken(Frame(image), 6, noise=0.0))
    moved = smoothing.shifts(6)
    assert np.abs(moved).max() <= 2
    rows, columns = np.indices((60, 80))
    for frame, (x, y) in zip(frames, moved, strict=True):
        weight = frame.image[..., 0].astype(float)
        assert (columns * weight).sum() / weight.sum() == pytest.approx(40 + x, abs=0.1)
        assert (rows * weight).sum() / weight.sum() == pytest.approx(30 + y, abs=0.1)
    clip = smoothing.clip_of(np.full((6, 133, 2), 100.0) + moved[:, None], np.arange(6) / 25)
    for _, poses in smoothing.stilled(clip, moved):
        np.testing.assert_allclose(poses.xy, 100.0, atol=1e-4)
    noisy = [frame.image.astype(int) for frame in smoothing.shaken(Frame(image), 2, shift_px=0.0)]
    assert (noisy[0] != noisy[1]).mean() > 0.2


@pytest.mark.parametrize("delay", [0.0, 0.37, 1.5])
def test_known_delays_are_measured(smoothing: ModuleType, delay: float) -> None:
    frames = np.arange(200.0)
    true = np.zeros((200, 133, 2))
    true[:, 3, 0], true[:, 3, 1] = 50 * np.sin(frames / 4), 30 * np.cos(frames / 5)
    late = np.zeros_like(true)
    late[:, 3, 0], late[:, 3, 1] = 50 * np.sin((frames - delay) / 4), 30 * np.cos((frames - delay) / 5)
    assert smoothing.lag_frames(late, true, [3]) == pytest.approx(delay, abs=0.03)
    late[60:70, 3] = np.nan
    assert smoothing.lag_frames(late, true, [3]) == pytest.approx(delay, abs=0.03)


def test_the_defaults_meet_the_bars_on_made_up_people(smoothing: ModuleType) -> None:
    random, time_s = np.random.default_rng(0), np.arange(100) / 25
    shape = random.uniform(0, 1, (133, 2)) * [120, 400]
    still = [smoothing.clip_of(shape + random.normal(0, 2.0, (100, 133, 2)), time_s)]
    rows = {"none": smoothing.jitter(still)}
    rows |= {name: smoothing.jitter([apply(clip) for clip in still]) for name, apply in smoothing.filters().items()}
    smoothing.show_jitter(rows)
    lags = {rate_hz: smoothing.walking_lags(0.005, rate_hz) for rate_hz in (25.0, 50.0)}
    smoothing.show_lags(lags[25.0], 25.0)
    assert [str(verdict) for verdict in smoothing.verdicts(rows, lags) if not verdict.met] == []
    for name, row in rows.items():
        if name not in ("none", "mediapipe"):
            assert row["face"][0] < 0.8 * rows["none"]["face"][0], name
    for method in ("savgol", "butterworth", "weighted"):
        assert max(abs(lag) for lag in lags[25.0][method].values()) < 0.1


def test_the_bars_can_be_missed(smoothing: ModuleType) -> None:
    rows = {"none": {"body": (2.0, 0.5)}, "one-euro": {"body": (1.5, 0.4)}}
    lags = {25.0: {"one-euro": {"trunk": 0.2, "ankles": 1.4}}}
    assert [verdict.met for verdict in smoothing.verdicts(rows, lags)] == [False, False]
    rows["one-euro"] = {"body": (0.9, 0.2)}
    lags[25.0]["one-euro"]["ankles"] = 0.9
    assert [verdict.met for verdict in smoothing.verdicts(rows, lags)] == [True, True]


def test_the_lag_on_a_real_clip_is_that_of_its_longest_track(smoothing: ModuleType) -> None:
    clip, _ = smoothing.walker(25.0, 0.003, seconds=4.0)
    joined = [(info, poses.replace(ids=np.array([3 if i < 80 else 4]))) for i, (info, poses) in enumerate(clip)]
    count, lags = smoothing.clip_lags(joined)
    assert count == 80
    assert set(lags) == {"one-euro", "mediapipe", "kalman"}
    assert all(-0.2 < lag < 1 for row in lags.values() for lag in row.values())
