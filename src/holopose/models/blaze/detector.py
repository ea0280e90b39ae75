"""Owns finding where people may be: the BlazePose detector over whole pictures at several sizes.

The network was made for 224 x 224 and one person; it is convolutional throughout, so larger canvases give the same
answers as a dense grid of 224 px tiles for a fraction of the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from holopose.models.blaze.anchors import anchor_centres, decode, merge_layers, suppress
from holopose.models.blaze.network import Network
from holopose.ops.crops import Pyramid, crop, to_tensor
from holopose.ops.rois import align, normalize_angle, transform

__all__ = ["Candidates", "Level", "PoseDetector", "group"]

_SIDE = 224
_STEP = 32  # the coarsest stride: canvas sides are multiples of it
_LAYERS = merge_layers([8, 16, 32, 32, 32])
_MOST_ENLARGED = 1.5  # small pictures are not blown up beyond this

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Level:
    """One look at the whole picture.

    Attributes:
        long_px: The picture's longer side at this look.
        mirror_px: Mirror this much beyond the left and right edge: half a person at the edge becomes a whole one.
    """

    long_px: int
    mirror_px: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Places where a person may be, best first.

    Attributes:
        rois: (N, 5) for the landmark network.
        heads: (N, 5) regions around the head, turned as the body is.
        scores: (N,) in [0, 1].
        hints: (M, 2) px, middles of heads that are too weak to be candidates: people may still be there, seen smaller
            or larger than the network likes.
    """

    rois: Floats
    heads: Floats
    scores: npt.NDArray[np.float32]
    hints: Floats

    def __len__(self) -> int:
        return len(self.rois)


