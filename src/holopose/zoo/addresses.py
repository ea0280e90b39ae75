"""Owns getting a file from the addresses it is published at: one after the other, unpacked, checked, never silently.

What a broken download brought waits in the cache's folder ``partial`` until the next attempt goes on from there.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from pathlib import Path

from holopose.errors import ModelError
from holopose.zoo import cache
from holopose.zoo.archives import opened_member
from holopose.zoo.cards import Asset, Url
from holopose.zoo.download import download, shown
from holopose.zoo.mirrors import where_to_ask

__all__ = ["Tell", "bring"]

Tell = Callable[[str, int, int], None]
"""Is called again and again with a file's name, the bytes that are here and those of the whole (0 = not known)."""

_log = logging.getLogger(__name__)
_LINE_EVERY_S = 10.0


def bring(asset: Asset, failures: list[str], tell: Tell | None = None) -> bool:
    """Get a file into the cache. Call it under `cache.locked`.

    Args:
        asset: What to get.
        failures: Gets a line per address that did not serve.
        tell: How to show progress; None = a line in the log every ten seconds.

    Returns:
        Whether it is there now.
    """
    for url in where_to_ask(asset):
        _log.warning(
            "holopose: fetching %s from %s into %s", asset.filename, shown(url.address), cache.target(asset).parent
        )
        try:
            _get(asset, url, tell or _Lines())
        except ModelError as error:
            failures.append(str(error))
        else:
            return True
    return False


def _get(asset: Asset, url: Url, tell: Tell) -> None:
    folder = cache.home() / "partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cache.cannot_write(folder, error) from error
    part = folder / f"{asset.filename}{'.zip' if url.member else ''}"
    came = download(
        url.address,
        part,
        size=0 if url.member else asset.size,
        sha256="" if url.member else asset.sha256,
        keep=True,
        tell=lambda count, total: tell(asset.filename, count, total),
    )
    try:
        if url.member:
            with opened_member(part, url.member) as (stream, unpacked):
                cache.check_space(folder, unpacked)
                cache.store(asset, stream, came_from=f"{shown(url.address)}#{url.member}", limit=unpacked)
        else:
            _check_kind(part, url)
            cache.adopt(asset, part, came)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _check_kind(path: Path, url: Url) -> None:
    """Raise ModelError for what servers send instead of a file: a page, a message, a pointer. No hash may tell."""
    with path.open("rb") as file:
        head = file.read(64)
    kind = path.suffix.lower()
    if kind in (".pth", ".pt", ".bin"):
        good = head.startswith((b"PK\x03\x04", b"\x80"))
    elif kind == ".safetensors":
        good = head[8:9] == b"{"
    else:
        good = not head.lstrip().startswith((b"<", b"{", b"version https://git-lfs"))
    if not good:
        raise ModelError(f"{shown(url.address)}: sends something that is no {kind} file, beginning with {head[:24]!r}")


class _Lines:
    """A line in the log every ten seconds."""

    def __init__(self) -> None:
        self._told_s = self._began_s = time.monotonic()
        self._first = -1

    def __call__(self, name: str, count: int, total: int) -> None:
        now_s = time.monotonic()
        self._first = count if self._first < 0 else self._first
        if now_s - self._told_s >= _LINE_EVERY_S:
            self._told_s = now_s
            rate = (count - self._first) / (now_s - self._began_s)
            whole = f" of {total / 1e6:.0f}" if total else ""
            _log.warning("holopose: %s: %.0f%s MB, %.1f MB/s", name, count / 1e6, whole, rate / 1e6)
