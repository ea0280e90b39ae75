"""Owns ``HOLOPOSE_MIRRORS``: places that somebody keeps copies at, so that nothing is asked of the makers' servers.

Comma-separated; each entry is one of

- ``https://files.example/holopose``: a folder with files under the names they have in the cache (as
  ``holopose models pull --to`` writes them) and with wheels; or the address of a wheel. Tried before anything else.
- ``https://huggingface.co/=https://hf.example/``: addresses that begin with the first are rewritten to begin with the
  second; the original is then not asked.
"""

from __future__ import annotations

import os
import re
from urllib.parse import quote, urlsplit

from holopose.zoo.cards import Asset, Url

__all__ = ["folder_mirrors", "where_to_ask"]

_REWRITE = re.compile(r"(https?://[^=]+)=(https?://.+)")


def folder_mirrors() -> list[str]:
    """Addresses of folders and wheels, in order."""
    return [entry for entry in _entries() if not _REWRITE.fullmatch(entry)]


def where_to_ask(asset: Asset) -> list[Url]:
    """Every address of a file that is published at addresses, in the order they are to be tried."""
    if not asset.urls:
        return []
    folders = [entry for entry in folder_mirrors() if not urlsplit(entry).path.endswith(".whl")]
    copies = [Url(f"{folder.rstrip('/')}/{quote(asset.filename)}") for folder in folders]
    return [*copies, *(Url(_rewritten(url.address), url.member) for url in asset.urls)]


def _entries() -> list[str]:
    return [entry.strip() for entry in os.environ.get("HOLOPOSE_MIRRORS", "").split(",") if entry.strip()]


def _rewritten(address: str) -> str:
    for entry in _entries():
        rule = _REWRITE.fullmatch(entry)
        if rule and address.startswith(rule[1]):
            return rule[2] + address.removeprefix(rule[1])
    return address
