"""Associative embeddings: HigherHRNet's outputs become people in px of the picture."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from crowd_scenes import Crowd, FakeNetwork, crowd, faults, overlaps, tag_network
from holopose.errors import ConfigError, ModelError
from holopose.models.associative import AssociativeEstimator
from holopose.protocols import Estimator
from holopose.runtimes.fake import FakeRuntime
from holopose.skeletons import COCO17, CROWDPOSE14
from holopose.types import Frame, Poses

NOBODY = Crowd(np.zeros((0, 25, 2)))


def tags_of(one: Crowd, seed: int = 0, *, apart: float = 2.0) -> np.ndarray:
    """A tag for each person, in any order, a little off."""
    rng = np.random.default_rng(seed)
    return rng.permutation(len(one.xy)) * apart + rng.uniform(-0.2, 0.2, len(one.xy))


def network_of(*crowds: Crowd, apart: float = 2.0) -> FakeNetwork:
    return tag_network(crowds, COCO17, [tags_of(one, i, apart=apart) for i, one in enumerate(crowds)])


def estimated(network: FakeNetwork, **settings: object) -> Poses:
    return AssociativeEstimator(network.runtime, **settings).estimate([network.frame(0)])[0]


# Crowds --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_ten_people_who_overlap_are_told_apart(seed: int, flip: bool) -> None:
    """Keypoints of a kind at least 16 px of the picture apart, limbs anywhere: tags need no way between keypoints."""
    one = crowd(seed, apart_px=16, clear_px=0)
    assert overlaps(one) >= 8
    poses = estimated(network_of(one), flip=flip)
    assert faults(poses, one.points(COCO17), tolerance_px=2.5) == []
    assert (poses.score > 0.7).all()


@pytest.mark.parametrize("seed", range(4))
def test_people_of_whom_a_third_is_hidden_do_not_mix(seed: int) -> None:
    one = crowd(seed, apart_px=16, clear_px=0)
    xy = one.xy.copy()
    xy[np.random.default_rng(seed).random(xy.shape[:2]) < 0.33] = np.nan
    hidden = Crowd(xy)
    poses = estimated(network_of(hidden), fill=False)
    assert faults(poses, hidden.points(COCO17), tolerance_px=2.5) == []


def test_what_is_filled_in_is_looked_for_by_the_mean_tag() -> None:
    """Two sure keypoints with the tags 0 and 0.8; a third may be where the tag is 0 or, a little higher, 1.2."""
    maps = np.zeros((1, 34, 16, 16), np.float32)
    maps[0, 17:] = 9
    for keypoint, x, y, height, tag in (
        (0, 3, 3, 0.9, 0),
        (1, 8, 3, 0.9, 0.8),
        (2, 3, 10, 0.05, 0),
        (2, 8, 10, 0.06, 1.2),
    ):
        maps[0, keypoint, y, x], maps[0, 17 + keypoint, y, x] = height, tag
    runtime = FakeRuntime(lambda inputs: {"output": maps})
    [poses] = AssociativeEstimator(runtime, input_size=(64, 64)).estimate([Frame(np.zeros((64, 64, 3), np.uint8))])
    assert np.flatnonzero(poses.score[0]).tolist() == [0, 1, 2]
    assert poses.xy[0, :3].tolist() == [[12, 12], [32, 12], [12, 40]]
    assert poses.boxes.score[0] == pytest.approx(2 * 0.9 / 17)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_tells_nothing(value: float) -> None:
    network = network_of(crowd(3, 2, apart_px=60, clear_px=0))

    def damaged(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        outputs = network.runtime.run(inputs)
        return {name: np.where(np.arange(maps.shape[3]) < 4, value, maps) for name, maps in outputs.items()}

    whole = estimated(network)
    runtime = FakeRuntime(damaged, inputs=network.runtime.inputs, outputs=network.runtime.outputs)
    [poses] = AssociativeEstimator(runtime).estimate([network.frame(0)])
    assert len(poses) == len(whole) == 2
    assert poses.allclose(whole)


def test_empty_maps_are_nobody() -> None:
    for flip in (False, True):
        assert estimated(network_of(NOBODY), flip=flip).allclose(Poses.empty(COCO17))


def test_what_somebody_lacks_is_filled_where_the_tag_fits_and_counts_nothing() -> None:
    """A keypoint below the threshold, next to somebody else's that is above it."""
    one = crowd(3, 2, apart_px=60, clear_px=0)
    network = network_of(one)
    knee = COCO17.index("left_knee")

    def dim(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        answer = network.answer(inputs)
        x, y = (network.place(one.xy[0, 13], one.size_wh, inputs["input"].shape[:1:-1]) / 2).astype(int)
        low, high = (answer[name] for name in ("low", "high"))
        high[:, knee, y - 12 : y + 13, x - 12 : x + 13] *= 0.08
        low[:, knee, y // 2 - 6 : y // 2 + 7, x // 2 - 6 : x // 2 + 7] *= 0.08
        return answer

    runtime = FakeRuntime(dim, outputs=network.outputs)
    bare, filled = (AssociativeEstimator(runtime, fill=fill).estimate([network.frame(0)])[0] for fill in (False, True))
    assert np.isnan(bare["left_knee"][:, 0]).sum() == 1
    assert faults(filled, one.points(COCO17), tolerance_px=2.5) == []
    lacking = np.isnan(bare["left_knee"][:, 0])
    assert 0 < filled["left_knee"][lacking, 2][0] < 0.1
    assert filled.boxes.score == pytest.approx(bare.boxes.score)
    assert bare.boxes.score[lacking] == pytest.approx(bare.score[lacking].sum(axis=1) / 17)


def test_a_keypoint_of_which_the_network_sees_nothing_stays_missing() -> None:
    xy = crowd(3, 1).xy.copy()
    xy[0, [13, 14]] = np.nan  # left knee and ankle
    poses = estimated(network_of(Crowd(xy)))
    assert np.isnan(poses["left_knee"][0, :2]).all()
    assert ((poses.score == 0) == np.isnan(poses.xy[..., 0])).all()


# Pictures and maps ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size_wh", "shape"),
    [((656, 368), (512, 960)), ((400, 900), (1152, 512)), ((512, 512), (512, 512)), ((1500, 1400), (512, 576))],
)
def test_coordinates_are_those_of_the_picture(size_wh: tuple[int, int], shape: tuple[int, int]) -> None:
    height = 0.6 * min(size_wh)
    one = crowd(1, 2, size_wh=size_wh, height_px=(height, height), apart_px=0.1 * height, clear_px=0)
    network = network_of(one)
    poses = estimated(network)
    assert network.runtime.calls == [{"input": (1, 3, *shape)}]
    scale = min(size_wh) / 512
    assert faults(poses, one.points(COCO17), tolerance_px=3 * scale) == []
    nearest = np.argmin([[np.abs(a - b).sum() for b in one.points(COCO17)] for a in poses.xy], axis=1)
    assert np.abs((poses.xy - one.points(COCO17)[nearest]).mean(axis=(0, 1))).max() < 0.7 * scale
    assert (np.diff(poses.boxes.score) <= 0).all()
    assert poses.boxes.xyxy == pytest.approx(np.concatenate([poses.xy.min(axis=1), poses.xy.max(axis=1)], axis=1))


def test_the_picture_goes_in_as_rgb_by_imagenet_s_mean_and_deviation_in_the_middle_of_black() -> None:
    seen: list[np.ndarray] = []

    def answer(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        seen.append(inputs["input"])
        return {"m": np.zeros((1, 34, inputs["input"].shape[2] // 4, inputs["input"].shape[3] // 4), np.float32)}

    image = np.empty((512, 540, 3), np.uint8)
    image[:] = 200, 100, 50
    AssociativeEstimator(FakeRuntime(answer, outputs=["m"])).estimate([Frame(image)])
    assert seen[0].shape == (1, 3, 512, 576)
    mean, std = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
    assert seen[0][0, :, 256, 288] == pytest.approx((np.array([200, 100, 50]) - mean) / std, abs=1e-5)
    for edge in (2, 573):
        assert seen[0][0, :, 256, edge] == pytest.approx(-mean / std, abs=1e-5)


@pytest.mark.parametrize("size_wh", [(4000, 20), (1, 1), (3, 700)])
def test_pictures_of_extreme_shape_stay_small(size_wh: tuple[int, int]) -> None:
    def loud(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        count, _, height, width = inputs["input"].shape
        return {"m": np.random.default_rng(0).random((count, 34, height // 4, width // 4), np.float32)}

    runtime = FakeRuntime(loud, outputs=["m"])
    image = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    (poses,) = AssociativeEstimator(runtime, input_size=64).estimate([Frame(image)])
    assert len(poses) > 0
    assert (poses.boxes.xyxy <= [*size_wh, *size_wh]).all()
    assert max(runtime.calls[0]["input"][2:]) <= 8 * 64


def test_a_network_of_one_size_gets_that_size() -> None:
    one = crowd(0, 3)
    network = network_of(one)
    poses = estimated(network, input_size=(512, 768))
    assert network.runtime.calls == [{"input": (1, 3, 512, 768)}]
    assert faults(poses, one.points(COCO17), tolerance_px=3) == []


def test_peaks_half_a_pixel_off_are_put_right() -> None:
    """As HigherHRNet's own networks are trained: the pixel above and left of the keypoint."""
    one = crowd(2, 3)
    plain, shifted = (estimated(network_of(one), cell=cell) for cell in (0.0, 0.5))
    assert shifted.xy - plain.xy == pytest.approx(np.full(plain.xy.shape, 0.5 * 2 * 368 / 512), abs=1e-3)


def test_one_resolution_will_do() -> None:
    one = crowd(0, 4)
    network = network_of(one)
    low = FakeRuntime(lambda inputs: {"low": network.answer(inputs)["low"]}, outputs=["low"])
    (poses,) = AssociativeEstimator(low).estimate([network.frame(0)])
    assert faults(poses, one.points(COCO17), tolerance_px=4) == []


def test_maps_of_another_layout_are_refused() -> None:
    network = network_of(crowd(0, 1))
    with pytest.raises(ModelError, match=r"crowdpose14: expected one output of 28 maps .*got \(34, 128, "):
        estimated(network, skeleton=CROWDPOSE14)


def test_frames_of_one_size_go_through_together_and_answers_stay_in_order() -> None:
    network = network_of(crowd(0, 3), NOBODY, crowd(1, 2, size_wh=(500, 368)), crowd(2, 4))
    for flip in (False, True):
        network.runtime.calls.clear()
        estimator = AssociativeEstimator(network.runtime, flip=flip)
        assert isinstance(estimator, Estimator)
        together = estimator.estimate([network.frame(i) for i in (3, 2, 1, 0)])
        assert [len(poses) for poses in together] == [4, 2, 0, 3]
        assert sorted(call["input"][0] for call in network.runtime.calls) == ([2, 6] if flip else [1, 3])
        alone = [estimator.estimate([network.frame(i)])[0] for i in (3, 2, 1, 0)]
        assert all(a.allclose(b, atol=0) for a, b in zip(together, alone, strict=True))
        assert estimator.estimate([]) == []


def test_keypoints_are_visited_head_and_trunk_first() -> None:
    """The order of the published configuration for COCO: face, shoulders, hips, then arms and legs outwards."""
    estimator = AssociativeEstimator(FakeRuntime(dict))
    assert estimator._order == [0, 1, 2, 3, 4, 5, 6, 11, 12, 7, 8, 9, 10, 13, 14, 15, 16]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"input_size": 500}, "input_size: expected a multiple of 64"),
        ({"input_size": (512, 0)}, "input_size: expected a multiple of 64"),
        ({"input_size": (512, 512, 512)}, "input_size: expected a multiple of 64"),
        ({"threshold": -1}, "expected a threshold of 0 or more"),
        ({"tag_distance": 0}, "a tag distance above 0"),
        ({"candidates": 0}, "at least one candidate"),
    ],
)
def test_settings_without_meaning(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        AssociativeEstimator(FakeRuntime(dict), **settings)
