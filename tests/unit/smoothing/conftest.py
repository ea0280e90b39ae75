"""Owns a made-up walker, known exactly, for the tests of smoothing: hips, knees and ankles swing, arms too."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pytest

from holopose.skeletons import WHOLEBODY133, Skeleton
from holopose.types import Boxes, FrameInfo, Poses, PoseSequence

Array = npt.NDArray[np.float64]
Frames = list[tuple[FrameInfo, Poses]]

HEIGHT_PX = 400.0


def direction(angle: Array) -> Array:
    """(T, 3) forward, aside, down: straight down, turned forwards by `angle` rad."""
    return np.stack([np.sin(angle), np.zeros_like(angle), np.cos(angle)], axis=-1)


def joints(time_s: Array, *, cadence_hz: float = 0.95, speed: float = 0.8) -> dict[str, Array]:
    """Joints (T, 3) of somebody walking forwards, in body heights: forward, to the person's left, down."""
    phase = 2 * np.pi * cadence_hz * time_s
    centre = np.zeros((len(time_s), 3))
    centre[:, 2] = -0.52 + 0.012 * np.cos(2 * phase)
    centre[:, 0] = speed * time_s

    def beside(start: Array, forward: float, aside: float, down: float) -> Array:
        return start + np.array([forward, aside, down])

    place = {"nose": beside(centre, 0.06, 0, -0.40), "neck": beside(centre, 0, 0, -0.30), "mid_hip": centre}
    for side, sign, turn in (("left", 1.0, 0.0), ("right", -1.0, np.pi)):
        swing = np.radians(5 + 25 * np.cos(phase + turn))
        bend = np.radians(8 + 52 * np.clip(np.sin(phase + turn + np.pi), 0, 1) ** 2)  # while the leg comes forward
        place[f"{side}_hip"] = hip = beside(centre, 0, 0.055 * sign, 0)
        place[f"{side}_knee"] = knee = hip + 0.245 * direction(swing)
        place[f"{side}_ankle"] = ankle = knee + 0.246 * direction(swing - bend)
        place[f"{side}_heel"] = beside(ankle, -0.02, 0, 0.03)
        place[f"{side}_big_toe"] = place[f"{side}_foot_index"] = beside(ankle, 0.12, 0.01 * sign, 0.03)
        place[f"{side}_small_toe"] = beside(ankle, 0.10, 0.03 * sign, 0.03)
        place[f"{side}_shoulder"] = shoulder = beside(centre, 0, 0.115 * sign, -0.29)
        arm = -np.radians(22 * np.cos(phase + turn))
        place[f"{side}_elbow"] = elbow = shoulder + 0.17 * direction(arm)
        place[f"{side}_wrist"] = elbow + 0.15 * direction(arm + np.radians(20))
        place[f"{side}_eye"] = beside(centre, 0.05, 0.018 * sign, -0.42)
        place[f"{side}_ear"] = beside(centre, 0.0, 0.04 * sign, -0.41)
    return place


def placed(place: dict[str, Array], name: str) -> Array:
    """Where a keypoint of any layout is: a finger at its wrist, a point of the face around the nose."""
    if name in place:
        return place[name]
    side, _, rest = name.partition("_")
    at = place[f"{side}_wrist"] if side in ("left", "right") else place["nose"]
    return at + np.array([0.0, 0.0, 0.0004 * (sum(map(ord, rest)) % 50)])


def walk(
    seconds: float = 6.0,
    rate_hz: float = 25.0,
    *,
    yaw: float | Callable[[Array], Array] = 0.2,
    noise: float = 0.005,
    layout: Skeleton = WHOLEBODY133,
    seed: int = 0,
    people: int = 1,
    standing: bool = False,
    **gait: float,
) -> PoseSequence:
    """People of 400 px who walk; `noise` is in body heights, `yaw` 0 is a view from their right, pi/2 from the front.

    Score is 0.9 throughout. Frames come at a steady rate from 0 s.
    """
    random = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    turn = yaw(time_s) if callable(yaw) else np.full(len(time_s), yaw)
    xy = np.zeros((len(time_s), people, len(layout), 2))
    for person in range(people):
        moved = np.zeros_like(time_s) if standing else time_s + 0.37 * person
        place = joints(moved, **gait)
        body = np.stack([placed(place, name) for name in layout.keypoints], axis=1)
        xy[:, person, :, 0] = body[..., 0] * np.cos(turn)[:, None] + body[..., 1] * np.sin(turn)[:, None] + person
        xy[:, person, :, 1] = body[..., 2] + 1.2
    xy = HEIGHT_PX * (xy + noise * random.normal(size=xy.shape))
    return PoseSequence(xy, np.full(xy.shape[:3], 0.9), np.arange(people) + 1, time_s, layout)


def frames_of(sequence: PoseSequence) -> Frames:
    """The clip as a run gives it; somebody without any keypoint in a frame is not in it."""
    frames: Frames = []
    for index, (xy, score, time_s) in enumerate(zip(sequence.xy, sequence.score, sequence.time_s, strict=True)):
        there = ~np.isnan(xy).all(axis=(1, 2))
        low, high = (pick(np.nan_to_num(xy[there], nan=300.0), axis=1) for pick in (np.min, np.max))
        boxes = Boxes(np.concatenate([low, high], axis=1), np.full(len(low), 0.8))
        poses = Poses(xy[there], score[there], boxes, sequence.skeleton, ids=sequence.ids[there])
        frames.append((FrameInfo(index, float(time_s), "walk", (1280, 720)), poses))
    return frames


def swap(
    sequence: PoseSequence, units: Sequence[str], stretches: Sequence[tuple[int, int]]
) -> tuple[PoseSequence, Array]:
    """Exchange left and right of some units in frames [first, end); the clip and (T, P, K) where it was done."""
    from holopose.smoothing.sides import UNITS, side_layout

    columns = side_layout(sequence.skeleton).members[[UNITS.index(unit) for unit in units]].any(axis=0)
    done = np.zeros(sequence.score.shape, np.bool_)
    for first, end in stretches:
        done[first:end, :, columns] = True
    mirrored = sequence.xy[:, :, list(sequence.skeleton.swaps)]
    xy = np.where(done[..., None], mirrored, sequence.xy)
    return PoseSequence(xy, sequence.score, sequence.ids, sequence.time_s, sequence.skeleton), done


@pytest.fixture(scope="session", name="walk")
def walk_fixture() -> Callable[..., PoseSequence]:
    """`walk(seconds, rate_hz, yaw=..., noise=..., ...)` -> PoseSequence."""
    return walk


@pytest.fixture(scope="session", name="frames_of")
def frames_of_fixture() -> Callable[[PoseSequence], Frames]:
    """`frames_of(sequence)` -> list of (FrameInfo, Poses)."""
    return frames_of


@pytest.fixture(scope="session", name="swap")
def swap_fixture() -> Callable[..., tuple[PoseSequence, Array]]:
    """`swap(sequence, units, stretches)` -> the exchanged clip and where."""
    return swap
