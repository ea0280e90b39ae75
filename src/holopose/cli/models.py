"""Owns `holopose models`: which weights there are, getting them, where they are, carrying them here, checking them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from holopose.cli.console import say, say_table

if TYPE_CHECKING:
    from rich.table import Table

    from holopose.zoo.cards import Asset

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="The model files: list, pull, path, import, verify.")

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="A model, card or picture.")]


@app.command("list")
def list_models(
    licence: Annotated[bool, typer.Option("--licence", help="Licences of code, weights and training data.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Everything the cards say, as JSON.")] = False,
) -> None:
    """Show every file, what it is for, and whether it is on this machine."""
    from holopose.zoo.cards import Card
    from holopose.zoo.catalog import ASSETS

    if as_json:
        import json

        say(json.dumps([_facts(asset) for asset in ASSETS], indent=2, ensure_ascii=False))
        return
    if licence:
        table = _table("name", "code", "weights", "training data")
        for asset in ASSETS:
            terms = asset.licence
            table.add_row(asset.name, terms.code, terms.weights, terms.training_data)
    else:
        table = _table("model", "name", "input", "kB", "here", "what it does")
        for asset in ASSETS:
            card = asset if isinstance(asset, Card) else None
            table.add_row(
                card.model if card else "",
                asset.name,
                "x".join(map(str, card.input_hwc)) if card else "",
                f"{asset.size / 1e3:.0f}",
                "yes" if _path_of(asset) else "no",
                card.role if card else asset.notes,
            )
    say_table(table)


@app.command()
def pull(
    names: Names = None,
    everything: Annotated[bool, typer.Option("--all", help="Every file, with the demo pictures.")] = False,
    to: Annotated[
        Path | None, typer.Option(help="Also copy the files here, for HOLOPOSE_MODEL_DIR on another machine.")
    ] = None,
) -> None:
    """Get files, by default those of the model "blaze", unless they are here already."""
    from holopose.zoo.catalog import DEFAULTS
    from holopose.zoo.fetch import export, locate_all

    assets = DEFAULTS if everything else _chosen(names or ["blaze"])
    paths: Iterable[Path] = locate_all(assets).values() if to is None else export(assets, to)
    for path in paths:
        say(str(path))


@app.command()
def path(name: Annotated[str, typer.Argument(help="A model, card or picture.")]) -> None:
    """Print where a file is, one line per file; fetches nothing."""
    from holopose.errors import ModelError

    assets = _chosen([name])
    paths = [_path_of(asset) for asset in assets]
    if None in paths:
        names = ", ".join(asset.filename for asset, found in zip(assets, paths, strict=True) if found is None)
        raise ModelError(f"not on this machine: {names}; get it with `holopose models pull {name}`")
    for found in paths:
        say(str(found))


@app.command("import")
def import_models(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Wheels, or single files under any name.")],
) -> None:
    """Take files carried here from another machine; they are recognised by their content."""
    from holopose.errors import HoloposeError
    from holopose.zoo.carried import import_file

    failures: list[HoloposeError] = []
    for file in files:
        try:
            for asset in import_file(file):
                say(f"{asset.filename}: imported from {file}")
        except HoloposeError as error:
            failures.append(error)
    if failures:
        raise type(failures[0])("; ".join(map(str, failures)))


@app.command()
def verify() -> None:
    """Check every file against its card; exit code 3 when a model file is missing or any file is altered."""
    from holopose.errors import ModelError
    from holopose.zoo.fetch import verify as findings

    table = _table("status", "sha256", "path")
    wrong = []
    for finding in findings():
        table.add_row(finding.status, finding.asset.sha256, str(finding.path))
        if finding.status == "altered" or (finding.status == "missing" and finding.asset.folder == "models"):
            wrong.append(f"{finding.path} is {finding.status}")
    say_table(table)
    if wrong:
        raise ModelError(f"{'; '.join(wrong)}; `holopose models pull` gets files of the cache again")


def _chosen(names: Iterable[str]) -> list[Asset]:
    from holopose.zoo.catalog import choose

    return list(dict.fromkeys(asset for name in names for asset in choose(name)))


def _path_of(asset: Asset) -> Path | None:
    from holopose.zoo.cache import find

    return find(asset)


def _facts(asset: Asset) -> dict[str, Any]:
    """What `list --json` says of a file."""
    from holopose.zoo.cards import Card

    found = _path_of(asset)
    facts: dict[str, Any] = {
        "name": asset.name,
        "filename": asset.filename,
        "sha256": asset.sha256,
        "size": asset.size,
        "licence": {
            "code": asset.licence.code,
            "weights": asset.licence.weights,
            "training_data": asset.licence.training_data,
        },
        "places": [
            *(f"{place.wheel.filename}:{place.path}" for place in asset.members),
            *(place.address + (f"#{place.member}" if place.member else "") for place in asset.urls),
        ],
        "path": None if found is None else str(found),
        "notes": asset.notes,
    }
    if isinstance(asset, Card):
        facts |= {
            "model": asset.model,
            "role": asset.role,
            "skeleton": None if asset.skeleton is None else asset.skeleton.name,
            "input_hwc": asset.input_hwc,
            "input_range": asset.input_range,
            "score": asset.score,
            "published": asset.published,
        }
    return facts


def _table(*columns: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in ("name", "status"))
    return table
