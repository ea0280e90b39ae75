"""Owns the cards of ViTPose++: the authors' files for whole bodies, Hugging Face's for bodies, and ready ONNX files.

Sources: the READMEs of ViTAE-Transformer/ViTPose and JunkyByte/easy_ViTPose, and the model pages of usyd-community and
nielsr on Hugging Face.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from holopose.skeletons import COCO17, WHOLEBODY133
from holopose.zoo.cards import Card, Licence, Url

if TYPE_CHECKING:
    from holopose.protocols import KeypointModel

__all__ = ["VITPOSE"]


def _heatmaps() -> type[KeypointModel]:
    from holopose.models.heatmap import HeatmapModel

    return HeatmapModel


def _net(**settings: Any) -> Any:
    from holopose.nets.vitpose import ViTPose

    return ViTPose(**settings)


_HUB = "https://huggingface.co"
_SETS = (
    "COCO, AI Challenger, MPII, AP-10K, APT-36K (several for research only), COCO-WholeBody (annotations CC BY-NC 4.0)"
)
_LICENCE = Licence(code="Apache-2.0", weights="Apache-2.0, as their authors say (ViTPose)", training_data=_SETS)
_PEAK = "peak of the keypoint's heatmap, cut to [0, 1]: near 1 where the network is sure; no probability"
_WHOLE = "whole AP {} on COCO-WholeBody val, as the authors state"
_SETTINGS: Mapping[str, Any] = {"input_hw": (256, 192), "decoder": "udp", "kernel": 11, "padding": 1.25, "udp": True}


def _tensors(size: str, *, ap: str) -> Card:
    """One of the authors' files, which hold all six data sets' experts and heads."""
    model = f"vitpose-plus-{size}-wholebody"
    return Card(
        name=model,
        filename=f"vitpose+_{size}.pth",
        places=(Url(f"{_HUB}/nielsr/vitpose-original-checkpoints/resolve/main/vitpose%2B_{size}.pth"),),
        licence=_LICENCE,
        notes="The file holds experts and heads for six data sets; the whole-body ones are taken.",
        model=model,
        family=_heatmaps,
        task="top-down",
        role=f"133 points of a person in a box: ViTPose++, {size}",
        settings=_SETTINGS,
        skeleton=WHOLEBODY133,
        net=_net,
        net_settings={"size": size, "keypoints": 133, "head": "classic", "dataset": "wholebody"},
        outputs=("heatmaps",),
        input_hwc=(256, 192, 3),
        score=_PEAK,
        published=ap and _WHOLE.format(ap),
    )


def _hugging_face(size: str) -> Card:
    """One of Hugging Face's files, which have all experts but only COCO's head."""
    model = f"vitpose-plus-{size}-body17"
    return Card(
        name=model,
        filename=f"vitpose-plus-{size}.safetensors",
        places=(Url(f"{_HUB}/usyd-community/vitpose-plus-{size}/resolve/main/model.safetensors"),),
        licence=_LICENCE,
        notes="The file has experts for six data sets but only the head with COCO's 17 points.",
        model=model,
        family=_heatmaps,
        task="top-down",
        role=f"17 points of a person in a box: ViTPose++, {size}",
        settings=_SETTINGS,
        skeleton=COCO17,
        net=_net,
        net_settings={"size": size, "keypoints": 17, "head": "classic", "dataset": "coco", "norm_eps": 1e-12},
        outputs=("heatmaps",),
        input_hwc=(256, 192, 3),
        score=_PEAK,
    )


def _ready(letter: str, *, ap: str) -> Card:
    """One of easy_ViTPose's files: the whole-body part as a network of its own."""
    model = f"easy-vitpose-{letter}-wholebody"
    filename = f"vitpose-{letter}-wholebody.onnx"
    return Card(
        name=model,
        filename=filename,
        places=(Url(f"{_HUB}/JunkyByte/easy_ViTPose/resolve/main/onnx/wholebody/{filename}"),),
        licence=_LICENCE,
        notes="Needs no torch.",
        model=model,
        family=_heatmaps,
        task="top-down",
        role=f"133 points of a person in a box: ViTPose++, {letter}, as ONNX",
        settings=_SETTINGS,
        skeleton=WHOLEBODY133,
        outputs=("heatmaps",),
        input_hwc=(256, 192, 3),
        score=_PEAK,
        published=_WHOLE.format(ap),
    )


VITPOSE: tuple[Card, ...] = (
    _tensors("small", ap="54.4"),
    _tensors("base", ap="57.4"),
    _tensors("large", ap="60.6"),
    _tensors("huge", ap=""),
    *(_hugging_face(size) for size in ("small", "base", "large", "huge")),
    _ready("s", ap="54.4"),
    _ready("b", ap="57.4"),
    _ready("l", ap="60.6"),
)
"""ViTPose++ (Xu et al., 2023)."""
