"""Owns the cards of FastPose, the networks of AlphaPose, where they have no deformable convolutions.

Source: the model zoo of MVIG-SJTU/AlphaPose (figures and settings only). None of its files has a lasting address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holopose.skeletons import COCO17, HALPE136, WHOLEBODY133, Skeleton
from holopose.zoo.cards import Card, Licence

if TYPE_CHECKING:
    from holopose.protocols import KeypointModel

__all__ = ["FASTPOSE"]


def _heatmap() -> type[KeypointModel]:
    from holopose.models.heatmap import HeatmapModel

    return HeatmapModel


def _net(**settings: Any) -> Any:
    from holopose.nets.fastpose import FastPose

    return FastPose(**settings)


_OWN = "AlphaPose's own licence: non-commercial use only"
_HEIGHT = "height of the heatmap's peak, cut to [0, 1]; no probability"
_SIGMOID = "sigmoid of the map's peak; not calibrated"
_SCORES = {
    "quarter": _HEIGHT,
    "symmetric-integral": _SIGMOID,
    "combined": f"body and feet: {_HEIGHT}; face and hands: {_SIGMOID}",
}
_INPUT_HW = (256, 192)
_MEAN = (103.53, 116.535, 122.4)  # (0.406, 0.457, 0.480) of 255, for red, green, blue


def _card(name: str, skeleton: Skeleton, decoder: str, data: str, ap: str) -> Card:
    return Card(
        name=name,
        filename=f"{name}.pth",
        places=(),
        licence=Licence(code=_OWN, weights=_OWN, training_data=data, commercial=False),
        notes="From AlphaPose's model zoo, under this name: `holopose models import "
        f"{name}.pth`. Its networks with deformable convolutions (DCN) and of ResNet-152 with DUC are others.",
        model=name,
        family=_heatmap,
        task="top-down",
        role=f"{len(skeleton.keypoints)} keypoints of one person: FastPose, SE-ResNet-50",
        settings={
            "input_hw": _INPUT_HW,
            "decoder": decoder,
            "shift_flip": True,
            "mean": _MEAN,
            "std": (255.0, 255.0, 255.0),
        },
        skeleton=skeleton,
        net=_net,
        net_settings={"maps": len(skeleton.keypoints), "depth": 50},
        outputs=("heatmaps",),
        input_hwc=(*_INPUT_HW, 3),
        score=_SCORES[decoder],
        published=f"AP on {ap}; boxes of YOLOv3-SPP (AlphaPose's model zoo)",
    )


_COCO = "COCO (annotations CC BY 4.0)"
_HALPE = "Halpe-FullBody (non-commercial research only)"
_MULTI = "Halpe-FullBody, COCO-WholeBody, 300W and FreiHAND: for non-commercial research only"
_WHOLE = "COCO-WholeBody (annotations CC BY-NC 4.0)"

FASTPOSE: tuple[Card, ...] = (
    _card("fastpose-r50-body17", COCO17, "quarter", _COCO, "COCO val2017 .720"),
    _card("fastpose-r50-halpe136", HALPE136, "quarter", _HALPE, "Halpe-FullBody val .417"),
    _card("fastpose-r50-halpe136-integral", HALPE136, "symmetric-integral", _HALPE, "Halpe-FullBody val .441"),
    _card("fastpose-r50-multi136-integral", HALPE136, "symmetric-integral", _MULTI, "Halpe-FullBody val .501"),
    _card("fastpose-r50-wholebody-integral", WHOLEBODY133, "symmetric-integral", _WHOLE, "COCO-WholeBody val .554"),
    _card("fastpose-r50-wholebody-combined", WHOLEBODY133, "combined", _WHOLE, "COCO-WholeBody val .578"),
)
"""SE-ResNet-50 with 17, 133 and 136 keypoints."""
