"""Owns `holopose run`: pictures in, results in a folder; its options are the fields of RunConfig, one to one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from holopose.cli.console import complain, one_line, say
from holopose.cli.flags import choose, give_flags
from holopose.config import RunConfig
from holopose.errors import ConfigError

__all__ = ["run"]


def run(
    inputs: Annotated[
        list[Path] | None, typer.Argument(metavar="INPUT...", help="Pictures: JPEG, PNG, WebP, TIFF, AVIF and more.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="DIR", help="Folder for the results.")] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE.toml", help="Options from a file; flags win over it.")
    ] = None,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print the options as TOML instead of running.")
    ] = False,
    **options: Any,
) -> None:
    """Find everybody in pictures; write JSON, CSV and an overlay picture each.

    One set of files per picture, named after it: OUT/photo.json, OUT/photo.csv, OUT/photo.overlay.png.

    Exit code 0: all done; 1: some failed (a line each on stderr), the others are done; 2: none could be read, or an
    option is wrong; 3: models; 4: device; 5: results cannot be written.
    """
    chosen = choose(options, config)
    if print_config:
        say(chosen.to_toml())
        return
    if not inputs:
        raise ConfigError("run: expected at least one picture; for example: holopose run photo.jpg -o out")
    if out is None:
        raise ConfigError("run: expected a folder for the results; for example: holopose run photo.jpg -o out")
    from holopose import build

    def report(outcome: build.Outcome) -> None:
        if outcome.error is not None:
            complain(outcome.error)
            return
        found = "1 person" if outcome.people == 1 else f"{outcome.people} people"
        say(one_line(f"{outcome.path}: {found}, {outcome.time_s:.2f} s -> {', '.join(map(str, outcome.files))}"))

    summary = build.run_files(inputs, out, chosen, report)
    raise typer.Exit(summary.exit_code)


give_flags(run, RunConfig.options())
