"""`holopose convert`: what it says, what it writes, how it fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from holopose.io.interchange import ENDINGS
from holopose.io.runinfo import RunInfo
from holopose.io.sinks import SINKS, JsonSink
from holopose.skeletons import WHOLEBODY133
from holopose.types import Boxes, FrameInfo, Poses

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two frames of a clip, somebody in the first."""
    info = RunInfo(
        model="blaze",
        cards={},
        options={},
        runtime="none",
        runtime_version="",
        device="CPU",
        precision="",
        score="0..1",
    )
    xy = np.arange(266, dtype=np.float32).reshape(1, 133, 2)
    somebody = Poses(xy, np.full((1, 133), 0.5), Boxes([[0, 1, 264, 265]], [0.75]), WHOLEBODY133)
    path = tmp_path / "walk.json"
    sink = JsonSink(path, info)
    sink.write(FrameInfo(0, 0.0, "walk.mp4", (640, 480)), somebody)
    sink.write(FrameInfo(1, 0.04, "walk.mp4", (640, 480)), Poses.empty(WHOLEBODY133))
    sink.close(ok=True)
    return path


def test_a_conversion_says_what_it_did_and_what_is_lost(holopose: Run, source: Path) -> None:
    code, out, err = holopose("convert", source, "--to", "coco")
    assert (code, err) == (0, "")
    first, *lost = out.splitlines()
    target = source.with_name("walk.coco.json")
    assert first == f"{source}: 2 frames -> {target}"
    assert lost == [
        "lost: Frames without people: coco parts has no place for that.",
        "lost: Times of the frames: coco parts has no place for that.",
        "lost: Name of the clip: coco parts has no place for that.",
        "lost: Sizes of the pictures: coco parts has no place for that.",
        "lost: How the results came about (model, options, meaning of scores): coco parts has no place for that.",
    ]
    [entry] = json.loads(target.read_bytes())
    assert entry["image_id"] == 0
    assert entry["bbox"] == [0, 1, 264, 264]


def test_every_option_reaches_the_files(holopose: Run, source: Path, tmp_path: Path) -> None:
    code, out, _ = holopose(
        "convert", source, "--to", "coco", "--coco-form", "dataset", "--layout", "coco17", "-o", "x"
    )
    assert code == 0
    content = json.loads(Path("x").read_bytes())
    assert len(content["images"]) == 2
    assert len(content["categories"][0]["keypoints"]) == 17
    assert "without a place in coco17" in out
    code, _, err = holopose("convert", source, "--to", "alphapose", "--alphapose-form", "open", "-o", "x")
    assert (code, err) == (5, "holopose: x: is there already; choose another name, or overwrite=True (--overwrite)\n")
    code, _, _ = holopose("convert", source, "--to", "alphapose", "--alphapose-form", "open", "-o", "x", "--overwrite")
    assert code == 0
    assert list(json.loads(Path("x").read_bytes())) == ["0.jpg", "1.jpg"]
    code, _, _ = holopose("convert", "x", "--to", "json", "--size", "640x480", "-o", tmp_path / "back.json")
    assert code == 0
    assert json.loads((tmp_path / "back.json").read_bytes())["source"]["width"] == 640


def test_a_slash_at_the_end_means_a_new_folder(holopose: Run, source: Path) -> None:
    assert holopose("convert", source, "--to", "jsonl", "-o", "new/")[0] == 0
    assert [path.name for path in Path("new").iterdir()] == [f"{source.stem}.jsonl"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["walk.json", "--to", "coc"], 2, "to: expected one of {forms}, got 'coc'; did you mean 'coco'?"),
        (["walk.json", "--to", "overlay"], 2, "to: overlay needs the pictures themselves; `holopose render` draws"),
        (["walk.json", "--to", "csv", "--size", "big"], 2,
         "size: expected width and height in pixels such as 1920x1080, got 'big'"),
        (["walk.json", "--to", "json"], 5, "walk.json: this is an input, which is never replaced; choose another name"),
        (["walk.json", "--to", "coco", "--coco-form", "flat"], 2,
         "coco form: expected one of parts, body, flat133, dataset, got 'flat'"),
        (["odd.json", "--to", "csv"], 2, "odd.json: expected a result file (JSON, JSON Lines or CSV of holopose, COCO, "
         "OpenPose, AlphaPose), got something else"),
    ],
)  # fmt: skip
def test_wrong_use_is_one_line(holopose: Run, source: Path, arguments: list[str], code: int, line: str) -> None:
    Path("odd.json").write_text("{}", encoding="utf-8")
    forms = ", ".join(name for name in ENDINGS if name in SINKS)
    assert holopose("convert", *arguments) == (code, "", f"holopose: {line.format(forms=forms)}\n")
    assert sorted(path.name for path in source.parent.iterdir()) == ["odd.json", "walk.json"]


def test_names_of_two_lines_are_told_in_one(holopose: Run, source: Path, tmp_path: Path) -> None:
    odd = source.rename(tmp_path / "two\nlines.json")
    code, out, _ = holopose("convert", odd, "--to", "jsonl")
    assert (code, out.count("\n")) == (0, 1)
    assert (tmp_path / "two\nlines.jsonl").exists()


def test_help_names_every_form(holopose: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    code, out, _ = holopose("convert", "--help")
    assert code == 0
    assert all(name in out for name in ENDINGS)
