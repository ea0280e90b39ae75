"""Heatmap refinement on maps with known answers, and landmarks of any ROI where they truly are."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holopose.models.blaze.landmarks import BODY, PoseLandmarker, refine
from holopose.ops.crops import Pyramid
from holopose.ops.rois import align, transform

Floats = npt.NDArray[np.float64]
QUIET = -30.0


def maps(count: int = 1, height: int = 64, width: int = 64) -> npt.NDArray[np.float32]:
    return np.full((height, width, count), QUIET, np.float32)


def logit(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))


# Refinement ----------------------------------------------------------------------------------------------------------


def test_a_landmark_moves_to_the_only_warm_cell() -> None:
    """To its corner, column / width: there is no half-cell term."""
    heat = maps(2)
    heat[20, 30, 0] = heat[20, 30, 1] = logit(0.8)
    start = np.array([[31.9 / 64, 18.2 / 64], [30 / 64, 20 / 64]])
    fractions, peak = refine(start, heat)
    np.testing.assert_allclose(fractions, [[30 / 64, 20 / 64]] * 2, atol=1e-9)
    np.testing.assert_allclose(peak, 0.8, atol=1e-6)


def test_centre_of_mass() -> None:
    heat = maps()
    for row, column, weight in ((10, 10, 0.9), (10, 12, 0.3), (13, 10, 0.6)):
        heat[row, column] = logit(weight)
    fractions, peak = refine(np.array([[10.5, 10.5]]) / 64, heat)
    x = (0.9 * 10 + 0.3 * 12 + 0.6 * 10) / 1.8
    y = (0.9 * 10 + 0.3 * 10 + 0.6 * 13) / 1.8
    np.testing.assert_allclose(fractions[0] * 64, [x, y], atol=1e-5)
    assert peak[0] == pytest.approx(0.9)


@pytest.mark.parametrize("step", [(4, 0), (-4, 0), (0, 4), (0, -4), (4, -4)])
def test_the_window_reaches_four_cells(step: tuple[int, int]) -> None:
    for factor, moves in ((1.0, True), (1.25, False)):
        column, row = 30 + int(step[0] * factor), 30 + int(step[1] * factor)
        heat = maps()
        heat[row, column] = logit(0.9)
        fractions, peak = refine(np.array([[30.99, 30.01]]) / 64, heat)
        np.testing.assert_allclose(fractions[0] * 64, [column, row] if moves else [30.99, 30.01], atol=1e-6)
        assert (peak[0] > 0.5) == moves


@pytest.mark.parametrize(("highest", "moves"), [(0.49, False), (0.51, True)])
def test_a_landmark_moves_only_for_a_peak_of_one_half(highest: float, moves: bool) -> None:
    heat = maps()
    heat[28, 28] = logit(highest)
    fractions, peak = refine(np.array([[30.0, 30.0]]) / 64, heat)
    np.testing.assert_allclose(fractions[0] * 64, [28, 28] if moves else [30, 30], atol=1e-5)
    assert peak[0] == pytest.approx(highest, abs=1e-6)


@pytest.mark.parametrize("off", [(-0.02, 0.5), (0.5, -0.02), (1.0, 0.5), (0.5, 1.0), (7.0, -9.0), (1e6, 0.5)])
def test_off_the_map_nothing_moves_and_nothing_peaks(off: tuple[float, float]) -> None:
    fractions, peak = refine(np.array([off]), np.full((64, 64, 1), 9, np.float32))
    assert fractions.tolist() == [list(off)]
    assert peak.tolist() == [0]


def test_at_the_edge_the_window_is_clipped() -> None:
    heat = maps(1)
    heat[0, 63] = logit(0.9)
    heat[63, 0] = logit(0.99)  # not a neighbour round the corner
    fractions, _ = refine(np.array([[63.5, 0.5]]) / 64, heat)
    np.testing.assert_allclose(fractions[0] * 64, [63, 0], atol=1e-6)


def slow_refinement(fraction: Floats, heat: npt.NDArray[np.float32]) -> tuple[Floats, float]:
    """The rule for one landmark and its map, one cell at a time."""
    height, width = heat.shape
    column, row = int(fraction[0] * width), int(fraction[1] * height)
    if fraction.min() * min(width, height) <= -1 or not (0 <= column < width and 0 <= row < height):
        return fraction, 0.0
    sums, highest = np.zeros(3), 0.0
    for r in range(max(0, row - 4), min(height, row + 5)):
        for c in range(max(0, column - 4), min(width, column + 5)):
            weight = 1 / (1 + np.exp(-float(heat[r, c])))
            sums += weight * np.array([c / width, r / height, 1])
            highest = max(highest, weight)
    return (sums[:2] / sums[2] if highest >= 0.5 else fraction), highest


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.floats(-8, 2), st.sampled_from([(64, 64), (20, 33), (5, 70)]))
def test_refinement_is_the_rule(seed: int, level: float, size_hw: tuple[int, int]) -> None:
    random = np.random.default_rng(seed)
    heat = random.normal(level, 2, (*size_hw, 6)).astype(np.float32)
    fractions = random.uniform(-0.1, 1.1, (6, 2))
    refined, peak = refine(fractions, heat)
    for k in range(6):
        expected, highest = slow_refinement(fractions[k], heat[..., k])
        if abs(highest - 0.5) > 1e-5:
            np.testing.assert_allclose(refined[k], expected, atol=1e-6)
        assert peak[k] == pytest.approx(highest, abs=1e-6)


# The network in a picture --------------------------------------------------------------------------------------------


def looked(blaze_scenes: ModuleType, person: object, roi: npt.ArrayLike, levels: int = 6) -> object:
    fake = blaze_scenes.FakeBlaze(blaze_scenes.Scene([person]))
    landmarker = PoseLandmarker(fake.network("pose_landmark_full"))
    return landmarker.look(Pyramid(fake.frame().image, levels=levels), np.asarray(roi, np.float64))


@pytest.mark.parametrize("levels", [0, 6])
@pytest.mark.parametrize("turn", [0.0, 0.8, -2.0, 3.1])
@pytest.mark.parametrize("change", [(0, 0, 1.0, 0.0), (15, -10, 1.3, 0.3), (-6, 4, 1.1, -0.4)])
def test_landmarks_lie_where_they_are(
    blaze_scenes: ModuleType, levels: int, turn: float, change: tuple[float, float, float, float]
) -> None:
    """Whatever ROI shows them; also their depth, their world coordinates and the next ROI."""
    person = blaze_scenes.Figure((240, 180), 170, turn=turn)
    x, y, scale, more = change
    roi = [240 + x, 180 + y, person.side * scale, person.side * scale, turn + more]
    body = looked(blaze_scenes, person, roi, levels)
    np.testing.assert_allclose(body.xy[:35], person.xy, atol=0.75)
    np.testing.assert_allclose(body.body_xy, body.xy[:BODY])
    np.testing.assert_allclose(body.z, person.z, atol=0.2)
    np.testing.assert_allclose(body.world, person.world, atol=0.01)
    expected = transform(align(person.xy[None, 33], person.xy[None, 34], np.pi / 2), scale=1.25)[0]
    np.testing.assert_allclose(body.next_roi[:4], expected[:4], atol=4)
    np.testing.assert_allclose(body.roi, roi)


def test_evidence_is_reported_as_the_network_gives_it(blaze_scenes: ModuleType) -> None:
    evidence = np.linspace(0.1, 0.95, 33)
    person = blaze_scenes.Figure(
        (240, 180), 170, peak=evidence, visibility=evidence[::-1], presence=np.roll(evidence, 5), flag=0.42
    )
    body = looked(blaze_scenes, person, [240, 180, person.side, person.side, 0])
    np.testing.assert_allclose(body.peak, evidence, atol=0.01)
    np.testing.assert_allclose(body.visibility, evidence[::-1], atol=1e-5)
    np.testing.assert_allclose(body.presence, np.roll(evidence, 5), atol=1e-5)
    assert body.flag == pytest.approx(0.42)
    assert body.quality == pytest.approx(body.peak.mean())


def test_quality_counts_only_what_lies_in_the_picture(blaze_scenes: ModuleType) -> None:
    """Legs below the lower edge do not spoil a portrait, and legs alone hardly are a person."""
    peak = np.where(np.arange(33) < 25, 0.9, 0.1)  # nothing is seen of knees and feet
    portrait = blaze_scenes.Figure((240, 340), 260, peak=peak)
    body = looked(blaze_scenes, portrait, [240, 340, portrait.side, portrait.side, 0])
    inside = (portrait.xy[:33] < (480, 360)).all(axis=1)
    assert 20 < inside.sum() < 33
    assert body.quality == pytest.approx(0.9, abs=0.05)
    outside = blaze_scenes.Figure((240, 480), 240)  # only eyes, nose and such: less than five would not count at all
    tips = looked(blaze_scenes, outside, [240, 480, outside.side, outside.side, 0])
    assert tips.quality == 0


def test_where_nobody_is_there_is_no_quality(blaze_scenes: ModuleType) -> None:
    body = looked(blaze_scenes, blaze_scenes.Figure((100, 100), 80), [400, 250, 90, 90, 0.5])
    assert body.quality < 0.1
    assert body.flag < 0.5
