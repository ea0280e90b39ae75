"""Owns Painter: people's skeletons drawn over their picture, or alone."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from holopose.draw.figure import Figure, Plate
from holopose.draw.palette import COLOR_BYS, STYLES, Inks, inks_of
from holopose.draw.strokes import layer, union
from holopose.errors import ConfigError
from holopose.skeletons.conversions import convert
from holopose.skeletons.layouts import OPENPOSE18
from holopose.skeletons.skeleton import PARTS, Skeleton
from holopose.types import Frame, Poses

__all__ = ["BACKGROUNDS", "Painter"]

Image = npt.NDArray[np.uint8]

BACKGROUNDS: tuple[str, ...] = ("picture", "black", "white", "transparent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Painter:
    """Draws poses of any layout.

    Attributes:
        style: ``holopose`` (a hue per person, thin dark halo), ``classic`` (red joints on white bones) or ``openpose``
            (that project's 18 body keypoints, limbs and colours; hands and face as its users know them).
        color_by: ``person``, ``side`` (left blue, right orange, a hue per finger) or ``part``; for style holopose.
        draw_parts: Which of body, feet, face, left_hand, right_hand to draw. An edge between the body and another part
            belongs to that other part.
        draw_threshold: Keypoints with a lower score are not drawn, nor edges that touch them. Drawing only.
        line_width: Width of body limbs in px; 0 chooses it from the sizes of the picture and of each person. Faces and
            hands are thinner, by their own size.
        skeleton_opacity: 0 (not seen) to 1.
        picture_opacity: 0 (black) to 1, for background picture.
        background: ``picture``, or the skeletons alone on ``black``, ``white`` or ``transparent``.
        side_by_side: The picture as it was on the left, the drawing on the right.
        draw_boxes: Each person's box with id and score.

    Raises:
        ConfigError: a value is not one of these; the message names the nearest.
    """

    style: str = "holopose"
    color_by: str = "person"
    draw_parts: Iterable[str] = PARTS
    draw_threshold: float = 0.3
    line_width: float = 0.0
    skeleton_opacity: float = 1.0
    picture_opacity: float = 1.0
    background: str = "picture"
    side_by_side: bool = False
    draw_boxes: bool = False

    def __post_init__(self) -> None:
        _check_choice("style", self.style, STYLES)
        _check_choice("color_by", self.color_by, COLOR_BYS)
        _check_choice("background", self.background, BACKGROUNDS)
        parts = [self.draw_parts] if isinstance(self.draw_parts, str) else list(self.draw_parts)
        for part in parts:
            _check_choice("draw_parts", part, PARTS)
        object.__setattr__(self, "draw_parts", tuple(part for part in PARTS if part in parts))
        for name in ("draw_threshold", "skeleton_opacity", "picture_opacity"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name}: expected a number from 0 to 1, got {getattr(self, name)}")
        if not (math.isfinite(self.line_width) and self.line_width >= 0):
            raise ConfigError(f"line_width: expected 0 (automatic) or a width in px, got {self.line_width}")

    def paint(self, frame: Frame, poses: Poses) -> Image:
        """Draw everybody over the frame, large people over small ones.

        Args:
            frame: The picture.
            poses: People in it, original-image px; keypoints may lie anywhere.

        Returns:
            (H, W, 3) uint8 RGB, or (H, W, 4) RGBA with background transparent; W doubles with side_by_side. A new
            array. Without people it is the picture (or the ground asked for) unchanged.
        """
        canvas = self._ground(frame)
        if self.style == "openpose":
            poses = convert(poses, _openpose_layout(poses.skeleton))
        figures = sorted(self._figures(frame, poses), key=lambda figure: figure.size_px)
        marks: list[Plate | Figure] = [*(self._plates(frame, poses) if self.draw_boxes else ()), *figures]
        region = union([mark.region for mark in marks])
        with layer(canvas, region, self.skeleton_opacity):
            for mark in marks:
                mark.draw(canvas)
        if canvas.shape[2] == 4:
            left, top, right, bottom = region
            _divide_by_alpha(canvas[top:bottom, left:right])
        if not self.side_by_side:
            return canvas
        picture = cv2.cvtColor(frame.image, cv2.COLOR_RGB2RGBA) if canvas.shape[2] == 4 else frame.image
        return np.hstack([picture, canvas])

    def _ground(self, frame: Frame) -> Image:
        width, height = frame.size_wh
        if self.background == "transparent":
            return np.zeros((height, width, 4), np.uint8)
        if self.background != "picture" or self.picture_opacity == 0:
            return np.full((height, width, 3), 255 if self.background == "white" else 0, np.uint8)
        if self.picture_opacity < 1:
            return np.asarray(cv2.convertScaleAbs(frame.image, alpha=self.picture_opacity), np.uint8)
        return frame.image.copy()

    def _inks(self, poses: Poses, row: int) -> Inks:
        identity = -1 if poses.ids is None else int(poses.ids[row])
        inks = inks_of(poses.skeleton, self.style, self.color_by, identity if identity >= 0 else row)
        return inks.on_white() if self.background == "white" else inks

    def _figures(self, frame: Frame, poses: Poses) -> list[Figure]:
        shown = ~np.isnan(poses.xy).any(axis=2) & (poses.score >= self.draw_threshold)
        return [
            Figure(
                poses.skeleton,
                poses.xy[row].astype(np.float64),
                shown[row],
                self._inks(poses, row),
                style=self.style,
                parts=tuple(self.draw_parts),
                line_width=self.line_width,
                size_wh=frame.size_wh,
            )
            for row in range(len(poses))
        ]

    def _plates(self, frame: Frame, poses: Poses) -> list[Plate]:
        ids = [-1] * len(poses) if poses.ids is None else poses.ids.tolist()
        names = [f"#{identity}  " if identity >= 0 else "" for identity in ids]
        return [
            Plate(box.astype(np.float64), f"{name}{score:.2f}", self._inks(poses, row).box, frame.size_wh)
            for row, (box, name, score) in enumerate(
                zip(poses.boxes.xyxy, names, poses.boxes.score.tolist(), strict=True)
            )
        ]


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        near = difflib.get_close_matches(str(value), choices, n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigError(f"{name}: expected one of {', '.join(choices)}, got {value!r}{hint}")


@lru_cache(maxsize=64)
def _openpose_layout(skeleton: Skeleton) -> Skeleton:
    """OpenPose's 18 body keypoints in place of the layout's own body; feet, face and hands stay."""
    if "body" not in skeleton.parts:
        return skeleton
    part_of = skeleton.part_of()
    names = [*OPENPOSE18.keypoints, *(n for n, part in zip(skeleton.keypoints, part_of, strict=True) if part != "body")]
    index = {name: k for k, name in enumerate(names)}
    edges = list(OPENPOSE18.edges)
    for a, b in skeleton.edges:
        between = {part_of[a], part_of[b]}
        ends = index.get(skeleton.keypoints[a]), index.get(skeleton.keypoints[b])
        if None in ends or ("body" in between and "feet" not in between):
            continue  # its body has lines of its own, and none from wrist to hand
        edges.append((index[skeleton.keypoints[a]], index[skeleton.keypoints[b]]))
    others = {
        part: tuple(index[skeleton.keypoints[k]] for k in members)
        for part, members in skeleton.parts.items()
        if part != "body"
    }
    parts = {"body": tuple(range(len(OPENPOSE18))), **others}
    return Skeleton(f"{skeleton.name}/openpose", tuple(names), tuple(edges), tuple(range(len(names))), None, parts)


def _divide_by_alpha(rgba: Image) -> None:
    """Turn premultiplied colours into plain ones, in place; only pixels that are partly covered change."""
    partly = (rgba[..., 3] > 0) & (rgba[..., 3] < 255)
    pixels = rgba[partly].astype(np.uint16)
    alpha = pixels[:, 3:]
    pixels[:, :3] = np.minimum((pixels[:, :3] * 255 + alpha // 2) // np.maximum(alpha, 1), 255)
    rgba[partly] = pixels.astype(np.uint8)
