"""Owns `holopose render`: stored results drawn over their clip or pictures, no model needed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from holopose.cli.console import one_line, say, telling_interruption
from holopose.cli.flags import choose, give_flags
from holopose.config import RunConfig

__all__ = ["render"]

_ALSO = ("recursive", "max_megapixels", "overwrite", "encoder", "audio", "overlay_format")
"""Options beside those about drawing that mean something here."""


def render(
    results: Annotated[
        Path,
        typer.Argument(
            metavar="RESULTS", help="A result file: JSON, JSON Lines, CSV, COCO, AlphaPose; a folder for OpenPose."
        ),
    ],
    over: Annotated[
        Path, typer.Argument(metavar="INPUT", help="What it was made from: a clip, a picture, a folder or an archive.")
    ],
    *,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="PATH",
            help="Over a clip a video (.mp4, .mov, .mkv, .webm), or a folder for a picture per frame; over a picture "
            "a picture (.png, .jpg, .webp); over several pictures a folder.",
        ),
    ],
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE.toml", help="Options from a file; flags win over it.")
    ] = None,
    **options: Any,
) -> None:
    """Draw results that are already there, as often and in as many ways as you like.

    Only frames that the results hold are drawn. A video keeps the clip's times and sound.

    Exit code 0: done; 2: something cannot be read, does not fit, or an option is wrong; 5: it cannot be written.
    """
    from holopose.build.render import render_file

    started_s = time.perf_counter()
    with telling_interruption("nothing was written"):
        done = render_file(results, over, out, choose(options, config))
    noun = "picture" if done.encoder is None else "frame"
    count = f"{done.frames} {noun}{'' if done.frames == 1 else 's'}"
    sound = {"copied": ", sound copied", "encoded": ", sound encoded anew"}.get(done.sound or "", "")
    facts = f"{count}{f', {done.encoder}' if done.encoder else ''}{sound}"
    say(one_line(f"{done.path}: {facts}, {time.perf_counter() - started_s:.2f} s"))


give_flags(render, [option for option in RunConfig.options() if option.group == "drawing" or option.name in _ALSO])
