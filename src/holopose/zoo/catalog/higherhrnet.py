"""Owns the cards of HigherHRNet, by its authors.

Source: README of HRNet/HigherHRNet-Human-Pose-Estimation, whose links are to shared drives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holopose.skeletons import COCO17
from holopose.zoo.cards import Card, Licence

if TYPE_CHECKING:
    from holopose.protocols import Estimator

__all__ = ["HIGHERHRNET"]


def _associative() -> type[Estimator]:
    from holopose.models.associative import AssociativeEstimator

    return AssociativeEstimator


def _net(**settings: Any) -> Any:
    from holopose.nets.higherhrnet import HigherHRNet

    return HigherHRNet(**settings)


_AUTHORS = Licence(
    code="MIT", weights="not stated apart from the code's MIT", training_data="COCO (annotations CC BY 4.0)"
)


def _card(width: int, size: int, ap: str) -> Card:
    name = f"higherhrnet-w{width}-{size}"
    filename = f"pose_higher_hrnet_w{width}_{size}.pth"
    return Card(
        name=name,
        filename=filename,
        places=(),
        licence=_AUTHORS,
        notes="The README of HigherHRNet-Human-Pose-Estimation links the file; mmpose's files of the same networks fit "
        f"too (--adjust cell=0 for those of mmpose 1.x). You have it? `holopose models import {filename}`.",
        model=name,
        family=_associative,
        task="estimator",
        role=f"17 keypoints of everybody at once: HigherHRNet-W{width}",
        settings={"input_size": size, "cell": 0.5},
        skeleton=COCO17,
        net=_net,
        net_settings={"maps": 17, "width": width},
        outputs=("heatmaps_and_tags", "heatmaps"),
        input_hwc=(size, size, 3),
        score="height of the heatmap at the keypoint, cut to [0, 1]; no probability",
        published=f"AP on COCO val2017 {ap}; one scale, flip test (its authors)",
    )


HIGHERHRNET: tuple[Card, ...] = (_card(32, 512, ".671"), _card(32, 640, ".685"), _card(48, 640, ".699"))
"""W32 and W48, 17 keypoints."""
