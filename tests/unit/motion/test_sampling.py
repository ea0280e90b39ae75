"""Frames in which somebody moved are kept, no more of them per second than asked for; what motion measures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.errors import ConfigError
from holopose.motion.sampling import MotionSampler, measure_motion
from holopose.skeletons import COCO17, FACE68, WHOLEBODY133, Skeleton
from holopose.types import Boxes, Frame, Poses

IMAGE = np.zeros((2, 2, 3), np.uint8)
BOX = (0.0, 0.0, 300.0, 400.0)  # its diagonal is 500 px
Array = npt.NDArray[np.float64]


def person(
    xy: npt.ArrayLike = 0.0,
    *,
    score: npt.ArrayLike = 0.8,
    box: Sequence[float] = BOX,
    identity: int = 1,
    skeleton: Skeleton = COCO17,
) -> Poses:
    """One person; places and scores for all keypoints or each."""
    count = len(skeleton)
    places = np.broadcast_to(np.asarray(xy, np.float64), (count, 2))
    scores = np.where(np.isnan(places[:, 0]), 0, np.broadcast_to(score, count))
    return Poses(places[None], scores[None], Boxes([box], [0.9]), skeleton, ids=[identity])


def together(*people: Poses) -> Poses:
    return Poses(
        np.concatenate([one.xy for one in people]),
        np.concatenate([one.score for one in people]),
        Boxes(np.concatenate([one.boxes.xyxy for one in people]), [0.9] * len(people)),
        people[0].skeleton,
        ids=[one.ids[0] for one in people if one.ids is not None],
    )


def kept(sampler: MotionSampler, times: Sequence[float | None], poses: Sequence[Poses]) -> list[int]:
    """Indices of the frames that are kept; each comes with the people it came with."""
    frames = [Frame(IMAGE, index=i, time_s=time_s) for i, time_s in enumerate(times)]
    found = list(sampler(zip(frames, poses, strict=True)))
    assert all(frame is frames[frame.index] and people is poses[frame.index] for frame, people in found)
    return [frame.index for frame, _ in found]


def at(rate: float, count: int) -> list[float]:
    return [i / rate for i in range(count)]


# How many per second -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "max_fps", "expected"),
    [
        (30, 5, list(range(0, 60, 6))),
        (30, 30, list(range(60))),
        (30, 100, list(range(60))),
        (30000 / 1001, 10, list(range(0, 60, 3))),
        (30, 20, [i for i in range(60) if i % 3 != 1]),
        (10, 0.5, [0, 20, 40]),
    ],
)
def test_frames_per_second(rate: float, max_fps: float, expected: list[int]) -> None:
    sampler = MotionSampler(max_fps=max_fps)
    assert kept(sampler, at(rate, 60), [person()] * 60) == expected
    assert kept(sampler, at(rate, 60), [person()] * 60) == expected  # the next clip begins anew


times = st.lists(st.floats(0, 0.5), min_size=1, max_size=60).map(lambda steps: np.cumsum(steps).tolist())


@given(times, st.floats(0.5, 60))
def test_never_more_than_asked_for_and_never_far_fewer(time_s: list[float], max_fps: float) -> None:
    chosen = kept(MotionSampler(max_fps=max_fps), time_s, [person()] * len(time_s))
    assert chosen[0] == 0
    for first in chosen:  # from any of them on
        later = [time_s[i] - time_s[first] for i in chosen if i >= first]
        assert all(n <= span_s * max_fps + 2 + 1e-4 for n, span_s in enumerate(later, 1))
    whole_s = time_s[chosen[-1]] - time_s[0]
    assert len(chosen) <= whole_s * max_fps + 1 + 1e-4
    for a, b in zip(chosen, [*chosen[1:], len(time_s)], strict=True):
        waited = [time_s[i] - time_s[a] for i in range(a + 1, b)]
        assert all(span_s < 2 / max_fps + 1e-4 for span_s in waited)


def test_frames_without_times_are_all_kept() -> None:
    assert kept(MotionSampler(max_fps=1), [None] * 5, [person()] * 5) == [0, 1, 2, 3, 4]


def test_times_that_begin_anew() -> None:
    assert kept(MotionSampler(max_fps=1), [100, 100.5, 101, 0, 0.5, 1], [person()] * 6) == [0, 2, 3, 5]


# How much they moved -------------------------------------------------------------------------------------------------


def test_slow_motion_adds_up() -> None:
    walk = [person(np.array([4.0 * i, 3.0 * i])) for i in range(21)]  # 5 px a frame: 1 % of the diagonal
    assert kept(MotionSampler(min_motion=0.049), at(25, 21), walk) == [0, 5, 10, 15, 20]


def test_who_stands_still_is_kept_once() -> None:
    assert kept(MotionSampler(min_motion=0.01), at(25, 9), [person()] * 9) == [0]
    assert kept(MotionSampler(min_motion=0), at(25, 9), [person()] * 9) == list(range(9))


def test_both_limits_hold_together() -> None:
    walk = [person(np.array([50.0 * i, 0.0])) for i in range(10)]  # a tenth a frame
    stop = walk + [walk[-1]] * 10
    assert kept(MotionSampler(min_motion=0.05, max_fps=5), at(10, 20), stop) == [0, 2, 4, 6, 8, 10]


def test_somebody_appears_or_leaves() -> None:
    nobody, one, other = Poses.empty(COCO17), person(), person(identity=2)
    clip = [nobody, nobody, one, one, together(one, other), together(other, one), other, other, nobody, nobody]
    assert kept(MotionSampler(min_motion=0.5), at(10, 10), clip) == [0, 2, 4, 6, 8]


def test_people_without_identity_are_compared_in_their_order() -> None:
    a, b = person(identity=-1), person(100, identity=-1)
    assert measure_motion(together(a, b), together(a, b)) == 0
    assert measure_motion(together(a, b), together(b, a)) == pytest.approx(math.hypot(100, 100) / 500)
    assert kept(MotionSampler(min_motion=0.5), at(10, 3), [a, together(a, b), together(a, b)]) == [0, 1]


# The measure ---------------------------------------------------------------------------------------------------------

coordinates = st.floats(-2000, 2000, width=32)


@st.composite
def people(draw: st.DrawFn, skeleton: Skeleton = COCO17) -> Poses:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    xy = rng.uniform(-500, 500, (len(skeleton), 2))
    xy[rng.random(len(skeleton)) < draw(st.sampled_from([0, 0.3, 1]))] = np.nan
    return person(xy, score=rng.random(len(skeleton)), box=(0, 0, *rng.uniform(0, 500, 2)), skeleton=skeleton)


@given(people(), people())
def test_both_ways_are_equally_far_and_nobody_is_nowhere(a: Poses, b: Poses) -> None:
    there, back = measure_motion(a, b), measure_motion(b, a)
    assert there == back
    assert there is not None
    assert there >= 0
    assert measure_motion(a, a) == 0
    assert measure_motion(a, Poses.empty(COCO17)) is None
    assert measure_motion(Poses.empty(COCO17), Poses.empty(COCO17)) is None


@given(people(), st.tuples(coordinates, coordinates))
def test_who_moves_as_a_whole_moves_by_that(a: Poses, by: tuple[float, float]) -> None:
    box = a.boxes.xyxy[0]
    b = a.replace(xy=a.xy + np.array(by, np.float32), boxes=Boxes([box + np.array(by * 2, np.float32)], [0.9]))
    size = max(float(np.hypot(box[2] - box[0], box[3] - box[1])), 1.0)
    assert measure_motion(a, b) == pytest.approx(math.hypot(*by) / size, rel=0.01, abs=0.01)


@given(people(), people(), st.floats(0.1, 10))
def test_the_size_of_the_picture_does_not_matter(a: Poses, b: Poses, scale: float) -> None:
    def scaled(poses: Poses) -> Poses:
        return poses.replace(xy=poses.xy * scale, boxes=Boxes(poses.boxes.xyxy * scale, [0.9]))

    sizes = [float(np.hypot(*one.boxes.xyxy[0, 2:])) * min(scale, 1) for one in (a, b)]
    if max(sizes) > 1:
        assert measure_motion(scaled(a), scaled(b)) == pytest.approx(measure_motion(a, b), rel=1e-3)


@given(st.lists(people(), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_the_one_who_moved_most_counts_whatever_the_order(clip: list[Poses], random: object) -> None:
    before = [person(identity=i) for i in range(len(clip))]
    now = [one.replace(ids=[i]) for i, one in enumerate(clip)]
    alone = [measure_motion(a, b) for a, b in zip(before, now, strict=True)]
    order = list(range(len(clip)))
    random.shuffle(order)  # type: ignore[attr-defined]
    together_now = together(*(now[i] for i in order))
    assert measure_motion(together(*before), together_now) == pytest.approx(max(alone), rel=1e-6)


def test_a_raised_arm_is_motion() -> None:
    raised = np.zeros((17, 2))
    raised[[7, 9]] = [[0, -100], [0, -200]]  # elbow and wrist
    motion = measure_motion(person(), person(raised))
    assert motion == pytest.approx(math.sqrt((100**2 + 200**2) / 17) / 500)
    assert motion > 0.1


def test_guessed_joints_hardly_count() -> None:
    moved, score = np.zeros((17, 2)), np.full(17, 0.9)
    moved[15:], score[15:] = 300.0, 0.01  # ankles out of the picture
    assert measure_motion(person(score=score), person(moved)) == measure_motion(person(), person(moved, score=score))
    assert measure_motion(person(), person(moved, score=score)) < 0.05
    assert measure_motion(person(), person(moved)) > 0.2


def test_fingers_and_faces_count_only_where_there_is_nothing_else() -> None:
    moved = np.zeros((133, 2))
    moved[23:] = 100
    whole = {"skeleton": WHOLEBODY133}
    assert measure_motion(person(**whole), person(moved, **whole)) == 0
    assert measure_motion(person(skeleton=FACE68), person(100, skeleton=FACE68)) == pytest.approx(math.sqrt(2) / 5)


def test_where_no_keypoint_is_in_both_the_box_tells() -> None:
    moved = (50.0, 0.0, 350.0, 400.0)
    assert measure_motion(person(np.nan), person(5, box=moved)) == pytest.approx(0.1)
    assert measure_motion(person(score=0), person(5, score=0, box=moved)) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"min_motion": -0.1}, "min_motion"),
        ({"min_motion": math.nan}, "min_motion"),
        ({"max_fps": 0}, "max_fps"),
        ({"max_fps": math.nan}, "max_fps"),
    ],
)
def test_numbers_that_make_no_sense(options: dict[str, float], name: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name}: expected"):
        MotionSampler(**options)
