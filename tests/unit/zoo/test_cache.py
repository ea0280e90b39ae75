"""The cache folder: what is intact, what is never left behind, who waits for whom."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from holopose.errors import ModelError
from holopose.zoo import cache

HOLD = """
import sys, time
from holopose.zoo import cache
with cache.locked() as work:
    (work / "half.whl").write_bytes(b"half")
    print("holding", flush=True)
    time.sleep(60)
"""


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_home_follows_the_variable(monkeypatch, tmp_path):
    monkeypatch.setenv("HOLOPOSE_HOME", "~/weights")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert cache.home() == tmp_path / "weights"


def test_home_is_the_platforms_cache_otherwise(monkeypatch, tmp_path):
    monkeypatch.delenv("HOLOPOSE_HOME")
    assert cache.home().is_absolute()
    assert "holopose" in cache.home().parts
    if sys.platform == "linux":
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        assert cache.home() == tmp_path / "holopose"


def test_store_and_find(shelf, home):
    asset = shelf.asset("net", b"weights" * 1000)
    assert cache.find(asset) is None
    path = cache.store(asset, io.BytesIO(b"weights" * 1000))
    assert path == home / "models" / "net.bin" == cache.find(asset)
    assert files(home) == [str(Path("models") / "net.bin")]


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_others_may_read_what_the_umask_allows(shelf):
    asset = shelf.asset("net", b"weights")
    before = os.umask(0o022)
    try:
        path = cache.store(asset, io.BytesIO(b"weights"))
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("content", [b"", b"weight", b"Weights", b"weightsX", b"x" * 10_000])
def test_other_bytes_are_never_stored(shelf, home, content):
    asset = shelf.asset("net", b"weights")
    with pytest.raises(ModelError, match=f"expected 7 bytes with sha256 {asset.sha256}"):
        cache.store(asset, io.BytesIO(content))
    assert files(home) == []


def test_other_bytes_do_not_replace_good_ones(shelf):
    asset = shelf.asset("net", b"weights")
    cache.store(asset, io.BytesIO(b"weights"))
    with pytest.raises(ModelError):
        cache.store(asset, io.BytesIO(b"wEights"))
    assert cache.find(asset) is not None


def test_an_endless_stream_is_left_after_one_byte_too_many(shelf, home):
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1) -> bytes:
            self.given += size
            return b"x" * size

    stream = Endless()
    with pytest.raises(ModelError, match="more than 7 bytes"):
        cache.store(shelf.asset("net", b"weights"), stream)
    assert stream.given == 8
    assert files(home) == []


@pytest.mark.parametrize("content", [b"", b"weigh", b"weightz", b"weightss"])
def test_altered_files_are_not_found_and_can_be_discarded(shelf, content):
    asset = shelf.asset("net", b"weights")
    path = cache.store(asset, io.BytesIO(b"weights"))
    assert not cache.discard_altered(asset)
    path.write_bytes(content)
    assert cache.find(asset) is None
    assert cache.discard_altered(asset)
    assert not path.exists()
    assert not cache.discard_altered(asset)


def test_a_folder_under_the_files_name_is_not_the_file(shelf, home):
    asset = shelf.asset("net", b"weights")
    (home / "models" / "net.bin").mkdir(parents=True)
    assert cache.find(asset) is None


def test_the_extra_folder_comes_first_but_only_with_the_right_bytes(shelf, tmp_path, monkeypatch):
    asset = shelf.asset("net", b"weights")
    ours = cache.store(asset, io.BytesIO(b"weights"))
    extra = tmp_path / "extra" / "net.bin"
    extra.parent.mkdir()
    monkeypatch.setenv("HOLOPOSE_MODEL_DIR", str(extra.parent))
    assert cache.find(asset) == ours
    extra.write_bytes(b"weights")
    assert cache.find(asset) == extra
    extra.write_bytes(b"altered")
    assert cache.find(asset) == ours


def test_a_home_that_cannot_be_written_is_named(shelf, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOLOPOSE_HOME", str(tmp_path / "file"))
    with pytest.raises(ModelError, match="set HOLOPOSE_HOME"), cache.locked():
        pass
    with pytest.raises(ModelError, match="cannot be written"):
        cache.store(shelf.asset("net", b"weights"), io.BytesIO(b"weights"))


def test_the_work_folder_goes_also_after_an_error(home):
    def fail() -> None:
        with cache.locked() as work:
            (work / "half.whl").write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [path.name for path in home.iterdir()] == ["lock"]


def hold() -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == b"holding"
    return process


def test_one_waits_for_another_and_a_killed_one_lets_go(home):
    (home / "models").mkdir(parents=True)
    left = home / "models" / ".net.bin.0123.part"
    process = hold()
    assert process.stdout is not None
    left.write_bytes(b"half")
    try:
        taker = subprocess.Popen(
            [sys.executable, "-c", HOLD], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert taker.stderr is not None
        assert taker.stdout is not None
        assert "waiting for another process" in taker.stderr.readline()
        assert taker.poll() is None
        process.kill()
        assert taker.stdout.readline().strip() == "holding"
        assert not left.exists()
        assert len(list((home / ".fetch").iterdir())) == 1  # only the taker's own
    finally:
        for one in (process, taker):
            one.kill()
            one.communicate()
    with cache.locked() as work:
        assert list(work.parent.iterdir()) == [work]
    assert files(home) == ["lock"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_leaves_nothing(home):
    process = hold()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode != 0
    assert files(home) == ["lock"]
