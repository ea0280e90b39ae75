"""Owns what the tests of drawing share: a made-up person with every part in a place of its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from holopose.skeletons import WHOLEBODY133, Skeleton
from holopose.skeletons.conversions import convert
from holopose.types import Boxes, Frame, Poses

BODY = {
    "nose": (100, 30), "left_eye": (105, 25), "right_eye": (95, 25), "left_ear": (112, 28), "right_ear": (88, 28),
    "left_shoulder": (130, 60), "right_shoulder": (70, 60), "left_elbow": (150, 100), "right_elbow": (50, 100),
    "left_wrist": (160, 140), "right_wrist": (40, 140), "left_hip": (118, 150), "right_hip": (82, 150),
    "left_knee": (122, 210), "right_knee": (78, 210), "left_ankle": (125, 270), "right_ankle": (75, 270),
    "left_big_toe": (140, 285), "left_small_toe": (146, 280), "left_heel": (122, 282),
    "right_big_toe": (60, 285), "right_small_toe": (54, 280), "right_heel": (78, 282),
}  # fmt: skip


def _whole_body() -> np.ndarray:
    """(133, 2) px: a person of 200x300; face around (100, 30), hands below and outside the wrists."""
    xy = np.zeros((133, 2))
    for k, name in enumerate(WHOLEBODY133.keypoints[:23]):
        xy[k] = BODY[name]
    angle = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    xy[23:91] = np.stack([100 + 18 * np.cos(angle), 30 + 22 * np.sin(angle)], axis=1)
    for start, wrist, way in ((91, (160, 140), 1), (112, (40, 140), -1)):
        xy[start] = wrist[0] + 3 * way, wrist[1] + 4
        for finger in range(5):
            for joint in range(4):
                xy[start + 1 + finger * 4 + joint] = (
                    wrist[0] + way * (4 + 6 * finger),
                    wrist[1] + 10 + 6 * joint,
                )
    return xy


@pytest.fixture
def person() -> Callable[..., Poses]:
    """Makes N copies of one made-up person: `person(scale=, at=[(x, y), ...], score=, skeleton=)`."""

    def make(
        scale: float = 1.0,
        at: tuple[tuple[float, float], ...] = ((0.0, 0.0),),
        score: float = 0.9,
        skeleton: Skeleton = WHOLEBODY133,
    ) -> Poses:
        xy = np.stack([_whole_body() * scale + np.array(place) for place in at])
        boxes = np.concatenate([xy.min(axis=1), xy.max(axis=1)], axis=1)
        poses = Poses(xy, np.full(xy.shape[:2], score), Boxes(boxes, np.full(len(xy), score)), WHOLEBODY133)
        return convert(poses, skeleton)

    return make


@pytest.fixture
def picture() -> Callable[..., Frame]:
    """Makes a picture of noise, so that any change shows: `picture(width, height)`."""

    def make(width: int = 220, height: int = 310) -> Frame:
        noise = np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)
        return Frame(noise)

    return make
