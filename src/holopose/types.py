"""Owns the nouns that travel between the parts: Frame, FrameInfo, Boxes, Poses, PoseSequence, Sample.

All are frozen; their arrays are checked once and locked, also after pickling. `allclose` compares, `==` is identity.
Pixel coordinates everywhere: float32, x right, y down, (0, 0) is the centre of the original image's top-left pixel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Self, overload

import numpy as np
import numpy.typing as npt

from holopose.errors import InputError
from holopose.skeletons.skeleton import Skeleton

__all__ = ["Boxes", "Frame", "FrameInfo", "PoseSequence", "Poses", "Sample"]

Float = npt.NDArray[np.float32]
Pick = int | np.integer[Any] | slice | npt.NDArray[Any] | list[int]


def _floats(owner: str, name: str, value: npt.ArrayLike, shape: tuple[int | None, ...]) -> Float:
    """A locked float32 copy of `value`, whose shape must match (None = any length)."""
    try:
        array = np.array(value, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(f"{owner}.{name}: expected numbers, got {type(value).__name__} ({error})") from error
    if array.ndim != len(shape) or any(want not in (None, got) for want, got in zip(shape, array.shape, strict=True)):
        expected = tuple("any" if n is None else n for n in shape)
        raise InputError(f"{owner}.{name}: expected shape {expected}, got {array.shape}")
    array.setflags(write=False)
    return array


def _unit_range(owner: str, name: str, array: Float) -> None:
    if array.size and not (np.min(array) >= 0 and np.max(array) <= 1):
        raise InputError(f"{owner}.{name}: expected values in [0, 1], got {np.min(array):g} .. {np.max(array):g}")


def _points(owner: str, xy: Float, score: Float) -> None:
    """Keypoints are whole or missing, and a missing one has no score."""
    _unit_range(owner, "score", score)
    if np.isinf(xy).any():
        raise InputError(f"{owner}.xy: expected finite numbers or NaN, got infinity")
    unknown = np.isnan(xy)
    if (unknown[..., 0] != unknown[..., 1]).any():
        raise InputError(f"{owner}.xy: a missing keypoint is NaN in x and in y, got NaN in one of them")
    if (score[unknown[..., 0]] > 0).any():
        raise InputError(f"{owner}.score: a missing keypoint (NaN) must have score 0")


class _Frozen:
    """What the nouns share: construction again on unpickling (so that arrays stay locked) and comparison."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), tuple(getattr(self, f.name) for f in fields(self)))  # type: ignore[arg-type]

    def allclose(self, other: object, *, atol: float = 1e-4) -> bool:
        """Whether `other` is the same kind of thing with equal fields, arrays within `atol` (NaN equals NaN)."""
        if type(other) is not type(self):
            return False
        return all(
            _same(getattr(self, f.name), getattr(other, f.name), atol)
            for f in fields(self)  # type: ignore[arg-type]
        )


def _same(a: Any, b: Any, atol: float) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)):
            return False
        return a.shape == b.shape and bool(np.allclose(a, b, rtol=0, atol=atol, equal_nan=True))
    if isinstance(a, _Frozen):
        return a.allclose(b, atol=atol)
    return bool(a == b)


@dataclass(frozen=True, slots=True, eq=False)
class Frame(_Frozen):
    """One picture, or one picture of a clip.

    Attributes:
        image: (H, W, 3) uint8 RGB, contiguous, locked.
        index: 0-based position in its source.
        time_s: Seconds from the container's own timestamps; None for stills.
        name: Where it came from (a file name), empty when it has none.
    """

    image: npt.NDArray[np.uint8]
    index: int = 0
    time_s: float | None = None
    name: str = ""

    def __post_init__(self) -> None:
        image = self.image
        if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            came = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
            raise InputError(f"Frame.image: expected (H, W, 3) uint8 RGB, got {came}")
        if min(image.shape[:2]) < 1:
            raise InputError(f"Frame.image: expected at least 1x1 pixels, got shape {image.shape}")
        if self.index < 0:
            raise InputError(f"Frame.index: expected 0 or more, got {self.index}")
        locked = np.ascontiguousarray(image)
        if locked is image and image.flags.writeable:
            locked = image.view()  # lock our view, not the caller's array
        locked.setflags(write=False)
        object.__setattr__(self, "image", locked)

    @classmethod
    def from_rgb(cls, image: npt.NDArray[np.uint8], **rest: Any) -> Frame:
        """A frame from an (H, W, 3) uint8 array in RGB order (Pillow, imageio, scikit-image)."""
        return cls(image, **rest)

    @classmethod
    def from_bgr(cls, image: npt.NDArray[np.uint8], **rest: Any) -> Frame:
        """A frame from an (H, W, 3) uint8 array in BGR order (OpenCV)."""
        if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3:
            raise InputError("Frame.from_bgr: expected an (H, W, 3) uint8 array in BGR order")
        return cls(np.ascontiguousarray(image[:, :, ::-1]), **rest)

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return int(self.image.shape[1]), int(self.image.shape[0])

    @property
    def info(self) -> FrameInfo:
        """The same frame without its pixels."""
        return FrameInfo(self.index, self.time_s, self.name, self.size_wh)


