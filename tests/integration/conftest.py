"""Owns reaching what tests of the whole need: the benchmark scripts, the model files, real pictures."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from holopose.errors import ModelError
from holopose.io.images import read_image
from holopose.models.blaze.estimator import BlazeEstimator
from holopose.types import Frame
from holopose.zoo.catalog import PICTURES
from holopose.zoo.fetch import locate
from holopose.zoo.load import load_estimator

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def benchmark_script(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """A function that imports a script of `benchmarks/` by its name, beside which its siblings are found."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


@pytest.fixture(scope="session")
def loaded() -> Callable[..., BlazeEstimator]:
    """Loads the blaze model, once per set of options; skips where its files are not here and cannot be fetched."""

    @functools.cache
    def load(**options: object) -> BlazeEstimator:
        try:
            return load_estimator(**options)  # type: ignore[arg-type]
        except ModelError as error:
            pytest.skip(str(error))

    return load


@pytest.fixture(scope="session")
def demo_picture() -> Callable[[str], Frame]:
    """Reads ``bus.jpg`` or ``zidane.jpg``; skips where it is not here and cannot be fetched."""

    @functools.cache
    def read(name: str) -> Frame:
        [asset] = [one for one in PICTURES if one.filename == name]
        try:
            return read_image(locate(asset))
        except ModelError as error:
            pytest.skip(str(error))

    return read
