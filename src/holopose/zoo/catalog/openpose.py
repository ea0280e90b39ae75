"""Owns the cards of OpenPose's networks, as its Python ports keep them.

Sources: the papers, and the file names that Hzzone/pytorch-openpose and beingjoey/pytorch_openpose_body_25 use. None of
the files has a lasting address.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from holopose.skeletons import HAND21, OPENPOSE18, OPENPOSE25, OPENPOSE60, OPENPOSE67, Skeleton
from holopose.zoo.cards import Card, Licence

if TYPE_CHECKING:
    from holopose.protocols import Estimator, KeypointModel

__all__ = ["OPENPOSE"]


def _openpose() -> type[Estimator]:
    from holopose.models.openpose import OpenPoseEstimator

    return OpenPoseEstimator


def _heatmap() -> type[KeypointModel]:
    from holopose.models.heatmap import HeatmapModel

    return HeatmapModel


def _body18(**settings: Any) -> Any:
    from holopose.nets.openpose import OpenPoseBody18

    return OpenPoseBody18(**settings)


def _body25(**settings: Any) -> Any:
    from holopose.nets.openpose import OpenPoseBody25

    return OpenPoseBody25(**settings)


def _hand(**settings: Any) -> Any:
    from holopose.nets.openpose import OpenPoseHand

    return OpenPoseHand(**settings)


def _licence(training_data: str) -> Licence:
    own = "OpenPose's own licence: academic or non-profit, non-commercial research use only"
    return Licence(code=own, weights=own, training_data=training_data, commercial=False)


_PEAK = "height of the heatmap's peak, cut to [0, 1]; no probability"


def _body(name: str, filename: str, skeleton: Skeleton, net: Callable[..., Any], *, data: str, notes: str) -> Card:
    return Card(
        name=name,
        filename=filename,
        places=(),
        licence=_licence(data),
        notes=f"{notes} You have it? `holopose models import {filename}`.",
        model=name,
        family=_openpose,
        task="estimator",
        role=f"{len(skeleton.keypoints)} keypoints of everybody at once: OpenPose",
        settings={"input_height": 368},
        skeleton=skeleton,
        net=net,
        outputs=("fields", "heatmaps"),
        input_hwc=(368, 656, 3),
        input_range=(-0.5, 255 / 256 - 0.5),
        score=_PEAK,
    )


_BODIES: tuple[Card, ...] = (
    _body(
        "openpose-body25",
        "body_25.pth",
        OPENPOSE25,
        _body25,
        data="COCO and the foot annotations of OpenPose's authors",
        notes="BODY_25 from any Python port that keeps the layer names of the Caffe file.",
    ),
    _body(
        "openpose-body18",
        "body_pose_model.pth",
        OPENPOSE18,
        _body18,
        data="COCO (annotations CC BY 4.0)",
        notes="The COCO network of 2017, as pytorch-openpose has it; to read maps as it does: --adjust variant=port.",
    ),
)

_HAND = Card(
    name="openpose-hand",
    filename="hand_pose_model.pth",
    places=(),
    licence=_licence("pictures from many cameras (CMU Panoptic), MPII and the New Zealand Sign Language exercises"),
    notes="Takes boxes around hands (--boxes, or a detector of hands); it was trained on right ones. You have it? "
    "`holopose models import hand_pose_model.pth`.",
    model="openpose-hand",
    family=_heatmap,
    task="top-down",
    role="21 keypoints of one hand: OpenPose",
    settings={
        "input_hw": (368, 368),
        "decoder": "quarter",
        "mean": (128.0, 128.0, 128.0),
        "std": (256.0, 256.0, 256.0),
        "bgr": True,
        "cell": 3.5 / 8,  # targets lie in the middle of 8 x 8 px
    },
    skeleton=HAND21,
    net=_hand,
    net_settings={"background": False},
    outputs=("heatmaps",),
    input_hwc=(368, 368, 3),
    score=_PEAK,
)


def _with_hands(body: Card, skeleton: Skeleton) -> tuple[Card, Card]:
    """The same body, and a look at the hand network around each wrist: the same two files."""
    model = f"{body.model}-hands"
    whole = replace(
        body,
        name=model,
        model=model,
        skeleton=skeleton,
        role=f"{len(skeleton)} keypoints of everybody at once, hands too: OpenPose",
    )
    hand = replace(
        _HAND,
        name=f"{model}-hand",
        model=model,
        task="part",
        role="the hands, around each wrist",
        argument="hand",
        net_settings={"background": True},
    )
    return whole, hand


OPENPOSE: tuple[Card, ...] = (
    *_BODIES,
    _HAND,
    *_with_hands(_BODIES[0], OPENPOSE67),
    *_with_hands(_BODIES[1], OPENPOSE60),
)
"""BODY_25, COCO-18 and hands."""
