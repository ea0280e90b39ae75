"""Owns the crowd figures: who is lost and who is invented by top-down, by bottom-up, and by both together.

    python benchmarks/crowds.py [--scenes 250] [--made-up-only]

Made-up crowds (`made_up_crowds.py`) are seen by parts with the faults of their kind. Real ones are people cut out of
the four annotated pictures of the shared folder along their outlines, three side by side, the left one in front, with
growing overlap; there top-down is YOLOX-nano with the blaze landmarks on its boxes, and bottom-up blaze's own search of
the whole picture. A person is found when a pose has body OKS of at least 0.5 with the labels that are still to be seen;
somebody hidden but for four is not asked for. A pose that finds nobody is invented. Ends with 1 when a bar is not met.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from holopose.errors import ModelError
from holopose.estimators import Hybrid, TopDown
from holopose.io.images import read_image
from holopose.models.blaze.boxes import BlazeLandmarks
from holopose.models.yolox import YoloxDetector
from holopose.ops.oks import similarity
from holopose.protocols import Estimator
from holopose.runtimes.openvino import OpenVinoRuntime
from holopose.skeletons import COCO17
from holopose.skeletons.conversions import convert
from holopose.types import Frame, Poses
from holopose.zoo.load import load_blaze
from made_up_crowds import LABELLED, BottomUpLook, Scene, TopDownLook, WeakDetector, compose
from pictures import shared_folder
from verdict import Verdict, conclude

Floats = npt.NDArray[np.float64]
Picture = npt.NDArray[np.uint8]

FOUND = 0.5  # OKS
TRICKLE = 0.1  # score under which nobody would take a pose for a person
LOOSE = 0.8  # overlap that boxes may have where poses tell people apart
OVERLAPS = (0.0, 0.2, 0.4, 0.6, 0.8)
HEIGHT_PX = 240.0  # of every cut-out
GROUND_WH = (760, 420)
LEAST_PX, LEAST_LABELS = 150, 12  # of those who are cut out


@dataclass(frozen=True, slots=True)
class Truth:
    """Who is in a picture.

    Attributes:
        xy: (N, 17, 2) px.
        seen: (N, 17) which keypoints can be seen.
        area: (N,) px², as COCO measures it.
    """

    xy: Floats
    seen: npt.NDArray[np.bool_]
    area: Floats


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of people."""

    people: int = 0
    lost: int = 0
    invented: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.people + other.people, self.lost + other.lost, self.invented + other.invented)


def judge(poses: Poses, truth: Truth) -> Tally:
    """Each found person once, the best poses first; hidden people are neither lost nor invented."""
    poses = convert(poses[np.flatnonzero(poses.boxes.score >= TRICKLE)], COCO17)
    asked = truth.seen.sum(axis=1) >= LABELLED
    weight = np.broadcast_to(truth.seen[None], (len(poses), *truth.seen.shape)).astype(np.float64)
    size = np.broadcast_to(np.sqrt(truth.area), (len(poses), len(asked)))
    assert COCO17.sigmas is not None
    xy = np.nan_to_num(poses.xy.astype(np.float64), nan=1e6)
    alike = similarity(xy, truth.xy, weight=weight, size_px=size, sigmas=COCO17.sigmas.astype(np.float64))
    free, invented = np.ones(len(asked), np.bool_), 0
    for row in alike:
        best = int(np.where(free, row, -1).argmax()) if free.any() else 0
        if free[best] and row[best] >= FOUND:
            free[best] = False
        else:
            invented += 1
    return Tally(int(asked.sum()), int((free & asked).sum()), invented)


def run(systems: Mapping[str, Estimator], pictures: Sequence[tuple[Frame, Truth]]) -> dict[str, Tally]:
    """What each system makes of the pictures."""
    return {
        name: sum((judge(system.estimate([frame])[0], truth) for frame, truth in pictures), Tally())
        for name, system in systems.items()
    }


# Made up -------------------------------------------------------------------------------------------------------------


def truth_of(scene: Scene) -> Truth:
    """The people of a made-up scene."""
    sides = np.stack([person.box[2:] - person.box[:2] for person in scene.people])
    return Truth(
        np.stack([person.xy for person in scene.people]),
        np.stack([person.visible for person in scene.people]),
        0.53 * np.maximum(sides, 1).prod(axis=1),  # mmpose's share of the box that a body fills
    )


