"""Owns the flow of frames: from a source through an estimator and the stages after it into sinks.

A few frames are in memory at a time: a batch, and those that a stage holds back. Smoothing over a whole clip keeps all
poses.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import islice

from holopose.protocols import Estimator, Filter, Sink
from holopose.types import Frame, FrameInfo, Poses

__all__ = ["Pipeline", "Stage", "WholeClip", "filtering", "run"]

Stream = Iterator[tuple[Frame, Poses]]
Stage = Callable[[Iterable[tuple[Frame, Poses]]], Stream]
"""What happens to a stream of frames and their people: identities, smoothing, selection. Called once per source."""

WholeClip = Callable[[list[tuple[FrameInfo, Poses]]], list[tuple[FrameInfo, Poses]]]
"""What needs all frames at once; gives back one row for each it got."""


class Pipeline:
    """What happens to each frame between source and sinks.

    Args:
        estimator: Finds the people of each frame.
        world: Hand on the coordinates in metres that the estimator gives.
        stages: What happens to frames and people afterwards, in this order.
        whole_clip: Applied to all poses of a source at once; the source is then read a second time, for its pixels.
        final: Stages after that.
        batch: How many frames the estimator is given at once; a live source's frames should not wait for others.
    """

    def __init__(
        self,
        estimator: Estimator,
        *,
        world: bool,
        stages: Sequence[Stage] = (),
        whole_clip: WholeClip | None = None,
        final: Sequence[Stage] = (),
        batch: int = 1,
    ) -> None:
        self.estimator = estimator
        self.world = world
        self.stages = tuple(stages)
        self.whole_clip = whole_clip
        self.final = tuple(final)
        self.batch = batch

    def stream(self, source: Iterable[Frame]) -> Stream:
        """Each frame of `source` with its people, as they are found; earlier frames are not kept.

        The estimator forgets what it knew of other sources before the first frame. Stages end with the iteration, also
        by an exception or ``break``, so that no thread of theirs stays at work.
        """
        stream = self._estimate(source)
        made: list[Stream] = []
        try:
            for stage in self.stages:
                made.append(stream := stage(stream))
            if self.whole_clip is not None:
                made.append(stream := self._revise(source, stream, self.whole_clip))
            for stage in self.final:
                made.append(stream := stage(stream))
            yield from stream
        finally:
            while made:
                _close_stream(made.pop())

    def _estimate(self, source: Iterable[Frame]) -> Stream:
        self.estimator.reset()
        frames = iter(source)
        while True:
            batch: list[Frame] = []
            try:
                batch.extend(islice(frames, self.batch))
            except BaseException:
                yield from self._estimate_all(batch)  # what came before it counts
                raise
            if not batch:
                return
            yield from self._estimate_all(batch)

    def _estimate_all(self, batch: list[Frame]) -> Stream:
        found = self.estimator.estimate(batch) if batch else []
        while batch:
            poses = found.pop(0)
            yield batch.pop(0), poses if self.world else _without_world(poses)

    @staticmethod
    def _revise(source: Iterable[Frame], stream: Stream, whole_clip: WholeClip) -> Stream:
        rows = iter(whole_clip([(frame.info, poses) for frame, poses in stream]))
        row = next(rows, None)
        for frame in source:
            if row is None:
                break
            if frame.index == row[0].index:
                yield frame, row[1]
                row = next(rows, None)


def filtering(part: Filter) -> Stage:
    """A stage that smooths each frame's people, beginning anew with every source."""

    def stage(stream: Iterable[tuple[Frame, Poses]]) -> Stream:
        part.reset()
        for frame, poses in stream:
            yield frame, part.apply(poses, float(frame.index) if frame.time_s is None else frame.time_s)

    return stage


def _close_stream(stream: Stream) -> None:
    """End a generator, which an exception in sight would keep alive, with all that it holds."""
    if isinstance(stream, Generator):
        stream.close()


def _without_world(poses: Poses) -> Poses:
    native = None if poses.native is None else poses.native.replace(world=None)
    return poses.replace(world=None, native=native)


def run(
    source: Iterable[Frame],
    pipeline: Pipeline,
    sinks: Sequence[Sink],
    on_frame: Callable[[Frame, Poses], None] | None = None,
    *,
    keep_interrupted: bool = False,
) -> int:
    """Write every frame of `source` into every sink; returns how many there were.

    The sinks are closed at the end, or when anything goes wrong on the way (an error, Ctrl-C); then they leave no file
    behind. Once a sink fails to finish its file, those after it leave none either.

    Args:
        source: Frames of one picture or one clip.
        pipeline: What finds the people.
        sinks: Where results go; this call owns them and closes them.
        on_frame: Told about each frame once it is written.
        keep_interrupted: Take Ctrl-C as the end of the source, as one ends a camera: files are finished.
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
    except KeyboardInterrupt:
        ok = keep_interrupted
        if not keep_interrupted:
            raise
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
