"""Owns reading result files back: one reader per form; `recognize` has the table that lists them."""

from __future__ import annotations

from holopose.io.readers.alphapose import read_alphapose
from holopose.io.readers.coco import read_coco
from holopose.io.readers.csv_file import read_csv
from holopose.io.readers.json_file import read_document, read_json
from holopose.io.readers.jsonl_file import read_jsonl
from holopose.io.readers.openpose import read_openpose
from holopose.io.readers.recognize import read_results_file

__all__ = [
    "read_alphapose",
    "read_coco",
    "read_csv",
    "read_document",
    "read_json",
    "read_jsonl",
    "read_openpose",
    "read_results_file",
]
