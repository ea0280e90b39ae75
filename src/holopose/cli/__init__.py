"""Owns the command line: one file per command; it translates and computes nothing."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from holopose.errors import HoloposeError

__all__ = ["create_app", "main"]

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `holopose` with `arguments` (those of this process by default) and exit.

    Exit codes: 0 fine, 1 some inputs failed or something needs mending, 2 wrong use or no usable input, 3 models,
    4 runtime or device, 5 results cannot be written, 130 interrupted.
    """
    from holopose.cli.console import complain

    with contextlib.suppress(ValueError):  # not the main thread: signals are somebody else's business
        for name in ("SIGTERM", "SIGHUP"):  # so that half-written files are removed on the way out
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # not under nohup
                signal.signal(number, _terminate)
    try:
        create_app()(args=None if arguments is None else list(arguments), prog_name="holopose")
    except HoloposeError as error:
        complain(error)
        sys.exit(error.exit_code)
    except MemoryError as error:
        complain(
            f"not enough memory for this{f' ({error})' if str(error) else ''}; smaller pictures or a smaller model do"
        )
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # whoever read our output has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _terminate(number: int, _: object) -> None:
    sys.exit(128 + number)


def create_app() -> typer.Typer:
    """The whole command tree; command modules import nothing heavy until they run."""
    from holopose.cli import bench, convert, demo, doctor, eval, models, render, run, sample

    app = typer.Typer(
        name="holopose",
        help="Whole-body pose for everybody in the picture: 133 keypoints per person, nothing sent anywhere.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    app.command("run", no_args_is_help=True)(run.run)
    app.command("demo")(demo.demo)
    app.command("render", no_args_is_help=True)(render.render)
    app.command("sample", no_args_is_help=True)(sample.sample)
    app.command("convert", no_args_is_help=True)(convert.convert)
    app.add_typer(models.app, name="models")
    app.command("doctor")(doctor.doctor)
    app.command("bench")(bench.bench)
    app.command("eval", no_args_is_help=True)(eval.evaluate)
    return app


def _show_version(value: bool) -> None:
    if value:
        from holopose import __version__

        typer.echo(f"holopose {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass
