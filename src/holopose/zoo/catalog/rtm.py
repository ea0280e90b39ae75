"""Owns the cards of OpenMMLab's real-time family as ONNX: RTMPose, RTMW, DWPose (top-down, SimCC) and RTMO (one stage).

Sources: the tables of mmpose's projects rtmpose and rtmo, rtmlib's list, and the README of IDEA-Research/DWPose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holopose.skeletons import COCO17, FACE106, HALPE26, HAND21, WHOLEBODY133, Skeleton
from holopose.zoo.cards import Card, Licence, Url

if TYPE_CHECKING:
    from holopose.protocols import Estimator, KeypointModel

__all__ = ["RTM"]


def _simcc() -> type[KeypointModel]:
    from holopose.models.simcc import SimccModel

    return SimccModel


def _rtmo() -> type[Estimator]:
    from holopose.models.rtmo import RtmoEstimator

    return RtmoEstimator


_BASE = "https://download.openmmlab.com/mmpose/v1/projects"
_RTMPOSE = f"{_BASE}/rtmposev1/onnx_sdk/rtmpose-"
_RTMW = f"{_BASE}/rtmw/onnx_sdk/rtmw-"
_RTMO = f"{_BASE}/rtmo/onnx_sdk/rtmo-"
_DWPOSE = "https://huggingface.co/yzd-v/DWPose/resolve/main"


def _licence(training_data: str) -> Licence:
    return Licence(
        code="Apache-2.0", weights="Apache-2.0, as their authors say (OpenMMLab)", training_data=training_data
    )


_COCKTAIL = _licence("14 data sets, among them COCO-WholeBody (annotations CC BY-NC 4.0) and others for research only")
_UCOCO = _licence("COCO-WholeBody (annotations CC BY-NC 4.0) and UBody; taught by a larger RTMPose")
_BODY7 = _licence("COCO, AI Challenger, CrowdPose, MPII, sub-JHMDB, Halpe, PoseTrack18: several for research only")
_HAND5 = _licence(
    "five sets of hands, COCO-WholeBody's (annotations CC BY-NC 4.0) and others for research only among them"
)
_FACE6 = _licence("six sets of faces, LaPa and others for research only among them")

_PEAK = "the lower of the peaks along x and y, cut to [0, 1]; no probability"
_WHOLE = "AP on COCO-WholeBody v1.0 val, body/foot/face/hand/whole {}, boxes of a detector (mmpose's protocol)"
_SIZES = {"256": (256, 192), "384": (384, 288)}


def _archive(
    name: str,
    stem: str,
    licence: Licence,
    skeleton: Skeleton,
    input_hw: tuple[int, int],
    *,
    role: str,
    ap: str = "",
    notes: str = "",
    also: tuple[Url, ...] = (),
) -> Card:
    """A SimCC network in mmdeploy's archive `stem`.zip."""
    return Card(
        name=name,
        filename=f"{name}.onnx",
        places=(Url(f"{stem}.zip", "end2end.onnx"), *also),
        licence=licence,
        notes=notes,
        model=name,
        family=_simcc,
        task="top-down",
        role=role,
        settings={"input_hw": input_hw},
        skeleton=skeleton,
        input_hwc=(*input_hw, 3),
        score=_PEAK,
        published=_WHOLE.format(ap) if ap else "",
    )


def _rtmw(size: str, side: str, stem: str, *, ap: str = "", notes: str = "") -> Card:
    return _archive(
        f"rtmw-{size}-{side}",
        f"{_RTMW}{stem}",
        _COCKTAIL,
        WHOLEBODY133,
        _SIZES[side],
        role="133 whole-body keypoints: RTMW",
        ap=ap,
        notes=notes,
    )


def _dwpose(size: str, side: str, code: str, *, ap: str, also: tuple[Url, ...] = (), notes: str = "") -> Card:
    height, width = _SIZES[side]
    return _archive(
        f"dwpose-{size}-{side}",
        f"{_RTMPOSE}{size}_simcc-ucoco_dw-ucoco_270e-{height}x{width}-{code}_20230728",
        _UCOCO,
        WHOLEBODY133,
        (height, width),
        role="133 whole-body keypoints: RTMPose distilled in two stages (DWPose)",
        ap=ap,
        also=also,
        notes=notes,
    )


def _body(size: str, side: str, code: str, *, halpe: bool, date: str, epochs: int) -> Card:
    """RTMPose for 17 or (`halpe`) 26 points of the body."""
    height, width = _SIZES[side]
    data, points = ("body7-halpe26", "halpe26") if halpe else ("body7", "body17")
    return _archive(
        f"rtmpose-{size}-{points}{'-384' * (side == '384')}",
        f"{_RTMPOSE}{size}_simcc-body7_pt-{data}_{epochs}e-{height}x{width}-{code}_{date}",
        _BODY7,
        HALPE26 if halpe else COCO17,
        (height, width),
        role=f"{26 if halpe else 17} keypoints of the body{', with feet' * halpe}: RTMPose",
    )


