"""Owns what all tests share: the folder of real pictures and reference answers, and hypothesis' settings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

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
