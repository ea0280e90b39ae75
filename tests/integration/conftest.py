"""Owns reaching the benchmark scripts from tests."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def benchmark_script(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """A function that imports a script of `benchmarks/` by its name, beside which its siblings are found."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module
