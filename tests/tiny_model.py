"""Owns a model of the smallest size: a card, its torch module and its file, made where a test needs them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from holopose.models.heatmap import HeatmapModel
from holopose.skeletons import COCO17
from holopose.zoo.cards import Card, Licence
from seeded_nets import seed_by_name

__all__ = ["INPUT_HW", "TinyNet", "tiny_card"]

INPUT_HW = (64, 48)


class TinyNet(nn.Module):
    """(N, 3, 64, 48) -> heatmaps (N, 17, 16, 12)."""

    def __init__(self, gain: float = 1.0) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, 2, 1)
        self.norm = nn.BatchNorm2d(8)
        self.last = nn.Conv2d(8, 17, 3, 2, 1)
        self.gain = gain

    def forward(self, x: Tensor) -> Tensor:
        """Heatmaps."""
        return self.gain * self.last(torch.relu(self.norm(self.first(x)))).sigmoid()


def tiny_card(folder: Path, *, net: Any = TinyNet, **changes: Any) -> tuple[Card, Path]:
    """A card whose file, with seeded tensors, lies in `folder`, and where."""
    path = folder / "tiny.pth"
    torch.save(seed_by_name(TinyNet()).state_dict(), path)
    facts: dict[str, Any] = {
        "name": "tiny",
        "filename": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "size": path.stat().st_size,
        "places": (),
        "licence": Licence(code="none", weights="none", training_data="none"),
        "model": "tiny",
        "family": lambda: HeatmapModel,
        "task": "top-down",
        "role": "for tests",
        "settings": {"input_hw": INPUT_HW, "decoder": "quarter"},
        "net_settings": {"gain": 1.0},
        "skeleton": COCO17,
        "net": net,
        "input_hwc": (*INPUT_HW, 3),
        "score": "none",
    }
    return Card(**{**facts, **changes}), path
