"""Owns plain downloading: one URL into one file, resumed when the line breaks, checked when it is complete."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from holopose.errors import ModelError
from holopose.zoo.cache import sha256_of

__all__ = ["download"]

_CHUNK = 1 << 16


def download(url: str, path: Path, *, size: int, sha256: str, timeout_s: float = 30.0, limit_s: float = 1800.0) -> None:
    """Get `url` into `path`; proxies and certificates are the ones the environment names.

    A connection that breaks after having brought something is taken up again where it broke, as often as it takes;
    one that brings nothing ends the attempt.

    Args:
        url: http or https.
        path: File to write; deleted again when the download fails.
        size: Bytes expected; not one more is read.
        sha256: Of the whole file.
        timeout_s: How long the line may be silent.
        limit_s: How long the whole download may take.

    Raises:
        ModelError: not reachable, too slow, or not the file that was expected.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise ModelError(f"expected an http or https address, got {url!r}")
    deadline_s = time.monotonic() + limit_s
    done = False
    try:
        with path.open("wb") as file:
            while file.tell() < size:
                start = file.tell()
                problem = _receive(url, file, size, timeout_s, deadline_s)
                if file.tell() <= start:
                    raise ModelError(f"{_shown(url)}: {problem}")
                if time.monotonic() > deadline_s:
                    raise ModelError(f"{_shown(url)}: not complete after {limit_s:.0f} s")
        got = sha256_of(path)
        if got != sha256:
            raise ModelError(f"{_shown(url)}: expected sha256 {sha256}, got {got}")
        done = True
    finally:
        if not done:
            path.unlink(missing_ok=True)


def _receive(url: str, file: IO[bytes], size: int, timeout_s: float, deadline_s: float) -> str:
    """Append what one connection brings to `file`; says why it ended."""
    start = file.tell()
    headers = {"User-Agent": "holopose", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            if start and not str(answer.headers.get("Content-Range", "")).startswith(f"bytes {start}-"):
                start = 0  # it sends the whole file again
                file.seek(0)
                file.truncate()
            _check_length(url, answer.headers.get("Content-Length"), size - start)
            while chunk := answer.read1(_CHUNK):
                if file.tell() + len(chunk) > size:
                    raise ModelError(f"{_shown(url)}: sends more than the {size} bytes expected")
                file.write(chunk)
                if time.monotonic() > deadline_s:
                    return "too slow"
            return "the connection ended early"
    except urllib.error.HTTPError as error:
        with error:
            return f"HTTP {error.code} {error.reason}"
    except urllib.error.URLError as error:
        return str(error.reason)
    except TimeoutError:
        return f"nothing came for {timeout_s:g} s"
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        return f"{type(error).__name__}: {error}"


def _check_length(url: str, announced: str | None, expected: int) -> None:
    if announced is not None and announced.isdecimal() and int(announced) != expected:
        raise ModelError(f"{_shown(url)}: expected {expected} bytes, it offers {announced}")


def _shown(url: str) -> str:
    """The address without name, password and query, which may be secrets."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
