"""Following made-up people through clips: who is seen where, and when the detector is asked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from holopose.errors import ConfigError
from holopose.estimators import TopDown, TopDownFollower
from holopose.protocols import Estimator
from holopose.skeletons import HALPE26, WHOLEBODY133, Skeleton
from holopose.skeletons.layouts import COCO17
from holopose.types import Boxes, Frame, Poses
from pose_parts import Body, FakeDetector, FakeModel, World

RATE = 25.0


class Clip:
    """Frames of people given by a function of the time; counts the detector's looks."""

    def __init__(
        self,
        people: Callable[[float], list[Body]],
        *,
        seconds: float = 2.0,
        skeleton: Skeleton = COCO17,
        **options: object,
    ) -> None:
        self.times = np.arange(0, seconds, 1 / RATE)
        self.world = World([people(t) for t in self.times.tolist()])
        self.detector, self.model = FakeDetector(self.world), FakeModel(self.world, skeleton)
        self.follower = TopDown(self.detector, self.model, info={"name": "it"}).following(**options)  # type: ignore[arg-type]

    def frame(self, index: int) -> Frame:
        return self.world.frame(index, float(self.times[index]))

    def run(self) -> list[Poses]:
        return [self.follower.estimate([self.frame(i)])[0] for i in range(len(self.times))]


def test_it_is_an_estimator_for_single_frames() -> None:
    clip = Clip(lambda t: [Body(300, 50)])
    assert isinstance(clip.follower, Estimator)
    assert isinstance(clip.follower, TopDownFollower)
    assert (clip.follower.batch, dict(clip.follower.info), clip.follower.skeleton) == (1, {"name": "it"}, COCO17)


@pytest.mark.parametrize("speed", [0.0, 60.0, 200.0])
def test_somebody_walking_is_followed_with_few_looks_of_the_detector(speed: float) -> None:
    clip = Clip(lambda t: [Body(100 + speed * t, 50 + 10 * np.sin(6 * t))], detect_every_s=0.5)
    for poses, body in zip(clip.run(), clip.world.frames, strict=True):
        np.testing.assert_allclose(poses.xy[0], body[0].xy, atol=1e-3)
        assert len(poses) == 1
        assert poses.boxes.score[0] == pytest.approx(0.72)
    assert clip.detector.looks == 4  # at 0, 0.5, 1.0 and 1.5 s


def test_the_box_keeps_the_margins_that_the_detector_gave() -> None:
    clip = Clip(lambda t: [Body(200 + 100 * t, 40, height=200 + 60 * t)], detect_every_s=9.0)
    clip.run()
    assert clip.detector.looks == 1
    np.testing.assert_allclose(clip.model.boxes[1][0], clip.world.frames[0][0].box, atol=1e-3)
    for body, box in zip(clip.world.frames[6:], clip.model.boxes[6:], strict=True):
        np.testing.assert_allclose(box[0], body[0].box, atol=4)  # moved on as the person does


@pytest.mark.parametrize("every_s", [0.0, 0.2, 1.0, 99.0])
def test_the_detector_looks_as_often_as_asked(every_s: float) -> None:
    clip = Clip(lambda t: [Body(300, 50)], detect_every_s=every_s)
    clip.run()
    assert clip.detector.looks == {0.0: 50, 0.2: 10, 1.0: 2, 99.0: 1}[every_s]


def test_frames_without_times_count_as_thirty_a_second() -> None:
    clip = Clip(lambda t: [Body(300, 50)], detect_every_s=0.5)
    for index in range(40):
        clip.follower.estimate([clip.world.frame(index)])
    assert clip.detector.looks == 3


def test_newcomers_come_with_the_next_look_and_last() -> None:
    first, second = Body(500, 50, score=0.5), Body(100, 50, score=0.9)
    clip = Clip(lambda t: [first, second] if t >= 0.2 else [first], detect_every_s=0.5)
    found = clip.run()
    assert [len(poses) for poses in found] == [1] * 13 + [2] * 37
    for poses in found[13:]:
        np.testing.assert_allclose(poses["nose"][:, 0], [500, 100], atol=1e-3)  # by place, not by score


def test_who_is_lost_is_dropped_until_the_next_look() -> None:
    gone = Body(300, 50, score=0.1)
    clip = Clip(lambda t: [Body(100, 50), gone if 0.2 <= t < 0.7 else Body(300, 50)], detect_every_s=0.4)
    counts = [len(poses) for poses in clip.run()]
    assert counts[:5] == [2] * 5
    assert counts[5:10] == [1] * 5  # few confident keypoints
    assert counts[10:] == [2] * 40  # at 0.4 s the detector shows them though; who never was sure is not lost


def test_nobody_is_looked_for_five_times_a_second_at_most() -> None:
    clip = Clip(lambda t: [], detect_every_s=0.5)
    assert [len(poses) for poses in clip.run()] == [0] * 50
    assert clip.detector.looks == 10


def test_somebody_the_detector_misses_twice_in_a_row_is_let_go() -> None:
    clip = Clip(lambda t: [Body(100, 50), Body(300, 50, missed=0.3 < t < 0.8 or t > 1.1)], detect_every_s=0.5)
    counts = [len(poses) for poses in clip.run()]
    assert counts == [2] * 50  # missed at 0.5 s, seen at 1.0, missed at 1.5
    clip = Clip(lambda t: [Body(100, 50), Body(300, 50, missed=t > 0.3)], detect_every_s=0.5)
    counts = [len(poses) for poses in clip.run()]
    assert counts == [2] * 26 + [1] * 24


