"""Owns EdgeEstimator, an estimator for tests of what lies around estimators, and pictures for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from holopose.config import RunConfig
from holopose.errors import BackendError
from holopose.skeletons import WHOLEBODY133, Skeleton
from holopose.types import Boxes, Frame, Poses

CONFIG = RunConfig()


class EdgeEstimator:
    """One person per 10 px of width, keypoints along the diagonal; refuses pictures one pixel high."""

    info = {  # noqa: RUF012
        "name": "edge",
        "cards": [{"name": "edge_net", "sha256": "ab" * 32}],
        "runtime": {"name": "none", "version": "1", "device": "CPU", "precision": "f32", "threads": 1},
    }

    def __init__(self, config: RunConfig = CONFIG) -> None:
        self.config = config
        self.seen: list[str] = []

    @property
    def skeleton(self) -> Skeleton:
        return WHOLEBODY133

    def estimate(self, frames: Sequence[Frame]) -> list[Poses]:
        return [self._one(frame) for frame in frames]

    def _one(self, frame: Frame) -> Poses:
        self.seen.append(frame.name)
        width, height = frame.size_wh
        if height == 1:
            raise BackendError("the device refuses this picture")
        count = width // 10
        line = np.linspace([0, 0], [width - 1, height - 1], 133)
        return Poses(
            np.tile(line, (count, 1, 1)),
            np.full((count, 133), 0.9),
            Boxes(np.tile([0.0, 0, width - 1, height - 1], (count, 1)), np.full(count, 0.8)),
            WHOLEBODY133,
            world=np.zeros((count, 133, 3)),
        )

    def reset(self) -> None:
        pass


def save(path: Path, width: int = 20, height: int = 12) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    done, data = cv2.imencode(path.suffix, np.full((height, width, 3), 90, np.uint8))
    assert done
    path.write_bytes(data.tobytes())
    return path


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
