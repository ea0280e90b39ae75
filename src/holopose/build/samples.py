"""Owns samples of clips: pictures of the frames worth keeping, with their poses and an index, a folder per clip."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from holopose.build import parts
from holopose.build.opening import OpenedSource, Opener
from holopose.build.outcomes import NoProgress, Outcome, Progress, Summary, Tally
from holopose.build.places import check_place, is_hopeless
from holopose.build.plan import Task, plan_inputs
from holopose.config import RunConfig
from holopose.errors import BackendError, ConfigError, InputError, OutputError
from holopose.io.headers import one_line
from holopose.io.sinks.leftovers import clear_leftovers
from holopose.motion.sampling import measure_motion
from holopose.pipeline import Pipeline, run
from holopose.protocols import Estimator, Sink
from holopose.types import Frame, FrameInfo, Poses

if TYPE_CHECKING:
    from holopose.io.sinks.folder import StagedFolder
    from holopose.io.sinks.staged import StagedFile

__all__ = ["COLUMNS", "INDEX", "SampleSink", "sample_files"]

INDEX = "index.csv"
"""The table that lies in every folder of samples."""

COLUMNS = ("picture", "frame", "time_s", "people", "motion", "ids")
"""Its columns."""

_CLIPS = ("video", "live", "stdin")


class SampleSink:
    """Writes the picture of every frame it gets, unchanged, with all poses and an index, into one folder.

    ``clip_000123.png`` is frame 123 of the clip; ``clip.json`` has the poses, ``clip.coco.json`` the same as a COCO
    data set for annotation tools, and both call each frame by its picture. The index has a row per picture, with the
    motion since the picture before (`measure_motion`; empty where there is nobody to compare) and the identities.

    Args:
        folder: Appears with everything or not at all.
        name: What the clip is called: its files begin with it.
        make_sinks: Makes what writes the poses and what writes the data set, from the folder and name that their files
            begin with.
        format_name: ``png`` (without loss), ``jpg`` or ``webp``.

    Raises:
        OutputError: from `write` and `close`: something cannot be written, or the format cannot hold the picture.
    """

    def __init__(
        self, folder: StagedFolder, name: str, make_sinks: Callable[[Path], tuple[Sink, Sink]], *, format_name: str
    ) -> None:
        self._folder = folder
        self._name = name
        self._make_sinks = make_sinks
        self._format = format_name
        self._sinks: tuple[Sink, ...] = ()
        self._index: StagedFile | None = None
        self._last: Poses | None = None

    def write(self, frame: Frame | FrameInfo, poses: Poses) -> None:
        """Add one frame."""
        from holopose.io.records import SCORE_DIGITS, TIME_DIGITS
        from holopose.io.sinks.overlay import encode_picture
        from holopose.io.tables import cell, join_cells

        if not isinstance(frame, Frame):
            raise OutputError(f"{self._folder.path}: expected a frame with its pixels, got one without")
        index = self._begin() if self._index is None else self._index
        picture = f"{self._name}_{frame.index:06d}.{self._format}"
        try:
            content = encode_picture(frame.image, self._format)
        except OutputError as error:
            raise OutputError(f"{self._folder.path / picture}: {error}") from error
        self._folder.write(picture, content)
        called = replace(frame.info, name=picture)
        document, dataset = self._sinks
        document.write(called, poses)
        dataset.write(replace(called, time_s=None), poses)  # which names the frames of clips itself
        motion = None if self._last is None else measure_motion(self._last, poses)
        ids = [] if poses.ids is None else [str(one) for one in poses.ids.tolist() if one >= 0]
        measured = cell(frame.time_s, TIME_DIGITS), len(poses), cell(motion, SCORE_DIGITS), " ".join(ids)
        index.write(join_cells([picture, frame.index, *measured]) + "\n")
        self._last = poses

    def close(self, *, ok: bool) -> None:
        """Give the folder its name (`ok`) or leave nothing behind; without a frame there is no folder."""
        index = self._index
        try:
            if ok and index is not None:
                for sink in self._sinks:
                    sink.close(ok=True)
                index.commit()
                self._folder.commit()
        finally:  # harmless where all went well
            for sink in self._sinks:
                sink.close(ok=False)
            if index is not None:
                index.discard()
            self._folder.discard()

    def _begin(self) -> StagedFile:
        """Make the folder and what is written there."""
        from holopose.io.sinks.staged import StagedFile

        inside = self._folder.claim()
        self._sinks = self._make_sinks(inside / self._name)
        self._index = StagedFile(inside / INDEX)
        self._index.write(",".join(COLUMNS) + "\n")
        return self._index


def sample_files(
    inputs: Sequence[str | os.PathLike[str]],
    out_dir: str | os.PathLike[str],
    config: RunConfig,
    *,
    format_name: str = "png",
    estimator: Estimator | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Keep the frames of clips in which somebody moved, as `config.min_motion`, `max_fps` and `every` say.

    The samples of one clip lie in `out_dir` itself; where there are several inputs, or folders or patterns of them,
    each clip has its own folder in there. Such a folder appears complete or not at all. An existing one is replaced
    only with `config.overwrite`, and only when it holds nothing but samples of that clip; this is checked for all of
    them before the work starts. A clip that fails is reported, and the others go on.

    Args:
        inputs: Clips, folders, patterns, lists, webcams, addresses; pictures among them are left out.
        out_dir: Made when it is not there.
        config: All options; those about results out mean nothing here, but for `overwrite` and `normalized`.
        format_name: Of the pictures: ``png`` (the pixels of the clip, without loss), ``jpg`` or ``webp``.
        estimator: Used instead of loading the model of `config`.
        progress: Told about everything that happens. An outcome's `frames` are those looked at.

    Returns:
        What became of each clip; the `report` is `out_dir`.

    Raises:
        ConfigError, ModelError, BackendError: the model cannot be loaded as asked, or an option has no meaning.
        InputError: there is no clip at all.
        OutputError: samples are there already, the folder cannot be used, or the disk is full.
    """
    from holopose.io.sinks.overlay import FORMATS

    formats = tuple(dict.fromkeys(FORMATS.values()))
    if format_name not in formats:
        raise ConfigError(f"format: expected one of {', '.join(formats)}, got {format_name!r}")
    out = Path(out_dir)
    check_place(out)
    progress = progress or NoProgress()
    started_s = time.perf_counter()
    jobs = list(_plan(inputs, out, config, progress))
    with contextlib.closing(_Sampling(out, config, format_name, estimator, progress)) as work:
        outcomes = work.do(jobs)
    return Summary(outcomes, out, time.perf_counter() - started_s)


