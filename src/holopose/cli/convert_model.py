"""Owns `holopose models convert`: tensors that need torch become an ONNX file that needs it no more."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holopose.cli.console import say, say_table

__all__ = ["convert"]


def convert(
    name: Annotated[str, typer.Argument(help="A model whose file holds tensors: `holopose models list`.")],
    *,
    to: Annotated[str, typer.Option(help="Form to convert to: onnx.")] = "onnx",
    pictures: Annotated[
        list[Path] | None,
        typer.Option("--picture", help="Pictures with people that both forms are compared on; default: the demo's."),
    ] = None,
    limit: Annotated[
        float, typer.Option(min=0, help="Largest mean distance of any part, in thousandths of the person's size.")
    ] = 1.0,
) -> None:
    r"""Convert a model once with torch, compare both forms on real people, and run it from ONNX ever after.

    Nothing is kept when the two forms answer too far apart. Needs: pip install "holopose\[convert]".
    """
    from rich.table import Table

    from holopose.errors import ConfigError
    from holopose.export.convert import convert_model
    from holopose.io.images import read_image
    from holopose.zoo import catalog, fetch

    if to != "onnx":
        raise ConfigError(f"to: expected onnx, got {to!r}")
    if not pictures:
        catalog.find_model(name)  # a wrong name is told before anything is fetched
        found = fetch.locate_all(catalog.PICTURES)
        pictures = [found[picture.name] for picture in catalog.PICTURES]
    done = convert_model(name, [read_image(path) for path in pictures], limit=limit)
    table = Table(box=None, pad_edge=False)
    table.add_column("part")
    for column in ("points", "mean", "largest", "score"):
        table.add_column(column, justify="right")
    for row in done.rows:
        table.add_row(row.part, str(row.points), f"{row.mean:.4f}", f"{row.largest:.4f}", f"{row.score:.1e}")
    say_table(table)
    say(f"\n{done.people} people, torch against ONNX on {done.runtime}; distances in thousandths of their size")
    say(str(done.path))
