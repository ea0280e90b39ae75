"""Candidates lie where the people are, whatever the size and shape of the picture and the look."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from holopose.models.blaze.detector import Candidates, Level, PoseDetector, group
from holopose.models.blaze.network import SPECS, Network
from holopose.ops.crops import Pyramid
from holopose.runtimes.fake import FakeRuntime

SIZES = [(480, 360), (300, 500), (1100, 400), (257, 263)]
LOOKS = [Level(224), Level(373), Level(640), Level(640, 64), Level(192, 32), Level(1280)]


def recorder() -> tuple[PoseDetector, list[np.ndarray]]:  # type: ignore[type-arg]
    """A detector that finds nothing and keeps what it was shown."""
    seen = []

    def answer(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:  # type: ignore[type-arg]
        [tensor] = inputs.values()
        seen.append(tensor)
        height, width = tensor.shape[1:3]
        rows = (
            (height // 8) * (width // 8) * 2 + (height // 16) * (width // 16) * 2 + (height // 32) * (width // 32) * 6
        )
        return {"Identity": np.zeros((1, rows, 12), np.float32), "Identity_1": np.full((1, rows, 1), -9, np.float32)}

    return PoseDetector(Network(FakeRuntime(answer), SPECS["pose_detection"])), seen


def assert_there(candidates: Candidates, people: list, tolerance: float) -> None:  # type: ignore[type-arg]
    """Each person has a candidate, and each candidate a person; `tolerance` relative to the ROI."""
    for roi, head in zip(candidates.rois, candidates.heads, strict=True):
        assert any(_fits(roi, head, person, tolerance) for person in people), (roi, head)
    for person in people:
        found = zip(candidates.rois, candidates.heads, strict=True)
        assert any(_fits(roi, head, person, tolerance) for roi, head in found), person.hip


def _fits(roi: np.ndarray, head: np.ndarray, person: object, tolerance: float) -> bool:  # type: ignore[type-arg]
    side = person.side  # type: ignore[attr-defined]
    turn = (roi[4] - person.turn + np.pi) % (2 * np.pi) - np.pi  # type: ignore[attr-defined]
    return bool(
        np.abs(roi[:2] - person.hip).max() < tolerance * side  # type: ignore[attr-defined]
        and np.abs(roi[2:4] - side).max() < 2 * tolerance * side
        and abs(turn) < 2 * tolerance
        and np.linalg.norm(head[:2] - person.xy[0]) < tolerance * side  # type: ignore[attr-defined]
    )


@pytest.mark.parametrize("size_wh", SIZES)
@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_a_look_finds_everybody(blaze_scenes: ModuleType, size_wh: tuple[int, int], look: Level) -> None:
    width, height = size_wh
    people = [
        blaze_scenes.Figure((0.25 * width, 0.55 * height), 0.4 * height, detection=0.7),
        blaze_scenes.Figure((0.75 * width, 0.5 * height), 0.5 * height, turn=-0.7, detection=0.9),
    ]
    fake = blaze_scenes.FakeBlaze(blaze_scenes.Scene(people, size_wh))
    detector = PoseDetector(fake.network("pose_detection"))
    candidates = detector.search(Pyramid(fake.frame().image), [look], min_score=0.3)
    assert len(candidates) == 2
    np.testing.assert_allclose(candidates.scores, [0.9, 0.7], atol=1e-5)
    assert_there(candidates, people, 0.03)


@pytest.mark.parametrize("size_wh", SIZES)
def test_the_whole_view_finds_everybody(blaze_scenes: ModuleType, size_wh: tuple[int, int]) -> None:
    width, height = size_wh
    people = [
        blaze_scenes.Figure((0.3 * width, 0.55 * height), 0.4 * height, detection=0.6),
        blaze_scenes.Figure((0.7 * width, 0.5 * height), 0.5 * height, turn=2.5, detection=0.8),
    ]
    fake = blaze_scenes.FakeBlaze(blaze_scenes.Scene(people, size_wh))
    detector = PoseDetector(fake.network("pose_detection"))
    candidates = detector.detect_whole(Pyramid(fake.frame().image, levels=0))
    np.testing.assert_allclose(candidates.scores, [0.8, 0.6], atol=1e-5)
    assert_there(candidates, people, 0.005)


def test_the_least_score_decides(blaze_scenes: ModuleType) -> None:
    fake = blaze_scenes.FakeBlaze(blaze_scenes.Scene([blaze_scenes.Figure((200, 180), detection=0.4)]))
    detector, pyramid = PoseDetector(fake.network("pose_detection")), Pyramid(fake.frame().image)
    assert len(detector.search(pyramid, [Level(224)], min_score=0.39)) == 1
    assert len(detector.search(pyramid, [Level(224)], min_score=0.41)) == 0
    assert len(detector.detect_whole(pyramid, min_score=0.39)) == 1
    assert len(detector.detect_whole(pyramid)) == 0


# What the network is shown -------------------------------------------------------------------------------------------


def test_the_whole_view_is_letterboxed_in_black() -> None:
    """640 x 480: an eighth free above and below, at the network's lowest value."""
    detector, seen = recorder()
    detector.detect_whole(Pyramid(np.full((480, 640, 3), 255, np.uint8), levels=0))
    [view] = seen
    assert view.shape == (1, 224, 224, 3)
    assert view.dtype == np.float32
    assert (view[0, :28] == -1).all()
    assert (view[0, 196:] == -1).all()
    assert (view[0, 28:196] == 1).all()


