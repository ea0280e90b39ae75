"""Owns `holopose models`: which weights there are, getting them, where they are, adding one's own, checking them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from holopose.cli.console import say
from holopose.cli.convert_model import convert

if TYPE_CHECKING:
    from holopose.zoo.cards import Asset

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True, help="The model files: list, pull, path, import, add, remove, convert, verify, table."
)

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="A model, card or picture.")]


@app.command("list")
def list_models(
    text: Annotated[str, typer.Argument(metavar="[TEXT]", help="Only names with this in them.")] = "",
    *,
    task: Annotated[
        Literal["estimator", "top-down", "detector"] | None, typer.Option(help="Only models that do this.")
    ] = None,
    installed: Annotated[bool, typer.Option("--installed", help="Only files that are on this machine.")] = False,
    commercial_safe: Annotated[
        bool, typer.Option("--commercial-safe", help="Only what its makers let everybody use in products.")
    ] = False,
    licence: Annotated[bool, typer.Option("--licence", help="Licences of code, weights and training data.")] = False,
    settings: Annotated[bool, typer.Option("--settings", help="Settings, which --adjust changes.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Everything the cards say, as JSON.")] = False,
) -> None:
    """Show models and files, what they are for, and whether they are on this machine."""
    from holopose.cli import model_lists
    from holopose.cli.console import complain
    from holopose.zoo.catalog import PICTURES, get_added
    from holopose.zoo.table import by_task

    added, problems = get_added()
    for problem in problems:
        complain(problem)
    groups: dict[str, list[Asset]] = {
        name: [card for cards in models.values() for card in cards]
        for name, models in by_task(model_lists.all_models(added)).items()
        if task in (None, name)
    }
    if task is None:
        groups["pictures"] = list(PICTURES)
    for name, assets in groups.items():
        groups[name] = [
            asset
            for asset in assets
            if text.lower() in f"{model_lists.model_of(asset)} {asset.name}"
            and (not installed or model_lists.is_here(asset))
            and (not commercial_safe or asset.licence.commercial)
        ]
    groups = {name: assets for name, assets in groups.items() if assets}
    if as_json:
        import json

        facts = [model_lists.tell(asset) for assets in groups.values() for asset in assets]
        say(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    model_lists.show(groups, "licence" if licence else "settings" if settings else "files")


@app.command()
def pull(
    names: Names = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All that holopose needs as it comes, with the demo pictures.")
    ] = False,
    to: Annotated[
        Path | None, typer.Option(help="Also copy the files here, for HOLOPOSE_MODEL_DIR on another machine.")
    ] = None,
) -> None:
    """Get files, by default those of the model "blaze", unless they are here already."""
    from holopose.zoo.catalog import DEFAULTS
    from holopose.zoo.fetch import export, locate_all

    assets = [*(DEFAULTS if everything else ()), *_chosen(names or ([] if everything else ["blaze"]))]
    assets = list(dict.fromkeys(assets))
    paths: Iterable[Path] = locate_all(assets).values() if to is None else export(assets, to)
    for path in paths:
        say(str(path))


@app.command()
def path(name: Annotated[str, typer.Argument(help="A model, card or picture.")]) -> None:
    """Print where a file is, one line per file; fetches nothing."""
    from holopose.errors import ModelError
    from holopose.zoo.cache import find

    assets = _chosen([name])
    paths = [find(asset) for asset in assets]
    if None in paths:
        names = ", ".join(asset.filename for asset, found in zip(assets, paths, strict=True) if found is None)
        raise ModelError(f"not on this machine: {names}; get it with `holopose models pull {name}`")
    for found in paths:
        say(str(found))


@app.command("import")
def import_models(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Wheels, archives, or single files under any name.")
    ],
    name: Annotated[
        str, typer.Option("--as", metavar="NAME", help="Which card's file it is, where that cannot be told.")
    ] = "",
) -> None:
    """Take published files carried here from another machine; recognised by content, otherwise by name."""
    from holopose.errors import ConfigError, HoloposeError
    from holopose.zoo.carried import import_file

    if name and len(files) > 1:
        raise ConfigError(f"as: expected one file to be {name}, got {len(files)}")
    failures: list[HoloposeError] = []
    for file in files:
        try:
            for asset in import_file(file, name=name):
                say(f"{asset.filename}: imported from {file}")
        except HoloposeError as error:
            failures.append(error)
    if failures:
        raise type(failures[0])("; ".join(map(str, failures)))


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What to call it: --model NAME then runs it.")],
    source: Annotated[Path, typer.Option("--from", help="A weight file, a zip with end2end.onnx, or a folder.")],
    like: Annotated[str, typer.Option(help="The model of `holopose models list` that it is one of.")],
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A setting that differs; skeleton=LAYOUT too. Repeatable."),
    ] = None,
) -> None:
    """Add your own weights: .onnx, .pth, .pt, .bin, .safetensors, or a folder as Hugging Face has them."""
    from holopose.zoo import added, cache
    from holopose.zoo.catalog import MODELS

    addition = added.add(name, source, like, MODELS, changes or ())
    for card in addition.cards:
        say(f"{name}: {cache.target(card)} ({card.size / 1e6:.1f} MB, sha256 {card.sha256})")
    say(f"{name}: {addition.checked}; run it with --{_option(addition.cards[0].task)} {name}")


@app.command()
def remove(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Added models, or fetched files.")],
) -> None:
    """Delete models that you added, or fetched files, with what was made and written down of them, from the cache."""
    from holopose.zoo import added, cache
    from holopose.zoo.converted import forget_converted

    for name in names:
        if name in added.names():
            added.remove(name)
            forget_converted(name)
            say(f"{name}: removed")
            continue
        assets = _chosen([name])
        with cache.locked():
            gone = [asset.filename for asset in assets if cache.forget(asset)]
            gone += ["its ONNX form"] if forget_converted(name) else []
        say(f"{name}: {'removed ' + ', '.join(gone) if gone else 'was not in the cache'}")


@app.command()
def verify() -> None:
    """Check every file that is here, and those that holopose needs; exit code 3 when one is missing or altered."""
    from holopose.cli.console import complain
    from holopose.cli.model_lists import show_findings
    from holopose.errors import ModelError
    from holopose.zoo.catalog import get_added
    from holopose.zoo.fetch import verify as findings

    found = findings()
    show_findings(found)
    wrong = [
        f"{one.path} is {one.status}"
        for one in found
        if one.status == "altered" or (one.status == "missing" and one.asset.folder != "pictures")
    ]
    problems = get_added()[1]
    for problem in problems:
        complain(problem)
    if wrong:
        raise ModelError(
            f"{'; '.join(wrong)}; `holopose models pull` gets published files again, your own you add again"
        )
    if problems:
        raise ModelError(f"{len(problems)} added models cannot be read")


@app.command()
def table(
    update: Annotated[Path | None, typer.Option(help="Write it into this Markdown file, below its marker.")] = None,
) -> None:
    """Print every card as Markdown."""
    from holopose.zoo import table as tables
    from holopose.zoo.catalog import MODELS

    if update is None:
        say(tables.markdown(MODELS).rstrip())
    else:
        tables.update(update, MODELS)
        say(str(update))


app.command("convert", no_args_is_help=True)(convert)


def _chosen(names: Iterable[str]) -> list[Asset]:
    from holopose.zoo.catalog import choose

    return list(dict.fromkeys(asset for name in names for asset in choose(name)))


def _option(task: str) -> str:
    return "detector" if task == "detector" else "model"
