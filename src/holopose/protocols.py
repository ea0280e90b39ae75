"""Owns the interfaces between the parts; anything that fits plugs in, nothing needs to inherit.

Runtime, Detector and KeypointModel keep no state between calls and may be shared by threads. Whatever has `reset`
belongs to one stream. Lists go in and out so that crops batch across people and frames. Zero people is a normal answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy.typing as npt

from holopose.skeletons.skeleton import Skeleton
from holopose.types import Boxes, Frame, FrameInfo, Poses

__all__ = ["Detector", "Estimator", "Filter", "KeypointModel", "Runtime", "Sink", "Source", "Tracker"]

Arrays = Mapping[str, npt.NDArray[Any]]


@runtime_checkable
class Runtime(Protocol):
    """A loaded network: named arrays in, named arrays out."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of its inputs, in the network's order."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of its outputs, in the network's order."""

    @property
    def device(self) -> str:
        """What really runs, such as ``CPU``."""

    def run(self, inputs: Arrays) -> dict[str, npt.NDArray[Any]]:
        """Outputs by name for one set of inputs."""

    def run_many(self, inputs: Sequence[Arrays]) -> list[dict[str, npt.NDArray[Any]]]:
        """The same for several sets, in order; they may run side by side."""

    def run_batch(self, inputs: Arrays) -> dict[str, npt.NDArray[Any]]:
        """Outputs for inputs whose first axis counts independent items, any number from 1.

        The runtime chooses what is quickest on its device: all at once, in pieces, or one by one side by side.
        """

    def close(self) -> None:
        """Let go of memory and threads; calling twice is harmless."""


@runtime_checkable
class Detector(Protocol):
    """Finds people."""

    def detect(self, frames: Sequence[Frame]) -> list[Boxes]:
        """People of each frame, best first."""


@runtime_checkable
class KeypointModel(Protocol):
    """Finds the keypoints of people whose boxes are known."""

    @property
    def skeleton(self) -> Skeleton:
        """Layout of what `locate` returns."""

    def locate(self, frames: Sequence[Frame], boxes: Sequence[Boxes]) -> list[Poses]:
        """One Poses per frame, a person per box, in the order of the boxes."""


@runtime_checkable
class Estimator(Protocol):
    """Frames in, everybody's keypoints out."""

    @property
    def skeleton(self) -> Skeleton:
        """Layout of what `estimate` returns."""

    def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
        """Everybody in each frame."""

    def reset(self) -> None:
        """Forget earlier frames."""


@runtime_checkable
class Tracker(Protocol):
    """Gives people identities over time; keeps their number and order."""

    def update(self, poses: Poses, frame: Frame) -> Poses:
        """The same people with ids."""

    def reset(self) -> None:
        """Forget everybody."""


@runtime_checkable
class Filter(Protocol):
    """Smooths motion; keeps the number and order of people."""

    def apply(self, poses: Poses, time_s: float) -> Poses:
        """The same people, smoothed."""

    def reset(self) -> None:
        """Forget earlier frames."""


@runtime_checkable
class Source(Protocol):
    """Yields frames."""

    @property
    def info(self) -> Mapping[str, object]:
        """What is known before the first frame: kind, name, and for a clip width, height, rotation, rate, count."""

    @property
    def end_info(self) -> Mapping[str, object]:
        """What only reading tells: frames decoded, damaged packets, whether the file was cut short. May be empty."""

    def __iter__(self) -> Iterator[Frame]:
        """The frames, in order."""

    def close(self) -> None:
        """Let go of files and threads."""


@runtime_checkable
class Sink(Protocol):
    """Writes results under a temporary name, which becomes the real one only when all went well.

    Made before the first frame; touches nothing on disk before the first `write`.
    """

    def write(self, frame: Frame | FrameInfo, poses: Poses) -> None:
        """Take one frame's people; only sinks that draw need the pixels of a Frame."""

    def close(self, *, ok: bool) -> None:
        """End; `ok=False` leaves no file behind."""
