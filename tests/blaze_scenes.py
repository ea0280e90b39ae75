"""Owns made-up pictures whose people are known exactly, and blaze networks that see them.

A scene's picture shows no people: the colour of each pixel says where in which picture it lies. The networks here read
from the crop they are given what part of the picture it is, however it was cut, scaled, turned or padded, and answer
what a perfect network would answer for the people of that scene. So tests hold for any search and any crop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.models.blaze.anchors import anchor_centres
from holopose.models.blaze.estimator import BlazeEstimator
from holopose.models.blaze.network import SPECS, Network
from holopose.runtimes.fake import FakeRuntime
from holopose.types import Frame

Floats = npt.NDArray[np.float64]
LOW, HIGH = 8, 247  # red and green from the first to the last pixel; the border, repeated, stays at one of them
SIDES = ("left", "right")

_POSE_LAYERS = ((8, 2), (16, 2), (32, 6))
_FACE_LAYERS = ((8, 2), (16, 6))
_SILENT = -20.0

# Half a person that faces the viewer, hips at (0, 0), height 1: the left side, which is on the right of the picture.
_NOSE = (0.0, -0.41)
_LEFT_HALF = {
    "eye": [(0.012, -0.43), (0.02, -0.43), (0.028, -0.43)],
    "ear": [(0.045, -0.42)],
    "mouth": [(0.015, -0.385)],
    "arm": [(0.12, -0.30), (0.17, -0.14), (0.19, 0.0), (0.205, 0.05), (0.185, 0.055), (0.17, 0.035)],
    "leg": [(0.07, 0.0), (0.075, 0.24), (0.08, 0.45), (0.075, 0.48), (0.10, 0.51)],
}


def rotation(angle: float) -> Floats:
    """(2, 2), radians, clockwise on screen."""
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _canonical() -> Floats:
    """(35, 2): 33 landmarks, hip centre, full-body point."""
    mirror = np.array([-1.0, 1.0])
    left = {name: np.array(points) for name, points in _LEFT_HALF.items()}
    rows = [np.array([_NOSE]), left["eye"], left["eye"] * mirror]
    for name in ("ear", "mouth", "arm", "leg"):
        rows += [np.stack([point, point * mirror]) for point in left[name]]
    return np.concatenate([*rows, [[0.0, 0.0], [0.0, -0.55]]])


def _canonical_hand() -> Floats:
    """(21, 2) of a left hand that hangs down, wrist at (0, 0), about 1 long."""
    fingers = [(0.35 - 0.2 * i, 0.45 + 0.05 * j * (3 if i else 2)) for i in range(5) for j in range(4)]
    return np.array([(0.0, 0.0), *fingers])


def _canonical_mesh() -> Floats:
    """(468, 2) spread over an upright ellipse around (0, 0)."""
    turn, out = np.arange(468) * 2.399963, np.sqrt((np.arange(468) + 0.5) / 468)
    return np.stack([0.04 * out * np.cos(turn), 0.045 * out * np.sin(turn)], axis=1)


@dataclass
class Figure:
    """One person: where everything truly is, in px of the picture, and what the networks will say.

    Attributes:
        hip: Between the hips, px.
        height: px.
        turn: Radians, clockwise on screen.
        detection: The pose detector's score.
        faint: Another score, in looks at the picture that show the person less high than so many px.
        wander: How far, in heights, each look of the detector misplaces hips and size.
        peak: Heights of the heatmap peaks, one for all or (33,).
        visibility: One for all or (33,); presence likewise.
        flag: The landmark network's probability.
        drift: 0: landmarks stay where the person is. 1: they stay where the ROI is, as a ghost's do.
        hand_presence: For the left and the right hand.
        face_score: The face detector's score.
        face_offset: Where the detector sees the face, in heights away from the body's.
        mesh_probability: That of the face mesh.
    """

    hip: tuple[float, float]
    height: float = 200.0
    turn: float = 0.0
    detection: float = 0.9
    faint: tuple[float, float] = (0.0, 0.0)
    wander: float = 0.0
    peak: float | Floats = 0.9
    visibility: float | Floats = 0.95
    presence: float | Floats = 0.98
    flag: float = 0.99
    drift: float = 0.0
    hand_presence: tuple[float, float] = (0.96, 0.93)
    face_score: float = 0.9
    face_offset: tuple[float, float] = (0.0, 0.0)
    mesh_probability: float = 0.97
    z: Floats = field(default_factory=lambda: np.linspace(-20.0, 20.0, 33))

    def place(self, points: npt.ArrayLike) -> Floats:
        """From heights around the hips to px."""
        return np.asarray(points, np.float64) @ rotation(self.turn).T * self.height + np.array(self.hip)

    @property
    def xy(self) -> Floats:
        """(35, 2) px: 33 landmarks, hip centre, full-body point."""
        return self.place(_canonical())

    @property
    def side(self) -> float:
        """Of the ROI, px."""
        return 2.5 * 0.55 * self.height

    @property
    def world(self) -> Floats:
        """(33, 3) m, 1.7 m tall."""
        return np.concatenate([(self.xy[:33] - self.hip) / self.height * 1.7, self.z[:, None] / 100], axis=1)

    @property
    def face(self) -> Floats:
        """(6, 2) px: right eye, left eye, nose, mouth, right and left ear, where the face detector sees them."""
        body = _canonical()
        points = np.stack([body[5], body[2], body[0], body[[9, 10]].mean(axis=0), body[8], body[7]])
        return self.place(points + np.array(self.face_offset))

    @property
    def mesh(self) -> Floats:
        """(468, 2) px."""
        return self.place(_canonical_mesh() + _canonical()[0])

    def hand(self, side: str) -> Floats:
        """(21, 2) px."""
        hand = 0.11 * _canonical_hand() * ((1, 1) if side == "left" else (-1, 1))
        return self.place(hand + _canonical()[15 if side == "left" else 16])


@dataclass
class Scene:
    """A picture and its people."""

    people: Sequence[Figure] = ()
    size_wh: tuple[int, int] = (480, 360)
    name: str = ""


@dataclass
class View:
    """What part of which scene a crop shows: picture px = matrix @ (column, row, 1), of the crop's pixels."""

    scene: Scene
    matrix: Floats

    @property
    def angle(self) -> float:
        """The crop's rotation, radians."""
        return float(np.arctan2(self.matrix[1, 0], self.matrix[0, 0]))

    @property
    def scale(self) -> float:
        """Picture px per crop px."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))

    def to_crop(self, xy: Floats) -> Floats:
        """Picture px to the crop's."""
        return np.linalg.solve(self.matrix[:, :2], (np.asarray(xy) - self.matrix[:, 2]).T).T

    def nearest(self, places: Iterator[tuple[Any, Floats]], size: int) -> Any:
        """Of (thing, place in px) the thing nearest to the middle, None where none is in the crop."""
        apart = [(float(np.abs(self.to_crop(xy[None])[0] / size - 0.5).max()), thing) for thing, xy in places]
        apart = [one for one in apart if one[0] <= 0.5]
        return min(apart, key=lambda one: one[0])[1] if apart else None


