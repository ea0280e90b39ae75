"""Parity of two forms of one model: distances in thousandths of the person, per part, and what is found by one only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from holopose.export.parity import compare, worst
from holopose.skeletons import COCO17, WHOLEBODY133, Skeleton
from holopose.types import Boxes, Frame, Poses

FRAME = Frame(np.zeros((200, 200, 3), np.uint8))
BOXES = Boxes(np.array([[10, 10, 60, 110], [100, 20, 140, 60]], np.float32), np.ones(2, np.float32))  # sides 100 and 40


class Model:
    """Keypoints on the diagonal of each box, moved and lost as told."""

    def __init__(self, skeleton: Skeleton, move_px: float = 0.0, lost: Sequence[int] = (), part: str = "body") -> None:
        self.skeleton = skeleton
        self._move_px, self._lost, self._part = move_px, list(lost), part

    def locate(self, frames: Sequence[Frame], boxes: Sequence[Boxes]) -> list[Poses]:
        return [self._one(one) for one in boxes]

    def _one(self, boxes: Boxes) -> Poses:
        along = np.linspace(0, 1, len(self.skeleton), dtype=np.float32)[None, :, None]
        xy = boxes.xyxy[:, None, :2] * (1 - along) + boxes.xyxy[:, None, 2:] * along
        xy[:, list(self.skeleton.parts[self._part])] += [self._move_px, 0]
        score = np.full(xy.shape[:2], 0.9, np.float32)
        xy[:, self._lost], score[:, self._lost] = np.nan, 0
        return Poses(xy, score, boxes, self.skeleton)


class Finder(Model):
    """The same as an estimator that finds the first so many people itself."""

    def __init__(self, people: int) -> None:
        super().__init__(COCO17)
        self._people = people

    locate = None  # type: ignore[assignment]

    def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
        return [self._one(BOXES[np.arange(self._people)]) for _ in frames]

    def reset(self) -> None:
        pass


def test_equal_forms_are_equal() -> None:
    rows, people = compare(Model(WHOLEBODY133), Model(WHOLEBODY133), [FRAME], [BOXES])
    assert [row.part for row in rows] == list(WHOLEBODY133.parts)
    assert [row.points for row in rows] == [2 * len(part) for part in WHOLEBODY133.parts.values()]
    assert worst(rows) == 0
    assert people == 2


def test_distances_are_told_per_part_in_thousandths_of_the_person() -> None:
    rows, _ = compare(Model(WHOLEBODY133), Model(WHOLEBODY133, 0.4, part="face"), [FRAME], [BOXES])
    by_part = {row.part: row for row in rows}
    assert by_part["body"].largest == 0
    assert by_part["face"].mean == pytest.approx((4 + 10) / 2, rel=1e-4)  # 0.4 px of 100 and of 40
    assert by_part["face"].largest == pytest.approx(10, rel=1e-4)
    assert worst(rows) == by_part["face"].mean


def test_a_keypoint_found_by_one_form_only_is_no_parity() -> None:
    rows, _ = compare(Model(COCO17), Model(COCO17, lost=[3]), [FRAME], [BOXES])
    assert rows[0].only_one == 2
    assert rows[0].score == pytest.approx(0.9)
    assert worst(rows) == np.inf


def test_missing_in_both_is_parity() -> None:
    rows, _ = compare(Model(COCO17, lost=[3]), Model(COCO17, lost=[3]), [FRAME], [BOXES])
    assert (rows[0].only_one, rows[0].points) == (0, 2 * 16)
    assert worst(rows) == 0


def test_people_found_by_one_form_only_are_no_parity() -> None:
    assert worst(compare(Finder(2), Finder(2), [FRAME], [])[0]) == 0
    rows, _ = compare(Finder(2), Finder(1), [FRAME], [])
    assert rows[0].only_one == 17
    assert worst(rows) == np.inf


def test_nobody_proves_nothing() -> None:
    assert worst(compare(Model(COCO17), Model(COCO17), [FRAME], [Boxes.empty()])[0]) == np.inf