def _face(size: str, code: str) -> Card:
    return _archive(
        f"rtmpose-{size}-face106",
        f"{_RTMPOSE}{size}_simcc-face6_pt-in1k_120e-256x256-{code}_20230529",
        _FACE6,
        FACE106,
        (256, 256),
        role="106 points of one face: RTMPose",
        notes="Its boxes are faces, not people.",
    )


def _rtmo_card(size: str, schedule: str, code: str) -> Card:
    name = f"rtmo-{size}"
    return Card(
        name=name,
        filename=f"{name}.onnx",
        places=(Url(f"{_RTMO}{size}_{schedule}-600e_body7-640x640-{code}_20231211.zip", "end2end.onnx"),),
        licence=_BODY7,
        model=name,
        family=_rtmo,
        task="estimator",
        role="17 keypoints of everybody at once: RTMO",
        settings={"input_hw": (640, 640)},
        skeleton=COCO17,
        input_hwc=(640, 640, 3),
        score="the network's own, per keypoint: how visible it is; per person, of its box",
    )


RTM: tuple[Card, ...] = (
    _rtmw(
        "m",
        "256",
        "dw-l-m_simcc-cocktail14_270e-256x192_20231122",
        ap=".676/.671/.783/.491/.582",
        notes="The archive that rtmlib takes; mmpose's own page links another name.",
    ),
    _rtmw("l", "256", "dw-x-l_simcc-cocktail14_270e-256x192_20231122", ap=".743/.763/.834/.598/.660"),
    _rtmw("l", "384", "dw-x-l_simcc-cocktail14_270e-384x288_20231122", ap=".761/.793/.884/.663/.701"),
    _rtmw(
        "x",
        "384",
        "x_simcc-cocktail13_pt-ucoco_270e-384x288-0949e3a9_20230925",
        notes="An earlier training than the one of the paper (whole .702), for which no archive is listed.",
    ),
    _dwpose("t", "256", "dcf277bf", ap=".585/.465/.735/.357/.485"),
    _dwpose("s", "256", "3fd922c8", ap=".633/.533/.776/.427/.538"),
    _dwpose("m", "256", "c8b76419", ap=".685/.636/.828/.527/.606"),
    _dwpose("l", "256", "4d6dfc62", ap=".704/.662/.843/.566/.631"),
    _dwpose(
        "l",
        "384",
        "2438fd99",
        ap=".722/.704/.887/.621/.665",
        also=(Url(f"{_DWPOSE}/dw-ll_ucoco_384.onnx"),),
        notes="The weights of dw-ll_ucoco_384.onnx; DWPose's own ONNX code gives it BGR: --adjust bgr=true does.",
    ),
    *(
        _body(size, "256", code, halpe=False, date="20230504", epochs=420)
        for size, code in (("t", "026a1439"), ("s", "acd4a1ef"), ("m", "e48f03d0"), ("l", "4dba18fc"))
    ),
    *(
        _body(size, "384", code, halpe=False, date="20230504", epochs=420)
        for size, code in (("m", "65e718c4"), ("l", "3f5a1437"))
    ),
    _body("x", "384", "71d7b7e9", halpe=False, date="20230629", epochs=700),
    *(
        _body(size, "256", code, halpe=True, date="20230605", epochs=700)
        for size, code in (("t", "6020f8a6"), ("s", "7f134165"), ("m", "4d3e73dd"), ("l", "2abb7558"))
    ),
    *(
        _body(size, "384", code, halpe=True, date=date, epochs=700)
        for size, code, date in (
            ("m", "89e6428b", "20230605"),
            ("l", "734182ce", "20230605"),
            ("x", "7fb6e239", "20230606"),
        )
    ),
    _archive(
        "rtmpose-m-hand21",
        f"{_RTMPOSE}m_simcc-hand5_pt-aic-coco_210e-256x256-74fb594_20230320",
        _HAND5,
        HAND21,
        (256, 256),
        role="21 points of one hand: RTMPose",
        notes="Its boxes are hands, not people: --detector rtmdet-nano-hand.",
    ),
    *(_face(size, code) for size, code in (("t", "df79d9a5"), ("s", "d779fdef"), ("m", "72a37400"))),
    _rtmo_card("s", "8xb32", "dac2bf74"),
    _rtmo_card("m", "16xb16", "39e78cc4"),
    _rtmo_card("l", "16xb16", "b37118ce"),
)
"""Networks in mmdeploy's archives. What the files' hashes are is not published: they hold as they first come."""
