from __future__ import annotations

import contextlib
import runpy
import tarfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holopose.errors import InputError
from holopose.io.sources.archives import ArchiveLimits, ArchiveSource
from holopose.protocols import Source

TESTS = Path(__file__).parents[3]
S: dict[str, Any] = runpy.run_path(str(TESTS / "picture_samples.py"))
A: dict[str, Any] = runpy.run_path(str(TESTS / "archive_samples.py"))
SCENE = S["scene"]()
PNG = S["png"](SCENE, 8, 2)
TURNED = S["png"](SCENE, 8, 2, orientation=6)
TEN = [(f"day/img{k}.png", PNG) for k in (10, 9, 1, 2)]

Open = Callable[..., ArchiveSource]
Listen = Callable[[str, InputError], None]


@pytest.fixture
def archive(tmp_path: Path) -> Callable[..., str]:
    def write(data: bytes, name: str = "a.zip") -> str:
        (tmp_path / name).write_bytes(data)
        return str(tmp_path / name)

    return write


@pytest.fixture
def heard() -> list[str]:
    return []


@pytest.fixture
def listen(heard: list[str], tmp_path: Path) -> Listen:
    def note(name: str, error: InputError) -> None:
        assert str(error).startswith(f"{name}: ")
        heard.append(str(error).removeprefix(f"{tmp_path}/"))

    return note


@pytest.fixture
def opened() -> Iterator[Callable[..., ArchiveSource]]:
    """Makes sources that are closed at the end."""
    with contextlib.ExitStack() as stack:

        def make(path: str, **options: Any) -> ArchiveSource:
            return stack.enter_context(contextlib.closing(ArchiveSource(path, **options)))

        yield make


