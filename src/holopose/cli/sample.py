"""Owns `holopose sample`: the frames of clips that are worth labelling, as pictures with their poses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from holopose.cli.console import one_line, say, telling_interruption
from holopose.cli.flags import choose, give_flags
from holopose.config import RunConfig
from holopose.errors import ConfigError

__all__ = ["sample"]

_ALSO = ("recursive", "overwrite", "normalized")
"""Options beside those about people, input and clips that mean something here."""

_CHOOSING = ("min_motion", "max_fps", "every")
"""Options that say which frames to keep."""


def sample(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CLIP...",
            help="Clips, folders, patterns in quotes ('day*/*.mp4'), lists of them (.txt), webcams (0, 1...), streams "
            "(rtsp://..., http://...), - for standard input.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="DIR", help="Folder for the samples.")] = None,
    *,
    format_name: Annotated[
        str, typer.Option("--format", metavar="NAME", help="Pictures: png (without loss), jpg or webp.")
    ] = "png",
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE.toml", help="Options from a file; flags win over it.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
    **options: Any,
) -> None:
    """Keep the frames of a clip in which somebody moved, to label them or to train on them.

    Of one clip, in DIR: a picture per frame, named after clip and frame
    (clip_000123.png), the poses in clip.json, the same as a COCO data set in
    clip.coco.json, which annotation tools read as pre-labels, and index.csv,
    which says of each picture frame, time, people, motion and identities.
    Of several clips, each has its own folder in DIR.

    holopose sample clip.mp4 --min-motion 0.05 --max-fps 5 -o frames
    holopose sample clips/ --recursive --min-motion 0.1 -o frames
    holopose sample 0 --max-fps 1 -o frames    (a webcam; Ctrl-C ends it)

    Exit code 0: all done; 1: some failed (a line each on stderr), the others are
    done; 2: none could be read, or an option is wrong; 3: models; 4: device;
    5: samples cannot be written; 130: interrupted.
    """
    chosen = choose(options, config)
    if not inputs:
        raise ConfigError("sample: expected at least one clip; for example: holopose sample clip.mp4 -o frames")
    if out is None:
        raise ConfigError("sample: expected a folder; for example: holopose sample clip.mp4 -o frames")
    asked = any(getattr(chosen, name) != getattr(RunConfig(), name) for name in _CHOOSING)
    if not asked and options["min_motion"] is None:
        raise ConfigError(
            "sample: expected what to keep: --min-motion (0.05 suits most clips; 0 keeps every frame), --max-fps or "
            "--every"
        )
    from holopose.build.samples import sample_files
    from holopose.cli.progress import choose_progress

    shown = choose_progress(quiet=quiet, log_json=False)
    with telling_interruption("clips that are complete stay"):
        try:
            summary = sample_files(inputs, out, chosen, format_name=format_name, progress=shown)
        finally:
            shown.end(None)
    if len(summary.outcomes) > 1 and not quiet:
        say(one_line(f"{len(summary.outcomes)} clips, {summary.frames} frames, {summary.failed} failed -> {out}"))
    raise typer.Exit(summary.exit_code)


give_flags(
    sample, [*RunConfig.options("people", "input", "clips"), *(o for o in RunConfig.options() if o.name in _ALSO)]
)
