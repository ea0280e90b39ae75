"""Following people through made-up clips: who is seen where, what it costs, and who is searched for when."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from holopose.errors import BackendError, ConfigError
from holopose.models.blaze.follow import BlazeFollower
from holopose.protocols import Estimator
from holopose.skeletons import BLAZE543, COCO17, WHOLEBODY133
from holopose.types import Frame, Poses

RATE = 25.0


class Clip:
    """A clip whose people are given frame by frame; counts what the networks are asked."""

    def __init__(self, blaze_scenes: ModuleType, **options: Any) -> None:
        self.fake = blaze_scenes.FakeBlaze(blaze_scenes.Scene())
        rest = {key: options.pop(key) for key in ("detect_every_s", "smooth_body") if key in options}
        self.follower = BlazeFollower(self.fake.estimator(**{"layout": BLAZE543, **options}), **rest)
        self.index = 0
        self.frame_image = self.fake.frame().image

    def show(self, people: Iterable[Any], *, time_s: float | None = None) -> Poses:
        self.fake.scenes[0].people = list(people)
        frame = Frame(self.frame_image, index=self.index, time_s=self.index / RATE if time_s is None else time_s)
        self.index += 1
        [poses] = self.follower.estimate([frame])
        return poses

    def asked(self, *networks: str) -> list[int]:
        return [len(self.fake.networks[name].calls) for name in networks]

    def cost(self, people: Iterable[Any]) -> dict[str, int]:
        """Calls of each network for one more frame."""
        before = {name: len(network.calls) for name, network in self.fake.networks.items()}
        self.show(people)
        return {name: len(network.calls) - before[name] for name, network in self.fake.networks.items()}


@pytest.fixture
def clip(blaze_scenes: ModuleType) -> Callable[..., Clip]:
    return lambda **options: Clip(blaze_scenes, **options)


@pytest.fixture
def person(blaze_scenes: ModuleType) -> Callable[..., Any]:
    def make(x: float, **details: Any) -> Any:
        return blaze_scenes.Figure((x, 180), **{"height": 150, "peak": 0.78, **details})

    return make


# Where people are ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("search", ["normal", "whole"])
def test_a_walker_is_where_they_are_in_every_frame(
    clip: Callable[..., Clip], person: Callable[..., Any], search: str
) -> None:
    shot = clip(search=search)
    assert isinstance(shot.follower, Estimator)
    for step in range(30):
        walker = person(150 + 5 * step, turn=0.005 * step)
        poses = shot.show([walker])
        assert len(poses) == 1
        truth = np.concatenate([walker.xy[:33], walker.mesh, walker.hand("left"), walker.hand("right")])
        np.testing.assert_allclose(poses.xy[0], truth, atol=1.5)


def test_several_people_keep_their_places_in_the_list(clip: Callable[..., Clip], person: Callable[..., Any]) -> None:
    shot = clip()
    for step in range(12):
        people = [person(100 + 3 * step, peak=0.7 + 0.01 * step), person(370 - 3 * step, peak=0.8 - 0.01 * step)]
        poses = shot.show(people)
        assert len(poses) == 2
        if step == 0:
            first_on_left = poses.xy[0, 0, 0] < poses.xy[1, 0, 0]
        assert (poses.xy[0, 0, 0] < poses.xy[1, 0, 0]) == first_on_left


def test_nobody_is_a_normal_answer_in_the_layout_asked_for(clip: Callable[..., Clip]) -> None:
    for layout in (COCO17, WHOLEBODY133):
        shot = clip(layout=layout)
        assert shot.show([]).allclose(Poses.empty(layout))
        assert shot.follower.skeleton == layout


@pytest.mark.parametrize("search", ["normal", "whole"])
def test_bug_no_detection_makes_the_whole_picture_a_person(
    clip: Callable[..., Clip], person: Callable[..., Any], search: str
) -> None:
    """Other tools run the landmark network on the whole picture when their detector is silent."""
    shot = clip(search=search)
    unseen = person(240, detection=0.01)  # the landmark network would find them
    for _ in range(12):
        assert len(shot.show([unseen])) == 0
    assert shot.asked("pose_landmark_full") == [0]


def test_a_frame_without_time_counts_as_a_thirtieth_of_a_second(
    clip: Callable[..., Clip], person: Callable[..., Any]
) -> None:
    shot = clip()
    image = shot.frame_image
    shot.fake.scenes[0].people = [person(200)]
    for index in range(40):
        [poses] = shot.follower.estimate([Frame(image, index=index)])
        assert len(poses) == 1
    assert shot.asked("pose_landmark_full")[0] < 60


# What a frame costs --------------------------------------------------------------------------------------------------


def test_a_followed_person_costs_one_look_and_no_search(clip: Callable[..., Clip], person: Callable[..., Any]) -> None:
    shot = clip(detect_every_s=10)
    for step in range(3):
        shot.show([person(200 + step)])
    cost = shot.cost([person(204)])
    assert cost["pose_detection"] == 0
    assert cost["pose_landmark_full"] == 1
    assert cost["hand_landmark_full"] == 2
    assert cost["face_landmark"] == 1


def test_the_cost_grows_by_the_person(clip: Callable[..., Clip], person: Callable[..., Any]) -> None:
    costs = []
    for count in (1, 2, 3):
        shot = clip(detect_every_s=10)
        people = [person(80 + 150 * i) for i in range(count)]
        for _ in range(3):
            assert len(shot.show(people)) == count
        costs.append(shot.cost(people)["pose_landmark_full"])
    assert costs == [1, 2, 3]


def test_newcomers_are_searched_for_every_so_often(clip: Callable[..., Clip], person: Callable[..., Any]) -> None:
    shot = clip(detect_every_s=0.4)  # every tenth frame
    found = []
    for step in range(24):
        people = [person(120)] + ([person(360)] if step >= 3 else [])
        found.append(len(shot.show(people)))
    assert found == [1] * 10 + [2] * 14


def test_with_every_place_taken_nobody_is_searched_for(clip: Callable[..., Clip], person: Callable[..., Any]) -> None:
    shot = clip(max_people=1)
    for _ in range(3):
        assert len(shot.show([person(120), person(360)])) == 1
    before = shot.asked("pose_detection")
    for _ in range(30):
        assert len(shot.show([person(120), person(360)])) == 1
    assert shot.asked("pose_detection") == before


def test_hands_that_are_not_clearly_seen_move_with_the_wrist_between_looks(
    clip: Callable[..., Clip], person: Callable[..., Any]
) -> None:
    shot = clip(detect_every_s=10)
    looks = 0
    for step in range(12):
        walker = person(150 + 4 * step, hand_presence=(0.3, 0.3))
        before = shot.asked("hand_landmark_full")[0]
        poses = shot.show([walker])
        looks += shot.asked("hand_landmark_full")[0] - before
        for part, side in (("left_hand", "left"), ("right_hand", "right")):
            np.testing.assert_allclose(poses.part(part).xy[0], walker.hand(side), atol=2)
    assert looks <= 2 * 12 // 3 + 2


def test_a_face_that_is_not_there_is_looked_for_now_and_then(
    clip: Callable[..., Clip], person: Callable[..., Any]
) -> None:
    shot = clip(detect_every_s=10)
    back = person(200, face_score=0.1)
    for _ in range(3):
        shot.show([back])
    looks = sum(shot.cost([back])["face_detection_short_range"] for _ in range(9))
    assert looks == 3
    found = [not np.isnan(shot.show([person(200)]).part("face").xy).any() for _ in range(4)]
    assert found[-1]


# Lost and found ------------------------------------------------------------------------------------------------------


def test_somebody_hidden_for_a_moment_is_found_again_without_a_search_of_the_picture(
    clip: Callable[..., Clip], person: Callable[..., Any]
) -> None:
    shot = clip(detect_every_s=100, max_people=2)
    counts = []
    for step in range(24):
        x = 120 + 4 * step
        hidden = 6 <= step < 14
        counts.append(len(shot.show([person(400)] + ([] if hidden else [person(x)]))))
    assert counts[:6] == [2] * 6
    assert counts[6:14] == [1] * 8
    assert counts[17:] == [2] * 7


def test_an_empty_picture_is_searched_coarse_to_fine(clip: Callable[..., Clip], person: Callable[..., Any]) -> None:
    shot = clip()

    def canvases() -> int:
        before = shot.asked("pose_detection")[0]
        shot.show([])
        return shot.asked("pose_detection")[0] - before

    counts = [canvases() for _ in range(31)]  # at 25 frames per second a search every fifth frame
    assert [i for i, n in enumerate(counts) if n] == [0, 5, 10, 15, 20, 25, 30]
    assert all(counts[0] == counts[i] for i in (15, 30))
    assert all(0 < counts[i] <= counts[0] for i in (5, 10, 20, 25))


def test_a_small_person_beside_a_large_one_is_found_in_the_next_frame(
    clip: Callable[..., Clip], person: Callable[..., Any]
) -> None:
    """Where a coarse search has found somebody, a full one follows at once."""
    shot = clip()
    for _ in range(5):
        shot.show([])
    small = person(400, height=60, faint=(0.05, 40.0))  # not seen by the coarse looks
    counts = [len(shot.show([person(150), small])) for _ in range(3)]
    assert counts[0] >= 1
    assert counts[1] == counts[2] == 2


def test_after_a_loss_somebody_else_is_not_taken_at_once(clip: Callable[..., Clip], person: Callable[..., Any]) -> None:
    shot = clip(max_people=1, detect_every_s=0.5)
    for _ in range(3):
        assert len(shot.show([person(100, height=90)])) == 1
    elsewhere = person(400, height=90, detection=0.3)
    counts = [len(shot.show([elsewhere])) for _ in range(10)]
    assert counts[:4] == [0] * 4
    assert counts[-1] == 1


def test_frames_of_the_same_time_do_not_tell_a_speed(clip: Callable[..., Clip], person: Callable[..., Any]) -> None:
    shot = clip(detect_every_s=100)
    for step in range(6):
        assert len(shot.show([person(150 + 2 * step)], time_s=0.04 * (step // 2))) == 1
    hidden = [len(shot.show([], time_s=0.2)), len(shot.show([person(164)], time_s=0.36))]
    assert hidden == [0, 1]


def test_two_who_end_up_on_one_body_become_one(clip: Callable[..., Clip], person: Callable[..., Any]) -> None:
    shot = clip(detect_every_s=100)
    for step in range(10):
        shot.show([person(150 + 4 * step), person(330 - 4 * step)])
    counts = [len(shot.show([person(245)])) for _ in range(6)]
    assert counts[-1] == 1


def test_a_ghost_is_let_go(clip: Callable[..., Clip], person: Callable[..., Any]) -> None:
    shot = clip(detect_every_s=100)
    assert len(shot.show([person(200)])) == 1
    faint = person(200, peak=0.44, detection=0.05)
    counts = [len(shot.show([faint])) for _ in range(20)]
    assert counts[0] == 1
    assert counts[-1] == 0


def test_somebody_who_is_gone_is_lost_at_once(clip: Callable[..., Clip], person: Callable[..., Any]) -> None:
    shot = clip(detect_every_s=100)
    assert len(shot.show([person(200)])) == 1
    assert len(shot.show([])) == 0


def test_a_jump_in_time_begins_anew(clip: Callable[..., Clip], person: Callable[..., Any]) -> None:
    shot = clip(detect_every_s=100)
    shot.show([person(150)])
    for time_s in (30.0, 2.0):  # on, and back
        before = shot.asked("pose_detection")[0]
        assert len(shot.show([person(340)], time_s=time_s)) == 1
        assert shot.asked("pose_detection")[0] > before


@pytest.mark.parametrize("search", ["normal", "whole"])
def test_whose_score_falls_too_low_is_left_out_and_makes_room(
    clip: Callable[..., Clip], person: Callable[..., Any], search: str
) -> None:
    shot = clip(detect_every_s=0.2, min_score=0.5, max_people=1, search=search)
    assert len(shot.show([person(150)])) == 1
    assert len(shot.show([person(150, peak=0.55)])) == 0
    found = [shot.show([person(150, peak=0.55), person(380, detection=0.99)]) for _ in range(10)]
    assert abs(found[-1].xy[0, 23, 0] - 380) < 20


def test_an_error_beside_the_search_is_told_and_the_next_clip_begins_well(
    clip: Callable[..., Clip], person: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    shot = clip()
    shot.fake.scenes[0].people = [person(200)]
    four = [Frame(shot.frame_image, index=i, time_s=i / RATE) for i in range(4)]
    expected = shot.follower.estimate(four)
    shot.follower.reset()
    with monkeypatch.context() as broken:
        broken.setattr(shot.fake.networks["face_landmark"], "run_many", _refuse)
        broken.setattr(shot.fake.networks["face_landmark"], "run", _refuse)
        with pytest.raises(BackendError, match="out of order"):
            shot.follower.estimate(four)
    shot.follower.reset()
    again = shot.follower.estimate(four)
    assert all(a.allclose(b) for a, b in zip(expected, again, strict=True))
    assert len(again[-1]) == 1


def test_a_new_clip_begins_when_another_thread_is_done_with_the_last(
    clip: Callable[..., Clip], person: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a run gave up a clip and its thread is still inside the networks."""
    shot = clip(detect_every_s=100)
    shot.fake.scenes[0].people = [person(150)]
    inside, go_on = threading.Event(), threading.Event()
    detect = shot.fake.networks["pose_detection"].run

    def wait(inputs: Any) -> Any:
        inside.set()
        assert go_on.wait(30)
        return detect(inputs)

    with ThreadPoolExecutor(2) as others, monkeypatch.context() as slow:
        slow.setattr(shot.fake.networks["pose_detection"], "run", wait)
        last = others.submit(shot.follower.estimate, [Frame(shot.frame_image, time_s=0.0)])
        assert inside.wait(30)
        reset = others.submit(shot.follower.reset)
        with pytest.raises(TimeoutError):
            reset.result(0.05)
        go_on.set()
        assert len(last.result(30)[0]) == 1
        reset.result(30)
    shot.fake.scenes[0].people = [person(340)]
    [poses] = shot.follower.estimate([Frame(shot.frame_image, time_s=0.04)])
    assert abs(poses.xy[0, 23, 0] - 340) < 20


