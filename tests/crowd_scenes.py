"""Made-up crowds whose people are known exactly, and the maps that an ideal bottom-up network would answer with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from holopose.ops.limbs import limbs_of
from holopose.runtimes.fake import FakeRuntime
from holopose.skeletons import OPENPOSE25, Skeleton
from holopose.types import Frame, Poses

# One person of height 1, seen from the front (their left is on the right), mid-hip at (0, 0).
TRUNK = {
    "mid_hip": (0, 0), "neck": (0, -0.30), "nose": (0.01, -0.40), "left_eye": (0.03, -0.43),
    "right_eye": (-0.02, -0.43), "left_ear": (0.06, -0.41), "right_ear": (-0.05, -0.41), "left_shoulder": (0.10, -0.29),
    "right_shoulder": (-0.10, -0.29), "left_hip": (0.06, 0.0), "right_hip": (-0.06, 0.0),
}  # fmt: skip
# Joint -> the one it hangs on, length, usual direction and spread in degrees (90 = down).
CHAINS = {
    "elbow": ("shoulder", 0.17, 75, 45), "wrist": ("elbow", 0.15, 60, 70), "knee": ("hip", 0.24, 85, 25),
    "ankle": ("knee", 0.22, 92, 20), "heel": ("ankle", 0.04, 110, 15), "big_toe": ("ankle", 0.09, 50, 20),
    "small_toe": ("big_toe", 0.04, 10, 20),
}  # fmt: skip


def person(rng: np.random.Generator, height_px: float, *, turn_degrees: float = 12) -> np.ndarray:
    """(25, 2) px around the mid-hip, in OPENPOSE25's order: arms and legs at random, some seen from behind."""
    at = {name: np.array(place, float) for name, place in TRUNK.items()}
    for side, way in (("left", 1), ("right", -1)):
        for joint, (root, length, usual, spread) in CHAINS.items():
            angle = np.radians(usual + rng.uniform(-spread, spread))
            step = np.array([way * np.cos(angle), np.sin(angle)]) * length
            at[f"{side}_{joint}"] = at[f"{side}_{root}"] + step
    xy = np.array([at[name] for name in OPENPOSE25.keypoints]) * height_px
    if rng.random() < 0.3:
        xy[:, 0] *= -1  # seen from behind
    turn = np.radians(rng.uniform(-turn_degrees, turn_degrees))
    return xy @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])


@dataclass(frozen=True)
class Crowd:
    """People (N, 25, 2) px in OPENPOSE25's order, NaN where hidden, in a picture of one size."""

    xy: np.ndarray
    size_wh: tuple[int, int] = (656, 368)

    def points(self, skeleton: Skeleton) -> np.ndarray:
        """(N, K, 2) px in another body layout."""
        return self.xy[:, [OPENPOSE25.index(name) for name in skeleton.keypoints]]


