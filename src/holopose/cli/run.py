"""Owns `holopose run`: pictures in, results in a folder; its options are the fields of RunConfig, one to one."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Annotated, Any

import typer

from holopose.cli.console import complain, one_line, say
from holopose.config import GROUPS, Option, RunConfig
from holopose.errors import ConfigError

__all__ = ["run"]


def run(
    inputs: Annotated[
        list[Path] | None, typer.Argument(metavar="INPUT...", help="Pictures: JPEG, PNG, WebP, TIFF, AVIF and more.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="DIR", help="Folder for the results.")] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE.toml", help="Options from a file; flags win over it.")
    ] = None,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print the options as TOML instead of running.")
    ] = False,
    **options: Any,
) -> None:
    """Find everybody in pictures; write JSON, CSV and an overlay picture each.

    One set of files per picture, named after it: OUT/photo.json, OUT/photo.csv, OUT/photo.overlay.png.

    Exit code 0: all done; 1: some failed (a line each on stderr), the others are done; 2: none could be read, or an
    option is wrong; 3: models; 4: device; 5: results cannot be written.
    """
    chosen = _choose(config, options)
    if print_config:
        say(chosen.to_toml())
        return
    if not inputs:
        raise ConfigError("run: expected at least one picture; for example: holopose run photo.jpg -o out")
    if out is None:
        raise ConfigError("run: expected a folder for the results; for example: holopose run photo.jpg -o out")
    from holopose import build

    def report(outcome: build.Outcome) -> None:
        if outcome.error is not None:
            complain(outcome.error)
            return
        found = "1 person" if outcome.people == 1 else f"{outcome.people} people"
        say(one_line(f"{outcome.path}: {found}, {outcome.time_s:.2f} s -> {', '.join(map(str, outcome.files))}"))

    summary = build.run_files(inputs, out, chosen, report)
    raise typer.Exit(summary.exit_code)


def _choose(path: Path | None, texts: dict[str, Any]) -> RunConfig:
    """The file's options, or the defaults, with the flags that were given on top."""
    base = RunConfig() if path is None else RunConfig.from_toml(path)
    given = {option: texts[option.name] for option in RunConfig.options() if texts.get(option.name) is not None}
    values = {o.name: o.parse(value) if isinstance(value, str) else value for o, value in given.items()}
    return base.replace(**values)


def _parameter(option: Option) -> inspect.Parameter:
    """The flag of one option: not given = None, so that a file's value stays."""
    declared = f"{option.flag}/--no-{option.flag[2:]}" if option.kind == "bool" else option.flag
    metavar = {"int": "N", "float": "X", "names": "A,B,...", "str": "NAME"}.get(option.kind)
    choices = f" One of {', '.join(option.choices)}." if option.kind == "str" and option.choices else ""
    choices = f" Any of {','.join(option.choices)}." if option.kind == "names" else choices
    setting = typer.Option(
        declared,
        help=f"{option.help}{choices} Default: {_shown(option.default)}.",
        metavar=metavar,
        rich_help_panel=GROUPS[option.group],
    )
    kind = bool if option.kind == "bool" else str
    return inspect.Parameter(
        option.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, setting]
    )


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return "yes" if default else "no"
    if isinstance(default, tuple):
        return ",".join(default)
    return f"{default:g}" if isinstance(default, float) else "none" if default is None else str(default)


def _give_flags() -> None:
    """Put one flag per option where `**options` stands in the signature that typer reads."""
    signature = inspect.signature(run, eval_str=True)
    fixed = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    flags = [_parameter(option) for option in RunConfig.options()]
    run.__signature__ = signature.replace(parameters=[*fixed, *flags])  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in [*fixed, *flags]} | {"return": None}


_give_flags()