def _refuse(*_: object) -> None:
    raise BackendError("out of order")


def test_reset_forgets_everybody(clip: Callable[..., Clip], person: Callable[..., Any]) -> None:
    shot = clip(detect_every_s=100)
    shot.show([person(150)])
    shot.follower.reset()
    before = shot.asked("pose_detection")[0]
    poses = shot.show([person(340)])
    assert abs(poses.xy[0, 23, 0] - 340) < 20
    assert shot.asked("pose_detection")[0] > before


def test_the_single_view_follows_one_person_by_the_network_s_own_flag(
    clip: Callable[..., Clip], person: Callable[..., Any]
) -> None:
    shot = clip(search="whole")
    assert len(shot.show([person(200)])) == 1
    before = shot.asked("pose_detection")[0]
    for _ in range(5):
        assert len(shot.show([person(200, peak=0.2)])) == 1
    assert shot.asked("pose_detection")[0] == before
    assert len(shot.show([person(200, flag=0.3)])) == 0


def test_options_that_mean_nothing_are_refused(blaze_scenes: ModuleType) -> None:
    with pytest.raises(ConfigError, match="detect_every_s: expected 0 or more, got -1"):
        Clip(blaze_scenes, detect_every_s=-1)


def test_timings_tell_where_the_time_goes(clip: Callable[..., Clip], person: Callable[..., Any]) -> None:
    shot = clip()
    shot.show([person(200)])
    assert set(shot.follower.timings) == {"follow", "search", "parts"}
    assert shot.follower.timings["search"] > 0
