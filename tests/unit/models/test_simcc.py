"""SimCC models around networks that know the answer: it must come back to the right place of the right person."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from holopose.errors import ConfigError, ModelError
from holopose.models.simcc import SimccModel
from holopose.ops.laps import measuring
from holopose.protocols import KeypointModel
from holopose.runtimes.fake import FakeRuntime
from holopose.skeletons import COCO17, HAND21, WHOLEBODY133, Skeleton
from holopose.types import Boxes
from ramp_pictures import Sight, ramp_frame

Vectors = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

BOXES = Boxes(np.array([[60, 40, 160, 200], [90, 50, 210, 190], [-20, 30, 140, 230.0]]), np.array([0.9, 0.3, 0.7]))
BIN_PX = 287.5 / 512  # picture px per bin in the largest of their views, 256 px of input high


def points_of(skeleton: Skeleton, number: int = 0) -> Floats:
    """(K, 2) px that all the boxes hold."""
    return np.random.default_rng(number).uniform([100, 75], [130, 165], (len(skeleton), 2))


def bells(places: Floats, bins: int, split: float, height: float) -> Vectors:
    """(N, K, bins) with a bell around places (N, K) in input px."""
    apart = np.arange(bins) - places[..., None] * split
    return (height * np.exp(-(apart**2) / 72)).astype(np.float32)


def network(
    sight: Sight,
    input_hw: tuple[int, int] = (256, 192),
    *,
    split: float = 2.0,
    heights: tuple[float, float] = (0.8, 0.5),
    off_px: float = 0.0,
) -> FakeRuntime:
    def answer(inputs: Any) -> dict[str, Vectors]:
        places = sight.places(inputs["pixels"])
        along_x = bells(places[..., 0] + off_px, round(input_hw[1] * split), split, heights[0])
        return {"down": bells(places[..., 1], round(input_hw[0] * split), split, heights[1]), "across": along_x}

    return FakeRuntime(answer, inputs=("pixels",), outputs=("across", "down"))


def sight_of(skeleton: Skeleton, **promise: Any) -> Sight:
    return Sight([points_of(skeleton, n) for n in range(3)], skeleton.swaps, **promise)


def coco(**settings: Any) -> SimccModel:
    return SimccModel(network(sight_of(COCO17)), skeleton=COCO17, input_hw=(256, 192), **settings)


@pytest.mark.parametrize(
    ("skeleton", "input_hw"), [(COCO17, (256, 192)), (WHOLEBODY133, (384, 288)), (HAND21, (256, 256))]
)
def test_points_come_back(skeleton: Skeleton, input_hw: tuple[int, int]) -> None:
    model = SimccModel(network(sight_of(skeleton), input_hw), skeleton=skeleton, input_hw=input_hw)
    assert isinstance(model, KeypointModel)
    assert model.skeleton == skeleton
    [poses] = model.locate([ramp_frame()], [BOXES])
    apart = poses.xy - points_of(skeleton)
    assert np.abs(apart).max() < BIN_PX / 2 + 0.05, "half a bin"
    assert np.abs(apart.mean(axis=1)).max() < 0.1, "and to no side"


@pytest.mark.parametrize("split", [1.0, 3.0, 8.0])
def test_other_split_ratios(split: float) -> None:
    runtime = network(sight_of(COCO17), split=split)
    model = SimccModel(runtime, skeleton=COCO17, input_hw=(256, 192), split_ratio=split)
    [poses] = model.locate([ramp_frame()], [BOXES])
    assert np.abs(poses.xy - points_of(COCO17)).max() < BIN_PX / split + 0.05


def test_fine_bins_come_back_exactly() -> None:
    runtime = network(sight_of(COCO17), split=16.0)
    model = SimccModel(runtime, skeleton=COCO17, input_hw=(256, 192), split_ratio=16.0)
    [poses] = model.locate([ramp_frame()], [BOXES])
    assert np.abs(poses.xy - points_of(COCO17)).max() < 0.1


@pytest.mark.parametrize("bgr", [False, True])
def test_colours_as_promised(bgr: bool) -> None:
    promise: dict[str, Any] = {"mean": (103.5, 122.25, 116.5), "std": (255, 128, 64), "bgr": bgr}
    runtime = network(sight_of(COCO17, **promise))
    model = SimccModel(runtime, skeleton=COCO17, input_hw=(256, 192), **promise)
    [poses] = model.locate([ramp_frame()], [BOXES])
    assert np.abs(poses.xy - points_of(COCO17)).max() < BIN_PX / 2 + 0.05


def test_padding_is_the_view_s() -> None:
    """A bin is a smaller piece of a tighter view."""
    for padding in (1.0, 1.25, 2.0):
        [poses] = coco(padding=padding).locate([ramp_frame()], [BOXES[[0]]])
        assert np.abs(poses.xy - points_of(COCO17)).max() < 160 * padding / 512 / 2 + 0.05


# Flip test -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shift_flip", "within_bins"), [(True, 0.5), (False, 1.0)])
def test_the_mirrored_pass_is_averaged(shift_flip: bool, within_bins: float) -> None:
    model = coco(flip=True, shift_flip=shift_flip)
    [poses] = model.locate([ramp_frame()], [BOXES])
    runtime: Any = model._runtime
    assert len(runtime.calls) == 2
    assert np.abs(poses.xy - points_of(COCO17)).max() < within_bins * BIN_PX + 0.05


def test_a_network_off_to_one_side_is_right_on_average() -> None:
    """By a little, so that both bells are one hill."""
    runtime = network(sight_of(COCO17), split=8.0, off_px=0.5)
    settings: dict[str, Any] = {"skeleton": COCO17, "input_hw": (256, 192), "split_ratio": 8.0}
    plain = SimccModel(runtime, **settings).locate([ramp_frame()], [BOXES])[0].xy - points_of(COCO17)
    model = SimccModel(runtime, flip=True, shift_flip=True, **settings)
    both = model.locate([ramp_frame()], [BOXES])[0].xy - points_of(COCO17)
    assert plain[..., 0].mean() > 0.3
    assert np.abs(both).max() < 0.1


# People, frames, batches ---------------------------------------------------------------------------------------------


def scene() -> tuple[list[Any], list[Boxes]]:
    return [ramp_frame(n) for n in range(3)], [BOXES, Boxes.empty(), BOXES[[2, 0]]]


@pytest.mark.parametrize("batch", [1, 2, 32])
def test_batches_equal_singles_in_order(batch: int) -> None:
    frames, boxes = scene()
    model = coco(batch=batch)
    found = model.locate(frames, boxes)
    assert [len(poses) for poses in found] == [3, 0, 2]
    for number, (poses, some) in enumerate(zip(found, boxes, strict=True)):
        assert poses.boxes.allclose(some, atol=0)
        assert (poses.ids == -1).all()
        if len(poses):
            assert np.abs(poses.xy - points_of(COCO17, number)).max() < 0.4
        for i in range(len(some)):
            assert poses[i].allclose(model.locate([frames[number]], [some[i]])[0], atol=0)


@pytest.mark.parametrize(("batch", "sizes"), [(32, [5]), (2, [2, 2, 1])])
def test_all_people_of_all_frames_go_through_together(batch: int, sizes: list[int]) -> None:
    model = coco(batch=batch)
    model.locate(*scene())
    runtime: Any = model._runtime
    assert [call["pixels"] for call in runtime.calls] == [(n, 3, 256, 192) for n in sizes]


def test_nobody_asks_nothing() -> None:
    model = coco()
    assert model.locate([], []) == []
    [poses] = model.locate([ramp_frame()], [Boxes.empty()])
    assert poses.xy.shape == (0, 17, 2)
    runtime: Any = model._runtime
    assert runtime.calls == []


def test_stages_are_timed() -> None:
    with measuring() as seconds:
        coco(flip=True).locate(*scene())
    assert set(seconds) == {"crop", "network", "decode"}


# Scores --------------------------------------------------------------------------------------------------------------


def test_scores_by_both_rules() -> None:
    [lower] = coco().locate([ramp_frame()], [BOXES])
    [mean] = coco(score_rule="mean").locate([ramp_frame()], [BOXES])
    np.testing.assert_allclose(lower.score, 0.5, atol=0.01)
    np.testing.assert_allclose(mean.score, 0.65, atol=0.01)
    np.testing.assert_array_equal(lower.xy, mean.xy)


def test_scores_above_one_are_one_and_below_zero_missing() -> None:
    def answer(inputs: Any) -> dict[str, Vectors]:
        across, down = (np.zeros((len(inputs["x"]), 17, n), np.float32) for n in (384, 512))
        across[:, 0, 30], down[:, 0, 20] = 3, 1.5
        across[:, 1], down[:, 1] = -0.1, 2
        across[:, 2, 3] = np.nan
        return {"across": across, "down": down}

    runtime = FakeRuntime(answer, inputs=("x",), outputs=("across", "down"))
    [poses] = SimccModel(runtime, skeleton=COCO17, input_hw=(256, 192)).locate([ramp_frame()], [BOXES])
    assert (poses.score[:, 0] == 1).all()
    assert (poses.score[:, 1:] == 0).all()
    assert np.isnan(poses.xy[:, 1:]).all()
    assert not np.isnan(poses.xy[:, 0]).any()


# Mistakes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"skeleton": HAND21}, r"\(3, 17, 384\) along x; expected \(3, 21, 384\): the keypoints of hand21, 2 bins"),
        ({"split_ratio": 3.0}, r"\(3, 17, 384\) along x; expected \(3, 17, 576\).*3 bins per pixel"),
    ],
)
def test_a_network_that_does_not_fit_is_told(settings: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {"skeleton": COCO17, "input_hw": (256, 192), **settings}
    with pytest.raises(ModelError, match=words):
        SimccModel(network(sight_of(COCO17)), **given).locate([ramp_frame()], [BOXES])


def test_outputs_in_the_other_order_are_told() -> None:
    runtime = network(sight_of(COCO17))
    runtime.outputs = runtime.outputs[::-1]
    with pytest.raises(ModelError, match="along x"):
        SimccModel(runtime, skeleton=COCO17, input_hw=(256, 192)).locate([ramp_frame()], [BOXES])


def test_a_network_of_another_kind_is_told() -> None:
    with pytest.raises(ModelError, match="SimCC: expected outputs along x and along y, got output0"):
        SimccModel(FakeRuntime(lambda _: {}, outputs=("output0",)), skeleton=COCO17, input_hw=(256, 192))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"score_rule": "max"}, "score_rule: expected min or mean, got 'max'"),
        ({"batch": 0}, "batch: expected 1 or more"),
        ({"padding": -1.25}, r"padding: expected more than 0 .*got -1\.25"),
        ({"split_ratio": 0.0}, "split_ratio: expected more than 0"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        SimccModel(FakeRuntime(lambda _: {}, outputs=("x", "y")), skeleton=COCO17, input_hw=(256, 192), **settings)
