"""What every estimator family keeps, whatever its networks: shapes, order, no memory. A new family is one line here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import pytest

from holopose.protocols import Estimator
from holopose.skeletons import LAYOUTS, WHOLEBODY133, Skeleton
from holopose.types import Frame, Poses


@dataclass(frozen=True)
class Family:
    """An estimator on fake networks, and pictures of several sizes with the number of people in each."""

    make: Callable[[Skeleton], Estimator]
    frames: Sequence[Frame]
    counts: Sequence[int]


def blaze(scenes: ModuleType, search: str) -> Family:
    everybody = scenes.Scene([scenes.Figure((140, 180), 190, peak=0.8), scenes.Figure((330, 190), 180, turn=0.4)])
    portrait = scenes.Scene([scenes.Figure((150, 210), 230)], (300, 420))
    fake = scenes.FakeBlaze(everybody, scenes.Scene([]), portrait, scenes.Scene([], (64, 200)))
    return Family(
        make=lambda layout: fake.estimator(search=search, layout=layout),
        frames=[fake.frame(number, index=number) for number in range(4)],
        counts=(1 if search == "whole" else 2, 0, 1, 0),
    )


FAMILIES: dict[str, Callable[[ModuleType], Family]] = {
    "blaze normal": lambda scenes: blaze(scenes, "normal"),
    "blaze whole": lambda scenes: blaze(scenes, "whole"),
}


@pytest.fixture(params=FAMILIES.values(), ids=FAMILIES)
def family(request: pytest.FixtureRequest, blaze_scenes: ModuleType) -> Family:
    return request.param(blaze_scenes)


def all_same(ours: Sequence[Poses], theirs: Sequence[Poses]) -> bool:
    return len(ours) == len(theirs) and all(a.allclose(b, atol=0) for a, b in zip(ours, theirs, strict=True))


def test_it_is_an_estimator(family: Family) -> None:
    assert isinstance(family.make(WHOLEBODY133), Estimator)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_keypoints_match_the_skeleton(family: Family, layout: Skeleton) -> None:
    estimator = family.make(layout)
    assert estimator.skeleton == layout
    for poses, count in zip(estimator.estimate(family.frames[:2]), family.counts[:2], strict=True):
        assert poses.skeleton == layout
        assert poses.xy.shape == (count, len(layout), 2)
        assert poses.score.shape == (count, len(layout))
        assert len(poses.boxes) == count
        assert (poses.ids == -1).all()


def test_everybody_is_found_and_nobody_is_a_normal_answer(family: Family) -> None:
    found = family.make(WHOLEBODY133).estimate(family.frames)
    assert [len(poses) for poses in found] == list(family.counts)
    assert found[1].allclose(Poses.empty(WHOLEBODY133))


def test_no_frames_no_answers(family: Family) -> None:
    assert list(family.make(WHOLEBODY133).estimate([])) == []


def test_a_batch_of_any_sizes_equals_its_singles_in_order(family: Family) -> None:
    estimator = family.make(WHOLEBODY133)
    singles = [estimator.estimate([frame])[0] for frame in family.frames]
    assert all_same(estimator.estimate(family.frames), singles)
    order = [2, 0, 3, 1, 0]
    mixed = estimator.estimate([family.frames[i] for i in order])
    assert all_same(mixed, [singles[i] for i in order])


def test_nothing_is_remembered_between_calls(family: Family) -> None:
    """Reset or not, a frame gives the same as on the first day."""
    fresh = family.make(WHOLEBODY133).estimate(family.frames[:1])
    estimator = family.make(WHOLEBODY133)
    estimator.reset()
    estimator.estimate(family.frames)
    assert all_same(estimator.estimate(family.frames[:1]), fresh)
    estimator.reset()
    estimator.reset()
    assert all_same(estimator.estimate(family.frames[:1]), fresh)


def test_scores_and_coordinates_are_in_range(family: Family) -> None:
    for frame, poses in zip(family.frames, family.make(WHOLEBODY133).estimate(family.frames), strict=True):
        assert ((poses.score >= 0) & (poses.score <= 1)).all()
        assert (np.isnan(poses.xy).all(axis=2) == (poses.score == 0)).all()
        assert (np.diff(poses.boxes.score) <= 0).all(), "best first"
        assert (poses.boxes.xyxy >= 0).all()
        assert (poses.boxes.xyxy[:, 2:] <= frame.size_wh).all()


def test_the_frame_is_left_as_it_was(family: Family) -> None:
    before = [frame.image.copy() for frame in family.frames]
    family.make(WHOLEBODY133).estimate(family.frames)
    for frame, image in zip(family.frames, before, strict=True):
        np.testing.assert_array_equal(frame.image, image)
