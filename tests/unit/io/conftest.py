"""Owns what the tests of files share: made-up people with gaps, and a run to describe."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from holopose.io.runinfo import RunInfo
from holopose.skeletons import BLAZEPOSE33, WHOLEBODY133, Skeleton
from holopose.types import Boxes, Frame, Poses


def _people(seed: int, count: int, skeleton: Skeleton, *, everything: bool) -> Poses:
    """`count` people of random places, a fifth of the keypoints missing; also visible, world, ids with `everything`."""
    rng = np.random.default_rng(seed)
    keypoints = len(skeleton)
    xy = rng.uniform(-50, 700, (count, keypoints, 2))
    score = rng.uniform(0, 1, (count, keypoints))
    gone = rng.uniform(size=score.shape) < 0.2
    xy[gone], score[gone] = np.nan, 0
    corners = rng.uniform(0, 600, (count, 2, 2))
    boxes = Boxes(np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1), rng.uniform(0, 1, count))
    if not everything:
        return Poses(xy, score, boxes, skeleton)
    world = rng.normal(0, 0.5, (count, keypoints, 3))
    world[rng.uniform(size=score.shape) < 0.1] = np.nan
    visible = rng.uniform(size=score.shape) < 0.7
    return Poses(xy, score, boxes, skeleton, ids=np.arange(count) - 1, visible=visible, world=world)


@pytest.fixture
def people() -> Callable[..., Poses]:
    """Makes random people: `people(seed=, count=, skeleton=, everything=, native=)`."""

    def make(
        seed: int = 0,
        count: int = 2,
        skeleton: Skeleton = WHOLEBODY133,
        *,
        everything: bool = True,
        native: bool = False,
    ) -> Poses:
        poses = _people(seed, count, skeleton, everything=everything)
        if not native:
            return poses
        own = _people(seed + 1, count, BLAZEPOSE33, everything=everything)
        return poses.replace(native=own.replace(boxes=poses.boxes, ids=None))

    return make


@pytest.fixture
def frame() -> Callable[..., Frame]:
    """Makes a grey frame: `frame(width, height, index=, time_s=, name=)`."""

    def make(width: int = 640, height: int = 480, **rest: object) -> Frame:
        return Frame(np.full((height, width, 3), 120, np.uint8), **{"name": "photo.jpg", **rest})

    return make


@pytest.fixture
def run_info() -> RunInfo:
    """A run as a result file describes it."""
    return RunInfo(
        model="blaze",
        cards={"pose-landmark-full": "e9" * 32, "face-landmark": "10" * 32},
        options={"search": "normal", "max_people": None, "min_score": 0.5, "draw_parts": ("body", "face")},
        runtime="openvino",
        runtime_version="2026.4.1",
        device="CPU",
        precision="f32",
        score="Probability that the point is where it is said to be.",
    )


@pytest.fixture
def standing() -> Callable[..., Poses]:
    """Makes people facing us whose hands begin at their wrists and whose face is at their nose, nothing missing.

    `standing(count, ids=)`: person i stands 100 i px further right; the person's left is on the right of the picture.
    """

    def make(count: int = 1, *, ids: bool = False) -> Poses:
        skeleton = WHOLEBODY133
        xy = np.zeros((len(skeleton), 2))
        height = {"shoulder": 120, "elbow": 170, "wrist": 220, "hip": 240, "knee": 320, "ankle": 400, "heel": 410}
        for k, name in enumerate(skeleton.keypoints[:23]):
            side = 1 if name.startswith("left") else -1 if name.startswith("right") else 0
            joint = name.partition("_")[2]
            xy[k] = 200 + side * (40 if joint in ("wrist", "elbow") else 20), height.get(joint, 415 if k > 16 else 80)
        for part, centre in (
            ("face", xy[skeleton.index("nose")]),
            ("left_hand", xy[skeleton.index("left_wrist")]),
            ("right_hand", xy[skeleton.index("right_wrist")]),
        ):
            members = list(skeleton.parts[part])
            turn = np.linspace(0, 6, len(members))[:, None]
            xy[members] = centre + np.concatenate([np.sin(turn), 1 - np.cos(turn)], axis=1) * (
                15 if part == "face" else 4
            )
        people = xy + np.arange(count)[:, None, None] * (100, 0)
        score = np.linspace(0.3, 0.9, count * len(skeleton)).reshape(count, len(skeleton))
        boxes = Boxes(np.concatenate([people.min(axis=1) - 5, people.max(axis=1) + 5], axis=1), np.full(count, 0.75))
        return Poses(people, score, boxes, skeleton, ids=np.arange(count) * 3 if ids else None)

    return make
