"""Owns the cards of HRNet: whole-body weights of mmpose and ModelScope, body weights of its authors.

Sources: mmpose's table of top-down heatmap networks on COCO-WholeBody, ModelScope's model card, and the README of
deep-high-resolution-net.pytorch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holopose.skeletons import COCO17, WHOLEBODY133
from holopose.zoo.cards import Card, Licence, Url

if TYPE_CHECKING:
    from holopose.protocols import KeypointModel

__all__ = ["HRNET"]


def _heatmap() -> type[KeypointModel]:
    from holopose.models.heatmap import HeatmapModel

    return HeatmapModel


def _net(**settings: Any) -> Any:
    from holopose.nets.hrnet import HRNet

    return HRNet(**settings)


_BASE = "https://download.openmmlab.com/mmpose/top_down/hrnet/"
_OPENMMLAB = Licence(
    code="Apache-2.0",
    weights="Apache-2.0, as their authors say (OpenMMLab)",
    training_data="COCO-WholeBody (annotations CC BY-NC 4.0)",
)
_MODELSCOPE = Licence(
    code="Apache-2.0 (EasyCV)",
    weights="Apache-2.0, as ModelScope's page says",
    training_data="COCO-WholeBody (annotations CC BY-NC 4.0)",
)
_AUTHORS = Licence(
    code="MIT", weights="not stated apart from the code's MIT", training_data="COCO (annotations CC BY 4.0)"
)
_PEAK = "height of the heatmap's peak, cut to [0, 1]; no probability"
_WHOLE = "AP on COCO-WholeBody v1.0 val, {}; boxes COCO_val2017_detections_AP_H_56_person.json, flip test (mmpose)"
_BODY = "AP on COCO val2017 {}; boxes of a detector with person AP 56.4, flip test (its authors)"
_SIZES = {256: (256, 192), 384: (384, 288)}


def _card(
    name: str,
    filename: str,
    licence: Licence,
    *,
    width: int,
    size: int,
    whole: bool,
    kernel: int = 0,
    published: str,
    sha256: str = "",
    notes: str = "",
) -> Card:
    """Weights of one HRNet; `kernel` = blur of the DARK decoder, 0 = decoded by quarter pixels."""
    skeleton = WHOLEBODY133 if whole else COCO17
    own = f"You have it? `holopose models import {filename}`."
    return Card(
        name=name,
        filename=filename,
        sha256=sha256,
        places=(Url(f"{_BASE}{filename}"),) if sha256 else (),
        licence=licence,
        notes=" ".join(part for part in (notes, "" if sha256 else own) if part),
        model=name,
        family=_heatmap,
        task="top-down",
        role=f"{len(skeleton.keypoints)} keypoints of one person: HRNet-W{width}",
        settings={
            "input_hw": _SIZES[size],
            **({"decoder": "dark", "kernel": kernel} if kernel else {"decoder": "quarter"}),
            "shift_flip": True,
        },
        skeleton=skeleton,
        net=_net,
        net_settings={"maps": len(skeleton.keypoints), "width": width},
        outputs=("heatmaps",),
        input_hwc=(*_SIZES[size], 3),
        score=_PEAK,
        published=published,
    )


_PARTS = "body/foot/face/hand/whole {}"
_DARK = _WHOLE.format(_PARTS.format(".742/.707/.841/.602/.661"))
_ELSEWHERE = "mmpose's model zoo links the file; import it under this name."

HRNET: tuple[Card, ...] = (
    _card(
        "hrnet-w48-wholebody-dark",
        "hrnet_w48_coco_wholebody_384x288_dark-f5726563_20200918.pth",
        _OPENMMLAB,
        width=48,
        size=384,
        whole=True,
        kernel=17,
        sha256="f5726563",
        published=f"{_DARK}; AR .807/.806/.892/.694/.743",
        notes="mmpose 1.x decodes with a kernel of 11, which was not what it was trained and published with (17).",
    ),
    _card(
        "hrnet-w48-wholebody",
        "hrnet_w48_coco_wholebody_384x288-6e061c6a_20200922.pth",
        _OPENMMLAB,
        width=48,
        size=384,
        whole=True,
        sha256="6e061c6a",
        published=_WHOLE.format(_PARTS.format(".722/.696/.776/.587/.632")),
    ),
    _card(
        "hrnet-w48-wholebody-256",
        "hrnet_w48_coco_wholebody_256x192.pth",
        _OPENMMLAB,
        width=48,
        size=256,
        whole=True,
        published=_WHOLE.format("whole .579"),
        notes=_ELSEWHERE,
    ),
    _card(
        "hrnet-w32-wholebody-dark-256",
        "hrnet_w32_coco_wholebody_256x192_dark.pth",
        _OPENMMLAB,
        width=32,
        size=256,
        whole=True,
        kernel=11,
        published=_WHOLE.format("whole .582"),
        notes=_ELSEWHERE,
    ),
    _card(
        "hrnet-w48-wholebody-modelscope",
        "cv_hrnetw48_human-wholebody-keypoint_image.pt",
        _MODELSCOPE,
        width=48,
        size=384,
        whole=True,
        kernel=17,
        published="AP on COCO-WholeBody val, body .742, foot .705, face .840, hand .602 (ModelScope's page)",
        notes="The .pt file of ModelScope's cv_hrnetw48_human-wholebody-keypoint_image, under this name. Its own "
        "pipeline takes people from 0.8 on and returns no scores; advised for people larger than 100 x 100 px.",
    ),
    *(
        _card(
            f"hrnet-w{width}-body17-{size}",
            f"pose_hrnet_w{width}_{_SIZES[size][0]}x{_SIZES[size][1]}.pth",
            _AUTHORS,
            width=width,
            size=size,
            whole=False,
            published=_BODY.format(ap),
            notes="The README of deep-high-resolution-net.pytorch links the file.",
        )
        for width, size, ap in ((32, 256, ".744"), (32, 384, ".758"), (48, 256, ".751"), (48, 384, ".763"))
    ),
)
"""HRNet-W32 and W48, 17 and 133 keypoints."""
