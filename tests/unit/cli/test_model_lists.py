"""How models and files are shown."""

from __future__ import annotations

import pytest

from holopose.cli import model_lists
from holopose.zoo import cache
from holopose.zoo.catalog import MODELS, PICTURES


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOLOPOSE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HOLOPOSE_MODEL_DIR", raising=False)


def test_a_model_of_several_files_is_named_once(capsys):
    model_lists.show({"estimator": MODELS["blaze"], "pictures": PICTURES}, "files")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Models that see all people at once"
    assert [line.split()[0] for line in lines[2:10]] == ["blaze", *(card.name for card in MODELS["blaze"][1:])]
    assert "Demo pictures" in lines


def test_the_size_of_a_file_that_is_here_is_shown_though_nobody_publishes_it(capsys):
    cards = MODELS["rtmo-s"]
    model_lists.show({"estimator": cards}, "files")
    assert " ? " in capsys.readouterr().out
    cache.target(cards[0]).parent.mkdir(parents=True)
    cache.target(cards[0]).write_bytes(bytes(1_500_000))
    assert model_lists.is_here(cards[0])
    model_lists.show({"estimator": cards}, "files")
    assert " 1.5 " in capsys.readouterr().out


def test_nothing_to_show(capsys):
    model_lists.show({}, "files")
    assert capsys.readouterr().out == "none\n"
