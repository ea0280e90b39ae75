"""Owns the parity figures: holopose's single view against MediaPipe Holistic's stored answers, picture by picture.

    python benchmarks/parity.py [--worst]

Errors are distances in pixels between the same landmark of both. Needs the shared folder; the demo pictures and a
portrait are fetched once. Ends with 1 when one of the bars is not met.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from coco_wholebody import mediapipe_poses
from holopose.protocols import Estimator
from holopose.skeletons import BLAZE543
from holopose.types import Poses
from pictures import picture_path, shared_folder
from verdict import Verdict, conclude

PARTS: dict[str, list[int]] = {
    "landmarks": list(range(33)),
    **{part: list(BLAZE543.parts[part]) for part in ("left_hand", "right_hand", "face")},
}
BODY_MEDIAN_PX, BODY_LARGEST_PX, PART_MEDIAN_PX = 0.5, 3.0, 1.5
AGREEMENT = 0.9


@dataclass(frozen=True, slots=True)
class Comparison:
    """One part of one picture.

    Attributes:
        theirs: Whether MediaPipe found it.
        ours: Whether holopose did.
        offset: (K, 2) px, ours minus theirs; no rows unless both found it.
    """

    theirs: bool
    ours: bool
    offset: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 2)))

    @property
    def error_px(self) -> npt.NDArray[np.float64]:
        """(K,) distances; infinite where one of them gives no place."""
        return np.nan_to_num(np.hypot(self.offset[:, 0], self.offset[:, 1]), nan=np.inf)

    def __str__(self) -> str:
        if not (self.theirs and self.ours):
            return {(False, False): "-", (True, False): "only theirs", (False, True): "only ours"}[
                self.theirs, self.ours
            ]
        return f"{np.median(self.error_px):.2f} / {self.error_px.max():.2f}"


def compare(theirs: Poses, ours: Poses) -> dict[str, Comparison]:
    """Part by part; both in the layout blaze543 with at most one person."""
    result = {}
    for part, rows in PARTS.items():
        here, there = (_located(poses, rows) for poses in (ours, theirs))
        comparison = Comparison(there is not None, here is not None)
        if here is not None and there is not None:
            comparison = Comparison(True, True, np.subtract(here, there, dtype=np.float64))
        result[part] = comparison
    return result


def _located(poses: Poses, rows: list[int]) -> npt.NDArray[np.float32] | None:
    """(K, 2) px of the first person's part; None where there is nobody or the part is missing."""
    if not len(poses) or np.isnan(poses.xy[0, rows]).all():
        return None
    return poses.xy[0, rows]


def agreement(rows: Mapping[str, Mapping[str, Comparison]], part: str) -> tuple[int, int]:
    """In how many pictures both found the part or both did not, of how many."""
    same = [row[part].theirs == row[part].ours for row in rows.values()]
    return sum(same), len(same)


def verdicts(rows: Mapping[str, Mapping[str, Comparison]]) -> list[Verdict]:
    """The bars over all pictures; a picture where MediaPipe found a person and holopose nobody misses the first two."""
    theirs = {name: row["landmarks"] for name, row in rows.items() if row["landmarks"].theirs}
    nobody = [name for name, one in theirs.items() if not one.ours]
    medians = {name: float(np.median(one.error_px)) for name, one in theirs.items() if one.ours}
    largest = {name: float(one.error_px.max()) for name, one in theirs.items() if one.ours}
    result = [
        _worst(f"33 landmarks, median error of a picture at most {BODY_MEDIAN_PX} px", medians, BODY_MEDIAN_PX, nobody),
        _worst(f"33 landmarks, largest error at most {BODY_LARGEST_PX} px", largest, BODY_LARGEST_PX, nobody),
    ]
    for part in list(PARTS)[1:]:
        both = {n: float(np.median(row[part].error_px)) for n, row in rows.items() if len(row[part].offset)}
        result.append(_worst(f"{part}, median error at most {PART_MEDIAN_PX} px", both, PART_MEDIAN_PX, []))
    for part in PARTS:
        same, count = agreement(rows, part)
        asked = f"{part} found by both or by neither in 9 pictures of 10"
        result.append(Verdict(asked, f"{same} of {count}", count > 0 and same >= AGREEMENT * count))
    return result


def _worst(asked: str, values: Mapping[str, float], bar: float, nobody: list[str]) -> Verdict:
    if not values:
        return Verdict(asked, "no picture to compare", False)
    worst = max(values, key=lambda name: values[name])
    came = f"{values[worst]:.2f} px ({worst}; {len(values)} pictures)"
    if nobody:
        came += f"; nobody found in {', '.join(nobody)}"
    return Verdict(asked, came, values[worst] <= bar and not nobody)


def run(estimator: Estimator, shared: Path) -> dict[str, dict[str, Comparison]]:
    """Compare every picture of the reference that can be had; says which cannot."""
    from holopose.io.images import read_image

    answers: dict[str, Any] = json.loads(
        (shared / "reference/mediapipe_holistic_images.json").read_text(encoding="utf-8")
    )
    rows = {}
    for name, answer in answers.items():
        path = picture_path(name, shared)
        if isinstance(path, str):
            print(f"left out {name}: {path}")
            continue
        frame = read_image(path)
        if frame.size_wh != tuple(answer["size_wh"]):
            print(f"left out {name}: expected {answer['size_wh']} px, got {frame.size_wh}")
            continue
        estimator.reset()
        [ours] = estimator.estimate([frame])
        rows[name] = compare(mediapipe_poses(answer), ours)
    return rows


def show(rows: Mapping[str, Mapping[str, Comparison]]) -> None:
    """Median / largest error in px per picture and part, and the systematic offset of all landmarks."""
    print("median / largest error in px ('-': found by neither)\n")
    print(f"{'':32}" + "".join(f"{part:>16}" for part in PARTS))
    for name, row in rows.items():
        print(f"{name:32}" + "".join(f"{row[part]!s:>16}" for part in PARTS))
    for part in PARTS:
        offsets = np.concatenate([row[part].offset for row in rows.values()] or [np.zeros((0, 2))])
        if len(offsets):
            x, y = np.nanmedian(offsets, axis=0)
            print(f"{part}: median offset x {x:+.3f}, y {y:+.3f} px over {len(offsets)} points")


def show_worst(rows: Mapping[str, Mapping[str, Comparison]], count: int = 10) -> None:
    """The largest errors of all, with the names of their landmarks."""
    errors = [
        (error, name, BLAZE543.keypoints[k])
        for name, row in rows.items()
        for part, indices in PARTS.items()
        if len(row[part].offset)
        for k, error in zip(indices, row[part].error_px.tolist(), strict=True)
    ]
    for error, name, landmark in sorted(errors, reverse=True)[:count]:
        print(f"{error:8.2f} px  {name}  {landmark}")


def main() -> int:
    """Print everything; 0 when every bar is met."""
    from holopose.build import build_estimator

    parser = argparse.ArgumentParser(description="holopose's single view against MediaPipe Holistic's answers.")
    parser.add_argument("--worst", action="store_true", help="name the landmarks with the largest errors")
    options = parser.parse_args()
    estimator = build_estimator(search="whole", max_people=1, layout="blaze543")
    rows = run(estimator, shared_folder())
    show(rows)
    if options.worst:
        show_worst(rows)
    return conclude(verdicts(rows))


if __name__ == "__main__":
    sys.exit(main())
