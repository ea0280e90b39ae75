"""Owns `holopose demo`: the main job on two real pictures, with everything it needs fetched first."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holopose.cli.console import complain, say, say_table

__all__ = ["demo"]


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for the results.")] = Path("out/demo"),
) -> None:
    """Find everybody in two photographs; write JSON, CSV and overlays. Replaces its own earlier results.

    The models and the two photographs are fetched once and kept in the cache folder; nothing is sent anywhere.
    """
    from rich.table import Table

    from holopose import build
    from holopose.config import RunConfig
    from holopose.zoo import catalog, fetch

    pictures = fetch.locate_all([*catalog.PICTURES, *catalog.MODELS[RunConfig().model]])
    inputs = [pictures[picture.name] for picture in catalog.PICTURES]
    table = Table(box=None, pad_edge=False)
    for column, side in (("picture", "left"), ("people", "right"), ("seconds", "right"), ("files", "left")):
        table.add_column(column, justify=side, overflow="fold")  # type: ignore[arg-type]

    def report(outcome: build.Outcome) -> None:
        if outcome.error is not None:
            complain(outcome.error)
            return
        files = ", ".join(file.name for file in outcome.files)
        table.add_row(Path(outcome.input).name, str(outcome.people), f"{outcome.time_s:.2f}", files)

    summary = build.run_files(inputs, out, RunConfig(overwrite=True), report)
    say_table(table)
    say(f"\nLook in {out}: the overlays show who was found, JSON and CSV hold every keypoint with its name.")
    say("Your own pictures: holopose run PICTURE... -o DIR")
    raise typer.Exit(summary.exit_code)
