"""Owns who was found for whom where each labelled person has one answer, and how far its keypoints lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from holopose.ops.assignment import assign
from holopose.ops.boxes import iou
from holopose.ops.labels import Found, Labelled, extents

__all__ = ["Distances", "measure"]

Float = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Distances:
    """Everybody who is to be found, P in all pictures together.

    Attributes:
        px: (P, K) distance of the found keypoint from the labelled one; NaN where none is labelled, infinite where none
            was found.
        boxes_xyxy: (P, 4) px, labelled boxes.
        head_px: (P,) px, NaN where unknown.
        truth_xy: (P, K, 2) px, NaN where not labelled.
        found: (P,) bool, somebody was found for this person.
        picture: (P,) index of the picture.
    """

    px: Float
    boxes_xyxy: Float
    head_px: Float
    truth_xy: Float
    found: npt.NDArray[np.bool_]
    picture: npt.NDArray[np.intp]

    @property
    def labelled(self) -> npt.NDArray[np.bool_]:
        """(P, K) bool."""
        return ~np.isnan(self.px)


def measure(pictures: Sequence[tuple[Labelled, Found]]) -> Distances:
    """Pair labelled and found people of each picture by their boxes, and measure.

    Pairs are those that overlap most in sum, each person at most once; keypoints play no part in it, so that a poor
    answer is not exchanged for somebody else's. Answers that pair with nobody cost nothing: these figures are for data
    sets where each person's place is given, or where one person is looked at.
    """
    rows = [_measure(labelled, found) for labelled, found in pictures]
    count = pictures[0][0].xy.shape[1] if pictures else 0
    empty = (np.zeros((0, count)), np.zeros((0, 4)), np.zeros(0), np.zeros((0, count, 2)), np.zeros(0, bool))
    px, boxes, heads, xy, there = (np.concatenate(columns) for columns in zip(empty, *rows, strict=True))
    picture = np.repeat(np.arange(len(rows)), [len(row[0]) for row in rows])
    return Distances(px, boxes, heads, xy, there, picture)


def _measure(labelled: Labelled, found: Found) -> tuple[Float, Float, Float, Float, npt.NDArray[np.bool_]]:
    keep = labelled.counted
    truth, boxes = labelled.xy[keep], labelled.boxes_xyxy[keep]
    px = np.where(np.isnan(truth).any(axis=2), np.nan, np.inf)
    there = np.zeros(len(truth), bool)
    if len(truth) and len(found):
        places = np.where(np.isnan(found.boxes_xyxy), extents(found.xy), found.boxes_xyxy)
        people, answers = assign(iou(boxes, np.nan_to_num(places)))
        apart = np.linalg.norm(found.xy[answers] - truth[people], axis=2)
        px[people] = np.where(np.isnan(px[people]), np.nan, np.where(np.isnan(apart), np.inf, apart))
        there[people] = True
    return px, boxes, labelled.head_px[keep], truth, there