def test_a_box_that_turns_to_somebody_else_does_not_double_them() -> None:
    """Who passes behind vanishes: their box shows the one in front, who stays one."""
    clip = Clip(
        lambda t: [
            Body(300, 50),
            Body(200 + 100 * t, 50, score=0.8 if abs(t - 1) > 0.3 else 0.04, missed=abs(t - 1) < 0.3),
        ]
    )
    found = clip.run()
    assert [len(poses) for poses in found[:17]] == [2] * 17
    for poses in found[19:32]:
        assert len(poses) == 1
        np.testing.assert_allclose(poses["nose"][0, 0], 300, atol=1e-3)
    assert len(found[-1]) == 2


def test_limbs_that_fail_for_a_frame_do_not_shrink_the_box_to_half_a_person() -> None:
    legs = range(11, 17)
    clip = Clip(lambda t: [Body(300, 50, hidden=legs if 0.2 < t < 0.3 else ())], detect_every_s=9.0)
    found = clip.run()
    assert (found[6].score[0, 11:] < 0.3).all()
    assert (found[8].score[0, 11:] > 0.3).all()  # still looked for
    for poses in found[14:]:
        np.testing.assert_allclose(poses.boxes.xyxy[0], found[0].boxes.xyxy[0], atol=1e-3)


def test_a_look_that_shows_somebody_elsewhere_is_not_followed_there() -> None:
    """The second person is gone and their box shows, of the first, what lies beside it."""

    def people(t: float) -> list[Body]:
        return [Body(300, 50)] if t > 0.2 else [Body(300, 50), Body(380, 50)]

    clip = Clip(people, detect_every_s=9.0)
    clip.follower._top_down.pose_nms = "none"
    assert [len(poses) for poses in clip.run()] == [2] * 6 + [1] * 44


def test_limbs_out_of_sight_for_longer_leave_the_box() -> None:
    legs = range(11, 17)
    clip = Clip(lambda t: [Body(100 + 100 * t, 50, hidden=legs if t > 0.2 else ())], detect_every_s=9.0)
    last = clip.run()[-1].boxes.xyxy[0]
    assert last[3] < 50 + 200 * 0.6  # knees and below
    np.testing.assert_allclose((last[0] + last[2]) / 2, 100 + 100 * 1.96, atol=0.1)  # yet it goes along


def test_somebody_who_leaves_the_picture_is_gone() -> None:
    clip = Clip(lambda t: [Body(500 + 200 * t, 50, score=0.8 if 500 + 200 * t < 680 else 0.1, missed=t > 0.8)])
    counts = [len(poses) for poses in clip.run()]
    assert counts[:20] == [1] * 20
    assert counts[26:] == [0] * 24


def test_another_clip_and_a_long_pause_begin_anew() -> None:
    clip = Clip(lambda t: [Body(300, 50)], detect_every_s=99.0)
    clip.follower.estimate([clip.world.frame(0, 0.0), clip.world.frame(1, 0.04)])
    assert clip.detector.looks == 1
    clip.follower.estimate([clip.world.frame(2, 5.0)])
    assert clip.detector.looks == 2
    clip.follower.estimate([clip.world.frame(3, 4.0)])  # back in time
    assert clip.detector.looks == 3
    clip.follower.reset()
    clip.follower.estimate([clip.world.frame(4, 4.04)])
    assert clip.detector.looks == 4


@pytest.mark.parametrize("skeleton", [WHOLEBODY133, HALPE26], ids=lambda skeleton: skeleton.name)
def test_layouts_in_which_keypoints_are_missing(skeleton: Skeleton) -> None:
    clip = Clip(lambda t: [Body(100 + 50 * t, 50), Body(400, 50)], skeleton=skeleton)
    found = clip.run()
    assert [len(poses) for poses in found] == [2] * 50
    assert clip.detector.looks == 4


def test_smooth_body_takes_jitter_away_and_keeps_people_apart() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.3, (50, 2))

    def people(t: float) -> list[Body]:
        dx, dy = noise[round(t * RATE)]
        shaking = Body(150 + dx, 50 + dy)
        return [shaking, Body(450, 50)] if t >= 0.4 else [shaking]

    rough, smooth = (Clip(people, smooth_body=smooth_body, detect_every_s=0.2).run() for smooth_body in (False, True))
    spread = [np.std([poses["left_hip"][0, 0] for poses in found[10:]]) for found in (rough, smooth)]
    assert spread[1] < 0.6 * spread[0]
    np.testing.assert_allclose(smooth[-1]["left_hip"][1, :2], rough[-1]["left_hip"][1, :2], atol=1e-3)
    np.testing.assert_array_equal(smooth[0].xy, rough[0].xy)


def test_a_new_clip_waits_for_the_frames_of_the_last() -> None:
    clip = Clip(lambda t: [Body(300, 50)])
    inside, go_on = threading.Event(), threading.Event()
    locate = clip.model.locate

    def slowly(frames: list[Frame], boxes: list[Boxes]) -> list[Poses]:
        inside.set()
        assert go_on.wait(10)
        return locate(frames, boxes)

    clip.model.locate = slowly  # type: ignore[method-assign, assignment]
    with ThreadPoolExecutor(2) as pool:
        estimate = pool.submit(clip.follower.estimate, [clip.frame(0)])
        assert inside.wait(10)
        reset = pool.submit(clip.follower.reset)
        assert not reset.done()
        go_on.set()
        assert len(estimate.result()[0]) == 1
        reset.result()
    clip.follower.estimate([clip.frame(1)])
    assert clip.detector.looks == 2


def test_refuses_a_negative_pause() -> None:
    with pytest.raises(ConfigError, match="detect_every_s: expected 0 or more, got -1"):
        Clip(lambda t: [], detect_every_s=-1)
