"""Owns what all tests share: the folder of real pictures and answers, made-up scenes, and hypothesis' settings."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # tests ask whether ONNX Runtime is there by importing it

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with `data/` and `reference/`: HOLOPOSE_SHARED, or `shared` beside the project."""
    named = os.environ.get("HOLOPOSE_SHARED")
    folder = Path(named) if named else ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"no shared folder at {folder}: set HOLOPOSE_SHARED to run this test")
    return folder


@pytest.fixture(scope="session")
def blaze_scenes() -> ModuleType:
    """The module `blaze_scenes.py` beside this file: pictures of people known exactly, and networks that see them."""
    name = "blaze_scenes"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        assert spec
        assert spec.loader
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]
