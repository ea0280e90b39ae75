"""Owns the folder on this machine that holds fetched files: where it is, what is intact in it, who may write to it.

``HOLOPOSE_HOME`` moves it, ``HOLOPOSE_MODEL_DIR`` names one more folder that is looked at first and never written to.
A file becomes visible under its own name only when complete and checked, so readers need no lock; writers take one.
What a card does not say of a file (its full sha256) holds as it first came (`seals`).
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import secrets
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

from holopose.errors import ModelError
from holopose.zoo.cards import Asset
from holopose.zoo.seals import Seal, read_seal, seal_path, write_seal

__all__ = [
    "adopt",
    "candidates",
    "cannot_write",
    "check_space",
    "copy_in",
    "digest_of",
    "discard_altered",
    "find",
    "forget",
    "home",
    "is_intact",
    "is_there",
    "keep_as_is",
    "locked",
    "sha256_of",
    "store",
    "target",
]

_log = logging.getLogger(__name__)
_CHUNK = 1 << 20
_POLL_S = 0.1


def home() -> Path:
    """The cache folder: ``HOLOPOSE_HOME``, otherwise the platform's own place for caches."""
    chosen = os.environ.get("HOLOPOSE_HOME", "").strip()
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir("holopose", appauthor=False))


def target(asset: Asset) -> Path:
    """Where the cache keeps it."""
    return home() / asset.folder / asset.filename


def candidates(asset: Asset) -> list[Path]:
    """Every path under which it may lie on this machine, in the order they are looked at."""
    extra = os.environ.get("HOLOPOSE_MODEL_DIR", "").strip()
    first = [Path(extra).expanduser().absolute() / asset.filename] if extra else []
    return [*first, target(asset)]


