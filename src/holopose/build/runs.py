"""Owns whole runs: many inputs, one set of result files each."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from holopose.build import parts
from holopose.build.names import name_results
from holopose.config import RunConfig
from holopose.errors import BackendError, HoloposeError, InputError, OutputError
from holopose.pipeline import Pipeline, run
from holopose.protocols import Estimator, Sink
from holopose.types import Frame

__all__ = ["Outcome", "Summary", "run_files"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one input.

    Attributes:
        path: The input.
        people: How many were found; None when it failed.
        time_s: Reading, finding and writing together, without loading the model.
        files: What was written.
        error: Why it failed, None when it did not.
    """

    path: Path
    people: int | None
    time_s: float
    files: tuple[Path, ...] = ()
    error: HoloposeError | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of all inputs."""

    outcomes: tuple[Outcome, ...]

    @property
    def exit_code(self) -> int:
        """0 all done, 1 some failed, otherwise that of the first error (2 where the input could not be read)."""
        errors = [outcome.error for outcome in self.outcomes if outcome.error is not None]
        if not errors:
            return 0
        return 1 if len(errors) < len(self.outcomes) else errors[0].exit_code


def run_files(
    inputs: Sequence[str | os.PathLike[str]],
    out_dir: str | os.PathLike[str],
    config: RunConfig,
    report: Callable[[Outcome], None] | None = None,
    estimator: Estimator | None = None,
) -> Summary:
    """Find everybody in every picture and write one set of files for each.

    A picture that cannot be read, or whose results cannot be written, is reported and the others go on. Nothing is
    written over unless `config.overwrite`, which is checked for all of them before the work starts. Files appear
    complete or not at all.

    Args:
        inputs: Pictures.
        out_dir: Folder for the results, made when it is not there.
        config: All options.
        report: Told about each picture as soon as it is done.
        estimator: Used instead of loading the model of `config`.

    Raises:
        OutputError: results are there already, or the folder cannot be used.
        ConfigError, ModelError, BackendError: the model cannot be loaded as asked.
    """
    out_dir = Path(out_dir)
    names = name_results(inputs)
    _refuse_overwriting({path: parts.result_files(config, out_dir / name) for path, name in names.items()}, config)
    outcomes: list[Outcome] = []
    pipeline = None if estimator is None else parts.build_pipeline(config, estimator)
    for path, name in names.items():
        started_s = time.perf_counter()
        try:
            [frame] = parts.build_source(path, config)
        except InputError as error:
            outcome = Outcome(path, None, time.perf_counter() - started_s, error=error)
        else:
            read_s = time.perf_counter() - started_s
            pipeline = pipeline or parts.build_pipeline(config)
            sinks = parts.build_sinks(config, out_dir / name, pipeline.estimator, inputs=names)
            outcome = _process(path, frame, pipeline, sinks)
            outcome = replace(outcome, time_s=outcome.time_s + read_s)
        outcomes.append(outcome)
        if report is not None:
            report(outcome)
    return Summary(tuple(outcomes))


def _process(path: Path, frame: Frame, pipeline: Pipeline, sinks: Mapping[Path, Sink]) -> Outcome:
    started_s = time.perf_counter()
    people: list[int] = []
    try:
        run([frame], pipeline, list(sinks.values()), lambda _, poses: people.append(len(poses)))
    except (InputError, BackendError, OutputError) as error:
        named = type(error)(f"{path}: {error}")
        return Outcome(path, None, time.perf_counter() - started_s, error=named)
    return Outcome(path, sum(people), time.perf_counter() - started_s, tuple(sinks))


def _refuse_overwriting(files: Mapping[Path, Mapping[str, Path]], config: RunConfig) -> None:
    inputs = {os.path.realpath(path) for path in files}
    there = []
    for file in (file for kinds in files.values() for file in kinds.values()):
        if os.path.realpath(file) in inputs:
            raise OutputError(f"{file}: this result would replace one of the inputs; choose another folder")
        if not config.overwrite and os.path.lexists(file):
            there.append(file)
    if there:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise OutputError(
            f"{there[0]}{more} already there; choose another folder, or overwrite (--overwrite, overwrite=True)"
        )
