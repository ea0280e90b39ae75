"""Owns colours: which colour each edge and dot of a layout has, per style and per person.

Left and right are always tellable apart. The hues within one set stay apart for colour-blind eyes too: they were
chosen by their smallest OKLab distance as seen with normal vision, protanopia and deuteranopia.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from holopose.skeletons.skeleton import Skeleton

__all__ = ["COLOR_BYS", "HALO", "PEOPLE", "STYLES", "WHITE", "Inks", "inks_of", "person_colour"]

Colour = tuple[int, int, int]

STYLES: tuple[str, ...] = ("holopose", "classic", "openpose")
COLOR_BYS: tuple[str, ...] = ("person", "side", "part")

WHITE: Colour = (255, 255, 255)
HALO: Colour = (12, 14, 20)
PEOPLE: tuple[Colour, ...] = (
    (50, 172, 255),  # sky
    (248, 126, 30),  # orange
    (84, 238, 200),  # mint
    (206, 62, 142),  # magenta
    (255, 226, 60),  # yellow
    (122, 88, 255),  # violet
    (176, 36, 32),  # crimson
    (210, 200, 110),  # straw
    (86, 217, 255),  # ice
    (231, 100, 120),  # rose
)
_SIDES: dict[str, Colour] = {"left": (64, 170, 255), "right": (255, 140, 50), "middle": (236, 238, 242)}
_PARTS: dict[str, Colour] = {
    "body": (46, 150, 255),
    "feet": (70, 224, 190),
    "face": (255, 224, 90),
    "left_hand": (205, 80, 150),
    "right_hand": (250, 124, 40),
}
_FINGERS: dict[str, Colour] = {
    "thumb": (206, 52, 36),
    "index": (255, 215, 36),
    "middle": (100, 248, 198),
    "ring": (32, 161, 255),
    "pinky": (252, 78, 182),
}
# OpenPose's COCO-18 rainbow: the i-th limb and the i-th keypoint share a colour.
_RAINBOW: tuple[Colour, ...] = (
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0), (0, 255, 85),
    (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (85, 0, 255), (170, 0, 255),
    (255, 0, 255), (255, 0, 170), (255, 0, 85),
)  # fmt: skip
_RAINBOW_LIMBS = (
    "neck-right_shoulder neck-left_shoulder right_shoulder-right_elbow right_elbow-right_wrist "
    "left_shoulder-left_elbow left_elbow-left_wrist neck-right_hip right_hip-right_knee right_knee-right_ankle "
    "neck-left_hip left_hip-left_knee left_knee-left_ankle neck-nose nose-right_eye right_eye-right_ear "
    "nose-left_eye left_eye-left_ear"
)
_RAINBOW_JOINTS = (
    "nose neck right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist right_hip right_knee "
    "right_ankle left_hip left_knee left_ankle right_eye left_eye right_ear left_ear"
)


@dataclass(frozen=True, slots=True)
class Inks:
    """RGB colours of one person: one per edge and one per keypoint of a layout, and one for the box."""

    edges: tuple[Colour, ...]
    dots: tuple[Colour, ...]
    box: Colour

    def on_white(self) -> Inks:
        """The same where the ground is white: what would be white on white is dark instead."""
        dark = {WHITE: HALO}
        edges, dots = (tuple(dark.get(colour, colour) for colour in colours) for colours in (self.edges, self.dots))
        return Inks(edges, dots, dark.get(self.box, self.box))


def person_colour(number: int) -> Colour:
    """The hue of person `number` (an id, or the place in the list where there are none); repeats after ten."""
    return PEOPLE[number % len(PEOPLE)]


def side_of(name: str, part: str) -> str:
    """Whose side a keypoint is on: ``left``, ``right`` or ``middle`` (the person's own sides)."""
    for side in ("left", "right"):
        if side in name or part.startswith(side):
            return side
    return "middle"


@lru_cache(maxsize=512)
def inks_of(skeleton: Skeleton, style: str, color_by: str, number: int) -> Inks:
    """The colours of person `number`.

    Args:
        skeleton: Layout drawn.
        style: One of STYLES; ``classic`` and ``openpose`` bring their own colours, so `color_by` has no say in them.
        color_by: One of COLOR_BYS.
        number: Which hue, see `person_colour`.
    """
    parts = skeleton.part_of()
    sides = [side_of(name, part) for name, part in zip(skeleton.keypoints, parts, strict=True)]
    if style == "classic":
        return Inks((WHITE,) * len(skeleton.edges), ((230, 30, 30),) * len(skeleton), WHITE)
    if style == "openpose":
        return _openpose(skeleton, parts, sides)
    colours: list[Colour] = []
    for name, part, side in zip(skeleton.keypoints, parts, sides, strict=True):
        if color_by == "person":
            colours.append(_sided(person_colour(number), side))
        elif color_by == "part":
            colours.append(_PARTS[part] if "hand" in part else _sided(_PARTS[part], side))
        else:
            colours.append((_finger(name) if "hand" in part else None) or _SIDES[side])
    middle = {"person": person_colour(number), "side": _SIDES["middle"], "part": _PARTS["body"]}[color_by]
    return Inks(tuple(_edge(edge, colours, sides, middle) for edge in skeleton.edges), tuple(colours), middle)


def _edge(edge: tuple[int, int], colours: list[Colour], sides: list[str], middle: Colour) -> Colour:
    """An edge has the colour of its outer end; one that crosses the body (shoulders, hips) that of the middle."""
    a, b = edge
    if {sides[a], sides[b]} == {"left", "right"}:
        return middle
    if sides[a] == "middle":
        return colours[b]
    if sides[b] == "middle":
        return colours[a]
    return colours[b]


def _sided(colour: Colour, side: str) -> Colour:
    """The same hue, lighter on the person's left and deeper on the right."""
    if side == "left":
        return _mix(colour, WHITE, 0.42)
    if side == "right":
        return _mix(colour, (0, 0, 0), 0.24)
    return colour


def _mix(colour: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue


def _finger(name: str) -> Colour | None:
    return next((colour for finger, colour in _FINGERS.items() if finger in name), None)


def _openpose(skeleton: Skeleton, parts: tuple[str, ...], sides: list[str]) -> Inks:
    """The published palette: limbs at 0.6 of the rainbow on dots at full strength, white face, rainbow hands."""
    limbs = {frozenset(limb.split("-")): colour for limb, colour in zip(_RAINBOW_LIMBS.split(), _RAINBOW, strict=False)}
    joints = dict(zip(_RAINBOW_JOINTS.split(), _RAINBOW, strict=True))
    feet: dict[str, Colour] = {"left": (0, 0, 255), "right": (0, 255, 255), "middle": WHITE}
    edges: list[Colour] = []
    for a, b in skeleton.edges:
        limb = limbs.get(frozenset((skeleton.keypoints[a], skeleton.keypoints[b])))
        if limb:
            edges.append(_mix(limb, (0, 0, 0), 0.4))
        elif "hand" in parts[b]:
            start = min(skeleton.parts[parts[b]])
            edges.append(_hue((b - start - 1) / 20))
        else:
            edges.append(WHITE if parts[b] == "face" else feet[sides[b]])
    dots: list[Colour] = []
    for name, part, side in zip(skeleton.keypoints, parts, sides, strict=True):
        if part == "body":
            dots.append(joints.get(name, WHITE))
        else:
            dots.append(WHITE if part == "face" else feet[side] if part == "feet" else (0, 0, 255))
    return Inks(tuple(edges), tuple(dots), WHITE)


def _hue(turn: float) -> Colour:
    """The colour of the HSV wheel at `turn` in [0, 1), full saturation and value."""
    import colorsys

    red, green, blue = colorsys.hsv_to_rgb(turn % 1.0, 1.0, 1.0)
    return round(red * 255), round(green * 255), round(blue * 255)
