"""One file out of a zip from elsewhere: the right one, never too much, never a path of the archive's choosing."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from holopose.errors import ModelError
from holopose.zoo.archives import opened_member


def make(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def read(path: Path, ending: str = "end2end.onnx") -> bytes:
    with opened_member(path, ending) as (stream, size):
        content = stream.read()
    assert len(content) == size
    return content


@pytest.mark.parametrize("name", ["end2end.onnx", "20230504/rtm/end2end.onnx", "../../end2end.onnx", "/end2end.onnx"])
def test_the_file_whose_path_ends_so(tmp_path, name):
    archive = make(tmp_path / "a.zip", {name: b"weights", "my-end2end.onnx": b"no", "end2end.onnx.json": b"no"})
    assert read(archive) == b"weights"
    assert [path.name for path in tmp_path.rglob("*")] == ["a.zip"]
    assert not (tmp_path.parent.parent / "end2end.onnx").exists()


def test_none_or_several_are_an_error(tmp_path):
    with pytest.raises(ModelError, match=r"expected one end2end\.onnx in it, got none"):
        read(make(tmp_path / "none.zip", {"x.onnx": b"x", "end2end.onnx/": b""}))
    with pytest.raises(ModelError, match=r"got 2: a/end2end\.onnx, b/end2end\.onnx"):
        read(make(tmp_path / "two.zip", {"a/end2end.onnx": b"x", "b/end2end.onnx": b"y"}))


def test_a_bomb_is_not_unpacked(tmp_path):
    bomb = make(tmp_path / "bomb.zip", {"end2end.onnx": bytes(10_000_000)}, zipfile.ZIP_DEFLATED)
    assert bomb.stat().st_size < 20_000
    with pytest.raises(ModelError, match=r"claims to be 10000000 bytes, packed into"):
        read(bomb)


def test_what_claims_to_be_small_ends_there(tmp_path):
    """The size in the directory is a claim; more than it says is never read."""
    path = make(tmp_path / "liar.zip", {"end2end.onnx": bytes(1_000_000)}, zipfile.ZIP_DEFLATED)
    content = path.read_bytes().replace(struct.pack("<L", 1_000_000), struct.pack("<L", 900))
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"liar\.zip: is not a usable zip archive"):
        read(path)


def test_too_many_files_links_and_secrets_are_refused(tmp_path):
    with pytest.raises(ModelError, match="expected an archive of a few files, got 10001"):
        read(make(tmp_path / "many.zip", {f"{number}": b"" for number in range(10_001)}))
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as archive:
        info = zipfile.ZipInfo("end2end.onnx")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(ModelError, match="is a link"):
        read(tmp_path / "link.zip")
    secret = make(tmp_path / "secret.zip", {"end2end.onnx": b"weights"})
    content = bytearray(secret.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    secret.write_bytes(content)
    with pytest.raises(ModelError, match="encrypted"):
        read(secret)


@pytest.mark.parametrize("cut", [0, 10, 200])
def test_half_an_archive_is_an_error(tmp_path, cut):
    path = make(tmp_path / "a.zip", {"end2end.onnx": bytes(range(256)) * 4})
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ModelError, match=r"a\.zip: is not a usable zip archive"):
        read(path)


def test_altered_bytes_are_an_error(tmp_path):
    path = make(tmp_path / "a.zip", {"end2end.onnx": b"weights" * 100})
    path.write_bytes(path.read_bytes().replace(b"weightsweights", b"wEightsweights", 1))
    with pytest.raises(ModelError, match="Bad CRC"):
        read(path)