def _logit(probability: npt.ArrayLike) -> Floats:
    p = np.clip(np.asarray(probability, np.float64), 1e-6, 1 - 1e-6)
    return np.log(p / (1 - p))


class FakeBlaze:
    """The blaze networks, for pictures of up to ten scenes.

    Attributes:
        networks: FakeRuntimes by name, as `BlazeEstimator` takes them.
    """

    def __init__(self, *scenes: Scene) -> None:
        self.scenes = scenes
        answers: dict[str, Callable[[Floats], tuple[npt.ArrayLike, ...]]] = {
            "pose_detection": self._detect,
            "pose_landmark_full": self._landmarks,
            "hand_recrop": self._recrop,
            "hand_landmark_full": self._hand,
            "face_detection_short_range": self._faces,
            "face_landmark": self._mesh,
        }
        self.networks = {name: self._runtime(name, answer) for name, answer in answers.items()}

    def _runtime(self, name: str, answer: Callable[[Floats], tuple[npt.ArrayLike, ...]]) -> FakeRuntime:
        spec, symmetric = SPECS[name], "detection" in name

        def run(inputs: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[np.float32]]:
            tensor = np.asarray(inputs[spec.input], np.float64)
            assert tensor.shape[0] == 1
            assert tensor.shape[3] == 3
            pixels = (tensor[0] + 1) * 127.5 if symmetric else tensor[0] * 255
            assert pixels.min() >= -1e-3
            assert pixels.max() <= 255.001
            answers = answer(pixels)
            return {key: np.asarray(value, np.float32) for key, value in zip(spec.outputs, answers, strict=True)}

        return FakeRuntime(run)

    def network(self, name: str) -> Network:
        """One network, as the parts of the estimator take it."""
        return Network(self.networks[name], SPECS[name])

    def estimator(self, **options: Any) -> BlazeEstimator:
        """An estimator with these networks."""
        return BlazeEstimator(self.networks, **options)

    def frame(self, number: int = 0, index: int = 0) -> Frame:
        """The picture of a scene: red and green say x and y, blue says which scene."""
        scene = self.scenes[number]
        width, height = scene.size_wh
        image = np.empty((height, width, 3), np.uint8)
        image[..., 0] = np.round(np.linspace(LOW, HIGH, width))
        image[..., 1] = np.round(np.linspace(LOW, HIGH, height))[:, None]
        image[..., 2] = 255 - 12 * number
        return Frame(image, index=index, name=scene.name)

    def view(self, pixels: Floats) -> View | None:
        """What a crop shows; None where it shows no scene or too little of it."""
        every = max(1, min(pixels.shape[:2]) // 100)
        pixels = pixels[::every, ::every]
        blue = np.round(pixels[..., 2]).astype(int)
        counts = np.bincount(blue.ravel().clip(0, 255), minlength=256)
        number, off = divmod(255 - int(counts[135:].argmax() + 135), 12)
        if off or number >= len(self.scenes):
            return None
        inner = (blue == 255 - 12 * number) & ((pixels[..., :2] > LOW + 1) & (pixels[..., :2] < HIGH - 1)).all(axis=2)
        inner &= _unmirrored(pixels[..., 0], inner)
        rows, columns = np.nonzero(inner)
        if len(rows) < 30:
            return None
        design = np.stack([every * columns, every * rows, np.ones(len(rows))], axis=1)
        scene = self.scenes[number]
        spans = (np.array(scene.size_wh) - 1) / (HIGH - LOW)
        places = (pixels[rows, columns, :2] - LOW) * spans
        matrix = np.linalg.lstsq(design, places, rcond=None)[0].T
        return View(scene, matrix) if abs(np.linalg.det(matrix[:, :2])) > 1e-6 else None

    # What each network says --------------------------------------------------------------------------------------

    def _detect(self, pixels: Floats) -> tuple[Floats, Floats]:
        height, width = pixels.shape[:2]
        centres = anchor_centres((height, width), _POSE_LAYERS)
        boxes, scores = np.zeros((1, len(centres), 12)), np.full((1, len(centres), 1), _SILENT)
        view = self.view(pixels)
        for person in view.scene.people if view else ():
            random = np.random.default_rng([height, width, round(abs(person.hip[0]))])
            stray = random.uniform(-1, 1, (2, 2)) * person.wander
            head, shoulders = _canonical()[0], np.array([0.0, -0.30])
            points = [head - 0.06, head + 0.06, stray[0], (stray[0] + [0, -0.55]) * (1 + stray[1]), shoulders, head]
            placed = view.to_crop(person.place(points))
            corners = np.sort(placed[:2], axis=0)
            score = person.faint[0] if person.height / view.scale < person.faint[1] else person.detection
            _answer((boxes[0], scores[0]), centres, np.concatenate([corners, placed[2:]]), score)
        return boxes, scores

    def _landmarks(self, pixels: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        landmarks, world = np.zeros((39, 5)), np.zeros((39, 3))
        landmarks[:, :2] = 128.0
        peaks, flag = np.full(39, 1e-3), 0.01
        view = self.view(pixels)
        person = view.nearest(((one, one.xy[33]) for one in view.scene.people), 256) if view else None
        if view and person:
            own = view.to_crop(person.xy)
            fixed = 128 + _canonical() * 256 / (2.5 * 0.55)
            landmarks[:35, :2] = own + person.drift * (fixed - own)
            landmarks[:33, 2] = person.z / view.scale
            landmarks[:33, 3], landmarks[:33, 4] = _logit(person.visibility), _logit(person.presence)
            peaks[:33], flag = person.peak, person.flag
            world[:33] = person.world
            world[:33, :2] = world[:33, :2] @ rotation(-view.angle).T
        return landmarks.reshape(1, 195), np.array([[flag]]), _heatmaps(landmarks[:, :2] / 4, peaks)[None], world[None]

    def _nearest_hand(self, pixels: Floats) -> tuple[View | None, tuple[Figure, str] | None]:
        view = self.view(pixels)
        people = view.scene.people if view else ()
        hands = (((one, side), one.hand(side).mean(axis=0)) for one in people for side in SIDES)
        return view, view.nearest(hands, len(pixels)) if view else None

    def _recrop(self, pixels: Floats) -> tuple[Floats]:
        view, found = self._nearest_hand(pixels)
        points = np.array([[0.5, 0.5], [0.5, 0.75]]) * 256
        if view and found:
            hand = found[0].hand(found[1])
            middle, wrist = (hand.min(axis=0) + hand.max(axis=0)) / 2, hand[0]
            reach = 1.4 * np.linalg.norm(hand - middle, axis=1).max()
            points = view.to_crop(
                np.stack([middle, middle + (wrist - middle) / np.linalg.norm(wrist - middle) * reach])
            )
        return (points.reshape(1, 1, 1, 4),)

    def _hand(self, pixels: Floats) -> tuple[Floats, Floats]:
        view, found = self._nearest_hand(pixels)
        points, presence = np.full((21, 3), 112.0), 0.01
        if view and found:
            points[:, :2] = view.to_crop(found[0].hand(found[1]))
            points[:, 2] = np.arange(21) / view.scale * 0.4
            presence = found[0].hand_presence[SIDES.index(found[1])]
        return points.reshape(1, 63), np.array([[presence]])

    def _faces(self, pixels: Floats) -> tuple[Floats, Floats]:
        centres = anchor_centres((128, 128), _FACE_LAYERS)
        boxes, scores = np.zeros((1, len(centres), 16)), np.full((1, len(centres), 1), _SILENT)
        view = self.view(pixels)
        for person in view.scene.people if view else ():
            points = view.to_crop(person.face)
            if (points.mean(axis=0) > 0).all() and (points.mean(axis=0) < 128).all():
                corners = np.stack([points.min(axis=0), points.max(axis=0)])
                _answer((boxes[0], scores[0]), centres, np.concatenate([corners, points]), person.face_score)
        return boxes, scores

    def _mesh(self, pixels: Floats) -> tuple[Floats, Floats]:
        points, probability = np.full((468, 3), 96.0), 0.01
        view = self.view(pixels)
        person = view.nearest(((one, one.face.mean(axis=0)) for one in view.scene.people), 192) if view else None
        if view and person:
            points[:, :2], points[:, 2] = view.to_crop(person.mesh), np.arange(468) / view.scale
            probability = person.mesh_probability
        return points.reshape(1, 1, 1, 1404), _logit([[[[probability]]]])


def _unmirrored(red: Floats, inner: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Columns between those of least and most red: beyond them lies a mirror image, if anything (upright crops)."""
    counts = inner.sum(axis=0)
    mean = np.where(inner, red, 0).sum(axis=0) / np.maximum(counts, 1)
    known = np.flatnonzero(counts)
    if not len(known):
        return inner
    ends = known[mean[known].argmin()], known[mean[known].argmax()]
    columns = np.arange(red.shape[1])
    between = (columns >= min(ends)) & (columns <= max(ends))
    turned = abs(np.subtract(*mean[list(ends)])) < 0.98 * np.ptp(red[inner])  # columns do not follow red: no canvas
    return np.ones_like(inner) if turned else np.broadcast_to(between, inner.shape)


def _answer(raw: tuple[Floats, Floats], centres: Floats, points: Floats, score: float) -> None:
    """Put one detection, box corners and points, on the nearest anchor of the boxes and scores that is free."""
    boxes, scores = raw
    middle = points[:2].mean(axis=0)
    order = np.argsort(np.linalg.norm(centres - middle, axis=1), kind="stable")
    anchor = next(i for i in order if scores[i, 0] == _SILENT)
    offsets = np.concatenate([[middle - centres[anchor], points[1] - points[0]], points[2:] - centres[anchor]])
    boxes[anchor], scores[anchor] = offsets.ravel(), _logit(score)


def _heatmaps(cells: Floats, peaks: Floats) -> Floats:
    """(64, 64, K) logits: a round hill of the given height around each place (K, 2), in cells."""
    grid = np.arange(64)[:, None]
    across, down = (np.exp(-0.5 * ((grid - cells[:, axis]) / 0.8) ** 2) for axis in (0, 1))
    across, down = (hill / np.maximum(hill.max(axis=0), 1e-12) for hill in (across, down))
    return _logit(peaks * down[:, None] * across[None])
