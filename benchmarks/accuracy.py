"""Owns the accuracy figures: AP against COCO-WholeBody's truth, people found and missed, nobody invented.

    python benchmarks/accuracy.py [--search normal] [--min-score 0.5] [--skip-nobody]

Needs faster-coco-eval (extra `eval`) and the shared folder. Ends with 1 when one of the bars is not met.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from coco_wholebody import evaluate_parts, mediapipe_poses, oks_to_truth, table
from holopose.protocols import Detector, Estimator
from holopose.types import Frame, Poses
from pictures import empty_frames, images_in, shared_folder
from verdict import Verdict, conclude

BODY_AP_BAR = 0.57
WHOLE_AP_BAR = 0.30
LARGE_PX = 60
FOUND_OKS = 0.5
FOUND_IOU = 0.5
MEDIAPIPE_AP = {"body": 0.134, "foot": 0.045, "face": 0.430, "hand": 0.0, "whole": 0.038}
"""What the evaluation must give for MediaPipe's stored answers, to three places."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One labelled person and the detection that fits best.

    Attributes:
        person: The annotation.
        oks: Body OKS of the best detection, None where truth has no body keypoint.
        iou: Overlap of the best box.
    """

    person: Mapping[str, Any]
    oks: float | None
    iou: float

    @property
    def longer_side_px(self) -> float:
        """Of the labelled box."""
        return float(max(self.person["bbox"][2:]))


def verify_evaluator(shared: Path) -> list[Verdict]:
    """Whether this evaluation gives the figures of the dataset authors' code, and MediaPipe's known ones."""
    from holopose.build.evaluation import evaluate_predictions
    from holopose.datasets import open_dataset

    folder = shared / "data/coco_wholebody"
    ours = evaluate_predictions(open_dataset(folder / "example_gt.json"), folder / "example_pred.json").result.table
    official = _read(shared / "reference/coco_wholebody_official_eval.json")
    official["whole"] = official.pop("wholebody")
    worst = max(np.abs(np.array(list(ours[part].values())) - known).max() for part, known in official.items())
    stats = mediapipe_stats(shared)
    off = max(abs(round(stats[part]["AP"], 3) - ap) for part, ap in MEDIAPIPE_AP.items())
    return [
        Verdict("official evaluation example, largest difference at most 1e-6", f"{worst:.1e}", worst <= 1e-6),
        Verdict("known AP of MediaPipe's answers to three places", f"largest difference {off:.3f}", off < 5e-4),
    ]


def mediapipe_stats(shared: Path) -> dict[str, Any]:
    """The ten figures per part for MediaPipe Holistic's stored answers."""
    truth = _read(shared / "data/coco_wholebody/annotations.json")
    answers = _read(shared / "reference/mediapipe_holistic_images.json")
    people = {image["id"]: mediapipe_poses(answers[image["file_name"]]) for image in truth["images"]}
    return evaluate_parts(truth, people)


def sightings(truth: Mapping[str, Any], image_id: int, poses: Poses) -> list[Sighting]:
    """How well each labelled person of a picture (crowds left out) is met by some detection."""
    people = [p for p in truth["annotations"] if p["image_id"] == image_id and not p["iscrowd"]]
    return [
        Sighting(
            person,
            float(oks_to_truth(poses, person).max(initial=0)) if person["num_keypoints"] else None,
            float(_iou(poses, person["bbox"]).max(initial=0)),
        )
        for person in people
    ]


def _iou(poses: Poses, xywh: Sequence[float]) -> np.ndarray[Any, np.dtype[np.float64]]:
    boxes = poses.boxes.xyxy.astype(np.float64)
    other = np.array([xywh[0], xywh[1], xywh[0] + xywh[2], xywh[1] + xywh[3]], np.float64)
    inner = np.clip(np.minimum(boxes[:, 2:], other[2:]) - np.maximum(boxes[:, :2], other[:2]), 0, None).prod(axis=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) + (other[2:] - other[:2]).prod()
    return np.asarray(inner / np.maximum(areas - inner, 1e-9), np.float64)


