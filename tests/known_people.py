"""Known people in ramp pictures, and for each kind of network one that sees them in whatever it is shown.

The answers have the shapes and the conventions of the real networks, the worst person first; models around them must
bring everybody back to where they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.ops.views import IMAGENET_MEAN, IMAGENET_STD
from holopose.runtimes.fake import FakeRuntime
from holopose.skeletons import COCO17, Skeleton
from holopose.types import Boxes, Frame
from ramp_pictures import Sight, ramp_frame

__all__ = [
    "COUNTS",
    "RTMDET",
    "SIDE",
    "VIEW_HW",
    "Known",
    "end_to_end",
    "heatmaps",
    "raw_yolo",
    "raw_yolox",
    "rcnn",
    "rtmo",
    "simcc",
    "suppressed",
]

Floats = npt.NDArray[np.float64]
Answer = dict[str, npt.NDArray[Any]]
Row = tuple[Floats, float, Floats, Floats]  # box (4,), score, keypoints (K, 2), their scores (K,)

SIZES_WH = ((250, 240), (120, 200), (150, 220), (170, 160))
PLACES = (  # left, top, right, bottom of everybody in each picture: one reaches beyond it, the last ones are a crowd
    ((20, 30, 110, 220), (150, 60, 230, 200)),
    (),
    ((-8, 20, 120, 200),),
    ((20, 20, 100, 150), (70, 30, 150, 140), (60, 40, 110, 130)),
)
COUNTS = tuple(map(len, PLACES))
SIDE = 160  # of the square that networks for whole pictures take
VIEW_HW = (128, 96)  # what networks for one person take

_IMAGENET = (("mean", IMAGENET_MEAN), ("std", IMAGENET_STD))
PLAIN: dict[str, Any] = {}
YOLO: dict[str, Any] = {"mean": (0, 0, 0), "std": (255, 255, 255)}
YOLOX: dict[str, Any] = {"mean": (0, 0, 0), "std": (1, 1, 1), "bgr": True}
RTMDET: dict[str, Any] = {"mean": (103.53, 116.28, 123.675), "std": (57.375, 57.12, 58.395), "bgr": True}
"""What each kind of network is promised of its colours."""


class Known:
    """Who is where in four pictures of different sizes; in the second one nobody.

    Args:
        skeleton: Layout of their keypoints.
        missed: So many of the crowd in the last picture are not seen.
    """

    def __init__(self, skeleton: Skeleton = COCO17, *, missed: int = 0) -> None:
        count = len(skeleton)
        self.skeleton = skeleton
        rng = np.random.default_rng(count)
        places = np.full((len(PLACES), max(COUNTS), 4), np.nan)
        for number, rows in enumerate(PLACES):
            places[number, : len(rows)] = np.reshape(rows, (-1, 4))
        low, size = places[..., None, :2], places[..., None, 2:] - places[..., None, :2]
        self.xy = low + rng.uniform(0.15, 0.85, (*places.shape[:2], count, 2)) * size
        self.xyxy = places
        seen = np.concatenate([self.xy, places.reshape(*places.shape[:2], 2, 2)], axis=2)  # a box is two more points
        seen[-1, COUNTS[-1] - missed :] = np.nan
        swaps = [*skeleton.swaps, count, count + 1]
        self._points = seen.reshape(len(PLACES), -1, 2)
        self._swaps = [person * (count + 2) + joint for person in range(max(COUNTS)) for joint in swaps]
        pair = np.minimum(np.arange(count), skeleton.swaps)  # left and right alike, as mirrored pictures have them
        self.heights = np.where(pair == min(3, count - 1), 0.0, 0.5 + 0.1 * (pair % 4))

    def frames(self) -> list[Frame]:
        """The pictures."""
        return [replace(ramp_frame(n, size), name=f"picture_{n}.png") for n, size in enumerate(SIZES_WH)]

    def boxes(self) -> list[Boxes]:
        """Everybody's box in each picture, neither best nor worst first."""
        scores = np.array([0.6, 0.9, 0.7])
        return [Boxes(np.reshape(rows, (-1, 4)), scores[: len(rows)]) for rows in PLACES]

    def look(self, tensor: npt.NDArray[np.float32], colours: Mapping[str, Any]) -> list[Row]:
        """Everybody in the middle of whom there are pixels in what a network is shown (3, h, w), the worst first."""
        mean, std = (np.reshape(colours.get(n, default), (3, 1, 1)) for n, default in _IMAGENET)
        planes = tensor * std + mean
        inside = planes[0 if colours.get("bgr") else 2] > 119.5  # blue: pixels of a ramp
        if not inside.any() or np.ptp(planes[1][inside]) < 4:  # none, or too few to see anything
            return []
        sight = Sight(self._points, self._swaps, **colours)
        seen = sight.places(tensor[None])[0].reshape(max(COUNTS), -1, 2)
        found = []
        for person, points in enumerate(seen):
            corners = np.sort(points[-2:], axis=0)
            middle = corners.mean(axis=0)
            if (middle > 0).all() and (middle < tensor.shape[:0:-1]).all():
                found.append((corners.ravel(), 0.9 - 0.15 * person, points[:-2], self.heights))
        return found[::-1]

    def central(self, tensor: npt.NDArray[np.float32]) -> Row | None:
        """Of a view of one person (3, h, w), whoever stands nearest to its middle; None where nobody does."""
        middle = np.array(tensor.shape[:0:-1]) / 2
        rows = self.look(tensor, PLAIN)
        return min(
            rows, key=lambda row: float(np.linalg.norm(row[0].reshape(2, 2).mean(axis=0) - middle)), default=None
        )


