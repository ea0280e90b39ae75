"""Flags are made of options: one each, with its words, its choices and its default; given ones win over a file."""

from __future__ import annotations

import inspect
import typing
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from holopose.cli.flags import choose, give_flags
from holopose.config import RunConfig
from holopose.errors import ConfigError


def command(*groups: str) -> tuple[typer.Typer, list[dict[str, Any]]]:
    """A program with the flags of these groups, and what it was called with."""
    calls: list[dict[str, Any]] = []

    def show(name: str, **options: Any) -> None:
        """Show."""
        calls.append({"name": name, **options})

    give_flags(show, RunConfig.options(*groups))
    app = typer.Typer()
    app.command()(show)
    return app, calls


def test_one_flag_per_option_and_none_for_what_is_not_given() -> None:
    app, calls = command("drawing")
    ran = CliRunner().invoke(app, ["x", "--style", "classic", "--no-draw-boxes", "--line-width", "3"])
    assert ran.exit_code == 0, ran.output
    [call] = calls
    assert set(call) == {"name"} | {option.name for option in RunConfig.options("drawing")}
    given = {name: value for name, value in call.items() if value is not None}
    assert given == {"name": "x", "style": "classic", "draw_boxes": False, "line_width": "3"}
    assert choose(call) == RunConfig(style="classic", line_width=3.0)


def test_flags_of_other_groups_are_not_there() -> None:
    app, _ = command("drawing")
    ran = CliRunner().invoke(app, ["x", "--search", "whole"])
    assert ran.exit_code == 2
    assert "--search" in ran.output


def test_help_says_choices_and_defaults() -> None:
    def show(**options: Any) -> None:
        """Show."""

    give_flags(show, RunConfig.options("drawing", "people"))
    hints = typing.get_type_hints(show, include_extras=True)
    helps = {name: hints[name].__metadata__[0].help for name in inspect.signature(show).parameters}
    assert helps["background"].endswith("One of picture, black, white, transparent. Default: picture.")
    assert "Any of body,feet,face,left_hand,right_hand. Default: body,feet" in helps["draw_parts"]
    assert helps["draw_boxes"].endswith("Default: no.")
    assert helps["draw_threshold"].endswith("Default: 0.3.")
    assert helps["max_people"].endswith("Default: none.")


def test_flags_win_over_a_file(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text('style = "classic"\nmax_people = 3\nsave = ["json"]\n', encoding="utf-8")
    given = {"style": None, "max_people": "none", "save": "csv,json", "world": False}
    assert choose(given, path) == RunConfig(style="classic", save=("csv", "json"), world=False)
    assert choose({}) == RunConfig()


def test_a_value_that_is_not_accepted() -> None:
    with pytest.raises(ConfigError, match="draw_threshold: expected a number from 0 to 1, got 'much'"):
        choose({"draw_threshold": "much"})
