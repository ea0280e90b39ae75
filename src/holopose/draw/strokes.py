"""Owns strokes: anti-aliased capsules, ellipses and boxes at sub-pixel places, and layers of opacity.

OpenCV's anti-aliased edge reaches about 0.7 px beyond the polygon it fills, and its thick lines come in steps of two
pixels. So a stroke here is a polygon made smaller by that reach, which gives any width from 1.4 px on; a thinner one is
drawn with the thinnest line there is and its layer is made fainter (`faintness`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import cv2
import numpy as np
import numpy.typing as npt

__all__ = [
    "Colour",
    "Region",
    "capsules",
    "clip",
    "ellipses",
    "faintness",
    "layer",
    "outline",
    "region_of",
    "tag",
    "tag_region",
    "union",
]

Image = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]
Colour = tuple[int, int, int]
Region = tuple[int, int, int, int]
"""Left, top, right, bottom in whole pixels, right and bottom excluded."""

_SHIFT = 5  # fixed point of 1/32 px
_REACH_PX = 0.72  # how far OpenCV's anti-aliased edge goes beyond a polygon (measured, 4.12 to 5.0)
_THINNEST_PX = 1.4  # width of its one-pixel line
_FONT_PX = 21.0  # height of capitals of OpenCV's plain font at scale 1
_TEXT: Colour = (16, 18, 24)
_CAP = np.linspace(np.pi / 2, 3 * np.pi / 2, 9)
_ROUND = np.linspace(0, 2 * np.pi, 36, endpoint=False)


def clip(segments: Points, size_wh: tuple[int, int], margin_px: float) -> tuple[Points, npt.NDArray[np.bool_]]:
    """Segments cut to the picture and a margin around it, so that no coordinate is too large to draw (Liang-Barsky).

    Args:
        segments: (E, 2, 2) float64 px, start and end of each; may be anywhere, finite.
        size_wh: Width and height of the picture.
        margin_px: How far beyond its border a segment may reach.

    Returns:
        (F, 2, 2) float64 px of the F segments that touch that window, and (E,) bool telling which they are.
    """
    low = np.full(2, -margin_px)
    high = np.array(size_wh, np.float64) - 1 + margin_px
    if ((segments >= low) & (segments <= high)).all():
        return segments, np.ones(len(segments), np.bool_)
    start, way = segments[:, 0], segments[:, 1] - segments[:, 0]
    moving = np.abs(way) > 1e-9  # px; dividing by less could overflow
    safe = np.where(moving, way, 1.0)
    inside = (start >= low) & (start <= high)
    at_low, at_high = (low - start) / safe, (high - start) / safe
    enter = np.where(moving, np.minimum(at_low, at_high), np.where(inside, -np.inf, np.inf))
    leave = np.where(moving, np.maximum(at_low, at_high), np.where(inside, np.inf, -np.inf))
    first, last = np.maximum(enter.max(axis=1), 0.0), np.minimum(leave.min(axis=1), 1.0)
    keep = first <= last
    cut = start[keep, None] + np.stack([first[keep], last[keep]], axis=1)[:, :, None] * way[keep, None]
    return np.clip(cut, low, high), keep


def faintness(width_px: float) -> float:
    """Opacity that makes the thinnest line look as faint as one of `width_px`: 1 from 1.4 px on, never below 0.35."""
    return min(1.0, max(0.35, width_px / _THINNEST_PX))


def capsules(canvas: Image, segments: Points, colours: Sequence[Colour], width_px: float) -> None:
    """Draw round-ended strokes; one of no length is a dot.

    Args:
        canvas: (H, W, 3) or (H, W, 4) uint8, drawn on. With four channels: premultiplied alpha.
        segments: (E, 2, 2) float64 px, finite, anywhere.
        colours: One RGB colour per segment.
        width_px: Width, or the dots' diameter.
    """
    segments, keep = clip(segments, (canvas.shape[1], canvas.shape[0]), width_px + 2)
    if not len(segments):
        return
    inks = [_ink(canvas, colour) for colour, kept in zip(colours, keep.tolist(), strict=True) if kept]
    way = segments[:, 1] - segments[:, 0]
    radius = width_px / 2 - _REACH_PX
    if radius < 0.05 and way.any():
        _thin(canvas, segments, inks)
        return
    angle = np.arctan2(way[:, 1], way[:, 0])[:, None] + _CAP
    cap = max(radius, 0.05) * np.stack([np.cos(angle), np.sin(angle)], axis=2)
    _fill(canvas, np.concatenate([segments[:, :1] + cap, segments[:, 1:] - cap], axis=1), inks)


def ellipses(canvas: Image, segments: Points, colours: Sequence[Colour], width_px: float) -> None:
    """Draw each segment as a filled ellipse with its ends at the segment's ends and `width_px` across."""
    far = 4.0 * max(canvas.shape[:2])
    segments, keep = clip(segments, (canvas.shape[1], canvas.shape[0]), far)
    inks = [_ink(canvas, colour) for colour, kept in zip(colours, keep.tolist(), strict=True) if kept]
    centre, half = segments.mean(axis=1)[:, None], (segments[:, 1] - segments[:, 0])[:, None] / 2
    length = np.hypot(half[..., 0], half[..., 1])[..., None]
    across = np.stack([-half[..., 1], half[..., 0]], axis=2) / np.maximum(length, 1e-9)
    across = across * max(width_px / 2 - _REACH_PX, 0.05)
    _fill(canvas, centre + half * np.cos(_ROUND)[:, None] + across * np.sin(_ROUND)[:, None], inks)


