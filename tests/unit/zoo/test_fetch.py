"""Getting files end to end with made-up wheels: never unchecked bytes, never leftovers, one clear line."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from holopose.errors import ModelError
from holopose.zoo import cache, fetch
from holopose.zoo.cards import Member
from holopose.zoo.carried import import_file
from holopose.zoo.catalog import ASSETS, BLAZE

CLIENT = """
import sys
from holopose.zoo import fetch
from holopose.zoo.cards import Asset, Licence, Member, Wheel
filename, wheel_sha256, wheel_size, member, sha256, size = sys.argv[1:]
wheel = Wheel(project="madeup", version="1.0", filename=filename, sha256=wheel_sha256, size=int(wheel_size))
asset = Asset(name="one", filename="one.bin", sha256=sha256, size=int(size), places=(Member(wheel, member),),
              licence=Licence(code="", weights="", training_data=""))
print(fetch.locate(asset, among=()), flush=True)
"""


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def mirror(site, page, stock, monkeypatch):
    """The site holds the wheel, and nothing else can bring it."""
    site.pages[f"/{stock.wheel.filename}"] = page(stock.content)
    monkeypatch.setenv("HOLOPOSE_MIRRORS", site.url)
    monkeypatch.setitem(sys.modules, "pip", None)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("sysconfig.get_path", lambda name: "")
    return site


def client(stock) -> subprocess.Popen[str]:
    """Another process that locates the first asset; it has a pip and may not use it."""
    wheel, one = stock.wheel, stock.assets[0]
    said = [wheel.filename, wheel.sha256, str(wheel.size), one.places[0].path, one.sha256, str(one.size)]
    command = [sys.executable, "-c", CLIENT, *said]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


# Fetching ------------------------------------------------------------------------------------------------------------


def test_one_download_fills_every_known_file_of_the_wheel(mirror, stock, home, monkeypatch):
    one, two = stock.assets
    path = fetch.locate(one, among=stock.assets)
    assert path.read_bytes() == stock.one
    assert files(home) == ["lock", "models/one.bin", "models/two.bin"]
    monkeypatch.setenv("HOLOPOSE_OFFLINE", "1")
    paths = fetch.locate_all([two, one], among=())
    assert list(paths) == ["two", "one"]
    assert paths["two"].read_bytes() == stock.two
    assert len(mirror.requests) == 1


def test_only_what_is_known_is_taken(mirror, stock, home):
    fetch.locate(stock.assets[1], among=())
    assert files(home) == ["lock", "models/two.bin"]


@pytest.mark.parametrize("damage", [b"", b"half", None])
def test_an_altered_file_is_fetched_again(mirror, stock, home, caplog, damage):
    one, two = stock.assets
    paths = fetch.locate_all(stock.assets)
    content = paths["one"].read_bytes()
    paths["one"].write_bytes(content[:-1] + bytes([content[-1] ^ 1]) if damage is None else damage)
    assert fetch.locate(one).read_bytes() == stock.one
    assert "one.bin was truncated or altered" in caplog.text
    assert len(mirror.requests) == 2
    assert files(home) == ["lock", "models/one.bin", "models/two.bin"]
    assert two.name in paths


def test_without_network_an_altered_file_is_an_error_and_gone(mirror, stock, home, monkeypatch):
    one, two = stock.assets
    fetch.locate_all(stock.assets)["one"].write_bytes(b"altered")
    monkeypatch.setenv("HOLOPOSE_OFFLINE", "1")
    with pytest.raises(ModelError, match=r"deleted because altered: one\.bin"):
        fetch.locate(one)
    assert files(home) == ["lock", "models/two.bin"]
    assert fetch.locate(two)
    assert len(mirror.requests) == 1


def test_offline_says_what_where_and_how(mirror, stock, home, monkeypatch):
    monkeypatch.setenv("HOLOPOSE_OFFLINE", "1")
    with pytest.raises(ModelError) as caught:
        fetch.locate_all(stock.assets)
    said = str(caught.value)
    for asset in stock.assets:
        assert f"{asset.filename} (sha256 {asset.sha256})" in said
    assert str(home / "models") in said
    assert "HOLOPOSE_OFFLINE" in said
    assert "`holopose models pull`" in said
    assert f"`holopose models import {stock.wheel.filename}`" in said
    assert "\n" not in said
    assert caught.value.exit_code == 3
    assert mirror.requests == []
    assert not home.exists()


@pytest.mark.parametrize(("value", "offline"), [("1", True), ("yes", True), ("0", False), ("", False), ("No", False)])
def test_what_counts_as_offline(monkeypatch, value, offline):
    monkeypatch.setenv("HOLOPOSE_OFFLINE", value)
    assert fetch.is_offline() is offline


def test_every_failed_way_is_named(mirror, stock, home):
    mirror.pages.clear()
    with pytest.raises(ModelError) as caught:
        fetch.locate(stock.assets[0])
    said = str(caught.value)
    assert "mirrors: http://127.0.0.1" in said
    assert "HTTP 404" in said
    assert "pip: this Python has no pip; uv: not found; venv: no Python interpreter here" in said
    assert "\n" not in said
    assert files(home) == ["lock"]


def test_a_missing_member_does_not_keep_the_others_back(mirror, stock, shelf, home):
    absent = shelf.asset("absent", b"absent", Member(stock.wheel, "madeup/absent.bin"))
    with pytest.raises(ModelError, match=r"mirrors: madeup/absent\.bin is not in madeup"):
        fetch.locate_all([absent, *stock.assets])
    assert files(home) == ["lock", "models/one.bin", "models/two.bin"]


@pytest.mark.parametrize("change", [{"size": 2999}, {"size": 3001}, {"sha256": "0" * 64}])
def test_a_member_that_is_not_what_its_card_says_is_refused(mirror, stock, home, change):
    two = replace(stock.assets[1], **change)
    with pytest.raises(ModelError, match=r"mirrors: two\.bin: expected"):
        fetch.locate(two)
    assert files(home) == ["lock"]


def test_names_inside_a_wheel_never_become_paths(shelf, home, tmp_path, monkeypatch):
    evil = shelf.wheel({"../../evil.bin": b"evil", "/abs.bin": b"evil", "madeup/good.bin": b"good"})
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf.folder))
    good = shelf.asset("good", b"good", Member(evil, "madeup/good.bin"))
    odd = shelf.asset("odd", b"evil", Member(evil, "../../evil.bin"))  # even a card cannot lead outside
    fetch.locate(good, among=[good, odd])
    assert files(home) == ["lock", "models/good.bin", "models/odd.bin"]
    assert list(tmp_path.rglob("evil.bin")) == []
    assert list(tmp_path.rglob("abs.bin")) == []


def test_the_second_place_serves_when_the_first_does_not(mirror, stock, shelf):
    gone = replace(stock.wheel, filename="gone-1.0-py3-none-any.whl")
    one = replace(stock.assets[0], places=(Member(gone, "a/one.bin"), *stock.assets[0].places))
    assert fetch.locate(one, among=()).read_bytes() == stock.one
    assert [path for path, _ in mirror.requests] == [f"/{gone.filename}", f"/{stock.wheel.filename}"]


def test_the_real_pip_end_to_end(stock, home, monkeypatch):
    monkeypatch.setenv("PIP_FIND_LINKS", str(stock.path.parent))
    assert fetch.locate(stock.assets[0], among=stock.assets).read_bytes() == stock.one
    assert files(home) == ["lock", "models/one.bin", "models/two.bin"]


# Several processes, and their death ----------------------------------------------------------------------------------


def test_two_processes_at_once_download_once(site, page, stock, home, monkeypatch):
    site.pages[f"/{stock.wheel.filename}"] = page(stock.content)
    monkeypatch.setenv("HOLOPOSE_MIRRORS", site.url)
    with cache.locked():  # hold both back until both want it
        clients = [client(stock), client(stock)]
        for one in clients:
            assert one.stderr is not None
            assert "waiting for another process" in one.stderr.readline()
    for one in clients:
        out, err = one.communicate(timeout=60)
        assert one.returncode == 0, err
        assert Path(out.strip()).read_bytes() == stock.one
    assert len(site.requests) == 1
    assert files(home) == ["lock", "models/one.bin"]


def test_killed_in_the_middle_nothing_is_left_that_would_load(site, page, stock, home, monkeypatch):
    address = f"/{stock.wheel.filename}"
    site.pages[address] = page(stock.content, stall_after=40_000)
    monkeypatch.setenv("HOLOPOSE_MIRRORS", site.url)
    process = client(stock)
    until_s = time.monotonic() + 30
    while not list(home.glob("**/*.whl")) and time.monotonic() < until_s and process.poll() is None:
        time.sleep(0.02)
    assert list(home.glob("**/*.whl")), "the download did not start"
    process.kill()
    process.communicate()
    assert [cache.find(asset) for asset in stock.assets] == [None, None]
    assert not list((home / "models").glob("*.bin"))
    site.pages[address] = page(stock.content)
    assert fetch.locate(stock.assets[0], among=stock.assets).read_bytes() == stock.one
    assert files(home) == ["lock", "models/one.bin", "models/two.bin"]
    assert not (home / ".fetch").exists()


# What is on this machine already -------------------------------------------------------------------------------------


def test_an_installed_package_serves_without_network_and_without_being_imported(stock, tmp_path, monkeypatch):
    (tmp_path / "site" / "madeup" / "nets").mkdir(parents=True)
    (tmp_path / "site" / "madeup" / "__init__.py").write_text("raise SystemExit('imported')")
    (tmp_path / "site" / "madeup" / "nets" / "one.bin").write_bytes(stock.one)
    (tmp_path / "site" / "madeup" / "two.bin").write_bytes(stock.two[:-1] + b"?")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setenv("HOLOPOSE_OFFLINE", "1")
    assert fetch.locate(stock.assets[0]).read_bytes() == stock.one
    with pytest.raises(ModelError, match=r"installed package: two\.bin: expected 3000 bytes"):
        fetch.locate(stock.assets[1])
    assert "madeup" not in sys.modules


def test_the_extra_folder_is_read_and_never_written(mirror, stock, tmp_path, monkeypatch):
    extra = tmp_path / "extra"
    extra.mkdir()
    (extra / "one.bin").write_bytes(stock.one)
    (extra / "two.bin").write_bytes(b"altered")
    monkeypatch.setenv("HOLOPOSE_MODEL_DIR", str(extra))
    monkeypatch.setenv("HOLOPOSE_OFFLINE", "1")
    assert fetch.locate(stock.assets[0]) == extra / "one.bin"
    with pytest.raises(ModelError) as caught:
        fetch.locate(stock.assets[1])
    assert f"{extra / 'two.bin'} is altered" in str(caught.value)
    monkeypatch.delenv("HOLOPOSE_OFFLINE")
    assert fetch.locate(stock.assets[1]) == cache.target(stock.assets[1])
    assert (extra / "two.bin").read_bytes() == b"altered"
    statuses = [(finding.path.parent, finding.status) for finding in fetch.verify(among=stock.assets[1:])]
    assert statuses == [(extra, "altered"), (cache.home() / "models", "ok")]


# Carrying files ------------------------------------------------------------------------------------------------------


def test_export_makes_a_folder_for_another_machine(mirror, stock, tmp_path, monkeypatch):
    copies = fetch.export(stock.assets, tmp_path / "carry", among=stock.assets)
    assert files(tmp_path / "carry") == ["one.bin", "two.bin"]
    monkeypatch.setenv("HOLOPOSE_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("HOLOPOSE_MODEL_DIR", str(tmp_path / "carry"))
    monkeypatch.setenv("HOLOPOSE_OFFLINE", "1")
    assert list(fetch.locate_all(stock.assets).values()) == copies
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match="cannot be written"):
        fetch.export(stock.assets, tmp_path / "file")


def test_verify_changes_nothing(stock, home):
    import_file(stock.path, among=stock.assets)
    assert [finding.status for finding in fetch.verify(among=stock.assets)] == ["ok", "ok"]
    cache.target(stock.assets[0]).write_bytes(b"altered")
    cache.target(stock.assets[1]).unlink()
    assert [finding.status for finding in fetch.verify(among=stock.assets)] == ["altered", "missing"]
    assert files(home) == ["lock", "models/one.bin"]


# The real files ------------------------------------------------------------------------------------------------------


@pytest.mark.weights
def test_the_real_files_are_what_the_cards_say(real_home, tmp_path, monkeypatch):
    monkeypatch.setenv("HOLOPOSE_HOME", real_home)
    monkeypatch.setenv("HOLOPOSE_OFFLINE", "1")
    here = [asset for asset in ASSETS if cache.find(asset)]
    if not set(BLAZE) <= set(here):
        pytest.skip("run `holopose models pull` first")
    for name, path in fetch.locate_all(here).items():
        asset = next(asset for asset in ASSETS if asset.name == name)
        content = path.read_bytes()
        assert len(content) == asset.size
        assert hashlib.sha256(content).hexdigest() == asset.sha256
        assert content[4:8] == b"TFL3" or content[:3] == b"\xff\xd8\xff"
    changed = bytearray(fetch.locate(BLAZE[2]).read_bytes())
    changed[len(changed) // 2] ^= 1
    monkeypatch.setenv("HOLOPOSE_HOME", str(tmp_path))
    cache.target(BLAZE[2]).parent.mkdir()
    cache.target(BLAZE[2]).write_bytes(bytes(changed))
    assert cache.find(BLAZE[2]) is None
