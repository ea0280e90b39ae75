from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from holopose.errors import ConfigError, InputError
from holopose.io.sources.images import ImageSource
from holopose.protocols import Source

S: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[3] / "picture_samples.py"))
SCENE = S["scene"]()
PNG = S["png"](SCENE, 8, 2)
TURNED = S["png"](SCENE, 8, 2, orientation=6)


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """A good file, a missing one, a damaged one, another good one."""
    good, damaged, turned = tmp_path / "a.png", tmp_path / "c.png", tmp_path / "d.png"
    good.write_bytes(PNG)
    damaged.write_bytes(PNG[:-30])
    turned.write_bytes(TURNED)
    return [str(good), str(tmp_path / "b.png"), str(damaged), str(turned)]


def test_it_is_a_source(files: list[str]) -> None:
    source = ImageSource(files)
    assert isinstance(source, Source)
    assert dict(source.info) == {"kind": "images", "count": 4, "names": tuple(files)}
    with pytest.raises(TypeError):
        source.info["count"] = 5  # type: ignore[index]


def test_frames_in_order(files: list[str]) -> None:
    frames = list(ImageSource([files[0], Path(files[3]), PNG, files[0]]))
    assert [frame.index for frame in frames] == [0, 1, 2, 3]
    assert [frame.name for frame in frames] == [files[0], files[3], "<bytes>", files[0]]
    assert [frame.size_wh for frame in frames] == [(32, 24), (24, 32), (32, 24), (32, 24)]
    assert all(frame.time_s is None for frame in frames)
    assert np.array_equal(frames[1].image, S["turned"](SCENE, 6))


def test_each_file_is_read_when_its_turn_comes(tmp_path: Path) -> None:
    late = tmp_path / "late.png"
    frames = iter(ImageSource([PNG, late]))
    next(frames)
    late.write_bytes(TURNED)
    assert next(frames).size_wh == (24, 32)


def test_an_error_ends_the_iteration(files: list[str]) -> None:
    frames = iter(ImageSource(files))
    assert next(frames).name == files[0]
    with pytest.raises(InputError, match=r"b\.png: does not exist"):
        next(frames)


def test_errors_can_be_left_to_the_caller(files: list[str]) -> None:
    heard: list[tuple[str, str]] = []
    source = ImageSource(files, on_error=lambda name, error: heard.append((name, str(error))))
    frames = list(source)
    assert [frame.name for frame in frames] == [files[0], files[3]]
    assert [frame.index for frame in frames] == [0, 3]  # positions of the inputs
    assert [name for name, _ in heard] == files[1:3]
    assert heard[0][1] == f"{files[1]}: does not exist"
    assert "truncated" in heard[1][1]


def test_what_the_caller_raises_is_not_swallowed(files: list[str]) -> None:
    def stop(name: str, error: InputError) -> None:
        raise KeyboardInterrupt(name)

    with pytest.raises(KeyboardInterrupt, match=r"b\.png"):
        list(ImageSource(files, on_error=stop))


def test_folders_are_no_pictures(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is a folder; give its pictures one by one, such as .*\*\.jpg"):
        list(ImageSource([tmp_path]))
    heard: list[str] = []
    (frame,) = ImageSource([tmp_path, PNG], on_error=lambda name, _: heard.append(name))
    assert frame.index == 1
    assert heard == [str(tmp_path)]


def test_the_limit_is_passed_on() -> None:
    with pytest.raises(InputError, match=r"max_megapixels \(1e-05\)"):
        list(ImageSource([PNG], max_megapixels=1e-5))
    with pytest.raises(ConfigError):
        list(ImageSource([PNG], max_megapixels=-1, on_error=lambda *_: None))


def test_a_single_input_need_not_be_a_list(files: list[str]) -> None:
    for one in (files[0], Path(files[0]), PNG, bytearray(PNG), memoryview(PNG)):
        assert [frame.size_wh for frame in ImageSource(one)] == [(32, 24)]  # type: ignore[arg-type]


def test_any_iterable_and_nothing_at_all(files: list[str]) -> None:
    source = ImageSource(name for name in (files[0], files[3]))
    assert source.info["count"] == 2
    assert len(list(source)) == len(list(source)) == 2  # it can be read again
    assert list(ImageSource([])) == []


def test_closing() -> None:
    source = ImageSource([PNG, PNG, PNG])
    frames = iter(source)
    next(frames)
    source.close()
    source.close()
    with pytest.raises(InputError, match="closed"):
        next(frames)
    with pytest.raises(InputError, match="closed"):
        list(source)
    assert source.info["count"] == 3
    last = ImageSource([PNG])
    for _ in last:
        last.close()  # nothing was left to read
