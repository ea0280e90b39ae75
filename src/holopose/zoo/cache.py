"""Owns the folder on this machine that holds fetched files: where it is, what is intact in it, who may write to it.

``HOLOPOSE_HOME`` moves it, ``HOLOPOSE_MODEL_DIR`` names one more folder that is looked at first and never written to.
A file becomes visible under its own name only when complete and checked, so readers need no lock; writers take one.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from holopose.errors import ModelError
from holopose.zoo.cards import Asset

__all__ = ["candidates", "discard_altered", "find", "home", "is_intact", "locked", "sha256_of", "store", "target"]

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
    """Whether `path` is a file with exactly the asset's bytes (about 1 ms per MB, so it is asked every time)."""
    try:
        return path.is_file() and path.stat().st_size == asset.size and sha256_of(path) == asset.sha256
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error


def find(asset: Asset) -> Path | None:
    """The first intact copy, or None."""
    return next((path for path in candidates(asset) if is_intact(asset, path)), None)


def store(asset: Asset, stream: IO[bytes], folder: Path | None = None) -> Path:
    """Copy `stream` under the asset's name into the cache (or `folder`), if it is exactly the asset.

    Raises:
        ModelError: the bytes are others, or the folder cannot be written; nothing is left behind.
    """
    path = target(asset) if folder is None else folder / asset.filename
    part = path.with_name(f".{asset.filename}.{secrets.token_hex(4)}.part")
    digest, count = hashlib.sha256(), 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("xb") as file:
                while count <= asset.size and (chunk := stream.read(min(_CHUNK, asset.size + 1 - count))):
                    digest.update(chunk)
                    count += len(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            if count != asset.size or digest.hexdigest() != asset.sha256:
                got = f"more than {asset.size}" if count > asset.size else f"{count}"
                raise ModelError(
                    f"{asset.filename}: expected {asset.size} bytes with sha256 {asset.sha256}, "
                    f"got {got} bytes with another sha256"
                )
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise _cannot_write(path.parent, error) from error
    return path


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
        raise _cannot_write(folder, error) from error
    with lock:
        try:
            _wait_for(lock)
            shutil.rmtree(work.parent, ignore_errors=True)
            for part in folder.glob("*/.*.part"):
                part.unlink(missing_ok=True)
            work.mkdir(parents=True)
        except OSError as error:
            raise _cannot_write(folder, error) from error
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


def _cannot_write(folder: Path, error: OSError) -> ModelError:
    ours = folder.is_relative_to(home())
    advice = ": set HOLOPOSE_HOME to a folder on a local disk where you may write" if ours else ""
    return ModelError(f"the folder {folder} cannot be written ({error.strerror or error}){advice}")
