"""OpenPose: from pictures of any size to people in their pixels, whatever the outputs' form; and hands."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from crowd_scenes import Crowd, FakeNetwork, crowd, faults, openpose_network
from holopose.errors import ConfigError, ModelError
from holopose.models.openpose import OpenPoseEstimator, hand_squares
from holopose.protocols import Estimator
from holopose.runtimes.fake import FakeRuntime
from holopose.skeletons import COCO17, OPENPOSE18, OPENPOSE25, OPENPOSE60, OPENPOSE67, Skeleton
from holopose.types import Frame, Poses

BODIES = [OPENPOSE18, OPENPOSE25]
NOBODY = Crowd(np.zeros((0, 25, 2)))


def estimated(network: FakeNetwork, skeleton: Skeleton, number: int = 0, **settings: object) -> Poses:
    return OpenPoseEstimator(network.runtime, skeleton=skeleton, **settings).estimate([network.frame(number)])[0]


# Crowds --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("variant", "ranking"), [("cpp", "limbs"), ("cpp", "global"), ("port", "limbs")])
@pytest.mark.parametrize("skeleton", BODIES, ids=lambda s: s.name)
def test_ten_people_who_overlap_are_told_apart(skeleton: Skeleton, variant: str, ranking: str) -> None:
    """Keypoints of a kind at least three map cells apart, limb ends two cells from others' limbs; limbs cross."""
    crowds = [crowd(seed) for seed in range(5)]
    network = openpose_network(crowds, skeleton)
    estimator = OpenPoseEstimator(network.runtime, skeleton=skeleton, variant=variant, ranking=ranking)
    for one, poses in zip(crowds, estimator.estimate([network.frame(i) for i in range(5)]), strict=True):
        assert faults(poses, one.points(skeleton), tolerance_px=3) == []
        assert ((poses.score > 0.6) & (poses.score <= 1)).all()


@pytest.mark.parametrize("skeleton", BODIES, ids=lambda s: s.name)
def test_people_with_hidden_limbs_keep_the_rest(skeleton: Skeleton) -> None:
    one = crowd(3, 6)
    xy = one.xy.copy()
    hidden = ["left_knee", "left_ankle", "left_big_toe", "left_small_toe", "left_heel"]
    xy[0, [OPENPOSE25.index(name) for name in hidden]] = np.nan
    xy[1, [OPENPOSE25.index(name) for name in ("right_elbow", "right_wrist", "left_ear")]] = np.nan
    crowds = [Crowd(xy)]
    poses = estimated(openpose_network(crowds, skeleton), skeleton)
    assert faults(poses, crowds[0].points(skeleton), tolerance_px=3) == []
    assert ((poses.score == 0) == np.isnan(poses.xy[..., 0])).all()


