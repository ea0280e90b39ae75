"""Owns how models and files are shown: tables on the terminal, facts for JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from holopose.cli.console import say, say_table
from holopose.zoo import cache
from holopose.zoo.cards import Asset, Card
from holopose.zoo.catalog import MODELS
from holopose.zoo.fetch import Finding
from holopose.zoo.table import HEADINGS

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["all_models", "is_here", "model_of", "show", "show_findings", "tell"]

_COMMERCIAL = {True: "yes", False: "no", None: "unclear"}


def all_models(added: Mapping[str, tuple[Card, ...]]) -> dict[str, tuple[Card, ...]]:
    """The zoo's own models, then those that were added on this machine."""
    return {**MODELS, **added}


def model_of(asset: Asset) -> str:
    """Name of the model that a file belongs to, empty for pictures."""
    return asset.model if isinstance(asset, Card) else ""


def is_here(asset: Asset) -> bool:
    """Whether it is on this machine, by name and size (`holopose models verify` looks inside)."""
    return cache.is_there(asset) is not None


def show(groups: Mapping[str, Sequence[Asset]], what: Literal["files", "licence", "settings"]) -> None:
    """A table per group."""
    if not groups:
        say("none")
    for number, (group, assets) in enumerate(groups.items()):
        say(f"{chr(10) * (number > 0)}{HEADINGS.get(group, 'Demo pictures')}")
        say_table({"files": _files, "licence": _licences, "settings": _settings}[what](assets))


def show_findings(findings: Sequence[Finding]) -> None:
    """What `holopose models verify` found."""
    table = _table("status", "sha256", "path")
    for one in findings:
        table.add_row(one.status, cache.digest_of(one.asset) or one.asset.sha256 or "not published", str(one.path))
    say_table(table)


def tell(asset: Asset) -> dict[str, Any]:
    """What `holopose models list --json` says of a file."""
    found = cache.is_there(asset)
    facts: dict[str, Any] = {
        "name": asset.name,
        "filename": asset.filename,
        "sha256": asset.sha256,
        "size": asset.size,
        "licence": {
            "code": asset.licence.code,
            "weights": asset.licence.weights,
            "training_data": asset.licence.training_data,
            "commercial": asset.licence.commercial,
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
            "task": asset.task,
            "role": asset.role,
            "settings": {**asset.settings, **asset.net_settings},
            "skeleton": None if asset.skeleton is None else asset.skeleton.name,
            "input_hwc": asset.input_hwc,
            "input_range": asset.input_range,
            "score": asset.score,
            "published": asset.published,
        }
    return facts


def _files(assets: Sequence[Asset]) -> Table:
    table = _table("model", "file", "input", "keypoints", "MB", "here", "what it does")
    shown = ""
    for asset in assets:
        card = asset if isinstance(asset, Card) else None
        found = cache.is_there(asset)
        size = asset.size or (found.stat().st_size if found else 0)
        model = model_of(asset)
        table.add_row(
            model if model != shown else "",
            asset.name if asset.name != model else "",
            "x".join(map(str, card.input_hwc[:2])) if card else "",
            card.skeleton.name if card and card.skeleton else "",
            f"{size / 1e6:.1f}" if size else "?",
            "yes" if found else "no",
            card.role if card else asset.notes,
        )
        shown = model
    return table


def _licences(assets: Sequence[Asset]) -> Table:
    table = _table("name", "product", "code", "weights", "training data")
    for asset in assets:
        terms = asset.licence
        table.add_row(asset.name, _COMMERCIAL[terms.commercial], terms.code, terms.weights, terms.training_data)
    return table


def _settings(assets: Sequence[Asset]) -> Table:
    from holopose.zoo.settings import settings_of

    table = _table("name", "settings")
    for asset in assets:
        if isinstance(asset, Card):
            known = {} if asset.task == "part" else settings_of(asset)
            table.add_row(asset.name, " ".join(f"{name}={_shown(value)}" for name, value in known.items()) or "none")
    return table


def _shown(value: object) -> str:
    if isinstance(value, tuple | list):
        return f"[{','.join(map(_shown, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _table(*columns: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in ("model", "file", "name", "status"))
    return table
