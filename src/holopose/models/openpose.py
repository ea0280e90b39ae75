"""Owns OpenPose: heatmaps and part affinity fields of the whole picture become people, and their hands if asked for.

Cao, Hidalgo, Simon, Wei, Sheikh: OpenPose: Realtime Multi-Person 2D Pose Estimation Using Part Affinity Fields (TPAMI
2019); hands after Simon, Joo, Matthews, Sheikh: Hand Keypoint Detection in Single Images Using Multiview Bootstrapping
(CVPR 2017).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError, ModelError
from holopose.ops.batches import run_sizes
from holopose.ops.laps import lap
from holopose.ops.limbs import limbs_of
from holopose.ops.paf import CPP, PORT, POSITIVE, join
from holopose.ops.peaks import find_centroids, find_smoothed
from holopose.ops.views import Cutter, from_view, to_rows
from holopose.protocols import Runtime
from holopose.skeletons import OPENPOSE18, OPENPOSE25, OPENPOSE60, OPENPOSE67, Skeleton
from holopose.types import Boxes, Frame, Poses

__all__ = ["OpenPoseEstimator"]

Floats = npt.NDArray[np.float64]
Maps = npt.NDArray[np.float32]
Arrays = tuple[npt.NDArray[Any], ...]
People = tuple[Floats, Floats]  # places (N, K, 2) px, NaN where unknown, and scores (N, K)

_BODIES = {OPENPOSE18: OPENPOSE18, OPENPOSE25: OPENPOSE25, OPENPOSE60: OPENPOSE18, OPENPOSE67: OPENPOSE25}
_GRID = 16  # the network's input is a multiple of this
_WIDEST = 8  # times the height: a wider picture is shown smaller
_GREY = 128  # becomes 0, what a picture is padded with
_SIDES = ("left", "right")  # of hands, as the layouts have them
_HAND_SIDE_PX = 368
_HAND_PEAK = 0.05  # lower ones are no keypoint


@dataclass(frozen=True, slots=True)
class Sizes:
    """Width and height, px, of a network's input and of the picture in its upper left corner."""

    net_wh: tuple[int, int]
    picture_wh: tuple[int, int]