def test_a_head_whose_neck_is_hidden_is_held_by_an_ear_or_is_nobody() -> None:
    """Nose to neck is not there; the ear still hangs on its shoulder, which joins head and body."""
    one = crowd(5, 1, height_px=(230, 250))
    network = openpose_network([one], OPENPOSE25)

    def cut(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        answer = network.answer(inputs)
        answer["paf"][:, 30:32] = 0  # neck to nose
        return answer

    runtime = FakeRuntime(cut, outputs=network.outputs)
    (poses,) = OpenPoseEstimator(runtime, skeleton=OPENPOSE25).estimate([network.frame(0)])
    assert faults(poses, one.points(OPENPOSE25), tolerance_px=3) == []


@pytest.mark.parametrize("variant", ["cpp", "port"])
def test_empty_maps_are_nobody(variant: str) -> None:
    network = openpose_network([NOBODY], OPENPOSE18)
    assert estimated(network, OPENPOSE18, variant=variant).allclose(Poses.empty(OPENPOSE18))
    noisy = FakeRuntime(lambda x: {"m": np.full((len(x["input"]), 78, 46, 46), 0.04, np.float32)}, outputs=["m"])
    (poses,) = OpenPoseEstimator(noisy, variant=variant).estimate([Frame(np.zeros((368, 368, 3), np.uint8))])
    assert len(poses) == 0


def test_people_come_best_first_with_the_mean_of_their_keypoints_and_tight_boxes() -> None:
    poses = estimated(openpose_network([crowd(1)], OPENPOSE25), OPENPOSE25)
    assert poses.boxes.score == pytest.approx(poses.score.mean(axis=1), abs=1e-6)
    assert (np.diff(poses.boxes.score) <= 0).all()
    assert poses.boxes.xyxy == pytest.approx(np.concatenate([poses.xy.min(axis=1), poses.xy.max(axis=1)], axis=1))


def test_believing_more_finds_who_is_faint() -> None:
    network = openpose_network([crowd(2, 4)], OPENPOSE25)

    def faint(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: maps * 0.15 for name, maps in network.answer(inputs).items()}

    runtime = FakeRuntime(faint, outputs=network.outputs)
    counts = [
        len(OpenPoseEstimator(runtime, positive=positive).estimate([network.frame(0)])[0]) for positive in (False, True)
    ]
    assert counts == [0, 4]


# Pictures and maps ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size_wh", [(1280, 720), (200, 150), (300, 500), (368, 368), (901, 403)])
def test_coordinates_are_those_of_the_picture(size_wh: tuple[int, int]) -> None:
    height = 0.6 * min(size_wh[1], 1.5 * size_wh[0])
    one = crowd(0, 1, size_wh=size_wh, height_px=(height, height), margin_px=0.04 * size_wh[1])
    network = openpose_network([one], OPENPOSE25)
    poses = estimated(network, OPENPOSE25)
    off = np.linalg.norm(poses.xy - one.points(OPENPOSE25), axis=2)
    assert off.max() < 3 * size_wh[1] / 368
    bias = (poses.xy - one.points(OPENPOSE25)).mean(axis=(0, 1))
    assert np.abs(bias).max() < 0.5 * max(size_wh[1] / 368, 1)
    (call,) = network.runtime.calls
    width = -(-size_wh[0] * 368 // (size_wh[1] * 16)) * 16
    assert call["input"] == (1, 3, 368, width)


def test_the_picture_goes_in_as_bgr_in_256ths_less_a_half_padded_with_nought() -> None:
    seen: list[np.ndarray] = []

    def answer(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        seen.append(inputs["input"])
        return {"m": np.zeros((1, 78, inputs["input"].shape[2] // 8, inputs["input"].shape[3] // 8), np.float32)}

    image = np.empty((368, 360, 3), np.uint8)
    image[:] = 255, 128, 0
    estimator = OpenPoseEstimator(FakeRuntime(answer, outputs=["m"]))
    estimator.estimate([Frame(image)])
    assert seen[0].shape == (1, 3, 368, 368)
    assert seen[0][0, :, 10, 10].tolist() == [-0.5, 0.0, 255 / 256 - 0.5]
    assert (seen[0][0, :, :, 360:] == 0).all()
    assert seen[0].dtype == np.float32


@pytest.mark.parametrize("size_wh", [(4000, 20), (20, 4000), (1, 1), (3, 700)])
def test_pictures_of_extreme_shape_stay_small(size_wh: tuple[int, int]) -> None:
    def loud(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        count, _, height, width = inputs["input"].shape
        return {"m": np.random.default_rng(0).random((count, 78, height // 8, width // 8), np.float32)}

    runtime = FakeRuntime(loud, outputs=["m"])
    (poses,) = OpenPoseEstimator(runtime).estimate([Frame(np.zeros((size_wh[1], size_wh[0], 3), np.uint8))])
    assert (poses.boxes.xyxy <= [*size_wh, *size_wh]).all()
    assert runtime.calls[0]["input"][2] == 368
    assert runtime.calls[0]["input"][3] <= 8 * 368


def test_a_network_of_one_size_gets_that_size() -> None:
    one = crowd(0, 3, size_wh=(640, 480))
    network = openpose_network([one], OPENPOSE18)
    poses = estimated(network, OPENPOSE18, input_height=368, input_width=656)
    assert network.runtime.calls == [{"input": (1, 3, 368, 656)}]
    assert faults(poses, one.points(OPENPOSE18), tolerance_px=4) == []


@pytest.mark.parametrize("skeleton", BODIES, ids=lambda s: s.name)
def test_one_output_or_two_in_any_order(skeleton: Skeleton) -> None:
    one = crowd(0, 4)
    two = openpose_network([one], skeleton)
    swapped = FakeRuntime(two.answer, outputs=two.outputs[::-1])
    expected = estimated(two, skeleton)
    assert len(expected) == 4
    assert estimated(openpose_network([one], skeleton, joined=True), skeleton).allclose(expected, atol=0)
    (poses,) = OpenPoseEstimator(swapped, skeleton=skeleton).estimate([two.frame(0)])
    assert poses.allclose(expected, atol=0)


def test_maps_of_another_layout_are_refused() -> None:
    network = openpose_network([crowd(0, 1)], OPENPOSE18)
    with pytest.raises(ModelError, match=r"openpose25: expected outputs of 26 and 52 maps, or one of 78, got \(38, "):
        estimated(network, OPENPOSE25)


def test_several_scales_are_averaged_on_the_first_one_s_size() -> None:
    one = crowd(4, 5)
    network = openpose_network([one], OPENPOSE25)
    poses = estimated(network, OPENPOSE25, scales=(1.0, 0.75, 1.25))
    assert sorted(call["input"][2] for call in network.runtime.calls) == [272, 368, 464]
    assert faults(poses, one.points(OPENPOSE25), tolerance_px=4) == []


def test_frames_of_one_size_go_through_together_and_answers_stay_in_order() -> None:
    crowds = [crowd(0, 3), NOBODY, crowd(1, 2, size_wh=(500, 368)), crowd(2, 4)]
    network = openpose_network(crowds, OPENPOSE25)
    estimator = OpenPoseEstimator(network.runtime)
    assert isinstance(estimator, Estimator)
    together = estimator.estimate([network.frame(i) for i in (3, 2, 1, 0)])
    assert [len(poses) for poses in together] == [4, 2, 0, 3]
    assert sorted(call["input"][0] for call in network.runtime.calls) == [1, 3]
    alone = [estimator.estimate([network.frame(i)])[0] for i in (3, 2, 1, 0)]
    assert all(a.allclose(b, atol=0) for a, b in zip(together, alone, strict=True))
    assert estimator.estimate([]) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"skeleton": COCO17}, "skeleton: expected one of openpose18"),
        ({"skeleton": OPENPOSE67}, "openpose67 needs a network for hands"),
        ({"hand": FakeRuntime(dict)}, "openpose25 has no hands, but a network for them was given"),
        ({"input_height": 360}, "input size: expected multiples of 16"),
        ({"input_width": 100}, "input size: expected multiples of 16"),
        ({"variant": "c"}, "expected the variant cpp or port"),
        ({"ranking": "best"}, "expected the variant cpp or port and the ranking limbs or global"),
        ({"variant": "port", "positive": True}, "positive: only the variant cpp has it"),
        ({"scales": ()}, "scales: expected at least one"),
        ({"scales": (0.01,)}, "scales: expected at least one"),
    ],
)
def test_settings_without_meaning(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        OpenPoseEstimator(FakeRuntime(dict), **settings)


# Hands ---------------------------------------------------------------------------------------------------------------


def test_hand_squares_follow_the_published_rule() -> None:
    xy = np.full((3, 18, 2), np.nan)
    shoulder, elbow, wrist = (OPENPOSE18.index(f"left_{joint}") for joint in ("shoulder", "elbow", "wrist"))
    xy[0, [shoulder, elbow, wrist]] = (100, 100), (100, 200), (160, 280)  # upper arm and forearm 100 px
    xy[1, [elbow, wrist]] = (0, 0), (0, 50)
    xy[2, [shoulder, wrist]] = (0, 0), (0, 50)
    squares = hand_squares(xy, OPENPOSE18, "left")
    assert squares[0] == pytest.approx([160 + 0.33 * 60, 280 + 0.33 * 80, 150, 150])
    assert squares[1] == pytest.approx([0, 66.5, 75, 75])  # the forearm alone
    assert np.isnan(squares[2]).any()
    assert np.isnan(hand_squares(xy, OPENPOSE18, "right")).any(axis=1).all()
    xy[0, shoulder] = 100, -100  # upper arm 300 px: 0.9 of it is longer
    assert hand_squares(xy, OPENPOSE18, "left")[0, 2] == pytest.approx(1.5 * 270)


SPREAD = np.array([(60 + 12 * k, 300 - 11 * k) for k in range(21)], float)  # of the 21 in a hand's square, px of 368


def hand_network(channels: int = 22, *, peak: float = 0.9) -> FakeRuntime:
    """Sees the same hand in every square, as a right one."""

    def answer(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        cells = np.arange(46) * 8 + 3.5
        x, y = (np.exp(-((cells - SPREAD[:, axis, None]) ** 2) / (2 * 12.0**2)) for axis in (0, 1))
        maps = peak * y[:, :, None] * x[:, None, :]
        maps = np.concatenate([maps, np.ones((channels - 21, 46, 46))])
        return {"hands": np.repeat(maps[None], len(inputs["input"]), axis=0).astype(np.float32)}

    return FakeRuntime(answer, outputs=["hands"])


@pytest.mark.parametrize(("skeleton", "body"), [(OPENPOSE60, OPENPOSE18), (OPENPOSE67, OPENPOSE25)])
def test_hands_are_looked_for_beyond_wrists(skeleton: Skeleton, body: Skeleton) -> None:
    network = openpose_network([NOBODY, crowd(1, 3), crowd(2, 2)], body)
    hand = hand_network()
    estimator = OpenPoseEstimator(network.runtime, skeleton=skeleton, hand=hand)
    assert estimator.skeleton == skeleton
    found = estimator.estimate([network.frame(i) for i in range(3)])
    assert [len(poses) for poses in found] == [0, 3, 2]
    assert [call["input"] for call in hand.calls] == [(8, 3, 368, 368), (2, 3, 368, 368)]
    plain = OpenPoseEstimator(network.runtime, skeleton=body).estimate([network.frame(i) for i in range(3)])
    for poses, bodies in zip(found, plain, strict=True):
        np.testing.assert_array_equal(poses.xy[:, : len(body)], bodies.xy)
        np.testing.assert_array_equal(poses.boxes.score, bodies.boxes.score)
        for side, mirrored in (("left", True), ("right", False)):
            squares = hand_squares(bodies.xy.astype(float), body, side)
            places = np.where([mirrored, False], 367 - SPREAD, SPREAD)
            expected = places / 368 * squares[:, None, 2:] + squares[:, None, :2] - squares[:, None, 2:] / 2
            got = poses.part(f"{side}_hand")
            assert np.abs(got.xy - expected).max(initial=0) < 1.5 * squares[:, 2].max(initial=1) / 368
            assert (got.score > 0.8).all()


def test_left_hands_need_not_be_mirrored_and_21_maps_do() -> None:
    network = openpose_network([crowd(1, 1)], OPENPOSE18)
    settings = {"skeleton": OPENPOSE60, "mirror_left_hand": False}
    (poses,) = OpenPoseEstimator(network.runtime, hand=hand_network(21), **settings).estimate([network.frame(0)])
    left, right = (poses.part(f"{side}_hand").xy[0] for side in ("left", "right"))
    assert (np.diff(left[:, 0]) > 0).all()
    assert (np.diff(right[:, 0]) > 0).all()


def test_the_hand_network_is_shown_the_hand() -> None:
    """Its input holds the square around the wrist: a bright spot there is where the square says."""
    one = crowd(1, 1, height_px=(250, 260))
    network = openpose_network([one], OPENPOSE18)
    image = network.frame(0).image.copy()
    bodies = OpenPoseEstimator(network.runtime, skeleton=OPENPOSE18).estimate([Frame(image)])[0]
    square = hand_squares(bodies.xy.astype(float), OPENPOSE18, "right")[0]
    spot = (square[:2] + 0.2 * square[2:]).round().astype(int)
    image[spot[1] - 1 : spot[1] + 2, spot[0] - 1 : spot[0] + 2] = 255
    seen: list[np.ndarray] = []

    def answer(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        seen.extend(inputs["input"])
        return hand_network().run(inputs)

    hand = FakeRuntime(answer, outputs=["hands"])
    OpenPoseEstimator(network.runtime, skeleton=OPENPOSE60, hand=hand).estimate([Frame(image)])
    bright = np.argwhere(seen[1][0] > 0.49).mean(axis=0)[::-1]
    assert bright == pytest.approx(0.7 * np.array([368, 368]), abs=368 / square[2] + 2)


def test_hands_without_a_wrist_or_without_a_peak_are_missing() -> None:
    one = crowd(1, 2)
    xy = one.xy.copy()
    xy[0, OPENPOSE25.index("right_wrist")] = np.nan
    network = openpose_network([Crowd(xy)], OPENPOSE18)
    estimator = OpenPoseEstimator(network.runtime, skeleton=OPENPOSE60, hand=hand_network())
    (poses,) = estimator.estimate([network.frame(0)])
    gone = np.isnan(poses["right_wrist"][:, 0])
    assert gone.sum() == 1
    assert (np.isnan(poses.part("right_hand").xy).all(axis=(1, 2)) == gone).all()
    assert not np.isnan(poses.part("left_hand").xy).any()
    faint = OpenPoseEstimator(network.runtime, skeleton=OPENPOSE60, hand=hand_network(peak=0.04))
    (poses,) = faint.estimate([network.frame(0)])
    assert np.isnan(poses.part("left_hand").xy).all()
    with pytest.raises(ModelError, match="hands: expected an output of 22 maps"):
        OpenPoseEstimator(network.runtime, skeleton=OPENPOSE60, hand=hand_network(25)).estimate([network.frame(0)])
