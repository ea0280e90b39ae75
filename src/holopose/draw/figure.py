"""Owns one person as strokes: which keypoints and edges show, how wide they are, and in which order they go."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from holopose.draw.palette import HALO, WHITE, Colour, Inks
from holopose.draw.strokes import (
    Image,
    Points,
    Region,
    capsules,
    ellipses,
    faintness,
    layer,
    outline,
    region_of,
    tag,
    tag_region,
    union,
)
from holopose.skeletons.skeleton import Skeleton

__all__ = ["Figure", "Plate", "extent_px", "limb_width_px"]

Mask = npt.NDArray[np.bool_]
Picks = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Look:
    """How one kind of strand looks: line width relative to the limbs, at most a share of the strand's own extent."""

    of_limb: float
    of_extent: float
    dot_of_line: float


_FREE = math.inf
_LOOKS: dict[str, dict[str, _Look]] = {
    "holopose": {
        "limbs": _Look(1.0, _FREE, 1.8),
        "feet": _Look(0.75, _FREE, 1.7),
        "fine": _Look(0.4, _FREE, 2.4),
        "face": _Look(0.4, 0.012, 1.6),
        "hand": _Look(0.5, 0.026, 1.7),
    },
    "classic": {
        "limbs": _Look(0.8, _FREE, 2.4),
        "feet": _Look(0.65, _FREE, 2.4),
        "fine": _Look(0.55, _FREE, 2.6),
        "face": _Look(0.35, 0.010, 2.0),
        "hand": _Look(0.4, 0.024, 2.0),
    },
    "openpose": {
        "limbs": _Look(1.7, _FREE, 1.0),
        "feet": _Look(1.2, _FREE, 1.0),
        "fine": _Look(1.7, _FREE, 1.0),
        "face": _Look(0.8, 0.016, 1.0),
        "hand": _Look(0.5, 0.026, 1.9),
    },
}
_OWNERS = ("limbs", "feet", "fine", "face", "left_hand", "right_hand")  # an edge goes with the later of its ends
_ORDER = ("fine", "feet", "limbs", "face", "left_hand", "right_hand")  # drawn in this order
_FINE = ("nose", "eye", "ear", "mouth", "pinky", "index", "thumb")  # small things among the body keypoints
_HALO_OPACITY = 0.5
_DOT_GAP_PX = 3.0  # unconnected dots that lie closer than this would run into one blob


@dataclass(frozen=True, slots=True)
class _Strand:
    """Keypoints and edges of a layout that are drawn together."""

    kind: str
    part: str
    keypoints: Picks
    edges: Picks
    ends: Picks


@lru_cache(maxsize=64)
def _strands(skeleton: Skeleton) -> tuple[_Strand, ...]:
    """How a layout is drawn, see _OWNERS and _ORDER."""
    parts = skeleton.part_of()
    owner = [
        part if part != "body" else "fine" if any(word in name for word in _FINE) else "limbs"
        for name, part in zip(skeleton.keypoints, parts, strict=True)
    ]
    edge_owner = [max(owner[a], owner[b], key=_OWNERS.index) for a, b in skeleton.edges]
    found = []
    for name in _ORDER:
        keypoints = np.array([k for k, own in enumerate(owner) if own == name], np.intp)
        edges = np.array([e for e, own in enumerate(edge_owner) if own == name], np.intp)
        ends = np.array([skeleton.edges[e] for e in edges], np.intp).reshape(-1, 2)
        if len(keypoints):
            kind = "hand" if name.endswith("hand") else name
            found.append(_Strand(kind, parts[keypoints[0]], keypoints, edges, ends))
    return tuple(found)


def extent_px(points: Points) -> float:
    """Diagonal of the rectangle around (N, 2) points, 0 for fewer than two."""
    return math.hypot(*np.ptp(points, axis=0).tolist()) if len(points) > 1 else 0.0


def limb_width_px(person_px: float, picture_px: float) -> float:
    """Width of body limbs for a person and a picture of these diagonals.

    About a hundredth of the person, within what suits the picture: no hairlines on a large one, and never so wide that
    a small person becomes a blob.

    >>> [round(limb_width_px(person, picture), 1) for person, picture in ((60, 5000), (60, 800), (500, 800))]
    [1.3, 1.1, 5.6]
    """
    least = min(0.0014 * picture_px, 0.022 * person_px)
    return min(max(0.012 * person_px, least), 0.007 * picture_px)


@dataclass(frozen=True, slots=True)
class _Marks:
    """Lines and dots of one strand of one person, px and RGB."""

    lines: Points
    line_inks: list[Colour]
    line_px: float
    dots: Points
    dot_inks: list[Colour]
    dot_px: float
    elliptic: bool
    region: Region

    @property
    def halo_px(self) -> float:
        """How much wider the halo is than what it surrounds."""
        return 2 * max(0.8, 0.22 * self.line_px)


