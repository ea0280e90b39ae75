"""Owns the flow of frames: from a source through an estimator into sinks, one frame in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from holopose.protocols import Estimator, Sink
from holopose.types import Frame, Poses

__all__ = ["Pipeline", "run"]


class Pipeline:
    """What happens to each frame between source and sinks.

    Args:
        estimator: Finds the people of each frame.
        world: Hand on the coordinates in metres that the estimator gives.
    """

    def __init__(self, estimator: Estimator, *, world: bool) -> None:
        self.estimator = estimator
        self.world = world

    def stream(self, source: Iterable[Frame]) -> Iterator[tuple[Frame, Poses]]:
        """Each frame of `source` with its people, as they are found; earlier frames are not kept.

        The estimator forgets what it knew of other sources before the first frame.
        """
        self.estimator.reset()
        for frame in source:
            [poses] = self.estimator.estimate([frame])
            yield frame, poses if self.world else _without_world(poses)


def _without_world(poses: Poses) -> Poses:
    native = None if poses.native is None else poses.native.replace(world=None)
    return poses.replace(world=None, native=native)


def run(
    source: Iterable[Frame],
    pipeline: Pipeline,
    sinks: Sequence[Sink],
    on_frame: Callable[[Frame, Poses], None] | None = None,
) -> int:
    """Write every frame of `source` into every sink; returns how many there were.

    The sinks are closed at the end, or when anything goes wrong on the way (an error, Ctrl-C); then they leave no file
    behind. Once a sink fails to finish its file, those after it leave none either.

    Args:
        source: Frames of one picture or one clip.
        pipeline: What finds the people.
        sinks: Where results go; this call owns them and closes them.
        on_frame: Told about each frame once it is written.
    """
    count = 0
    ok = False
    try:
        for frame, poses in pipeline.stream(source):
            for sink in sinks:
                sink.write(frame, poses)
            count += 1
            if on_frame is not None:
                on_frame(frame, poses)
        ok = True
    finally:
        _close(sinks, ok=ok)
    return count


def _close(sinks: Sequence[Sink], *, ok: bool) -> None:
    if not sinks:
        return
    closed = False
    try:
        sinks[0].close(ok=ok)
        closed = True
    finally:
        _close(sinks[1:], ok=ok and closed)