def sha256_of(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_intact(asset: Asset, path: Path) -> bool:
    """Whether `path` is a file with exactly the asset's bytes (about 1 ms per MB, so it is asked every time).

    Of an asset whose full sha256 nobody publishes, these are the bytes that came first.
    """
    try:
        if not path.is_file() or (size := path.stat().st_size) == 0:
            return False
        seal = _seal(asset, path)
        if size != (asset.size or (seal.size if seal else 0) or size):
            return False
        if not seal and not asset.sha256:
            return True
        return sha256_of(path).startswith(seal.sha256 if seal else asset.sha256)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error


def is_there(asset: Asset) -> Path | None:
    """The first copy by name and size only: quick, for lists."""
    for path in candidates(asset):
        with contextlib.suppress(OSError):
            if path.is_file() and path.stat().st_size in (asset.size or path.stat().st_size,):
                return path
    return None


def digest_of(asset: Asset) -> str:
    """All 64 digits of its sha256: those of the card, otherwise of what first came; empty where nothing came yet."""
    if len(asset.sha256) == 64:
        return asset.sha256
    seals = (_seal(asset, path) for path in candidates(asset))
    return next((seal.sha256 for seal in seals if seal), "")


def _seal(asset: Asset, path: Path) -> Seal | None:
    """What holds of the copy at `path`: the card, otherwise the seal beside it, otherwise that of the cache."""
    if len(asset.sha256) == 64:
        return Seal(asset.sha256, asset.size)
    seals = (read_seal(path), read_seal(target(asset)))
    return next((seal for seal in seals if seal and seal.sha256.startswith(asset.sha256)), None)


def find(asset: Asset) -> Path | None:
    """The first intact copy, or None."""
    return next((path for path in candidates(asset) if is_intact(asset, path)), None)


def store(asset: Asset, stream: IO[bytes], folder: Path | None = None, *, came_from: str = "", limit: int = 0) -> Path:
    """Copy `stream` under the asset's name into the cache (or `folder`), if it is exactly the asset.

    Args:
        asset: What it should be.
        stream: Read to its end, but not further than the asset's size or `limit`.
        folder: Where to, if not into the cache.
        came_from: For the seal, where the card does not say the full sha256.
        limit: Most bytes to take of an asset whose size is not known, 0 = any number.

    Raises:
        ModelError: the bytes are others, or the folder cannot be written; nothing is left behind.
    """
    path = target(asset) if folder is None else folder / asset.filename
    part = path.with_name(f".{asset.filename}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            came = copy_in(stream, part, asset.size or limit)
            _place(asset, part, path, replace(came, came_from=came_from))
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path.parent, error) from error
    return path


def adopt(asset: Asset, part: Path, came: Seal) -> Path:
    """Give a complete file on the cache's own disk its name, if it is exactly the asset.

    Raises:
        ModelError: the bytes are others, or the folder cannot be written.
    """
    path = target(asset)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _place(asset, part, path, came)
    except OSError as error:
        raise cannot_write(path.parent, error) from error
    return path


def keep_as_is(asset: Asset, path: Path) -> None:
    """Seal a copy that was put there by hand, so that it holds from now on; where the cache can be written."""
    if len(asset.sha256) == 64 or _seal(asset, path):
        return
    with contextlib.suppress(OSError):
        target(asset).parent.mkdir(parents=True, exist_ok=True)
        write_seal(target(asset), Seal(sha256_of(path), path.stat().st_size, path.name))


def copy_in(stream: IO[bytes], part: Path, limit: int = 0) -> Seal:
    """Copy `stream` to its end into a new file, on the disk for good; what came.

    One byte more than `limit` is read at most (0 = no limit), so that who compares sizes sees that it was passed.
    """
    digest, count = hashlib.sha256(), 0
    with part.open("xb") as file:
        while chunk := stream.read(min(_CHUNK, limit + 1 - count) if limit else _CHUNK):
            digest.update(chunk)
            count += len(chunk)
            file.write(chunk)
            if limit and count > limit:
                break
        file.flush()
        os.fsync(file.fileno())
    return Seal(digest.hexdigest(), count)


def _place(asset: Asset, part: Path, path: Path, came: Seal) -> None:
    """Give `part` the name `path` if what came is the asset; sealed first, so that no file is ever without its seal."""
    holds = _seal(asset, path) or Seal(asset.sha256, asset.size)
    size = asset.size or holds.size
    if (size and came.size != size) or not came.sha256.startswith(holds.sha256):
        wanted = f"{size} bytes with sha256 {holds.sha256}" if size else f"sha256 {holds.sha256}"
        got = f"{'more than ' * (came.size > size)}{min(came.size, size)} bytes" if size else f"{came.size} bytes"
        message = f"{asset.filename}: expected {wanted}{'...' * (len(holds.sha256) < 64)}, got {got} with "
        message += "another sha256" if came.size >= size > 0 else f"sha256 {came.sha256}"
        if holds.date:
            message += (
                f" (what first came on {holds.date[:10]} holds; `holopose models remove {asset.name}` forgets it)"
            )
        raise ModelError(message)
    if came.size == 0:
        raise ModelError(f"{asset.filename}: expected a file, got 0 bytes")
    if len(asset.sha256) < 64 and not read_seal(path):
        write_seal(path, came)
    part.replace(path)


def forget(asset: Asset) -> bool:
    """Delete the cache's copy and what was written down of it. Call it under `locked`; False when there was neither."""
    there = [path for path in (target(asset), seal_path(target(asset))) if path.is_file()]
    try:
        for path in there:
            path.unlink()
    except OSError as error:
        raise ModelError(f"{target(asset)} cannot be deleted ({error.strerror}): delete it by hand") from error
    return bool(there)


def check_space(folder: Path, size: int) -> None:
    """Raise ModelError when `size` more bytes do not fit on the disk of `folder`."""
    with contextlib.suppress(OSError):
        free = shutil.disk_usage(folder).free
        if size > free:
            raise ModelError(f"the disk of {folder} is too full: {size / 1e6:.0f} MB needed, {free / 1e6:.0f} MB free")


def discard_altered(asset: Asset) -> bool:
    """Delete the cache's copy if it is not what the card says. Call it under `locked`; True when one was deleted."""
    path = target(asset)
    if not path.is_file() or is_intact(asset, path):
        return False
    try:
        path.unlink()
    except OSError as error:
        raise ModelError(f"{path} is altered and cannot be deleted ({error.strerror}): delete it by hand") from error
    _log.warning("holopose: %s was truncated or altered; it has been deleted", path)
    return True


@contextmanager
def locked() -> Iterator[Path]:
    """Hold the cache's lock, which is free again when this process ends in whatever way; gives an empty work folder.

    Whatever an earlier holder left (killed while it fetched) is deleted on entry, the work folder on exit.

    Raises:
        ModelError: the cache folder cannot be written or its file system has no locks.
    """
    folder = home()
    work = folder / ".fetch" / secrets.token_hex(4)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("ab")
    except OSError as error:
        raise cannot_write(folder, error) from error
    with lock:
        try:
            _wait_for(lock)
            shutil.rmtree(work.parent, ignore_errors=True)
            for part in folder.glob("*/.*.part"):
                part.unlink(missing_ok=True)
            work.mkdir(parents=True)
        except OSError as error:
            raise cannot_write(folder, error) from error
        try:
            yield work
        finally:
            shutil.rmtree(work.parent, ignore_errors=True)


def _wait_for(lock: IO[bytes]) -> None:
    told = False
    while not _try_lock(lock):
        if not told:
            _log.warning("holopose: waiting for another process that is fetching into %s", home())
            told = True
        time.sleep(_POLL_S)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(lock: IO[bytes]) -> bool:
        lock.seek(0)
        try:
            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

else:
    import fcntl

    def _try_lock(lock: IO[bytes]) -> bool:
        try:
            fcntl.flock(lock.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def cannot_write(folder: Path, error: OSError) -> ModelError:
    """The error for a folder that cannot be written, in one line that says what to do."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ModelError(f"the disk of {folder} is full: make room there, or set HOLOPOSE_HOME to another disk")
    ours = folder.is_relative_to(home())
    advice = ": set HOLOPOSE_HOME to a folder on a local disk where you may write" if ours else ""
    return ModelError(f"the folder {folder} cannot be written ({error.strerror or error}){advice}")
