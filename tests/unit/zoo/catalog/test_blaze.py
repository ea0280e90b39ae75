"""The cards of the embedded default."""

from __future__ import annotations

from holopose.zoo.catalog import BLAZE


def test_inputs_are_those_of_mediapipe():
    symmetric = {"pose_detection", "face_detection_short_range", "face_detection_full_range_sparse"}
    assert {card.name for card in BLAZE if card.input_range == (-1, 1)} == symmetric
    sides = {card.name: card.input_hwc[0] for card in BLAZE}
    assert (sides["pose_detection"], sides["pose_landmark_full"], sides["face_detection_short_range"]) == (
        224, 256, 128
    )  # fmt: skip


def test_the_family_is_the_class_itself():
    from holopose.models.blaze import estimator

    assert {card.family() for card in BLAZE} == {estimator.BlazeEstimator}
