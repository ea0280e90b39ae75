"""Owns whole runs: many inputs, one set of result files each, nothing lost when one fails or the run is broken off."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

from holopose.build import parts
from holopose.build.contents import Content, measure_result
from holopose.build.journal import Entry, Journal, digest_options
from holopose.build.opening import OpenedSource, Opener
from holopose.build.outcomes import NoProgress, Outcome, Progress, Summary, Tally
from holopose.build.places import check_place, identity, is_hopeless, is_taken
from holopose.build.plan import Task, plan_inputs
from holopose.config import RunConfig
from holopose.errors import BackendError, ConfigError, HoloposeError, InputError, OutputError
from holopose.io.headers import one_line
from holopose.io.runinfo import installed_version
from holopose.io.sinks.leftovers import clear_leftovers
from holopose.pipeline import Pipeline, run
from holopose.protocols import Estimator
from holopose.zoo.cache import digest_of
from holopose.zoo.catalog import MODELS, find_model

__all__ = ["run_files"]

_KINDS: dict[str, tuple[parts.Kind, ...]] = {
    "picture": ("picture",),
    "pictures": ("pictures",),
    "video": ("clip",),
    "live": ("live",),
    "stdin": ("picture", "clip"),
}
"""What the source of each kind of task can turn out to hold."""


def run_files(
    inputs: Sequence[str | os.PathLike[str]],
    out_dir: str | os.PathLike[str],
    config: RunConfig,
    report: Callable[[Outcome], None] | None = None,
    estimator: Estimator | None = None,
    *,
    progress: Progress | None = None,
) -> Summary:
    """Find everybody in every input and write one set of files for each.

    What cannot be read, or whose results cannot be written, is reported and the others go on. Nothing is written over
    unless `config.overwrite`, which is checked for all of them before the work starts. Files appear complete or not at
    all. What became of each input is recorded as it happens in ``holopose-run.jsonl`` beside the results; with
    `config.resume` inputs that are complete there, by their content, options and files, are left as they are.

    Args:
        inputs: Pictures, clips, folders, patterns, lists, archives, webcams, addresses; see `expand` in
            `holopose.io.sources.inputs`.
        out_dir: Folder for the results, made when it is not there.
        config: All options.
        report: Told about each input as soon as it is done.
        estimator: Used instead of loading the model of `config`.
        progress: Told about everything that happens.

    Raises:
        OutputError: results are there already, the folder cannot be used, or the disk is full.
        ConfigError, ModelError, BackendError: the model cannot be loaded as asked.
    """
    out = Path(out_dir)
    check_place(out)
    progress = progress or NoProgress()
    tasks = plan_inputs(inputs, config, out=out, on_note=progress.note)
    with contextlib.closing(_Run(out, config, estimator, progress, report)) as work:
        return work.do(tasks)


class _Run:
    """One run into one folder."""

    def __init__(
        self,
        out: Path,
        config: RunConfig,
        estimator: Estimator | None,
        progress: Progress,
        report: Callable[[Outcome], None] | None,
    ) -> None:
        self._out = out
        self._config = config
        self._estimator = estimator
        self._progress = progress
        self._report = report
        self._opener = Opener(config, progress.note)
        self._pipelines: dict[parts.Kind, Pipeline] = {}
        self._replaced: set[str] = set()
        self._outcomes: list[Outcome] = []
        self._time = datetime.now(UTC).isoformat(timespec="seconds")
        self._options = ""
        self._journal = Journal(out, self._state_facts())

    def _state_facts(self) -> dict[str, Any]:
        """What results depend on beside their inputs, for the journal; takes down its digest."""
        cards, version = _cards(self._config, self._estimator), installed_version()
        self._options = digest_options(self._config, cards, version)
        facts = {"time": self._time, "holopose": version, "options": self._config.to_options(), "cards": cards}
        return {**facts, "digest": self._options}

    def close(self) -> None:
        self._opener.close()
        self._journal.close()

    def do(self, tasks: Sequence[Task]) -> Summary:
        started_s = time.perf_counter()
        for folder in self._check_results(tasks):
            clear_leftovers(folder)
        self._progress.begin(len(tasks))
        for task in tasks:
            self._process(task)
        summary = Summary(tuple(self._outcomes), self._journal.path, time.perf_counter() - started_s)
        if self._config.boxes is not None and summary.frames and not summary.people:
            self._progress.note(
                f"{self._config.boxes}: nobody was found by its boxes in any picture or frame; is it of these? "
                "They go by file name or number"
            )
        return summary

    def _result_files(self, task: Task) -> list[Path]:
        """Paths of its results; what comes through standard input can be a picture or a clip."""
        base, kinds = self._out / task.name, _KINDS[task.kind]
        files = [file for kind in kinds for file in parts.result_files(self._config, base, kind).values()]
        return files if len(kinds) == 1 else list(dict.fromkeys(files))

    def _check_results(self, tasks: Sequence[Task]) -> list[Path]:
        """Folders that results go to, once it is sure that nothing is written over that must not be.

        Raises:
            OutputError: a result is there already, or would replace an input.
        """
        folders = {self._out, *(path.parent for path in self._journal.broken_off())}
        there: list[Path] = []
        identities: set[tuple[int, int]] | None = None
        for task in (task for task in tasks if task.error is None):
            files = self._result_files(task)
            folders.update(file.parent for file in files[:1])
            found = [file for file in files if is_taken(file)]
            if not found:
                continue
            if identities is None:
                identities = {one for task in tasks for path in task.paths for one in identity(path)}
            for file in found:
                if not identities.isdisjoint(identity(file)):
                    raise OutputError(f"{file}: this result would replace one of the inputs; choose another folder")
            if self._config.overwrite or (self._config.resume and self._is_ours(task, found)):
                self._replaced.add(task.name)
            else:
                there += found
        if there:
            more = f" and {len(there) - 1} more" if len(there) > 1 else ""
            raise OutputError(
                f"{there[0]}{more} already there; choose another folder, or overwrite (--overwrite, overwrite=True), "
                "or go on with the run that wrote it (--resume)"
            )
        return sorted(folders)

    def _is_ours(self, task: Task, files: Sequence[Path]) -> bool:
        """Whether earlier runs wrote all these files for this input. What was live cannot be had again: never."""
        if task.kind in ("live", "stdin"):
            return False
        if self._journal.owned(task.name, task.location).issuperset(files):
            return True
        return self._journal.completed(task.name, self._opener.measure(task), self._options) is not None

    def _process(self, task: Task) -> None:
        work = _Work(started_s=time.perf_counter())
        if task.error is not None:
            self._fail(task, work, task.error)
            return
        stamp, work.content = _stamp(task), self._opener.measure(task)
        if self._config.resume:
            entry = self._journal.completed(task.name, work.content, self._options)
            if entry is not None:
                files = tuple(self._out / file.name for file in entry.files)
                self._tell(Outcome(task.label, entry.people, 0.0, files, entry.frames, kept=True))
                return
        try:
            source = self._opener.open(task, lambda label, error: self._fail_one(task, label, error, work))
        except (InputError, ConfigError) as error:
            self._fail(task, work, error)
            return
        with contextlib.closing(source):
            opened_s = time.perf_counter()
            if self._estimator is None:
                estimator = parts.build_estimator(self._config)
                self._journal.restate(self._state_facts())  # of files that came just now the hash is known now
                self._estimator = estimator
            work.started_s += time.perf_counter() - opened_s  # the model is loaded for all of them
            tally = Tally(self._progress, source)
            self._progress.start(task.label, source.last_frame(self._config), live=task.kind == "live")
            try:
                written = self._write(task, source, self._pipeline(parts.kind_of(source)), tally, work)
            except (InputError, BackendError, OutputError, ConfigError) as error:
                self._fail(task, work, error)
                return
        if reason := source.end_info.get("reason"):
            self._progress.note(f"{task.label}: incomplete: {reason}")
        if _stamp(task) != stamp or work.failed:
            work.content = None  # it was changed while it was read, or is not complete: never to be left out
        files = tuple(path for path in written if is_taken(path))
        seconds = time.perf_counter() - work.started_s
        self._journal.finish(
            Entry(
                name=task.name,
                input=task.location,
                content=work.content,
                options=self._options,
                files=tuple(one for path in files if (one := measure_result(path, self._out)) is not None),
                frames=tally.frames,
                people=tally.people,
                seconds=round(seconds, 3),
            )
        )
        self._tell(Outcome(task.label, tally.people, seconds, files, tally.frames))

    def _pipeline(self, kind: parts.Kind) -> Pipeline:
        """What happens to the frames of this kind of source; made once.

        Raises:
            ConfigError: an option has no meaning for it.
        """
        if kind not in self._pipelines:
            self._pipelines[kind] = parts.build_pipeline(self._config, self._estimator, kind=kind)
        return self._pipelines[kind]

    def _write(
        self, task: Task, source: OpenedSource, pipeline: Pipeline, tally: Tally, work: _Work
    ) -> tuple[Path, ...]:
        """Work on one input; paths of its results.

        Raises:
            InputError, BackendError, OutputError, ConfigError: it failed.
        """
        config = self._config.replace(overwrite=True) if task.name in self._replaced else self._config
        base = self._out / task.name
        sinks = parts.build_sinks(config, base, pipeline.estimator, inputs=task.paths, source=source)
        if pipeline.whole_clip is not None:  # which writes nothing until all is read
            source.on_read = self._progress.read
        self._set_aside(task, sinks)
        before = {path for path in sinks if is_taken(path)}
        self._journal.begin(task.name, task.location, sinks)
        try:
            with source.ending_gently() if task.kind == "live" else contextlib.nullcontext():
                run(source, pipeline, list(sinks.values()), tally.note, keep_interrupted=task.kind == "live")
        except HoloposeError:
            work.left = any(is_taken(path) for path in sinks if path not in before)
            raise
        more = chain.from_iterable(getattr(sink, "files", ()) for sink in sinks.values())
        return tuple(dict.fromkeys([*sinks, *map(Path, more)]))

    def _set_aside(self, task: Task, results: Iterable[Path]) -> None:
        """Keep results that somebody altered since they were written; done anew by a resumed run they would be lost.

        Raises:
            OutputError: one cannot be renamed.
        """
        entry = self._journal.find(task.name)
        if entry is None or self._config.overwrite:
            return
        written = {self._out / file.name: file for file in entry.files}
        for path in results:
            if path not in written or not is_taken(path) or measure_result(path, self._out) == written[path]:
                continue
            number, kept = 1, path.with_name(f"{path.name}.before-resume")
            while is_taken(kept):
                number, kept = number + 1, path.with_name(f"{path.name}.before-resume-{number + 1}")
            try:
                path.rename(kept)
            except OSError as error:
                raise OutputError(f"{path}: cannot be renamed: {error.strerror or error}") from error
            self._progress.note(f"{path}: was altered since it was written; kept as {kept.name}")

    def _fail_one(self, task: Task, label: str, error: InputError, work: _Work) -> None:
        """Record one picture of several that could not be read."""
        work.failed += 1
        self._fail(replace(task, name="", label=label), _Work(started_s=time.perf_counter()), error)

    def _fail(self, task: Task, work: _Work, error: HoloposeError) -> None:
        """Record an input that failed.

        Raises:
            OutputError: it failed because nothing at all can be written any more.
        """
        text = str(error)
        if not text.startswith(one_line(task.label)):
            text = f"{task.label}: {text.removeprefix(one_line(Path(task.label).name) + ': ')}"
        seconds = time.perf_counter() - work.started_s
        entry = Entry(
            name=task.name,
            input=task.location,
            content=work.content,
            options=self._options,
            seconds=round(seconds, 3),
            error=text,
        )
        if is_hopeless(error, self._out):
            with contextlib.suppress(OutputError):
                self._journal.finish(entry, left=work.left)
            raise OutputError(f"{error}; the run ends here, what is complete stays: --resume goes on") from error
        self._journal.finish(entry, left=work.left)
        # A new one: that which was caught holds on to everything in sight when it was raised, such as pictures.
        self._tell(Outcome(task.label, None, seconds, error=type(error)(text)))

    def _tell(self, outcome: Outcome) -> None:
        self._outcomes.append(outcome)
        self._progress.finish(outcome)
        if self._report is not None:
            self._report(outcome)


@dataclass(slots=True)
class _Work:
    """How it stands with one input.

    Attributes:
        started_s: When it was begun.
        content: What it is.
        failed: How many of its pictures could not be read.
        left: Whether it failed when some of its files had got their names already.
    """

    started_s: float
    content: Content | None = None
    failed: int = 0
    left: bool = False


def _cards(config: RunConfig, estimator: Estimator | None) -> dict[str, str]:
    """Name -> SHA-256 of the weight files, as the zoo lists them, or as an estimator of another kind tells."""
    boxes = {} if config.boxes is None else {"boxes": _digest_file(Path(config.boxes))}
    if estimator is None:
        named = (config.model, config.detector, config.bottom_up)
        models = dict.fromkeys(name for name in named if name not in (None, "auto", "none", "poses"))
        return boxes | {card.name: digest_of(card) for name in models for card in find_model(str(name))}
    told = getattr(estimator, "info", {})
    name, cards = told.get("name"), {card["name"]: card["sha256"] for card in told.get("cards", ())}
    if isinstance(name, str) and name in MODELS:
        return boxes | {card.name: digest_of(card) for card in MODELS[name]} | cards
    return boxes | {"model": str(name), **cards}


def _digest_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: expected a file of detections in COCO form: {error.strerror or error}") from error


def _stamp(task: Task) -> list[tuple[int, int]]:
    """Sizes and times of the files of an input, which change when it is changed."""
    stamps = []
    for path in task.paths:
        with contextlib.suppress(OSError, ValueError):
            found = path.stat()
            stamps.append((found.st_size, found.st_mtime_ns))
    return stamps
