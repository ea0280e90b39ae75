"""Owns `holopose convert`: result files from one form into another."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from holopose.cli.console import one_line, say, telling_interruption
from holopose.errors import ConfigError

__all__ = ["convert"]


def convert(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="RESULT", help="A result file: JSON, JSON Lines, CSV, COCO, AlphaPose; a folder for OpenPose."
        ),
    ],
    *,
    to: Annotated[
        str,
        typer.Option(
            metavar="FORM",
            help="Form wanted: json, jsonl, csv, wide-csv, parquet, trc, coco, openpose or alphapose.",
        ),
    ],
    out: Annotated[
        str | None,  # not a Path, which has no slash at its end
        typer.Option(
            "--out",
            "-o",
            metavar="PATH",
            help="File to write, or a folder for it, with a slash at its end if new. Default: beside RESULT.",
        ),
    ] = None,
    layout: Annotated[
        str | None, typer.Option(metavar="NAME", help="Convert the keypoints to this layout first, such as coco17.")
    ] = None,
    coco_form: Annotated[
        str, typer.Option(metavar="NAME", help="Shape of COCO files: parts, body, flat133 or dataset.")
    ] = "parts",
    alphapose_form: Annotated[
        str, typer.Option(metavar="NAME", help="Shape of AlphaPose files: coco, cmu or open.")
    ] = "coco",
    size: Annotated[
        str | None,
        typer.Option(metavar="WIDTHxHEIGHT", help="Size of the pictures, for forms that do not say it."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is already there.")] = False,
) -> None:
    """Write a result file in another form; a line for each thing that is lost.

    What RESULT is shows in what it holds, not in its name. It stays as it is.

    Exit code 0: done; 2: RESULT cannot be read, or an option is wrong; 4: a package is missing; 5: the new file cannot
    be written.
    """
    from holopose.io.interchange import convert_file

    with telling_interruption("nothing was written"):
        done = convert_file(
            path,
            to,
            out,
            layout=layout,
            coco_form=coco_form,
            alphapose_form=alphapose_form,
            size_wh=_parse_size(size),
            overwrite=overwrite,
        )
    frames = "1 frame" if done.frames == 1 else f"{done.frames} frames"
    say(one_line(f"{path}: {frames} -> {', '.join(map(str, done.files))}"))
    for sentence in done.lost:
        say(one_line(f"lost: {sentence}"))


def _parse_size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = re.fullmatch(r"([1-9]\d{0,5})[xX]([1-9]\d{0,5})", text.strip(), re.ASCII)
    if match is None:
        raise ConfigError(f"size: expected width and height in pixels such as 1920x1080, got {text!r}")
    return int(match[1]), int(match[2])
