"""The real networks on real pictures: everybody, nobody else, where MediaPipe finds them, the same every time."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt
import pytest

from holopose.io.images import read_image
from holopose.models.blaze.estimator import BlazeEstimator
from holopose.skeletons import BLAZE543, COCO17, WHOLEBODY133
from holopose.types import Frame, Poses
from holopose.zoo.engines import Engine

pytestmark = pytest.mark.weights

Load = Callable[..., BlazeEstimator]
Demo = Callable[[str], Frame]
Script = Callable[[str], ModuleType]


@pytest.fixture(scope="module")
def images(shared: Path) -> Callable[[str], Frame]:
    """Reads a picture of the shared folder by its name."""
    return cache(lambda name: read_image(shared / "data/images" / name))


def people_in(estimator: BlazeEstimator, frame: Frame) -> Poses:
    [poses] = estimator.estimate([frame])
    return poses


# MediaPipe's own view ------------------------------------------------------------------------------------------------


def test_the_single_view_is_mediapipes(
    loaded: Load, shared: Path, images: Callable[[str], Frame], demo_picture: Demo, benchmark_script: Script
) -> None:
    """Landmarks to half a pixel, hands and faces to one and a half, found and not found alike."""
    parity, stored = benchmark_script("parity"), benchmark_script("coco_wholebody")
    answers = json.loads((shared / "reference/mediapipe_holistic_images.json").read_text(encoding="utf-8"))
    estimator = loaded(search="whole", max_people=1, layout="blaze543")
    rows = {}
    for name, answer in answers.items():
        if name in ("bus.jpg", "zidane.jpg"):
            frame = demo_picture(name)
        elif (shared / "data/images" / name).is_file():
            frame = images(name)
        else:
            continue  # fetched by the benchmark only
        assert frame.size_wh == tuple(answer["size_wh"]), name
        rows[name] = parity.compare(stored.mediapipe_poses(answer), people_in(estimator, frame))
    assert len(rows) >= 15
    verdicts = parity.verdicts(rows)
    assert len(verdicts) == 9
    assert [f"{verdict.asked}: {verdict.came}" for verdict in verdicts if not verdict.met] == []


# Everybody -----------------------------------------------------------------------------------------------------------


def overlap(boxes: npt.NDArray[np.float32], xywh: list[float]) -> npt.NDArray[np.float64]:
    """Intersection over union (N,) of boxes with one labelled box."""
    other = np.array([xywh[0], xywh[1], xywh[0] + xywh[2], xywh[1] + xywh[3]])
    span = np.minimum(boxes[:, 2:], other[2:]) - np.maximum(boxes[:, :2], other[:2])
    shared_area = np.clip(span, 0, None).prod(axis=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) + (other[2:] - other[:2]).prod()
    return np.asarray(shared_area / (areas - shared_area), np.float64)


def test_everybody_larger_than_60_px_is_found(loaded: Load, shared: Path, images: Callable[[str], Frame]) -> None:
    """Everybody with a labelled keypoint: the others are slivers that nobody could point out."""
    truth = json.loads((shared / "data/coco_wholebody/annotations.json").read_text(encoding="utf-8"))
    missed, sought = [], 0
    for picture in truth["images"]:
        poses = people_in(loaded(), images(picture["file_name"]))
        for person in truth["annotations"]:
            if person["image_id"] == picture["id"] and max(person["bbox"][2:]) > 60 and person["num_keypoints"]:
                sought += 1
                if overlap(poses.boxes.xyxy, person["bbox"]).max(initial=0) < 0.5:
                    missed.append((picture["file_name"], person["bbox"]))
    assert sought >= 12
    assert missed == []


def test_exactly_two_in_zidane(loaded: Load, demo_picture: Demo) -> None:
    poses = people_in(loaded(), demo_picture("zidane.jpg"))
    assert len(poses) == 2
    assert not np.isnan(poses.part("face").xy).any()
    noses = np.sort(poses["nose"][:, 0])
    assert 550 < noses[0] < 650
    assert 930 < noses[1] < 1030


def test_at_least_three_by_the_bus(loaded: Load, demo_picture: Demo) -> None:
    poses = people_in(loaded(), demo_picture("bus.jpg"))
    standing = [(48, 398, 197, 504), (221, 405, 124, 452), (670, 380, 140, 500)]  # by eye, x, y, width, height
    assert len(poses) >= 3
    for person in standing:
        assert overlap(poses.boxes.xyxy, list(person)).max() > 0.5


def test_thorough_finds_whom_normal_finds(loaded: Load, demo_picture: Demo) -> None:
    frame = demo_picture("bus.jpg")
    normal, thorough = people_in(loaded(), frame), people_in(loaded(search="thorough"), frame)
    assert len(thorough) >= len(normal)
    for poses in (normal, thorough):
        assert (np.diff(poses.boxes.score) <= 0).all(), "best first"
    for left, top, right, bottom in normal.boxes.xyxy.tolist():
        assert overlap(thorough.boxes.xyxy, [left, top, right - left, bottom - top]).max() > 0.5


# Nobody --------------------------------------------------------------------------------------------------------------


def test_nobody_among_animals_and_things(loaded: Load, shared: Path) -> None:
    paths = [path for path in sorted((shared / "data/no_people").iterdir()) if path.suffix in (".jpg", ".jpeg", ".png")]
    assert len(paths) >= 5
    assert {path.name: len(people_in(loaded(), read_image(path))) for path in paths} == {path.name: 0 for path in paths}


def test_nobody_in_pictures_of_nothing(loaded: Load, benchmark_script: Script) -> None:
    """One colour, noise and gradients of several kinds."""
    frames = list(benchmark_script("pictures").empty_frames(((320, 240),), seeds=1))
    assert len(frames) >= 6
    assert {frame.name: len(people_in(loaded(), frame)) for frame in frames} == {frame.name: 0 for frame in frames}


@pytest.mark.parametrize("search", ["normal", "whole"])
@pytest.mark.parametrize("size_wh", [(1, 1), (1, 700), (700, 1), (33, 17), (33_000, 8)])
def test_nobody_in_pictures_of_no_size(loaded: Load, search: str, size_wh: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (size_wh[1], size_wh[0], 3), np.uint8)
    assert len(people_in(loaded(search=search), Frame(image))) == 0


# What comes out ------------------------------------------------------------------------------------------------------


def test_world_coordinates_are_metres_around_the_hips(loaded: Load, demo_picture: Demo) -> None:
    """Of people who stand."""
    poses = people_in(loaded(), demo_picture("bus.jpg"))[:2]
    assert poses.world is not None
    for person in poses.world:
        world = dict(zip(WHOLEBODY133.keypoints, person, strict=True))
        np.testing.assert_allclose((world["left_hip"] + world["right_hip"]) / 2, 0, atol=0.03)
        assert 0.1 < np.linalg.norm(world["left_hip"] - world["right_hip"]) < 0.4
        assert -1.0 < world["nose"][1] < -0.3, "up is negative"
        assert 0.3 < world["left_ankle"][1] < 1.2
        assert np.isnan(world["face_0"]).all()


def mirrored(frame: Frame) -> Frame:
    return Frame(np.ascontiguousarray(frame.image[:, ::-1]))


def test_a_mirrored_picture_shows_mirrored_people(loaded: Load, demo_picture: Demo) -> None:
    """The left wrist is where the right one was, mirrored: median of all body points, relative to the person."""
    frame = demo_picture("bus.jpg")
    estimator = loaded(layout="coco17")
    straight, other = people_in(estimator, frame), people_in(estimator, mirrored(frame))
    assert len(other) == len(straight) > 0
    turned = other.xy[:, list(COCO17.swaps)] * (-1, 1) + (frame.size_wh[0] - 1, 0)
    apart = np.linalg.norm(straight.xy[:, None] - turned[None], axis=3)  # (N, N, 17)
    size = np.linalg.norm(straight.boxes.xyxy[:, 2:] - straight.boxes.xyxy[:, :2], axis=1)
    partner = np.median(apart, axis=2).argmin(axis=1)
    assert sorted(partner) == list(range(len(straight)))
    right, wrong = np.median(apart, axis=2).min(axis=1), []
    for i, j in enumerate(partner):
        unswapped = other.xy[j] * (-1, 1) + (frame.size_wh[0] - 1, 0)
        wrong.append(np.median(np.linalg.norm(straight.xy[i] - unswapped, axis=1)))
    assert (right < 0.03 * size).all()
    widest = int(np.argmax(wrong))  # who turns their chest to the viewer most: there it shows which side is which
    assert right[widest] < 0.3 * wrong[widest]


def test_the_same_every_time(loaded: Load, demo_picture: Demo) -> None:
    """Also in a batch of several sizes."""
    frames = [demo_picture("zidane.jpg"), Frame(np.zeros((90, 50, 3), np.uint8)), demo_picture("bus.jpg")]
    estimator = loaded(native=True)
    first = estimator.estimate(frames)
    assert [len(poses) > 1 for poses in first] == [True, False, True]
    for again in (estimator.estimate(frames), [people_in(estimator, frame) for frame in frames]):
        assert all(a.allclose(b, atol=1e-3) for a, b in zip(first, again, strict=True))


def test_the_same_with_any_number_of_threads(loaded: Load, demo_picture: Demo) -> None:
    frame = demo_picture("bus.jpg")
    alone, several = (people_in(loaded(engine=Engine(threads=count)), frame) for count in (1, 3))
    assert len(alone) > 2
    assert several.allclose(alone, atol=0.05)


def test_layouts_share_their_points(loaded: Load, demo_picture: Demo) -> None:
    frame = demo_picture("zidane.jpg")
    whole = people_in(loaded(native=True), frame)
    assert whole.native is not None
    assert whole.native.skeleton == BLAZE543
    for name in ("nose", "left_knee", "right_wrist"):
        np.testing.assert_allclose(whole[name], whole.native[name])
        np.testing.assert_allclose(people_in(loaded(layout="coco17"), frame)[name], whole[name], atol=0.05)


def test_fewer_are_the_best_of_all_and_nobody_moves(loaded: Load, demo_picture: Demo) -> None:
    """By number and by score: those who stay are where they were."""
    frame = demo_picture("bus.jpg")
    everybody = people_in(loaded(), frame)
    bar = float(everybody.boxes.score[1]) - 1e-3
    fewer = people_in(loaded(max_people=1), frame)
    assert fewer.allclose(everybody[:1], atol=0.05)
    scored = people_in(loaded(min_score=bar), frame)
    assert len(scored) == (everybody.boxes.score >= bar).sum() < len(everybody)
    assert scored.allclose(everybody[: len(scored)], atol=0.05)
