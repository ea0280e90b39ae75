"""Owns what the tests of identities share: the scenes, and the tracker run over one."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def scenes() -> ModuleType:
    """The module `tests/track_scenes.py`: people known exactly, what is seen of them, and a judge."""
    name = "track_scenes"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[2] / f"{name}.py")
        assert spec
        assert spec.loader
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]
