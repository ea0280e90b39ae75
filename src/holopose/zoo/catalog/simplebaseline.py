"""Owns the cards of SimpleBaseline: whole-body weights of mmpose (RGB), body weights of Microsoft (BGR).

Sources: mmpose's table of top-down heatmap networks on COCO-WholeBody, README of human-pose-estimation.pytorch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holopose.skeletons import COCO17, WHOLEBODY133, Skeleton
from holopose.zoo.cards import Card, Licence, Url

if TYPE_CHECKING:
    from holopose.protocols import KeypointModel

__all__ = ["SIMPLEBASELINE"]


def _heatmap() -> type[KeypointModel]:
    from holopose.models.heatmap import HeatmapModel

    return HeatmapModel


def _net(**settings: Any) -> Any:
    from holopose.nets.simplebaseline import SimpleBaseline

    return SimpleBaseline(**settings)


_BASE = "https://download.openmmlab.com/mmpose/top_down/resnet/"
_OPENMMLAB = Licence(
    code="Apache-2.0",
    weights="Apache-2.0, as their authors say (OpenMMLab)",
    training_data="COCO-WholeBody (annotations CC BY-NC 4.0)",
)
_MICROSOFT = Licence(
    code="MIT",
    weights="MIT repository, whose README says that all models are provided for research purpose",
    training_data="COCO (annotations CC BY 4.0)",
)
_PEAK = "height of the heatmap's peak, cut to [0, 1]; no probability"
_WHOLE = "AP on COCO-WholeBody v1.0 val, {}; boxes COCO_val2017_detections_AP_H_56_person.json, flip test (mmpose)"
_BODY = "AP on COCO val2017 {}; boxes of a detector with person AP 56.4, flip test (its authors)"
_SIZES = {256: (256, 192), 384: (384, 288)}


def _card(
    name: str, depth: int, size: int, *, skeleton: Skeleton, settings: dict[str, Any], published: str, **file: Any
) -> Card:
    """Weights of one network; `file` = what the card says of the file itself."""
    return Card(
        name=name,
        **file,
        model=name,
        family=_heatmap,
        task="top-down",
        role=f"{len(skeleton.keypoints)} keypoints of one person: SimpleBaseline, ResNet-{depth}",
        settings={"input_hw": _SIZES[size], "decoder": "quarter", "shift_flip": True, **settings},
        skeleton=skeleton,
        net=_net,
        net_settings={"maps": len(skeleton.keypoints), "depth": depth},
        outputs=("heatmaps",),
        input_hwc=(*_SIZES[size], 3),
        score=_PEAK,
        published=published,
    )


def _whole(depth: int, size: int, sha256: str, ap: str) -> Card:
    height, width = _SIZES[size]
    filename = f"res{depth}_coco_wholebody_{height}x{width}-{sha256}_20201004.pth"
    return _card(
        f"simplebaseline-r{depth}-wholebody-{size}",
        depth,
        size,
        skeleton=WHOLEBODY133,
        settings={},
        published=_WHOLE.format(ap),
        filename=filename,
        sha256=sha256,
        places=(Url(f"{_BASE}{filename}"),),
        licence=_OPENMMLAB,
    )


def _body(depth: int, size: int, ap: str) -> Card:
    height, width = _SIZES[size]
    filename = f"pose_resnet_{depth}_{height}x{width}.pth.tar"
    return _card(
        f"simplebaseline-r{depth}-body17-{size}",
        depth,
        size,
        skeleton=COCO17,
        settings={"bgr": True},
        published=_BODY.format(ap),
        filename=filename,
        places=(),
        licence=_MICROSOFT,
        notes="Takes blue, green, red, with mean and deviation of red, green, blue in that order: so it was trained. "
        "The README of human-pose-estimation.pytorch links the file (no tar in spite of its name; a .pth of "
        f"HRNet's authors holds the same). You have it? `holopose models import {filename}`.",
    )


SIMPLEBASELINE: tuple[Card, ...] = (
    _whole(50, 256, "9e37ed88", "whole .521"),
    _whole(50, 384, "ce11e294", "body/foot/face/hand/whole .666/.634/.731/.536/.574"),
    _whole(101, 256, "7325f982", "whole .531"),
    _whole(101, 384, "6c137b9a", "whole .597"),
    _whole(152, 256, "5de8ae23", "whole .548"),
    _whole(152, 384, "eab8caa8", "body/foot/face/hand/whole .704/.693/.751/.559/.610"),
    _body(50, 256, ".704"),
    _body(50, 384, ".722"),
    _body(101, 256, ".714"),
    _body(101, 384, ".736"),
    _body(152, 256, ".720"),
    _body(152, 384, ".743"),
)
"""ResNet-50, 101 and 152, 17 and 133 keypoints."""
