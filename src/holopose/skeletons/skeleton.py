"""Owns Skeleton: which keypoints a layout has, how they join, mirror, scatter and group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

__all__ = ["PARTS", "Skeleton"]

PARTS: tuple[str, ...] = ("body", "feet", "face", "left_hand", "right_hand")
"""Every part name that a layout may use; a keypoint belongs to exactly one."""


@dataclass(frozen=True, slots=True, eq=False)
class Skeleton:
    """A keypoint layout. Two skeletons are equal when name and keypoint names are.

    Attributes:
        name: Identifier used in files, such as ``wholebody133``.
        keypoints: K keypoint names. ``left``/``right`` are the person's own sides.
        edges: Index pairs joined by a bone.
        swaps: For each keypoint the index of its mirror image (itself on the midline).
        sigmas: (K,) float32, OKS constants of COCO's definition, or None where nobody published any.
        parts: Part name -> keypoint indices, in layout order.

    >>> from holopose.skeletons import COCO17
    >>> COCO17.index("left_knee"), COCO17.keypoints[COCO17.swaps[13]]
    (13, 'right_knee')
    """

    name: str
    keypoints: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]
    swaps: tuple[int, ...]
    sigmas: npt.NDArray[np.float32] | None
    parts: Mapping[str, tuple[int, ...]]
    _index: Mapping[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        count = len(self.keypoints)
        index = {name: i for i, name in enumerate(self.keypoints)}
        if len(index) != count:
            raise ValueError(f"{self.name}: keypoint names must be unique")
        if sorted(self.swaps) != list(range(count)) or any(self.swaps[self.swaps[i]] != i for i in range(count)):
            raise ValueError(f"{self.name}: swaps must pair every keypoint with its mirror image")
        if any(not (0 <= a < count and 0 <= b < count) for a, b in self.edges):
            raise ValueError(f"{self.name}: an edge names a keypoint outside 0..{count - 1}")
        members = sorted(i for part in self.parts.values() for i in part)
        if members != list(range(count)) or not set(self.parts) <= set(PARTS):
            raise ValueError(f"{self.name}: parts must cover each keypoint once, under the names {PARTS}")
        if self.sigmas is not None:
            sigmas = np.array(self.sigmas, dtype=np.float32)
            if sigmas.shape != (count,) or not (sigmas > 0).all():
                raise ValueError(f"{self.name}: expected {count} positive sigmas, got shape {sigmas.shape}")
            sigmas.setflags(write=False)
            object.__setattr__(self, "sigmas", sigmas)
        object.__setattr__(self, "parts", MappingProxyType({k: tuple(v) for k, v in self.parts.items()}))
        object.__setattr__(self, "_index", MappingProxyType(index))

    def __len__(self) -> int:
        return len(self.keypoints)

    def __contains__(self, name: object) -> bool:
        return name in self._index

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Skeleton):
            return NotImplemented
        return self.name == other.name and self.keypoints == other.keypoints

    def __hash__(self) -> int:
        return hash((self.name, len(self.keypoints)))

    def __reduce__(self) -> tuple[object, ...]:
        fields = (self.name, self.keypoints, self.edges, self.swaps, self.sigmas, dict(self.parts))
        return (Skeleton, fields)

    def index(self, name: str) -> int:
        """Index of a keypoint.

        Raises:
            KeyError: no keypoint has that name; the message names the nearest ones.
        """
        try:
            return self._index[name]
        except KeyError:
            import difflib

            near = difflib.get_close_matches(name, self.keypoints, n=3)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            raise KeyError(f"{self.name} has no keypoint {name!r}{hint}") from None

    def part_of(self) -> tuple[str, ...]:
        """The part of each keypoint, in layout order."""
        owner = [""] * len(self)
        for part, indices in self.parts.items():
            for i in indices:
                owner[i] = part
        return tuple(owner)

    def subset(self, indices: Iterable[int], name: str) -> Skeleton:
        """The layout made of some keypoints only; edges, swaps, sigmas and parts follow.

        Args:
            indices: Keypoints to keep, in their new order. A side kept without the other mirrors to itself.
            name: Name of the new layout.
        """
        keep = tuple(indices)
        new = {old: i for i, old in enumerate(keep)}
        parts = {part: tuple(sorted(new[i] for i in members if i in new)) for part, members in self.parts.items()}
        return Skeleton(
            name=name,
            keypoints=tuple(self.keypoints[i] for i in keep),
            edges=tuple((new[a], new[b]) for a, b in self.edges if a in new and b in new),
            swaps=tuple(new.get(self.swaps[i], new[i]) for i in keep),
            sigmas=None if self.sigmas is None else self.sigmas[list(keep)],
            parts={part: members for part, members in parts.items() if members},
        )
