"""The rules of the house, read from the imports: floors, siblings, lazy loading, size, tests beside modules."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import holopose

ROOT = Path(__file__).resolve().parents[1]
SRC = ROOT / "src" / "holopose"

FLOORS: dict[str, int] = {
    **dict.fromkeys(("errors", "types", "protocols", "skeletons"), 0),
    "ops": 1,
    **dict.fromkeys(("runtimes", "models", "estimators", "tracking", "smoothing", "io", "draw"), 2),
    **dict.fromkeys(("datasets", "evaluation", "motion", "nets", "pipeline"), 2),
    **dict.fromkeys(("zoo", "config"), 3),
    **dict.fromkeys(("build", "training", "export"), 4),
    **dict.fromkeys(("cli", "server", "webui", "cluster"), 5),
    "__main__": 6,
}
"""Floor of each unit (module or package directly under holopose). Imports go to lower floors only; the nouns of
floor 0 may name each other. The package itself holds the public names: only the doors (floor 5 up) import it."""

ONLY = {"pipeline": {"protocols", "types"}}
"""Units that may import these and nothing else."""

FAMILIES = ("models",)
"""Packages whose members are ideas of their own and do not import each other either."""

LONG_BY_NATURE: dict[str, str] = {}
MAX_LINES = 400
WITHOUT_TEST = {"__main__.py": "one call of the command line, which has its tests"}
HEAVY = {
    *("torch", "openvino", "onnxruntime", "cv2", "scipy", "PIL", "av", "matplotlib", "pandas", "polars"),
    *("gradio", "ray", "fastapi", "uvicorn", "pydantic", "typer", "rich"),
    *("diffusers", "transformers", "safetensors", "onnx", "onnxscript", "torchvision", "faster_coco_eval"),
}


def module_name(path: Path, top: Path = SRC) -> str:
    """`.../holopose/io/images.py` -> holopose.io.images."""
    parts = path.relative_to(top.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules(top: Path = SRC) -> dict[str, Path]:
    return {module_name(path, top): path for path in sorted(top.rglob("*.py"))}


def imports(name: str, path: Path, known: set[str]) -> Iterator[str]:
    """Modules of this package that `path` imports, anywhere in it: at its top, in functions, for typing only."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "holopose")
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            if base.split(".")[0] == "holopose":
                yield from (full if (full := f"{base}.{a.name}") in known else base for a in node.names)


def unit(name: str) -> str:
    """`holopose.io.images` -> io; the package itself is the empty word."""
    return name.split(".")[1] if "." in name else ""


def why_forbidden(name: str, target: str) -> str | None:
    """What speaks against module `name` importing module `target`; None if nothing does."""
    here, there = unit(name), unit(target)
    if here == "":
        return None if FLOORS.get(there, 0) < 5 else "the public names do not import doors"
    if there == "":
        return None if FLOORS[here] >= 5 else "only doors import the package itself"
    if here == there:
        member, other = (n.split(".")[2] if n.count(".") > 1 else "" for n in (name, target))
        siblings = here in FAMILIES and member and other and member != other
        return f"members of {here} do not import each other" if siblings else None
    if here in ONLY and there not in ONLY[here]:
        return f"{here} uses {' and '.join(sorted(ONLY[here]))} only"
    if FLOORS[here] == FLOORS[there] == 0 or FLOORS[there] < FLOORS[here]:
        return None
    return f"floor {FLOORS[here]} does not import floor {FLOORS[there]}"


def forbidden(top: Path = SRC) -> list[str]:
    found = modules(top)
    return [
        f"{name} imports {target}: {reason}"
        for name, path in found.items()
        for target in sorted(set(imports(name, path, set(found))))
        if (reason := why_forbidden(name, target))
    ]


