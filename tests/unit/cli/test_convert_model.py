"""`holopose models convert`: its table, its pictures, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from holopose.errors import ModelError
from holopose.export import convert
from holopose.export.convert import Conversion
from holopose.export.parity import PartParity

Run = Callable[..., tuple[int, str, str]]

ROW = PartParity(part="body", points=34, only_one=0, mean=0.0123, largest=0.2, score=1e-4)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    calls: list[Any] = []

    def fake(model: str, frames: Any, **options: Any) -> Conversion:
        calls.append((model, [frame.name for frame in frames], options))
        if model == "odd":
            raise ModelError("odd: the ONNX form answers too far from the original")
        return Conversion(Path("kept") / "model.onnx", (ROW,), 2, "OpenVINO CPU f32")

    monkeypatch.setattr(convert, "convert_model", fake)
    return calls


def test_parity_is_told_per_part(holopose: Run, asked: list[Any], picture: Path) -> None:
    code, stdout, stderr = holopose("models", "convert", "net", "--to", "onnx", "--picture", picture, "--limit", "2.5")
    assert (code, stderr) == (0, "")
    assert asked == [("net", [str(picture)], {"limit": 2.5})]
    for words in ("body", "34", "0.0123", "2 people", "OpenVINO CPU f32", str(Path("kept") / "model.onnx")):
        assert words in stdout


def test_the_limit_is_the_conversion_s_own(holopose: Run, asked: list[Any], picture: Path) -> None:
    holopose("models", "convert", "net", "--picture", picture)
    assert asked[0][2] == {"limit": convert.LIMIT}


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (("odd",), 3, "odd: the ONNX form answers too far"),
        (("net", "--to", "tflite"), 2, "to: expected onnx, got 'tflite'"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    holopose: Run, asked: list[Any], picture: Path, *, arguments: tuple[str, ...], code: int, line: str
) -> None:
    ended, stdout, stderr = holopose("models", "convert", *arguments, "--picture", picture)
    assert (ended, stdout, stderr.count("\n")) == (code, "", 1)
    assert line in stderr


def test_pictures_that_are_none_are_named(holopose: Run, asked: list[Any], tmp_path: Path) -> None:
    code, _, stderr = holopose("models", "convert", "net", "--picture", tmp_path / "none.jpg")
    assert code == 2
    assert "none.jpg" in stderr
    assert not asked


def test_a_wrong_name_is_told_before_pictures_are_fetched(
    holopose: Run, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holopose.zoo.fetch.locate_all", lambda assets: pytest.fail("something is fetched"))
    code, _, stderr = holopose("models", "convert", "hrnet-w32-body17-265")
    assert code == 2
    assert "no model is called 'hrnet-w32-body17-265'; did you mean 'hrnet-w32-body17-256'" in stderr
    assert not asked


def test_help_names_the_extra(holopose: Run) -> None:
    code, stdout, _ = holopose("models", "convert", "--help")
    assert (code, 'pip install "holopose[convert]"' in " ".join(stdout.split())) == (0, True)