@dataclass(frozen=True, slots=True)
class _Job:
    """A clip and where its samples go; no folder where it cannot even be tried."""

    task: Task
    name: str
    folder: StagedFolder | None


def _plan(inputs: Sequence[str | os.PathLike[str]], out: Path, config: RunConfig, progress: Progress) -> Iterator[_Job]:
    """The clips among the inputs, their folders checked.

    Raises:
        InputError: there is none.
        OutputError: a folder is there already, or holds an input.
    """
    from holopose.io.sinks.folder import StagedFolder

    tasks = plan_inputs(inputs, config, out=out, on_note=progress.note)
    clips = [task for task in tasks if task.error is not None or task.kind in _CLIPS]
    left_out = [task.label for task in tasks if task.error is None and task.kind not in _CLIPS]
    if not clips:
        came = f"{left_out[0]}{f' and {len(left_out) - 1} more' if len(left_out) > 1 else ''}"
        raise InputError(f"{one_line(came)}: expected at least one clip, got pictures only")
    if left_out:
        count = f"{len(left_out)} picture{'' if len(left_out) == 1 else 's'}"
        progress.note(f"{count} left out, such as {left_out[0]}: samples are taken of clips")
    alone = len(inputs) == 1 and len(clips) == 1 and clips[0].label == os.fsdecode(inputs[0])
    paths = [path for task in clips for path in task.paths]
    for task in clips:
        if task.error is not None:
            yield _Job(task, "", None)
            continue
        name = PurePosixPath(task.name).name
        stem = re.escape(name)
        ours = re.compile(rf"{stem}_\d{{6,}}\.(png|jpg|webp)|{stem}(\.coco)?\.json|{re.escape(INDEX)}")
        place = out if alone or _is_only_source(clips) else out / task.name
        yield _Job(task, name, StagedFolder(place, ending=ours, overwrite=config.overwrite, inputs=paths))


