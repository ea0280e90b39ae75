"""Files from addresses end to end: mirrors, archives, resuming, first use; one clear line when nothing serves."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import random
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from holopose.errors import ModelError
from holopose.zoo import addresses, cache, fetch
from holopose.zoo.carried import import_file

BODY = b"\x08" + random.Random(4).randbytes(200_000)


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def zipped(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
        archive.writestr("deploy/detail.json", "{}")
    return stream.getvalue()


SEALED = ["lock", "models/net.onnx", "models/net.onnx.seal.json"]


def test_a_file_with_a_known_hash_needs_no_seal(site, page, publish, home):
    site.pages["/net.onnx"] = page(BODY)
    net = publish("net", "net.onnx", digits=64, content=BODY)
    assert fetch.locate(net).read_bytes() == BODY
    assert files(home) == ["lock", "models/net.onnx"]


@pytest.mark.parametrize("digits", [0, 8])
def test_what_first_comes_holds(site, page, publish, home, digits):
    site.pages["/net.onnx"] = page(BODY)
    net = publish("net", "net.onnx", digits=digits, content=BODY)
    path = fetch.locate(net)
    assert path.read_bytes() == BODY
    assert files(home) == SEALED
    told = json.loads((home / "models" / "net.onnx.seal.json").read_text())
    assert (told["sha256"], told["size"]) == (hashlib.sha256(BODY).hexdigest(), len(BODY))
    assert told["came_from"] == f"{site.url}/net.onnx"
    assert cache.digest_of(net) == hashlib.sha256(BODY).hexdigest()
    fetch.locate(net)
    assert len(site.requests) == 1

    path.write_bytes(BODY[:-1] + b"?")
    assert [one.status for one in fetch.verify(among=[net])] == ["altered"]
    assert fetch.locate(net).read_bytes() == BODY

    path.unlink()
    other = b"\x08" + BODY[::-1]
    site.pages["/net.onnx"] = page(other)
    with pytest.raises(ModelError, match="expected") as caught:
        fetch.locate(net)
    if not digits:
        assert "what first came on" in str(caught.value)
        assert "`holopose models remove net`" in str(caught.value)
        with cache.locked():
            assert cache.forget(net)
        assert fetch.locate(net).read_bytes() == other


def test_eight_digits_are_checked(site, page, publish, home):
    site.pages["/net.onnx"] = page(b"\x08" + BODY[::-1])
    net = publish("net", "net.onnx", digits=8, content=BODY)
    with pytest.raises(ModelError, match=rf"/net\.onnx: expected sha256 {net.sha256}, got [0-9a-f]{{64}}"):
        fetch.locate(net)
    assert files(home) == ["lock"]


def test_mirrors_are_asked_in_order_until_one_serves(site, page, publish, home):
    site.pages |= {
        "/wrong.onnx": page(b"\x08" + BODY[::-1]),
        "/good.onnx": page(BODY),
        "/page.onnx": page(b"<html>", kind="text/html"),
    }
    net = publish("net", "gone.onnx", "wrong.onnx", "good.onnx", "never.onnx", digits=64, content=BODY)
    assert fetch.locate(net).read_bytes() == BODY
    assert [path for path, _ in site.requests] == ["/gone.onnx", "/wrong.onnx", "/good.onnx"]
    assert files(home) == ["lock", "models/net.onnx"]


def test_a_folder_of_ones_own_is_asked_first_and_rewritten_addresses_stay_inside(
    site, page, publish, home, monkeypatch
):
    site.pages |= {"/ours/net.onnx": page(BODY), "/inside/other.onnx": page(BODY)}
    net, other = publish("net", "theirs.onnx"), publish("other", "makers/other.onnx")
    monkeypatch.setenv("HOLOPOSE_MIRRORS", f"{site.url}/ours")
    fetch.locate(net)
    monkeypatch.setenv("HOLOPOSE_MIRRORS", f"{site.url}/makers/={site.url}/inside/")
    fetch.locate(other)
    assert [path for path, _ in site.requests] == ["/ours/net.onnx", "/inside/other.onnx"]


def test_redirects_to_a_store_are_followed_and_resumed(site, page, publish, home):
    """As Hugging Face does: the address answers with another that says which version it is."""
    site.pages |= {
        "/resolve/main/net.onnx": page(b"", location=f"{site.url}/store/abc?signature=x"),
        "/store/abc?signature=x": page(BODY, etag='"abc"', cuts=[50_000]),
    }
    net = publish("net", "resolve/main/net.onnx")
    assert fetch.locate(net).read_bytes() == BODY
    assert [wanted for path, wanted in site.requests if path.startswith("/store")] == [None, "bytes=50000-"]
    assert "signature" not in (home / "models" / "net.onnx.seal.json").read_text()


def test_the_network_is_taken_out_of_its_archive(site, page, publish, home):
    site.pages["/net.zip"] = page(zipped("20230504/rtm/end2end.onnx", BODY))
    net = publish("net", "net.zip", member="end2end.onnx")
    assert fetch.locate(net).read_bytes() == BODY
    assert files(home) == SEALED
    told = json.loads((home / "models" / "net.onnx.seal.json").read_text())
    assert told["came_from"] == f"{site.url}/net.zip#end2end.onnx"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (zipped("x/other.onnx", BODY), r"expected one end2end\.onnx in it, got none"),
        (zipped("end2end.onnx", bytes(10_000_000)), "claims to be 10000000 bytes"),
        (b"no archive at all", "is not a usable zip archive"),
        (zipped("end2end.onnx", b""), r"net\.onnx: expected a file, got 0 bytes"),
    ],
)
def test_a_bad_archive_is_one_line_and_leaves_nothing(site, page, publish, home, *, content, said):
    site.pages["/net.zip"] = page(content)
    with pytest.raises(ModelError, match=said) as caught:
        fetch.locate(publish("net", "net.zip", member="end2end.onnx"))
    assert "\n" not in str(caught.value)
    assert files(home) == ["lock"]


@pytest.mark.parametrize(
    ("filename", "content"),
    [
        ("net.onnx", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
        ("net.onnx", b'{"error": "not found"}'),
        ("net.pth", b"<?xml version='1.0'?><Error/>"),
        ("net.safetensors", b"version https://git-lfs.github.com/spec/v1"),
    ],
)
def test_what_servers_send_instead_of_a_file_is_refused(site, page, publish, home, *, filename, content):
    site.pages["/x"] = page(content)
    with pytest.raises(ModelError, match=r"/x: sends something that is no \.\w+ file, beginning with b"):
        fetch.locate(replace(publish("net", "x"), filename=filename))
    assert files(home) == ["lock"]


def test_another_run_goes_on_with_what_the_last_one_got(site, page, publish, home):
    site.pages["/net.onnx"] = page(BODY, etag='"v1"', cuts=[80_000, 0])
    net = publish("net", "net.onnx")
    with pytest.raises(ModelError, match=r"/net\.onnx: the connection ended early"):
        fetch.locate(net)
    assert cache.find(net) is None
    assert files(home) == ["lock", "partial/net.onnx", "partial/net.onnx.json"]
    assert fetch.locate(net).read_bytes() == BODY
    assert site.requests[-1] == ("/net.onnx", "bytes=80000-")
    assert files(home) == SEALED


def test_nothing_serves_is_one_line_that_says_what_to_do(site, page, publish, home):
    site.pages["/b.onnx"] = page(BODY, status=503)
    with pytest.raises(ModelError) as caught:
        fetch.locate(publish("net", "a.onnx", "b.onnx", digits=8, content=BODY))
    said = str(caught.value)
    for part in (
        f"missing net.onnx (sha256 {hashlib.sha256(BODY).hexdigest()[:8]}...)",
        f"looked in {home / 'models'}",
        f"{site.url}/a.onnx: HTTP 404",
        f"{site.url}/b.onnx: HTTP 503",
        "`holopose models pull net`",
        f"{site.url}/a.onnx fetched by hand and `holopose models import FILE --as net`",
        "`holopose models add NAME --from FILE --like net`",
    ):
        assert part in said
    assert "\n" not in said


def test_offline_asks_nobody(site, page, publish, home, monkeypatch):
    site.pages["/net.onnx"] = page(BODY)
    monkeypatch.setenv("HOLOPOSE_OFFLINE", "1")
    net = publish("net", "net.onnx")
    with pytest.raises(
        ModelError, match=r"missing net\.onnx \(sha256 not published\).*HOLOPOSE_OFFLINE forbids"
    ) as caught:
        fetch.locate(net)
    assert "import FILE --as net" in str(caught.value)
    assert site.requests == []
    assert not home.exists()


def test_a_file_that_nobody_publishes_says_so(publish, home):
    with pytest.raises(ModelError, match=r"nobody publishes net\.onnx where it could be fetched") as caught:
        fetch.locate(publish("net"))
    assert "pull" not in str(caught.value)


def test_a_copy_put_there_by_hand_holds_from_then_on(publish, home, tmp_path, monkeypatch):
    net = publish("net")
    extra = tmp_path / "extra" / "net.onnx"
    extra.parent.mkdir()
    extra.write_bytes(BODY)
    monkeypatch.setenv("HOLOPOSE_MODEL_DIR", str(extra.parent))
    assert fetch.locate(net) == extra
    assert [path.name for path in extra.parent.iterdir()] == ["net.onnx"]
    extra.write_bytes(BODY[:-1] + b"?")
    assert cache.find(net) is None
    with pytest.raises(ModelError, match="is altered"):
        fetch.locate(net)


def test_exported_files_carry_their_seals(site, page, publish, home, *, tmp_path, monkeypatch):
    site.pages["/net.onnx"] = page(BODY)
    net = publish("net", "net.onnx")
    fetch.export([net], tmp_path / "carry")
    assert files(tmp_path / "carry") == ["net.onnx", "net.onnx.seal.json"]
    monkeypatch.setenv("HOLOPOSE_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("HOLOPOSE_OFFLINE", "1")
    monkeypatch.setenv("HOLOPOSE_MODEL_DIR", str(tmp_path / "carry"))
    assert fetch.locate(net) == tmp_path / "carry" / "net.onnx"
    (tmp_path / "carry" / "net.onnx").write_bytes(b"altered")
    assert cache.find(net) is None


def test_import_does_not_replace_what_came_first(site, page, publish, home, tmp_path):
    site.pages["/net.onnx"] = page(BODY)
    net = publish("net", "net.onnx")
    fetch.locate(net)
    (tmp_path / "net.onnx").write_bytes(b"another")
    with pytest.raises(ModelError, match="what first came on"):
        import_file(tmp_path / "net.onnx", among=[net])
    assert fetch.locate(net).read_bytes() == BODY


def test_progress_is_never_silent(site, page, publish, home, *, caplog, monkeypatch):
    monkeypatch.setattr(addresses, "_LINE_EVERY_S", 0.0)
    site.pages |= {"/net.onnx": page(BODY), "/other.onnx": page(BODY)}
    with caplog.at_level(logging.WARNING):
        fetch.locate(publish("net", "net.onnx"))
    assert f"fetching net.onnx from {site.url}/net.onnx into {home / 'models'}" in caplog.text
    assert "net.onnx: 0 of 0 MB" in caplog.text
    told: list[tuple[str, int, int]] = []
    fetch.locate_all([publish("other", "other.onnx")], tell=lambda *facts: told.append(facts))
    assert told[-1] == ("other.onnx", len(BODY), len(BODY))
