"""Owns where results go: one sink per format, and the table that lists them."""

from __future__ import annotations

from holopose.io.sinks.csv_file import CsvSink
from holopose.io.sinks.json_file import JsonSink
from holopose.io.sinks.overlay import OverlaySink

__all__ = ["SINKS", "CsvSink", "JsonSink", "OverlaySink"]

SINKS: dict[str, type[JsonSink] | type[CsvSink] | type[OverlaySink]] = {
    "json": JsonSink,
    "csv": CsvSink,
    "overlay": OverlaySink,
}
"""Name of each format, as `--save` takes it, and what writes it."""
