"""Owns recognising a result file by what it holds, whatever it is called, and reading it as that."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from holopose.errors import InputError
from holopose.io.readers.alphapose import read_alphapose
from holopose.io.readers.coco import read_coco
from holopose.io.readers.csv_file import read_csv
from holopose.io.readers.foreign import load_json
from holopose.io.readers.json_file import read_json
from holopose.io.readers.jsonl_file import read_jsonl
from holopose.io.readers.openpose import read_openpose
from holopose.io.records import LINES_SCHEMA, SCHEMA
from holopose.io.results import Results

__all__ = ["FORMS", "SIZED", "read_results_file", "recognize"]

FORMS: dict[str, Callable[..., Results]] = {
    "json": read_json,
    "jsonl": read_jsonl,
    "csv": read_csv,
    "coco": read_coco,
    "openpose": read_openpose,
    "alphapose": read_alphapose,
}
"""Name of each form that can be read, and what reads it."""

SIZED = ("coco", "openpose", "alphapose")
"""Forms that do not say how large the pictures are."""

_HEAD_BYTES = 4096
_EXPECTED = "a result file (JSON, JSON Lines or CSV of holopose, COCO, OpenPose, AlphaPose)"


def read_results_file(path: Path | str, size_wh: tuple[int, int] | None = None) -> Results:
    """A result file of any form in `FORMS`, recognised by what it holds.

    Args:
        path: The file; a folder for OpenPose.
        size_wh: Size of the pictures in pixels, for forms that do not hold it.

    Raises:
        InputError: it cannot be read, is of no such form, or is damaged.
    """
    form = recognize(path)
    return FORMS[form](path, size_wh) if form in SIZED else FORMS[form](path)


def recognize(path: Path | str) -> str:
    """The form of a result file: a key of `FORMS`.

    Raises:
        InputError: it cannot be read, or is of no such form.
    """
    try:
        if Path(path).is_dir():
            return "openpose"
        with Path(path).open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: expected {_EXPECTED}: {getattr(error, 'strerror', None) or error}") from error
    if head.startswith(b"PAR1"):
        raise InputError(f"{path}: Parquet is written but not read back; give the JSON or CSV of the same run")
    text = head.decode("utf-8-sig", "replace").lstrip()
    if text.startswith("PathFileType"):
        raise InputError(f"{path}: TRC is written but not read back; give the JSON or CSV of the same run")
    if text.startswith(("{", "[")):
        form = _form_of_lines(text) or _form_of_json(load_json(path, _EXPECTED))
    else:
        header = {column.strip('"') for column in text.partition("\n")[0].strip().split(",")}
        form = "csv" if header & {"keypoint", "box_left"} else None
    if form is None:
        raise InputError(f"{path}: expected {_EXPECTED}, got something else")
    return form


def _form_of_lines(text: str) -> str | None:
    """The form of holopose's own JSON, which its first line says, without reading it all."""
    start = text.replace(" ", "")[:200]
    for schema, form in ((LINES_SCHEMA, "jsonl"), (SCHEMA, "json")):
        if f'"schema":{json.dumps(schema)}' in start:
            return form
    return None


def _form_of_json(content: Any) -> str | None:
    if isinstance(content, list):
        first = content[0] if content else {}
        if not isinstance(first, dict) or (content and "keypoints" not in first):
            return None
        return "alphapose" if {"box", "idx"} & set(first) else "coco"
    if "schema" in content:
        return "json"
    if {"images", "annotations"} <= set(content):
        return "coco"
    if isinstance(content.get("people"), list):
        return "openpose"
    pictures = list(content.values())
    if pictures and all(isinstance(one, dict) and {"bodies", "people"} & set(one) for one in pictures):
        return "alphapose"
    return None
