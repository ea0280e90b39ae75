from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pytest

from holopose.errors import InputError, OutputError
from holopose.pipeline import Pipeline, filtering, run
from holopose.protocols import Estimator, Sink
from holopose.skeletons import COCO17, Skeleton
from holopose.types import Boxes, Frame, FrameInfo, Poses


class CountingEstimator:
    """As many people as the frame's index."""

    def __init__(self) -> None:
        self.resets = 0

    @property
    def skeleton(self) -> Skeleton:
        return COCO17

    def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
        return [
            Poses(
                np.full((f.index, 17, 2), f.index),
                np.ones((f.index, 17)),
                Boxes(np.tile([0.0, 0, 1, 1], (f.index, 1)), np.ones(f.index)),
                COCO17,
            )
            for f in frames
        ]

    def reset(self) -> None:
        self.resets += 1


class ListSink:
    def __init__(self, *, fail_write: bool = False, fail_close: bool = False) -> None:
        self.rows: list[tuple[int, int]] = []
        self.closed: list[bool] = []
        self.fail_write, self.fail_close = fail_write, fail_close

    def write(self, frame: Frame, poses: Poses) -> None:
        if self.fail_write:
            raise OutputError("disk full")
        self.rows.append((frame.index, len(poses)))

    def close(self, *, ok: bool) -> None:
        self.closed.append(ok)
        if self.fail_close:
            raise OutputError("cannot rename")


def frames(count: int) -> Iterator[Frame]:
    return (Frame(np.zeros((2, 3, 3), np.uint8), index=i) for i in range(count))


def test_the_fakes_fit_the_protocols() -> None:
    assert isinstance(CountingEstimator(), Estimator)
    assert isinstance(ListSink(), Sink)


def test_stream_gives_each_frame_with_its_own_people_after_one_reset() -> None:
    estimator = CountingEstimator()
    got = [(frame.index, len(poses)) for frame, poses in Pipeline(estimator, world=True).stream(frames(4))]
    assert got == [(0, 0), (1, 1), (2, 2), (3, 3)]
    assert estimator.resets == 1


def test_stream_reads_one_frame_at_a_time_and_keeps_none() -> None:
    alive: list[weakref.ref[np.ndarray]] = []  # type: ignore[type-arg]

    def source() -> Iterator[Frame]:
        for i in range(5):
            image = np.zeros((2, 2, 3), np.uint8)
            alive.append(weakref.ref(image))
            yield Frame(image, index=i)

    for most, _ in enumerate(Pipeline(CountingEstimator(), world=True).stream(source()), start=1):
        assert len(alive) == most
        assert sum(ref() is not None for ref in alive) <= 2


def test_run_writes_everything_everywhere_and_finishes_the_files() -> None:
    sinks = [ListSink(), ListSink()]
    seen: list[int] = []
    assert (
        run(frames(3), Pipeline(CountingEstimator(), world=True), sinks, lambda frame, _: seen.append(frame.index)) == 3
    )
    assert seen == [0, 1, 2]
    assert all(sink.rows == [(0, 0), (1, 1), (2, 2)] and sink.closed == [True] for sink in sinks)


@pytest.mark.parametrize("error", [InputError("broken"), KeyboardInterrupt(), MemoryError()])
def test_an_error_of_the_source_discards_every_file(error: BaseException) -> None:
    def source() -> Iterator[Frame]:
        yield from frames(1)
        raise error

    sinks = [ListSink(), ListSink()]
    with pytest.raises(type(error)):
        run(source(), Pipeline(CountingEstimator(), world=True), sinks)
    assert all(sink.closed == [False] for sink in sinks)


def test_an_error_of_one_sink_discards_every_file() -> None:
    sinks = [ListSink(), ListSink(fail_write=True), ListSink()]
    with pytest.raises(OutputError, match="disk full"):
        run(frames(1), Pipeline(CountingEstimator(), world=True), sinks)
    assert all(sink.closed == [False] for sink in sinks)


def test_a_sink_that_cannot_finish_stops_those_after_it_but_all_are_closed() -> None:
    sinks = [ListSink(), ListSink(fail_close=True), ListSink(), ListSink(fail_close=True)]
    with pytest.raises(OutputError, match="cannot rename"):
        run(frames(1), Pipeline(CountingEstimator(), world=True), sinks)
    assert [sink.closed for sink in sinks] == [[True], [True], [False], [False]]


class WorldEstimator(CountingEstimator):
    def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
        found = [poses.replace(world=np.zeros((len(poses), 17, 3))) for poses in super().estimate(frames)]
        return [poses.replace(native=poses) for poses in found]


