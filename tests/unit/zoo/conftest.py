"""Owns what the tests of the zoo share: a home of their own, made-up wheels and cards, and a web server that errs."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO

import pytest

from holopose.zoo.cards import Asset, Licence, Member, Url, Wheel

TERMS = Licence(code="none", weights="none", training_data="none")
BUILD = "cp312-cp312-manylinux_2_28_x86_64"


@pytest.fixture(scope="session")
def real_home() -> str:
    """HOLOPOSE_HOME as it was before the tests changed it."""
    return os.environ.get("HOLOPOSE_HOME", "")


@pytest.fixture(autouse=True)
def home(real_home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache; no network for pip and uv; no setting of the machine that could change a result."""
    for name in os.environ:
        if name.startswith(("HOLOPOSE_", "PIP_", "UV_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    folder = tmp_path / "home"
    monkeypatch.setenv("HOLOPOSE_HOME", str(folder))
    return folder


@dataclass
class Shelf:
    """Makes wheels and the assets inside them."""

    folder: Path

    def wheel(self, files: Mapping[str, bytes], project: str = "madeup", build: str = BUILD) -> Wheel:
        info = f"{project}-1.0.dist-info"
        path = self.folder / f"{project}-1.0-{build}.whl"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
            archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {project}\nVersion: 1.0\n")
            archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {build}\n")
            archive.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in archive.namelist()))
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        return Wheel(project=project, version="1.0", filename=path.name, sha256=digest, size=len(content))

    def asset(self, name: str, content: bytes, *places: Member) -> Asset:
        digest = hashlib.sha256(content).hexdigest()
        return Asset(name=name, filename=f"{name}.bin", sha256=digest, size=len(content), places=places, licence=TERMS)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    folder = tmp_path / "shelf"
    folder.mkdir()
    return Shelf(folder)


@dataclass
class Stock:
    """One wheel with two assets: where it lies, its bytes and theirs."""

    wheel: Wheel
    path: Path
    content: bytes
    one: bytes
    two: bytes
    assets: tuple[Asset, Asset]


@pytest.fixture
def stock(shelf: Shelf) -> Stock:
    one, two = random.Random(1).randbytes(70_000), random.Random(2).randbytes(3_000)
    wheel = shelf.wheel({"madeup/nets/one.bin": one, "madeup/two.bin": two, "madeup/other.py": b"raise SystemExit"})
    assets = (
        shelf.asset("one", one, Member(wheel, "madeup/nets/one.bin")),
        shelf.asset("two", two, Member(wheel, "madeup/two.bin")),
    )
    path = shelf.folder / wheel.filename
    return Stock(wheel, path, path.read_bytes(), one, two, assets)


@dataclass
class Page:
    """How the server answers for one path.

    `cuts` are byte counts after which it hangs up, one per request; `drips` are bytes per fiftieth of a second; `total`
    is what it says of the whole length beside a part.
    """

    content: bytes
    status: int = 200
    ranges: bool = True
    announce: bool = True
    cuts: list[int] = field(default_factory=list)
    stall_after: int | None = None
    location: str = ""
    etag: str = ""
    chunked: bool = False
    kind: str = "application/octet-stream"
    drips: int = 0
    total: str = ""


@dataclass
class Site:
    """A web server on this machine only."""

    url: str
    pages: dict[str, Page] = field(default_factory=dict)
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)


def _send(out: IO[bytes], page: Page, body: bytes) -> None:
    cut = page.cuts.pop(0) if page.cuts else None
    if page.drips:
        for at in range(0, len(body), page.drips):
            out.write(body[at : at + page.drips])
            time.sleep(0.02)
    elif page.chunked:
        sent = body[:cut]
        out.write(b"%x\r\n%s\r\n" % (len(sent), sent) if sent else b"")
        out.write(b"0\r\n\r\n" if cut is None else b"")
    else:
        out.write(body[:cut])


def _answers(find: Callable[[], Site]) -> type[BaseHTTPRequestHandler]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site, wanted = find(), self.headers.get("Range")
            site.requests.append((self.path, wanted))
            page = site.pages.get(self.path, Page(b"", status=404))
            body, start = page.content, 0
            if page.location:
                self.send_response(302)
                self.send_header("Location", page.location)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            same = self.headers.get("If-Range") in (None, page.etag)
            if wanted and page.ranges and same:
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
                body = body[start:]
            self.send_response(206 if start else page.status)
            if start:
                total = page.total or len(page.content)
                self.send_header("Content-Range", f"bytes {start}-{len(page.content) - 1}/{total}")
            if page.announce and not page.chunked:
                self.send_header("Content-Length", str(len(body)))
            if page.etag:
                self.send_header("ETag", page.etag)
            if page.chunked:
                self.send_header("Transfer-Encoding", "chunked")
            self.send_header("Content-Type", page.kind)
            self.end_headers()
            if page.stall_after is not None:
                self.wfile.write(body[: page.stall_after])
                self.wfile.flush()
                site.ended.wait(60)
                return
            with contextlib.suppress(ConnectionError):  # the client has seen enough
                _send(self.wfile, page, body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Answers


@pytest.fixture
def site() -> Iterator[Site]:
    sites: list[Site] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _answers(lambda: sites[0]))
    server.daemon_threads = True
    sites.append(Site(f"http://127.0.0.1:{server.server_port}"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield sites[0]
    sites[0].ended.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def page() -> type[Page]:
    return Page


Publish = Callable[..., Asset]


@pytest.fixture
def publish(site: Site) -> Publish:
    """Makes an asset that is published at paths of the site, with as much of its hash as is said."""

    def make(name: str, *paths: str, digits: int = 0, content: bytes = b"", member: str = "", size: int = 0) -> Asset:
        return Asset(
            name=name,
            filename=f"{name}.onnx",
            sha256=hashlib.sha256(content).hexdigest()[:digits],
            size=size,
            places=tuple(Url(f"{site.url}/{path}", member) for path in paths),
            licence=TERMS,
        )

    return make
