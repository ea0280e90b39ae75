"""Evidence for exchanged sides: which keypoints go together, and what a frame says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from holopose.skeletons import COCO17, HAND21, LAYOUTS, WHOLEBODY133
from holopose.smoothing.sides import UNITS, SideTracks, side_layout
from holopose.types import PoseSequence

Walk = Callable[..., PoseSequence]


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_sided_keypoint_belongs_to_one_unit_with_its_mirror_image(name: str) -> None:
    skeleton = LAYOUTS[name]
    members = side_layout(skeleton).members
    sided = np.array([mirror != k for k, mirror in enumerate(skeleton.swaps)])
    np.testing.assert_array_equal(members.sum(axis=0), sided)
    np.testing.assert_array_equal(members, members[:, list(skeleton.swaps)])


def test_limbs_take_their_hands_and_feet_along() -> None:
    members = dict(zip(UNITS, side_layout(WHOLEBODY133).members, strict=True))
    named = {unit: {WHOLEBODY133.keypoints[k] for k in np.flatnonzero(row)} for unit, row in members.items()}
    assert {"left_knee", "right_ankle", "left_big_toe", "right_heel"} <= named["legs"]
    assert {"left_elbow", "right_wrist", "left_hand_pinky_4", "right_hand_wrist"} <= named["arms"]
    assert named["hips"] == {"left_hip", "right_hip"}
    assert named["shoulders"] == {"left_shoulder", "right_shoulder"}
    assert {"left_eye", "right_ear", "face_0", "face_16"} <= named["head"]
    assert "nose" not in set().union(*named.values())


def test_a_limb_counts_as_two_joints_at_most() -> None:
    for skeleton in (COCO17, WHOLEBODY133):
        layout = side_layout(skeleton)
        assert layout.weight.sum(axis=0).max() <= 2
        np.testing.assert_array_equal((layout.weight > 0).sum(axis=1), 1)
    assert len(side_layout(HAND21).left) == 0


def margins(sequence: PoseSequence) -> np.ndarray:
    tracks = SideTracks(sequence.skeleton, caution=6.0, relapse=8.0)
    tracks.take(np.full(sequence.xy.shape[1], -1))
    return np.stack(
        [
            tracks.step(xy, score, float(t)).margin
            for xy, score, t in zip(sequence.xy, sequence.score, sequence.time_s, strict=True)
        ]
    )


def test_the_reading_as_labelled_is_the_cheaper_one_for_a_walker(walk: Walk) -> None:
    margin = margins(walk(4, people=2))
    assert margin.shape == (100, 2, 5)
    assert (margin > 0).all()
    assert np.median(margin[10:, :, UNITS.index("legs")]) > 8


def test_mirroring_the_picture_and_the_names_says_the_same(walk: Walk, swap: Callable[..., tuple]) -> None:
    wrong, _ = swap(walk(3), ["legs", "arms"], [(30, 40)])
    flipped = np.array(wrong.xy)[:, :, list(WHOLEBODY133.swaps)]
    flipped[..., 0] = 1279 - flipped[..., 0]
    mirrored = PoseSequence(flipped, wrong.score, wrong.ids, wrong.time_s, WHOLEBODY133)
    np.testing.assert_allclose(margins(mirrored), margins(wrong), atol=1e-3)


def test_nothing_to_see_is_no_evidence() -> None:
    tracks = SideTracks(COCO17, caution=6.0, relapse=8.0)
    tracks.take(np.array([-1]))
    for i in range(5):
        reading = tracks.step(np.full((1, 17, 2), np.nan, np.float32), np.zeros((1, 17), np.float32), i / 25)
        assert not reading.moved.any()
        assert not reading.swapped.any()
    assert tracks.ends().shape == (1, 5, 2)
