"""Owns Result: a table of figures with the protocol they were made under, to and from JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holopose.errors import InputError
from holopose.evaluation.protocol import Protocol

__all__ = ["FORMAT", "PictureQuality", "Result", "Table", "read_result"]

Table = Mapping[str, Mapping[str, float]] | dict[str, dict[str, float]]
"""Row -> column -> figure; NaN where nobody was to be found."""

FORMAT = "holopose-evaluation/1"


@dataclass(frozen=True, slots=True)
class PictureQuality:
    """How well one picture went.

    Attributes:
        name: File name of the picture.
        quality: 0 to 1: mean OKS, or mean closeness of the points; NaN = nobody is to be found in it.
        labelled: How many people are to be found.
        found: How many were.
    """

    name: str
    quality: float
    labelled: int
    found: int


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What an evaluation gave.

    Attributes:
        table: The figures.
        protocol: Under which they were made.
        pictures: Each picture's quality, in the data set's order.
        notes: Sentences that a reader of the figures should know.
        predictions_sha256: Of the file with the predictions that were judged; empty = they were not kept.
    """

    table: Table
    protocol: Protocol
    pictures: Sequence[PictureQuality] = ()
    notes: Sequence[str] = ()
    predictions_sha256: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For JSON: a figure that is not defined is null."""
        return {
            "format": FORMAT,
            "figures": {row: {key: _plain(value) for key, value in cells.items()} for row, cells in self.table.items()},
            "protocol": self.protocol.to_dict(),
            "notes": list(self.notes),
            "predictions_sha256": self.predictions_sha256,
            "pictures": [
                {"name": one.name, "quality": _plain(one.quality), "labelled": one.labelled, "found": one.found}
                for one in self.pictures
            ],
        }

    def to_json(self) -> str:
        """The same as text."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_result(path: Path | str) -> Result:
    """A result from its JSON file.

    Raises:
        InputError: the file cannot be read or is none.
    """
    try:
        content = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise InputError(f"{path}: expected the result of an evaluation: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected the result of an evaluation, got something that is not JSON") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"{path}: expected the result of an evaluation (report.json of holopose eval)")
    try:
        protocol = Protocol.from_dict(content.get("protocol"))
        table = {
            str(row): {str(key): math.nan if value is None else float(value) for key, value in cells.items()}
            for row, cells in content["figures"].items()
        }
        pictures = [
            PictureQuality(
                str(one["name"]),
                math.nan if one["quality"] is None else float(one["quality"]),
                int(one["labelled"]),
                int(one["found"]),
            )
            for one in content["pictures"]
        ]
        notes = [str(note) for note in content["notes"]]
        return Result(table, protocol, pictures, notes, str(content["predictions_sha256"]))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: expected the result of an evaluation, got a damaged one ({error})") from error


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