def outline(canvas: Image, xyxy: Points, colour: Colour, width_px: float) -> None:
    """Draw a rectangle's border; xyxy is (4,) float64 px."""
    left, top, right, bottom = xyxy.tolist()
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    capsules(canvas, np.stack([corners, np.roll(corners, -1, axis=0)], axis=1), [colour] * 4, width_px)


def tag_region(text: str, at: tuple[float, float], height_px: float, size_wh: tuple[int, int]) -> Region:
    """Where `tag` draws: a plate above `at` (a box's top left corner), moved so as to stay in the picture."""
    scale = height_px / _FONT_PX
    (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    plate = math.ceil(width + height_px), math.ceil(1.8 * height_px)
    corner = [
        int(max(0, min(want, size - own)))
        for want, size, own in zip((at[0], at[1] - plate[1]), size_wh, plate, strict=True)
    ]
    return corner[0], corner[1], min(corner[0] + plate[0], size_wh[0]), min(corner[1] + plate[1], size_wh[1])


def tag(canvas: Image, text: str, region: Region, colour: Colour, height_px: float) -> None:
    """Write dark text of `height_px` on a plate of `colour` that fills `region`."""
    left, top, right, bottom = region
    canvas[top:bottom, left:right] = _ink(canvas, colour)
    view = canvas[top:bottom, left:right]
    place = round(0.5 * height_px), round(1.4 * height_px)
    thickness = max(1, round(height_px / 10))
    cv2.putText(
        view, text, place, cv2.FONT_HERSHEY_SIMPLEX, height_px / _FONT_PX, _ink(canvas, _TEXT), thickness, cv2.LINE_AA
    )


def region_of(points: Points, margin_px: float, size_wh: tuple[int, int]) -> Region:
    """The part of the picture that strokes around (N, 2) float64 px points touch; empty when it is all outside."""
    if not len(points):
        return 0, 0, 0, 0
    size = np.array(size_wh)
    low = np.clip(np.floor(points.min(axis=0) - margin_px), 0, size).astype(int)
    high = np.clip(np.ceil(points.max(axis=0) + margin_px) + 1, 0, size).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def union(regions: Sequence[Region]) -> Region:
    """The smallest region around all that are not empty."""
    full = [region for region in regions if region[0] < region[2] and region[1] < region[3]]
    if not full:
        return 0, 0, 0, 0
    left, top, right, bottom = zip(*full, strict=True)
    return min(left), min(top), max(right), max(bottom)


@contextmanager
def layer(canvas: Image, region: Region, opacity: float) -> Iterator[None]:
    """What is drawn inside the block shows with `opacity` where it differs from what was there before.

    Nothing may be drawn outside `region`. Pixels that the block leaves alone keep their exact value.
    """
    left, top, right, bottom = region
    view = canvas[top:bottom, left:right]
    if opacity >= 1 or not view.size:
        yield
        return
    before = view.copy()
    yield
    cv2.addWeighted(view, opacity, before, 1 - opacity, 0, dst=view)


def _ink(canvas: Image, colour: Colour) -> tuple[int, ...]:
    return (*colour, 255) if canvas.shape[2] == 4 else colour


def _fixed(points: Points) -> npt.NDArray[np.int32]:
    return np.rint(points * (1 << _SHIFT)).astype(np.int32)


def _fill(canvas: Image, polygons: Points, inks: Sequence[tuple[int, ...]]) -> None:
    for polygon, ink in zip(_fixed(polygons), inks, strict=True):
        cv2.fillConvexPoly(canvas, polygon, ink, cv2.LINE_AA, _SHIFT)


def _thin(canvas: Image, segments: Points, inks: Sequence[tuple[int, ...]]) -> None:
    """One-pixel lines, one call per colour."""
    batches: dict[tuple[int, ...], list[npt.NDArray[np.int32]]] = {}
    for segment, ink in zip(_fixed(segments), inks, strict=True):
        batches.setdefault(ink, []).append(segment)
    for ink, batch in batches.items():
        cv2.polylines(canvas, batch, False, ink, 1, cv2.LINE_AA, _SHIFT)
