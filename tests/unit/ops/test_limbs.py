"""Limbs: the published pairs and channels, written out here a second time."""

from __future__ import annotations

import numpy as np
import pytest

from holopose.errors import ConfigError
from holopose.ops.limbs import limbs_of
from holopose.skeletons import COCO17, OPENPOSE18, OPENPOSE25, Skeleton

# First keypoint, second keypoint, channels of x and y.
BODY_25 = [
    (1, 8, 0, 1), (1, 2, 14, 15), (1, 5, 22, 23), (2, 3, 16, 17), (3, 4, 18, 19), (5, 6, 24, 25), (6, 7, 26, 27),
    (8, 9, 6, 7), (9, 10, 2, 3), (10, 11, 4, 5), (8, 12, 8, 9), (12, 13, 10, 11), (13, 14, 12, 13), (1, 0, 30, 31),
    (0, 15, 32, 33), (15, 17, 36, 37), (0, 16, 34, 35), (16, 18, 38, 39), (2, 17, 20, 21), (5, 18, 28, 29),
    (14, 19, 40, 41), (19, 20, 42, 43), (14, 21, 44, 45), (11, 22, 46, 47), (22, 23, 48, 49), (11, 24, 50, 51),
]  # fmt: skip
COCO_18 = [
    (1, 2, 12, 13), (1, 5, 20, 21), (2, 3, 14, 15), (3, 4, 16, 17), (5, 6, 22, 23), (6, 7, 24, 25), (1, 8, 0, 1),
    (8, 9, 2, 3), (9, 10, 4, 5), (1, 11, 6, 7), (11, 12, 8, 9), (12, 13, 10, 11), (1, 0, 28, 29), (0, 14, 30, 31),
    (14, 16, 34, 35), (0, 15, 32, 33), (15, 17, 36, 37), (2, 16, 18, 19), (5, 17, 26, 27),
]  # fmt: skip


@pytest.mark.parametrize(("skeleton", "published"), [(OPENPOSE25, BODY_25), (OPENPOSE18, COCO_18)])
def test_pairs_and_channels(skeleton: Skeleton, published: list[tuple[int, ...]]) -> None:
    limbs = limbs_of(skeleton)
    assert np.column_stack([limbs.ends, limbs.channels]).tolist() == [list(row) for row in published]
    assert sorted(limbs.channels.ravel().tolist()) == list(range(2 * len(published)))


@pytest.mark.parametrize("skeleton", [OPENPOSE25, OPENPOSE18])
def test_without_extra_limbs_a_body_is_a_tree(skeleton: Skeleton) -> None:
    """Which is why people can be put together limb by limb: every keypoint is reached once, from a limb before."""
    limbs = limbs_of(skeleton)
    reached = {skeleton.index("neck")}
    for first, second in limbs.ends[~limbs.extra].tolist():
        assert first in reached
        assert second not in reached
        reached.add(second)
    assert len(reached) == len(skeleton)


@pytest.mark.parametrize("skeleton", [OPENPOSE25, OPENPOSE18])
def test_extra_limbs_join_ears_and_shoulders_of_one_side(skeleton: Skeleton) -> None:
    limbs = limbs_of(skeleton)
    names = [[skeleton.keypoints[end] for end in ends] for ends in limbs.ends[limbs.extra]]
    assert names == [["right_shoulder", "right_ear"], ["left_shoulder", "left_ear"]]


def test_only_feet_are_minor() -> None:
    assert [OPENPOSE25.keypoints[i] for i in np.flatnonzero(limbs_of(OPENPOSE25).minor)] == [
        *("left_big_toe", "left_small_toe", "left_heel"),
        *("right_big_toe", "right_small_toe", "right_heel"),
    ]
    assert not limbs_of(OPENPOSE18).minor.any()


def test_other_layouts_have_none() -> None:
    with pytest.raises(ConfigError, match=r"expected openpose18 or openpose25, whose limbs have .* got coco17"):
        limbs_of(COCO17)
