from __future__ import annotations

import dataclasses
import inspect
import tomllib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holopose.config import GROUPS, Option, RunConfig
from holopose.errors import ConfigError


def values(option: Option) -> st.SearchStrategy[Any]:
    """Everything that an option accepts."""
    low = -1e6 if option.low is None else option.low
    high = 1e6 if option.high is None else option.high
    words = st.sampled_from(option.choices) if option.choices else st.text(st.characters(codec="utf-8"), min_size=1)
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "bool": st.booleans(),
        "int": st.integers(int(low), int(high)),
        "float": st.floats(low, high),
        "str": words,
        "names": st.lists(words, min_size=1, unique=True).map(tuple),
        "words": st.lists(words, max_size=3).map(tuple),
        "boxes": st.lists(boxes, max_size=3).map(tuple),
    }
    return st.one_of(st.none(), kinds[option.kind]) if option.optional else kinds[option.kind]


OPTIONS = RunConfig.options()
boxes = st.tuples(*[st.floats(-1e4, 1e4)] * 4).map(lambda b: (b[0], b[1], b[0] + abs(b[2]) + 1, b[1] + abs(b[3]) + 1))


NEED_IDENTITIES = {"person": "all", "smooth": "one-euro"} | dict.fromkeys(
    ("keep_raw", "fix_swaps", "anatomy", "flow"), False
)
"""Options that need identities, and the value with which they do not."""


def goes_together(chosen: dict[str, Any]) -> bool:
    transparent_jpg = chosen.get("background") == "transparent" and chosen.get("overlay_format") == "jpg"
    start_s, end_s = chosen.get("start_s"), chosen.get("end_s")
    untracked = not chosen.get("track", True) and any(
        chosen.get(name, rest) not in (rest, "none", "mediapipe") for name, rest in NEED_IDENTITIES.items()
    )
    if sum([bool(chosen.get("box")), chosen.get("boxes") is not None, chosen.get("detector", "auto") != "auto"]) > 1:
        return False
    no_raw = chosen.get("keep_raw") and chosen.get("smooth") == "mediapipe" and chosen.get("follow", True)
    return not (transparent_jpg or untracked or no_raw) and (start_s is None or end_s is None or start_s < end_s)


persons = st.one_of(st.sampled_from(["all", "largest", "central"]), st.integers(1, 10**9).map(str))
special = {"person": persons}
some_options = st.fixed_dictionaries({}, optional={o.name: special.get(o.name, values(o)) for o in OPTIONS}).filter(
    goes_together
)


@given(some_options)
def test_toml_gives_back_what_was_written(tmp_path_factory: pytest.TempPathFactory, chosen: dict[str, Any]) -> None:
    config = RunConfig.from_options(**chosen)
    path = tmp_path_factory.mktemp("toml") / "run.toml"
    path.write_text(config.to_toml(), encoding="utf-8")
    assert RunConfig.from_toml(path) == config
    assert config.replace() == config


@given(some_options)
def test_command_line_text_means_the_same_value(chosen: dict[str, Any]) -> None:
    for option in OPTIONS:
        if option.name in chosen and option.kind != "bool":
            value = chosen[option.name]
            if option.kind in ("words", "boxes"):  # one per flag
                for one in value:
                    text = one if option.kind == "words" else ",".join(map(repr, one))
                    assert option.parse(text) == (one,)
                continue
            text = ",".join(value) if isinstance(value, tuple) else str(value).lower() if value is None else str(value)
            assert option.parse(text) == value


