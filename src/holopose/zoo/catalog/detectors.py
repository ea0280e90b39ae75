"""Owns the cards of networks that find people (or hands) for top-down models, and of YOLO's one-stage pose networks.

Sources: Megvii-BaseDetection/YOLOX, the tables of mmpose's project rtmpose, IDEA-Research/DWPose, Ultralytics' names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holopose.skeletons import COCO17
from holopose.zoo.cards import Card, Licence, Url

if TYPE_CHECKING:
    from holopose.protocols import Detector, Estimator

__all__ = ["DETECTORS"]


def _yolox() -> type[Detector]:
    from holopose.models.yolox import YoloxDetector

    return YoloxDetector


def _rtmdet() -> type[Detector]:
    from holopose.models.rtmdet import RtmDetector

    return RtmDetector


def _yolo() -> type[Detector]:
    from holopose.models.yolo import YoloDetector

    return YoloDetector


def _yolo_pose() -> type[Estimator]:
    from holopose.models.yolo import YoloPose

    return YoloPose


_MEGVII = "https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0"
_SDK = "https://download.openmmlab.com/mmpose/v1/projects/rtmposev1/onnx_sdk"
_DWPOSE = "https://huggingface.co/yzd-v/DWPose/resolve/main"
_BOX = "objectness times class, 0 to 1; not calibrated"

_COCO = Licence(
    code="Apache-2.0",
    weights="Apache-2.0 (Megvii)",
    training_data="COCO (annotations CC BY 4.0; its pictures under Flickr's terms)",
    commercial=True,
)
_HUMANART = Licence(
    code="Apache-2.0",
    weights="Apache-2.0, as their authors say (OpenMMLab)",
    training_data="COCO and Human-Art (for research only)",
)
_HANDS = Licence(
    code="Apache-2.0",
    weights="Apache-2.0, as their authors say (OpenMMLab)",
    training_data="sets of hands, some for research only",
)
_ULTRALYTICS = Licence(
    code="AGPL-3.0 (of the export; none of it is used here)",
    weights="AGPL-3.0, or bought from Ultralytics",
    training_data="COCO (annotations CC BY 4.0; its pictures under Flickr's terms)",
    commercial=False,
)


def _megvii(size: str, side_px: int, *, sha256: str = "", size_bytes: int = 0) -> Card:
    name = f"yolox-{size}"
    return Card(
        name=name,
        filename=f"{name}.onnx",
        sha256=sha256,
        size=size_bytes,
        places=(Url(f"{_MEGVII}/yolox_{size}.onnx"),),
        licence=_COCO,
        model=name,
        family=_yolox,
        task="detector",
        role="finds people: YOLOX on COCO, raw output",
        settings={"input_hw": (side_px, side_px)},
        input_hwc=(side_px, side_px, 3),
        score=_BOX,
    )


def _humanart(size: str, side_px: int, code: str, person_ap: str) -> Card:
    name = f"yolox-{size}-humanart"
    return Card(
        name=name,
        filename=f"{name}.onnx",
        places=(Url(f"{_SDK}/yolox_{size}_8xb8-300e_humanart-{code}.zip", "end2end.onnx"),),
        licence=_HUMANART,
        model=name,
        family=_yolox,
        task="detector",
        role="finds people: YOLOX on COCO and Human-Art, suppression inside",
        settings={"input_hw": (side_px, side_px)},
        input_hwc=(side_px, side_px, 3),
        score=_BOX,
        published=f"AP of people on COCO val {person_ap} (mmpose's table)",
    )


def _ultralytics(name: str, *, pose: bool = False) -> Card:
    return Card(
        name=name,
        filename=f"{name}.onnx",
        places=(),
        licence=_ULTRALYTICS,
        notes="Ultralytics publishes it as a .pt file, which is read by running its AGPL code: export it there (`yolo "
        f"export model={name}.pt format=onnx`), then `holopose models import {name}.onnx`.",
        model=name,
        family=_yolo_pose if pose else _yolo,
        task="estimator" if pose else "detector",
        role="17 keypoints of everybody at once: YOLO" if pose else "finds people: YOLO on COCO",
        settings={"input_hw": (640, 640)},
        skeleton=COCO17 if pose else None,
        input_hwc=(640, 640, 3),
        score="per keypoint, how visible it is; per person, of its box" if pose else "of the class, 0 to 1",
    )


DETECTORS: tuple[Card, ...] = (
    _megvii(
        "nano",
        416,
        sha256="e8af074932d4ed7e232278e3055cefcdea3edf178874a3694ae292649fb464dd",
        size_bytes=3_678_356,
    ),
    _megvii("tiny", 416),
    *(_megvii(size, 640) for size in ("s", "m", "l", "x")),
    *(
        _humanart(size, side_px, code, person_ap)
        for size, side_px, code, person_ap in (
            ("nano", 416, "40f6f0d0", "38.9"),
            ("tiny", 416, "6f3252f9", "47.7"),
            ("s", 640, "3ef259a7", "54.6"),
            ("m", 640, "c2c7a14a", "59.1"),
            ("l", 640, "ce1d7a62", "60.2"),
            ("x", 640, "a39d44ed", "61.3"),
        )
    ),
    Card(
        name="yolox-l-dwpose",
        filename="yolox-l-dwpose.onnx",
        places=(Url(f"{_DWPOSE}/yolox_l.onnx"),),
        licence=_COCO,
        notes="The detector that DWPose's ONNX code comes with.",
        model="yolox-l-dwpose",
        family=_yolox,
        task="detector",
        role="finds people: YOLOX on COCO, raw output",
        settings={"input_hw": (640, 640)},
        input_hwc=(640, 640, 3),
        score=_BOX,
    ),
    Card(
        name="rtmdet-nano-hand",
        filename="rtmdet-nano-hand.onnx",
        places=(Url(f"{_SDK}/rtmdet_nano_8xb32-300e_hand-267f9c8f.zip", "end2end.onnx"),),
        licence=_HANDS,
        notes="Finds hands, not people: for rtmpose-m-hand21.",
        model="rtmdet-nano-hand",
        family=_rtmdet,
        task="detector",
        finds="hands",
        role="finds hands: RTMDet",
        settings={"input_hw": (320, 320)},
        input_hwc=(320, 320, 3),
        score="of the class, 0 to 1; not calibrated",
    ),
    *(_ultralytics(f"{version}{size}") for version in ("yolo11", "yolov8") for size in "nsmlx"),
    *(_ultralytics(f"{version}{size}-pose", pose=True) for version in ("yolo11", "yolov8") for size in "nsmlx"),
)
"""Detectors, and pose networks of the same makers."""
