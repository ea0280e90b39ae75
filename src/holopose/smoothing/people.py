"""Owns what filters know of people: which row of their state is whose, and how large somebody is."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from holopose.errors import ConfigError, InputError
from holopose.skeletons.skeleton import Skeleton
from holopose.types import Boxes, Poses

__all__ = [
    "HEIGHT_M",
    "Seats",
    "body_columns",
    "extent_px",
    "join_people",
    "keep_raw_xy",
    "pad_rows",
    "reach_px",
    "take_rows",
    "tracked_rows",
]

Array = npt.NDArray[np.float64]
Scalar = TypeVar("Scalar", bound=np.generic)

HEIGHT_M = 1.7
"""A person's size in world coordinates, so that one set of parameters in person sizes serves px and metres."""


class Seats:
    """Which row of a filter's state belongs to which id.

    Somebody who is absent keeps a seat for `gap_s` seconds and loses it then; the next time is a fresh start. A clock
    that jumps back by more than that empties all seats.

    Args:
        gap_s: Seconds, 0 or more; 0 = an absence in one frame is the end.

    Raises:
        ConfigError: `gap_s` is negative.
    """

    def __init__(self, gap_s: float) -> None:
        if not gap_s >= 0:
            raise ConfigError(f"gap_s: expected 0 or more seconds, got {gap_s!r}")
        self._gap_s = gap_s
        self.reset()

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def ids(self) -> npt.NDArray[np.int64]:
        """(M,) whose seat each is, as of the last `admit`."""
        return self._ids

    @property
    def seen_s(self) -> Array:
        """(M,) seconds, when each was last there, as of the last `admit`."""
        return self._seen

    def reset(self) -> None:
        """Nobody has a seat."""
        self._ids = np.zeros(0, np.int64)
        self._seen = np.zeros(0, np.float64)

    def admit(self, ids: npt.NDArray[np.int64], time_s: float) -> npt.NDArray[np.int64]:
        """Seat the people of a frame: first they, in their order, then those absent who keep a seat.

        Args:
            ids: (N,) identities, each once.
            time_s: Seconds.

        Returns:
            (M,) old row of each new one, -1 where it is fresh. State moves with `take_rows`.

        Raises:
            InputError: an id comes twice.
        """
        if len(set(ids.tolist())) != len(ids):
            raise InputError(f"ids: expected each person once in a frame, got {ids.tolist()}")
        elapsed = time_s - self._seen
        valid = elapsed >= -self._gap_s
        row_of = {int(one): row for row, one in enumerate(self._ids) if valid[row]}
        rows = [row_of.pop(int(one), -1) for one in ids]
        rows += [row for row in row_of.values() if elapsed[row] <= self._gap_s]
        order = np.array(rows, np.int64)
        absent = order[len(ids) :]
        self._ids = np.concatenate([ids, self._ids[absent]])
        self._seen = np.concatenate([np.full(len(ids), time_s), self._seen[absent]])
        return order


def take_rows(
    state: npt.NDArray[Scalar], rows: npt.NDArray[np.int64], fill: float | bool = np.nan
) -> npt.NDArray[Scalar]:
    """State rows (M, ...) in the order that `Seats.admit` gave; fresh ones are full of `fill`."""
    taken = state[rows] if len(state) else np.empty((len(rows), *state.shape[1:]), state.dtype)
    taken[rows < 0] = fill
    return taken


def body_columns(skeleton: Skeleton) -> npt.NDArray[np.intp]:
    """Keypoints of body and feet; every keypoint where the layout has neither (a hand or a face alone)."""
    columns = [k for part in ("body", "feet") for k in skeleton.parts.get(part, ())]
    return np.array(columns or range(len(skeleton)), np.intp)


def extent_px(poses: Poses) -> Array:
    """Size (N,) px of each person: longer side of the rectangle around body and feet; 0 if nothing is known."""
    xy = poses.xy[:, body_columns(poses.skeleton)].astype(np.float64)
    known = ~np.isnan(xy)
    low = np.where(known, xy, np.inf).min(axis=1, initial=np.inf)
    high = np.where(known, xy, -np.inf).max(axis=1, initial=-np.inf)
    size: Array = np.maximum(high - low, 0).max(axis=1, initial=0)
    return size


def reach_px(poses: Poses) -> Array:
    """Twice the distance (N,) px from mid-hip to the farthest point of body and feet; 0 where the hips are not known.

    It stands in for the side of MediaPipe's region of interest, the circle about the hips that holds the whole body.
    """
    if not {"left_hip", "right_hip"} <= set(poses.skeleton.keypoints):
        return extent_px(poses)
    hips = [poses.skeleton.index(f"{side}_hip") for side in ("left", "right")]
    xy = poses.xy.astype(np.float64)
    arm = xy[:, body_columns(poses.skeleton)] - xy[:, hips].mean(axis=1, keepdims=True)
    reach: Array = 2 * np.nan_to_num(np.hypot(arm[..., 0], arm[..., 1])).max(axis=1, initial=0)
    return reach


def tracked_rows(poses: Poses) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int64]]:
    """Rows of the people that have an id, and their ids; filters leave the others alone."""
    assert poses.ids is not None
    rows = np.flatnonzero(poses.ids >= 0)
    return rows, poses.ids[rows]


def pad_rows(values: npt.NDArray[Any], rows: int) -> Array:
    """The values (N, ...) in float64, followed by NaN for the seats of the absent: (rows, ...)."""
    padded = np.full((rows, *values.shape[1:]), np.nan)
    padded[: len(values)] = values
    return padded


def keep_raw_xy(poses: Poses, *, keep: bool) -> npt.NDArray[np.float32] | None:
    """What `raw_xy` is after a filter: the earliest coordinates, where they are kept or asked for."""
    return poses.xy if keep and poses.raw_xy is None else poses.raw_xy


def join_people(first: Poses, second: Poses) -> Poses:
    """The people of both, in that order.

    What only `first` has for its people (visible, world, raw_xy, swapped, native) is False or NaN for those of
    `second`; what only `second` has is dropped, unless there is nobody in `first`.
    """
    if not len(first):
        return second
    return first.replace(
        xy=np.concatenate([first.xy, second.xy]),
        score=np.concatenate([first.score, second.score]),
        boxes=Boxes(
            np.concatenate([first.boxes.xyxy, second.boxes.xyxy]),
            np.concatenate([first.boxes.score, second.boxes.score]),
        ),
        ids=np.concatenate([_ids(first), _ids(second)]),
        visible=_joined(first.visible, second.visible, len(second), False),
        world=_joined(first.world, second.world, len(second), np.nan),
        raw_xy=_joined(first.raw_xy, second.raw_xy, len(second), np.nan),
        swapped=_joined(first.swapped, second.swapped, len(second), False),
        native=None if first.native is None else join_people(first.native, _unknown(first.native, len(second))),
    )


def _ids(poses: Poses) -> npt.NDArray[np.int64]:
    assert poses.ids is not None
    return poses.ids


def _joined(
    first: npt.NDArray[Any] | None, second: npt.NDArray[Any] | None, count: int, fill: float | bool
) -> npt.NDArray[Any] | None:
    if first is None:
        return None
    return np.concatenate([first, np.full((count, *first.shape[1:]), fill) if second is None else second])


def _unknown(like: Poses, count: int) -> Poses:
    """People of whom nothing is known, in the layout of `like`."""
    points = len(like.skeleton)
    return Poses(
        np.full((count, points, 2), np.nan, np.float32),
        np.zeros((count, points), np.float32),
        Boxes(np.zeros((count, 4), np.float32), np.zeros(count, np.float32)),
        like.skeleton,
    )