class OpenPoseEstimator:
    """People of OpenPose's networks, or of any with the same maps. Score per keypoint: height of its peak.

    The whole picture is scaled to `input_height`, its maps are enlarged to the same size, peaks become candidates and
    the fields tell which belong together. A person's score is the mean over its keypoints, its box holds them tightly.

    Args:
        runtime: Network whose outputs are one heatmap per keypoint and one for the background, and two field maps per
            limb: as two outputs in any order (the Python ports), or as one, heatmaps first (the C++ system's).
        skeleton: OPENPOSE18 or OPENPOSE25, by the network; OPENPOSE60 or OPENPOSE67 = the same with both hands.
        hand: Network with one heatmap per hand keypoint and one for the background, needed with hands.
        input_height: Of the network's input, px, a multiple of 16.
        input_width: The same; 0 = as the picture's shape asks for.
        variant: ``cpp`` = peaks and fields read as the C++ system does; ``port`` = as the Matlab code and Python ports
            do (on maps of the network's size, where those enlarge them to the picture's).
        ranking: ``limbs`` = limb by limb; ``global`` = the best pairs of all limbs first, as the C++ system on GPUs.
        positive: Believe more (variant ``cpp``): OpenPose's option to maximize positives.
        scales: Sizes relative to `input_height` whose maps are averaged; the first one tells the maps' size.
        mirror_left_hand: Show the hand network left hands as right ones.
        batch: At most so many pictures or hands through a network at once.

    Raises:
        ConfigError: a setting has no meaning, or the network for hands is missing or not needed.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        skeleton: Skeleton = OPENPOSE25,
        hand: Runtime | None = None,
        input_height: int = 368,
        input_width: int = 0,
        variant: Literal["cpp", "port"] = "cpp",
        ranking: Literal["limbs", "global"] = "limbs",
        positive: bool = False,
        scales: Sequence[float] = (1.0,),
        mirror_left_hand: bool = True,
        batch: int = 8,
    ) -> None:
        if skeleton not in _BODIES:
            known = ", ".join(layout.name for layout in _BODIES)
            raise ConfigError(f"skeleton: expected one of {known}, got {skeleton.name}")
        if ("left_hand" in skeleton.parts) != (hand is not None):
            needed = "needs a network for hands" if hand is None else "has no hands, but a network for them was given"
            raise ConfigError(f"skeleton: {skeleton.name} {needed}")
        if input_height < _GRID or input_height % _GRID or input_width < 0 or input_width % _GRID:
            raise ConfigError(f"input size: expected multiples of {_GRID}, got {input_height} x {input_width}")
        if variant not in ("cpp", "port") or ranking not in ("limbs", "global"):
            raise ConfigError(
                f"expected the variant cpp or port and the ranking limbs or global, got {variant!r} and {ranking!r}"
            )
        if positive and variant == "port":
            raise ConfigError("positive: only the variant cpp has it")
        if not scales or min(scales) * input_height < _GRID:
            raise ConfigError(f"scales: expected at least one, giving {_GRID} px or more, got {tuple(scales)}")
        self._runtime = runtime
        self._hand = hand
        self._skeleton = skeleton
        self._body = _BODIES[skeleton]
        self._limbs = limbs_of(self._body)
        self._rules = PORT if variant == "port" else POSITIVE if positive else CPP
        self._find = find_smoothed if variant == "port" else find_centroids
        self._ranking: Literal["limbs", "global"] = ranking
        self._input_hw = input_height, input_width
        self._scales = tuple(scales)
        self._mirror_left_hand = mirror_left_hand
        self._batch = batch
        self._hand_cutter = Cutter((_HAND_SIDE_PX, _HAND_SIDE_PX), mean=(128, 128, 128), std=(256, 256, 256), bgr=True)

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
            inputs = [self._input(frame, scale) for frame in frames for scale in self._scales]
        with lap("network"):
            outputs = run_sizes(self._runtime, [tensor for tensor, _ in inputs], batch=self._batch)
        with lap("decode"):
            bodies = []
            for number, frame in enumerate(frames):
                own = slice(number * len(self._scales), (number + 1) * len(self._scales))
                bodies.append(self._people(frame, outputs[own], [size for _, size in inputs[own]]))
        if self._hand is not None and frames:
            bodies = self._with_hands(self._hand, frames, bodies)
        return [self._poses(frame, xy, score) for frame, (xy, score) in zip(frames, bodies, strict=True)]

    def _input(self, frame: Frame, scale: float) -> tuple[Maps, Sizes]:
        """The picture as a network sees it (3, h, w), and its sizes."""
        width, height = frame.size_wh
        net_h, net_w = (_GRID * max(round(side * scale / _GRID), 1) if side else 0 for side in self._input_hw)
        if net_w == 0:
            wanted = math.ceil(width * net_h / height / _GRID - 1e-9) * _GRID
            net_w = min(max(wanted, _GRID), net_h * _WIDEST)
        share = min(net_h / height, net_w / width)
        size = max(round(width * share), 1), max(round(height * share), 1)
        canvas = np.full((net_h, net_w, 3), _GREY, np.uint8)
        way = cv2.INTER_AREA if share < 1 else cv2.INTER_CUBIC
        canvas[: size[1], : size[0]] = cv2.resize(frame.image, size, interpolation=way)
        tensor = canvas[:, :, ::-1].transpose(2, 0, 1).astype(np.float32)
        return np.ascontiguousarray(tensor / 256 - 0.5), Sizes((net_w, net_h), size)

    def _people(self, frame: Frame, outputs: Sequence[Arrays], sizes: Sequence[Sizes]) -> People:
        """Keypoints (N, K, 2) in px of the picture and scores (N, K) of the people in one picture."""
        heats, fields = zip(*(self._split(one) for one in outputs), strict=True)
        peaks = self._find(_enlarge(heats, sizes), threshold=self._rules.peak)
        people = join(_enlarge(fields, sizes), peaks, self._limbs, self._rules, ranking=self._ranking)
        share = np.array(sizes[0].picture_wh) / np.array(frame.size_wh)
        there = people >= 0
        xy = np.full((*people.shape, 2), np.nan)
        xy[there] = (peaks.xy[people[there]] + 0.5) / share - 0.5
        score = np.zeros(people.shape)
        score[there] = np.clip(peaks.score[people[there]], 0, 1)
        return xy, score

    def _split(self, outputs: Arrays) -> tuple[Maps, Maps]:
        """Heatmaps (K, h, w) and fields (2 L, h, w) from one picture's outputs, known by their numbers of channels."""
        heats, fields = len(self._body) + 1, 2 * len(self._limbs.ends)
        by_channels = {output.shape[0]: output for output in outputs if output.ndim == 3}  # the last stage's win
        if heats in by_channels and fields in by_channels:
            return by_channels[heats][:-1], by_channels[fields]
        if heats + fields in by_channels:
            both = by_channels[heats + fields]
            return both[: heats - 1], both[heats:]
        raise ModelError(
            f"{self._body.name}: expected outputs of {heats} and {fields} maps, or one of {heats + fields}, "
            f"got {', '.join(str(output.shape) for output in outputs)}"
        )

    def _with_hands(self, runtime: Runtime, frames: Sequence[Frame], bodies: Sequence[People]) -> list[People]:
        """The same people with the keypoints of both hands; NaN where no wrist and elbow say where to look."""
        squares = [np.stack([hand_squares(xy, self._body, side) for side in _SIDES], axis=1) for xy, _ in bodies]
        known = [np.asarray(~np.isnan(both).any(axis=2)) for both in squares]
        views = [both[there] for both, there in zip(squares, known, strict=True)]
        left = np.concatenate([np.nonzero(there)[1] == _SIDES.index("left") for there in known])
        mirrored = left & self._mirror_left_hand
        with lap("crop"):
            crops = self._hand_cutter.cut([frame.image for frame in frames], views)
            crops[mirrored] = crops[mirrored, :, :, ::-1]
        with lap("network"):
            outputs = run_sizes(runtime, list(crops), batch=self._batch)
        with lap("decode"):
            xy, score = _read_hands(outputs)
            xy[mirrored, :, 0] = _HAND_SIDE_PX - 1 - xy[mirrored, :, 0]
            places = from_view(xy, np.concatenate(views), (_HAND_SIDE_PX, _HAND_SIDE_PX))
            hands = to_rows([len(some) for some in views], places, score)
            return [_joined(*each) for each in zip(bodies, known, hands, strict=True)]

    def _poses(self, frame: Frame, xy: Floats, score: Floats) -> Poses:
        """The people, best first, in boxes that hold the keypoints they have."""
        if not len(xy):
            return Poses.empty(self._skeleton)
        body = score[:, : len(self._body)]
        mean = body.sum(axis=1) / (body > 0).sum(axis=1)
        order = np.argsort(-mean, kind="stable")
        corners = np.concatenate([np.nanmin(xy, axis=1), np.nanmax(xy, axis=1)], axis=1)
        width, height = frame.size_wh
        boxes = np.clip(corners, 0, [width, height, width, height]).astype(np.float32)
        best = Boxes(boxes[order], mean[order].astype(np.float32))
        return Poses(xy[order].astype(np.float32), score[order].astype(np.float32), best, self._skeleton)


