"""Owns the flags of options: the fields of RunConfig as command line options, one to one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from holopose.config import GROUPS, Option, RunConfig

__all__ = ["choose", "give_flags"]


def give_flags(command: Callable[..., None], options: Sequence[Option]) -> None:
    """Put one flag per option where ``**options`` stands in the signature that typer reads.

    What is not given on the command line arrives as None.
    """
    signature = inspect.signature(command, eval_str=True)
    fixed = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    flags = [_parameter(option) for option in options]
    command.__signature__ = signature.replace(parameters=[*fixed, *flags])  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in [*fixed, *flags]} | {"return": None}


def choose(given: Mapping[str, Any], path: Path | None = None) -> RunConfig:
    """The file's options, or the defaults, with the flags that were given on top.

    Args:
        given: Values by option name as typer hands them over: text, yes or no, None for what was not given.
        path: A TOML file.

    Raises:
        ConfigError: the file cannot be used, or a value is not accepted.
    """
    base = RunConfig() if path is None else RunConfig.from_toml(path)
    values = {option: given[option.name] for option in RunConfig.options() if given.get(option.name) is not None}
    return base.replace(**{o.name: o.parse(value) if isinstance(value, str) else value for o, value in values.items()})


def _parameter(option: Option) -> inspect.Parameter:
    """The flag of one option: not given = None, so that a file's value stays."""
    declared = f"{option.flag}/--no-{option.flag[2:]}" if option.kind == "bool" else option.flag
    metavar = {
        "int": "N",
        "float": "X",
        "names": "A,B,...",
        "str": "NAME",
        "boxes": "X1,Y1,X2,Y2",
        "words": "NAME=VALUE",
    }.get(option.kind)
    choices = f" One of {', '.join(option.choices)}." if option.kind == "str" and option.choices else ""
    choices = f" Any of {','.join(option.choices)}." if option.kind == "names" else choices
    setting = typer.Option(
        declared,
        help=f"{option.help}{choices} Default: {_shown(option.default)}.",
        metavar=metavar,
        rich_help_panel=GROUPS[option.group],
    )
    kind: Any = {"bool": bool, "boxes": list[str], "words": list[str]}.get(option.kind, str)
    return inspect.Parameter(
        option.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, setting]
    )


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return "yes" if default else "no"
    if isinstance(default, tuple):
        return ",".join(default) or "none"
    return f"{default:g}" if isinstance(default, float) else "none" if default is None else str(default)
