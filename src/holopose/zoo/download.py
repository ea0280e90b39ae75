"""Owns plain downloading: one URL into one file, resumed when the line breaks, whole and checked or an error.

A file whose size and hash nobody publishes is complete when the server's own word says so: the length it announces, or
the end mark of a chunked answer. A server that gives neither cannot serve such a file.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from holopose.errors import ModelError
from holopose.zoo.cache import cannot_write, check_space
from holopose.zoo.seals import Seal

__all__ = ["Tell", "download", "shown"]

Tell = Callable[[int, int], None]
"""Is called with the bytes that are here and those of the whole file (0 = not known yet)."""

_CHUNK = 1 << 18
_DIGITS = 18  # of a length in bytes: no file is longer, and int() refuses thousands of them
_SLOW_S = 60.0
_SLOWEST = 1000.0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Wish:
    """What to get, and how patiently: the arguments of `download`."""

    url: str
    size: int
    sha256: str
    timeout_s: float
    limit_s: float
    slow_s: float
    tell: Tell | None

    @property
    def is_pinned(self) -> bool:
        """Whether the bytes can be checked whatever the server says."""
        return len(self.sha256) == 64


class _File:
    """The file as far as it is here: its bytes, their hash, and which version of the server's file they are.

    Beside it lies a note of that version, so that another run can go on.
    """

    def __init__(self, path: Path, file: IO[bytes], wish: _Wish) -> None:
        self.path, self.file, self.wish = path, file, wish
        self.count, self.total, self.version = 0, wish.size, ""
        self.is_old = False
        self.digest = hashlib.sha256()
        self._began_s = time.monotonic()
        self._window = (self._began_s, 0)

    def take_up(self) -> None:
        """Go on with what an earlier run left, where it can only be of the same file."""
        try:
            note = json.loads(_note(self.path).read_text(encoding="utf-8"))
            version, total = str(note["version"]), int(note["total"])
            same = note["url"] == self.wish.url and bool(version)
        except (OSError, ValueError, KeyError, TypeError):
            return
        if not (same or self.wish.is_pinned) or (self.wish.size and total not in (0, self.wish.size)):
            return
        self.file.seek(0)
        while chunk := self.file.read(_CHUNK):
            self.digest.update(chunk)
            self.count += len(chunk)
        self.version, self.total = version if same else "", self.wish.size or total
        self.is_old = self.count > 0
        if 0 < self.total < self.count:
            self.restart()

    def restart(self) -> None:
        """Forget what is here."""
        self.file.seek(0)
        self.file.truncate()
        self.count, self.total, self.version, self.is_old = 0, self.wish.size, "", False
        self.digest = hashlib.sha256()

    def note(self, total: int, version: str) -> None:
        """Take down how long the file is (0 = unknown) and which version this is."""
        self.total, self.version = self.wish.size or total, version
        told = {"url": self.wish.url, "version": version, "total": self.total}
        try:
            check_space(self.path.parent, self.total - self.count)
            _note(self.path).write_text(json.dumps(told), encoding="utf-8")
        except OSError as error:
            raise cannot_write(self.path.parent, error) from error

    def write(self, chunk: bytes) -> None:
        if self.total and self.count + len(chunk) > self.total:
            raise ModelError(f"{shown(self.wish.url)}: sends more than the {self.total} bytes expected")
        try:
            left = memoryview(chunk)
            while left:
                left = left[self.file.write(left) :]
        except OSError as error:
            self.restart()  # a full disk is not left full
            raise cannot_write(self.path.parent, error) from error
        self.digest.update(chunk)
        self.count += len(chunk)
        if self.wish.tell:
            self.wish.tell(self.count, self.total)

    def sync(self) -> None:
        """On the disk for good."""
        try:
            os.fsync(self.file.fileno())
        except OSError as error:
            raise cannot_write(self.path.parent, error) from error

    def check_pace(self) -> None:
        """Raise ModelError when it takes too long, or hardly anything comes."""
        now_s = time.monotonic()
        if now_s - self._began_s > self.wish.limit_s:
            raise ModelError(f"{shown(self.wish.url)}: not complete after {self.wish.limit_s:.0f} s")
        since_s, count = self._window
        if now_s - since_s > self.wish.slow_s:
            if 0 <= self.count - count < _SLOWEST * self.wish.slow_s:
                raise ModelError(
                    f"{shown(self.wish.url)}: too slow: {self.count - count} bytes in {now_s - since_s:.0f} s"
                )
            self._window = (now_s, self.count)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing, as far as length or hash tell."""
        if self.total:
            return self.count == self.total
        return bool(self.wish.sha256) and self.count > 0 and self.digest.hexdigest().startswith(self.wish.sha256)


