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
from holopose.config import RunConfig

if TYPE_CHECKING:
    from holopose.protocols import Estimator

__all__ = ["bench", "measure"]

STAGES = ("decode", "estimate", "write")
_SEARCHES = next(option for option in RunConfig.options("people") if option.name == "search").choices


def bench(
    pictures: Annotated[
        list[Path] | None, typer.Argument(metavar="[PICTURE...]", help="Pictures; default: the two of the demo.")
    ] = None,
    *,
    search: Annotated[str, typer.Option(metavar="A,B,...", help="Search modes to measure.")] = ",".join(_SEARCHES),
    repeat: Annotated[int, typer.Option(min=1, help="Runs per picture; the median counts.")] = 5,
    device: Annotated[str, typer.Option(help="Device that runs the networks.")] = RunConfig().device,
    precision: Annotated[str, typer.Option(help="f32 or bf16.")] = RunConfig().precision,
    threads: Annotated[
        int, typer.Option(min=0, help="CPU threads; 0 = all that this process may use.")
    ] = RunConfig().threads,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Measure this machine for each search mode: decode, find everybody, write JSON, CSV and the drawn overlay.

    Times are medians in milliseconds, after one run to warm up. Files are written to a temporary folder.
    """
    from holopose.build import parts

    configs = [
        RunConfig(search=mode.strip(), device=device, precision=precision, threads=threads, overwrite=True)
        for mode in search.split(",")
    ]
    inputs = pictures or _demo_pictures()
    rows: list[dict[str, Any]] = []
    for config in configs:
        started_s = time.perf_counter()
        estimator = parts.build_estimator(config)
        load_ms = (time.perf_counter() - started_s) * 1e3
        runs_on = getattr(estimator, "info", {}).get("runtime")
        for picture in inputs:
            row = {"picture": str(picture), "search": config.search, "runtime": runs_on, "load_ms": round(load_ms, 1)}
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

    Where the estimator tells how long its own stages took (`timings`, stage -> seconds), those are given too.
    """
    from holopose.build import parts

    times: dict[str, list[float]] = {}
    people, size_wh = 0, (0, 0)
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(repeat + 1):
            clock_s = [time.perf_counter()]
            [frame] = parts.build_source(picture, config)
            clock_s.append(time.perf_counter())
            [poses] = estimator.estimate([frame])
            clock_s.append(time.perf_counter())
            sinks = parts.build_sinks(config, Path(folder) / picture.stem, estimator)
            for sink in sinks.values():
                sink.write(frame, poses)
                sink.close(ok=True)
            clock_s.append(time.perf_counter())
            people, size_wh = len(poses), frame.size_wh
            took = dict(zip(STAGES, [b - a for a, b in pairwise(clock_s)], strict=True))
            took["total"] = clock_s[-1] - clock_s[0]
            took |= {f"estimate/{stage}": seconds for stage, seconds in getattr(estimator, "timings", {}).items()}
            if turn:  # the first run compiles and fills caches
                for stage, seconds in took.items():
                    times.setdefault(stage, []).append(seconds)
    medians = {stage: round(statistics.median(seconds) * 1e3, 2) for stage, seconds in times.items()}
    return {"size_wh": size_wh, "people": people, "repeat": repeat, "ms": medians}


def _show(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    stages = list(dict.fromkeys(stage for row in rows for stage in row["ms"]))
    table = Table(box=None, pad_edge=False)
    table.add_column("picture", overflow="fold")
    table.add_column("search")
    for column in ("people", *(f"{stage} ms" for stage in stages)):
        table.add_column(column, justify="right")
    for row in rows:
        name = f"{Path(row['picture']).name} {row['size_wh'][0]}x{row['size_wh'][1]}"
        figures = [f"{row['ms'][stage]:.1f}" if stage in row["ms"] else "" for stage in stages]
        table.add_row(name, row["search"], str(row["people"]), *figures)
    say_table(table)
    repeat, runtime = rows[0]["repeat"], rows[0]["runtime"] or {}
    runs_on = " ".join(str(runtime[key]) for key in ("name", "version", "device", "precision") if runtime.get(key))
    say(f"\nmedian of {repeat} run{'s' * (repeat > 1)}; {runs_on or 'unknown runtime'}")
