"""FlowBridge on made-up moving pictures: people carried over gaps, keypoints mended, and when carrying ends."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from holopose.errors import ConfigError
from holopose.skeletons import COCO17, WHOLEBODY133
from holopose.smoothing.flow import FlowBridge
from holopose.types import Boxes, Frame, Poses

Image = npt.NDArray[np.uint8]

WIDTH, HEIGHT = 640, 400
RATE = 25.0


def texture(seed: int, height: int = HEIGHT, width: int = WIDTH) -> Image:
    """Smooth blotches that flow can follow."""
    import cv2

    coarse = np.random.default_rng(seed).integers(0, 256, (height // 12 + 1, width // 12 + 1, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


BACKGROUND, COAT = texture(0) // 2 + 60, texture(1, 240, 120)
POINTS = np.random.default_rng(2).uniform([10, 10], [110, 230], (17, 2))


def scene(at: float, index: int, *, time_s: float | None = None) -> Frame:
    """Somebody in a patterned coat, 120 x 240 px, with his left edge at `at` before a still background."""
    image = BACKGROUND.copy()
    left = round(at)
    low, high = max(left, 0), min(left + 120, WIDTH)
    if high > low:
        image[80:320, low:high] = COAT[:, low - left : high - left]
    return Frame(image, index, index / RATE if time_s is None else time_s)


def person(at: float, identity: int = 1, score: float = 0.8) -> Poses:
    xy = POINTS + np.array([round(at), 80.0])
    box = Boxes([[at, 80.0, at + 120, 320.0]], [0.9])
    return Poses(
        xy[None],
        np.full((1, 17), score),
        box,
        COCO17,
        ids=np.array([identity]),
        visible=np.ones((1, 17), np.bool_),
        world=np.ones((1, 17, 3)),
    )


def nobody() -> Poses:
    return Poses.empty(COCO17)


def start(bridge: FlowBridge, frames: int = 3, speed: float = 8.0) -> int:
    """Somebody who walks and is found."""
    for i in range(frames):
        assert bridge.bridge(scene(200 + speed * i, i), person(200 + speed * i)).allclose(person(200 + speed * i))
    return frames


# Carrying ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("speed", [0.0, 4.0, 12.0, -20.0])
def test_somebody_lost_is_carried_with_the_picture(speed: float) -> None:
    bridge = FlowBridge(max_gap_s=0.2, half_life_s=0.1)
    first = start(bridge, speed=speed)
    for lost in range(1, 5):
        i = first - 1 + lost
        carried = bridge.bridge(scene(200 + speed * i, i), nobody())
        assert carried.ids is not None
        assert carried.ids.tolist() == [1]
        off = np.hypot(*(carried.xy[0] - person(200 + speed * i).xy[0]).T)
        assert np.median(off) < 2
        assert carried.boxes.xyxy[0, 0] == pytest.approx(200 + speed * i, abs=3)
        np.testing.assert_allclose(carried.score, 0.8 * 0.5 ** (lost / RATE / 0.1), rtol=1e-5)
        assert carried.visible is None or not carried.visible.any()
        np.testing.assert_array_equal(carried.world, 1)


def test_carrying_ends_after_the_gap_and_does_not_begin_again() -> None:
    bridge = FlowBridge(max_gap_s=0.2)
    first = start(bridge)
    counts = [len(bridge.bridge(scene(200 + 8 * i, i), nobody())) for i in range(first, first + 12)]
    assert counts == [1] * 5 + [0] * 7


def test_a_long_step_between_frames_is_no_gap_to_bridge() -> None:
    bridge = FlowBridge(max_gap_s=0.2)
    start(bridge)
    assert len(bridge.bridge(scene(230, 3, time_s=1.0), nobody())) == 0


def test_those_found_come_first_as_they_are() -> None:
    bridge = FlowBridge()
    both = [200.0, 480.0]
    for i in range(2):
        image = scene(both[0], i)
        bridge.bridge(image, _two(*both))
    found = person(both[1], identity=2)
    result = bridge.bridge(scene(both[0], 2), found)
    assert result.ids is not None
    assert result.ids.tolist() == [2, 1]
    assert result[0].allclose(found)
    again = bridge.bridge(scene(both[0], 3), _two(*both))
    assert again.allclose(_two(*both))


def _two(first: float, second: float) -> Poses:
    one, two = person(first), person(second, identity=2)
    return Poses(
        np.concatenate([one.xy, two.xy]),
        np.concatenate([one.score, two.score]),
        Boxes(np.concatenate([one.boxes.xyxy, two.boxes.xyxy]), np.concatenate([one.boxes.score, two.boxes.score])),
        COCO17,
        ids=np.array([1, 2]),
        visible=np.ones((2, 17), np.bool_),
        world=np.ones((2, 17, 3)),
    )


def test_missing_keypoints_of_somebody_found_are_mended() -> None:
    bridge = FlowBridge()
    first = start(bridge, speed=10.0)
    seen = person(200 + 10 * first)
    xy, score = np.array(seen.xy), np.array(seen.score)
    xy[0, [9, 10]], score[0, [9, 10]] = np.nan, 0
    mended = bridge.bridge(scene(200 + 10 * first, first), seen.replace(xy=xy, score=score))
    assert np.abs(mended.xy[0, [9, 10]] - seen.xy[0, [9, 10]]).max() < 3
    assert (mended.score[0, [9, 10]] > 0).all()
    assert (mended.score[0, [9, 10]] < 0.8).all()
    assert mended.visible is not None
    assert np.flatnonzero(~mended.visible[0]).tolist() == [9, 10]
    others = [k for k in range(17) if k not in (9, 10)]
    np.testing.assert_array_equal(mended.xy[0, others], xy[0, others])


# Its end -------------------------------------------------------------------------------------------------------------


def test_a_cut_ends_it() -> None:
    bridge = FlowBridge()
    first = start(bridge)
    other = Frame(255 - texture(9), first, first / RATE)
    assert len(bridge.bridge(other, nobody())) == 0


def test_leaving_the_picture_ends_it() -> None:
    bridge = FlowBridge(max_gap_s=2.0)
    for i in range(3):
        bridge.bridge(scene(560 + 12 * i, i), person(560 + 12 * i))
    counts = [len(bridge.bridge(scene(560 + 12 * i, i), nobody())) for i in range(3, 20)]
    assert counts[-1] == 0
    assert counts == sorted(counts, reverse=True)


def test_somebody_found_under_another_id_ends_it() -> None:
    bridge = FlowBridge()
    first = start(bridge)
    renamed = person(200 + 8 * first, identity=7)
    assert bridge.bridge(scene(200 + 8 * first, first), renamed).allclose(renamed)


def test_people_without_id_are_not_carried() -> None:
    bridge = FlowBridge()
    for i in range(3):
        stray = person(200, identity=-1)
        assert bridge.bridge(scene(200, i), stray).allclose(stray)
    assert len(bridge.bridge(scene(200, 3), nobody())) == 0


def test_stills_other_sizes_other_layouts_and_reset_forget() -> None:
    picture = scene(224, 3)
    small = Frame(np.ascontiguousarray(picture.image[:200]), 3, 3 / RATE)
    for now, poses in (
        (Frame(picture.image, 3), nobody()),
        (small, nobody()),
        (picture, Poses.empty(WHOLEBODY133)),
    ):
        bridge = FlowBridge()
        start(bridge)
        assert len(bridge.bridge(now, poses)) == 0
        assert len(bridge.bridge(scene(232, 4), nobody())) == 0
    bridge = FlowBridge()
    start(bridge)
    bridge.reset()
    assert len(bridge.bridge(picture, nobody())) == 0


# How -----------------------------------------------------------------------------------------------------------------


def test_flow_is_worked_out_only_where_something_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    from holopose.smoothing import flow

    asked = []
    follow = flow._follow
    monkeypatch.setattr(flow, "_follow", lambda *given: asked.append(given[2].index) or follow(*given))
    bridge = FlowBridge()
    first = start(bridge, frames=4)
    bridge.bridge(scene(200 + 8 * first, first), nobody())
    bridge.bridge(scene(200 + 8 * (first + 1), first + 1), person(200 + 8 * (first + 1)))
    assert asked == [first]


def test_large_frames_are_followed_in_a_reduced_picture() -> None:
    bridge = FlowBridge(side_px=240)
    first = start(bridge, speed=10.0)
    carried = bridge.bridge(scene(200 + 10 * first, first), nobody())
    assert np.median(np.abs(carried.xy[0] - person(200 + 10 * first).xy[0])) < 3


def test_tiny_frames_do_no_harm() -> None:
    bridge = FlowBridge()
    for i in range(3):
        frame = Frame(np.zeros((3, 5, 3), np.uint8), i, i / RATE)
        assert len(bridge.bridge(frame, person(0) if i < 2 else nobody())) == (1 if i < 2 else 0)


@pytest.mark.parametrize("options", [{"max_gap_s": 0}, {"half_life_s": 0}, {"side_px": 10}])
def test_options_without_meaning(options: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        FlowBridge(**options)  # type: ignore[arg-type]
