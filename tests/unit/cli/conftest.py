"""Owns what tests of the command line share: running it in this process, a model that finds nobody, a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from holopose.build import parts
from holopose.cli import main
from holopose.config import RunConfig
from holopose.ops.laps import lap
from holopose.skeletons import WHOLEBODY133, Skeleton
from holopose.types import Frame, Poses

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def holopose(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line in this process: exit code, stdout, stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        code = ended.value.code
        return (code if isinstance(code, int) else 0, *capsys.readouterr())

    return call


class NobodyEstimator:
    """Finds nobody; tells of its stages."""

    def __init__(self) -> None:
        self.info = {"name": "nobody", "runtime": {"name": "none", "device": "CPU"}}

    @property
    def skeleton(self) -> Skeleton:
        return WHOLEBODY133

    def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
        with lap("search"):
            return [Poses.empty(WHOLEBODY133) for _ in frames]

    def reset(self) -> None:
        pass


@pytest.fixture
def configs(monkeypatch: pytest.MonkeyPatch) -> list[RunConfig]:
    """Configurations that a model was loaded for; the model finds nobody."""
    loaded: list[RunConfig] = []

    def fake(config: RunConfig) -> NobodyEstimator:
        loaded.append(config)
        return NobodyEstimator()

    monkeypatch.setattr(parts, "build_estimator", fake)
    return loaded


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A small grey picture."""
    done, data = cv2.imencode(".png", np.full((30, 40, 3), 90, np.uint8))
    assert done
    path = tmp_path / "a picture.png"
    path.write_bytes(data.tobytes())
    return path
