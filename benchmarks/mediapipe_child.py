"""Owns MediaPipe Holistic behind a line protocol: it runs in another Python (3.9 to 3.12) with mediapipe installed.

One line of JSON in, one out. ``{"load": path}`` decodes a picture and keeps it; ``{"run": path}`` times one call on it:
``{"ms": 38.2, "people": 1}``. One instance serves all calls, static mode, model_complexity 1.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any


def main() -> None:
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever the libraries print goes to the error output
    import cv2
    import mediapipe

    pictures: dict[str, Any] = {}
    with mediapipe.solutions.holistic.Holistic(static_image_mode=True, model_complexity=1) as holistic:
        print(
            json.dumps({"version": mediapipe.__version__, "python": sys.version.split()[0]}), file=answers, flush=True
        )
        for line in sys.stdin:
            order = json.loads(line)
            if "load" in order:
                image = cv2.imread(order["load"], cv2.IMREAD_COLOR)
                pictures[order["load"]] = None if image is None else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
                answer: dict[str, Any] = {"loaded": image is not None}
            else:
                picture = pictures[order["run"]]
                start = time.perf_counter()
                found = holistic.process(picture)
                answer = {"ms": (time.perf_counter() - start) * 1e3, "people": int(found.pose_landmarks is not None)}
            print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