def to_limbs(xy: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Distances (L,) px of points (L, 2) from the segments between two others."""
    way = end - begin
    share = ((xy - begin) * way).sum(axis=1) / np.maximum((way**2).sum(axis=1), 1e-9)
    return np.linalg.norm(xy - begin - np.clip(share, 0, 1)[:, None] * way, axis=1)


# Limbs of both body layouts, by OPENPOSE25's keypoints: those of OPENPOSE25, and from neck to hips.
ENDS = np.concatenate([limbs_of(OPENPOSE25).ends, [[1, 9], [1, 12]]])


def may_stand_together(one: np.ndarray, other: np.ndarray, apart_px: float, clear_px: float) -> bool:
    """Whether fields can tell two people (25, 2) apart: see `crowd`."""
    if np.linalg.norm(one - other, axis=1).min() < apart_px:
        return False
    first, second = ENDS.T
    clear = [
        to_limbs(a[end], b[first], b[second]).min() for a, b in ((one, other), (other, one)) for end in (first, second)
    ]
    return min(clear) >= clear_px


@cache
def crowd(
    seed: int,
    count: int = 10,
    *,
    apart_px: float = 24.0,
    clear_px: float = 16.0,
    margin_px: float = 12.0,
    size_wh: tuple[int, int] = (656, 368),
    height_px: tuple[float, float] = (150, 260),
) -> Crowd:
    """People at random places, overlapping, as near as fields of 8 px to each side can tell apart.

    Args:
        seed: A crowd for each.
        count: People.
        apart_px: Keypoints of the same name are at least so far from each other.
        clear_px: An end of a limb is at least so far from the same limb of others: those may cross and not lie in line.
        margin_px: From the picture's edges.
        size_wh: Of the picture, px.
        height_px: From the smallest person to the largest.
    """
    rng = np.random.default_rng(seed)
    people: list[np.ndarray] = []
    while len(people) < count:
        one = person(rng, rng.uniform(*height_px))
        low, high = margin_px - one.min(axis=0), np.array(size_wh) - 1 - margin_px - one.max(axis=0)
        if (low > high).any():
            continue
        one += rng.uniform(low, high)
        if all(may_stand_together(one, other, apart_px, clear_px) for other in people):
            people.append(one)
    return Crowd(np.array(people).reshape(-1, 25, 2), size_wh)


def overlaps(one: Crowd) -> int:
    """Pairs of people whose boxes overlap."""
    low, high = np.nanmin(one.xy, axis=1), np.nanmax(one.xy, axis=1)
    meet = ((low[:, None] < high[None]) & (low[None] < high[:, None])).all(axis=2)
    return int(np.triu(meet, 1).sum())


def grid(size_wh: tuple[int, int], stride: float, centre: float) -> np.ndarray:
    """(h, w, 2) px of the input that each cell of a map stands for."""
    width, height = (int(side // stride) for side in size_wh)
    x, y = np.meshgrid(np.arange(width) * stride + centre, np.arange(height) * stride + centre)
    return np.stack([x, y], axis=2)


def heatmaps(xy: np.ndarray, cells: np.ndarray, sigma_px: float) -> np.ndarray:
    """(K, h, w): for each keypoint a Gaussian at everybody who has it."""
    maps = np.zeros((xy.shape[1], *cells.shape[:2]), np.float32)
    for one in xy:
        along_x = np.exp(-((cells[0, :, 0] - one[:, :1]) ** 2) / (2 * sigma_px**2)).astype(np.float32)
        along_y = np.exp(-((cells[:, 0, 1] - one[:, 1:]) ** 2) / (2 * sigma_px**2)).astype(np.float32)
        np.fmax(maps, along_y[:, :, None] * along_x[:, None, :], out=maps)
    return maps


def fields(xy: np.ndarray, skeleton: Skeleton, cells: np.ndarray, reach_px: float) -> np.ndarray:
    """(2 L, h, w): along each limb its direction, the mean where limbs of several people lie."""
    limbs = limbs_of(skeleton)
    maps = np.zeros((2 * len(limbs.ends), *cells.shape[:2]))
    for (first, second), channels in zip(limbs.ends, limbs.channels, strict=True):
        begin, end = xy[:, first], xy[:, second]
        length = np.linalg.norm(end - begin, axis=1)
        way = (end - begin) / np.maximum(length, 1e-9)[:, None]
        from_begin = cells[None] - begin[:, None, None]
        along = np.einsum("nhwd,nd->nhw", from_begin, way)
        aside = np.abs(from_begin[..., 0] * way[:, None, None, 1] - from_begin[..., 1] * way[:, None, None, 0])
        beyond = np.maximum(np.maximum(-along, along - length[:, None, None]), aside) - reach_px
        on = np.nan_to_num(np.clip(0.5 - beyond / 8, 0, 1))  # edges as soft as a cell is wide; hidden: nowhere
        maps[channels] = np.einsum("nhw,nd->dhw", on, np.nan_to_num(way)) / np.maximum(on.sum(axis=0), 1)
    return maps.astype(np.float32)


def tag_maps(xy: np.ndarray, cells: np.ndarray, tags: np.ndarray) -> np.ndarray:
    """(K, h, w): everywhere the tag of the person whose keypoint is nearest."""
    maps = np.zeros((xy.shape[1], *cells.shape[:2]), np.float32)
    nearest = np.full(maps.shape, np.inf, np.float32)
    for one, tag in zip(xy, tags, strict=True):
        x, y = (cells[0, :, 0] - one[:, :1]) ** 2, (cells[:, 0, 1] - one[:, 1:]) ** 2
        squared = np.nan_to_num(y[:, :, None] + x[:, None, :], nan=np.inf).astype(np.float32)
        maps[squared < nearest] = tag
        np.minimum(nearest, squared, out=nearest)
    return maps


@dataclass
class FakeNetwork:
    """A network that sees crowds exactly; a frame's grey says which one it shows, its darker half is the left one.

    Args:
        crowds: What there is to see.
        maps: People (N, 25, 2) in px of the network's input, the input's size and the crowd's number -> outputs.
        place: Points, the picture's size and the input's size -> points in the input.
        grey: Value of the input's second channel -> 0..255.
        outputs: Names.
    """

    crowds: Sequence[Crowd]
    maps: Callable[[np.ndarray, tuple[int, int], int], tuple[np.ndarray, ...]]
    place: Callable[[np.ndarray, tuple[int, int], tuple[int, int]], np.ndarray]
    grey: Callable[[float], float]
    outputs: tuple[str, ...]

    def __post_init__(self) -> None:
        self.runtime = FakeRuntime(self.answer, outputs=self.outputs)

    def frame(self, number: int) -> Frame:
        """The picture of a crowd."""
        width, height = self.crowds[number].size_wh
        image = np.full((height, width, 3), 20 * number + 10, np.uint8)
        image[:, width // 2 :] += 8
        return Frame(image, index=number)

    def answer(self, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
        found = []
        for tensor in inputs["input"]:
            height, width = tensor.shape[1:]
            left, right = (self.grey(float(tensor[1, height // 2, side])) for side in (width // 4, width * 3 // 4))
            number = round((min(left, right) - 10) / 20)
            xy = self.place(self.crowds[number].xy, self.crowds[number].size_wh, (width, height))
            if left > right:  # the picture is shown mirrored
                xy = xy[:, list(OPENPOSE25.swaps)] * (-1, 1) + (width - 1, 0)
            found.append(self.maps(xy, (width, height), number))
        return dict(zip(self.outputs, (np.stack(each) for each in zip(*found, strict=True)), strict=True))


def openpose_network(crowds: Sequence[Crowd], skeleton: Skeleton, *, joined: bool = False) -> FakeNetwork:
    """Heatmaps of sigma 7 px and fields of 8 px to each side, at stride 8: one output (`joined`) or two."""
    order = [OPENPOSE25.index(name) for name in skeleton.keypoints]

    def maps(xy: np.ndarray, size_wh: tuple[int, int], number: int) -> tuple[np.ndarray, ...]:
        cells = grid(size_wh, 8, 3.5)
        heat = heatmaps(xy[:, order], cells, 7.0)
        heat = np.concatenate([heat, 1 - heat.max(axis=0, keepdims=True)])
        field = fields(xy[:, order], skeleton, cells, 8.0)
        return (np.concatenate([heat, field]),) if joined else (field, heat)

    def place(xy: np.ndarray, picture_wh: tuple[int, int], size_wh: tuple[int, int]) -> np.ndarray:
        share = min(size_wh[1] / picture_wh[1], size_wh[0] / picture_wh[0])
        return (xy + 0.5) * share - 0.5

    outputs = ("maps",) if joined else ("paf", "heatmap")
    return FakeNetwork(crowds, maps, place, lambda value: (value + 0.5) * 256, outputs)


def tag_network(crowds: Sequence[Crowd], skeleton: Skeleton, tags: Sequence[np.ndarray]) -> FakeNetwork:
    """HigherHRNet's outputs: heatmaps and tags at stride 4, heatmaps at stride 2, sigma 2 cells each."""
    order = [OPENPOSE25.index(name) for name in skeleton.keypoints]

    def maps(xy: np.ndarray, size_wh: tuple[int, int], number: int) -> tuple[np.ndarray, ...]:
        low, high = grid(size_wh, 4, 0), grid(size_wh, 2, 0)
        body = xy[:, order]
        both = np.concatenate([heatmaps(body, low, 8.0), tag_maps(body, low, tags[number])])
        return both, heatmaps(body, high, 4.0)

    def place(xy: np.ndarray, picture_wh: tuple[int, int], size_wh: tuple[int, int]) -> np.ndarray:
        share = min(size_wh[1] / picture_wh[1], size_wh[0] / picture_wh[0])
        return (xy - np.array(picture_wh) / 2) * share + np.array(size_wh) / 2

    return FakeNetwork(crowds, maps, place, lambda value: value * 57.12 + 116.28, ("low", "high"))


def faults(found: Poses, truth_xy: np.ndarray, *, tolerance_px: float) -> list[str]:
    """What is wrong with the people found: those lost, invented, mixed up or incomplete; empty where all is right.

    Args:
        found: People.
        truth_xy: (N, K, 2) px of the true ones, NaN where hidden.
        tolerance_px: How far off a keypoint may be.
    """
    wrong = []
    if len(found) != len(truth_xy):
        wrong.append(f"{len(found)} people instead of {len(truth_xy)}")
    owners = []
    for xy in found.xy.astype(float):
        near = np.linalg.norm(xy[None] - truth_xy, axis=2) <= tolerance_px
        owner = int(near.sum(axis=1).argmax()) if len(near) else -1
        owners.append(owner)
        strange = ~np.isnan(xy[:, 0]) & ~near[owner] if len(near) else ~np.isnan(xy[:, 0])
        lost = np.isnan(xy[:, 0]) & ~np.isnan(truth_xy[owner, :, 0]) if len(near) else strange
        names = np.array(found.skeleton.keypoints)
        wrong += [f"person {owner}: {name} is elsewhere" for name in names[strange]]
        wrong += [f"person {owner}: {name} is missing" for name in names[lost]]
    if len(set(owners)) != len(owners):
        wrong.append(f"people found twice: {owners}")
    return wrong
