"""Owns where results go: one sink per format, and the table that lists them."""

from __future__ import annotations

from collections.abc import Callable

from holopose.io.sinks.alphapose import AlphaPoseSink
from holopose.io.sinks.coco import CocoSink
from holopose.io.sinks.csv_file import CsvSink
from holopose.io.sinks.json_file import JsonSink
from holopose.io.sinks.jsonl_file import JsonlSink
from holopose.io.sinks.openpose import OpenPoseSink
from holopose.io.sinks.overlay import OverlaySink
from holopose.io.sinks.overlay_video import OverlayVideoSink
from holopose.io.sinks.parquet import ParquetSink
from holopose.io.sinks.picture_folder import PictureFolderSink
from holopose.io.sinks.threaded import ThreadedSink
from holopose.io.sinks.trc import TrcSink
from holopose.io.sinks.wide_csv import WideCsvSink
from holopose.protocols import Sink

__all__ = [
    "SINKS",
    "AlphaPoseSink",
    "CocoSink",
    "CsvSink",
    "JsonSink",
    "JsonlSink",
    "OpenPoseSink",
    "OverlaySink",
    "OverlayVideoSink",
    "ParquetSink",
    "PictureFolderSink",
    "ThreadedSink",
    "TrcSink",
    "WideCsvSink",
]

SINKS: dict[str, Callable[..., Sink]] = {
    "json": JsonSink,
    "jsonl": JsonlSink,
    "csv": CsvSink,
    "wide-csv": WideCsvSink,
    "parquet": ParquetSink,
    "trc": TrcSink,
    "coco": CocoSink,
    "openpose": OpenPoseSink,
    "alphapose": AlphaPoseSink,
    "overlay": OverlaySink,
}
"""Name of each format, as `--save` takes it, and what writes it."""
