"""Owns how a result is shown: as lines of text, and as one HTML page that needs nothing beside itself."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from holopose.evaluation.protocol import Protocol, refuse_different, unstated
from holopose.evaluation.result import PictureQuality, Result

__all__ = ["Thumbnail", "protocol_lines", "to_html", "to_text"]


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """One picture drawn twice: truth on the left, the answer on the right.

    Attributes:
        picture: Which, and how well it went.
        jpeg: The drawing as a JPEG file.
    """

    picture: PictureQuality
    jpeg: bytes


def protocol_lines(protocol: Protocol) -> list[tuple[str, str]]:
    """A protocol as name and value, what matters most first."""
    files = ", ".join(f"{name} {sha[:12]}" for name, sha in protocol.model_files.items())
    lines = [
        ("model", protocol.model),
        ("model files", files),
        ("runtime", protocol.runtime),
        ("data set", f"{protocol.dataset} ({protocol.kind}, sha256 {protocol.dataset_sha256[:12]})"),
        ("pictures", str(protocol.pictures)),
        ("boxes", f"{protocol.boxes}{f' (sha256 {protocol.boxes_sha256[:12]})' if protocol.boxes_sha256 else ''}"),
        ("flip", protocol.flip),
        ("NMS", protocol.nms),
        ("options", protocol.options),
        ("score rule", protocol.score_rule),
        ("area", protocol.area),
        ("OKS sigmas", protocol.sigmas),
        ("detections", f"at most {protocol.detections} per picture" if protocol.detections else "all"),
        ("crowd bounds", "" if protocol.bounds == "none" else protocol.bounds),
        ("evaluator", protocol.evaluator),
        ("holopose", protocol.holopose),
    ]
    return [(name, value) for name, value in lines if value]


def to_text(result: Result, other: Result | None = None) -> str:
    """The figures as a table, the protocol beneath; beside another result each figure with its difference.

    Args:
        result: What to show.
        other: A result of the same protocol that it is held against.

    Raises:
        ConfigError: the other result was made under a different protocol.
    """
    cells = _cells(result, other)
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    lines = [
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]
    if other is not None:
        lines += ["", f"In brackets: the difference from {other.protocol.model}"]
    lines += ["", *(f"{name + ':':14}{value}" for name, value in protocol_lines(result.protocol))]
    lines += [f"Note: {note}" for note in _notes(result, other)]
    return "\n".join(line.rstrip() for line in lines)


def to_html(result: Result, thumbnails: Sequence[Thumbnail] = (), other: Result | None = None) -> str:
    """The same as a page of its own, with the worst pictures.

    Raises:
        ConfigError: the other result was made under a different protocol.
    """
    head, *rows = _cells(result, other)
    protocol = result.protocol
    title = f"{protocol.model} on {protocol.dataset}"
    body = [
        f"<h1>{_safe(title)}</h1>",
        *(f'<p class="note">{_safe(note)}</p>' for note in _notes(result, other)),
        "<table><thead><tr>" + "".join(f"<th>{_safe(cell)}</th>" for cell in head) + "</tr></thead><tbody>",
        *("<tr><th>" + "</th><td>".join(map(_safe, row[:2])) + "</td>" + _columns(row[2:]) + "</tr>" for row in rows),
        "</tbody></table>",
        *([f"<p>In brackets: the difference from {_safe(other.protocol.model)}.</p>"] if other is not None else []),
        '<h2>Protocol</h2><table class="protocol">',
        *(f"<tr><th>{_safe(name)}</th><td>{_safe(value)}</td></tr>" for name, value in protocol_lines(protocol)),
        "</table>",
        *_worst(thumbnails),
    ]
    return _PAGE.format(title=_safe(title), body="\n".join(body))


def _cells(result: Result, other: Result | None) -> list[list[str]]:
    """Head and rows of the table, as text."""
    if other is not None:
        refuse_different(result.protocol, other.protocol)
    columns = list(dict.fromkeys(column for cells in result.table.values() for column in cells))
    rows = [["", *columns]]
    for row, cells in result.table.items():
        reference = {} if other is None else other.table.get(row, {})
        rows.append([row, *(_figure(cells.get(column), reference.get(column)) for column in columns)])
    return rows


def _figure(value: float | None, other: float | None) -> str:
    if value is None or math.isnan(value):
        return "-"
    shown = f"{value:.3f}"
    return shown if other is None or math.isnan(other) else f"{shown} ({value - other:+.3f})"


def _notes(result: Result, other: Result | None) -> Iterator[str]:
    yield from result.notes
    silent = unstated(result.protocol)
    if silent:
        yield f"nobody stated {', '.join(silent)} of these predictions; figures under other conditions differ by points"
    if other is not None and silent:
        yield "both results leave that open: whether they may be compared is for you to know"


def _worst(thumbnails: Sequence[Thumbnail]) -> Iterator[str]:
    if not thumbnails:
        return
    yield "<h2>Pictures that went worst</h2><p>Left what is labelled, right what was found.</p>"
    for one in thumbnails:
        picture = one.picture
        data = base64.b64encode(one.jpeg).decode("ascii")
        words = f"{picture.name}: quality {picture.quality:.2f}, {picture.labelled} labelled, {picture.found} found"
        yield f'<figure><img src="data:image/jpeg;base64,{data}" alt="">'
        yield f"<figcaption>{_safe(words)}</figcaption></figure>"


def _columns(cells: Sequence[str]) -> str:
    return "".join(f"<td>{_safe(cell)}</td>" for cell in cells)


def _safe(text: str) -> str:
    return html.escape(text)


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem;
  color: #1b1f24; background: #fff; }}
h1 {{ font-size: 1.4rem; }}
h2 {{ font-size: 1.1rem; margin-top: 2rem; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: .25rem .7rem; border-bottom: 1px solid #d9dee4; text-align: right;
  font-variant-numeric: tabular-nums; }}
th:first-child, .protocol td {{ text-align: left; }}
.note {{ border-left: 3px solid #d08700; padding-left: .7rem; }}
figure {{ margin: 1.5rem 0; }}
img {{ max-width: 100%; }}
figcaption {{ color: #59636e; }}
@media (prefers-color-scheme: dark) {{
  body {{ color: #e6e9ed; background: #14171a; }}
  th, td {{ border-color: #343a41; }}
  figcaption {{ color: #9aa4af; }}
}}
</style>
</head>
<body>
{body}
</body>
</html>
"""
