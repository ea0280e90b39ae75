"""`holopose sample` keeps what it was asked to keep, says so, and says in one line why not."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from holopose.build import samples
from holopose.config import RunConfig

S: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "clip_samples.py"))
Run = Any


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return S["write_clip"](tmp_path / "walk.mp4", 10)


def test_its_flags_are_options_of_a_run(holopose: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    code, out, _ = holopose("sample", "--help")
    assert code == 0
    flags = {word for word in out.split() if word.startswith("--")}
    flags -= {"--out", "--format", "--config", "--quiet", "--help"}
    options = [*RunConfig.options("people", "input", "clips")]
    options += [option for option in RunConfig.options() if option.name in ("recursive", "overwrite", "normalized")]
    expected = {option.flag for option in options}
    assert flags == expected | {f"--no-{option.flag[2:]}" for option in options if option.kind == "bool"}


def test_a_clip(holopose: Run, configs: list[RunConfig], clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "frames"
    arguments = ["--max-fps", "5", "--search", "whole", "--max-people", "1", "--format", "jpg"]
    code, stdout, stderr = holopose("sample", clip, "-o", out, *arguments)
    assert (code, stderr) == (0, "")
    lines = stdout.splitlines()
    assert lines[0] == f"{clip}: 2 of 10 frames kept"
    assert lines[1].startswith(f"{clip}: 10 frames, 0 people, ")
    assert lines[1].endswith(f" -> {out}")
    assert len(lines) == 2
    expected = ["index.csv", "walk.coco.json", "walk.json", "walk_000000.jpg", "walk_000005.jpg"]
    assert sorted(path.name for path in out.iterdir()) == expected
    [config] = configs
    assert (config.search, config.max_people, config.max_fps) == ("whole", 1, 5)


def test_several_clips_and_quiet(holopose: Run, configs: list[RunConfig], clip: Path, tmp_path: Path) -> None:
    S["write_clip"](tmp_path / "run.mkv", 4)
    (tmp_path / "c.toml").write_text("max_fps = 1000\n", encoding="utf-8")
    arguments = [
        clip,
        tmp_path / "run.mkv",
        tmp_path / "none.mp4",
        "--config",
        tmp_path / "c.toml",
        "--min-motion",
        "1",
    ]
    code, stdout, stderr = holopose("sample", *arguments, "-o", tmp_path / "a")
    assert (code, stderr) == (1, f"holopose: {tmp_path / 'none.mp4'}: does not exist\n")
    assert stdout.splitlines()[-1] == f"3 clips, 14 frames, 1 failed -> {tmp_path / 'a'}"
    assert sorted(path.parent.name for path in (tmp_path / "a").rglob("*.png")) == ["run", "walk"]
    code, stdout, stderr = holopose("sample", *arguments, "-o", tmp_path / "b", "--quiet")
    assert (code, stdout, stderr.count("\n")) == (1, "", 1)


def test_every_frame_where_that_is_asked_for(
    holopose: Run, configs: list[RunConfig], clip: Path, tmp_path: Path
) -> None:
    assert holopose("sample", clip, "-o", tmp_path / "all", "--min-motion", "0")[0] == 0
    assert len(list((tmp_path / "all").glob("*.png"))) == 10
    assert holopose("sample", clip, "-o", tmp_path / "some", "--every", "4")[0] == 0
    assert len(list((tmp_path / "some").glob("*.png"))) == 3


@pytest.mark.parametrize(
    ("arguments", "outcome"),
    [
        ([], (2, "sample: expected what to keep: --min-motion (0.05 suits most clips; 0 keeps every frame)")),
        (["--min-motion", "x"], (2, "min_motion: expected a number of at least 0")),
        (["--max-fps", "0"], (2, "max_fps: expected a number")),
        (["--max-fps", "2", "--format", "gif"], (2, "format: expected one of png, jpg, webp, got 'gif'")),
        (["--max-fps", "2", "--save", "csv"], (2, "No such option: --save")),
        (["--max-fps", "2", "-o", "{clip}"], (5, "expected a folder")),
        (["--max-fps", "2", "-o", "{folder}"], (5, "holds an input, which is never replaced")),
    ],
)
def test_wrong_use(holopose: Run, clip: Path, tmp_path: Path, arguments: list[str], outcome: tuple[int, str]) -> None:
    filled = [word.format(clip=clip, folder=tmp_path) for word in arguments]
    code, stdout, stderr = holopose("sample", clip, "-o", tmp_path / "out", *filled)
    assert (code, stdout) == (outcome[0], "")
    assert outcome[1] in stderr
    assert list(tmp_path.iterdir()) == [clip]


def test_it_wants_a_clip_and_a_folder(holopose: Run, clip: Path, picture: Path, tmp_path: Path) -> None:
    assert holopose("sample", clip, "--max-fps", "1")[::2] == (
        2,
        "holopose: sample: expected a folder; for example: holopose sample clip.mp4 -o frames\n",
    )
    assert "expected at least one clip" in holopose("sample", "-o", tmp_path / "out")[2]
    code, _, stderr = holopose("sample", picture, "-o", tmp_path / "out", "--max-fps", "1")
    assert (code, stderr) == (2, f"holopose: {picture}: expected at least one clip, got pictures only\n")


def test_ctrl_c_ends_with_130(holopose: Run, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(samples, "sample_files", interrupt)
    code, _, stderr = holopose("sample", clip, "-o", tmp_path / "out", "--max-fps", "1")
    assert (code, stderr) == (130, "holopose: interrupted; clips that are complete stay\n")
