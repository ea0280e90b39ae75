"""Owns the identity figures: made-up scenes and real clips judged by motmetrics, and what telling people apart costs.

    python benchmarks/identity.py [--scenes-only]

The scenes are those of the tests (`tests/track_scenes.py`): tables of people known exactly. The clips are
`data/video/video.avi` of the shared folder, where the person that MediaPipe follows must keep one id, and two made from
its last frames: the walker and her mirror image pass each other, once in plain sight, once with the image hidden behind
a bar for a second. They run through the pipeline as `holopose run` builds it. Needs motmetrics (extra `dev`); ends with
1 when a bar is not met.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import numpy.typing as npt

from holopose.build import parts
from holopose.config import RunConfig
from holopose.errors import ModelError
from holopose.io.sources.inputs import Input
from holopose.pipeline import Pipeline
from holopose.skeletons import COCO17, WHOLEBODY133
from holopose.skeletons.conversions import convert
from holopose.tracking.births import IdentityStage
from holopose.tracking.tracker import PoseTracker
from holopose.types import Boxes, Frame, FrameInfo, Poses
from pictures import ROOT, shared_folder
from verdict import Verdict, conclude

Picture = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

TORSO = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
CROWDS = (1, 2, 8, 50)
SIZE_WH = (1280, 720)
RATE_HZ = 25.0
SECONDS = 4.4
CUTOUT_WH = (340, 620)  # of the walker in the clip, px
SCALE = 0.6
SPEED_PX = 200.0  # per second, each
BAR_PX = 330  # wide enough to hide her for a second on the way
LAST_FRAMES = 32  # of the clip, in which the walker is alone in her cut-out


def load_scenes() -> ModuleType:
    """`tests/track_scenes.py`."""
    path = ROOT / "tests" / "track_scenes.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    sys.modules[path.stem] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def judge_scenes(scenes: ModuleType) -> int:
    """Print what the tracker makes of each scene; the sum of the switches in those without missed people."""
    print(f"{'scene':42}{'people':>7}{'ids':>5}{'MOTA':>8}{'IDF1':>8}{'switches':>10}")
    switches = 0
    for name, scene in scenes.scenes().items():
        results = IdentityStage(PoseTracker())(scene.stream())
        found = scenes.judge((moment.truth, poses) for moment, (_, poses) in zip(scene, results, strict=True))
        print(
            f"{name:42}{len(scene.people):7}{found.identities:5}{found.mota:8.3f}{found.idf1:8.3f}{found.switches:10}"
        )
        switches += 0 if scene.errors.missed else found.switches
    return switches


# Cost ----------------------------------------------------------------------------------------------------------------


def update_ms(scenes: ModuleType, people: int, *, pixels: bool, frames: int = 150) -> float:
    """Median time of one update, ms, with that many whole-body people walking about in rows, in changing order."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (SIZE_WH[1], SIZE_WH[0], 3), np.uint8)
    rows, columns = -(-people // 10), min(people, 10)
    x, y = np.meshgrid(np.linspace(100, SIZE_WH[0] - 100, columns), (np.arange(rows) + 0.5) * SIZE_WH[1] / rows)
    walkers = [
        scenes.Person(scenes.line(at, tuple(rng.uniform(-20, 20, 2))), height_px=min(300.0, 0.8 * SIZE_WH[1] / rows))
        for at in np.stack([x.ravel(), y.ravel()], axis=1)[:people]
    ]
    tracker = PoseTracker()
    times: list[float] = []
    for index in range(frames):
        known = [walker.pose(index / 30) + rng.normal(0, 1, (17, 2)) for walker in walkers]
        poses = convert(scenes.to_poses(known, [0.8] * people), WHOLEBODY133)[rng.permutation(people)]
        frame = Frame(image, index, index / 30) if pixels else FrameInfo(index, index / 30, "", SIZE_WH)
        start = time.perf_counter()
        tracker.update(poses, frame)
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def show_cost(scenes: ModuleType) -> float:
    """Print the times; the one for eight people without pixels."""
    print(f"\n{'people':>8}{'ms per frame':>15}{'with colours':>15}")
    plain = 0.0
    for people in CROWDS:
        without, coloured = (update_ms(scenes, people, pixels=pixels) for pixels in (False, True))
        plain = without if people == 8 else plain
        print(f"{people:8}{without:15.2f}{coloured:15.2f}")
    return plain


# Clips ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cutout:
    """The walker in one frame of the clip.

    Attributes:
        image: (H, W, 3) RGB, scaled.
        xyxy: (4,) her box in it, px.
    """

    image: Picture
    xyxy: Floats

    def mirrored(self) -> Cutout:
        """Left and right exchanged."""
        left, top, right, bottom = self.xyxy
        width = self.image.shape[1]
        return Cutout(self.image[:, ::-1], np.array([width - 1 - right, top, width - 1 - left, bottom]))


def follow_walker(pipeline: Pipeline, shared: Path) -> tuple[Verdict, list[Cutout]]:
    """Whether the person of MediaPipe's reference keeps one id in the clip; her cut-outs from its end."""
    clip = shared / "data" / "video" / "video.avi"
    rows = json.loads((shared / "reference" / "mediapipe_holistic_video.json").read_text(encoding="utf-8"))
    source = parts.build_source(Input("video", str(clip), clip.stem), RunConfig())
    names: list[int] = []
    everybody: set[int] = set()
    cutouts: list[Cutout] = []
    for frame, poses in pipeline.stream(source):
        assert poses.ids is not None
        everybody.update(poses.ids[poses.ids >= 0].tolist())
        torso = np.array(rows[frame.index]["pose"])[[11, 12, 23, 24]]
        row = _nearest(poses, torso)
        if row is None:
            continue
        names.append(int(poses.ids[row]))
        if frame.index >= len(rows) - LAST_FRAMES:
            cutouts.append(_cut(frame.image, torso.mean(axis=0), poses.boxes.xyxy[row]))
    source.close()
    counts = Counter(names)
    print(
        f"\nvideo.avi: {len(everybody)} ids; the walker found in {len(names)} of {len(rows)} frames, as {dict(counts)}"
    )
    return Verdict("the walker keeps one id through video.avi", str(dict(counts)), len(counts) == 1), cutouts


def _nearest(poses: Poses, torso: Floats) -> int | None:
    """Row of the person whose shoulders and hips (4, 2) px lie there; None if nobody's do."""
    if not len(poses):
        return None
    keypoints = [poses.skeleton.index(name) for name in TORSO]
    apart = np.median(np.linalg.norm(poses.xy[:, keypoints] - torso, axis=2), axis=1)
    row = int(np.nan_to_num(apart, nan=np.inf).argmin())
    return row if apart[row] < 40 else None


def _cut(image: Picture, middle: Floats, xyxy: npt.ArrayLike) -> Cutout:
    width, height = CUTOUT_WH
    left = int(np.clip(middle[0] - width / 2, 0, image.shape[1] - width))
    top = image.shape[0] - height
    small = cv2.resize(image[top:, left : left + width], None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_AREA)
    return Cutout(small.astype(np.uint8), (np.asarray(xyxy, np.float64) - np.array([left, top, left, top])) * SCALE)


def compose(cutouts: Sequence[Cutout], *, bar: bool) -> Iterator[tuple[Frame, Poses]]:
    """A clip of the walker, going right in front, and her mirror image, going left behind, with their true boxes.

    Her frames run forwards and backwards by turns. With `bar` the image passes behind a bar in the middle of the
    picture, before which the walker herself stays in sight.
    """
    ground = np.linspace(70, 150, SIZE_WH[1])[:, None, None] * np.ones((1, SIZE_WH[0], 3))
    period = 2 * len(cutouts) - 2
    height, width = cutouts[0].image.shape[:2]
    mask = _feathered(height, width)
    for index in range(round(SECONDS * RATE_HZ)):
        time_s = index / RATE_HZ
        image = ground.copy()
        turns = [(index + lag) % period for lag in (0, period // 3)]
        first, second = (cutouts[min(turn, period - turn)] for turn in turns)
        travelled = SPEED_PX * (time_s - SECONDS / 2)
        places = [(SIZE_WH[0] / 2 + way * travelled - width / 2, 300 + 20 * way) for way in (1, -1)]
        boxes = [_paste(image, second.mirrored(), places[1], mask)]
        middle = SIZE_WH[0] // 2
        if bar:
            image[:, middle - BAR_PX // 2 : middle + BAR_PX // 2] = (60, 70, 60)
        boxes.append(_paste(image, first, places[0], mask))
        seen = [2, 1]
        if bar and abs(travelled) < BAR_PX / 2:
            boxes, seen = boxes[1:], seen[1:]
        truth = Poses(
            np.full((len(seen), len(COCO17), 2), np.nan, np.float32),
            np.zeros((len(seen), len(COCO17)), np.float32),
            Boxes(np.stack(boxes).astype(np.float32), np.ones(len(seen), np.float32)),
            COCO17,
            ids=np.array(seen),
        )
        yield Frame(image.astype(np.uint8), index, time_s), truth


def _feathered(height: int, width: int) -> Floats:
    """(H, W, 1) from 0 at the sides to 1 inside."""
    ramp = np.clip(np.minimum(np.arange(width), np.arange(width)[::-1]) / 20, 0, 1)
    return np.broadcast_to(ramp[None, :, None], (height, width, 1)).astype(np.float64)


def _paste(image: Floats, cutout: Cutout, place: tuple[float, float], mask: Floats) -> Floats:
    """Blend a cut-out in with its left top corner at `place`; her box (4,) px in the picture."""
    x, y = round(place[0]), round(place[1])
    height, width = cutout.image.shape[:2]
    window = image[y : y + height, x : x + width]
    part = mask[: window.shape[0], : window.shape[1]]
    window[:] = part * cutout.image[: window.shape[0], : window.shape[1]] + (1 - part) * window
    moved: Floats = cutout.xyxy + np.array([x, y, x, y])
    return moved


def judge_composed(scenes: ModuleType, pipeline: Pipeline, cutouts: Sequence[Cutout], *, bar: bool) -> Verdict:
    """Print and judge what becomes of the two walkers."""
    name = "crossing, one behind a bar for 1 s" if bar else "crossing"
    moments = list(compose(cutouts, bar=bar))
    results = [poses for _, poses in pipeline.stream(frame for frame, _ in moments)]
    found = scenes.judge((truth, poses) for (_, truth), poses in zip(moments, results, strict=True))
    print(f"{name:42}{2:7}{found.identities:5}{found.mota:8.3f}{found.idf1:8.3f}{found.switches:10}")
    return Verdict(f"no switch in the clip of two walkers {name}", str(found.switches), found.switches == 0)


def main() -> int:
    """Print all figures."""
    parser = argparse.ArgumentParser(description="How well identities hold, and what they cost.")
    parser.add_argument("--scenes-only", action="store_true", help="no clips: needs neither model nor shared folder")
    options = parser.parse_args()
    scenes = load_scenes()
    switches = judge_scenes(scenes)
    cost_ms = show_cost(scenes)
    verdicts = [
        Verdict("no switch in scenes where nobody is missed by chance", str(switches), switches == 0),
        Verdict("under 1 ms for eight people", f"{cost_ms:.2f} ms", cost_ms < 1),
    ]
    if not options.scenes_only:
        shared = shared_folder()
        config = RunConfig(smooth="none")
        try:
            pipeline = parts.build_pipeline(config, kind="clip")
        except ModelError as error:
            sys.exit(f"{error}; or --scenes-only")
        verdict, cutouts = follow_walker(pipeline, shared)
        verdicts.append(verdict)
        print(f"{'clip of two walkers':42}{'people':>7}{'ids':>5}{'MOTA':>8}{'IDF1':>8}{'switches':>10}")
        verdicts += [judge_composed(scenes, pipeline, cutouts, bar=bar) for bar in (False, True)]
    return conclude(verdicts)


if __name__ == "__main__":
    sys.exit(main())
