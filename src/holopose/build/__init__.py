"""Owns assembly: from a RunConfig to sources, estimators, painters and sinks, and whole runs made of them.

`estimate`, `stream` and `paint` are the three functions most people need.
"""

from __future__ import annotations

from holopose.build.clips import stream
from holopose.build.names import name_results
from holopose.build.outcomes import Outcome, Progress, Summary
from holopose.build.parts import (
    build_estimator,
    build_painter,
    build_pipeline,
    build_sinks,
    build_source,
)
from holopose.build.runs import run_files
from holopose.build.stills import estimate, paint

__all__ = [
    "Outcome",
    "Progress",
    "Summary",
    "build_estimator",
    "build_painter",
    "build_pipeline",
    "build_sinks",
    "build_source",
    "estimate",
    "name_results",
    "paint",
    "run_files",
    "stream",
]
