"""Owns the Markdown table of every card, as `docs/models.md` has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from holopose.errors import InputError, OutputError
from holopose.zoo.cards import Card

__all__ = ["HEADINGS", "MARKER", "by_task", "markdown", "update"]

HEADINGS = {
    "estimator": "Models that see all people at once",
    "top-down": "Models that look at one person in a box",
    "detector": "Detectors: what finds the boxes",
}
"""Task of a model -> what it is called."""

MARKER = "<!-- Below this line: written by `holopose models table --update FILE` from the cards. -->"

_COMMERCIAL = {True: "yes", False: "no", None: "unclear"}


def by_task(models: Mapping[str, Sequence[Card]]) -> dict[str, dict[str, Sequence[Card]]]:
    """Task -> its models, in the order of `HEADINGS`; one whose files only work together is an estimator."""
    tasks: dict[str, dict[str, Sequence[Card]]] = {task: {} for task in HEADINGS}
    for name, cards in models.items():
        tasks["estimator" if cards[0].task == "part" else cards[0].task][name] = cards
    return {task: some for task, some in tasks.items() if some}


def markdown(models: Mapping[str, Sequence[Card]]) -> str:
    """A section per task, and the licences that the tables refer to by number."""
    licences: dict[tuple[str, str, str, bool | None], int] = {}
    lines: list[str] = []
    for task, some in by_task(models).items():
        lines += [f"## {HEADINGS[task]}", ""]
        lines += ["| Model | What it gives | Input (h x w) | Keypoints | File | Stated accuracy | Product | Licences |"]
        lines += ["|---|---|---|---|---|---|---|---|"]
        for name, cards in some.items():
            for number, card in enumerate(cards):
                terms = card.licence
                key = (terms.code, terms.weights, terms.training_data, terms.commercial)
                row = [
                    f"`{name}`" if number == 0 else "",
                    ". ".join(part.rstrip(".") for part in (card.role, card.notes) if part),
                    "x".join(map(str, card.input_hwc[:2])),
                    card.skeleton.name if card.skeleton else "",
                    ", ".join(_places(card)) or f"`{card.filename}`, your own export",
                    card.published,
                    _COMMERCIAL[terms.commercial],
                    str(licences.setdefault(key, len(licences) + 1)),
                ]
                lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |")
        lines.append("")
    lines += ["## Licences", "", "| | Code | Weights | Training data | Product |", "|---|---|---|---|---|"]
    for (code, weights, data, commercial), number in licences.items():
        lines.append(f"| {number} | {code} | {weights} | {data} | {_COMMERCIAL[commercial]} |")
    return "\n".join(lines) + "\n"


def update(path: Path, models: Mapping[str, Sequence[Card]]) -> None:
    """Write the table into a Markdown file, below its marker.

    Raises:
        InputError: the file cannot be read, or has no marker.
        OutputError: it cannot be written.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    head, marker, _ = text.partition(MARKER)
    if not marker:
        raise InputError(f"{path}: expected the line {MARKER}")
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(f"{head}{MARKER}\n\n{markdown(models)}", encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def _places(card: Card) -> Iterator[str]:
    for member in card.members:
        yield f"`{member.path.rpartition('/')[2]}` in `{member.wheel.project}` {member.wheel.version}"
    for url in card.urls:
        name = url.address.rpartition("/")[2]
        yield f"[{name}]({url.address}){' (' + url.member + ')' if url.member else ''}"
