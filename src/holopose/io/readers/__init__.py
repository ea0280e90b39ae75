"""Owns reading result files back: one reader per form, and the table that lists them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from holopose.io.readers.csv_file import read_csv
from holopose.io.readers.json_file import read_document, read_json
from holopose.io.readers.jsonl_file import read_jsonl
from holopose.io.results import Results

__all__ = ["READERS", "read_csv", "read_document", "read_json", "read_jsonl"]

READERS: dict[str, Callable[[Path | str], Results]] = {
    ".json": read_json,
    ".jsonl": read_jsonl,
    ".csv": read_csv,
}
"""Ending of a file's name, and what reads it."""
