"""Owns the honest side of the accuracy figures: the same pictures in versions that nobody tuned the search on.

    python benchmarks/robustness.py [--search normal]

The search's thresholds and sizes were chosen on the four annotated pictures and on those without people. Mirrored,
resized, re-encoded and slightly cut they hold the same people, but the detector sees other pixels; labels go along.
Needs faster-coco-eval (extra `eval`) and the shared folder. There is no bar: it ends with 0.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from coco_wholebody import evaluate_parts, oks_to_truth
from holopose.datasets.wholebody import FIELDS
from holopose.skeletons import WHOLEBODY133
from holopose.types import Frame
from pictures import images_in, shared_folder

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to change a picture that changes nobody in it: cut left and top, mirror, resize, re-encode, in that order.

    Attributes:
        name: What is printed.
        mirrored: Left and right exchanged, in the names of the labels too.
        scale: Factor on width and height.
        jpeg: Quality of a new JPEG, None = not encoded again.
        cut_xy: Pixels left out at the left and at the top.
    """

    name: str
    mirrored: bool = False
    scale: float = 1.0
    jpeg: int | None = None
    cut_xy: tuple[int, int] = (0, 0)

    def change(self, image: Picture) -> Picture:
        """The changed (H, W, 3) RGB picture."""
        x, y = self.cut_xy
        image = np.ascontiguousarray(image[y:, x:, :][:, :: -1 if self.mirrored else 1])
        if self.scale != 1:
            how = cv2.INTER_AREA if self.scale < 1 else cv2.INTER_CUBIC
            image = cv2.resize(image, None, fx=self.scale, fy=self.scale, interpolation=how).astype(np.uint8)
        if self.jpeg is not None:
            _, data = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, self.jpeg])
            again = cv2.imdecode(data, cv2.IMREAD_COLOR)
            assert again is not None
            image = np.ascontiguousarray(again[:, :, ::-1]).astype(np.uint8)
        return image

    def change_person(self, person: Mapping[str, Any], width: int) -> dict[str, Any]:
        """An annotation as it lies in the changed picture; `width` is the original's, px."""
        keys = tuple(FIELDS)
        points = np.reshape([value for key in keys for value in person[key]], (-1, 3)).astype(np.float64)
        known = points[:, 2] > 0
        points[known, :2] -= self.cut_xy
        if self.mirrored:
            points[known, 0] = width - self.cut_xy[0] - 1 - points[known, 0]
            points = points[list(WHOLEBODY133.swaps)]
            known = points[:, 2] > 0
        points[known, :2] = (points[known, :2] + 0.5) * self.scale - 0.5
        changed = dict(copy.deepcopy(dict(person)), area=person["area"] * self.scale**2)
        start = 0
        for key in keys:
            count = len(person[key]) // 3
            changed[key] = points[start : start + count].ravel().tolist()
            start += count
        changed["num_keypoints"] = int((np.reshape(changed["keypoints"], (-1, 3))[:, 2] > 0).sum())
        return changed


ORIGINAL = Variant("as they are (tuned on)")
VARIANTS = (
    Variant("mirrored", mirrored=True),
    Variant("0.9 times the size", scale=0.9),
    Variant("1.1 times the size", scale=1.1),
    Variant("1.3 times the size", scale=1.3),
    Variant("twice the size", scale=2.0),
    Variant("JPEG of quality 70", jpeg=70),
    Variant("7 and 5 px cut off", cut_xy=(7, 5)),
    Variant("mirrored, 1.15 times", mirrored=True, scale=1.15),
)


def main() -> int:
    """Print body and whole-body AP, people found and people invented, per variant and as means."""
    from holopose.build import build_estimator
    from holopose.io.images import read_image

    parser = argparse.ArgumentParser(description="Accuracy on versions of the pictures that nobody tuned on.")
    parser.add_argument("--search", default="normal", choices=("thorough", "normal", "whole"))
    search = parser.parse_args().search
    shared = shared_folder()
    truth = json.loads((shared / "data/coco_wholebody/annotations.json").read_text(encoding="utf-8"))
    estimator = build_estimator(search=search)
    pictures = {one["id"]: read_image(shared / "data/images" / one["file_name"]).image for one in truth["images"]}
    empty = [read_image(path).image for path in images_in(shared / "data/no_people")]
    print(f"{'':26}{'body AP':>9}{'whole AP':>9}{'found':>9}{'invented':>9}")
    rows = []
    for variant in (ORIGINAL, *VARIANTS):
        people = {key: estimator.estimate([Frame(variant.change(image))])[0] for key, image in pictures.items()}
        labels = [variant.change_person(one, pictures[one["image_id"]].shape[1]) for one in truth["annotations"]]
        stats = evaluate_parts({**truth, "annotations": labels}, people)
        seen = [one for one in labels if one["num_keypoints"] and not one["iscrowd"]]
        found = sum(float(oks_to_truth(people[one["image_id"]], one).max(initial=0)) >= 0.5 for one in seen)
        invented = sum(len(estimator.estimate([Frame(variant.change(image))])[0]) for image in empty)
        rows.append((stats["body"]["AP"], stats["whole"]["AP"], found, invented))
        print(f"{variant.name:26}{rows[-1][0]:9.3f}{rows[-1][1]:9.3f}{found:6} /{len(seen):2}{invented:9}")
    body, whole, found_mean, invented_mean = np.mean(rows[1:], axis=0)
    print(f"{'mean of the variants':26}{body:9.3f}{whole:9.3f}{found_mean:9.1f}{invented_mean:9.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
