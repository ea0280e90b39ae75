"""Owns the parts of a run: from a RunConfig to its source, estimator, pipeline, painter and sinks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holopose.config import RunConfig
from holopose.pipeline import Pipeline
from holopose.protocols import Estimator, Sink, Source

if TYPE_CHECKING:
    from holopose.draw.painter import Painter
    from holopose.io.runinfo import RunInfo

__all__ = [
    "build_estimator",
    "build_painter",
    "build_pipeline",
    "build_sinks",
    "build_source",
    "result_files",
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
    for kind, path in result_files(config, base).items():
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


def result_files(config: RunConfig, base: Path) -> dict[str, Path]:
    """Path of each file to save, by kind; `base` is the folder and the name they begin with."""
    suffixes = {"json": ".json", "csv": ".csv", "overlay": f".overlay.{config.overlay_format}"}
    return {kind: base.with_name(base.name + suffixes[kind]) for kind in config.save}
