"""Mistakes other tools made, kept from coming here: by the name of the mistake."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from holopose.protocols import Filter
from holopose.smoothing.anatomy import AnatomyFilter
from holopose.smoothing.clip import smooth_clip
from holopose.smoothing.kalman import KalmanFilter
from holopose.smoothing.offline import METHODS
from holopose.smoothing.one_euro import OneEuroFilter
from holopose.smoothing.swaps import SwapFilter
from holopose.types import FrameInfo, Poses, PoseSequence

Frames = list[tuple[FrameInfo, Poses]]
Apply = Callable[[Frames], Frames]


def live(make: Callable[[], Filter]) -> Apply:
    def apply(frames: Frames) -> Frames:
        part = make()
        return [(info, part.apply(poses, info.time_s or 0.0)) for info, poses in frames]

    return apply


SMOOTHERS: dict[str, Apply] = {
    "one-euro": live(OneEuroFilter),
    "mediapipe": live(OneEuroFilter.mediapipe),
    "kalman": live(KalmanFilter),
    **{method: lambda frames, method=method: smooth_clip(frames, method) for method in METHODS},  # type: ignore[misc]
}
FILTERS: dict[str, Apply] = {
    **SMOOTHERS,
    "swaps": live(lambda: SwapFilter(fix=True)),
    "anatomy": live(AnatomyFilter),
}


@pytest.mark.parametrize("name", SMOOTHERS)
def test_smoothing_stays_on_with_several_people(
    name: str, walk: Callable[..., PoseSequence], frames_of: Callable[[PoseSequence], Frames]
) -> None:
    """MediaPipe switches its smoothing off when more than one pose is allowed."""
    trembling = walk(2, people=4, standing=True)
    steady = np.stack([poses.xy for _, poses in SMOOTHERS[name](frames_of(trembling))])
    body = np.arange(23)  # MediaPipe's own parameters leave hands and face alone
    for person in range(4):
        raw, smooth = (np.diff(xy[:, person, body], n=2, axis=0).std() for xy in (trembling.xy, steady))
        assert smooth < 0.8 * raw


@pytest.mark.parametrize("name", FILTERS)
def test_low_scores_cost_nobody_coordinates_or_scores(
    name: str, walk: Callable[..., PoseSequence], frames_of: Callable[[PoseSequence], Frames]
) -> None:
    """Ultralytics overwrites the coordinates of unsure keypoints with 0."""
    sequence = walk(1, people=2)
    score = np.random.default_rng(0).uniform(0, 1, sequence.score.shape)
    score[..., ::3] = 0.0
    frames = frames_of(PoseSequence(sequence.xy, score, sequence.ids, sequence.time_s, sequence.skeleton))
    for (_, before), (_, after) in zip(frames, FILTERS[name](frames), strict=True):
        np.testing.assert_array_equal(after.score, before.score)
        assert not np.isnan(after.xy).any()
        assert (np.abs(after.xy - before.xy) < 60).all()  # of somebody of 400 px: near where they were, not at (0, 0)


@pytest.mark.parametrize("name", SMOOTHERS)
def test_a_new_identity_is_not_smoothed_with_the_last_one(
    name: str, walk: Callable[..., PoseSequence], frames_of: Callable[[PoseSequence], Frames]
) -> None:
    """Mixed identities ruin smoothing: what somebody else did before has no influence."""
    frames = frames_of(walk(1))
    half = len(frames) // 2
    handed = [
        (info, poses.replace(ids=np.array([8]), xy=poses.xy + 500) if i >= half else poses)
        for i, (info, poses) in enumerate(frames)
    ]
    whole, second = SMOOTHERS[name](handed), SMOOTHERS[name](handed[half:])
    for (_, together), (_, alone) in zip(whole[half:], second, strict=True):
        np.testing.assert_allclose(together.xy, alone.xy, atol=1e-3)
