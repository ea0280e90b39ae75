"""Owns rtmlib behind a line protocol: it runs in another Python with rtmlib and onnxruntime installed.

One line of JSON in, one out. ``{"open": {"detector": path, "detector_hw": [h, w], "model": path, "model_hw": [h, w],
"threads": n, "device": "cpu", "min_score": s}}`` loads both networks, in ONNX Runtime as rtmlib sets it up;
``{"load": path}`` decodes a picture and keeps it; ``{"run": path}`` times one call on it: ``{"ms": 312.5, "boxes":
[[x1, y1, x2, y2], ...], "xy": [[[x, y], ...], ...], "score": [[s, ...], ...]}``.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before its import


class Rtmlib:
    """Detector and pose model as rtmlib's own solutions put them together; people only."""

    def __init__(self, settings: dict[str, Any]) -> None:
        import onnxruntime
        from rtmlib import YOLOX, RTMPose

        height, width = settings["model_hw"]
        options: dict[str, Any] = {"backend": "onnxruntime", "device": settings["device"]}
        self.detector = YOLOX(
            settings["detector"],
            model_input_size=tuple(settings["detector_hw"]),
            det_mode="multiclass",  # else chairs and dogs would be people too
            score_thr=settings["min_score"],
            **options,
        )
        self.model = RTMPose(settings["model"], model_input_size=(width, height), **options)
        if settings["threads"]:  # rtmlib leaves them to ONNX Runtime, which takes all processors
            for tool in (self.detector, self.model):
                chosen = onnxruntime.SessionOptions()
                chosen.intra_op_num_threads = settings["threads"]
                tool.session = onnxruntime.InferenceSession(
                    tool.onnx_model, chosen, providers=tool.session.get_providers()
                )
        self.device = self.model.session.get_providers()[0]

    def __call__(self, image: Any) -> tuple[Any, Any, Any]:
        """Boxes, keypoints and scores of the people."""
        boxes, classes = self.detector(image)
        boxes = boxes[classes == 0]
        if len(boxes) == 0:  # given no boxes, rtmlib takes the whole picture for a person
            return boxes, [], []
        return boxes, *self.model(image, bboxes=boxes)


def main() -> None:
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever the libraries print goes to the error output
    from importlib.metadata import version

    import cv2
    import numpy as np
    import onnxruntime

    versions = {"rtmlib": version("rtmlib"), "onnxruntime": onnxruntime.__version__, "python": sys.version.split()[0]}
    print(json.dumps(versions), file=answers, flush=True)
    pictures: dict[str, Any] = {}
    rtmlib: Rtmlib | None = None
    for line in sys.stdin:
        order = json.loads(line)
        answer: dict[str, Any]
        if "open" in order:
            rtmlib = Rtmlib(order["open"])
            answer = {"device": rtmlib.device}
        elif "load" in order:
            pictures[order["load"]] = cv2.imread(order["load"], cv2.IMREAD_COLOR)
            answer = {"loaded": pictures[order["load"]] is not None}
        else:
            assert rtmlib is not None
            picture = pictures[order["run"]]
            start = time.perf_counter()
            boxes, xy, score = rtmlib(picture)
            ms = (time.perf_counter() - start) * 1e3
            answer = {"ms": ms} | {
                name: np.asarray(array, np.float64).tolist()
                for name, array in (("boxes", boxes), ("xy", xy), ("score", score))
            }
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
