"""Owns MediaPipe's following step by step, behind a line protocol: it runs in another Python with mediapipe installed.

One line of JSON in, one out. ``{"clip": path}`` decodes a clip with OpenCV and runs every frame through a fresh
Holistic graph in video mode, model_complexity 1; ``{"disturbed": path}`` does so after a patch of 40 x 60 px of the
first frame was changed by one grey level. The answer has a list ``frames``: ``crc32`` of the RGB pixels as decoded;
``roi`` that the landmark network looked at (x and y of the centre, width, height as fractions of the picture, angle in
radians; null where there was none); ``pose`` (33 x, y as fractions; null where nobody was found).
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from typing import Any

ROI = "poselandmarkcpu__pose_rect"
"""The stream of the graph that carries the ROI of each frame."""


def run(clip_path: str, *, disturbed: bool) -> list[dict[str, Any]]:
    """MediaPipe's own account of every frame."""
    import cv2
    from mediapipe.python.solution_base import SolutionBase
    from mediapipe.python.solutions import holistic

    graph = SolutionBase(  # as its class Holistic makes it, with one more output
        binary_graph_path=holistic._BINARYPB_FILE_PATH,
        side_inputs={
            "model_complexity": 1,
            "smooth_landmarks": True,
            "enable_segmentation": False,
            "smooth_segmentation": True,
            "refine_face_landmarks": False,
            "use_prev_landmarks": True,
        },
        calculator_params={
            "poselandmarkcpu__posedetectioncpu__TensorsToDetectionsCalculator.min_score_thresh": 0.5,
            "poselandmarkcpu__poselandmarkbyroicpu__tensorstoposelandmarksandsegmentation__ThresholdingCalculator"
            ".threshold": 0.5,
        },
        outputs=["pose_landmarks", ROI],
    )
    frames: list[dict[str, Any]] = []
    clip = cv2.VideoCapture(clip_path)
    while True:
        more, image = clip.read()
        if not more:
            break
        picture: Any = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        crc32 = zlib.crc32(picture.tobytes())
        if disturbed and not frames:
            picture[200:260, 640:680] ^= 1
        found = graph.process(picture)
        roi, pose = getattr(found, ROI), found.pose_landmarks
        frames.append(
            {
                "crc32": crc32,
                "roi": roi and [roi.x_center, roi.y_center, roi.width, roi.height, roi.rotation],
                "pose": pose and [[point.x, point.y] for point in pose.landmark],
            }
        )
    clip.release()
    graph.close()
    return frames


def main() -> None:
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever the libraries print goes to the error output
    import cv2
    import mediapipe

    versions = {"version": mediapipe.__version__, "python": sys.version.split()[0], "opencv": cv2.__version__}
    print(json.dumps(versions), file=answers, flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        disturbed = "disturbed" in order
        frames = run(order["disturbed" if disturbed else "clip"], disturbed=disturbed)
        print(json.dumps({"frames": frames}), file=answers, flush=True)


if __name__ == "__main__":
    main()
