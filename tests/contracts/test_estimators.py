"""What every estimator family keeps, whatever its networks: shapes, order, no memory. A new family is one line here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from crowd_scenes import Crowd, crowd, openpose_network, tag_network
from holopose.errors import ConfigError
from holopose.estimators import Hybrid, Shaped, TopDown
from holopose.models.associative import AssociativeEstimator
from holopose.models.blaze.boxes import BlazeDetector, BlazeLandmarks
from holopose.models.heatmap import HeatmapModel
from holopose.models.keypoint_rcnn import KeypointRcnn
from holopose.models.openpose import OpenPoseEstimator
from holopose.models.rtmo import RtmoEstimator
from holopose.models.simcc import SimccModel
from holopose.models.yolo import YoloDetector, YoloPose
from holopose.models.yolox import YoloxDetector
from holopose.protocols import Estimator
from holopose.runtimes.fake import FakeRuntime
from holopose.skeletons import COCO17, LAYOUTS, OPENPOSE18, OPENPOSE25, OPENPOSE60, WHOLEBODY133, Skeleton
from holopose.skeletons.conversions import missing_after
from holopose.types import Frame, Poses
from known_people import COUNTS, SIDE, VIEW_HW, Known, end_to_end, heatmaps, raw_yolo, raw_yolox, rcnn, rtmo, simcc


@dataclass(frozen=True)
class Family:
    """An estimator on fake networks, and pictures of several sizes with the number of people in each.

    Attributes:
        make: The estimator with results in a layout.
        frames: Pictures; nobody is in the second.
        counts: How many people are in each.
        own: The layout that it gives itself.
        makes: Layouts that it can be asked for.
        within_px: How far a batch may be from its singles: sums of many numbers are rounded as they are grouped.
    """

    make: Callable[[Skeleton], Estimator]
    frames: Sequence[Frame]
    counts: Sequence[int]
    own: Skeleton = WHOLEBODY133
    makes: Sequence[Skeleton] = field(default_factory=lambda: list(LAYOUTS.values()))
    within_px: float = 0.0


def shaped(estimator: Estimator, frames: Sequence[Frame], counts: Sequence[int]) -> Family:
    """A family that is made to measure."""
    own = estimator.skeleton
    return Family(
        make=lambda layout: Shaped(estimator, layout=layout),
        frames=frames,
        counts=counts,
        own=own,
        makes=[layout for layout in LAYOUTS.values() if len(missing_after(own, layout)) < len(layout)],
    )


def blaze(scenes: ModuleType, search: str) -> Family:
    fake, frames = portraits(scenes)
    return Family(
        make=lambda layout: fake.estimator(search=search, layout=layout),
        frames=frames,
        counts=(1 if search == "whole" else 2, 0, 1, 0),
    )


def blaze_on_boxes(scenes: ModuleType) -> Family:
    fake, frames = portraits(scenes)
    blaze = fake.estimator()
    return shaped(TopDown(BlazeDetector(blaze), BlazeLandmarks(blaze)), frames, (2, 0, 1, 0))


def portraits(scenes: ModuleType) -> tuple[Any, list[Frame]]:
    everybody = scenes.Scene([scenes.Figure((140, 180), 190, peak=0.8), scenes.Figure((330, 190), 180, turn=0.4)])
    portrait = scenes.Scene([scenes.Figure((150, 210), 230)], (300, 420))
    fake = scenes.FakeBlaze(everybody, scenes.Scene([]), portrait, scenes.Scene([], (64, 200)))
    return fake, [fake.frame(number, index=number) for number in range(4)]


# Top-down and at once: all see the same people -----------------------------------------------------------------------


def detector(known: Known, *, raw: bool = True) -> YoloDetector:
    return YoloDetector(raw_yolo(known) if raw else end_to_end(known), input_hw=(SIDE, SIDE))


def top_down(known: Known, decoder: str = "dark", **settings: Any) -> TopDown:
    kind = "log" if decoder == "integral" else "gaussian"
    first = {"symmetric-integral": 0, "combined": 23}.get(decoder)
    network = heatmaps(known, kind=kind, udp=settings.get("udp", False), logits_from=first)
    model = HeatmapModel(
        network,
        skeleton=known.skeleton,
        input_hw=VIEW_HW,
        decoder=decoder,  # type: ignore[arg-type]
        **settings,
    )
    return TopDown(YoloxDetector(raw_yolox(known), input_hw=(SIDE, SIDE)), model)


def heatmap(decoder: str, skeleton: Skeleton = COCO17, **settings: Any) -> Family:
    known = Known(skeleton)
    sums = decoder in ("integral", "symmetric-integral", "combined")
    family = shaped(top_down(known, decoder, **settings), known.frames(), COUNTS)
    return replace(family, within_px=1e-3 if sums else 0.0)


def vectors(skeleton: Skeleton, **settings: Any) -> Family:
    known = Known(skeleton)
    model = SimccModel(simcc(known), skeleton=skeleton, input_hw=VIEW_HW, **settings)
    return shaped(TopDown(detector(known, raw=False), model), known.frames(), COUNTS)


def at_once(model: type[Any], network: Callable[[Known], FakeRuntime], **settings: Any) -> Family:
    known = Known()
    return shaped(model(network(known), **settings), known.frames(), COUNTS)


def hybrid(*, evidence: bool) -> Family:
    """With evidence the one of the crowd is found whom the detector misses."""
    known = Known(missed=1)
    bottom_up = YoloPose(raw_yolo(Known(), pose=True), input_hw=(SIDE, SIDE)) if evidence else None
    seen = top_down(Known())
    seen.detector = detector(known)
    return shaped(Hybrid(seen, bottom_up=bottom_up), known.frames(), (*COUNTS[:3], COUNTS[3] - (not evidence)))


# Bottom-up: crowds in pictures of several sizes ----------------------------------------------------------------------

CROWDS = [
    crowd(1, 3, size_wh=(256, 176), height_px=(90, 130), apart_px=20, margin_px=10),
    Crowd(np.zeros((0, 25, 2)), (200, 176)),
    crowd(2, 1, size_wh=(200, 320), height_px=(180, 220)),
    crowd(3, 2, size_wh=(256, 176), height_px=(90, 130), apart_px=20, margin_px=10),
]
PEOPLE = (3, 0, 1, 2)


def openpose(body: Skeleton, skeleton: Skeleton | None = None, **settings: Any) -> Family:
    network = openpose_network(CROWDS, body, joined=body is OPENPOSE25)
    hand = None
    if skeleton is not None:  # somewhere in what it is shown, the last map is the background's
        places = np.random.default_rng(0).integers(4, 42, (2, 22))
        maps = np.zeros((22, 46, 46), np.float32)
        maps[np.arange(22), places[0], places[1]] = np.linspace(0, 0.9, 22)
        hand = FakeRuntime(
            lambda inputs: {"hand": np.repeat(maps[None], len(inputs["input"]), axis=0)}, outputs=["hand"]
        )
    estimator = OpenPoseEstimator(network.runtime, skeleton=skeleton or body, hand=hand, input_height=176, **settings)
    return shaped(estimator, [network.frame(number) for number in range(4)], PEOPLE)


def associative(**settings: Any) -> Family:
    network = tag_network(CROWDS, COCO17, [np.arange(len(one.xy)) * 4.0 for one in CROWDS])
    estimator = AssociativeEstimator(network.runtime, input_size=192, **settings)
    return shaped(estimator, [network.frame(number) for number in range(4)], PEOPLE)


FAMILIES: dict[str, Callable[[ModuleType], Family]] = {
    "blaze normal": lambda scenes: blaze(scenes, "normal"),
    "blaze whole": lambda scenes: blaze(scenes, "whole"),
    "blaze on boxes": blaze_on_boxes,
    "argmax": lambda _: heatmap("argmax"),
    "quarter": lambda _: heatmap("quarter", flip=True, shift_flip=True),
    "dark": lambda _: heatmap("dark"),
    "udp": lambda _: heatmap("udp", udp=True),
    "integral": lambda _: heatmap("integral"),
    "symmetric-integral": lambda _: heatmap("symmetric-integral"),
    "combined": lambda _: heatmap("combined", WHOLEBODY133),
    "SimCC": lambda _: vectors(COCO17),
    "SimCC whole body": lambda _: vectors(WHOLEBODY133, flip=True),
    "OpenPose 18": lambda _: openpose(OPENPOSE18),
    "OpenPose 25": lambda _: openpose(OPENPOSE25, variant="port"),
    "OpenPose with hands": lambda _: openpose(OPENPOSE18, OPENPOSE60),
    "associative": lambda _: associative(),
    "associative flip": lambda _: associative(flip=True),
    "RTMO": lambda _: at_once(RtmoEstimator, rtmo, input_hw=(SIDE, SIDE)),
    "YOLO pose raw": lambda _: at_once(YoloPose, partial(raw_yolo, pose=True), input_hw=(SIDE, SIDE)),
    "YOLO pose end to end": lambda _: at_once(YoloPose, partial(end_to_end, pose=True), input_hw=(SIDE, SIDE)),
    "Keypoint R-CNN": lambda _: at_once(KeypointRcnn, rcnn),
    "hybrid": lambda _: hybrid(evidence=True),
    "hybrid by poses": lambda _: hybrid(evidence=False),
}


@pytest.fixture(scope="module", params=FAMILIES.values(), ids=FAMILIES)
def family(request: pytest.FixtureRequest, blaze_scenes: ModuleType) -> Family:
    return request.param(blaze_scenes)


def all_same(ours: Sequence[Poses], theirs: Sequence[Poses], *, within_px: float = 0.0) -> bool:
    alike = [a.allclose(b, atol=within_px) for a, b in zip(ours, theirs, strict=True)]
    return all(alike)


def test_it_is_an_estimator(family: Family) -> None:
    assert isinstance(family.make(family.own), Estimator)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_keypoints_match_the_skeleton(family: Family, layout: Skeleton) -> None:
    """Any layout that has something in common with the family's own; others are refused."""
    if layout not in family.makes:
        with pytest.raises(ConfigError, match=f"the model gives {family.own.name}, of which nothing becomes"):
            family.make(layout)
        return
    estimator = family.make(layout)
    assert estimator.skeleton == layout
    for poses, count in zip(estimator.estimate(family.frames[1:3]), family.counts[1:3], strict=True):
        assert poses.skeleton == layout
        assert poses.xy.shape == (count, len(layout), 2)
        assert poses.score.shape == (count, len(layout))
        assert len(poses.boxes) == count
        assert (poses.ids == -1).all()


