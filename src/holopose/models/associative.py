"""Owns networks with associative embeddings (HigherHRNet): heatmaps and tags of the whole picture become people.

Cheng, Xiao, Wang, Shi, Huang, Zhang: HigherHRNet: Scale-Aware Representation Learning for Bottom-Up Human Pose
Estimation (CVPR 2020).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError, ModelError
from holopose.ops.associative import fill_missing, group_tags, read_tags, refine_quarter
from holopose.ops.batches import run_sizes
from holopose.ops.laps import lap
from holopose.ops.peaks import find_suppressed
from holopose.ops.views import IMAGENET_MEAN, IMAGENET_STD, Cutter, from_view
from holopose.protocols import Runtime
from holopose.skeletons import COCO17, Skeleton
from holopose.types import Boxes, Frame, Poses

__all__ = ["AssociativeEstimator"]

Floats = npt.NDArray[np.float64]
Maps = npt.NDArray[np.float32]
Arrays = tuple[npt.NDArray[Any], ...]

_GRID = 64
_LONGEST = 8  # times the shorter side: a longer picture is shown smaller
_STEADY_FIRST = ("nose", "eye", "ear", "head_top", "neck", "shoulder", "hip", "elbow", "wrist", "knee", "ankle")


class AssociativeEstimator:
    """People of a network with heatmaps and tags. Score per keypoint: height of the heatmap there.

    The shorter side of the picture is scaled to `input_size`, the other one filled up with black to a multiple of 64.
    Heatmaps of all resolutions are averaged on the finest; keypoints with like tags are a person; what a person then
    lacks is taken from where its tag fits best. A person's score is the mean over all keypoints of its layout, those
    that were filled in counting nothing; its box holds its keypoints tightly.

    Args:
        runtime: Network with the outputs K heatmaps and K tag maps, and K heatmaps at twice that size (HigherHRNet), or
            the first alone.
        skeleton: Layout of its keypoints.
        input_size: Shorter side of the network's input, px, a multiple of 64; or height and width, for networks that
            take one size only.
        flip: Look at the picture mirrored too: heatmaps are averaged, and a keypoint's tag has two numbers.
        threshold: Height that a candidate must exceed.
        tag_distance: Tags of one person are less than this apart.
        candidates: At most so many per keypoint.
        fill: Look for keypoints that a person lacks.
        cell: Where in its pixel a heatmap's peak lies, px from its centre: 0 for networks trained with targets at the
            nearest pixel (mmpose 1.x), 0.5 for those with targets at the pixel above and left (HigherHRNet's own).
        mean: Subtracted per channel, on 0..255.
        std: Divided by.
        bgr: Give the network blue, green, red.
        batch: At most so many pictures through the network at once.

    Raises:
        ConfigError: a setting has no meaning.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        skeleton: Skeleton = COCO17,
        input_size: int | tuple[int, int] = 512,
        flip: bool = False,
        threshold: float = 0.1,
        tag_distance: float = 1.0,
        candidates: int = 30,
        fill: bool = True,
        cell: float = 0.0,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        bgr: bool = False,
        batch: int = 8,
    ) -> None:
        sides = (input_size,) if isinstance(input_size, int) else tuple(input_size)
        if any(side < _GRID or side % _GRID for side in sides) or len(sides) not in (1, 2):
            raise ConfigError(f"input_size: expected a multiple of {_GRID}, or two, got {input_size}")
        if threshold < 0 or tag_distance <= 0 or candidates < 1:
            raise ConfigError(
                f"expected a threshold of 0 or more, a tag distance above 0 and at least one candidate, "
                f"got {threshold}, {tag_distance} and {candidates}"
            )
        self._runtime = runtime
        self._skeleton = skeleton
        self._sides = sides
        self._flip = flip
        self._threshold = threshold
        self._tag_distance = tag_distance
        self._candidates = candidates
        self._fill = fill
        self._cell = cell
        self._cutter = partial(Cutter, padding=1.0, mean=tuple(mean), std=tuple(std), bgr=bgr)
        self._batch = batch
        self._order = _steady_first(skeleton)

    @property
    def skeleton(self) -> Skeleton:
        """Layout of what `estimate` returns."""
        return self._skeleton

    def reset(self) -> None:
        """Nothing to forget: every frame is seen anew."""

    def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
        """Everybody in each frame, best first; coordinates in px of the frame.

        Raises:
            ModelError: the network's outputs are not those of this layout.
        """
        with lap("crop"):
            inputs = [self._input(frame) for frame in frames]
            tensors = [tensor for tensor, _ in inputs]
            mirrored = [np.ascontiguousarray(tensor[:, :, ::-1]) for tensor in tensors] if self._flip else []
        with lap("network"):
            outputs = run_sizes(self._runtime, [*tensors, *mirrored], batch=self._batch)
        with lap("decode"):
            runs = [outputs[number :: len(frames)] for number in range(len(frames))]  # as it is, and mirrored
            return [
                self._people(frame, view, self._maps(*run))
                for frame, (_, view), run in zip(frames, inputs, runs, strict=True)
            ]

    def _input(self, frame: Frame) -> tuple[Maps, Floats]:
        """The picture as the network sees it (3, h, w), and its view (1, 4)."""
        width, height = frame.size_wh
        if len(self._sides) == 2:
            size_hw = self._sides[0], self._sides[1]
        else:
            short = self._sides[0]
            ratio = max(width, height) / min(width, height)
            long = min(math.ceil(short * ratio / _GRID - 1e-9) * _GRID, short * _LONGEST)
            size_hw = (short, long) if width >= height else (long, short)
        cutter = self._cutter(size_hw)
        view = cutter.views([[0, 0, width, height]])
        return cutter.cut([frame.image], [view])[0], view

    def _maps(self, outputs: Arrays, mirrored: Arrays | None = None) -> tuple[Maps, Maps]:
        """Heatmaps (H, W, K) and tags (D, H, W, K) of one picture, at the finest resolution."""
        heat, tags = self._aggregate(outputs)
        if mirrored is None:
            return heat, tags[None]
        swaps = list(self._skeleton.swaps)
        other_heat, other_tags = (maps[:, ::-1, swaps] for maps in self._aggregate(mirrored))
        return (heat + other_heat) * np.float32(0.5), np.stack([tags, other_tags])

    def _aggregate(self, outputs: Arrays) -> tuple[Maps, Maps]:
        """Heatmaps and tags (H, W, K) from one run: the mean over resolutions, and the tags of the first output."""
        count = len(self._skeleton)
        first = [output for output in outputs if output.ndim == 3 and output.shape[0] == 2 * count]
        others = [output for output in outputs if output.ndim == 3 and output.shape[0] == count]
        if len(first) != 1:
            raise ModelError(
                f"{self._skeleton.name}: expected one output of {2 * count} maps (heatmaps and tags), "
                f"got {', '.join(str(output.shape) for output in outputs)}"
            )
        heats = [first[0][:count], *others]
        finest = max(heats, key=lambda maps: maps.shape[1]).shape[1:]
        heat = np.asarray(np.mean([_resize(maps, finest) for maps in heats], axis=0), np.float32)
        return _numbers(heat), _numbers(_resize(first[0][count:], finest))

    def _people(self, frame: Frame, view: Floats, maps: tuple[Maps, Maps]) -> Poses:
        """Everybody in one picture."""
        heat, tags = maps
        peaks = find_suppressed(heat, threshold=self._threshold, limit=self._candidates)
        if not len(peaks):
            return Poses.empty(self._skeleton)
        own = read_tags(tags, peaks.keypoint, peaks.xy)
        people = group_tags(peaks, own, self._order, near=self._tag_distance)
        there = people >= 0
        xy = np.full((*people.shape, 2), np.nan)
        score = np.zeros(people.shape)
        xy[there], score[there] = peaks.xy[people[there]], np.clip(peaks.score[people[there]], 0, 1)
        total = score.mean(axis=1)
        if self._fill:
            means = np.stack([own[row[row >= 0]].mean(axis=0) for row in people])
            place, height = fill_missing(heat, tags, ~there, means)
            xy[~there], score[~there] = place, np.clip(height, 0, 1)
            xy[score <= 0] = np.nan  # the network sees nothing there
        known = ~np.isnan(xy[..., 0])
        xy[known] = refine_quarter(heat, np.nonzero(known)[1], xy[known])
        size_wh = heat.shape[1], heat.shape[0]
        places = from_view(xy + self._cell, view, size_wh)
        return self._poses(frame, places, score, total)

    def _poses(self, frame: Frame, xy: Maps, score: Floats, total: Floats) -> Poses:
        """The people, best first, in boxes that hold their keypoints."""
        order = np.argsort(-total, kind="stable")
        corners = np.concatenate([np.nanmin(xy, axis=1), np.nanmax(xy, axis=1)], axis=1)
        width, height = frame.size_wh
        boxes = np.clip(corners, 0, [width, height, width, height]).astype(np.float32)
        best = Boxes(boxes[order], total[order].astype(np.float32))
        return Poses(xy[order], score[order].astype(np.float32), best, self._skeleton)


def _steady_first(skeleton: Skeleton) -> list[int]:
    """Keypoints in the order in which people are put together: head and trunk, then outwards along the limbs."""

    def rank(keypoint: int) -> int:
        joint = skeleton.keypoints[keypoint].removeprefix("left_").removeprefix("right_")
        return _STEADY_FIRST.index(joint) if joint in _STEADY_FIRST else len(_STEADY_FIRST)

    return sorted(range(len(skeleton)), key=rank)


def _numbers(maps: Maps) -> Maps:
    """The same; what is no finite number tells nothing."""
    return np.nan_to_num(maps, nan=0.0, posinf=0.0, neginf=0.0)


def _resize(maps: npt.NDArray[Any], size_hw: Sequence[int]) -> Maps:
    """(C, h, w) -> (H, W, C) float32, bilinear."""
    last = np.ascontiguousarray(maps.transpose(1, 2, 0), np.float32)
    if last.shape[:2] == tuple(size_hw):
        return last
    large = cv2.resize(last, (size_hw[1], size_hw[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(large, np.float32).reshape(*size_hw, -1)
