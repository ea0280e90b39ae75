from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from holopose.build import contents
from holopose.build.contents import Content, Written, measure_content, measure_result


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_content_is_size_and_hash_whatever_the_name(tmp_path: Path) -> None:
    one, same = put(tmp_path / "a.jpg", b"12345"), put(tmp_path / "x" / "b.png", b"12345")
    expected = Content(5, hashlib.sha256(b"12345").hexdigest())
    assert measure_content([one]) == measure_content([same]) == expected
    assert measure_content([put(tmp_path / "c", b"12346")]) != expected


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of 100,003 bytes, of which 5 blocks of 100 are looked at."""
    monkeypatch.setattr(contents, "WHOLE_BYTES", 1000)
    monkeypatch.setattr(contents, "SAMPLES", 5)
    monkeypatch.setattr(contents, "SAMPLE_BYTES", 100)
    return put(tmp_path / "clip.mp4", bytes(range(250)) * 400 + b"end")


def _alter(at: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:at] + b"\xff" + data[at + 1 :]


@pytest.mark.parametrize(
    "change", [_alter(0), _alter(49_960), _alter(100_002), lambda data: data + b"x", lambda data: data[:-1]]
)
def test_large_files_are_sampled_from_the_first_byte_to_the_last(large: Path, change: Callable[[bytes], bytes]) -> None:
    before = measure_content([large])
    assert before is not None
    assert before.sampled
    assert before.size == 100_003
    assert measure_content([put(large.with_name("copy"), large.read_bytes())]) == before
    put(large, change(large.read_bytes()))
    assert measure_content([large]) != before


def test_several_files_are_one_content_in_their_order(tmp_path: Path) -> None:
    a, b, c = (put(tmp_path / name, name.encode()) for name in "abc")
    content = measure_content([a, b])
    assert content is not None
    assert content.size == 2
    assert content != measure_content([b, a])
    assert content != measure_content([a, b, c])
    assert content != measure_content([a])
    assert measure_content([a, tmp_path / "none"]) is None


def test_what_is_no_file_has_no_content(tmp_path: Path) -> None:
    assert measure_content([tmp_path / "none"]) is None
    assert measure_content([tmp_path]) is None
    assert measure_content([Path("a\0b")]) is None
    assert measure_content([Path(os.devnull)]) is None
    assert measure_content([]) is None


def test_a_result_is_a_file_or_a_folder_of_files(tmp_path: Path) -> None:
    file = put(tmp_path / "day" / "a.json", b"{}")
    assert measure_result(file, tmp_path) == Written("day/a.json", 2, hashlib.sha256(b"{}").hexdigest())
    folder = tmp_path / "day" / "a_openpose"
    for number in range(3):
        put(folder / f"{number}.json", b"{%d}" % number)
    before = measure_result(folder, tmp_path)
    assert before is not None
    assert (before.name, before.size) == ("day/a_openpose", 9)
    assert measure_result(folder, tmp_path) == before
    changes: list[Callable[[], object]] = [
        lambda: put(folder / "1.json", b"{2}"),
        (folder / "2.json").unlink,
        lambda: (folder / "0.json").rename(folder / "2.json"),
        lambda: put(folder / "3.json", b""),
    ]
    seen = [before]
    for change in changes:
        change()
        after = measure_result(folder, tmp_path)
        assert after is not None
        assert after not in seen
        seen.append(after)
    assert measure_result(tmp_path / "none", tmp_path) is None
