"""The nouns stay locked; Poses and PoseSequence: what they refuse, how people and keypoints are picked."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from holopose.errors import InputError
from holopose.skeletons import BLAZEPOSE33, COCO17, WHOLEBODY133
from holopose.types import Boxes, Frame, Poses, PoseSequence, Sample


def make_boxes(count: int) -> Boxes:
    left = 10.0 * np.arange(count)
    return Boxes(np.stack([left, left, left + 5, left + 8], axis=1), np.linspace(1, 0.5, count))


def make_poses(count: int = 3, skeleton: Any = COCO17, **rest: Any) -> Poses:
    """People whose coordinates tell who and which keypoint they are: x = person, y = keypoint."""
    k = len(skeleton)
    xy = np.stack(np.broadcast_arrays(np.arange(count)[:, None], np.arange(k)[None, :]), axis=2).astype(np.float32)
    score = np.tile(np.linspace(0, 1, k, dtype=np.float32), (count, 1))
    return Poses(xy, score, make_boxes(count), skeleton, **rest)


def full_poses(count: int = 3) -> Poses:
    k = len(COCO17)
    return make_poses(
        count,
        ids=np.arange(count) + 7,
        visible=np.arange(count * k).reshape(count, k) % 3 == 0,
        world=np.arange(count * k * 3).reshape(count, k, 3) / 100,
        native=make_poses(count, BLAZEPOSE33),
    )


def make_sequence(**changes: Any) -> PoseSequence:
    values: dict[str, Any] = {
        "xy": np.ones((2, 3, 17, 2)),
        "score": np.ones((2, 3, 17)),
        "ids": [4, 5, 6],
        "time_s": [0.0, 0.04],
        "skeleton": COCO17,
    }
    return PoseSequence(**{**values, **changes})


def nouns() -> list[Any]:
    frame = Frame(np.arange(24, dtype=np.uint8).reshape(2, 4, 3), index=3, time_s=0.12, name="a.jpg")
    return [frame, make_boxes(2), full_poses(), make_sequence(), Sample(frame, full_poses())]


def arrays(noun: Any) -> list[np.ndarray]:
    found: list[np.ndarray] = []
    for name in noun.__dataclass_fields__:
        value = getattr(noun, name)
        if isinstance(value, np.ndarray):
            found.append(value)
        elif hasattr(value, "__dataclass_fields__") and name != "skeleton":
            found += arrays(value)
    return found


# Locking -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("travel", [lambda n: n, copy.copy, copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))])
@pytest.mark.parametrize("noun", nouns(), ids=lambda n: type(n).__name__)
def test_locked_and_equal_after_copying_and_pickling(noun: Any, travel: Any) -> None:
    other = travel(noun)
    assert other.allclose(noun, atol=0)
    assert len(arrays(other)) == len(arrays(noun)) > 0
    for array in arrays(other):
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    name = next(iter(other.__dataclass_fields__))
    with pytest.raises(AttributeError):  # frozen
        setattr(other, name, None)
    with pytest.raises((AttributeError, TypeError)):  # slotted
        other.something_new = 1


def test_pickle_keeps_every_field() -> None:
    poses = pickle.loads(pickle.dumps(full_poses()))
    assert poses.skeleton == COCO17
    assert poses.ids.tolist() == [7, 8, 9]
    assert poses.visible is not None
    assert poses.visible[0, :4].tolist() == [True, False, False, True]
    assert poses.native.skeleton == BLAZEPOSE33


def test_the_givers_arrays_stay_theirs() -> None:
    xy, score = np.zeros((1, 17, 2), np.float32), np.ones((1, 17), np.float32)
    poses = Poses(xy, score, make_boxes(1), COCO17)
    xy[:] = 5
    score[:] = 0
    assert poses.xy.max() == 0
    assert poses.score.min() == 1
    image = np.zeros((2, 2, 3), np.uint8)
    frame = Frame(image)
    image[0, 0] = 9  # still writable for whoever owns it
    assert not frame.image.flags.writeable


def test_equality_is_identity() -> None:
    first, second = make_boxes(2), make_boxes(2)
    assert first != second
    assert first.allclose(second)
    assert len({first, second}) == 2


# Poses ---------------------------------------------------------------------------------------------------------------


def changed(**changes: Any) -> Poses:
    return make_poses(2).replace(**changes)


def with_nan(where: tuple[Any, ...]) -> np.ndarray:
    xy = np.array(make_poses(2).xy)
    xy[where] = np.nan
    return xy


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"xy": np.zeros((2, 16, 2))}, r"Poses.xy: expected shape \('any', 17, 2\), got \(2, 16, 2\)"),
        ({"xy": np.zeros((17, 2))}, r"Poses.xy: expected shape"),
        ({"xy": np.zeros((2, 17, 3))}, r"Poses.xy: expected shape"),
        ({"xy": np.full((2, 17, 2), np.inf)}, r"Poses.xy: expected finite numbers or NaN, got infinity"),
        ({"xy": with_nan((0, 16))}, r"Poses.score: a missing keypoint \(NaN\) must have score 0"),
        ({"xy": with_nan((0, 0, 0))}, r"Poses.xy: a missing keypoint is NaN in x and in y"),
        ({"xy": with_nan((1, 0, 1))}, r"Poses.xy: a missing keypoint is NaN in x and in y"),
        ({"score": np.zeros((1, 17))}, r"Poses.score: expected shape \(2, 17\), got \(1, 17\)"),
        ({"score": np.full((2, 17), 1.01)}, r"Poses.score: expected values in \[0, 1\], got 1.01 .. 1.01"),
        ({"score": np.full((2, 17), np.nan)}, r"Poses.score: expected values in \[0, 1\]"),
        ({"boxes": make_boxes(3)}, r"Poses.boxes: expected 2 people, got 3"),
        ({"ids": [1]}, r"Poses.ids: expected shape \(2,\), got \(1,\)"),
        ({"ids": [[1], [2]]}, r"Poses.ids: expected shape \(2,\), got \(2, 1\)"),
        ({"ids": 5}, r"Poses.ids: expected shape \(2,\), got \(\)"),
        ({"visible": np.ones((2, 16))}, r"Poses.visible: expected shape \(2, 17\), got \(2, 16\)"),
        ({"world": np.zeros((2, 17, 2))}, r"Poses.world: expected shape \(2, 17, 3\), got \(2, 17, 2\)"),
        ({"native": make_poses(3, BLAZEPOSE33)}, r"Poses.native: expected 2 people, got 3"),
        ({"skeleton": WHOLEBODY133}, r"Poses.xy: expected shape \('any', 133, 2\)"),
    ],
)
def test_poses_refuse(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        changed(**changes)


def test_a_missing_keypoint_has_no_place_and_no_score() -> None:
    poses = changed(xy=with_nan((0, 0)))  # keypoint 0 has score 0
    assert np.isnan(poses.xy[0, 0]).all()
    assert poses.score[0, 0] == 0
    assert poses.xy[1, 0].tolist() == [1, 0]  # a low score never moves a coordinate


def test_dtypes_are_those_promised() -> None:
    poses = full_poses()
    assert poses.xy.dtype == poses.score.dtype == poses.world.dtype == np.float32
    assert poses.ids is not None
    assert poses.ids.dtype == np.int64
    assert poses.visible is not None
    assert poses.visible.dtype == np.bool_
    assert make_poses(2).ids.tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("pick", "people"),
    [
        (0, [0]),
        (-1, [3]),
        (np.int64(2), [2]),
        (slice(1, 3), [1, 2]),
        (slice(None, None, -1), [3, 2, 1, 0]),
        ([3, 1], [3, 1]),
        ([], []),
        (np.array([False, True, False, True]), [1, 3]),
        (np.zeros(4, bool), []),
    ],
)
def test_picking_people_takes_everything_along(pick: Any, people: list[int]) -> None:
    poses = full_poses(4)
    some = poses[pick]
    assert isinstance(some, Poses)
    assert len(some) == len(some.boxes) == len(people)
    assert some.xy[:, 0, 0].tolist() == people
    assert some.ids.tolist() == [7 + i for i in people]
    assert some.boxes.xyxy[:, 0].tolist() == [10.0 * i for i in people]
    assert np.array_equal(some.visible, poses.visible[people])
    assert np.array_equal(some.world, poses.world[people])
    assert some.native.xy[:, 5, 0].tolist() == people


def test_iterating_gives_one_person_at_a_time() -> None:
    people = list(full_poses(3))
    assert [len(person) for person in people] == [1, 1, 1]
    assert [int(person.ids[0]) for person in people] == [7, 8, 9]
    with pytest.raises(IndexError):
        full_poses(3)[3]


def test_picking_a_keypoint_by_name() -> None:
    poses = make_poses(3)
    knee = poses["left_knee"]
    assert knee.shape == (3, 3)
    assert knee[:, 0].tolist() == [0, 1, 2]
    assert knee[:, 1].tolist() == [13, 13, 13]
    assert knee[:, 2] == pytest.approx(13 / 16)
    with pytest.raises(KeyError, match="did you mean left_knee"):
        poses["left_kne"]


def test_part() -> None:
    k = len(WHOLEBODY133)
    poses = make_poses(
        2, WHOLEBODY133, visible=np.arange(k) % 2 * np.ones((2, 1)), world=np.ones((2, k, 3)), ids=[3, 4]
    )
    hand = poses.part("left_hand")
    assert hand.xy[0, :, 1].tolist() == list(range(91, 112))
    assert hand.skeleton.name == "wholebody133/left_hand"
    assert hand["left_hand_wrist"][:, 1].tolist() == [91, 91]
    assert hand.visible[0].tolist() == [i % 2 == 1 for i in range(91, 112)]
    assert hand.world.shape == (2, 21, 3)
    assert hand.ids.tolist() == [3, 4]
    assert hand.boxes.allclose(poses.boxes)
    assert sum(len(poses.part(part).skeleton) for part in WHOLEBODY133.parts) == 133
    with pytest.raises(KeyError, match=r"coco17 has no part 'feet'; it has body"):
        make_poses(1).part("feet")


def test_nobody() -> None:
    nobody = Poses.empty(WHOLEBODY133)
    assert len(nobody) == len(nobody.boxes) == 0
    assert nobody.xy.shape == (0, 133, 2)
    assert list(nobody) == []
    assert nobody["nose"].shape == (0, 3)
    assert nobody.part("face").xy.shape == (0, 68, 2)
    assert nobody.allclose(Poses.empty(WHOLEBODY133))
    assert not nobody.allclose(Poses.empty(COCO17))


def test_replace_checks_anew_and_leaves_the_original() -> None:
    poses = make_poses(2)
    other = poses.replace(ids=[5, 6])
    assert other.ids.tolist() == [5, 6]
    assert poses.ids.tolist() == [-1, -1]
    with pytest.raises(InputError):
        poses.replace(score=poses.score * 2)


# Comparing -----------------------------------------------------------------------------------------------------------


def test_allclose_sees_every_field() -> None:
    poses = full_poses()
    for name, value in {
        "xy": poses.xy + 1,
        "score": poses.score * 0.5,
        "boxes": Boxes(poses.boxes.xyxy + 1, poses.boxes.score),
        "ids": [1, 2, 3],
        "visible": ~poses.visible,
        "world": poses.world + 1,
        "native": poses.native.replace(score=poses.native.score * 0.5),
    }.items():
        assert not poses.allclose(poses.replace(**{name: value})), name
        assert not poses.replace(**{name: value}).allclose(poses), name


@pytest.mark.parametrize("name", ["visible", "world", "native"])
def test_allclose_with_a_field_that_only_one_has(name: str) -> None:
    poses = full_poses()
    without = poses.replace(**{name: None})
    assert not poses.allclose(without)
    assert not without.allclose(poses)
    assert without.allclose(without.replace())


def test_allclose_tolerance_nan_and_kind() -> None:
    missing = changed(xy=with_nan((0, 0)))
    assert missing.allclose(changed(xy=with_nan((0, 0))))
    assert not missing.allclose(changed())
    near = missing.replace(xy=missing.xy + 0.01)
    assert not missing.allclose(near)
    assert missing.allclose(near, atol=0.02)
    assert not missing.allclose(missing[0])
    assert not missing.allclose(make_boxes(2))
    assert not missing.allclose(None)


# PoseSequence and Sample ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"xy": np.zeros((2, 3, 16, 2))}, r"PoseSequence.xy: expected shape \('any', 'any', 17, 2\)"),
        ({"score": np.zeros((3, 2, 17))}, r"PoseSequence.score: expected shape \(2, 3, 17\), got \(3, 2, 17\)"),
        ({"score": np.full((2, 3, 17), 2)}, r"PoseSequence.score: expected values in \[0, 1\]"),
        ({"xy": np.full((2, 3, 17, 2), np.inf)}, r"PoseSequence.xy: expected finite numbers or NaN"),
        ({"xy": np.full((2, 3, 17, 2), np.nan)}, r"PoseSequence.score: a missing keypoint \(NaN\) must have score 0"),
        ({"ids": [1, 2]}, r"expected 3 ids and 2 times, got \(2,\) and \(2,\)"),
        ({"time_s": [0.0]}, r"expected 3 ids and 2 times, got \(3,\) and \(1,\)"),
        ({"time_s": [0.1, 0.0]}, r"times that do not decrease"),
        ({"time_s": [0.0, np.nan]}, r"expected finite times"),
    ],
)
def test_sequence_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_sequence(**changes)


def test_sequence_keeps_gaps_and_equal_times() -> None:
    xy, score = np.ones((2, 3, 17, 2)), np.ones((2, 3, 17))
    xy[1, 2], score[1, 2] = np.nan, 0
    clip = make_sequence(xy=xy, score=score, time_s=[1.0, 1.0])
    assert np.isnan(clip.xy[1, 2]).all()
    assert clip.time_s.dtype == np.float64
    assert not clip.allclose(make_sequence(time_s=[1.0, 1.0]))


# Laws ----------------------------------------------------------------------------------------------------------------


@given(
    xy=hnp.arrays(np.float32, (3, 17, 2), elements=st.floats(-1e4, 1e4, width=32)),
    score=hnp.arrays(np.float32, (3, 17), elements=st.floats(0, 1, width=32)),
    gone=hnp.arrays(np.bool_, (3, 17)),
    mask=hnp.arrays(np.bool_, 3),
)
def test_any_people_come_back_from_pickling_and_picking(
    xy: np.ndarray, score: np.ndarray, gone: np.ndarray, mask: np.ndarray
) -> None:
    xy[gone], score[gone] = np.nan, 0
    poses = Poses(xy, score, make_boxes(3), COCO17)
    assert pickle.loads(pickle.dumps(poses)).allclose(poses, atol=0)
    assert np.array_equal(poses.xy, xy, equal_nan=True)
    kept = poses[mask]
    assert len(kept) == mask.sum()
    assert kept.allclose(poses[np.flatnonzero(mask)], atol=0)
    assert np.array_equal(np.isnan(poses.xy).all(axis=2), gone)
