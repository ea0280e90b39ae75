"""Owns reading result files back: one reader per form, and the table that lists them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from holopose.io.readers.json_file import read_document, read_json
from holopose.io.results import Results

__all__ = ["READERS", "read_document", "read_json"]

READERS: dict[str, Callable[[Path | str], Results]] = {
    ".json": read_json,
}
"""Ending of a file's name, and what reads it."""