def kinds(members: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """The same members as ZIP and as TAR of every kind."""
    tars = [("a.tar", ""), ("a.tgz", ":gz"), ("a.tar.bz2", ":bz2"), ("a.tar.xz", ":xz")]
    return [("a.zip", A["zip_of"](members)), *((name, A["tar_of"](members, f"w{mode}")) for name, mode in tars)]


def test_it_is_a_source(archive: Callable[..., str], opened: Open) -> None:
    path = archive(A["zip_of"]([*TEN, ("labels.txt", b"x"), (".hidden.png", PNG), ("__MACOSX/._img1.png", b"x")]))
    source = opened(path)
    assert isinstance(source, Source)
    assert dict(source.info) == {"kind": "archive", "name": path}
    frames = list(source)
    assert [frame.name for frame in frames] == [f"{path}/day/img{k}.png" for k in (1, 2, 9, 10)]  # natural order
    assert [frame.index for frame in frames] == [0, 1, 2, 3]
    assert all(frame.time_s is None and np.array_equal(frame.image, SCENE) for frame in frames)
    assert source.end_info == {"read": 4, "refused": 0, "skipped": 3, "cut_short": False}
    assert len(list(source)) == 4  # it can be read again


def test_every_kind_gives_the_same(archive: Callable[..., str], opened: Open) -> None:
    members = [("img1.png", PNG), ("sub/img2.png", TURNED), ("notes.md", b"#" * 5000)]
    for name, data in kinds(members):
        source = opened(archive(data, name))
        assert [frame.size_wh for frame in source] == [(32, 24), (24, 32)], name
        assert source.list_members() == ["img1.png", "sub/img2.png"]
        assert [source.read_member(member) for member in ("sub/img2.png", "img1.png")] == [TURNED, PNG]
        assert [frame.size_wh for frame in source] == [(32, 24), (24, 32)], name
        source.close()


def test_a_tar_keeps_its_order_and_reads_without_listing(archive: Callable[..., str], opened: Open) -> None:
    for name, data in kinds(TEN)[1:]:
        source = opened(archive(data, name))
        assert source.read_member("day/img9.png") == PNG
        assert source.read_member("day/img2.png") == PNG
        assert source.list_members() == [f"day/img{k}.png" for k in (10, 9, 1, 2)]
        with pytest.raises(InputError, match=r"has no picture called ../x\.png"):
            source.read_member("../x.png")


def test_names_are_never_paths(archive: Callable[..., str], opened: Open, tmp_path: Path) -> None:
    evil = ["../../up.png", "/root.png", "C:\\win.png", "a\\..\\b.png", "x\x01\ny.png", "a/../c.png", "CON.png"]
    before = set(tmp_path.parent.rglob("*"))
    for name, data in kinds([(one, PNG) for one in evil]):
        source = opened(archive(data, f"names-{name}"))
        safe = ["up.png", "root.png", "win.png", "a/b.png", "x__y.png", "a/c.png", "_CON.png"]
        assert sorted(source.list_members()) == sorted(safe)
        assert [source.read_member(one) for one in safe] == [PNG] * 7
        list(source)
        source.close()
    assert {path.parent for path in set(tmp_path.parent.rglob("*")) - before} == {tmp_path}


def test_the_same_name_twice(archive: Callable[..., str], opened: Open) -> None:
    members = [("a.png", PNG), ("a.png", TURNED), ("../A.png", PNG), ("a-2.png", TURNED)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile's, on writing
        made = kinds(members)
    for name, data in made:
        source = opened(archive(data, name))
        names = source.list_members()
        assert len({one.casefold() for one in names}) == 4
        assert sorted(source.read_member(one) for one in names) == sorted(data for _, data in members)


def test_what_is_refused_in_a_zip(archive: Callable[..., str], opened: Open, heard: list[str], listen: Listen) -> None:
    data = A["zip_of"](
        [("a.png", PNG), ("b.png", PNG), ("c.png", PNG), ("in.zip", b"PK"), ("v.mp4", b""), ("z.png", PNG)]
    )
    data = A["patch_zip"](data, "b.png", flags=1)
    data = A["patch_zip"](data, "c.png", method=99)
    source = opened(archive(data), on_error=listen)
    assert [Path(frame.name).name for frame in source] == ["a.png", "z.png"]
    assert heard == [
        "a.zip/b.png: is encrypted; unpack it with its password first",
        "a.zip/c.png: is packed in a way that is not supported (method 99); pack it anew as a usual ZIP",
        "a.zip/in.zip: is an archive within an archive, which is not opened; unpack the outer one first",
        "a.zip/v.mp4: is a video in an archive, which is not read; unpack it first",
    ]
    assert source.end_info == {"read": 2, "refused": 4, "skipped": 0, "cut_short": False}
    source.list_members()
    assert len(heard) == 4  # each is told once
    with pytest.raises(InputError, match=r"b\.png: is encrypted"):
        list(opened(archive(data)))
    [*_] = opened(archive(A["zip_link"]("l.png", "/etc/passwd"), "l.zip"), on_error=listen)
    assert heard[-1] == "l.zip/l.png: is a link, which is not followed; pack the file itself"


def test_what_is_refused_in_a_tar(archive: Callable[..., str], opened: Open, heard: list[str], listen: Listen) -> None:
    special = A["tar_special"]
    entries = [
        (tarfile.TarInfo("a.png"), PNG),
        (special("soft.png", tarfile.SYMTYPE, "/etc/passwd"), b""),
        (special("hard.png", tarfile.LNKTYPE, "a.png"), b""),
        (special("device.png", tarfile.CHRTYPE), b""),
        (special("pipe.png", tarfile.FIFOTYPE), b""),
        (special("folder.png", tarfile.DIRTYPE), b""),
        (tarfile.TarInfo("in.tgz"), b""),
        (tarfile.TarInfo("z.png"), PNG),
    ]
    source = opened(archive(A["tar_entries"](entries), "x.tar"), on_error=listen)
    assert [Path(frame.name).name for frame in source] == ["a.png", "z.png"]
    refused = ["soft.png", "hard.png", "device.png", "pipe.png", "in.tgz"]
    assert [line.partition(":")[0] for line in heard] == [f"x.tar/{name}" for name in refused]
    assert ["is a link" in line for line in heard] == [True, True, False, False, False]


def test_bombs(archive: Callable[..., str], opened: Open, heard: list[str], listen: Listen) -> None:
    zeros = bytes(3 << 20)
    source = opened(archive(A["zip_of"]([("a.png", PNG), ("bomb.png", zeros)])), on_error=listen)
    assert len(list(source)) == 1
    assert heard == ["a.zip/bomb.png: would grow to more than 200 times its packed size, which no picture does"]
    packed = A["tar_of"]([("a.png", PNG), ("bomb.png", bytes(40 << 20)), ("z.png", PNG)], "w:gz")
    source = opened(archive(packed, "x.tgz"), on_error=listen)
    assert len(list(source)) == 1
    assert [line.partition(": ")[0] for line in heard[1:]] == ["x.tgz/bomb.png", "x.tgz"]  # and it ends there
    assert all("grow to more than 200 times its size" in line for line in heard[1:])


def test_declared_sizes_are_not_believed(
    archive: Callable[..., str], opened: Open, heard: list[str], listen: Listen
) -> None:
    for size in (len(PNG) - 100, len(PNG) + 100):
        lying = A["patch_zip"](A["zip_of"]([("a.png", PNG), ("z.png", PNG)]), "a.png", size=size)
        source = opened(archive(lying), on_error=listen)
        assert [Path(frame.name).name for frame in source] == ["z.png"]
    assert len(heard) == 2
    assert all("/a.png: is damaged" in line for line in heard)


def test_limits(archive: Callable[..., str], opened: Open, heard: list[str], listen: Listen) -> None:
    kb = len(PNG) / (1 << 20)
    for name, data in kinds([("a.png", PNG), ("b.png", PNG * 3), ("c.png", PNG)]):
        path = archive(data, name)
        small = opened(path, limits=ArchiveLimits(member_mb=kb * 2), on_error=listen)
        assert [Path(frame.name).name for frame in small] == ["a.png", "c.png"]
        assert "more than the" in heard.pop()
        few = opened(path, limits=ArchiveLimits(members=2), on_error=listen) if name != "a.zip" else None
        if few is not None:
            assert len(few.list_members()) == 2
            assert few.end_info["cut_short"] is True
        else:
            with pytest.raises(InputError, match="has more than 2 members"):
                opened(path, limits=ArchiveLimits(members=2))
        total = ArchiveLimits(total_gb=kb * 2.5 / 1024)
        with pytest.raises(InputError, match="larger than"):
            list(opened(path, limits=total))


def test_a_damaged_archive_gives_what_comes_before(
    archive: Callable[..., str], opened: Open, heard: list[str], listen: Listen
) -> None:
    pictures = [
        (f"{k}.bmp", S["encode"](".bmp", np.random.default_rng(k).integers(0, 255, (240, 240, 3), np.uint8)))
        for k in range(20)
    ]
    made = kinds(pictures)
    for name, data in made[1:]:
        del heard[:]
        source = opened(archive(data[: len(data) // 2 + 300], name), on_error=listen)
        frames = list(source)
        assert 5 <= len(frames) <= 10, name
        assert heard[-1].startswith(f"{name}: ")
        assert "damaged or cut short" in heard[-1]
        assert len(heard) <= 2  # the member that was cut, and the archive
        assert source.end_info["cut_short"] is True
        with pytest.raises(InputError):
            list(opened(archive(data[: len(data) // 2 + 300], name)))
    with pytest.raises(InputError, match="the table of contents at the end of a ZIP is missing"):
        opened(archive(made[0][1][:-30]))


def test_pictures_within_are_checked_like_all_others(
    archive: Callable[..., str], opened: Open, heard: list[str], listen: Listen
) -> None:
    data = A["zip_of"]([("a.png", PNG[:-30]), ("b.jpg", b"PK\3\4 not a picture"), ("c.png", b""), ("d.png", PNG)])
    (frame,) = opened(archive(data), on_error=listen)
    assert frame.index == 3
    assert [line.partition(":")[0] for line in heard] == [f"a.zip/{name}" for name in ("a.png", "b.jpg", "c.png")]
    with pytest.raises(InputError, match=r"d\.png: 32 x 24 pixels"):
        list(opened(archive(A["zip_of"]([("d.png", PNG)])), max_megapixels=1e-5))


def test_no_archives(archive: Callable[..., str], opened: Open, tmp_path: Path) -> None:
    for data, problem in (
        (b"", "is empty"),
        (b"hello", "is no ZIP or TAR archive"),
        (PNG, "is no ZIP or TAR archive"),
        (b"PK\3\4", "table of contents"),
        (b"\x1f\x8b rubbish", "damaged"),
        (b"7z\xbc\xaf\x27\x1c\0", "7-Zip or RAR"),
    ):
        with pytest.raises(InputError, match=problem):
            opened(archive(data))
    for path, problem in ((tmp_path, "this is a folder"), (tmp_path / "none.zip", "does not exist"), ("a\0b", "read")):
        with pytest.raises(InputError, match=problem):
            opened(path)


def test_closing(archive: Callable[..., str], opened: Open) -> None:
    for name, data in kinds(TEN):
        source = opened(archive(data, name))
        frames = iter(source)
        next(frames)
        source.close()
        source.close()
        for call, argument in ((next, frames), (list, source), (source.read_member, "a")):
            with pytest.raises(InputError, match="closed"):
                call(argument)  # type: ignore[operator]
        with pytest.raises(InputError, match="closed"):
            source.list_members()


def test_ten_thousand_members(archive: Callable[..., str], opened: Open) -> None:
    members = [(f"{k % 100}/{k}.png", PNG) for k in range(10_000)]
    for name, data in (("a.zip", A["zip_of"](members)), ("a.tar", A["tar_of"](members))):
        source = opened(archive(data, name))
        names = source.list_members()
        assert len(names) == 10_000
        assert all(source.read_member(one) == PNG for one in names)


@settings(max_examples=300)
@given(st.data())
def test_no_bytes_break_it(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Whatever is changed in an archive: it yields, or says InputError."""
    members = [("a.png", PNG), ("b/c.png", TURNED), ("x" * 120 + ".png", PNG)]
    name, whole = data.draw(st.sampled_from(kinds(members)))
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    path = tmp_path_factory.getbasetemp() / f"fuzz-{name}"
    path.write_bytes(content)
    errors: list[InputError] = []
    try:
        source = ArchiveSource(path, on_error=lambda _, error: errors.append(error))
        frames = list(source)
        source.close()
    except InputError as error:
        errors.append(error)
    else:
        assert len(frames) <= 3
    assert all("\n" not in str(error) for error in errors)