def hand_squares(xy: Floats, body: Skeleton, side: str) -> Floats:
    """Where to look for one hand of each person: views (N, 4) px, NaN without wrist or elbow.

    OpenPose's published rule: centre beyond the wrist by a third of the forearm, side 1.5 times the longer of the
    forearm and 0.9 of the upper arm (of the forearm alone where the shoulder is missing).
    """
    shoulder, elbow, wrist = (xy[:, body.index(f"{side}_{joint}")] for joint in ("shoulder", "elbow", "wrist"))
    centre = wrist + 0.33 * (wrist - elbow)
    forearm, upper_arm = np.linalg.norm(wrist - elbow, axis=1), np.linalg.norm(elbow - shoulder, axis=1)
    length = 1.5 * np.fmax(forearm, 0.9 * upper_arm)
    length[np.isnan(forearm) | (length < 1)] = np.nan
    return np.column_stack([centre, length, length])


def _joined(body: People, known: npt.NDArray[np.bool_], hands: Arrays) -> People:
    """Bodies (N, K) followed by hands (M, 21), those of the sides (N, 2) that are known."""
    xy, score = np.full((*known.shape, 21, 2), np.nan), np.zeros((*known.shape, 21))
    xy[known], score[known] = hands
    count = len(known)
    return np.concatenate([body[0], xy.reshape(count, 42, 2)], axis=1), np.concatenate(
        [body[1], score.reshape(count, 42)], axis=1
    )


def _read_hands(outputs: Sequence[Arrays]) -> People:
    """The highest place (N, 21, 2) of each map in px of the network's input, and its height (N, 21)."""
    xy, score = np.full((len(outputs), 21, 2), np.nan), np.zeros((len(outputs), 21))
    for number, maps in enumerate(outputs):
        heat = next((one for one in reversed(maps) if one.ndim == 3 and one.shape[0] in (21, 22)), None)
        if heat is None:
            raise ModelError(f"hands: expected an output of 22 maps, got {', '.join(str(one.shape) for one in maps)}")
        large = cv2.resize(_last(heat[:21]), (_HAND_SIDE_PX, _HAND_SIDE_PX), interpolation=cv2.INTER_CUBIC)
        flat = large.reshape(-1, 21)
        at = flat.argmax(axis=0)
        peak = flat[at, np.arange(21)]
        found = peak > _HAND_PEAK
        xy[number, found] = np.stack([at % _HAND_SIDE_PX, at // _HAND_SIDE_PX], axis=1)[found]
        score[number, found] = np.clip(peak[found], 0, 1)
    return xy, score


def _enlarge(maps: Sequence[Maps], sizes: Sequence[Sizes]) -> Maps:
    """Maps (C, h, w) at one or several scales as one (H, W, C), of the size of the first one's picture, averaged."""
    large = []
    for one, size in zip(maps, sizes, strict=True):
        whole = cv2.resize(_last(one), size.net_wh, interpolation=cv2.INTER_CUBIC)
        part = whole[: size.picture_wh[1], : size.picture_wh[0]]
        if size.picture_wh != sizes[0].picture_wh:
            part = cv2.resize(part, sizes[0].picture_wh, interpolation=cv2.INTER_CUBIC)
        large.append(np.asarray(part, np.float32).reshape(*part.shape[:2], -1))
    return large[0] if len(large) == 1 else np.asarray(np.mean(large, axis=0), np.float32)


def _last(maps: npt.NDArray[Any]) -> Maps:
    """(C, h, w) -> (h, w, C) float32, as OpenCV wants it."""
    return np.ascontiguousarray(maps.transpose(1, 2, 0), np.float32)
