"""Owns `holopose run`: whatever has people in it in, results in a folder; its options are the fields of RunConfig."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from holopose.cli.console import say, telling_interruption
from holopose.cli.flags import choose, give_flags
from holopose.config import RunConfig
from holopose.errors import ConfigError

__all__ = ["run"]


def run(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT...",
            help="Pictures, clips, folders, patterns in quotes ('day*/*.jpg'), lists of them (.txt), archives (ZIP, "
            "TAR), webcams (0, 1...), streams (rtsp://..., http://...), - for standard input.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="DIR", help="Folder for the results.")] = None,
    *,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE.toml", help="Options from a file; flags win over it.")
    ] = None,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print the options as TOML instead of running.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
    log_json: Annotated[
        bool, typer.Option("--log-json", help="Tell what happens as JSON, an object per line, for programs.")
    ] = False,
    **options: Any,
) -> None:
    """Find everybody in pictures and clips; write JSON, CSV and an overlay each.

    One set of files per input, named after it: OUT/photo.json, OUT/photo.csv,
    OUT/photo.overlay.png. What lies in a folder or an archive keeps its place:
    OUT/holidays/day2/img3.json. OUT/holopose-run.jsonl says what became of every
    input; when a run was broken off, --resume goes on from there.

    holopose run photo.jpg -o out
    holopose run clip.mp4 --save json,overlay -o out
    holopose run holidays/ --recursive -o out
    holopose run photos.zip --together --save coco -o out
    holopose run 0 -o out                    (a webcam; Ctrl-C ends it)
    holopose run holidays/ -o out --resume   (goes on)

    Exit code 0: all done; 1: some failed (a line each on stderr), the others are
    done; 2: none could be read, or an option is wrong; 3: models; 4: device;
    5: results cannot be written; 130: interrupted.
    """
    chosen = choose(options, config)
    if print_config:
        say(chosen.to_toml())
        return
    if quiet and log_json:
        raise ConfigError("run: expected --quiet or --log-json, got both")
    if not inputs:
        raise ConfigError("run: expected at least one input; for example: holopose run photo.jpg -o out")
    if out is None:
        raise ConfigError("run: expected a folder for the results; for example: holopose run photo.jpg -o out")
    from holopose import build
    from holopose.cli.progress import choose_progress

    shown = choose_progress(quiet=quiet, log_json=log_json)
    summary: build.Summary | None = None
    with telling_interruption("what is complete stays, and the same command with --resume goes on"):
        try:
            summary = build.run_files(inputs, out, chosen, progress=shown)
        finally:
            shown.end(summary)
    raise typer.Exit(0 if summary is None else summary.exit_code)


give_flags(run, RunConfig.options())
