"""Downloading from a server that breaks off, lies, stalls or is not there."""

from __future__ import annotations

import hashlib
import random
import shlex
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from holopose.errors import ModelError
from holopose.zoo.download import download
from holopose.zoo.seals import Seal

Usage = namedtuple("Usage", "total used free")
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


# Files whose size and hash nobody publishes --------------------------------------------------------------------------


def fetch_unknown(url: str, path: Path, **changes: Any) -> Seal:
    return download(url, path, **{"timeout_s": 5.0, **changes})


@pytest.mark.parametrize("chunked", [True, False])
def test_takes_the_servers_word_for_the_length(site, page, tmp_path, chunked):
    site.pages["/a"] = page(BODY, chunked=chunked)
    came = fetch_unknown(f"{site.url}/a", tmp_path / "a")
    assert (came.sha256, came.size) == (hashlib.sha256(BODY).hexdigest(), len(BODY))
    assert (tmp_path / "a").read_bytes() == BODY
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("chunked", [True, False])
def test_a_broken_download_of_unknown_size_is_never_taken_for_complete(site, page, tmp_path, chunked):
    site.pages["/a"] = page(BODY, chunked=chunked, ranges=False, cuts=[1000] * 10)
    with pytest.raises(ModelError, match=r"ended early|IncompleteRead"):
        fetch_unknown(f"{site.url}/a", tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_without_length_or_end_mark_an_unknown_file_is_refused(site, page, tmp_path):
    site.pages["/a"] = page(BODY, announce=False)
    with pytest.raises(ModelError, match="does not say how long"):
        fetch_unknown(f"{site.url}/a", tmp_path / "a")
    came = fetch_unknown(f"{site.url}/a", tmp_path / "a", sha256=hashlib.sha256(BODY).hexdigest()[:8])
    assert came.size == len(BODY)  # eight digits tell a whole one


@pytest.mark.parametrize("chunked", [True, False])
def test_an_unknown_file_is_resumed_where_it_is_surely_the_same(site, page, tmp_path, chunked):
    site.pages["/a"] = page(BODY, chunked=chunked, etag='"v1"', cuts=[1000, 200_000])
    assert fetch_unknown(f"{site.url}/a", tmp_path / "a").sha256 == hashlib.sha256(BODY).hexdigest()
    assert [wanted for _, wanted in site.requests] == [None, "bytes=1000-", "bytes=201000-"]


def test_an_unknown_file_without_a_version_is_fetched_from_the_start_again(site, page, tmp_path):
    site.pages["/a"] = page(BODY, cuts=[1000, 2000])
    assert fetch_unknown(f"{site.url}/a", tmp_path / "a").sha256 == hashlib.sha256(BODY).hexdigest()
    assert [wanted for _, wanted in site.requests] == [None, None, None]


@pytest.mark.parametrize("total", ["9" * 5000, "*", "-1", "\u00b2"])
def test_lengths_that_make_no_sense_are_not_read(site, page, tmp_path, total):
    site.pages["/a"] = page(BODY, etag='"v1"', cuts=[1000], total=total)
    assert fetch_unknown(f"{site.url}/a", tmp_path / "a").sha256 == hashlib.sha256(BODY).hexdigest()
    assert [wanted for _, wanted in site.requests] == [None, "bytes=1000-"]


def test_two_versions_are_never_mixed(site, page, tmp_path):
    """Another run goes on from what is left, but not when the server's file is another one by then."""
    site.pages["/a"] = page(BODY, etag='"v1"', ranges=False, cuts=[1000, 0])
    with pytest.raises(ModelError, match="ended early"):
        fetch_unknown(f"{site.url}/a", tmp_path / "a", keep=True)
    site.pages["/a"] = page(BODY, etag='"v1"', cuts=[2000, 0])
    with pytest.raises(ModelError, match="ended early"):
        fetch_unknown(f"{site.url}/a", tmp_path / "a", keep=True)
    site.pages["/a"] = page(BODY[::-1], etag='"v2"')
    assert fetch_unknown(f"{site.url}/a", tmp_path / "a", keep=True).sha256 == hashlib.sha256(BODY[::-1]).hexdigest()
    assert (tmp_path / "a").read_bytes() == BODY[::-1]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_another_run_goes_on_where_the_last_one_broke(site, page, tmp_path):
    site.pages["/a"] = page(BODY, etag='"v1"', cuts=[100_000, 0])
    with pytest.raises(ModelError, match="ended early"):
        fetch_unknown(f"{site.url}/a", tmp_path / "a", keep=True)
    assert (tmp_path / "a").stat().st_size == 100_000
    assert fetch_unknown(f"{site.url}/a", tmp_path / "a", keep=True).sha256 == hashlib.sha256(BODY).hexdigest()
    assert [wanted for _, wanted in site.requests] == [None, "bytes=100000-", "bytes=100000-"]


def test_leftovers_of_another_file_cost_one_more_attempt_when_the_hash_is_known(site, page, tmp_path):
    site.pages["/a"] = page(b"?" * 1000 + BODY[1000:], cuts=[1000, 0])
    with pytest.raises(ModelError, match="ended early"):
        fetch(f"{site.url}/a", tmp_path / "a", keep=True)
    site.pages["/a"] = page(BODY)
    fetch(f"{site.url}/a", tmp_path / "a", keep=True)
    assert (tmp_path / "a").read_bytes() == BODY
    assert [wanted for _, wanted in site.requests] == [None, "bytes=1000-", "bytes=1000-", None]


def test_wrong_bytes_are_not_kept_for_another_run(site, page, tmp_path):
    site.pages["/a"] = page(BODY[::-1])
    with pytest.raises(ModelError, match="expected sha256"):
        fetch(f"{site.url}/a", tmp_path / "a", keep=True)
    assert list(tmp_path.iterdir()) == []


def test_a_trickle_ends(site, page, tmp_path):
    site.pages["/a"] = page(BODY, drips=2)
    with pytest.raises(ModelError, match=r"too slow: \d+ bytes in"):
        fetch(f"{site.url}/a", tmp_path / "a", slow_s=0.3)


def test_a_web_page_is_no_file(site, page, tmp_path):
    site.pages["/a"] = page(b"<html>please log in</html>", kind="text/html; charset=utf-8")
    with pytest.raises(ModelError, match="sends a web page"):
        fetch_unknown(f"{site.url}/a", tmp_path / "a")


def test_progress_is_told(site, page, tmp_path):
    site.pages["/a"] = page(BODY)
    told: list[tuple[int, int]] = []
    fetch_unknown(f"{site.url}/a", tmp_path / "a", tell=lambda count, total: told.append((count, total)))
    assert told[-1] == (len(BODY), len(BODY))
    assert [count for count, _ in told] == sorted(count for count, _ in told)


FULL = """
import sys
from pathlib import Path
from holopose.errors import ModelError
from holopose.zoo.download import download
try:
    download(sys.argv[1], Path(sys.argv[2]) / "a", keep=True)
except ModelError as error:
    print(error)
print(*(path.name for path in Path(sys.argv[2]).iterdir()))
"""


@pytest.mark.skipif(not shutil.which("unshare"), reason="no unshare here")
def test_a_full_disk_is_one_line_and_is_not_left_full(site, page, tmp_path):
    site.pages["/a"] = page(BODY, chunked=True)
    small = f"mount -t tmpfs -o size=128k none {tmp_path} 2>/dev/null || exit 77; exec "
    words = shlex.join([sys.executable, "-c", FULL, f"{site.url}/a", str(tmp_path)])
    done = subprocess.run(["unshare", "-Urm", "sh", "-c", small + words], capture_output=True, text=True, check=False)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("nothing may be mounted here")
    assert done.stdout == f"the disk of {tmp_path} is full: make room there, or set HOLOPOSE_HOME to another disk\n\n"


def test_what_cannot_fit_is_not_begun(site, page, tmp_path, monkeypatch):
    site.pages["/a"] = page(BODY)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: Usage(1000, 0, 1000))
    with pytest.raises(ModelError, match=r"too full: 0 MB needed, 0 MB free"):
        fetch(f"{site.url}/a", tmp_path / "a")
    assert list(tmp_path.iterdir()) == []