@dataclass(frozen=True, slots=True)
class FrameInfo:
    """Which frame a result belongs to, without its pixels: what sinks other than pictures need of a Frame.

    Attributes:
        index: 0-based position in its source.
        time_s: Seconds, None for stills.
        name: Name of the picture or clip.
        size_wh: Width and height in pixels.
    """

    index: int
    time_s: float | None
    name: str
    size_wh: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Boxes(_Frozen):
    """Rectangles around people.

    Attributes:
        xyxy: (N, 4) float32 px, left, top, right, bottom; may reach beyond the picture.
        score: (N,) float32 in [0, 1].
    """

    xyxy: Float
    score: Float

    def __post_init__(self) -> None:
        xyxy = _floats("Boxes", "xyxy", self.xyxy, (None, 4))
        score = _floats("Boxes", "score", self.score, (len(xyxy),))
        _unit_range("Boxes", "score", score)
        if not np.isfinite(xyxy).all():
            raise InputError("Boxes.xyxy: expected finite numbers, got NaN or infinity")
        if (xyxy[:, 2:] < xyxy[:, :2]).any():
            raise InputError("Boxes.xyxy: expected left <= right and top <= bottom in every row")
        object.__setattr__(self, "xyxy", xyxy)
        object.__setattr__(self, "score", score)

    @classmethod
    def empty(cls) -> Boxes:
        """No boxes."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))

    def __len__(self) -> int:
        return len(self.xyxy)

    def __getitem__(self, pick: Pick) -> Boxes:
        rows = _rows(pick)
        return Boxes(self.xyxy[rows], self.score[rows])


def _rows(pick: Pick) -> Any:
    """An index that keeps the leading axis."""
    return [int(pick)] if isinstance(pick, (int, np.integer)) else pick


@dataclass(frozen=True, slots=True, eq=False)
class Poses(_Frozen):
    """Everybody in one frame, N people of K keypoints.

    Attributes:
        xy: (N, K, 2) float32, original-image px. A missing keypoint is NaN with score 0, never (0, 0).
        score: (N, K) float32 in [0, 1]; what it means is defined per model in its card.
        boxes: One box and person score for each of the N people.
        skeleton: The layout that names the K keypoints.
        ids: (N,) int64 identities, -1 = none.
        visible: (N, K) bool, the model's opinion that the point is in view and not hidden; None if it has none.
        world: (N, K, 3) float32 metres, origin mid-hip, x right, y down, z away from the camera, relative to the
            person and not to the camera; NaN where the model gives none; or None.
        native: The same people in the model's own layout before conversion, kept only when asked for.
        raw_xy: (N, K, 2) float32 px, `xy` before smoothing and repair, kept only when asked for.
        swapped: (N, K) bool, keypoints whose left and right seem exchanged at this moment (exchanged back already where
            that was asked for); None where nobody looked.

    ``poses["left_knee"]`` gives (N, 3) x, y, score; ``poses[0]``, ``poses[mask]`` and slices give Poses;
    ``poses.part("left_hand")`` gives Poses of that part's keypoints.
    """

    xy: Float
    score: Float
    boxes: Boxes
    skeleton: Skeleton
    ids: npt.NDArray[np.int64] | None = None
    visible: npt.NDArray[np.bool_] | None = None
    world: Float | None = None
    native: Poses | None = None
    raw_xy: Float | None = None
    swapped: npt.NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        count = len(self.skeleton)
        xy = _floats("Poses", "xy", self.xy, (None, count, 2))
        score = _floats("Poses", "score", self.score, (len(xy), count))
        _points("Poses", xy, score)
        ids = np.array(np.full(len(xy), -1) if self.ids is None else self.ids, dtype=np.int64)
        if len(self.boxes) != len(xy):
            raise InputError(f"Poses.boxes: expected {len(xy)} people, got {len(self.boxes)}")
        if ids.shape != (len(xy),):
            raise InputError(f"Poses.ids: expected shape ({len(xy)},), got {ids.shape}")
        ids.setflags(write=False)
        for name in ("visible", "swapped"):
            flags = getattr(self, name)
            if flags is not None:
                flags = np.array(flags, dtype=np.bool_)
                if flags.shape != score.shape:
                    raise InputError(f"Poses.{name}: expected shape {score.shape}, got {flags.shape}")
                flags.setflags(write=False)
                object.__setattr__(self, name, flags)
        if self.raw_xy is not None:
            object.__setattr__(self, "raw_xy", _floats("Poses", "raw_xy", self.raw_xy, xy.shape))
        if self.world is not None:
            object.__setattr__(self, "world", _floats("Poses", "world", self.world, (len(xy), count, 3)))
        if self.native is not None and len(self.native) != len(xy):
            raise InputError(f"Poses.native: expected {len(xy)} people, got {len(self.native)}")
        for name, value in (("xy", xy), ("score", score), ("ids", ids)):
            object.__setattr__(self, name, value)

    @classmethod
    def empty(cls, skeleton: Skeleton) -> Poses:
        """Nobody: the normal answer for a picture without people."""
        count = len(skeleton)
        return cls(np.zeros((0, count, 2), np.float32), np.zeros((0, count), np.float32), Boxes.empty(), skeleton)

    def __len__(self) -> int:
        return len(self.xy)

    def __iter__(self) -> Iterator[Poses]:
        return (self[i] for i in range(len(self)))

    @overload
    def __getitem__(self, pick: str) -> Float: ...
    @overload
    def __getitem__(self, pick: Pick) -> Poses: ...
    def __getitem__(self, pick: str | Pick) -> Float | Poses:
        if isinstance(pick, str):
            k = self.skeleton.index(pick)
            return np.concatenate([self.xy[:, k], self.score[:, k, None]], axis=1)
        rows = _rows(pick)
        return Poses(
            self.xy[rows],
            self.score[rows],
            self.boxes[rows],
            self.skeleton,
            ids=None if self.ids is None else self.ids[rows],
            visible=None if self.visible is None else self.visible[rows],
            world=None if self.world is None else self.world[rows],
            native=None if self.native is None else self.native[rows],
            raw_xy=None if self.raw_xy is None else self.raw_xy[rows],
            swapped=None if self.swapped is None else self.swapped[rows],
        )

    def part(self, name: str) -> Poses:
        """The same people, only the keypoints of one part (``body``, ``feet``, ``face``, ``left_hand``...).

        Raises:
            KeyError: the layout has no such part.
        """
        if name not in self.skeleton.parts:
            raise KeyError(f"{self.skeleton.name} has no part {name!r}; it has {', '.join(self.skeleton.parts)}")
        keep = list(self.skeleton.parts[name])
        return Poses(
            self.xy[:, keep],
            self.score[:, keep],
            self.boxes,
            self.skeleton.subset(keep, f"{self.skeleton.name}/{name}"),
            ids=self.ids,
            visible=None if self.visible is None else self.visible[:, keep],
            world=None if self.world is None else self.world[:, keep],
            raw_xy=None if self.raw_xy is None else self.raw_xy[:, keep],
            swapped=None if self.swapped is None else self.swapped[:, keep],
        )

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed, checked anew."""
        return replace(self, **changes)


