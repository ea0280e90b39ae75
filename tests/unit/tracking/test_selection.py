"""PersonSelection: whom it chooses, and that it stays with them."""

from __future__ import annotations

import numpy as np
import pytest

from holopose.errors import ConfigError
from holopose.skeletons import COCO17
from holopose.tracking.selection import PersonSelection
from holopose.types import Boxes, Frame, FrameInfo, Poses


def people(**boxes: tuple[float, float, float]) -> Poses:
    """People by name `p<id>` (`n...` = no id): middle x, middle y and side of their box."""
    rows = [[x - side / 2, y - side / 2, x + side / 2, y + side / 2] for x, y, side in boxes.values()]
    count = len(rows)
    ids = [int(name[1:]) if name[0] == "p" else -1 for name in boxes]
    xy = np.full((count, 17, 2), np.nan)
    empty = np.zeros((0, 4)) if not rows else np.array(rows)
    return Poses(xy, np.zeros((count, 17)), Boxes(empty, np.full(count, 0.9)), COCO17, ids=np.array(ids, np.int64))


def pick(selection: PersonSelection, *rows: Poses, step_s: float = 0.5) -> list[list[int]]:
    frames = [FrameInfo(i, i * step_s, "", (640, 480)) for i in range(len(rows))]
    return [selection.pick(poses, frame).ids.tolist() for poses, frame in zip(rows, frames, strict=True)]


def test_all_is_everybody() -> None:
    both = people(p1=(100, 100, 50), n0=(200, 100, 80))
    assert PersonSelection().pick(both, FrameInfo(0, 0.0, "", (640, 480))) is both


def test_largest_is_chosen_once() -> None:
    """Two people of like size do not take turns."""
    first, second = people(p1=(100, 200, 100), p2=(400, 200, 101)), people(p2=(400, 200, 101), p1=(100, 200, 180))
    assert pick(PersonSelection("largest"), first, second, first, second) == [[2], [2], [2], [2]]


def test_central_is_nearest_to_the_middle() -> None:
    far, near = (620.0, 240.0, 200.0), (330.0, 260.0, 20.0)
    assert pick(PersonSelection("central"), people(p7=far, p4=near)) == [[4]]


def test_only_people_with_an_id_are_chosen() -> None:
    ghost, small = (300.0, 200.0, 300.0), (100.0, 100.0, 30.0)
    rows = [people(n0=ghost), people(n0=ghost, p3=small), people()]
    assert pick(PersonSelection("largest"), *rows) == [[], [3], []]


def test_after_the_gap_somebody_is_chosen_anew() -> None:
    both, one = people(p1=(100, 100, 50), p2=(300, 100, 90)), people(p1=(100, 100, 50))
    away = [one] * 4  # half a second each
    assert pick(PersonSelection("largest", gap_s=2.0), both, *away, both) == [[2], [], [], [], [], [2]]
    assert pick(PersonSelection("largest", gap_s=2.0), both, *away, one, both) == [[2], [], [], [], [], [1], [1]]
    assert pick(PersonSelection("largest", gap_s=2.0), both, *away[:3], both, *away[:3], both)[-1] == [2]
    assert pick(PersonSelection("largest", gap_s=1.9), both, *away) == [[2], [], [], [], [1]]


def test_a_number_is_that_person_for_ever() -> None:
    both, one = people(p1=(100, 100, 50), p2=(300, 100, 90)), people(p1=(100, 100, 50))
    assert pick(PersonSelection(2, gap_s=0.1), one, both, one, one, both) == [[], [2], [], [], [2]]


def test_a_stream_begins_anew() -> None:
    selection = PersonSelection("largest")
    frame = Frame(np.zeros((480, 640, 3), np.uint8), 0, 0.0)
    for identity in (5, 6):
        poses = people(**{f"p{identity}": (100, 100, 50)})
        [(same, kept)] = selection(iter([(frame, poses)]))
        assert same is frame
        assert kept.ids.tolist() == [identity]


@pytest.mark.parametrize("wrong", ["biggest", "", 0, -1, True, 1.5, None])
def test_other_words_are_refused(wrong: object) -> None:
    with pytest.raises(ConfigError, match="largest"):
        PersonSelection(wrong)  # type: ignore[arg-type]


def test_a_negative_gap_is_refused() -> None:
    with pytest.raises(ConfigError, match="gap_s"):
        PersonSelection("all", gap_s=-0.1)