@pytest.mark.parametrize("world", [True, False])
def test_world_coordinates_are_handed_on_only_when_wanted(world: bool) -> None:
    [_, (_, poses)] = Pipeline(WorldEstimator(), world=world).stream(frames(2))
    assert poses.native is not None
    assert (poses.world is not None) == (poses.native.world is not None) == world
    assert len(poses) == 1


# Stages --------------------------------------------------------------------------------------------------------------


def renumber(stream: Iterable[tuple[Frame, Poses]]) -> Iterator[tuple[Frame, Poses]]:
    """Ids 0, 1, 2...; leaves out frames with an odd index."""
    for frame, poses in stream:
        if frame.index % 2 == 0:
            yield frame, poses.replace(ids=np.arange(len(poses)))


class Shift:
    """A filter that moves everybody by how often it was asked since it was reset."""

    def __init__(self) -> None:
        self.count = 0
        self.times: list[float] = []

    def apply(self, poses: Poses, time_s: float) -> Poses:
        self.count += 1
        self.times.append(time_s)
        return poses.replace(xy=poses.xy + self.count)

    def reset(self) -> None:
        self.count = 0


def test_stages_act_in_order_and_begin_anew_with_every_source() -> None:
    shift = Shift()
    pipeline = Pipeline(CountingEstimator(), world=True, stages=[renumber, filtering(shift)])
    for _ in range(2):
        got = list(pipeline.stream(frames(5)))
        assert [frame.index for frame, _ in got] == [0, 2, 4]
        assert [poses.ids.tolist() for _, poses in got if poses.ids is not None] == [[], [0, 1], [0, 1, 2, 3]]
        assert [float(poses.xy[0, 0, 0]) for _, poses in got[1:]] == [2 + 2, 4 + 3]
    assert shift.times == [0, 2, 4] * 2  # a picture's index where it has no time


def test_filters_are_told_the_time_of_the_clip() -> None:
    shift = Shift()
    clip = [Frame(np.zeros((2, 2, 3), np.uint8), index=i, time_s=t) for i, t in enumerate((0.0, 0.04, 0.5))]
    list(Pipeline(CountingEstimator(), world=True, stages=[filtering(shift)]).stream(clip))
    assert shift.times == [0.0, 0.04, 0.5]


def test_a_whole_clip_is_revised_at_once_and_then_read_again_for_its_pixels() -> None:
    clip = list(frames(6))
    seen: list[list[int]] = []

    def revise(rows: list[tuple[FrameInfo, Poses]]) -> list[tuple[FrameInfo, Poses]]:
        seen.append([info.index for info, _ in rows])
        return [(info, poses.replace(xy=poses.xy + 100)) for info, poses in rows]

    def last_two(stream: Iterable[tuple[Frame, Poses]]) -> Iterator[tuple[Frame, Poses]]:
        return (row for row in stream if row[0].index >= 3)

    pipeline = Pipeline(CountingEstimator(), world=True, stages=[renumber], whole_clip=revise, final=[last_two])
    [(frame, poses)] = pipeline.stream(clip)
    assert seen == [[0, 2, 4]]
    assert frame is clip[4]
    assert (poses.xy == 104).all()


@pytest.mark.parametrize("leave", ["close", "error"])
def test_stages_end_however_the_iteration_does(leave: str) -> None:
    """Also while somebody holds on to the exception, and with it to everything in sight when it was raised."""
    ended: list[str] = []

    def first(stream: Iterable[tuple[Frame, Poses]]) -> Iterator[tuple[Frame, Poses]]:
        try:
            yield from stream
        finally:
            ended.append("first")

    def last(stream: Iterable[tuple[Frame, Poses]]) -> Iterator[tuple[Frame, Poses]]:
        for frame, poses in stream:
            if frame.index == 2 and leave == "error":
                raise MemoryError("last")
            yield frame, poses

    stream = Pipeline(CountingEstimator(), world=True, stages=[first], final=[last]).stream(frames(5))
    next(stream)
    if leave == "close":
        stream.close()  # type: ignore[attr-defined]
        assert ended == ["first"]
    else:
        with pytest.raises(MemoryError) as held:
            list(stream)
        assert ended == ["first"]
        assert held.value.__traceback__ is not None


@pytest.mark.parametrize("keep", [True, False])
def test_ctrl_c_ends_a_camera_with_its_files_finished(keep: bool) -> None:
    def camera() -> Iterator[Frame]:
        yield from frames(2)
        raise KeyboardInterrupt

    sink = ListSink()
    pipeline = Pipeline(CountingEstimator(), world=True)
    if keep:
        assert run(camera(), pipeline, [sink], keep_interrupted=True) == 2
    else:
        with pytest.raises(KeyboardInterrupt):
            run(camera(), pipeline, [sink])
    assert sink.closed == [keep]
