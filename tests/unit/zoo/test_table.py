"""The Markdown table of every card; the committed page is up to date."""

from __future__ import annotations

from pathlib import Path

import pytest

from holopose.errors import InputError
from holopose.zoo.catalog import MODELS
from holopose.zoo.table import MARKER, by_task, markdown, update

PAGE = Path(__file__).resolve().parents[3] / "docs" / "models.md"


def test_the_page_is_up_to_date():
    text = PAGE.read_text(encoding="utf-8").partition(MARKER)[2].strip()
    assert text == markdown(MODELS).strip(), "write it anew: holopose models table --update docs/models.md"


def test_every_card_and_licence_is_in_it():
    text = markdown(MODELS)
    for name, cards in MODELS.items():
        assert f"| `{name}` |" in text
        for card in cards:
            assert card.role in text
            assert f"| {card.licence.code} | {card.licence.weights} | {card.licence.training_data} |" in text
            for url in card.urls:
                assert f"({url.address})" in text


def test_rows_have_as_many_cells_as_their_heading():
    for section in markdown(MODELS).split("## "):
        rows = [line for line in section.splitlines() if line.startswith("|")]
        assert len({row.count("|") for row in rows}) <= 1


def test_every_model_has_one_task():
    tasks = by_task(MODELS)
    assert list(tasks) == ["estimator", "top-down", "detector"]
    assert sorted(name for some in tasks.values() for name in some) == sorted(MODELS)
    assert "blaze" in tasks["estimator"]


def test_update_keeps_what_people_wrote(tmp_path):
    page = tmp_path / "models.md"
    page.write_text(f"# Models\n\nBy hand.\n\n{MARKER}\n\nold\n", encoding="utf-8")
    update(page, MODELS)
    assert page.read_text(encoding="utf-8") == f"# Models\n\nBy hand.\n\n{MARKER}\n\n{markdown(MODELS)}"
    assert [path.name for path in tmp_path.iterdir()] == ["models.md"]
    page.write_text("no marker", encoding="utf-8")
    with pytest.raises(InputError, match="expected the line"):
        update(page, MODELS)
    with pytest.raises(InputError, match="cannot be read"):
        update(tmp_path / "absent.md", MODELS)