@dataclass(frozen=True, slots=True, eq=False)
class PoseSequence(_Frozen):
    """A whole clip for offline work: T frames, P tracks.

    Attributes:
        xy: (T, P, K, 2) float32 px, NaN where a person or keypoint is missing.
        score: (T, P, K) float32 in [0, 1], 0 where missing.
        ids: (P,) int64 track identities.
        time_s: (T,) float64 seconds, not decreasing.
        skeleton: The layout.
    """

    xy: Float
    score: Float
    ids: npt.NDArray[np.int64]
    time_s: npt.NDArray[np.float64]
    skeleton: Skeleton

    def __post_init__(self) -> None:
        count = len(self.skeleton)
        xy = _floats("PoseSequence", "xy", self.xy, (None, None, count, 2))
        score = _floats("PoseSequence", "score", self.score, (*xy.shape[:2], count))
        _points("PoseSequence", xy, score)
        ids = np.array(self.ids, dtype=np.int64)
        time_s = np.array(self.time_s, dtype=np.float64)
        if ids.shape != (xy.shape[1],) or time_s.shape != (xy.shape[0],):
            raise InputError(
                f"PoseSequence: expected {xy.shape[1]} ids and {xy.shape[0]} times, got {ids.shape} and {time_s.shape}"
            )
        if not np.isfinite(time_s).all() or (np.diff(time_s) < 0).any():
            raise InputError("PoseSequence.time_s: expected finite times that do not decrease")
        for name, value in (("xy", xy), ("score", score), ("ids", ids), ("time_s", time_s)):
            value.setflags(write=False)
            object.__setattr__(self, name, value)


@dataclass(frozen=True, slots=True, eq=False)
class Sample(_Frozen):
    """One labelled picture: the frame and the people that are truly in it."""

    frame: Frame
    truth: Poses
