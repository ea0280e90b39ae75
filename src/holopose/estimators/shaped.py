"""Owns Shaped: an estimator's results made to measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from holopose.errors import ConfigError
from holopose.protocols import Estimator
from holopose.skeletons import Skeleton
from holopose.skeletons.conversions import convert, missing_after
from holopose.types import Boxes, Frame, Poses

__all__ = ["Shaped"]


class Shaped:
    """An estimator whose results are made to measure: layout, how many people, how sure; boxes end at the picture.

    Args:
        estimator: Finds people, best first.
        layout: Keypoint layout of the results, None = the estimator's own.
        max_people: At most so many, best first; None = everybody.
        min_score: Leave out people whose score is lower.
        native: Keep the estimator's own layout beside it.
        info: What to say of model and runtime in result files; None = what the estimator says.

    Raises:
        ConfigError: the layout has no keypoint in common with the model's.
    """

    def __init__(
        self,
        estimator: Estimator,
        *,
        layout: Skeleton | None = None,
        max_people: int | None = None,
        min_score: float = 0.0,
        native: bool = False,
        info: Mapping[str, Any] | None = None,
    ) -> None:
        self.estimator = estimator
        self.skeleton = estimator.skeleton if layout is None else layout
        self.batch: int = getattr(estimator, "batch", 1)
        self.info: Mapping[str, Any] = dict(getattr(estimator, "info", {}) if info is None else info)
        if len(missing_after(estimator.skeleton, self.skeleton)) == len(self.skeleton):
            raise ConfigError(
                f"layout: the model gives {estimator.skeleton.name}, of which nothing becomes {self.skeleton.name}; "
                "leave layout at own"
            )
        self._max_people = max_people
        self._min_score = min_score
        self._native = native

    @property
    def following(self) -> Callable[..., Estimator]:
        """The estimator's own way to follow people through a clip, its results made to the same measure.

        Raises:
            AttributeError: it has none.
        """
        inner: Any = self.estimator
        follow: Callable[..., Estimator] = inner.following

        def followed(**options: Any) -> Estimator:
            return Shaped(
                follow(**options),
                layout=self.skeleton,
                max_people=self._max_people,
                min_score=self._min_score,
                native=self._native,
                info=self.info,
            )

        return followed

    def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
        """Everybody wanted in each frame, in the estimator's order: best first."""
        found = self.estimator.estimate(frames)
        return [self._shape(poses, frame) for poses, frame in zip(found, frames, strict=True)]

    def _shape(self, poses: Poses, frame: Frame) -> Poses:
        wanted = np.flatnonzero(poses.boxes.score >= self._min_score)[: self._max_people]
        if len(wanted) < len(poses):
            poses = poses[wanted]
        poses = _inside(poses, frame.size_wh)
        shaped = convert(poses, self.skeleton)
        return shaped.replace(native=poses.replace(native=None)) if self._native else shaped

    def reset(self) -> None:
        """Forget earlier frames."""
        self.estimator.reset()


def _inside(poses: Poses, size_wh: tuple[int, int]) -> Poses:
    """The same people with boxes cut at the picture's edges, as not every detector does."""
    cut = np.clip(poses.boxes.xyxy, 0, np.array(size_wh * 2, np.float32))
    return poses if (cut == poses.boxes.xyxy).all() else poses.replace(boxes=Boxes(cut, poses.boxes.score))
