"""Owns `holopose bench`: how long this machine takes from a file to its results, stage by stage."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from holopose.cli.console import say, say_table
from holopose.cli.flags import choose, give_flags
from holopose.config import RunConfig

if TYPE_CHECKING:
    from holopose.protocols import Estimator

__all__ = ["bench", "measure"]

_SEARCHES = next(option for option in RunConfig.options("people") if option.name == "search").choices
_OPTIONS = tuple(option for option in RunConfig.options("people") if option.name != "search")


def bench(
    pictures: Annotated[
        list[Path] | None, typer.Argument(metavar="[PICTURE...]", help="Pictures; default: the two of the demo.")
    ] = None,
    *,
    search: Annotated[
        str, typer.Option(metavar="A,B,...", help="Search modes to measure, of models that search by themselves.")
    ] = ",".join(_SEARCHES),
    repeat: Annotated[int, typer.Option(min=1, help="Runs per picture; the median counts.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    **options: Any,
) -> None:
    """Measure this machine: decode, find everybody (and within it each of the model's stages), draw, write.

    Times are medians in milliseconds, after one run to warm up. Files are written to a temporary folder.

    holopose bench
    holopose bench crowd.jpg --model rtmpose-m-body17 --detector yolox-nano
    """
    from holopose.build import parts

    base = choose(options).replace(overwrite=True)
    by_itself = base.model == "blaze" and base.detector == "auto" and not base.box and base.boxes is None
    searches = search.split(",") if by_itself else [RunConfig().search]
    configs = [base.replace(search=mode.strip()) for mode in searches]
    inputs = pictures or _demo_pictures()
    rows: list[dict[str, Any]] = []
    for config in configs:
        started_s = time.perf_counter()
        estimator = parts.build_estimator(config)
        load_ms = (time.perf_counter() - started_s) * 1e3
        told = getattr(estimator, "info", {})
        for picture in inputs:
            row = {
                "picture": str(picture),
                "model": config.model,
                "detector": told.get("detector"),
                "search": config.search,
                "runtime": told.get("runtime"),
                "load_ms": round(load_ms, 1),
            }
            rows.append(row | measure(picture, config, estimator, repeat))
    if as_json:
        say(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        _show(rows)


def _demo_pictures() -> list[Path]:
    from holopose.zoo import catalog, fetch

    paths = fetch.locate_all(catalog.PICTURES)
    return [paths[picture.name] for picture in catalog.PICTURES]


def measure(picture: Path, config: RunConfig, estimator: Estimator, repeat: int) -> dict[str, Any]:
    """People found and the median milliseconds of each stage for one picture.

    Stages that the estimator tells of (`holopose.ops.laps`) are given too, as estimate/...
    """
    from holopose.build import parts
    from holopose.ops.laps import measuring

    times: dict[str, list[float]] = {}
    people, size_wh = 0, (0, 0)
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(repeat + 1):
            clock_s = [time.perf_counter()]
            [frame] = parts.build_source(picture, config)
            clock_s.append(time.perf_counter())
            with measuring() as stages:
                [poses] = estimator.estimate([frame])
            clock_s.append(time.perf_counter())
            sinks = parts.build_sinks(config, Path(folder) / picture.stem, estimator)
            with measuring() as drawing:
                for sink in sinks.values():
                    sink.write(frame, poses)
                    sink.close(ok=True)
            clock_s.append(time.perf_counter())
            people, size_wh = len(poses), frame.size_wh
            decode_s, estimate_s, out_s = (b - a for a, b in pairwise(clock_s))
            draw_s = drawing.get("draw", 0.0)
            took = {"decode": decode_s, "estimate": estimate_s, "draw": draw_s, "write": out_s - draw_s}
            took["total"] = clock_s[-1] - clock_s[0]
            took |= {f"estimate/{stage}": seconds for stage, seconds in stages.items()}
            if turn:  # the first run compiles and fills caches
                for stage, seconds in took.items():
                    times.setdefault(stage, []).append(seconds)
    medians = {stage: round(statistics.median(seconds) * 1e3, 2) for stage, seconds in times.items()}
    return {"size_wh": size_wh, "people": people, "repeat": repeat, "ms": medians}


def _what(row: dict[str, Any]) -> str:
    return f"{row['model']} on {row['detector']}" if row["detector"] else f"{row['model']} {row['search']}"


def _show(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    stages = list(dict.fromkeys(stage for row in rows for stage in row["ms"]))
    table = Table(box=None, pad_edge=False)
    table.add_column("picture", overflow="fold")
    table.add_column("model")
    for column in ("people", *(f"{stage} ms" for stage in stages)):
        table.add_column(column, justify="right")
    for row in rows:
        name = f"{Path(row['picture']).name} {row['size_wh'][0]}x{row['size_wh'][1]}"
        figures = [f"{row['ms'][stage]:.1f}" if stage in row["ms"] else "" for stage in stages]
        table.add_row(name, _what(row), str(row["people"]), *figures)
    say_table(table)
    repeat, runtime = rows[0]["repeat"], rows[0]["runtime"] or {}
    runs_on = " ".join(str(runtime[key]) for key in ("name", "version", "device", "precision") if runtime.get(key))
    say(f"\nmedian of {repeat} run{'s' * (repeat > 1)}; {runs_on or 'unknown runtime'}")


give_flags(bench, _OPTIONS)
