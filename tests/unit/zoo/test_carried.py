"""Files carried here by hand: recognised by content or name, whatever they are called; never half."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from pathlib import Path

import pytest

from holopose.errors import ConfigError, InputError, ModelError
from holopose.zoo import cache
from holopose.zoo.cards import Asset, Licence, Url
from holopose.zoo.carried import import_file

TERMS = Licence(code="none", weights="none", training_data="none")


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_import_a_wheel_under_any_name(stock, tmp_path, home):
    path = shutil.copy(stock.path, tmp_path / "carried")
    assert import_file(Path(path), among=stock.assets) == list(stock.assets)
    assert files(home) == ["lock", "models/one.bin", "models/two.bin"]


def test_import_a_single_file_under_any_name(stock, tmp_path, home):
    (tmp_path / "downloaded (1)").write_bytes(stock.two)
    assert import_file(tmp_path / "downloaded (1)", among=stock.assets) == [stock.assets[1]]
    assert files(home) == ["lock", "models/two.bin"]


def test_import_mends_an_altered_copy(stock, home):
    import_file(stock.path, among=stock.assets)
    cache.target(stock.assets[0]).write_bytes(b"altered")
    import_file(stock.path, among=stock.assets)
    assert cache.find(stock.assets[0])


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"TFL3", f"sha256 {hashlib.sha256(b'TFL3').hexdigest()}"), (b"", "no file that holopose knows")],
)
def test_import_refuses_what_it_does_not_know(stock, tmp_path, home, content, said):
    (tmp_path / "one.bin").write_bytes(content)
    with pytest.raises(ModelError, match=said):
        import_file(tmp_path / "one.bin", among=stock.assets)
    assert not home.exists()


def test_import_refuses_half_a_wheel_and_other_wheels(stock, shelf, tmp_path, home):
    (tmp_path / "half.whl").write_bytes(stock.content[: len(stock.content) // 2])
    with pytest.raises(ModelError, match=r"half\.whl: not a usable wheel"):
        import_file(tmp_path / "half.whl", among=stock.assets)
    other = shelf.folder / shelf.wheel({"other/x.bin": b"x"}, project="other").filename
    with pytest.raises(ModelError, match=f"holds no file that holopose knows; expected {stock.wheel.filename}"):
        import_file(other, among=stock.assets)
    assert not home.exists()


def test_import_takes_the_good_part_of_an_altered_wheel_and_says_so(stock, tmp_path, home):
    path = tmp_path / "x.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("madeup/nets/one.bin", stock.one[:-1] + b"?")
        archive.writestr("madeup/two.bin", stock.two)
    with pytest.raises(ModelError, match=rf"imported two\.bin; not one\.bin: .*{stock.assets[0].sha256}"):
        import_file(path, among=stock.assets)
    assert files(home) == ["lock", "models/two.bin"]


def test_import_names_what_is_no_file(tmp_path):
    with pytest.raises(InputError, match="got a folder"):
        import_file(tmp_path)
    with pytest.raises(InputError, match="no file"):
        import_file(tmp_path / "absent.whl")


# Files whose full sha256 nobody publishes ----------------------------------------------------------------------------


def published(name: str, *addresses: str, member: str = "", sha256: str = "") -> Asset:
    """An asset with addresses."""
    places = tuple(Url(f"https://weights.example/{address}", member) for address in addresses)
    return Asset(name=name, filename=f"{name}.onnx", sha256=sha256, places=places, licence=TERMS)


def test_import_by_the_name_that_it_is_published_under(tmp_path, home):
    asset = published("net", "a%20b/best%20net.onnx?download=1")
    (tmp_path / "best net.onnx").write_bytes(b"weights")
    assert import_file(tmp_path / "best net.onnx", among=[asset]) == [asset]
    assert files(home) == ["lock", "models/net.onnx", "models/net.onnx.seal.json"]
    assert cache.digest_of(asset) == hashlib.sha256(b"weights").hexdigest()


def test_import_takes_the_network_out_of_its_archive(tmp_path, home):
    asset = published("net", "net-sdk.zip", member="end2end.onnx")
    with zipfile.ZipFile(tmp_path / "net-sdk.zip", "w") as archive:
        archive.writestr("deploy/end2end.onnx", b"weights")
        archive.writestr("deploy/pipeline.json", b"{}")
    assert import_file(tmp_path / "net-sdk.zip", among=[asset]) == [asset]
    assert cache.target(asset).read_bytes() == b"weights"


def test_one_name_for_several_files_must_be_told_apart(tmp_path, home):
    one, two = published("one", "x/net.onnx"), published("two", "y/net.onnx")
    (tmp_path / "net.onnx").write_bytes(b"weights")
    with pytest.raises(ModelError, match="name it with --as: one, two"):
        import_file(tmp_path / "net.onnx", among=[one, two])
    assert import_file(tmp_path / "net.onnx", among=[one, two], name="two") == [two]
    with pytest.raises(ConfigError, match="no file is called 'three'"):
        import_file(tmp_path / "net.onnx", among=[one, two], name="three")


def test_the_first_digits_of_a_hash_recognise_a_file_and_refuse_another(tmp_path, home):
    digest = hashlib.sha256(b"weights").hexdigest()
    asset = published("net", "net-0.onnx", sha256=digest[:8])
    (tmp_path / "some name").write_bytes(b"weights")
    assert import_file(tmp_path / "some name", among=[asset]) == [asset]
    other = published("other", "other.onnx", sha256="00000000")
    (tmp_path / "other.onnx").write_bytes(b"weights")
    with pytest.raises(ModelError, match=rf"expected sha256 00000000\.\.\., got 7 bytes with sha256 {digest}"):
        import_file(tmp_path / "other.onnx", among=[other])
    assert not cache.target(other).exists()
