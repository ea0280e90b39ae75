from __future__ import annotations

import contextlib
import io
import json
import runpy
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.build import parts
from holopose.cli import main
from holopose.config import RunConfig

Run = Callable[..., tuple[int, str, str]]


def test_every_option_is_a_flag_and_every_flag_is_an_option(holopose: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    code, out, _ = holopose("run", "--help")
    assert code == 0
    of_the_command = {"--out", "--config", "--print-config", "--quiet", "--log-json", "--help"}
    flags = {word for word in out.split() if word.startswith("--")} - of_the_command
    expected = {option.flag for option in RunConfig.options()}
    expected |= {f"--no-{option.flag[2:]}" for option in RunConfig.options() if option.kind == "bool"}
    assert flags == expected


def _arguments(option: Any, value: Any) -> list[str]:
    if option.kind == "bool":
        return [option.flag if value else f"--no-{option.flag[2:]}"]
    if option.kind in ("boxes", "words"):
        texts = [",".join(map(str, one)) if option.kind == "boxes" else one for one in value]
        return [word for text in texts for word in (option.flag, text)]
    text = ",".join(value) if isinstance(value, tuple) else "none" if value is None else str(value)
    return [option.flag, text]


def _some_value(option: Any) -> st.SearchStrategy[Any]:
    if option.kind == "bool":
        return st.booleans()
    if option.kind == "names":
        return st.lists(st.sampled_from(option.choices), min_size=1, unique=True).map(tuple)
    if option.kind == "boxes":
        return st.lists(st.just((1.5, 2.0, 30.0, 40.0)), max_size=2).map(tuple)
    if option.kind == "words":
        return st.lists(st.sampled_from(("bgr=true", "mean=(1,2,3)")), max_size=2).map(tuple)
    if option.name == "person":
        return st.sampled_from(("all", "largest", "12"))
    if option.kind == "str":
        return st.sampled_from(option.choices or ("blaze", "gpu"))
    if option.kind == "int":
        return st.integers(int(option.low), 9) if not option.optional else st.one_of(st.none(), st.integers(1, 9))
    number = st.floats(option.low, 100 if option.high is None else min(option.high, 100))
    return st.one_of(st.none(), number) if option.optional else number


def _goes_together(chosen: dict[str, Any]) -> bool:
    transparent_jpg = chosen.get("background") == "transparent" and chosen.get("overlay_format") == "jpg"
    start_s, end_s = chosen.get("start_s"), chosen.get("end_s")
    nameless = not chosen.get("track", True) or chosen.get("smooth") == "mediapipe"  # what goes: test_run_config
    if nameless and {"person", "smooth", "keep_raw", "fix_swaps", "anatomy", "flow"} & chosen.keys():
        return False
    if sum(bool(chosen.get(name)) for name in ("box", "boxes", "detector")) > 1:
        return False
    return not transparent_jpg and (start_s is None or end_s is None or start_s < end_s)


options_given = st.fixed_dictionaries({}, optional={o.name: _some_value(o) for o in RunConfig.options()}).filter(
    _goes_together
)


@given(options_given)
def test_flags_mean_what_python_and_toml_mean(chosen: dict[str, Any]) -> None:
    flags = [word for o in RunConfig.options() if o.name in chosen for word in _arguments(o, chosen[o.name])]
    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.raises(SystemExit) as ended:
        main(["run", "--print-config", *flags])
    assert not ended.value.code
    assert RunConfig.from_options(**tomllib.loads(out.getvalue())) == RunConfig(**chosen)


def test_a_run_says_what_it_did(holopose: Run, configs: list[RunConfig], picture: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, stdout, stderr = holopose("run", picture, "-o", out, "--search", "whole", "--save", "json,csv")
    assert (code, stderr) == (0, "")
    assert stdout.startswith(f"{picture}: 0 people, ")
    assert str(out / "a picture.json") in stdout
    assert sorted(path.name for path in out.iterdir()) == ["a picture.csv", "a picture.json", "holopose-run.jsonl"]
    assert [config.search for config in configs] == ["whole"]


def test_quiet_says_nothing(holopose: Run, configs: list[RunConfig], picture: Path, tmp_path: Path) -> None:
    assert holopose("run", picture, "-o", tmp_path / "out", "-q") == (0, "", "")
    assert (tmp_path / "out" / "a picture.json").exists()
    code, stdout, stderr = holopose("run", "none.jpg", "-o", tmp_path / "out", "--quiet")
    assert (code, stdout, stderr) == (2, "", "holopose: none.jpg: does not exist\n")


def test_programs_are_told_in_json(holopose: Run, configs: list[RunConfig], picture: Path, tmp_path: Path) -> None:
    code, stdout, stderr = holopose("run", picture, "none.jpg", "-o", tmp_path / "out", "--log-json")
    events = [json.loads(line) for line in stdout.splitlines()]
    assert (code, stderr) == (1, "")
    assert [event["event"] for event in events] == ["started", "done", "failed", "ended"]
    assert events[1]["input"] == str(picture)
    assert events[3]["report"] == str(tmp_path / "out" / "holopose-run.jsonl")


def test_an_interrupted_run_says_how_to_go_on(
    holopose: Run, configs: list[RunConfig], picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(config: RunConfig) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(parts, "build_estimator", interrupt)
    code, stdout, stderr = holopose("run", picture, "-o", tmp_path / "out")
    assert (code, stdout, stderr.count("\n")) == (130, "", 1)
    assert "--resume" in stderr


def test_what_a_clip_lacks_is_told(holopose: Run, configs: list[RunConfig], tmp_path: Path) -> None:
    samples = runpy.run_path(str(Path(__file__).parents[2] / "clip_samples.py"))
    short = samples["cut"](samples["write_clip"](tmp_path / "short.mkv", 40), 0.8)
    whole = samples["write_clip"](tmp_path / "whole.mkv", 4)
    code, stdout, stderr = holopose("run", short, whole, "-o", tmp_path / "out", "--save", "json")
    note, told, *_ = stdout.splitlines()
    assert (code, stderr) == (0, "")
    assert note.startswith(f"{short}: incomplete: the file ends at ")
    assert told.startswith(f"{short}: ")
    assert stdout.count("incomplete:") == 1
    document = json.loads((tmp_path / "out" / "short.json").read_text(encoding="utf-8"))
    assert document["source_end"]["cut_short"]
    assert holopose("run", short, "-o", tmp_path / "quiet", "--quiet") == (0, "", "")


def test_a_name_of_two_lines_is_told_in_one(
    holopose: Run, configs: list[RunConfig], picture: Path, tmp_path: Path
) -> None:
    odd = picture.rename(tmp_path / "two\nlines.png")
    code, stdout, _ = holopose("run", odd, "-o", tmp_path / "out", "--save", "json")
    assert (code, stdout.count("\n")) == (0, 1)
    assert (tmp_path / "out" / "two\nlines.json").exists()


def test_flags_win_over_the_file(holopose: Run, configs: list[RunConfig], picture: Path, tmp_path: Path) -> None:
    toml = tmp_path / "run.toml"
    toml.write_text('search = "thorough"\nmax_people = 3\nsave = ["json"]\nworld = false\n', encoding="utf-8")
    code, _, _ = holopose("run", picture, "-o", tmp_path / "out", "--config", toml, "--max-people", "none", "--world")
    assert code == 0
    assert configs == [RunConfig(search="thorough", save=("json",))]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--search", "hole"], "search: expected one of thorough, normal, whole, got 'hole'; did you mean 'whole'?"),
        (["--min-score", "high"], "min_score: expected a number from 0 to 1, got 'high'"),
        (["--max-people", "0"], "max_people: expected a whole number of at least 1 or none, got 0"),
        (
            ["--save", "xml"],
            "save: expected one or more of json, jsonl, csv, wide-csv, parquet, trc, coco, openpose, "
            "alphapose, overlay, skeleton, got 'xml'",
        ),
        (["--config", "none.toml"], "none.toml: expected a readable TOML file: No such file or directory"),
        (["-o", "out"], "run: expected at least one input; for example: holopose run photo.jpg -o out"),
        (["a.jpg", "-o", "out", "-q", "--log-json"], "run: expected --quiet or --log-json, got both"),
        (["photo.jpg"], "run: expected a folder for the results; for example: holopose run photo.jpg -o out"),
    ],
)
def test_wrong_use_is_one_line(holopose: Run, arguments: list[str], line: str) -> None:
    code, stdout, stderr = holopose("run", *arguments)
    assert (code, stdout, stderr) == (2, "", f"holopose: {line}\n")


def test_an_unknown_flag_is_named_with_the_nearest(holopose: Run) -> None:
    code, _, stderr = holopose("run", "a.jpg", "-o", "out", "--serch", "whole")
    assert code == 2
    assert "--serch" in stderr
    assert "--search" in stderr


def test_bad_pictures_are_one_line_each(holopose: Run, configs: list[RunConfig], picture: Path, tmp_path: Path) -> None:
    empty, odd = tmp_path / "empty.jpg", tmp_path / "two\nlines.jpg"
    empty.write_bytes(b"")
    odd.write_bytes(b"not a picture")
    (tmp_path / "nothing").mkdir()
    code, stdout, stderr = holopose("run", empty, picture, tmp_path / "nothing", odd, "-o", tmp_path / "out")
    assert code == 1
    done, together = stdout.splitlines()
    assert done.startswith(f"{picture}: 0 people")
    assert together.startswith("4 inputs, 0 people, 3 failed, ")
    assert str(tmp_path / "out" / "holopose-run.jsonl") in together
    lines = stderr.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("holopose: ") for line in lines)
    assert "empty.jpg" in lines[0]
    assert str(tmp_path / "nothing") in lines[1]
    assert len(configs) == 1