@pytest.mark.parametrize("size_wh", [(640, 480), (123, 457), (1, 1), (1, 1000), (1000, 1), (2000, 40), (31, 33)])
@pytest.mark.parametrize("look", [Level(224), Level(224, 64), Level(1280, 32)], ids=str)
def test_a_look_shows_the_whole_picture(size_wh: tuple[int, int], look: Level) -> None:
    """In full, not stretched, on a canvas that the strides divide; never enlarged much, and black around it."""
    detector, seen = recorder()
    image = np.full((size_wh[1], size_wh[0], 3), 255, np.uint8)
    assert len(detector.search(Pyramid(image), [look], min_score=0.5)) == 0
    [view] = seen
    height, width = view.shape[1:3]
    assert height % 32 == width % 32 == 0
    lit = view[0, :, :, 0] > 0
    rows, columns = lit.any(axis=1).sum(), lit.any(axis=0).sum()
    assert lit.sum() == rows * columns  # one rectangle
    scale = min(look.long_px / max(size_wh), 1.5)
    assert rows == max(1, round(size_wh[1] * scale))
    assert 0 <= columns - max(1, round(size_wh[0] * scale)) <= 2 * look.mirror_px + 31
    assert (view[0][~lit] == -1).all()
    assert height - rows < 32


def test_beyond_the_left_and_right_edge_lies_a_mirror_image() -> None:
    detector, seen = recorder()
    random = np.random.default_rng(0).integers(1, 256, (64, 224, 3), np.uint8)
    detector.search(Pyramid(random), [Level(224), Level(224, 64)], min_score=0.5)
    plain, mirrored = (np.rint((view[0] + 1) * 127.5) for view in seen)
    np.testing.assert_array_equal(plain, random)
    np.testing.assert_array_equal(mirrored[:, 64:-64], random)
    np.testing.assert_array_equal(mirrored[:, :64], random[:, 64:0:-1])
    np.testing.assert_array_equal(mirrored[:, -64:], random[:, -2:-66:-1])


def test_people_in_the_mirror_do_not_count(blaze_scenes: ModuleType) -> None:
    """Whose hips lie outside is the mirror image of somebody inside, or nobody."""
    people = [blaze_scenes.Figure((-70, 180)), blaze_scenes.Figure((555, 180)), blaze_scenes.Figure((240, -60))]
    fake = blaze_scenes.FakeBlaze(blaze_scenes.Scene(people))
    detector = PoseDetector(fake.network("pose_detection"))
    assert len(detector.search(Pyramid(fake.frame().image), [Level(373, 64)], min_score=0.5)) == 0


def test_hips_below_the_picture_count(blaze_scenes: ModuleType) -> None:
    """Waist-up portraits are people too."""
    portrait = blaze_scenes.Figure((240, 380), 300)
    fake = blaze_scenes.FakeBlaze(blaze_scenes.Scene([portrait]))
    detector = PoseDetector(fake.network("pose_detection"))
    candidates = detector.search(Pyramid(fake.frame().image), [Level(224)], min_score=0.5)
    assert_there(candidates, [portrait], 0.02)


# Joining -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("joins", [True, False])
def test_looks_at_one_place_become_one_or_stay(blaze_scenes: ModuleType, joins: bool) -> None:
    people = [blaze_scenes.Figure((140, 180), 190, wander=0.01), blaze_scenes.Figure((340, 180), 200, detection=0.8)]
    fake = blaze_scenes.FakeBlaze(blaze_scenes.Scene(people))
    detector = PoseDetector(fake.network("pose_detection"))
    looks = [Level(224), Level(373), Level(640)]
    candidates = detector.search(Pyramid(fake.frame().image), looks, min_score=0.3, joins=joins)
    assert len(candidates) == (2 if joins else 6)
    assert (np.diff(candidates.scores) <= 0).all()
    assert_there(candidates, people, 0.03)


def detection(hip: tuple[float, float], tall: float, turn: float = 0.0) -> np.ndarray:  # type: ignore[type-arg]
    """(6, 2): head box, hips, full-body point and two more."""
    up = np.array([np.sin(turn), -np.cos(turn)]) * tall
    head = np.array(hip) + 0.75 * up
    return np.array([head - 0.1 * tall, head + 0.1 * tall, hip, hip + up, head, head])


def test_group_joins_what_says_the_same() -> None:
    near = [detection((100, 100), 50), detection((102, 99), 51), detection((101, 101), 49, 0.02)]
    apart = [detection((300, 100), 50), detection((100, 100), 100), detection((100, 100), 50, 1.0)]
    points = np.stack([near[0], apart[0], near[1], apart[1], apart[2], near[2]])
    scores = np.array([0.9, 0.3, 0.5, 0.8, 0.4, 0.6], np.float32)
    candidates = group(points, scores)
    np.testing.assert_allclose(candidates.scores, [0.9, 0.8, 0.4, 0.3])
    weighted = np.average([p[2] for p in near], axis=0, weights=[0.9, 0.5, 0.6])
    np.testing.assert_allclose(candidates.rois[0, :2], weighted, atol=1e-4)
    np.testing.assert_allclose(candidates.rois[3], [300, 100, 125, 125, 0], atol=1e-4)
    for order in ([5, 4, 3, 2, 1, 0], [2, 0, 4, 5, 1, 3]):
        again = group(points[order], scores[order])
        np.testing.assert_allclose(again.rois, candidates.rois, atol=1e-4)
        np.testing.assert_allclose(again.heads, candidates.heads, atol=1e-4)


def test_angles_are_compared_around_the_circle() -> None:
    """Upside down: a little more than half a turn, and a little less."""
    points = np.stack([detection((100, 100), 50, np.pi - 0.05), detection((100, 100), 50, np.pi + 0.05)])
    assert len(group(points, np.array([0.9, 0.8], np.float32))) == 1


def test_no_detections() -> None:
    candidates = group(np.zeros((0, 6, 2)), np.zeros(0, np.float32))
    assert len(candidates) == 0
    assert candidates.rois.shape == candidates.heads.shape == (0, 5)
