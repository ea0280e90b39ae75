"""Owns MediaPipe Holistic in video mode behind a line protocol: it runs in another Python with mediapipe installed.

One line of JSON in, one out. ``{"clip": path}`` decodes a clip with OpenCV and runs every frame through a fresh
instance, model_complexity 1: ``{"frames": 205, "found": 205, "seconds": 7.1}``; decoding counts, loading does not.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main() -> None:
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever the libraries print goes to the error output
    import cv2
    import mediapipe
    import numpy as np

    print(json.dumps({"version": mediapipe.__version__, "python": sys.version.split()[0]}), file=answers, flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        with mediapipe.solutions.holistic.Holistic(model_complexity=1) as holistic:
            holistic.process(np.zeros((64, 64, 3), np.uint8))  # loads the networks
            holistic.reset()
            clip = cv2.VideoCapture(order["clip"])
            frames = found = 0
            start = time.perf_counter()
            while True:
                more, image = clip.read()
                if not more:
                    break
                result = holistic.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
                frames += 1
                found += result.pose_landmarks is not None
            seconds = time.perf_counter() - start
        print(json.dumps({"frames": frames, "found": found, "seconds": seconds}), file=answers, flush=True)


if __name__ == "__main__":
    main()
