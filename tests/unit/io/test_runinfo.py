"""RunInfo knows the version of holopose and stays as it was made."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

import holopose
from holopose.io.runinfo import RunInfo


def test_version_is_that_of_the_package(run_info: RunInfo) -> None:
    assert run_info.version == holopose.__version__


def test_it_is_frozen(run_info: RunInfo) -> None:
    with pytest.raises(FrozenInstanceError):
        run_info.model = "other"
