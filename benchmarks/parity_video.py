"""Owns the parity figures for clips: holopose following one person against MediaPipe Holistic's stored answers.

    python benchmarks/parity_video.py [--mediapipe-python PATH | --no-mediapipe]

holopose follows one person by MediaPipe's own rules (search ``whole``, MediaPipe's filters) through the shared folder's
video.avi; errors are distances in pixels between the same of the 33 landmarks. Two facts about the reference hold here
too: its frames were decoded with the BT.601 matrix (OpenCV 4.11 takes no notice of the file's BT.709), and MediaPipe's
Python API moves its clock by 1/30 s per frame, whatever the clip says.

Each frame's ROI comes from the landmarks of the frame before, so errors feed back, and on this clip they grow: the same
program on pictures that differ in one grey level ends elsewhere. Three figures tell errors of holopose from that:

- free running: both follow by themselves, as anybody would use them;
- step by step: holopose looks where MediaPipe looked in each frame, so that nothing feeds back but the filters;
- the yardstick: MediaPipe against its own answers, when a patch of 40 x 60 px of the first frame changes by one grey
  level.

The last two run MediaPipe in a virtual environment of its own (made once, in .cache/). Ends with 1 when one of the bars
is not met.
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.models.blaze.estimator import BlazeEstimator
from holopose.models.blaze.steady import BodyFilter
from holopose.types import Frame
from pictures import ROOT, shared_folder
from speed_still import MediaPipe, mediapipe_python
from verdict import Verdict, conclude

LANDMARKS = 33
CLOCK_STEP_S = 1 / 30
MEDIAN_PX, STEP_MEDIAN_PX, ROI_MEDIAN_PX = 1.0, 0.05, 0.05

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """MediaPipe's ROIs given to holopose, frame by frame.

    Attributes:
        error_px: (T, 33) distances of the landmarks.
        roi_error_px: (T - 1, 4) our next ROI minus theirs: x and y of the centre, width, height.
    """

    error_px: Floats
    roi_error_px: Floats


def decode(clip: Path) -> Iterator[Frame]:
    """The frames as the reference saw them and when."""
    import av

    with av.open(str(clip)) as container:
        for index, picture in enumerate(container.decode(video=0)):
            image: Any = picture.to_ndarray(format="rgb24", src_colorspace="ITU601", dst_colorspace="ITU601")
            yield Frame(image, index=index, time_s=(index + 1) * CLOCK_STEP_S)


def stored_answers(shared: Path) -> Floats:
    """(T, 33, 2) px of the reference; NaN where it found nobody."""
    entries = json.loads((shared / "reference/mediapipe_holistic_video.json").read_text(encoding="utf-8"))
    return landmarks([entry["pose"] for entry in entries], (1, 1))


def landmarks(poses: Sequence[Sequence[Sequence[float]] | None], size_wh: tuple[int, int]) -> Floats:
    """(T, 33, 2) px of answers in fractions of `size_wh`; NaN where there is none."""
    nobody = np.full((LANDMARKS, 2), np.nan)
    return np.stack([nobody if pose is None else np.array(pose, np.float64)[:, :2] * size_wh for pose in poses])


def distances(ours: Floats, theirs: Floats) -> Floats:
    """(T, 33) px; NaN where one of them found nobody."""
    return np.asarray(np.linalg.norm(ours - theirs, axis=2))


def follow(estimator: BlazeEstimator, clip: Path) -> Floats:
    """(T, 33, 2) px of holopose running free; NaN where it found nobody."""
    follower = estimator.following(smooth_body=True)
    follower.reset()
    found = []
    for frame in decode(clip):
        [poses] = follower.estimate([frame])
        own = poses.native
        found.append(own.xy[0, :LANDMARKS] if own is not None and len(own) else np.full((LANDMARKS, 2), np.nan))
    return np.stack(found).astype(np.float64)


def follow_steps(estimator: BlazeEstimator, clip: Path, answers: Sequence[Mapping[str, Any]]) -> Steps:
    """Look where MediaPipe looked.

    Args:
        estimator: Search ``whole``.
        clip: The clip.
        answers: MediaPipe's account of every frame, see `mediapipe_steps_child.py`.
    """
    steady = BodyFilter(landmarks=True)
    errors, roi_errors = [], []
    expected: Floats | None = None
    for frame, answer in zip(decode(clip), answers, strict=True):
        width, height = frame.size_wh
        roi = np.array(answer["roi"]) * [width, height, width, height, 1]
        if expected is not None:
            roi_errors.append((expected - roi)[:4])
        assert frame.time_s is not None
        body = steady.step(estimator.landmarker.look(estimator.view(frame), roi), frame.time_s)
        expected = body.next_roi
        errors.append(np.linalg.norm(body.body_xy - landmarks([answer["pose"]], (width, height))[0], axis=1))
    return Steps(np.stack(errors), np.stack(roi_errors))


def count_same_pictures(clip: Path, answers: Sequence[Mapping[str, Any]]) -> int:
    """In how many frames both decoders gave the very same bytes."""
    same = [
        zlib.crc32(frame.image.tobytes()) == one["crc32"] for frame, one in zip(decode(clip), answers, strict=False)
    ]
    return sum(same)


def describe(error_px: Floats) -> str:
    """Median and 95 % over all landmarks of all frames in which both found somebody."""
    known = error_px[~np.isnan(error_px)]
    if not known.size:
        return "no frame to compare"
    return f"median {np.median(known):.3f} px, 95 % within {np.percentile(known, 95):.3f} px"


def judge_free(ours: Floats, theirs: Floats) -> list[Verdict]:
    """The bars of running free; a frame where MediaPipe found somebody and holopose nobody misses the second."""
    there, found = ~np.isnan(theirs).any(axis=(1, 2)), ~np.isnan(ours).any(axis=(1, 2))
    error_px = distances(ours, theirs)[there & found]
    median = float(np.median(error_px)) if error_px.size else np.inf
    asked = f"free running: median distance of the {LANDMARKS} landmarks at most {MEDIAN_PX:g} px"
    return [
        Verdict(asked, f"{median:.2f} px", median <= MEDIAN_PX),
        Verdict(
            f"free running: somebody in all {there.sum()} of {len(theirs)} frames where MediaPipe found somebody",
            f"in {(there & found).sum()}, and in {(found & ~there).sum()} others",
            bool((found == there).all()),
        ),
    ]


def judge_steps(steps: Steps) -> list[Verdict]:
    """The bars of going step by step."""
    median, roi = float(np.median(steps.error_px)), np.median(np.abs(steps.roi_error_px), axis=0)
    return [
        Verdict(f"step by step: median at most {STEP_MEDIAN_PX:g} px", f"{median:.3f} px", median <= STEP_MEDIAN_PX),
        Verdict(
            f"step by step: next ROI (x, y, width, height) within {ROI_MEDIAN_PX:g} px in the median",
            ", ".join(f"{one:.3f}" for one in roi),
            bool((roi <= ROI_MEDIAN_PX).all()),
        ),
    ]


def compare_with(rival: MediaPipe, estimator: BlazeEstimator, clip: Path, theirs: Floats) -> list[Verdict]:
    """Print what only MediaPipe itself can tell; the bars of going step by step."""
    info = rival.info
    print(f"\nMediaPipe {info['version']} on Python {info['python']} with OpenCV {info['opencv']}, video mode")
    answers = rival.ask({"clip": str(clip)})["frames"]
    size_wh = next(decode(clip)).size_wh
    again = landmarks([one["pose"] for one in answers], size_wh)
    print(f"frames decoded to the same bytes by both: {count_same_pictures(clip, answers)} of {len(answers)}")
    print(f"MediaPipe here against the reference: {describe(distances(again, theirs))}")
    disturbed = rival.ask({"disturbed": str(clip)})["frames"]
    own = distances(landmarks([one["pose"] for one in disturbed], size_wh), again)
    print(f"the yardstick, MediaPipe against itself with one patch of frame 0 one grey level off: {describe(own)}")
    steps = follow_steps(estimator, clip, answers)
    print(f"step by step: {describe(steps.error_px)}, largest {steps.error_px.max():.2f} px")
    return judge_steps(steps)


def main() -> int:
    """Print everything; 0 when every bar is met."""
    from holopose.build import build_estimator

    parser = argparse.ArgumentParser(description="holopose following one person against MediaPipe Holistic's answers.")
    parser.add_argument("--mediapipe-python", type=Path, help="a Python that has mediapipe 0.10.21 already")
    parser.add_argument("--venv", type=Path, default=ROOT / ".cache" / "mediapipe-0.10.21", help="where to make one")
    parser.add_argument("--no-mediapipe", action="store_true", help="only what needs no MediaPipe: running free")
    options = parser.parse_args()
    shared = shared_folder()
    clip, theirs = shared / "data/video/video.avi", stored_answers(shared)
    estimator = build_estimator(search="whole", max_people=1, native=True)
    assert isinstance(estimator, BlazeEstimator)
    ours = follow(estimator, clip)
    found = ~np.isnan(ours).any(axis=(1, 2))
    print(f"free running: {describe(distances(ours, theirs))}; somebody in {found.sum()} of {len(theirs)} frames")
    verdicts = judge_free(ours, theirs)
    if not options.no_mediapipe:
        python = options.mediapipe_python or mediapipe_python(options.venv)
        with MediaPipe(python, Path(__file__).with_name("mediapipe_steps_child.py")) as rival:
            verdicts += compare_with(rival, estimator, clip, theirs)
    return conclude(verdicts)


if __name__ == "__main__":
    sys.exit(main())