class Figure:
    """One person, ready to draw.

    Args:
        skeleton: Layout of the keypoints.
        xy: (K, 2) float64 px, anywhere; NaN where not shown.
        shown: (K,) bool, the keypoints that may be drawn.
        inks: Colours of this person.
        style: One of the palette's STYLES.
        parts: Which parts to draw.
        line_width: Width of limbs in px, 0 = automatic.
        size_wh: Width and height of the picture.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        xy: Points,
        shown: Mask,
        inks: Inks,
        *,
        style: str,
        parts: Collection[str],
        line_width: float,
        size_wh: tuple[int, int],
    ) -> None:
        main = [k for part in ("body", "feet") for k in skeleton.parts.get(part, ()) if shown[k]]
        picture_px = math.hypot(*size_wh)
        self.size_px = extent_px(xy[main]) or extent_px(xy[shown])
        self.limb_px = line_width or limb_width_px(self.size_px or 0.1 * picture_px, picture_px)
        self._xy, self._shown, self._inks, self._style, self._size_wh = xy, shown, inks, style, size_wh
        self._marks = [self._measure(strand) for strand in _strands(skeleton) if strand.part in parts]
        self.region = union([marks.region for marks in self._marks])

    def draw(self, canvas: Image) -> None:
        """Draw the person on an RGB or premultiplied RGBA canvas; nothing outside `region` changes."""
        for marks in self._marks:
            if self._style == "holopose":
                with layer(canvas, marks.region, _HALO_OPACITY * faintness(marks.line_px)):
                    capsules(canvas, marks.lines, [HALO] * len(marks.lines), marks.line_px + marks.halo_px)
                    capsules(canvas, marks.dots, [HALO] * len(marks.dots), marks.dot_px + marks.halo_px)
            with layer(canvas, marks.region, faintness(marks.line_px)):
                (ellipses if marks.elliptic else capsules)(canvas, marks.lines, marks.line_inks, marks.line_px)
                capsules(canvas, marks.dots, marks.dot_inks, marks.dot_px)
                if self._style == "holopose" and marks.dot_px >= 5:
                    capsules(canvas, marks.dots, [WHITE] * len(marks.dots), marks.dot_px * 0.5)

    def _measure(self, strand: _Strand) -> _Marks:
        look = _LOOKS[self._style][strand.kind]
        joined = np.asarray(self._shown[strand.ends].all(axis=1))
        if self._style == "openpose" and strand.kind == "face":
            joined = np.zeros_like(joined)  # that project shows faces as dots
        keypoints = strand.keypoints[self._shown[strand.keypoints]]
        own_px = extent_px(self._xy[keypoints]) or math.inf
        line_px = min(look.of_limb * self.limb_px, look.of_extent * own_px)
        dot_px = look.dot_of_line * line_px
        dotted = _dotted(keypoints, strand.ends[joined], dot_px, own_px)
        lines = self._xy[strand.ends[joined]]
        dots = np.repeat(self._xy[dotted][:, None], 2, axis=1)
        points = np.concatenate([lines, dots]).reshape(-1, 2)
        return _Marks(
            lines=lines,
            line_inks=[self._inks.edges[e] for e in strand.edges[joined]],
            line_px=line_px,
            dots=dots,
            dot_inks=[self._inks.dots[k] for k in dotted],
            dot_px=dot_px,
            elliptic=self._style == "openpose" and strand.kind != "hand",
            region=region_of(points, max(line_px, dot_px) + 4, self._size_wh),
        )


class Plate:
    """A person's box with a label at its top left corner.

    Args:
        box: (4,) float64 px, left, top, right, bottom, anywhere.
        text: The label.
        colour: RGB.
        size_wh: Width and height of the picture.
    """

    def __init__(self, box: Points, text: str, colour: Colour, size_wh: tuple[int, int]) -> None:
        picture_px = math.hypot(*size_wh)
        self._box, self._text, self._colour = box, text, colour
        self._width_px = max(1.4, 0.002 * picture_px)
        self._text_px = max(8.0, 0.011 * picture_px)
        self._label = tag_region(text, (float(box[0]), float(box[1])), self._text_px, size_wh)
        self._frame = region_of(box.reshape(2, 2), self._width_px + 4, size_wh)
        self.region = union([self._frame, self._label])

    def draw(self, canvas: Image) -> None:
        """Draw box and label; nothing outside `region` changes."""
        with layer(canvas, self._frame, _HALO_OPACITY):
            outline(canvas, self._box, HALO, self._width_px + 1.6)
        outline(canvas, self._box, self._colour, self._width_px)
        tag(canvas, self._text, self._label, self._colour, self._text_px)


def _dotted(keypoints: Picks, ends: Picks, dot_px: float, own_px: float) -> Picks:
    """Which keypoints get a dot: lone ones unless so many that they run together, joined ones where it shows."""
    joined = np.isin(keypoints, ends)
    lone = keypoints[~joined]
    if len(lone) > 8 and own_px < _DOT_GAP_PX * math.sqrt(len(lone)):
        lone = lone[:0]
    return np.concatenate([keypoints[joined] if dot_px >= 1.6 else lone[:0], lone])
