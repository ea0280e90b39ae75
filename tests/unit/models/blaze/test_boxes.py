"""Blaze landmarks on boxes from elsewhere, and blaze as a detector: on made-up pictures whose people are known."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from holopose.models.blaze.boxes import BlazeDetector, BlazeLandmarks
from holopose.ops.boxes import iou
from holopose.protocols import Detector, KeypointModel
from holopose.skeletons import BLAZE543, COCO17, WHOLEBODY133
from holopose.types import Boxes


def box_of(figure: Any) -> list[float]:
    """Around a figure's body, as a detector would draw it."""
    low, high = figure.xy[:33].min(axis=0), figure.xy[:33].max(axis=0)
    return [*(low - 0.04 * figure.height), *(high + 0.04 * figure.height)]


def boxes_of(*figures: Any, scores: tuple[float, ...] | None = None) -> Boxes:
    rows = np.array([box_of(one) for one in figures], np.float32)
    return Boxes(rows, np.array(scores or [0.9] * len(figures), np.float32))


def test_people_come_back_in_the_order_of_their_boxes_with_them(blaze_scenes: ModuleType) -> None:
    left = blaze_scenes.Figure((140, 180), 190, peak=0.8)
    right = blaze_scenes.Figure((330, 190), 180, turn=0.3)
    fake = blaze_scenes.FakeBlaze(blaze_scenes.Scene([left, right]))
    model = BlazeLandmarks(fake.estimator(layout=BLAZE543))
    assert isinstance(model, KeypointModel)
    for order in ((left, right), (right, left)):
        boxes = boxes_of(*order, scores=(0.7, 0.8))
        [poses] = model.locate([fake.frame(0)], [boxes])
        assert poses.boxes.allclose(boxes)
        for row, figure in enumerate(order):
            far = np.linalg.norm(poses.xy[row, :33] - figure.xy[:33], axis=1)
            assert far.max() < 0.03 * figure.height


def test_somebody_cut_off_at_the_hips_is_looked_at_as_such(blaze_scenes: ModuleType) -> None:
    figure = blaze_scenes.Figure((150, 200), 300)
    fake = blaze_scenes.FakeBlaze(blaze_scenes.Scene([figure], (300, 215)))
    x1, y1, x2, _ = box_of(figure)
    boxes = Boxes(np.array([[x1, y1, x2, 214]], np.float32), np.ones(1, np.float32))
    [poses] = BlazeLandmarks(fake.estimator(layout=COCO17)).locate([fake.frame(0)], [boxes])
    shoulders = poses.xy[0, [5, 6]]
    assert np.linalg.norm(shoulders - figure.xy[[11, 12]], axis=1).max() < 0.05 * figure.height


def test_no_boxes_no_people_and_frames_keep_apart(blaze_scenes: ModuleType) -> None:
    figure = blaze_scenes.Figure((140, 180), 190)
    fake = blaze_scenes.FakeBlaze(blaze_scenes.Scene([figure]), blaze_scenes.Scene([]))
    model = BlazeLandmarks(fake.estimator(layout=WHOLEBODY133))
    frames = [fake.frame(0), fake.frame(1)]
    some, none = model.locate(frames, [boxes_of(figure), Boxes.empty()])
    assert (len(some), len(none)) == (1, 0)
    [alone] = model.locate(frames[:1], [boxes_of(figure)])
    assert alone.allclose(some, atol=0)
    assert model.locate([], []) == []


def test_a_box_without_a_person_gives_a_person_of_no_consequence(blaze_scenes: ModuleType) -> None:
    """One person per box is the rule; that nobody is there shows in the keypoint scores."""
    figure = blaze_scenes.Figure((140, 180), 190)
    fake = blaze_scenes.FakeBlaze(blaze_scenes.Scene([figure]))
    empty = Boxes(np.array([[300, 20, 380, 120], [300, 20, 300, 20]], np.float32), np.ones(2, np.float32))
    [poses] = BlazeLandmarks(fake.estimator(layout=COCO17)).locate([fake.frame(0)], [empty])
    [real] = BlazeLandmarks(fake.estimator(layout=COCO17)).locate([fake.frame(0)], [boxes_of(figure)])
    assert len(poses) == 2
    assert poses.score.mean() < 0.2 < real.score.mean()


def test_the_search_as_a_detector(blaze_scenes: ModuleType) -> None:
    left = blaze_scenes.Figure((140, 180), 190, peak=0.8)
    right = blaze_scenes.Figure((330, 190), 180)
    fake = blaze_scenes.FakeBlaze(blaze_scenes.Scene([left, right]), blaze_scenes.Scene([]))
    detector = BlazeDetector(fake.estimator())
    assert isinstance(detector, Detector)
    found, nobody = detector.detect([fake.frame(0), fake.frame(1)])
    assert (len(found), len(nobody)) == (2, 0)
    assert (np.diff(found.score) <= 0).all()
    shares = iou(found.xyxy, np.array([box_of(left), box_of(right)]))
    assert sorted(shares.argmax(axis=1).tolist()) == [0, 1]
    assert shares.max(axis=1).min() > 0.7
    width, height = fake.frame(0).size_wh
    assert (found.xyxy >= 0).all()
    assert (found.xyxy <= [width, height, width, height]).all()


@pytest.mark.weights
def test_boxes_of_the_search_give_its_people_again() -> None:
    from holopose.io.images import read_image
    from holopose.zoo import catalog, fetch
    from holopose.zoo.load import load_blaze

    picture = next(one for one in catalog.PICTURES if one.name == "bus.jpg")
    blaze = load_blaze()
    frame = read_image(fetch.locate(picture))
    [boxes] = BlazeDetector(blaze).detect([frame])
    [found] = blaze.estimate([frame])
    [again] = BlazeLandmarks(blaze).locate([frame], [boxes])
    assert len(again) == len(found) == 3
    sure = (found.score[:, :17] > 0.5) & (again.score[:, :17] > 0.5)
    far = np.linalg.norm(found.xy[:, :17] - again.xy[:, :17], axis=2)[sure]
    sides = (found.boxes.xyxy[:, 3] - found.boxes.xyxy[:, 1]).mean()
    assert np.median(far) < 0.02 * sides
