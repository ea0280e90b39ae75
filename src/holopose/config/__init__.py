"""Owns configuration: the options of a run, one flat set for Python, TOML and the command line."""

from __future__ import annotations

from holopose.config.option import Option, nearest
from holopose.config.run_config import GROUPS, RunConfig

__all__ = ["GROUPS", "Option", "RunConfig", "nearest"]
