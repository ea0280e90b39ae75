"""Bringing wheels: mirrors in order, the real pip, uv, Python's own pip; reading members of damaged archives."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from holopose.errors import ModelError
from holopose.zoo import wheels
from holopose.zoo.cards import Wheel

FAKE_UV = """#!{python}
import pathlib, sys, zipfile
words = sys.argv[1:]
target, needs = words[words.index("--target") + 1], words[words.index("-r") + 1]
asked = pathlib.Path(needs).read_text().split()
assert words[:2] == ["pip", "install"] and "--require-hashes" in words and "--no-deps" in words, words
assert words[words.index("--python-platform") + 1] == "x86_64-manylinux_2_28", words
assert words[words.index("--python-version") + 1] == "3.12", words
if asked != ["madeup==1.0", "--hash=sha256:{sha256}"]:
    sys.exit("error: hash mismatch")
zipfile.ZipFile({wheel!r}).extractall(target)
"""


def brought(wheel: Wheel, work: Path, failures: list[str]) -> tuple[str, bytes] | None:
    """The first way that works and what it brought; its folder must be gone afterwards."""
    work.mkdir()
    result = None
    for way, source in wheels.bring(wheel, work, failures):
        result = (way, read(source, "madeup/two.bin"))
        break
    assert list(work.iterdir()) == []
    return result


def read(source: Path, member: str) -> bytes:
    with wheels.opened(source, member) as stream:
        return stream.read()


def without_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pip", None)


def without_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("sysconfig.get_path", lambda name: "")


def test_the_real_pip_brings_it_from_wherever_it_is_told_to_look(stock, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_FIND_LINKS", str(stock.path.parent))
    failures: list[str] = []
    assert brought(stock.wheel, tmp_path / "work", failures) == ("pip", stock.two)
    assert failures == []


def test_the_real_pip_brings_pure_wheels_too(shelf, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf.folder))
    wheel = shelf.wheel({"madeup/two.bin": b"two"}, build="py3-none-any")
    assert brought(wheel, tmp_path / "work", []) == ("pip", b"two")


def test_the_real_pip_refuses_another_hash(stock, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_FIND_LINKS", str(stock.path.parent))
    without_uv(monkeypatch)
    stock.path.write_bytes(stock.content + b"altered")
    failures: list[str] = []
    assert brought(stock.wheel, tmp_path / "work", failures) is None
    assert [line.split(":")[0] for line in failures] == ["pip", "uv"]


@pytest.mark.skipif(os.name == "nt", reason="a script that stands for uv")
def test_uv_is_asked_when_there_is_no_pip(stock, tmp_path, monkeypatch):
    without_pip(monkeypatch)
    tool = tmp_path / "bin" / "uv"
    tool.parent.mkdir()
    path = str(stock.path)
    tool.write_text(FAKE_UV.format(python=sys.executable, sha256=stock.wheel.sha256, wheel=path))
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=os.pathsep)
    failures: list[str] = []
    assert brought(stock.wheel, tmp_path / "work", failures) == ("uv", stock.two)
    assert failures == ["pip: this Python has no pip"]

    tool.write_text("#!/bin/sh\necho error: no such luck >&2\nexit 2\n")
    failures.clear()
    assert brought(stock.wheel, tmp_path / "work2", failures) is None
    assert failures == ["pip: this Python has no pip", "uv: error: no such luck"]


@pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed")
def test_the_real_uv(stock, tmp_path, monkeypatch):
    without_pip(monkeypatch)
    monkeypatch.setenv("UV_FIND_LINKS", str(stock.path.parent))
    failures: list[str] = []
    assert brought(stock.wheel, tmp_path / "work", failures) == ("uv", stock.two), failures


def test_with_neither_pip_nor_uv_python_lends_its_own_pip(stock, tmp_path, monkeypatch):
    pytest.importorskip("ensurepip")
    without_pip(monkeypatch)
    without_uv(monkeypatch)
    monkeypatch.setenv("PIP_FIND_LINKS", str(stock.path.parent))
    failures: list[str] = []
    assert brought(stock.wheel, tmp_path / "work", failures) == ("venv", stock.two), failures
    assert failures == ["pip: this Python has no pip", "uv: not found"]


def test_a_frozen_application_is_not_started_again(stock, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    without_uv(monkeypatch)
    failures: list[str] = []
    assert brought(stock.wheel, tmp_path / "work", failures) is None
    assert failures == ["pip: this Python has no pip", "uv: not found", "venv: no Python interpreter here"]


def test_mirrors_are_tried_in_order_and_before_the_tools(site, page, stock, tmp_path, monkeypatch):
    name = stock.wheel.filename
    site.pages[f"/wrong/{name}"] = page(bytes(len(stock.content)))
    mirrors = ["none", "wrong/", f"other-{name}", "other-1.0-py3-none-any.whl", f"x/{name}?token=1", "unused"]
    monkeypatch.setenv("HOLOPOSE_MIRRORS", " , ".join(f"{site.url}/{mirror}" for mirror in mirrors))
    monkeypatch.setenv("PIP_FIND_LINKS", str(stock.path.parent))
    site.pages[f"/x/{name}?token=1"] = page(stock.content)
    failures: list[str] = []
    assert brought(stock.wheel, tmp_path / "work", failures) == ("mirrors", stock.two)
    assert [path for path, _ in site.requests] == [f"/none/{name}", f"/wrong/{name}", f"/x/{name}?token=1"]


def test_when_mirrors_fail_the_tools_follow(site, stock, tmp_path, monkeypatch):
    monkeypatch.setenv("HOLOPOSE_MIRRORS", f"{site.url},not-an-address")
    monkeypatch.setenv("PIP_FIND_LINKS", str(stock.path.parent))
    failures: list[str] = []
    assert brought(stock.wheel, tmp_path / "work", failures) == ("pip", stock.two)
    assert len(failures) == 1
    assert "mirrors: http" in failures[0]
    assert "HTTP 404" in failures[0]
    assert "expected an http or https address" in failures[0]


def test_another_way_follows_when_what_came_was_not_enough(site, page, stock, tmp_path, monkeypatch):
    site.pages[f"/{stock.wheel.filename}"] = page(stock.content)
    monkeypatch.setenv("HOLOPOSE_MIRRORS", site.url)
    monkeypatch.setenv("PIP_FIND_LINKS", str(stock.path.parent))
    without_uv(monkeypatch)
    (tmp_path / "work").mkdir()
    failures: list[str] = []
    assert [way for way, _ in wheels.bring(stock.wheel, tmp_path / "work", failures)] == ["mirrors", "pip"]
    assert failures == ["uv: not found"]


def test_pip_is_not_taken_from_the_working_folder(stock, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_FIND_LINKS", str(stock.path.parent))
    here = tmp_path / "here"
    here.mkdir()
    (here / "pip.py").write_text("raise SystemExit('error: someone else')")
    monkeypatch.chdir(here)
    assert brought(stock.wheel, tmp_path / "work", []) == ("pip", stock.two)


def test_installed_packages_are_found_without_importing(tmp_path, monkeypatch):
    package = tmp_path / "madeup_installed"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert wheels.installed("madeup_installed") == tmp_path
    assert "madeup_installed" not in sys.modules
    assert wheels.installed("madeup_not_installed") is None
    monkeypatch.setitem(sys.modules, "madeup_installed", type(sys)("odd"))
    assert wheels.installed("madeup_installed") is None


def test_members_are_read_from_wheels_and_folders(stock, tmp_path):
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(stock.path) as archive:
        archive.extractall(unpacked)
    for source in (stock.path, unpacked):
        assert read(source, "madeup/two.bin") == stock.two
        with pytest.raises(ModelError, match=r"madeup/three\.bin is not in"):
            read(source, "madeup/three.bin")
    with pytest.raises(ModelError, match="madeup is not in"):
        read(unpacked, "madeup")


def test_damaged_archives_are_one_clear_error(stock, tmp_path):
    damaged = bytearray(stock.content)
    damaged[200:260] = bytes(60)
    for content in (b"", b"no archive", stock.content[: len(stock.content) // 2], bytes(damaged)):
        path = tmp_path / "x.whl"
        path.write_bytes(content)
        with pytest.raises(ModelError, match=r"x\.whl is not a usable wheel"):
            read(path, "madeup/nets/one.bin")
