"""What every detector keeps, whatever its network: best first, in the picture, nobody is an answer, threads welcome."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from holopose.models.blaze.boxes import BlazeDetector
from holopose.models.given import GivenBoxes, WholePicture
from holopose.models.rtmdet import RtmDetector
from holopose.models.yolo import YoloDetector
from holopose.models.yolox import YoloxDetector
from holopose.ops.boxes import iou
from holopose.protocols import Detector
from holopose.runtimes.fake import FakeRuntime
from holopose.types import Boxes, Frame
from known_people import RTMDET, SIDE, Known, end_to_end, raw_yolo, raw_yolox, suppressed


@dataclass(frozen=True)
class Family:
    """A detector on fake networks, pictures of several sizes, and who is in them; nobody in the second.

    Attributes:
        make: The detector.
        frames: Pictures.
        truth: (N, 4) px, in any order.
        share: How much of a true and a found box is common to both, at least.
        cuts: Whether its boxes end at the picture's edges; those of others may reach beyond, as their makers' do.
    """

    make: Callable[[], Detector]
    frames: Sequence[Frame]
    truth: Sequence[Any]
    share: float = 0.9
    cuts: bool = True


def known(model: type[Any], network: FakeRuntime, **rest: Any) -> Family:
    people = Known()
    return Family(
        make=lambda: model(network, input_hw=(SIDE, SIDE)),
        frames=people.frames(),
        truth=[boxes.xyxy for boxes in people.boxes()],
        **rest,
    )


def given(by_name: bool) -> Family:
    people = Known()
    frames, boxes = people.frames(), people.boxes()
    if not by_name:  # the same ones everywhere: pictures with the same people
        frames, boxes = [frames[0], Frame(frames[0].image[:205].copy())], [boxes[0], boxes[0]]
        return Family(make=lambda: GivenBoxes(boxes[0]), frames=frames, truth=[some.xyxy for some in boxes], cuts=False)
    table = {frame.name.removesuffix(".png"): some for frame, some in zip(frames, boxes, strict=True) if len(some)}
    return Family(make=lambda: GivenBoxes(table), frames=frames, truth=[some.xyxy for some in boxes], cuts=False)


def whole() -> Family:
    frames = Known().frames()
    return Family(make=WholePicture, frames=frames, truth=[[[0, 0, *frame.size_wh]] for frame in frames])


def blaze(scenes: ModuleType, search: str) -> Family:
    everybody = scenes.Scene([scenes.Figure((140, 180), 190, peak=0.8), scenes.Figure((330, 190), 180, turn=0.3)])
    portrait = scenes.Scene([scenes.Figure((150, 210), 230)], (300, 420))
    album = (everybody, scenes.Scene([]), portrait, scenes.Scene([], (64, 200)))
    fake = scenes.FakeBlaze(*album)
    bodies = [np.array([one.xy[:33] for one in scene.people]).reshape(-1, 33, 2) for scene in album]
    boxes = [np.concatenate([one.min(axis=1) - 8, one.max(axis=1) + 8], axis=1) for one in bodies]
    return Family(
        make=lambda: BlazeDetector(fake.estimator(search=search)),
        frames=[fake.frame(number, index=number) for number in range(4)],
        truth=[boxes[0][:1] if search == "whole" else boxes[0], *boxes[1:]],
        share=0.7,
    )


FAMILIES: dict[str, Callable[[ModuleType], Family]] = {
    "YOLOX raw": lambda _: known(YoloxDetector, raw_yolox(Known()), cuts=False),
    "YOLOX with suppression": lambda _: known(YoloxDetector, suppressed(Known()), cuts=False),
    "RTMDet": lambda _: known(RtmDetector, suppressed(Known(), RTMDET), cuts=False),
    "YOLO raw": lambda _: known(YoloDetector, raw_yolo(Known())),
    "YOLO end to end": lambda _: known(YoloDetector, end_to_end(Known())),
    "given by name": lambda _: given(by_name=True),
    "given for all": lambda _: given(by_name=False),
    "whole picture": lambda _: whole(),
    "blaze": lambda scenes: blaze(scenes, "normal"),
    "blaze whole": lambda scenes: blaze(scenes, "whole"),
}


@pytest.fixture(params=FAMILIES.values(), ids=FAMILIES)
def family(request: pytest.FixtureRequest, blaze_scenes: ModuleType) -> Family:
    return request.param(blaze_scenes)


def all_same(ours: Sequence[Boxes], theirs: Sequence[Boxes]) -> bool:
    return len(ours) == len(theirs) and all(a.allclose(b, atol=0) for a, b in zip(ours, theirs, strict=True))


def test_everybody_is_found_where_they_are_and_nothing_else(family: Family) -> None:
    detector = family.make()
    assert isinstance(detector, Detector)
    found = detector.detect(family.frames)
    assert [len(boxes) for boxes in found] == [len(truth) for truth in family.truth]
    for boxes, truth in zip(found, family.truth, strict=True):
        shares = iou(boxes.xyxy, np.asarray(truth, np.float32).reshape(-1, 4))
        assert sorted(shares.argmax(axis=1).tolist() if len(boxes) else []) == list(range(len(boxes)))
        assert shares.max(axis=1, initial=0).min(initial=1) >= family.share


def test_best_first_with_scores_in_range(family: Family) -> None:
    for boxes in family.make().detect(family.frames):
        assert ((boxes.score >= 0) & (boxes.score <= 1)).all()
        assert (np.diff(boxes.score) <= 0).all()


def test_boxes_show_something_of_the_picture(family: Family) -> None:
    for frame, boxes in zip(family.frames, family.make().detect(family.frames), strict=True):
        cut = np.clip(boxes.xyxy, 0, np.tile(frame.size_wh, 2))
        assert (cut[:, 2:] > cut[:, :2]).all()
        assert not family.cuts or (cut == boxes.xyxy).all()


def test_nobody_is_a_normal_answer(family: Family) -> None:
    """Only who was asked to take the whole picture, or these boxes, for people does so."""
    grey = Frame(np.full((90, 120, 3), 128, np.uint8), name="grey.png")
    detector = family.make()
    if isinstance(detector, WholePicture):
        assert detector.detect([grey])[0].xyxy.tolist() == [[0, 0, 120, 90]]
    elif len(family.frames) == 4:
        assert all_same(detector.detect([grey, family.frames[1]]), [Boxes.empty()] * 2)


def test_no_frames_no_answers(family: Family) -> None:
    assert list(family.make().detect([])) == []


def test_a_batch_of_any_sizes_equals_its_singles_in_order(family: Family) -> None:
    detector = family.make()
    singles = [detector.detect([frame])[0] for frame in family.frames]
    assert all_same(detector.detect(family.frames), singles)
    order = [number % len(singles) for number in (2, 0, 3, 1, 0)]
    assert all_same(detector.detect([family.frames[i] for i in order]), [singles[i] for i in order])


def test_the_frame_is_left_as_it_was(family: Family) -> None:
    before = [frame.image.copy() for frame in family.frames]
    family.make().detect(family.frames)
    for frame, image in zip(family.frames, before, strict=True):
        np.testing.assert_array_equal(frame.image, image)


def test_threads_may_share_one_detector(family: Family) -> None:
    detector = family.make()
    expected = [detector.detect([frame])[0] for frame in family.frames]
    order = [number % len(expected) for number in (0, 2, 3, 0, 1, 2, 0, 2)]
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(detector.detect, [family.frames[i]]) for i in order]
        assert all_same([job.result()[0] for job in jobs], [expected[i] for i in order])