def test_defaults_are_acceptable_and_every_field_is_described() -> None:
    config = RunConfig()
    assert [o.name for o in OPTIONS] == [f.name for f in dataclasses.fields(RunConfig)]
    for option in OPTIONS:
        assert option.check(option.default) == option.default == getattr(config, option.name)
        assert option.help.endswith(".")
        assert option.group in GROUPS
    written = tomllib.loads(config.to_toml())
    nothing = {o.name for o in OPTIONS if o.default is None}
    assert set(written) == {o.name for o in OPTIONS} - nothing  # TOML has no null


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_peple": 2}, r"max_peple: unknown option; did you mean 'max_people'\?"),
        ({"search": "hole"}, r"search: expected one of thorough, normal, whole, got 'hole'; did you mean 'whole'\?"),
        ({"precision": "int8"}, "precision: expected one of f32, bf16, f16, got 'int8'$"),
        ({"layout": "hand21"}, "layout: expected one of own, coco17"),
        ({"search": 3}, "search: expected one of thorough, normal, whole, got 3"),
        ({"max_people": 0}, "max_people: expected a whole number of at least 1 or none, got 0"),
        ({"max_people": 1.5}, "max_people: expected a whole number"),
        ({"max_people": True}, "max_people: expected a whole number"),
        ({"min_score": 1.1}, "min_score: expected a number from 0 to 1, got 1.1"),
        ({"min_score": float("nan")}, "min_score: expected a number from 0 to 1, got nan"),
        ({"min_score": "0.5"}, "min_score: expected a number from 0 to 1, got '0.5'"),
        ({"world": 1}, "world: expected true or false, got 1"),
        ({"save": ()}, "save: expected one or more of json, jsonl, csv"),
        ({"save": ["json", "xml"]}, "save: expected one or more of json, jsonl, csv"),
        ({"device": ""}, "device: expected a word, got ''"),
        ({"background": "transparent", "overlay_format": "jpg"}, "choose png or webp"),
        ({"person": "tallest"}, "person: expected all, largest, central or a number, got 'tallest'"),
        ({"person": "-1"}, "person: expected all, largest, central or a number, got '-1'"),
        ({"person": "0"}, "person: identities are numbered from 1, got '0'"),
        ({"person": "00"}, "person: identities are numbered from 1, got '00'"),
        ({"track": False, "person": "largest"}, "person: 'largest' needs identities; leave track on"),
        ({"track": False, "smooth": "butterworth"}, "smooth: 'butterworth' needs identities; leave track on"),
        ({"track": False, "keep_raw": True}, "keep_raw: True needs identities; leave track on"),
        ({"track": False, "fix_swaps": True}, "fix_swaps: True needs identities"),
        ({"track": False, "anatomy": True}, "anatomy: True needs identities"),
        ({"track": False, "flow": True}, "flow: True needs identities"),
        ({"smooth": "mediapipe", "keep_raw": True}, "keep_raw: smooth 'mediapipe' has no coordinates before smoothing"),
        ({"start_s": 2.0, "end_s": 2.0}, r"end_s: expected more than start_s \(2\), got 2"),
        ({"smooth": "one_euro"}, "smooth: expected one of none, one-euro.*did you mean 'one-euro'"),
    ],
)
def test_what_is_refused_is_refused_in_one_clear_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        RunConfig.from_options(**options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("smooth", ["one-euro", "none", "mediapipe"])
def test_without_identities_what_was_not_asked_for_is_left_out(smooth: str) -> None:
    assert RunConfig(track=False, smooth=smooth).smooth == smooth
    assert RunConfig(follow=False, smooth="mediapipe", keep_raw=True).keep_raw  # filtered afterwards, as by others


def test_values_are_normalised_to_their_types() -> None:
    config = RunConfig(save="json, csv,json", max_people=np.int64(3), min_score=np.float32(0.5), line_width=2)  # type: ignore[arg-type]
    assert config.save == ("json", "csv")
    assert type(config.max_people) is int
    assert type(config.min_score) is type(config.line_width) is float


def test_groups_narrow_what_is_accepted() -> None:
    assert RunConfig.from_options("people", "input", search="whole").search == "whole"
    with pytest.raises(ConfigError, match="style: this option belongs to 'The overlay' and has no meaning"):
        RunConfig.from_options("people", "input", style="classic")
    assert "style" in RunConfig().to_options("drawing")
    assert "style" not in RunConfig().to_options("people")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"search = ", "expected TOML"),
        (b"search = 'whole'\nstile = 'classic'", "did you mean 'style'"),
        (b"search = 'all'", "search: expected one of"),
        (b"[people]\nsearch = 'whole'", "people: unknown option"),
        (b"model = '\xff'", "expected TOML in UTF-8"),
    ],
)
def test_a_bad_toml_file_is_named_in_one_line(tmp_path: Any, content: bytes, message: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        RunConfig.from_toml(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_toml_file_and_a_folder_are_named(tmp_path: Any) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(ConfigError, match="expected a readable TOML file"):
            RunConfig.from_toml(path)


def test_replace_checks_again() -> None:
    config = RunConfig(search="whole").replace(max_people=1)
    assert (config.search, config.max_people) == ("whole", 1)
    with pytest.raises(ConfigError, match="unknown option"):
        config.replace(nothing=1)


def test_choices_are_those_of_the_parts() -> None:
    from holopose.draw import painter, palette
    from holopose.io.sinks import overlay
    from holopose.skeletons import BLAZE543, LAYOUTS, PARTS
    from holopose.skeletons.conversions import missing_after

    choices = {option.name: option.choices for option in OPTIONS}
    assert set(choices["style"]) == set(palette.STYLES)
    assert set(choices["color_by"]) == set(palette.COLOR_BYS)
    assert set(choices["background"]) == set(painter.BACKGROUNDS)
    assert set(choices["overlay_format"]) == set(overlay.FORMATS.values())
    assert choices["draw_parts"] == PARTS
    given = {name for name, layout in LAYOUTS.items() if len(missing_after(BLAZE543, layout)) < len(layout)}
    assert set(choices["layout"]) - {"own"} == given == set(LAYOUTS) - {"hand21", "face106"}


def test_drawing_options_are_the_painter_s() -> None:
    from holopose.draw.painter import Painter

    assert set(inspect.signature(Painter).parameters) == {o.name for o in RunConfig.options("drawing")}


def parts_with_options() -> list[Any]:
    """Every constructor or function whose keywords are options of a run."""
    from holopose.draw.painter import Painter
    from holopose.io.images import read_image
    from holopose.io.sinks.csv_file import CsvSink
    from holopose.io.sinks.json_file import JsonSink
    from holopose.io.sinks.overlay import OverlaySink
    from holopose.io.sources.images import ImageSource
    from holopose.zoo.engines import Engine
    from holopose.zoo.load import load_estimator

    return [Painter, read_image, CsvSink, JsonSink, OverlaySink, ImageSource, load_estimator, Engine]


def test_parts_keep_no_defaults_of_their_own() -> None:
    compared = set()
    for part in parts_with_options():
        for name, parameter in inspect.signature(part).parameters.items():
            option = next((o for o in OPTIONS if o.name == name), None)
            if option is None or parameter.default is inspect.Parameter.empty:
                continue
            assert parameter.default == option.default, f"{part.__name__}({name}=...)"
            compared.add(name)
    assert {"search", "max_people", "min_score", "style", "max_megapixels", "overwrite", "normalized"} <= compared
