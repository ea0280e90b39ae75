"""Owns how the command line speaks: results on stdout, one line per error on stderr."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["complain", "one_line", "say", "say_table", "telling_interruption"]

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # but for tab and line feed


def one_line(message: BaseException | str) -> str:
    """An error or a text in one line, whatever file names it quotes."""
    return " ".join(str(message).splitlines()) or type(message).__name__


def say(text: str) -> None:
    """A line for the user, or for whatever reads our output."""
    sys.stdout.write(_encodable(text, sys.stdout.encoding) + "\n")
    sys.stdout.flush()


def complain(error: BaseException | str) -> None:
    """One line about something that went wrong."""
    sys.stderr.write(_encodable(f"holopose: {one_line(error)}", sys.stderr.encoding) + "\n")
    sys.stderr.flush()


@contextlib.contextmanager
def telling_interruption(what_stays: str) -> Iterator[None]:
    """While in it, Ctrl-C and SIGTERM end with a line that says what stays."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):  # commands end by typer.Exit; SystemExit comes of a signal
        complain(f"interrupted; {what_stays}")
        raise


def say_table(table: Table) -> None:
    """A table; as wide as it needs where the output is not a terminal, so that nothing is cut off in a log."""
    from rich.console import Console

    console = Console() if sys.stdout.isatty() else Console(width=200, soft_wrap=True)
    console.print(table)


def _encodable(text: str, encoding: str | None) -> str:
    """The text with what the output cannot show (a file name's odd bytes, an old terminal) escaped.

    Control characters too, with which a file name could command a terminal.
    """
    encoding = encoding or "utf-8"
    text = _CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
    return text.encode(encoding, "backslashreplace").decode(encoding)