def made_up_systems(scenes: Sequence[Scene]) -> dict[str, Estimator]:
    """The three ways, in both kinds of hybrid, of parts that see these scenes."""
    model, bottom_up = TopDownLook(scenes), BottomUpLook(scenes)
    strict, loose = (TopDown(WeakDetector(scenes, nms_iou), model) for nms_iou in (0.45, LOOSE))
    return {
        "top-down": strict,
        "bottom-up": bottom_up,
        "hybrid by poses": Hybrid(loose),
        "hybrid": Hybrid(loose, bottom_up=bottom_up),
    }


# Real ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Cutout:
    """One labelled person.

    Attributes:
        image: (H, W, 3) RGB around the person, scaled to `HEIGHT_PX`.
        mask: (H, W) from 0 outside the outline to 1 inside.
        labels: (17, 3) x, y, v in it.
        area: px².
    """

    image: Picture
    mask: Floats
    labels: Floats
    area: float


def cut_people(shared: Path) -> list[Cutout]:
    """Everybody in the annotated pictures who is large enough and labelled well."""
    annotations = json.loads((shared / "data" / "coco_wholebody" / "annotations.json").read_text(encoding="utf-8"))
    names = {image["id"]: image["file_name"] for image in annotations["images"]}
    return [
        _cut(read_image(shared / "data" / "images" / names[person["image_id"]]).image, person)
        for person in annotations["annotations"]
        if person["num_keypoints"] >= LEAST_LABELS and person["bbox"][3] >= LEAST_PX
    ]