# Of one person -------------------------------------------------------------------------------------------------------


def heatmaps(known: Known, *, kind: str = "gaussian", udp: bool = False, logits_from: int | None = None) -> FakeRuntime:
    """A heatmap per keypoint at a quarter of the view: Gaussians, their logarithms, or logits from a keypoint on."""

    def answer(inputs: Mapping[str, Any]) -> Answer:
        crops = inputs["picture"]
        height, width = crops.shape[2] // 4, crops.shape[3] // 4
        step = ((width - 1) / (crops.shape[3] - 1), (height - 1) / (crops.shape[2] - 1)) if udp else (0.25, 0.25)
        maps = np.zeros((len(crops), len(known.skeleton), height, width), np.float32)
        rows, columns = np.indices((height, width))
        for number, crop in enumerate(crops):
            if (found := known.central(crop)) is not None:
                at = (found[2] * step)[..., None, None]
                log = -((columns - at[:, 0]) ** 2 + (rows - at[:, 1]) ** 2) / 4.5
                maps[number] = log if kind == "log" else found[3][:, None, None] * np.exp(log)
        if logits_from is not None:
            share = np.clip(maps[:, logits_from:], 1e-9, 0.999)
            maps[:, logits_from:] = np.log(share) - np.log1p(-share)
        return {"maps": maps}

    return FakeRuntime(answer, inputs=("picture",), outputs=("maps",))


def simcc(known: Known) -> FakeRuntime:
    """Two bins per px of the view along x and along y."""

    def answer(inputs: Mapping[str, Any]) -> Answer:
        crops = inputs["picture"]
        vectors = [np.zeros((len(crops), len(known.skeleton), 2 * crops.shape[side]), np.float32) for side in (3, 2)]
        for number, crop in enumerate(crops):
            if (found := known.central(crop)) is not None:
                for axis, along in enumerate(vectors):
                    apart = np.arange(along.shape[2]) - 2 * found[2][:, axis, None]
                    along[number] = found[3][:, None] * np.exp(-(apart**2) / 50)
        return {"x": vectors[0], "y": vectors[1]}

    return FakeRuntime(answer, inputs=("picture",), outputs=("x", "y"))


# Of whole pictures: every one shows a thing besides the people --------------------------------------------------------

_THING = (np.array([0.0, 0.0, SIDE, SIDE]), 0.95)


def _whole(
    known: Known, colours: Mapping[str, Any], tell: Callable[[list[Row]], tuple[Any, ...]], outputs: Sequence[str]
) -> FakeRuntime:
    """A network for whole pictures; `tell` makes its outputs for one of them."""

    def answer(inputs: Mapping[str, Any]) -> Answer:
        told = [tell(known.look(tensor, colours)) for tensor in inputs["images"]]
        return {name: np.stack(each) for name, each in zip(outputs, zip(*told, strict=True), strict=True)}

    return FakeRuntime(answer, inputs=("images",), outputs=outputs)