class PoseDetector:
    """Candidates for people.

    Args:
        network: pose_detection, resizable; answers boxes and scores.
    """

    def __init__(self, network: Network) -> None:
        self._network = network

    def detect_whole(self, pyramid: Pyramid, *, min_score: float = 0.5) -> Candidates:
        """MediaPipe's own single view: the picture letterboxed into 224 px, weighted NMS."""
        width, height = pyramid.size_wh
        return self.detect_in(pyramid, (width / 2, height / 2), max(width, height), min_score=min_score)

    def detect_in(self, pyramid: Pyramid, centre: npt.ArrayLike, side_px: float, *, min_score: float) -> Candidates:
        """The same view of an upright square of the picture."""
        middle = np.asarray(centre, np.float64)
        view = np.array([*middle, side_px, side_px, 0.0])
        canvas = crop(pyramid, view, (_SIDE, _SIDE), replicate=False, in_steps=pyramid.is_plain)
        points, scores, _ = suppress(*self._infer(canvas, min_score))
        return _to_candidates(points * (side_px / _SIDE) + (middle - side_px / 2), scores)

    def search(
        self,
        pyramid: Pyramid,
        levels: Sequence[Level],
        *,
        min_score: float,
        min_hint: float | None = None,
        joins: bool = True,
    ) -> Candidates:
        """Candidates of several looks.

        Args:
            pyramid: The picture.
            levels: The looks.
            min_score: Of a candidate.
            min_hint: Of a hint; None = none wanted.
            joins: Whether candidates of different looks that mean the same place become one.
        """
        least = min_score if min_hint is None else min(min_hint, min_score)
        looks = [self._search_level(pyramid, level, least) for level in levels]
        if joins:
            looks = [(np.concatenate([points for points, _ in looks]), np.concatenate([scores for _, scores in looks]))]
        parts = [group(points[scores >= min_score], scores[scores >= min_score]) for points, scores in looks]
        weak = [points[scores < min_score, :2].mean(axis=1) for points, scores in looks]
        scores = np.concatenate([part.scores for part in parts])
        order = np.argsort(-scores, kind="stable")
        rois = np.concatenate([part.rois for part in parts])
        heads = np.concatenate([part.heads for part in parts])
        return Candidates(rois[order], heads[order], scores[order], np.concatenate(weak))

    def _search_level(self, pyramid: Pyramid, level: Level, min_score: float) -> tuple[Floats, npt.NDArray[np.float32]]:
        full_w, full_h = pyramid.size_wh
        scale = min(level.long_px / max(full_w, full_h), _MOST_ENLARGED)
        width, height = max(1, round(full_w * scale)), max(1, round(full_h * scale))
        source, _, _ = pyramid.pick(1 / scale)
        shrinks = source.shape[1] >= width
        small = cv2.resize(source, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        spare_w, spare_h = -width % _STEP, -height % _STEP
        left, top = spare_w // 2 + level.mirror_px, spare_h // 2
        canvas = cv2.copyMakeBorder(small, top, spare_h - top, 0, 0, cv2.BORDER_CONSTANT)
        right = spare_w - spare_w // 2 + level.mirror_px
        border = cv2.BORDER_REFLECT_101 if level.mirror_px and width > max(left, right) else cv2.BORDER_CONSTANT
        canvas = cv2.copyMakeBorder(canvas, 0, 0, left, right, border)
        points, scores = self._infer(canvas.astype(np.uint8, copy=False), min_score)
        placed = (points.astype(np.float64) - (left, top)) * (full_w / width, full_h / height)
        keep = _centred_inside(placed, full_w, full_h)
        return placed[keep], scores[keep]

    def _infer(
        self, canvas: npt.NDArray[np.uint8], min_score: float
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        raw_boxes, raw_scores = self._network(to_tensor(canvas, -1, 1)[None])
        centres = anchor_centres((canvas.shape[0], canvas.shape[1]), _LAYERS)
        return decode(raw_boxes, raw_scores, centres, min_score)


def _centred_inside(points: Floats, width: int, height: int) -> npt.NDArray[np.bool_]:
    """Which candidates have their hips about inside the picture (below it: waist-up portraits are people too)."""
    side = 2.5 * np.linalg.norm(points[:, 3] - points[:, 2], axis=1)
    x, y = points[:, 2].T
    slack = 0.1 * side
    inside: npt.NDArray[np.bool_] = (
        (x > -slack) & (x < width + slack) & (y > -slack) & (y < height + 3.5 * slack) & (side > 0)
    )
    return inside


def _to_rois(points: npt.NDArray[np.floating]) -> Floats:
    """ROIs (N, 5) from detections: centre at the hips, reaching to the full-body point, x 1.25."""
    return transform(align(points[:, 2], points[:, 3], np.pi / 2), scale=1.25)


def _to_candidates(points: npt.NDArray[np.floating], scores: npt.NDArray[np.float32]) -> Candidates:
    """Candidates of detections (N, 2 + P, 2): box corners frame the head."""
    rois = _to_rois(points)
    side = np.max(points[:, 1] - points[:, 0], axis=1, initial=0)
    centre = (points[:, 0] + points[:, 1]) / 2
    return Candidates(rois, np.column_stack([centre, side, side, rois[:, 4]]), scores, np.zeros((0, 2)))


def group(points: Floats, scores: npt.NDArray[np.float32]) -> Candidates:
    """Join detections that say the same: close heads, and ROIs with close centres, like sizes and rotations.

    Boxes frame the head only, so that one head box may come with different bodies; those stay apart here, because the
    landmark network can tell which of them fits.

    Args:
        points: (M, 2 + P, 2) px.
        scores: (M,).
    """
    rois = _to_rois(points)
    heads = (points[:, 0] + points[:, 1]) / 2
    head_px = np.max(points[:, 1] - points[:, 0], axis=1, initial=0)
    order = np.argsort(-scores, kind="stable")
    kept: list[Floats] = []
    best: list[int] = []
    while order.size:
        top = int(order[0])
        near = np.linalg.norm(rois[order, :2] - rois[top, :2], axis=1) < 0.2 * np.minimum(rois[order, 2], rois[top, 2])
        like = np.abs(np.log(rois[order, 2] / rois[top, 2])) < 0.3
        turn = np.abs(normalize_angle(rois[order, 4] - rois[top, 4])) < 0.5
        face = np.linalg.norm(heads[order] - heads[top], axis=1) < np.maximum(head_px[order], head_px[top])
        member = near & like & turn & face
        member[0] = True
        weight = scores[order[member]] / scores[order[member]].sum()
        kept.append(np.tensordot(weight, points[order[member]], axes=1))
        best.append(top)
        order = order[~member]
    return _to_candidates(np.stack(kept) if kept else points[:0], scores[best])