def broad_handlers(source: str) -> list[int]:
    """Lines that catch everything and do not raise it again."""
    names = {"Exception", "BaseException"}

    def broad(kind: ast.expr | None) -> bool:
        if isinstance(kind, ast.Tuple):
            return any(broad(one) for one in kind.elts)
        return kind is None or (
            isinstance(kind, ast.Name | ast.Attribute) and ast.unparse(kind).split(".")[-1] in names
        )

    lines = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ExceptHandler) and broad(node.type):
            last = node.body[-1]
            if not (isinstance(last, ast.Raise) and last.exc is None):
                lines.append(node.lineno)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "suppress":
            lines += [node.lineno for kind in node.args if broad(kind)]
    return lines


def python(code: str, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a fresh interpreter whose home, temporary folder and working folder are empty."""
    for folder in ("home", "tmp", "here"):
        (home / folder).mkdir(parents=True)
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "SYSTEMROOT": os.environ.get("SYSTEMROOT", ""),
        "HOME": str(home / "home"),
        "USERPROFILE": str(home / "home"),
        "TMPDIR": str(home / "tmp"),
        "PYTHONPATH": str(SRC.parent),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(
        command, cwd=home / "here", env=environment, capture_output=True, text=True, check=False, timeout=120
    )


# Floors --------------------------------------------------------------------------------------------------------------


def test_every_unit_has_a_floor() -> None:
    units = {unit(name) for name in modules()} - {""}
    assert units <= set(FLOORS), f"give these a floor: {sorted(units - set(FLOORS))}"


def test_imports_go_downwards_and_not_to_siblings() -> None:
    assert forbidden() == []


@pytest.mark.parametrize(
    ("path", "line", "caught"),
    [
        ("types.py", "from holopose.ops.boxes import iou", True),
        ("types.py", "from holopose.errors import InputError", False),
        ("ops/boxes.py", "import holopose.io.images", True),
        ("ops/boxes.py", "from ..io import images", True),
        ("ops/boxes.py", "from .crops import warp", False),
        ("draw/painter.py", "from holopose.io.images import read_image", True),
        ("draw/painter.py", "from holopose.ops.boxes import iou", False),
        ("draw/painter.py", "def paint():\n    from holopose import io", True),
        ("models/yolox.py", "from holopose.models.blaze import rects", True),
        ("models/blaze/pose.py", "from holopose.models.blaze.rects import rect", False),
        ("models/blaze/pose.py", "from holopose.models import yolox", True),
        ("pipeline.py", "from holopose.types import Frame", False),
        ("pipeline.py", "from holopose.ops.boxes import iou", True),
        ("zoo/load.py", "from holopose.models.yolox import Yolox", False),
        ("zoo/load.py", "from holopose.config import RunConfig", True),
        ("build.py", "from holopose.zoo.load import load", False),
        ("build.py", "from holopose import estimate", True),
        ("cli/run.py", "from holopose import estimate", False),
        ("server/app.py", "from holopose.cli.run import run", True),
        ("__init__.py", "def f():\n    from holopose.build import build", False),
        ("__init__.py", "from holopose.cli import main", True),
        ("__main__.py", "from holopose.cli import main", False),
    ],
)
def test_the_floor_rule_itself(tmp_path: Path, path: str, line: str, caught: bool) -> None:
    top = tmp_path / "holopose"
    for name in ("ops/boxes", "ops/crops", "io/images", "models/yolox", "models/blaze/rects", "cli/run", path[:-3]):
        file = top / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        (file.parent / "__init__.py").touch()
    (top / path).write_text(line, encoding="utf-8")
    assert bool(forbidden(top)) is caught


# What loading the package does ---------------------------------------------------------------------------------------


def test_importing_holopose_loads_nothing_heavy(tmp_path: Path) -> None:
    light = [name for name in modules() if FLOORS.get(unit(name), 0) == 0]
    code = "import importlib, sys; [importlib.import_module(n) for n in sys.argv[1:]]; print(*sorted(sys.modules))"
    for number, names in enumerate((["holopose"], light)):
        ran = python(code, tmp_path / str(number), *names)
        assert ran.returncode == 0, ran.stderr
        loaded = set(ran.stdout.split())
        assert "holopose" in loaded
        assert loaded.isdisjoint(HEAVY), f"importing {names} loads {sorted(loaded & HEAVY)}"


SIDE_EFFECTS = """
import importlib, json, logging, os, signal, sys, threading
import cv2, numpy  # what these do to the environment is theirs
def state():
    return {
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "threads": threading.active_count(),
        "log handlers": len(logging.getLogger().handlers),
        "signals": [str(signal.getsignal(s)) for s in sorted(signal.valid_signals())],
    }
before = state()
for name in sys.argv[1:]:
    importlib.import_module(name)
after = state()
print(json.dumps({key: [before[key], after[key]] for key in before if before[key] != after[key]}))
"""


def test_importing_any_module_changes_nothing(tmp_path: Path) -> None:
    names = [name for name in modules() if not name.endswith("__main__")]
    if find_spec("torch") is None:
        names = [name for name in names if unit(name) != "nets"]  # torch modules, as the floor says
    ran = python(SIDE_EFFECTS, tmp_path, *names)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    assert ran.stdout.count("\n") == 1, f"importing prints: {ran.stdout}"
    assert json.loads(ran.stdout) == {}
    assert [str(path) for path in tmp_path.rglob("*") if path.is_file()] == []


# Public names --------------------------------------------------------------------------------------------------------


def test_public_names_are_sorted_and_there() -> None:
    def order(name: str) -> tuple[int, list[tuple[int, str]]]:
        """Constants, then classes, then the rest; numbers in them by value (ruff's order)."""
        kind = 0 if name.isupper() else 1 if name[:1].isupper() else 2
        return kind, [(int(number or -1), word) for number, word in re.findall(r"(\d+)|(\D+)", name)]

    assert holopose.__all__ == sorted(holopose.__all__, key=order)
    assert len(set(holopose.__all__)) == len(holopose.__all__) > 0
    missing = [name for name in holopose.__all__ if not hasattr(holopose, name)]
    assert missing == []
    assert set(holopose.__all__) <= set(dir(holopose))


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = holopose.no_such_name


# Files ---------------------------------------------------------------------------------------------------------------


def test_no_long_files() -> None:
    files = [path for folder in ("src", "tests", "benchmarks", "examples") for path in (ROOT / folder).rglob("*.py")]
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert set(LONG_BY_NATURE) <= set(lengths)
    assert {name: n for name, n in lengths.items() if n > MAX_LINES and name not in LONG_BY_NATURE} == {}


def test_every_module_has_its_test() -> None:
    sources = {path.relative_to(SRC) for path in SRC.rglob("*.py") if path.name != "__init__.py"}
    tested = {path for path in sources if (ROOT / "tests" / "unit" / path.parent / f"test_{path.name}").is_file()}
    untested = {path.as_posix() for path in sources - tested}
    assert sorted(untested - set(WITHOUT_TEST)) == []
    assert {name for name in WITHOUT_TEST if (SRC / name).is_file()} <= untested, "an exception is no longer needed"


def test_every_module_says_what_it_owns() -> None:
    docstrings = {
        name: ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) for name, path in modules().items()
    }
    assert docstrings.pop("holopose")
    assert [name for name, text in docstrings.items() if not (text or "").startswith("Owns ")] == []


def test_nothing_catches_everything() -> None:
    found = {name: broad_handlers(path.read_text(encoding="utf-8")) for name, path in modules().items()}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("source", "caught"),
    [
        ("try:\n    f()\nexcept:\n    pass", True),
        ("try:\n    f()\nexcept Exception as e:\n    print(e)", True),
        ("try:\n    f()\nexcept (OSError, BaseException):\n    pass", True),
        ("try:\n    f()\nexcept builtins.Exception:\n    pass", True),
        ("import contextlib\nwith contextlib.suppress(Exception):\n    f()", True),
        ("try:\n    f()\nexcept BaseException:\n    clean()\n    raise", False),
        ("try:\n    f()\nexcept (OSError, ValueError):\n    pass", False),
        ("with suppress(OSError):\n    f()", False),
    ],
)
def test_the_rule_about_catching_itself(source: str, caught: bool) -> None:
    assert bool(broad_handlers(source)) is caught
