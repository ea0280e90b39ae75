"""Heatmap models around networks that know the answer: it must come back to the right place of the right person."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from holopose.errors import ConfigError, ModelError
from holopose.models.heatmap import HeatmapModel
from holopose.ops.laps import measuring
from holopose.protocols import KeypointModel
from holopose.runtimes.fake import FakeRuntime
from holopose.skeletons import COCO17, HAND21, WHOLEBODY133, Skeleton
from holopose.types import Boxes
from ramp_pictures import Sight, ramp_frame

Maps = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

BOXES = Boxes(np.array([[60, 40, 160, 200], [90, 50, 210, 190], [-20, 30, 140, 230.0]]), np.array([0.9, 0.3, 0.7]))
INPUT_HW = (256, 192)


def points_of(skeleton: Skeleton, number: int = 0) -> Floats:
    """(K, 2) px that all the boxes hold."""
    return np.random.default_rng(number).uniform([100, 75], [130, 165], (len(skeleton), 2))


def draw(places: Floats, *, udp: bool, kind: str, peak: float, input_hw: tuple[int, int]) -> Maps:
    """Maps at a quarter of the input, as networks of that kind give them, of places (N, K, 2) in input px."""
    height, width = input_hw[0] // 4, input_hw[1] // 4
    at = places * ((width - 1) / (input_hw[1] - 1), (height - 1) / (input_hw[0] - 1)) if udp else places / 4
    rows, columns = np.indices((height, width))
    log = -((columns - at[..., 0, None, None]) ** 2 + (rows - at[..., 1, None, None]) ** 2) / 8
    if kind == "log":
        return log.astype(np.float32)
    maps = peak * np.exp(log)
    if kind == "logit":
        maps = np.clip(maps, 1e-12, 0.999)
        maps = np.log(maps) - np.log1p(-maps)
    return maps.astype(np.float32)


def network(
    sight: Sight,
    *,
    udp: bool = False,
    kind: str = "gaussian",
    peak: float = 0.8,
    input_hw: tuple[int, int] = INPUT_HW,
    logits_from: int | None = None,
) -> FakeRuntime:
    """A network that sees; from a keypoint on it answers with logits."""

    def answer(inputs: Any) -> dict[str, Maps]:
        places = sight.places(inputs["pixels"])
        maps = draw(places, udp=udp, kind=kind, peak=peak, input_hw=input_hw)
        if logits_from is not None:
            rest = draw(places[:, logits_from:], udp=udp, kind="logit", peak=peak, input_hw=input_hw)
            maps[:, logits_from:] = rest
        return {"maps": maps}

    return FakeRuntime(answer, inputs=("pixels",), outputs=("maps", "unused"))


def coco(decoder: str = "dark", **settings: Any) -> HeatmapModel:
    udp = settings.get("udp", False)
    kind = {"integral": "log", "symmetric-integral": "logit"}.get(decoder, "gaussian")
    sight = Sight([points_of(COCO17, n) for n in range(3)], COCO17.swaps)
    runtime = network(sight, udp=udp, kind=kind, peak=settings.pop("peak", 0.8))
    return HeatmapModel(runtime, skeleton=COCO17, input_hw=INPUT_HW, decoder=decoder, **settings)  # type: ignore[arg-type]


# Where points come back to --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flip", [False, True], ids=["", "flip"])
@pytest.mark.parametrize(
    ("decoder", "udp", "within_px"),
    [
        ("dark", False, 0.1),
        ("udp", True, 0.1),
        ("dark", True, 0.1),
        ("integral", False, 0.1),
        ("symmetric-integral", False, 0.1),
        ("quarter", False, 1.3),  # the largest view has 4.2 px per heatmap px, of which a quarter and a little
        ("quarter", True, 1.3),
        ("argmax", False, 2.3),
        ("argmax", True, 2.3),
    ],
)
def test_points_come_back(decoder: str, udp: bool, within_px: float, flip: bool) -> None:
    model = coco(decoder, udp=udp, flip=flip, shift_flip=not udp)
    assert isinstance(model, KeypointModel)
    assert model.skeleton == COCO17
    [poses] = model.locate([ramp_frame()], [BOXES])
    if flip and not udp:
        within_px += 0.6  # plain maps of both passes meet but for 1/4 px of the heatmap, of which the mean has half
    assert np.abs(poses.xy - points_of(COCO17)).max() < within_px
    assert poses.score.min() > 0.7


@pytest.mark.parametrize("udp", [False, True])
def test_the_largest_views_are_no_less_right(udp: bool) -> None:
    """A heatmap pixel off by a half in the way back would be 2 px here."""
    for decoder in ("dark", "udp") if udp else ("dark",):
        [poses] = coco(decoder, udp=udp, padding=1.0).locate([ramp_frame()], [Boxes([[0, 0, 250, 240]], [1])])
        assert np.abs(poses.xy - points_of(COCO17)).max() < 0.1


@pytest.mark.parametrize("skeleton", [WHOLEBODY133, COCO17])
def test_combined_reads_face_and_hands_by_their_mass(skeleton: Skeleton) -> None:
    sight = Sight([points_of(skeleton)], skeleton.swaps)
    regressed = 23 if skeleton is WHOLEBODY133 else None
    runtime = network(sight, logits_from=regressed)
    model = HeatmapModel(runtime, skeleton=skeleton, input_hw=INPUT_HW, decoder="combined")
    [poses] = model.locate([ramp_frame()], [BOXES])
    apart = np.abs(poses.xy - points_of(skeleton))
    assert 0.2 < apart[:, :23].max() < 1.3
    if regressed:
        assert apart[:, 23:].max() < 0.1
    assert poses.score.min() > 0.7


def test_stretched_views() -> None:
    """A crop without padding or care for its shape, as some demos cut it."""
    [poses] = coco("dark", padding=1.0, keep_aspect=False).locate([ramp_frame()], [Boxes([[40, 40, 220, 190]], [1])])
    assert np.abs(poses.xy - points_of(COCO17)).max() < 0.1


@pytest.mark.parametrize("bgr", [False, True])
def test_colours_as_promised(bgr: bool) -> None:
    promise: dict[str, Any] = {"mean": (103.5, 122.25, 116.5), "std": (255, 128, 64), "bgr": bgr}
    runtime = network(Sight([points_of(COCO17)], COCO17.swaps, **promise))
    model = HeatmapModel(runtime, skeleton=COCO17, input_hw=INPUT_HW, decoder="dark", **promise)
    [poses] = model.locate([ramp_frame()], [BOXES])
    assert np.abs(poses.xy - points_of(COCO17)).max() < 0.1


def test_a_square_hand() -> None:
    sight = Sight([points_of(HAND21)], HAND21.swaps)
    runtime = network(sight, input_hw=(224, 224))
    model = HeatmapModel(runtime, skeleton=HAND21, input_hw=(224, 224), decoder="dark")
    [poses] = model.locate([ramp_frame()], [BOXES])
    assert np.abs(poses.xy - points_of(HAND21)).max() < 0.1


# Flip test -----------------------------------------------------------------------------------------------------------


def test_the_mirrored_pass_is_averaged_and_not_replaced() -> None:
    """A network that is off by 4 px of its input to one side is right on the mean of both passes."""
    points = points_of(COCO17)
    sight = Sight([points], COCO17.swaps)

    def answer(inputs: Any) -> dict[str, Maps]:
        places = sight.places(inputs["x"]) + np.array([4, 0])
        return {"maps": draw(places, udp=True, kind="gaussian", peak=1, input_hw=INPUT_HW)}

    runtime = FakeRuntime(answer, inputs=("x",), outputs=("maps",))
    settings: dict[str, Any] = {"skeleton": COCO17, "input_hw": INPUT_HW, "decoder": "udp", "udp": True}
    frames, boxes = [ramp_frame()], [BOXES]
    plain = HeatmapModel(runtime, **settings).locate(frames, boxes)[0].xy - points
    both = HeatmapModel(runtime, flip=True, **settings).locate(frames, boxes)[0].xy - points
    assert len(runtime.calls) == 3
    view_px = 200 / 256  # the smallest view is so high, per input px
    assert plain[..., 0].min() > 4 * view_px - 0.1
    assert np.abs(both).max() < 0.1


# People, frames, batches ---------------------------------------------------------------------------------------------


def scene() -> tuple[list[Any], list[Boxes]]:
    return [ramp_frame(n) for n in range(3)], [BOXES, Boxes.empty(), BOXES[[2, 0]]]


@pytest.mark.parametrize("batch", [1, 2, 3, 32])
def test_batches_equal_singles_in_order(batch: int) -> None:
    frames, boxes = scene()
    model = coco("udp", udp=True, batch=batch)
    found = model.locate(frames, boxes)
    assert [len(poses) for poses in found] == [3, 0, 2]
    for number, (poses, some) in enumerate(zip(found, boxes, strict=True)):
        assert poses.boxes.allclose(some, atol=0)
        assert (poses.ids == -1).all()
        assert poses.skeleton is COCO17
        if len(poses):
            assert np.abs(poses.xy - points_of(COCO17, number)).max() < 0.1
        singles = [model.locate([frames[number]], [some[i]])[0] for i in range(len(some))]
        for i, single in enumerate(singles):
            assert poses[i].allclose(single, atol=0)


@pytest.mark.parametrize(("batch", "sizes"), [(32, [5]), (2, [2, 2, 1]), (5, [5])])
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
    maps, views = model.heatmaps(ramp_frame(), Boxes.empty())
    assert (maps.shape[:2], views.shape) == ((0, 17), (0, 4))
    runtime: Any = model._runtime
    assert runtime.calls == []


def test_stages_are_timed() -> None:
    with measuring() as seconds:
        coco(flip=True).locate(*scene())
    assert set(seconds) == {"crop", "network", "decode"}


# Scores --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("decoder", "height"), [("dark", 0.6), ("udp", 0.6), ("symmetric-integral", 0.6)])
def test_scores_are_the_peaks(decoder: str, height: float) -> None:
    [poses] = coco(decoder, peak=height).locate([ramp_frame()], [BOXES])
    assert ((poses.score <= height + 1e-6) & (poses.score > 0.9 * height)).all()


def test_scores_above_one_are_one_and_below_zero_missing() -> None:
    def answer(inputs: Any) -> dict[str, Maps]:
        maps = np.zeros((len(inputs["x"]), 17, 64, 48), np.float32)
        maps[:, 0, 30, 20] = 1.7
        maps[:, 1] = -0.1
        maps[:, 2, 3, 3] = np.nan
        return {"y": maps}

    runtime = FakeRuntime(answer, inputs=("x",), outputs=("y",))
    for decoder in ("argmax", "quarter", "dark", "udp", "combined"):
        model = HeatmapModel(runtime, skeleton=COCO17, input_hw=INPUT_HW, decoder=decoder)  # type: ignore[arg-type]
        [poses] = model.locate([ramp_frame()], [BOXES])
        assert (poses.score[:, 0] == 1).all()
        assert not np.isnan(poses.xy[:, 0]).any()
        assert (poses.score[:, 1:] == 0).all()
        assert np.isnan(poses.xy[:, 1:]).all()


@pytest.mark.parametrize("stride", [4, 8])
def test_maps_whose_targets_lie_in_the_middle_of_cells(stride: int) -> None:
    at = points_of(COCO17)
    height, width = INPUT_HW[0] // stride, INPUT_HW[1] // stride

    def answer(inputs: Any) -> dict[str, Maps]:
        rows, columns = np.indices((height, width)) * stride + (stride - 1) / 2  # of each cell's middle, input px
        square = (columns - at[:, 0, None, None]) ** 2 + (rows - at[:, 1, None, None]) ** 2
        return {"output": np.exp(-square / (2 * (2 * stride) ** 2))[None].astype(np.float32)}

    model = HeatmapModel(
        FakeRuntime(answer),
        skeleton=COCO17,
        input_hw=INPUT_HW,
        decoder="dark",
        padding=1.0,
        cell=(stride - 1) / (2 * stride),
    )
    [poses] = model.locate([ramp_frame()], [Boxes([[0, 0, 192, 256]], [1])])  # a picture px is an input px
    assert np.abs(poses.xy - at).max() < 0.1


# Maps for looking at -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("udp", [False, True])
def test_maps_lie_where_they_say(udp: bool) -> None:
    model = coco(udp=udp, batch=2)
    maps, views = model.heatmaps(ramp_frame(1), BOXES)
    assert maps.shape == (3, 17, 64, 48)
    assert maps.dtype == np.float32
    row, column = np.divmod(maps.reshape(3, 17, -1).argmax(axis=2), 48)
    places = model.to_picture(np.stack([column, row], axis=2), views, (64, 48))
    assert np.abs(places - points_of(COCO17, 1)).max() < 2.3
    middle = np.tile([[[(48 - udp) / 2, (64 - udp) / 2]]], (3, 1, 1))
    np.testing.assert_allclose(model.to_picture(middle, views, (64, 48))[:, 0], views[:, :2], rtol=1e-6)


# Mistakes ------------------------------------------------------------------------------------------------------------


def test_a_network_of_another_skeleton_is_told() -> None:
    sight = Sight([points_of(COCO17)], COCO17.swaps)
    model = HeatmapModel(network(sight), skeleton=HAND21, input_hw=INPUT_HW)
    with pytest.raises(ModelError, match=r"shape \(3, 17, 64, 48\); expected 3 times 21 heatmaps.*hand21"):
        model.locate([ramp_frame()], [BOXES])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"decoder": "best"}, "decoder: expected argmax, quarter, dark.*got 'best'"),
        ({"kernel": 10}, "kernel: expected an odd number"),
        ({"batch": 0}, "batch: expected 1 or more"),
        ({"padding": 0.0}, r"padding: expected more than 0 .*got 0\.0"),
        ({"padding": float("inf")}, "padding: expected more than 0"),
        ({"sigma": -1.0}, r"sigma: expected heatmap pixels, .*got -1\.0"),
        ({"sigma": float("nan")}, "sigma: expected heatmap pixels"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        HeatmapModel(FakeRuntime(lambda _: {}), skeleton=COCO17, input_hw=INPUT_HW, **settings)
