from __future__ import annotations

import io

import pytest
import typer
from rich.table import Table

from holopose.cli.console import complain, one_line, say, say_table, telling_interruption
from holopose.errors import InputError


@pytest.mark.parametrize(
    ("message", "line"),
    [("plain", "plain"), ("a\nb\r\nc", "a b c"), ("two  spaces", "two  spaces"), ("", "InputError")],
)
def test_an_error_is_one_line(message: str, line: str) -> None:
    assert one_line(InputError(message)) == line


def test_results_and_errors_go_their_own_ways(capsys: pytest.CaptureFixture[str]) -> None:
    say("found")
    complain(InputError("bad.jpg: empty"))
    assert capsys.readouterr() == ("found\n", "holopose: bad.jpg: empty\n")


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_an_interruption_is_told_and_goes_on(capsys: pytest.CaptureFixture[str], kind: type[BaseException]) -> None:
    with pytest.raises(kind), telling_interruption("a.json stays"):
        raise kind
    assert capsys.readouterr() == ("", "holopose: interrupted; a.json stays\n")


@pytest.mark.parametrize("error", [InputError("bad"), typer.Exit(3)])
def test_other_ends_are_no_interruption(capsys: pytest.CaptureFixture[str], error: Exception) -> None:
    with pytest.raises(type(error)), telling_interruption("a.json stays"):
        raise error
    assert capsys.readouterr() == ("", "")


def test_a_name_cannot_command_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    say("\x1b[2Ja.jpg\tb\nc\x9b")
    complain("\x1b]0;title\x07.jpg: empty")
    assert capsys.readouterr() == ("\\x1b[2Ja.jpg\tb\nc\\x9b\n", "holopose: \\x1b]0;title\\x07.jpg: empty\n")


@pytest.mark.parametrize("text", ["图片.jpg", "caf\u00e9", "undecodable \udcff name"])
def test_what_the_output_cannot_show_is_escaped(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    for encoding in ("utf-8", "ascii", "cp1252"):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
        monkeypatch.setattr("sys.stdout", stream)
        say(text)
        shown = stream.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
        assert shown == text.encode(encoding, "backslashreplace").decode(encoding) + "\n"


def test_a_table_in_a_log_is_not_cut_off(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(box=None)
    table.add_column("path", overflow="fold")
    table.add_row("x" * 150)
    say_table(table)
    assert "x" * 150 in capsys.readouterr().out