def download(
    url: str,
    path: Path,
    *,
    size: int = 0,
    sha256: str = "",
    timeout_s: float = 30.0,
    limit_s: float = float("inf"),
    slow_s: float = _SLOW_S,
    keep: bool = False,
    tell: Tell | None = None,
) -> Seal:
    """Get `url` into `path`; proxies and certificates are the ones the environment names, redirects are followed.

    A connection that breaks after having brought something is taken up again where it broke, as often as it takes;
    one that brings nothing ends the attempt.

    Args:
        url: http or https.
        path: File to write.
        size: Bytes expected, not one more is read; 0 = as many as the server says.
        sha256: Of the whole file: all digits, the first ones, or none.
        timeout_s: How long the line may be silent.
        limit_s: How long the whole download may take.
        slow_s: How long it may go on with less than a kilobyte per second.
        keep: When it fails, leave what came beside a note, so that the next call goes on from there; otherwise, and
            when what came is wrong, both are deleted.
        tell: Called now and then.

    Returns:
        sha256 and size of what came.

    Raises:
        ModelError: not reachable, too slow, not the file that was expected, or there is no room for it.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise ModelError(f"expected an http or https address, got {url!r}")
    wish = _Wish(
        url=url,
        size=size,
        sha256=sha256,
        timeout_s=timeout_s,
        limit_s=limit_s,
        slow_s=slow_s,
        tell=tell,
    )
    done = False
    try:
        with _opened(path) as file:
            here = _File(path, file, wish)
            if keep:
                here.take_up()
            if not here.count:
                here.restart()
            _fill(here)
            if here.is_old and not _is_right(here):  # what an earlier run left was of another file after all
                here.restart()
                _fill(here)
            if not _is_right(here):
                keep = False
                raise ModelError(f"{shown(url)}: expected sha256 {sha256}, got {here.digest.hexdigest()}")
            here.sync()
            done = True
            return Seal(here.digest.hexdigest(), here.count, shown(url))
    finally:
        with contextlib.suppress(OSError):
            if done or not keep or not path.stat().st_size:
                _note(path).unlink(missing_ok=True)
            if not done and (not keep or not path.stat().st_size):
                path.unlink(missing_ok=True)


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("r+b" if path.exists() else "w+b", buffering=0)
    except OSError as error:
        raise cannot_write(path.parent, error) from error


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _is_right(here: _File) -> bool:
    return here.digest.hexdigest().startswith(here.wish.sha256)


def _fill(here: _File) -> None:
    """Connect until the file is complete."""
    ended = False
    while not (ended or here.is_complete):
        start = here.count
        ended, problem = _receive(here)
        if not ended and not here.is_complete and here.count <= start:
            raise ModelError(f"{shown(here.wish.url)}: {problem}")
        here.check_pace()


def _receive(here: _File) -> tuple[bool, str]:
    """Append what one connection brings; whether the server said that this was the end, and why it ended otherwise."""
    wish = here.wish
    headers = {"User-Agent": "holopose", "Accept-Encoding": "identity"}
    if here.count and not (here.version or wish.sha256):
        here.restart()  # what is here may be of another version
    if here.count:
        headers["Range"] = f"bytes={here.count}-"
        if here.version:
            headers["If-Range"] = here.version
    try:
        with urllib.request.urlopen(
            urllib.request.Request(wish.url, headers=headers), timeout=wish.timeout_s
        ) as answer:
            return _read_answer(here, answer)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 416 and here.count:  # nothing there after what is here: not the same file
                here.restart()
                return _receive(here)
            return False, f"HTTP {error.code} {error.reason}"
    except urllib.error.URLError as error:
        return False, str(error.reason)
    except TimeoutError:
        return False, f"nothing came for {wish.timeout_s:g} s"
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        return False, f"{type(error).__name__}: {error}"


def _read_answer(here: _File, answer: Any) -> tuple[bool, str]:
    wish, url = here.wish, shown(here.wish.url)
    version = _version(answer.headers)
    if here.count:
        begins, _, of = str(answer.headers.get("Content-Range", "")).partition("/")
        total = _length(of) or here.total
        if wish.size and total != wish.size:
            raise ModelError(f"{url}: expected {wish.size} bytes, it offers {total}")
        is_other = (here.version and version and version != here.version) or (here.total and total != here.total)
        if is_other or not begins.startswith(f"bytes {here.count}-"):
            here.restart()
            if answer.status == 206:
                return _receive(here)
        else:
            here.total = total
    if not here.count:
        _check_answer(answer, wish)
        length = _length(answer.headers.get("Content-Length", ""))
        if wish.size and length and length != wish.size:
            raise ModelError(f"{url}: expected {wish.size} bytes, it offers {length}")
        if not (length or wish.size or wish.sha256 or answer.chunked):
            raise ModelError(f"{url}: the server does not say how long the file is, so none could tell a broken one")
        here.note(length, version)
    while chunk := answer.read1(_CHUNK):
        here.write(chunk)
        here.check_pace()
    return bool(answer.chunked and not here.total), "the connection ended early"


def _length(told: str) -> int:
    """Bytes as a header tells them; 0 where it does not, or tells nonsense."""
    return int(told) if told.isdecimal() and len(told) <= _DIGITS else 0


def _version(headers: Any) -> str:
    """What names this version of the file and no other: a strong ETag, otherwise the time of its last change."""
    tag = str(headers.get("ETag", ""))
    return tag if tag.startswith('"') else str(headers.get("Last-Modified", ""))


def _check_answer(answer: Any, wish: _Wish) -> None:
    """Raise ModelError for what is no file, where the hash would not tell."""
    if wish.is_pinned:
        return
    if urlsplit(wish.url).scheme == "https" and urlsplit(answer.url).scheme != "https":
        raise ModelError(f"{shown(wish.url)}: leads to {shown(answer.url)}, where anybody could change it on the way")
    if answer.headers.get_content_type() in ("text/html", "application/xhtml+xml"):
        raise ModelError(f"{shown(wish.url)}: sends a web page, not the file: is there a login or a proxy in between?")
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise ModelError(f"{shown(wish.url)}: sends it packed ({answer.headers['Content-Encoding']}), unasked")


def shown(url: str) -> str:
    """The address without name, password and query, which may be secrets."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
