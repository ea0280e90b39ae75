"""Owns assembly: from a RunConfig to sources, estimators, painters and sinks, and whole runs made of them.

`estimate` and `paint` are the two functions most people need.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holopose.config import RunConfig
from holopose.errors import BackendError, HoloposeError, InputError, OutputError
from holopose.pipeline import Pipeline, run
from holopose.protocols import Estimator, Sink, Source
from holopose.types import Frame, Poses

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from holopose.draw.painter import Painter
    from holopose.io.images import ImageInput
    from holopose.io.runinfo import RunInfo

__all__ = [
    "Outcome",
    "Summary",
    "build_estimator",
    "build_painter",
    "build_pipeline",
    "build_sinks",
    "build_source",
    "estimate",
    "name_results",
    "paint",
    "run_files",
]


def build_estimator(config: RunConfig | None = None, /, **options: Any) -> Estimator:
    """Load a model; fetches its files first where they are not on this machine.

    Args:
        config: All options at once.
        **options: Or some of them by name (those about people), the rest at their defaults.

    Raises:
        ConfigError: an option is unknown or not acceptable.
        ModelError: a file is missing and cannot be fetched, or is altered.
        BackendError: the device cannot do what was asked.
    """
    from holopose.zoo.load import load_estimator

    if config is None:
        config = RunConfig.from_options("people", **options)
    elif options:
        config = config.replace(**options)
    return load_estimator(
        config.model,
        search=config.search,
        max_people=config.max_people,
        min_score=config.min_score,
        layout=config.layout,
        native=config.native,
        device=config.device,
        precision=config.precision,
        threads=config.threads,
    )


def build_pipeline(config: RunConfig, estimator: Estimator | None = None) -> Pipeline:
    """What happens to each frame; loads the model unless an estimator is given."""
    return Pipeline(build_estimator(config) if estimator is None else estimator, world=config.world)


def build_source(picture: str | os.PathLike[str], config: RunConfig) -> Source:
    """The frames of one input: a single one for a picture."""
    from holopose.io.sources.images import ImageSource

    return ImageSource([picture], max_megapixels=config.max_megapixels)


def build_painter(config: RunConfig) -> Painter:
    """What draws the overlay."""
    from holopose.draw.painter import Painter

    return Painter(**config.to_options("drawing"))


def build_sinks(config: RunConfig, base: Path, estimator: Estimator, inputs: Iterable[Path] = ()) -> dict[Path, Sink]:
    """What writes the files of one input, by the path of each.

    Args:
        config: Which files, and what they hold.
        base: Folder of the results and the name they begin with: out/photo gives out/photo.json.
        estimator: What finds the people; the files say what it was.
        inputs: Files that are never replaced.

    Raises:
        OutputError: a file is there already, or cannot be written.
    """
    from holopose.io.sinks.csv_file import CsvSink
    from holopose.io.sinks.json_file import JsonSink
    from holopose.io.sinks.overlay import OverlaySink

    info = _describe(config, estimator)
    painter = build_painter(config)
    keep, overwrite = tuple(inputs), config.overwrite
    normalized, world = config.normalized, config.world
    sinks: dict[Path, Sink] = {}
    for kind, path in _result_files(config, base).items():
        if kind == "json":
            sinks[path] = JsonSink(
                path, info, native=config.native, world=world, normalized=normalized, overwrite=overwrite, inputs=keep
            )
        elif kind == "csv":
            sinks[path] = CsvSink(path, info, normalized=normalized, world=world, overwrite=overwrite, inputs=keep)
        else:
            sinks[path] = OverlaySink(path, painter, overwrite=overwrite, inputs=keep)
    return sinks


def _describe(config: RunConfig, estimator: Estimator) -> RunInfo:
    """What result files say about how they were made; an estimator tells about itself in `info`."""
    from holopose.io.runinfo import RunInfo

    told: Mapping[str, Any] = getattr(estimator, "info", {})
    runtime = told.get("runtime", {})
    chosen = config.to_options("people")
    return RunInfo(
        model=told.get("name", type(estimator).__name__),
        cards={card["name"]: card["sha256"] for card in told.get("cards", ())},
        options={name: chosen[name] for name in ("search", "max_people", "min_score", "layout")},
        runtime=runtime.get("name", "none"),
        runtime_version=runtime.get("version", ""),
        device=runtime.get("device", "unknown"),
        precision=runtime.get("precision", ""),
        score=told.get("score", "0 to 1, as the model's card defines it"),
    )


def name_results(inputs: Iterable[str | os.PathLike[str]]) -> dict[Path, str]:
    """The name that each input's results begin with: always the same for the same inputs in the same order.

    That is the stem; where two inputs share it (whatever their case) it is the whole file name, and where they share
    that too a number is added. An input given twice counts once.

    >>> [*name_results(["a.jpg", "b.jpg", "b.png", "x/c.jpg", "y/c.jpg"]).values()]
    ['a', 'b.jpg', 'b.png', 'c', 'c-2']
    """
    once: dict[Path, Path] = {}
    for path in inputs:
        once.setdefault(Path(path).absolute(), Path(path))
    paths = list(once.values())
    suffixes: dict[str, set[str]] = {}
    for path in paths:
        suffixes.setdefault(path.stem.casefold(), set()).add(path.suffix.casefold())
    wanted = [path.stem if len(suffixes[path.stem.casefold()]) == 1 else path.name for path in paths]
    taken = {name.casefold() for name in wanted}
    names: dict[Path, str] = {}
    given: set[str] = set()
    for path, name in zip(paths, wanted, strict=True):
        number, unique = 1, name
        while unique.casefold() in given or (number > 1 and unique.casefold() in taken):
            number += 1
            unique = f"{name}-{number}"
        given.add(unique.casefold())
        names[path] = unique
    return names


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
    _refuse_overwriting({path: _result_files(config, out_dir / name) for path, name in names.items()}, config)
    outcomes: list[Outcome] = []
    pipeline = None if estimator is None else build_pipeline(config, estimator)
    for path, name in names.items():
        started_s = time.perf_counter()
        try:
            [frame] = build_source(path, config)
        except InputError as error:
            outcome = Outcome(path, None, time.perf_counter() - started_s, error=error)
        else:
            read_s = time.perf_counter() - started_s
            pipeline = pipeline or build_pipeline(config)
            sinks = build_sinks(config, out_dir / name, pipeline.estimator, inputs=names)
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


def _result_files(config: RunConfig, base: Path) -> dict[str, Path]:
    """Path of each file to save, by kind; `base` is the folder and the name they begin with."""
    suffixes = {"json": ".json", "csv": ".csv", "overlay": f".overlay.{config.overlay_format}"}
    return {kind: base.with_name(base.name + suffixes[kind]) for kind in config.save}


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


def estimate(source: ImageInput | Frame, **options: Any) -> Poses:
    """Find everybody in one picture.

    The model stays loaded for further calls with the same options; calls from several threads take turns.

    Args:
        source: Path of a picture, its bytes as they are in a file, or a Frame (`Frame.from_rgb`, `Frame.from_bgr` make
            one from an array).
        **options: Options about people and input, by the names of `RunConfig`: `search="thorough"`, `max_people=1`...

    Returns:
        N people in the layout asked for, coordinates in px of the upright picture; none is a normal answer.

    Raises:
        InputError: the picture cannot be read.
        ConfigError: an option is unknown or not acceptable.
        ModelError: a model file is missing and cannot be fetched.
        BackendError: the device cannot do what was asked.
    """
    config = RunConfig.from_options("people", "input", **options)
    frame = _read(source, config)
    with _turn:
        [(_, poses)] = _loaded_pipeline(config).stream([frame])
    return poses


_turn = threading.Lock()
_loaded: dict[RunConfig, Pipeline] = {}


def _loaded_pipeline(config: RunConfig) -> Pipeline:
    """The pipeline of the last call when the options about people are the same, otherwise a new one in its place."""
    key = RunConfig(**config.to_options("people"))
    if key not in _loaded:
        pipeline = build_pipeline(key)
        _loaded.clear()
        _loaded[key] = pipeline
    return _loaded[key]


def paint(picture: ImageInput | Frame, poses: Poses, **options: Any) -> npt.NDArray[np.uint8]:
    """Draw people over their picture.

    Args:
        picture: What `estimate` was given.
        poses: What `estimate` returned.
        **options: Options about drawing and input, by the names of `RunConfig`: `style="classic"`, `draw_boxes=True`...

    Returns:
        (H, W, 3) uint8 RGB, (H, W, 4) RGBA with `background="transparent"`; twice as wide with `side_by_side`.

    Raises:
        InputError: the picture cannot be read.
        ConfigError: an option is unknown or not acceptable.
    """
    config = RunConfig.from_options("drawing", "input", **options)
    return build_painter(config).paint(_read(picture, config), poses)


def _read(source: ImageInput | Frame, config: RunConfig) -> Frame:
    from holopose.io.images import read_image

    return source if isinstance(source, Frame) else read_image(source, max_megapixels=config.max_megapixels)
