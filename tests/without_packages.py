"""Command lines in an interpreter where some packages are not installed, whatever this one has."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Done", "run_without"]

_SCRIPT = """
import contextlib, io, json, sys

missing = set(sys.argv[1].split(","))


class Without:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in missing else self.finder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(self.finder, name)


sys.meta_path[:] = map(Without, sys.meta_path)
from holopose.cli import main

for line in json.load(sys.stdin):
    out, err, code = io.StringIO(), io.StringIO(), None
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(line)
        except SystemExit as ended:
            code = ended.code or 0
    print(json.dumps([code, out.getvalue(), err.getvalue()]))
assert missing.isdisjoint(sys.modules)
"""


@dataclass(frozen=True)
class Done:
    """What became of a command line: its exit code and what it wrote."""

    code: int
    out: str
    err: str


def run_without(packages: str, *lines: Sequence[object]) -> list[Done]:
    """Run command lines one after the other in a process of their own.

    Args:
        packages: Names of the packages that cannot be imported there, joined by commas.
        *lines: Arguments of `holopose`, each.
    """
    told = json.dumps([[str(word) for word in line] for line in lines])
    command = [sys.executable, "-c", _SCRIPT, packages]
    done = subprocess.run(command, input=told, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return [Done(*json.loads(line)) for line in done.stdout.splitlines()]