def _is_only_source(clips: Sequence[Task]) -> bool:
    """Whether this is one camera, stream or pipe, whose label is not what was typed."""
    return len(clips) == 1 and clips[0].kind in ("live", "stdin")


class _Sampling:
    """One call."""

    def __init__(
        self, out: Path, config: RunConfig, format_name: str, estimator: Estimator | None, progress: Progress
    ) -> None:
        self._out = out
        self._config = config.replace(save=("json", "coco"), coco_form="dataset", overwrite=False)
        self._format = format_name
        self._estimator = estimator
        self._progress = progress
        self._opener = Opener(self._config)
        self._pipelines: dict[parts.Kind, Pipeline] = {}

    def close(self) -> None:
        self._opener.close()

    def do(self, jobs: Sequence[_Job]) -> tuple[Outcome, ...]:
        for place in {job.folder.path.parent for job in jobs if job.folder is not None}:
            clear_leftovers(place)
        self._progress.begin(len(jobs))
        outcomes = []
        for job in jobs:
            outcomes.append(self._process(job))
            self._progress.finish(outcomes[-1])
        return tuple(outcomes)

    def _process(self, job: _Job) -> Outcome:
        """One clip.

        Raises:
            OutputError: nothing at all can be written any more.
        """
        label, started_s = job.task.label, time.perf_counter()
        if job.task.error is not None or job.folder is None:
            return Outcome(label, None, 0.0, error=job.task.error)
        try:
            with contextlib.closing(self._opener.open(job.task, lambda _, error: None)) as source:
                opened_s = time.perf_counter()
                self._estimator = self._estimator or parts.build_estimator(self._config)
                started_s += time.perf_counter() - opened_s  # the model is loaded for all of them
                people, frames = self._sample(job, job.folder, source)
        except (InputError, BackendError, OutputError, ConfigError) as error:
            if is_hopeless(error, self._out):
                raise
            text = str(error) if str(error).startswith(one_line(label)) else f"{label}: {error}"
            return Outcome(label, None, time.perf_counter() - started_s, error=type(error)(text))
        return Outcome(label, people, time.perf_counter() - started_s, (job.folder.path,), frames)

    def _sample(self, job: _Job, folder: StagedFolder, source: OpenedSource) -> tuple[int, int]:
        """People, and frames looked at.

        Raises:
            InputError, BackendError, OutputError, ConfigError: it failed.
        """
        from holopose.io.sinks.threaded import ThreadedSink

        kind = parts.kind_of(source)
        if kind not in ("clip", "live"):
            raise InputError(f"{one_line(job.task.label)}: expected a clip, got a picture")
        live = kind == "live"
        if kind not in self._pipelines:
            self._pipelines[kind] = parts.build_pipeline(self._config, self._estimator, kind=kind)
        pipeline = self._pipelines[kind]
        described = _Described(source, job.task.label)

        def make_sinks(base: Path) -> tuple[Sink, Sink]:
            document, dataset = parts.build_sinks(self._config, base, pipeline.estimator, source=described).values()
            return document, dataset

        looked_at = 0

        def note(frame: FrameInfo) -> None:
            nonlocal looked_at
            looked_at += 1
            self._progress.read(frame)

        source.on_read = note
        tally = Tally(self._progress, source)
        self._progress.start(job.task.label, source.last_frame(self._config), live=live)
        sink = ThreadedSink(SampleSink(folder, job.name, make_sinks, format_name=self._format))
        with source.ending_gently() if live else contextlib.nullcontext():
            run(source, pipeline, [sink], tally.note, keep_interrupted=live)
        if reason := source.end_info.get("reason"):
            self._progress.note(f"{job.task.label}: incomplete: {reason}")
        self._progress.note(f"{job.task.label}: {tally.frames} of {looked_at} frames kept")
        return tally.people, looked_at


class _Described:
    """A source that also tells which clip it is, as its frames are called by their pictures."""

    def __init__(self, source: OpenedSource, label: str) -> None:
        self._source = source
        self.info: Mapping[str, Any] = {**source.info, "clip": label}

    @property
    def end_info(self) -> Mapping[str, Any]:
        return self._source.end_info

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._source)

    def close(self) -> None:
        self._source.close()
