"""Downloading from a server that breaks off, lies, stalls or is not there."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path
from typing import Any

import pytest

from holopose.errors import ModelError
from holopose.zoo.download import download

BODY = random.Random(3).randbytes(300_000)


def fetch(url: str, path: Path, **changes: Any) -> None:
    expected = {"size": len(BODY), "sha256": hashlib.sha256(BODY).hexdigest(), "timeout_s": 5.0}
    download(url, path, **{**expected, **changes})


@pytest.mark.parametrize("announce", [True, False])
def test_gets_the_whole_file(site, page, tmp_path, announce):
    site.pages["/a"] = page(BODY, announce=announce)
    fetch(f"{site.url}/a", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == BODY
    assert site.requests == [("/a", None)]


def test_resumes_where_the_line_broke(site, page, tmp_path):
    site.pages["/a"] = page(BODY, cuts=[1000, 200_000])
    fetch(f"{site.url}/a", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == BODY
    assert site.requests == [("/a", None), ("/a", "bytes=1000-"), ("/a", "bytes=201000-")]


def test_starts_again_when_the_server_ignores_ranges(site, page, tmp_path):
    site.pages["/a"] = page(BODY, ranges=False, cuts=[1000])
    fetch(f"{site.url}/a", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == BODY
    assert site.requests == [("/a", None), ("/a", "bytes=1000-")]


def test_gives_up_when_nothing_new_comes(site, page, tmp_path):
    site.pages["/a"] = page(BODY, ranges=False, cuts=[1000] * 10)
    with pytest.raises(ModelError, match=r"ended early|IncompleteRead"):
        fetch(f"{site.url}/a", tmp_path / "a")
    assert len(site.requests) == 2
    assert list(tmp_path.iterdir()) == []


def test_follows_redirects(site, page, tmp_path):
    site.pages |= {"/old": page(b"", location=f"{site.url}/new"), "/new": page(BODY)}
    fetch(f"{site.url}/old", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == BODY


def test_refuses_other_bytes_of_the_same_length(site, page, tmp_path):
    site.pages["/a"] = page(BODY[::-1])
    with pytest.raises(ModelError, match=f"got {hashlib.sha256(BODY[::-1]).hexdigest()}"):
        fetch(f"{site.url}/a", tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("announce", "said"), [(True, "it offers 300005"), (False, "more than the 300000")])
def test_refuses_more_than_expected(site, page, tmp_path, announce, said):
    site.pages["/a"] = page(BODY + b"extra", announce=announce)
    with pytest.raises(ModelError, match=said):
        fetch(f"{site.url}/a", tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("announce", [True, False])
def test_refuses_less_than_expected(site, page, tmp_path, announce):
    site.pages["/a"] = page(BODY[:-1], announce=announce)
    with pytest.raises(ModelError, match="it offers 299999"):
        fetch(f"{site.url}/a", tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [403, 404, 500, 503])
def test_names_the_http_error(site, page, tmp_path, status):
    site.pages["/a"] = page(b"sorry", status=status)
    with pytest.raises(ModelError, match=f"/a: HTTP {status} "):
        fetch(f"{site.url}/a", tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("after", [0, 1000])
def test_a_silent_line_ends(site, page, tmp_path, after):
    site.pages["/a"] = page(BODY, stall_after=after)
    with pytest.raises(ModelError, match=r"nothing came for 0\.3 s|not complete after 0 s"):
        fetch(f"{site.url}/a", tmp_path / "a", timeout_s=0.3, limit_s=0.4)
    assert list(tmp_path.iterdir()) == []


def test_the_whole_has_a_limit(site, page, tmp_path):
    site.pages["/a"] = page(BODY)
    with pytest.raises(ModelError, match="not complete after 0 s"):
        fetch(f"{site.url}/a", tmp_path / "a", limit_s=0.0)


def test_nobody_there(site, tmp_path):
    with pytest.raises(ModelError, match=r"refused|unreachable"):
        fetch("http://127.0.0.1:9/a", tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://localhost/a", "/mirror/a", ""])
def test_only_web_addresses(tmp_path, url):
    with pytest.raises(ModelError, match="expected an http or https address"):
        fetch(url, tmp_path / "a")


def test_secrets_in_an_address_are_not_shown(site, tmp_path):
    with pytest.raises(ModelError) as caught:
        fetch(site.url.replace("//", "//me:secret@") + "/a?token=secret", tmp_path / "a")
    assert "secret" not in str(caught.value)
