from __future__ import annotations

import pytest

from holopose.config import Option, RunConfig, nearest
from holopose.errors import ConfigError


def option(name: str) -> Option:
    return next(one for one in RunConfig.options() if one.name == name)


def test_nearest_ignores_dashes() -> None:
    assert nearest("max-people", [o.name for o in RunConfig.options()]) == "max_people"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("end_s", "2.5", 2.5),
        ("end_s", "none", None),
        ("every", "3", 3),
        ("save", "json,trc", ("json", "trc")),
        ("box", "1,2,3,4.5", ((1, 2, 3, 4.5),)),
        ("adjust", "bgr=true", ("bgr=true",)),
    ],
)
def test_text_is_read_as_the_kind_of_the_option(name: str, text: str, value: object) -> None:
    assert option(name).parse(text) == value


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("end_s", "soon", "end_s: expected a number of at least 0 or none, got 'soon'"),
        ("every", "0", "every: expected a whole number of at least 1, got 0"),
        ("box", "1,2,3", "box: expected boxes of four numbers x1,y1,x2,y2"),
        ("box", "3,2,1,4", "box: expected boxes of four numbers x1,y1,x2,y2"),
        ("smooth", "savgoll", "did you mean 'savgol'"),
    ],
)
def test_what_the_text_cannot_mean_is_said(name: str, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        option(name).parse(text)


def test_flags_are_names_with_dashes() -> None:
    assert option("max_gap_s").flag == "--max-gap-s"