def judge_truth(estimator: Estimator, shared: Path) -> list[Verdict]:
    """Evaluate on the annotated pictures, print the tables, return the bars."""
    truth = _read(shared / "data/coco_wholebody/annotations.json")
    people = {
        image["id"]: _people(estimator, read_frame(shared / "data/images" / image["file_name"]))
        for image in truth["images"]
    }
    stats = evaluate_parts(truth, people)
    print(table([("MediaPipe Holistic", mediapipe_stats(shared)), ("holopose", stats)]))
    print(f"\nLabelled people whose box is longer than {LARGE_PX} px, per picture")
    missed = 0
    for image in truth["images"]:
        poses = people[image["id"]]
        seen = [one for one in sightings(truth, image["id"], poses) if one.longer_side_px > LARGE_PX]
        checked = [one for one in seen if one.oks is not None]
        found = sum((one.oks or 0) >= FOUND_OKS for one in checked)
        missed += len(checked) - found
        boxed = sum(one.iou >= FOUND_IOU for one in checked)
        spare = len(poses) - _matched(truth, image["id"], poses)
        print(
            f"  {image['file_name']}: {found} of {len(checked)} found (body OKS >= {FOUND_OKS}), "
            f"{boxed} by box (IoU >= {FOUND_IOU}); {len(poses)} detections, {spare} of them on no labelled person"
        )
        for one in seen:
            x, y, w, h = (round(v) for v in one.person["bbox"])
            oks = "no keypoint labelled: nothing to check by" if one.oks is None else f"OKS {one.oks:.2f}"
            if one.oks is None or one.oks < FOUND_OKS:
                print(f"    person {one.person['id']} at {x},{y} {w}x{h} px: {oks}, best box IoU {one.iou:.2f}")
    body, whole = stats["body"]["AP"], stats["whole"]["AP"]
    return [
        Verdict(f"body AP at least {BODY_AP_BAR:.2f}", f"{body:.3f}", body >= BODY_AP_BAR),
        Verdict(f"whole-body AP at least {WHOLE_AP_BAR:.2f}", f"{whole:.3f}", whole >= WHOLE_AP_BAR),
        Verdict(f"every labelled person larger than {LARGE_PX} px found", f"{missed} missed", missed == 0),
    ]


def _matched(truth: Mapping[str, Any], image_id: int, poses: Poses) -> int:
    """How many detections lie on some labelled person, by body OKS or by box."""
    on_somebody = np.zeros(len(poses), bool)
    for person in truth["annotations"]:
        if person["image_id"] == image_id:
            on_somebody |= _iou(poses, person["bbox"]) >= FOUND_IOU
            if person["num_keypoints"]:
                on_somebody |= oks_to_truth(poses, person) >= FOUND_OKS
    return int(on_somebody.sum())


def judge_nobody(estimator: Estimator, shared: Path) -> list[Verdict]:
    """Count people in pictures that show nobody."""
    real = [read_frame(path) for path in images_in(shared / "data/no_people")]
    return [
        _nobody(estimator, f"nobody in the {len(real)} pictures of data/no_people", real),
        _nobody(estimator, "nobody in uniform, noise and gradient pictures", empty_frames()),
    ]


def _nobody(estimator: Estimator, asked: str, frames: Iterable[Frame]) -> Verdict:
    pictures = people = 0
    for frame in frames:
        poses = _people(estimator, frame)
        pictures += 1
        people += len(poses)
        if len(poses):
            scores = ", ".join(f"{score:.2f}" for score in poses.boxes.score)
            print(f"  {frame.name}: {len(poses)} (scores {scores})")
    return Verdict(asked, f"{people} people in {pictures} pictures", people == 0 and pictures > 0)


def read_frame(path: Path) -> Frame:
    """One picture, decoded and upright."""
    from holopose.io.images import read_image

    return read_image(path)


def _people(estimator: Estimator, frame: Frame) -> Poses:
    estimator.reset()
    [poses] = estimator.estimate([frame])
    return poses


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def open_yolox(path: Path) -> Detector:
    """A YOLOX file as a detector, with the settings of the zoo's own card."""
    from holopose.zoo.catalog import find_model
    from holopose.zoo.engines import Engine, open_file

    card = find_model("yolox-nano")[0]
    detector: Detector = card.family()(
        open_file(path, Engine(), item_shape=(3, *card.settings["input_hw"])), **card.settings
    )
    return detector


def main() -> int:
    """Print everything; 0 when every bar is met."""
    from holopose.build import build_estimator

    parser = argparse.ArgumentParser(description="Accuracy on the annotated pictures, and nobody where nobody is.")
    parser.add_argument("--search", default="normal", choices=("thorough", "normal", "whole"))
    parser.add_argument("--detector", help="blaze on the boxes of a detector: a name (`holopose models list`)")
    parser.add_argument("--yolox", type=Path, help="or of a YOLOX file, such as the shared folder's yolox_nano.onnx")
    parser.add_argument("--bottom-up", help="settle crowds: a model's name, or poses (default: by boxes alone)")
    parser.add_argument("--min-score", type=float, help="people below are left out (default: holopose's own)")
    parser.add_argument("--max-people", type=int)
    parser.add_argument("--skip-nobody", action="store_true", help="leave out the pictures without people")
    options = parser.parse_args()
    shared = shared_folder()
    given = {name: getattr(options, name) for name in ("search", "detector", "bottom_up", "min_score", "max_people")}
    if options.yolox:
        given["detector"] = open_yolox(options.yolox)
    estimator = build_estimator(**{name: value for name, value in given.items() if value is not None})
    verdicts = verify_evaluator(shared)
    print("COCO-WholeBody, the four annotated pictures (AP, AP50, AR)")
    verdicts += judge_truth(estimator, shared)
    if not options.skip_nobody:
        print("\nPictures without people in which somebody was found")
        verdicts += judge_nobody(estimator, shared)
    return conclude(verdicts)


if __name__ == "__main__":
    sys.exit(main())