def test_a_body_is_no_hand_and_no_face(family: Family) -> None:
    refused = sorted(layout.name for layout in LAYOUTS.values() if layout not in family.makes)
    assert refused == {"coco17": ["face106", "face68", "hand21"]}.get(family.own.name, refused)
    assert family.own in family.makes


def test_everybody_is_found_and_nobody_is_a_normal_answer(family: Family) -> None:
    found = family.make(family.own).estimate(family.frames)
    assert [len(poses) for poses in found] == list(family.counts)
    assert found[1].allclose(Poses.empty(family.own))


def test_no_frames_no_answers(family: Family) -> None:
    assert list(family.make(family.own).estimate([])) == []


def test_a_batch_of_any_sizes_equals_its_singles_in_order(family: Family) -> None:
    estimator = family.make(family.own)
    singles = [estimator.estimate([frame])[0] for frame in family.frames]
    assert all_same(estimator.estimate(family.frames), singles, within_px=family.within_px)
    order = [2, 0, 3, 1, 0]
    mixed = estimator.estimate([family.frames[i] for i in order])
    assert all_same(mixed, [singles[i] for i in order], within_px=family.within_px)


def test_nothing_is_remembered_between_calls(family: Family) -> None:
    """Reset or not, a frame gives the same as on the first day."""
    fresh = family.make(family.own).estimate(family.frames[:1])
    estimator = family.make(family.own)
    estimator.reset()
    estimator.estimate(family.frames)
    assert all_same(estimator.estimate(family.frames[:1]), fresh)
    estimator.reset()
    estimator.reset()
    assert all_same(estimator.estimate(family.frames[:1]), fresh)


def test_scores_and_coordinates_are_in_range(family: Family) -> None:
    for frame, poses in zip(family.frames, family.make(family.own).estimate(family.frames), strict=True):
        assert ((poses.score >= 0) & (poses.score <= 1)).all()
        assert (np.isnan(poses.xy).all(axis=2) == (poses.score == 0)).all()
        assert (np.diff(poses.boxes.score) <= 0).all(), "best first"
        assert (poses.boxes.xyxy >= 0).all()
        assert (poses.boxes.xyxy[:, 2:] <= frame.size_wh).all()


def test_the_frame_is_left_as_it_was(family: Family) -> None:
    before = [frame.image.copy() for frame in family.frames]
    family.make(family.own).estimate(family.frames)
    for frame, image in zip(family.frames, before, strict=True):
        np.testing.assert_array_equal(frame.image, image)