def _cut(image: Picture, person: Mapping[str, Any]) -> Cutout:
    left, top, width, height = (round(value) for value in person["bbox"])
    mask = np.zeros(image.shape[:2], np.uint8)
    outlines = [np.rint(np.reshape(line, (-1, 2))).astype(np.int32) for line in person["segmentation"]]
    cv2.fillPoly(mask, outlines, 255)
    soft = cv2.GaussianBlur(mask, (0, 0), 1.0).astype(np.float64) / 255
    scale = HEIGHT_PX / height
    window = np.s_[top : top + height, left : left + width]
    labels = np.reshape(person["keypoints"], (-1, 3)).astype(np.float64)
    labels[:, :2] = (labels[:, :2] - (left, top)) * scale
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(image[window], None, fx=scale, fy=scale, interpolation=how)
    return Cutout(
        small.astype(np.uint8),
        np.asarray(cv2.resize(soft[window], small.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.float64),
        labels,
        float(person["area"]) * scale**2,
    )


def side_by_side(people: Sequence[Cutout], overlap: float) -> tuple[Picture, Truth]:
    """A picture of people on one ground line, the first in front.

    Args:
        people: From left to right.
        overlap: Share of the narrower of two neighbours that lies in the other's box.
    """
    picture = np.linspace(70, 150, GROUND_WH[1])[:, None, None] * np.ones((1, GROUND_WH[0], 3))
    cover = np.zeros(picture.shape[:2])
    lefts = [0.0]
    for one, other in pairwise(people):
        lefts.append(lefts[-1] + one.image.shape[1] - overlap * min(one.image.shape[1], other.image.shape[1]))
    total = max(left + one.image.shape[1] for left, one in zip(lefts, people, strict=True))
    start = max((GROUND_WH[0] - total) / 2, 0)
    xy, seen = np.zeros((len(people), 17, 2)), np.zeros((len(people), 17), np.bool_)
    for number, (one, left) in enumerate(zip(people, lefts, strict=True)):  # the nearest first
        x, y = round(start + left), GROUND_WH[1] - 60 - one.image.shape[0]
        width = min(one.image.shape[1], GROUND_WH[0] - x)
        window = np.s_[y : y + one.image.shape[0], x : x + width]
        free = (one.mask[:, :width] * (1 - cover[window]))[:, :, None]
        picture[window] = free * one.image[:, :width] + (1 - free) * picture[window]
        xy[number] = one.labels[:, :2] + (x, y)
        column, row = np.rint(xy[number]).astype(int).T
        inside = (column >= 0) & (column < GROUND_WH[0]) & (row >= 0) & (row < GROUND_WH[1])
        seen[number] = (one.labels[:, 2] > 0) & inside
        seen[number, inside] &= cover[row[inside], column[inside]] < 0.5
        cover[window] = np.maximum(cover[window], one.mask[:, :width])
    return picture.astype(np.uint8), Truth(xy, seen, np.array([one.area for one in people]))


def real_pictures(people: Sequence[Cutout], overlap: float) -> Iterator[tuple[Frame, Truth]]:
    """Every person in front of four pairs of others."""
    count = len(people)
    for step in (1, 2, 3, 4):
        for first in range(count):
            chosen = [people[(first + step * i) % count] for i in range(3)]
            picture, truth = side_by_side(chosen, overlap)
            yield Frame(picture, first), truth


def real_systems(shared: Path) -> dict[str, Estimator]:
    """The same ways with real networks; faces and hands are not looked for, as the body is judged.

    Raises:
        ModelError: the model's files are not here and cannot be fetched.
    """
    blaze = load_blaze(layout=COCO17)
    blaze._min_part_peak = 2.0  # no face and no hand is as clear as that
    runtime = OpenVinoRuntime(shared / "data" / "models" / "yolox_nano.onnx")
    strict, loose = (
        TopDown(YoloxDetector(runtime, input_hw=(416, 416), nms_iou=nms_iou), BlazeLandmarks(blaze))
        for nms_iou in (0.45, LOOSE)
    )
    return {
        "top-down": strict,
        "bottom-up": blaze,
        "hybrid by poses": Hybrid(loose),
        "hybrid": Hybrid(loose, bottom_up=blaze),
    }


# Report --------------------------------------------------------------------------------------------------------------


def show(title: str, tallies: Mapping[str, Tally]) -> None:
    """A line: lost / invented of each."""
    people = next(iter(tallies.values())).people
    row = "".join(f"{f'{one.lost} / {one.invented}':>18}" for one in tallies.values())
    print(f"{title:24}{people:8}{row}")


def verdicts_of(where: str, tallies: Mapping[str, Tally]) -> list[Verdict]:
    """The bars: fewer lost than by either alone; no more invented than by the worse of them."""
    alone = [tallies["top-down"], tallies["bottom-up"]]
    lost, invented = min(one.lost for one in alone), max(one.invented for one in alone)
    hybrid = tallies["hybrid"]
    return [
        Verdict(f"{where}: hybrid loses fewer than either alone ({lost})", str(hybrid.lost), hybrid.lost < lost),
        Verdict(
            f"{where}: and invents no more than the worse of them ({invented})",
            str(hybrid.invented),
            hybrid.invented <= invented,
        ),
    ]


def main() -> int:
    """Print all figures."""
    parser = argparse.ArgumentParser(description="Who is lost and who is invented in crowds.")
    parser.add_argument("--scenes", type=int, default=250, help="how many made-up ones")
    parser.add_argument("--made-up-only", action="store_true", help="needs neither model nor shared folder")
    options = parser.parse_args()
    scenes = compose(options.scenes)
    systems = made_up_systems(scenes)
    print("lost / invented".ljust(24) + f"{'people':>8}" + "".join(f"{name:>18}" for name in systems))
    made_up = run(systems, [(scene.frame, truth_of(scene)) for scene in scenes])
    show(f"{len(scenes)} made-up scenes", made_up)
    verdicts = verdicts_of("made up", made_up)
    if not options.made_up_only:
        shared = shared_folder()
        try:
            systems = real_systems(shared)
        except ModelError as error:
            sys.exit(f"{error}; or --made-up-only")
        people = cut_people(shared)
        total = dict.fromkeys(systems, Tally())
        for overlap in OVERLAPS:
            tallies = run(systems, list(real_pictures(people, overlap)))
            show(f"real, overlap {overlap:.0%}", tallies)
            total = {name: total[name] + tally for name, tally in tallies.items()}
        show("real, all", total)
        verdicts += verdicts_of("real", total)
    return conclude(verdicts)


if __name__ == "__main__":
    sys.exit(main())