@pytest.mark.parametrize("name", ["missing.jpg", "empty.jpg", "."])
def test_a_single_bad_picture_ends_with_2(
    holopose: Run, configs: list[RunConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.jpg").write_bytes(b"")
    code, stdout, stderr = holopose("run", name, "-o", "out")
    assert (code, stdout.count("\n"), stderr.count("\n")) == (2, 1, 1)
    assert stdout.startswith("1 input, 0 people, 1 failed, ")
    assert name in stderr
    assert configs == []
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["holopose-run.jsonl"]


def test_results_already_there_end_with_5(
    holopose: Run, configs: list[RunConfig], picture: Path, tmp_path: Path
) -> None:
    assert holopose("run", picture, "-o", tmp_path)[0] == 0
    code, _, stderr = holopose("run", picture, "-o", tmp_path)
    assert code == 5
    assert "--overwrite" in stderr
    assert holopose("run", picture, "-o", tmp_path, "--overwrite")[0] == 0
    assert len(configs) == 2


@pytest.mark.weights
def test_the_real_thing(holopose: Run, shared: Path, tmp_path: Path) -> None:
    picture = shared / "data" / "images" / "000000000785.jpg"
    code, stdout, stderr = holopose("run", picture, "-o", tmp_path, "--search", "whole", "--max-people", 1)
    assert (code, stderr) == (0, "")
    assert ": 1 person, " in stdout
    assert len(list(tmp_path.iterdir())) == 4