def raw_yolox(known: Known) -> FakeRuntime:
    """YOLOX before its decoding: place in the cell, logarithm of the size, objectness, three classes."""

    def tell(rows: list[Row]) -> tuple[Any, ...]:
        output = np.zeros((sum((SIDE // stride) ** 2 for stride in (8, 16, 32)), 8), np.float32)
        people = [(box, score, 0) for box, score, _, _ in rows]
        for cell, (box, score, kind) in enumerate([*people, (*_THING, 1)]):
            output[cell, :2] = (box[:2] + box[2:]) / 16 - (cell, 0)
            output[cell, 2:4] = np.log((box[2:] - box[:2]) / 8)
            output[cell, [4, 5 + kind]] = 1, score
        return (output,)

    return _whole(known, YOLOX, tell, ("output",))


def raw_yolo(known: Known, *, pose: bool = False) -> FakeRuntime:
    """YOLOv8's (values, cells): middle, size, then three classes, or score and keypoints."""

    def tell(rows: list[Row]) -> tuple[Any, ...]:
        values = 5 + 3 * len(known.skeleton) if pose else 7
        output = np.zeros((values, sum((SIDE // stride) ** 2 for stride in (8, 16, 32))), np.float32)
        for cell, (box, score, xy, heights) in enumerate(rows):
            output[:5, cell] = [*(box[:2] + box[2:]) / 2, *(box[2:] - box[:2]), score]
            if pose:
                output[5:, cell] = np.column_stack([xy, heights]).ravel()
        if not pose:
            output[[0, 1, 2, 3, 5], -1] = SIDE / 2, SIDE / 2, SIDE, SIDE, _THING[1]
        return (output,)

    return _whole(known, YOLO, tell, ("output0",))


def end_to_end(known: Known, *, pose: bool = False) -> FakeRuntime:
    """YOLO's (10, values) with suppression inside: corners, score, class, keypoints; unused rows are zeros."""

    def tell(rows: list[Row]) -> tuple[Any, ...]:
        output = np.zeros((10, 6 + 3 * len(known.skeleton) * pose), np.float32)
        for number, (box, score, xy, heights) in enumerate(rows):
            output[number, :5] = [*box, score]
            if pose:
                output[number, 6:] = np.column_stack([xy, heights]).ravel()
        if not pose:
            output[-1, :6] = [*_THING[0], _THING[1], 1]
        return (output,)

    return _whole(known, YOLO, tell, ("output0",))


def suppressed(known: Known, colours: Mapping[str, Any] = YOLOX) -> FakeRuntime:
    """mmdeploy's `dets` and `labels`: as many rows as there are."""

    def tell(rows: list[Row]) -> tuple[Any, ...]:
        dets = [*([*box, score] for box, score, _, _ in rows), [*_THING[0], _THING[1]]]
        return np.array(dets, np.float32), np.array([*(0 for _ in rows), 1])

    return _whole(known, colours, tell, ("dets", "labels"))


def rtmo(known: Known) -> FakeRuntime:
    """mmdeploy's `dets` and `keypoints`."""

    def tell(rows: list[Row]) -> tuple[Any, ...]:
        dets = np.array([[*box, score] for box, score, _, _ in rows], np.float32).reshape(-1, 5)
        points = np.array([np.column_stack([xy, heights]) for _, _, xy, heights in rows], np.float32)
        return dets, points.reshape(-1, len(known.skeleton), 3)

    return _whole(known, YOLOX, tell, ("dets", "keypoints"))


def rcnn(known: Known) -> FakeRuntime:
    """torchvision's boxes, labels, scores, keypoints and their logits, of a picture of any size."""
    joints = len(known.skeleton)

    def tell(inputs: Mapping[str, Any]) -> Answer:
        [picture] = inputs["picture"]
        rows = known.look(picture, YOLO)
        logits = np.log(np.maximum(known.heights, 1e-3) / (1 - known.heights))
        thing = (_THING[0] / 2, _THING[1], np.zeros((joints, 2)), known.heights)
        boxes, scores, points, _ = zip(*rows, thing, strict=True)
        return {
            "boxes": np.array(boxes, np.float32),
            "labels": np.array([*(1 for _ in rows), 2]),
            "scores": np.array(scores, np.float32),
            "keypoints": np.concatenate([np.array(points), np.ones((len(points), joints, 1))], axis=2).astype(
                np.float32
            ),
            "logits": np.tile(logits, (len(points), 1)).astype(np.float32),
        }

    return FakeRuntime(tell, inputs=("picture",), outputs=("boxes", "labels", "scores", "keypoints", "logits"))
