"""Owns the card of torchvision's Keypoint R-CNN, which the user's own torchvision runs.

Source: torchvision's documentation of ``KeypointRCNN_ResNet50_FPN_Weights.COCO_V1``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holopose.skeletons import COCO17
from holopose.zoo.cards import Card, Licence, Url

if TYPE_CHECKING:
    from holopose.protocols import Estimator

__all__ = ["TORCHVISION"]


def _keypoint_rcnn() -> type[Estimator]:
    from holopose.models.keypoint_rcnn import KeypointRcnn

    return KeypointRcnn


def _net(**settings: Any) -> Any:
    from holopose.nets.keypoint_rcnn import KeypointRcnnNet

    return KeypointRcnnNet(**settings)


TORCHVISION: tuple[Card, ...] = (
    Card(
        name="keypoint-rcnn",
        filename="keypointrcnn_resnet50_fpn_coco-fc266e95.pth",
        sha256="fc266e95",
        places=(Url("https://download.pytorch.org/models/keypointrcnn_resnet50_fpn_coco-fc266e95.pth"),),
        licence=Licence(
            code="BSD-3-Clause",
            weights="not stated apart from the code's BSD-3-Clause",
            training_data="COCO (annotations CC BY 4.0); backbone from ImageNet (research only)",
        ),
        notes="Run by your own torchvision (0.13 or later), which holopose does not install: take the one that "
        "belongs to your torch.",
        model="keypoint-rcnn",
        family=_keypoint_rcnn,
        task="estimator",
        role="17 keypoints and the box of everybody at once: Keypoint R-CNN, ResNet-50-FPN",
        settings={"min_score": 0.5},
        skeleton=COCO17,
        net=_net,
        prefix="model.",
        outputs=("boxes", "labels", "scores", "keypoints", "keypoints_scores"),
        input_hwc=(800, 1333, 3),
        score="sigmoid of the height of the keypoint's heatmap before softmax: an order, no probability",
        published="box AP 54.6, keypoint AP 65.0 on COCO val2017 (torchvision)",
    ),
)
"""Keypoint R-CNN."""
