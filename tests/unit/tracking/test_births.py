"""IdentityStage: ids from the first frame on, nothing lost, nothing held longer than needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.tracking.births import IdentityStage
from holopose.tracking.tracker import PoseTracker
from holopose.types import Frame, Poses

PIXEL = np.zeros((720, 1280, 3), np.uint8)


@pytest.fixture
def at(scenes: ModuleType) -> Callable[..., Poses]:
    """People standing at these x, px."""

    def make(*x: float) -> Poses:
        people = [scenes.Person(scenes.line((one, 360), (0, 0))).pose(0.0) for one in x]
        return scenes.to_poses(people, [0.9] * len(x))  # type: ignore[no-any-return]

    return make


def stream(rows: Iterable[Poses]) -> Iterator[tuple[Frame, Poses]]:
    for index, poses in enumerate(rows):
        yield Frame(PIXEL, index, index / 30), poses


def run(rows: Iterable[Poses], *, hold: bool = True, confirm: int = 3) -> list[list[int]]:
    delivered = list(IdentityStage(PoseTracker(confirm=confirm), hold=hold)(stream(rows)))
    assert [frame.index for frame, _ in delivered] == list(range(len(delivered)))
    return [poses.ids.tolist() for _, poses in delivered if poses.ids is not None]


def test_confirmed_people_have_their_id_from_their_first_frame(at: Callable[..., Poses]) -> None:
    rows = [at(), at(300), at(300), at(900, 300), at(300, 900), at(300, 900), at(300, 900)]
    assert run(rows) == [[], [1], [1], [2, 1], [1, 2], [1, 2], [1, 2]]


def test_who_is_never_confirmed_stays_without_an_id(at: Callable[..., Poses]) -> None:
    rows = [at(300), at(300, 900), at(900, 300), *[at(300)] * 8]
    assert run(rows) == [[1], [1, -1], [-1, 1], *[[1]] * 8]


def test_live_delivers_at_once(at: Callable[..., Poses]) -> None:
    rows = [at(300)] * 5
    assert run(rows, hold=False) == [[-1], [-1], [1], [1], [1]]
    taken = 0

    def counting() -> Iterator[tuple[Frame, Poses]]:
        nonlocal taken
        for item in stream(rows):
            taken += 1
            yield item

    for count, _ in enumerate(IdentityStage(PoseTracker(), hold=False)(counting()), start=1):
        assert taken == count


def test_the_end_of_the_stream_confirms(at: Callable[..., Poses]) -> None:
    assert run([at(300)]) == [[1]]
    assert run([at(300), at(300), at(900, 300)]) == [[1], [1], [2, 1]]
    assert run([at(300), at(), at(300)]) == [[-1], [], [-1]]
    assert run([]) == []


def test_numbers_follow_the_first_appearance(at: Callable[..., Poses]) -> None:
    """The one who flickers is confirmed after the one who came later, and still comes first."""
    rows = [at(300), at(900), at(900, 300), at(900), at(900, 300), at(900, 300)]
    assert run(rows) == [[1], [2], [2, 1], [2], [2, 1], [2, 1]]


def test_each_stream_counts_from_one(at: Callable[..., Poses]) -> None:
    stage = IdentityStage(PoseTracker(confirm=1))
    for _ in range(2):
        assert [poses.ids.tolist() for _, poses in stage(stream([at(300), at(300, 700)]))] == [[1], [1, 2]]


@given(
    st.lists(st.sets(st.sampled_from([150, 400, 650, 900, 1150])), max_size=25),
    st.integers(1, 4),
)
def test_frames_are_held_for_a_few_frames_only_and_none_is_lost(
    scenes: ModuleType, presence: list[set[int]], confirm: int
) -> None:
    def pose(x: int) -> np.ndarray:
        return scenes.Person(scenes.line((x, 360), (0, 0))).pose(0.0)  # type: ignore[no-any-return]

    taken: list[Poses] = []

    def counting() -> Iterator[tuple[Frame, Poses]]:
        for frame, poses in stream(
            scenes.to_poses([pose(x) for x in sorted(row)], [0.9] * len(row)) for row in presence
        ):
            taken.append(poses)
            yield frame, poses

    stage = IdentityStage(PoseTracker(confirm=confirm))
    known: list[int] = []
    for index, (frame, poses) in enumerate(stage(counting())):
        assert frame.index == index
        assert len(taken) - index <= 2 * confirm
        assert poses.replace(ids=None).allclose(taken[index], atol=0)
        known += [one for one in poses.ids.tolist() if one >= 0 and one not in known]
    assert index + 1 == len(presence) if presence else not taken
    assert known == list(range(1, len(known) + 1))
